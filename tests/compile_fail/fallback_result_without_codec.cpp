// SPDX-License-Identifier: BSL-1.0
// expect: .once. cannot write results of this type down
#include <coffer/policy/once.hpp>
#include <coffer/store/memory.hpp>

#include "alternatives.hpp"

struct result {
    int n;
};
coffer::awaitable<result> made(int n) { co_return result{n}; }
coffer::awaitable<coffer::outcome<coffer::answer>> raw(int) { co_return coffer::answer{"1"}; }

auto ask(coffer::memory_store const& db, coffer::call& call) {
    auto const to = [](int) { return coffer::target{"somebody", "m"}; };
    auto const print = [](int n) { return coffer::fingerprint{}.with("n", std::to_string(n)); };
    auto const read = [](coffer::answer const&) -> coffer::outcome<result> { return result{1}; };
    auto const first = coffer::pipeline{}.wrap(coffer::describe(raw).target(to).fingerprint(print).decode(read));
#ifdef COFFER_COMPILE_FAIL_FIXED
    auto const second = coffer::pipeline{}.wrap(coffer::describe(raw).target(to).decode(read));
#else
    auto const second = coffer::pipeline{}.wrap(coffer::describe(made).target(to));
#endif
    return coffer::pipeline{coffer::once{db}}.wrap(coffer::fallback{first, second}).try_call(call, 1);
}
