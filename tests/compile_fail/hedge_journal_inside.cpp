// SPDX-License-Identifier: BSL-1.0
// expect: an alternative of a hedge has a journal of its own, and two requests would exceed max_sends
// expect: move .once. to the pipeline that wraps the hedge
#include "alternatives.hpp"

#include <coffer/policy/hedge.hpp>

auto wrap() {
    auto const first = coffer::pipeline{plain{}}.wrap(aimed());
#ifdef COFFER_COMPILE_FAIL_FIXED
    auto const second = coffer::pipeline{plain{}}.wrap(aimed());
#else
    auto const second = coffer::pipeline{journal{}}.wrap(aimed());
#endif
    return coffer::pipeline{journal{}}.wrap(coffer::hedge{first, second});
}
