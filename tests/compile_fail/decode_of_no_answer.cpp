// SPDX-License-Identifier: BSL-1.0
// expect: an operation with decode must return asio::awaitable<coffer::outcome<answer>>
#include <coffer/call/pipeline.hpp>

#include <string>

#ifdef COFFER_COMPILE_FAIL_FIXED
coffer::awaitable<coffer::outcome<coffer::answer>> operation() { co_return coffer::answer{"7"}; }
#else
coffer::awaitable<std::string> operation() { co_return "7"; }
#endif

auto ask(coffer::call& call) {
    auto const decode = [](coffer::answer const& a) -> coffer::outcome<std::string> { return a.body; };
    return coffer::pipeline{}.wrap(coffer::describe(operation).decode(decode)).try_call(call);
}
