// SPDX-License-Identifier: BSL-1.0
// expect: the wrapped pipeline has a journal of its own: keep one `once`, in the outer pipeline
#include "policies.hpp"

coffer::awaitable<int> operation(int n) { co_return n; }

auto wrap() {
#ifdef COFFER_COMPILE_FAIL_FIXED
    auto const inner = coffer::pipeline{}.wrap(operation);
#else
    auto const inner = coffer::pipeline{journal{}}.wrap(operation);
#endif
    return coffer::pipeline{journal{}}.wrap(coffer::pipeline{}.wrap(inner));  // seen through one in between, too
}
