// SPDX-License-Identifier: BSL-1.0
// expect: the wrapped pipeline multiplies sends .retry, fallback, hedge. inside this pipeline's rate_limit, bulkhead or budget
#include "alternatives.hpp"

#include <coffer/policy/hedge.hpp>

auto wrap() {
#ifdef COFFER_COMPILE_FAIL_FIXED
    auto const each = coffer::pipeline{limiter{}}.wrap(aimed());
    return coffer::pipeline{plain{}}.wrap(coffer::hedge{each, each});
#else
    auto const each = coffer::pipeline{plain{}}.wrap(aimed());
    return coffer::pipeline{limiter{}}.wrap(coffer::hedge{each, each});
#endif
}
