// SPDX-License-Identifier: BSL-1.0
// expect: non-aggregate type
#include <coffer/policy/retry.hpp>

#ifdef COFFER_COMPILE_FAIL_FIXED
coffer::retry const right{{.attempts = 4}};
#else
coffer::retry const wrong{.attempts = 4};
#endif
