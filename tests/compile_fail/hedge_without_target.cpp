// SPDX-License-Identifier: BSL-1.0
// expect: an alternative of a hedge must say where it goes, so that the log tells who answered
// expect: describe.operation..target
#include "alternatives.hpp"

#include <coffer/policy/hedge.hpp>

auto ask(coffer::call& call) {
    auto const first = coffer::pipeline{}.wrap(aimed());
#ifdef COFFER_COMPILE_FAIL_FIXED
    auto const second = coffer::pipeline{}.wrap(aimed());
#else
    auto const second = coffer::pipeline{}.wrap(operation);
#endif
    return coffer::pipeline{}.wrap(coffer::hedge{first, second}).try_call(call, 1);
}
