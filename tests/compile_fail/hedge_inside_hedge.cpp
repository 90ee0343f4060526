// SPDX-License-Identifier: BSL-1.0
// expect: an alternative of a hedge hedges itself, which would multiply the requests
// expect: keep one of them, with all the backups
#include "alternatives.hpp"

#include <coffer/policy/hedge.hpp>

auto wrap() {
    auto const each = coffer::pipeline{plain{}}.wrap(aimed());
#ifdef COFFER_COMPILE_FAIL_FIXED
    return coffer::pipeline{}.wrap(coffer::hedge{each, each, each});
#else
    return coffer::pipeline{}.wrap(coffer::hedge{each, coffer::pipeline{}.wrap(coffer::hedge{each, each})});
#endif
}
