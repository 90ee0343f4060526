// SPDX-License-Identifier: BSL-1.0
// expect: coffer: decode must return coffer::outcome<R>
#include <coffer/call/pipeline.hpp>

#include <string>

coffer::awaitable<coffer::outcome<coffer::answer>> operation() { co_return coffer::answer{"7"}; }

auto ask(coffer::call& call) {
#ifdef COFFER_COMPILE_FAIL_FIXED
    auto const decode = [](coffer::answer const& a) -> coffer::outcome<std::string> { return a.body; };
#else
    auto const decode = [](coffer::answer const& a) -> std::string { return a.body; };
#endif
    return coffer::pipeline{}.wrap(coffer::describe(operation).decode(decode)).try_call(call);
}
