// SPDX-License-Identifier: BSL-1.0
// says: coffer: `once` stands inside a policy that multiplies sends (retry, fallback, hedge), which would run the journal again for every attempt: put `once` before it
// expect: put `once` before it
#include <coffer/policy/retry.hpp>

#include "policies.hpp"

#ifdef COFFER_COMPILE_FAIL_FIXED
coffer::pipeline const right{journal{}, coffer::retry{}};
#else
coffer::pipeline const wrong{coffer::retry{}, journal{}};
#endif
