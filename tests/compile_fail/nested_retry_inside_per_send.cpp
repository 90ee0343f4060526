// SPDX-License-Identifier: BSL-1.0
// expect: the wrapped pipeline multiplies sends .retry, fallback, hedge. inside this pipeline's rate_limit, bulkhead or budget
// expect: move it into the wrapped pipeline
#include <coffer/policy/retry.hpp>

#include "policies.hpp"

coffer::awaitable<int> operation(int n) { co_return n; }

auto wrap() {
#ifdef COFFER_COMPILE_FAIL_FIXED
    return coffer::pipeline{coffer::retry{}}.wrap(coffer::pipeline{limiter{}}.wrap(operation));
#else
    return coffer::pipeline{limiter{}}.wrap(coffer::pipeline{coffer::retry{}}.wrap(operation));
#endif
}
