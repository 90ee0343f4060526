// SPDX-License-Identifier: BSL-1.0
// says: coffer: the hook of describe(fn).target(...) must be callable as (args...) -> coffer::target, as a const object
#include <coffer/coffer.hpp>

#include <string>

inline coffer::awaitable<std::string> chat(std::string const& prompt) { co_return prompt; }

inline auto make() {
#ifdef COFFER_COMPILE_FAIL_FIXED
    return coffer::pipeline{coffer::retry{}}.wrap(coffer::describe(&chat).target({"openai", "gpt-4o-mini"}));
#else
    return coffer::pipeline{coffer::retry{}}.wrap(coffer::describe(&chat).target("openai"));
#endif
}

inline coffer::awaitable<std::string> ask(coffer::call& call) {
    auto const wrapped = make();
    std::string const prompt = "why?";
    co_return co_await wrapped(call, prompt);
}
