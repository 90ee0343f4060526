// SPDX-License-Identifier: BSL-1.0
// expect: .budget. must stand in the pipeline that wraps the operation itself
#include "alternatives.hpp"

auto wrap() {
#ifdef COFFER_COMPILE_FAIL_FIXED
    auto const each = coffer::pipeline{innermost{}}.wrap(aimed());
    return coffer::pipeline{plain{}}.wrap(coffer::fallback{each, each});
#else
    auto const each = coffer::pipeline{}.wrap(aimed());
    return coffer::pipeline{innermost{}}.wrap(coffer::fallback{each, each});
#endif
}
