// SPDX-License-Identifier: BSL-1.0
// expect: coffer::per_key: the second argument makes a gate for each name
#include <coffer/policy/circuit_breaker.hpp>
#include <coffer/policy/per_key.hpp>

inline auto const a_breaker = [] { return coffer::circuit_breaker{}; };

#ifdef COFFER_COMPILE_FAIL_FIXED
coffer::per_key const right{coffer::by_model{}, a_breaker};
#else
coffer::per_key const wrong{coffer::by_model{}, coffer::circuit_breaker{}};
#endif
