// SPDX-License-Identifier: BSL-1.0
// expect: the alternatives of a hedge must give the same result
#include "alternatives.hpp"

#include <coffer/policy/hedge.hpp>

#include <string>

coffer::awaitable<std::string> in_words(int n) { co_return std::to_string(n); }

auto ask(coffer::call& call) {
    auto const first = coffer::pipeline{}.wrap(aimed());
#ifdef COFFER_COMPILE_FAIL_FIXED
    auto const second = coffer::pipeline{}.wrap(aimed());
#else
    auto const second =
        coffer::pipeline{}.wrap(coffer::describe(in_words).target([](int) { return coffer::target{"somebody", "m"}; }));
#endif
    return coffer::pipeline{}.wrap(coffer::hedge{first, second}).try_call(call, 1);
}
