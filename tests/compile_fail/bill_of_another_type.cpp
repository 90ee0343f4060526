// SPDX-License-Identifier: BSL-1.0
// says: coffer: the hook of describe(fn).bill(...) must be callable as (coffer::answer const&), or for an operation without decode as (R const&) -> coffer::billed, as a const object
#include <coffer/call/pipeline.hpp>

#include <string>

coffer::awaitable<std::string> operation(std::string const& prompt) { co_return prompt; }

auto ask(coffer::call& call, std::string const& prompt) {
#ifdef COFFER_COMPILE_FAIL_FIXED
    auto const hook = [](std::string const&) { return coffer::billed{{}, coffer::money::from_nano(1)}; };
#else
    auto const hook = [](std::string const&) { return coffer::money::from_nano(1); };
#endif
    return coffer::pipeline{}.wrap(coffer::describe(operation).bill(hook)).try_call(call, prompt);
}
