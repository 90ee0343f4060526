// SPDX-License-Identifier: BSL-1.0
// expect: before '\{' token|expected '\(' for function-style cast
#include <coffer/policy/retry.hpp>

#include <coffer/call/pipeline.hpp>

#ifdef COFFER_COMPILE_FAIL_FIXED
auto made() { return coffer::pipeline{coffer::retry{}}; }
#else
auto made() { return coffer::pipeline{coffer::retry}; }
#endif
