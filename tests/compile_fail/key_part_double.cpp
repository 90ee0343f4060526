// SPDX-License-Identifier: BSL-1.0
// expect: no matching function for call to .*key|no matching constructor for initialization of .*key
#include <coffer/base/key.hpp>

#ifdef COFFER_COMPILE_FAIL_FIXED
coffer::key const good("report", "0.5");
#else
coffer::key const bad("report", 0.5);
#endif
