// SPDX-License-Identifier: BSL-1.0
// expect: chaos wraps an operation, inside all policies; around a pipeline it is a layer of the outer one
#include <coffer/call/pipeline.hpp>
#include <coffer/testing/chaos.hpp>

inline auto const inner = coffer::pipeline{}.wrap([](int) -> coffer::awaitable<int> { co_return 1; });
inline coffer::testing::chaos const weather;

#ifdef COFFER_COMPILE_FAIL_FIXED
auto const right = coffer::pipeline{weather}.wrap(inner);
#else
auto const wrong = weather.wrap(inner);
#endif
