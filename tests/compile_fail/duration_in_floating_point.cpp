// SPDX-License-Identifier: BSL-1.0
// expect: no matching (function for call to '(coffer::v0::)?retry|constructor for initialization of '(const )?coffer::retry)|no matching function for call to 'coffer::v0\w*::retry
#include <coffer/policy/retry.hpp>

using namespace std::chrono_literals;

#ifdef COFFER_COMPILE_FAIL_FIXED
coffer::retry const right{{.attempt_timeout = 500ms}};
#else
coffer::retry const wrong{{.attempt_timeout = 0.5s}};
#endif
