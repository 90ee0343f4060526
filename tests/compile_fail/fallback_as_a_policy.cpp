// SPDX-License-Identifier: BSL-1.0
// expect: is no policy, but what a pipeline is put around
#include <coffer/policy/retry.hpp>

#include "alternatives.hpp"

inline auto const one = coffer::pipeline{}.wrap(aimed());
#ifdef COFFER_COMPILE_FAIL_FIXED
auto const right = coffer::pipeline{coffer::retry{}}.wrap(coffer::fallback{one, one});
#else
auto const wrong = coffer::pipeline{coffer::retry{}, coffer::fallback{one, one}};
#endif
