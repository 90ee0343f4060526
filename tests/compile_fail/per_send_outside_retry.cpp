// SPDX-License-Identifier: BSL-1.0
// says: coffer: a policy that must meet every send (rate_limit, bulkhead, budget) stands outside a policy that multiplies sends (retry, fallback, hedge) and would see only the first: put it after that one
// expect: put it after that one
#include <coffer/policy/retry.hpp>

#include "policies.hpp"

#ifdef COFFER_COMPILE_FAIL_FIXED
coffer::pipeline const right{coffer::retry{}, limiter{}};
#else
coffer::pipeline const wrong{limiter{}, coffer::retry{}};
#endif
