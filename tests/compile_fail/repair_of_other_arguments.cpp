// SPDX-License-Identifier: BSL-1.0
// expect: hook of describe\(fn\).repair\(...\) must be callable as
#include <coffer/call/pipeline.hpp>

#include <string>

coffer::awaitable<coffer::outcome<std::string>> operation(std::string const& prompt) { co_return prompt; }

auto ask(coffer::call& call, std::string const& prompt) {
#ifdef COFFER_COMPILE_FAIL_FIXED
    auto const hook = [](std::string& p, coffer::defect const&) { return p += "!", true; };
#else
    auto const hook = [](coffer::defect const&) { return true; };
#endif
    return coffer::pipeline{}.wrap(coffer::describe(operation).repair(hook)).try_call(call, prompt);
}
