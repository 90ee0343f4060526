// SPDX-License-Identifier: BSL-1.0
// expect: coffer::per_key: the second argument makes a layer .*and per_key takes gates
#include <coffer/policy/circuit_breaker.hpp>
#include <coffer/policy/per_key.hpp>
#include <coffer/policy/timeout.hpp>

#include <chrono>

inline auto const a_breaker = [] { return coffer::circuit_breaker{}; };
inline auto const a_limit = [] { return coffer::timeout{std::chrono::seconds{1}}; };

#ifdef COFFER_COMPILE_FAIL_FIXED
coffer::per_key const right{coffer::by_model{}, a_breaker};
#else
coffer::per_key const wrong{coffer::by_model{}, a_limit};
#endif
