// SPDX-License-Identifier: BSL-1.0
// says: coffer: the hook of describe(fn).repair(...) takes its arguments by value or const, so that it changes nothing, and the same request would be paid for again: take them by reference, args&
#include <coffer/call/pipeline.hpp>

#include <string>

coffer::awaitable<coffer::outcome<std::string>> operation(std::string const& prompt) { co_return prompt; }

auto ask(coffer::call& call, std::string const& prompt) {
#ifdef COFFER_COMPILE_FAIL_FIXED
    auto const hook = [](coffer::defect const&, std::string& p) { return p += "!", true; };
#else
    auto const hook = [](coffer::defect const&, std::string p) { return p += "!", true; };
#endif
    return coffer::pipeline{}.wrap(coffer::describe(operation).repair(hook)).try_call(call, prompt);
}
