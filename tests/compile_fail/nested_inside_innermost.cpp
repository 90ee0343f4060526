// SPDX-License-Identifier: BSL-1.0
// expect: `budget` must stand in the pipeline that wraps the operation itself
#include "policies.hpp"

coffer::awaitable<int> operation(int n) { co_return n; }

auto wrap() {
#ifdef COFFER_COMPILE_FAIL_FIXED
    return coffer::pipeline{plain{}}.wrap(coffer::pipeline{innermost{}}.wrap(operation));
#else
    return coffer::pipeline{innermost{}}.wrap(coffer::pipeline{plain{}}.wrap(operation));
#endif
}
