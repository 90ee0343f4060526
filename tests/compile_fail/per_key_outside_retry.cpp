// SPDX-License-Identifier: BSL-1.0
// expect: a policy that must meet every send .rate_limit, bulkhead, budget. stands outside a policy that multiplies sends
#include <coffer/policy/per_key.hpp>
#include <coffer/policy/rate_limit.hpp>
#include <coffer/policy/retry.hpp>

#include <coffer/call/pipeline.hpp>

inline auto const a_limit = [] { return coffer::rate_limit{{.requests_per_minute = 60}}; };
inline auto const a_retry = [] { return coffer::retry{}; };
inline coffer::per_key const pace{coffer::by_tag{"tenant"}, a_limit};
inline coffer::per_key const tries{coffer::by_model{}, a_retry};

#ifdef COFFER_COMPILE_FAIL_FIXED
coffer::pipeline const right{tries, pace};
#else
coffer::pipeline const wrong{pace, tries};
#endif
