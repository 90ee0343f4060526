// SPDX-License-Identifier: BSL-1.0
// expect: the wrapped pipeline has a journal inside this pipeline's retry: move `once` to this pipeline, before the retry
#include <coffer/policy/retry.hpp>

#include "policies.hpp"

coffer::awaitable<int> operation(int n) { co_return n; }

auto wrap() {
#ifdef COFFER_COMPILE_FAIL_FIXED
    return coffer::pipeline{journal{}, coffer::retry{}}.wrap(coffer::pipeline{}.wrap(operation));
#else
    return coffer::pipeline{coffer::retry{}}.wrap(coffer::pipeline{journal{}}.wrap(operation));
#endif
}
