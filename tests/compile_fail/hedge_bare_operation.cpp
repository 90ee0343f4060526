// SPDX-License-Identifier: BSL-1.0
// expect: an alternative of a hedge is an operation with a pipeline of its own
#include "alternatives.hpp"

#include <coffer/policy/hedge.hpp>

auto wrap() {
    auto const first = coffer::pipeline{plain{}}.wrap(aimed());
#ifdef COFFER_COMPILE_FAIL_FIXED
    auto const second = coffer::pipeline{}.wrap(aimed());
#else
    auto const second = aimed();
#endif
    return coffer::pipeline{}.wrap(coffer::hedge{first, second});
}
