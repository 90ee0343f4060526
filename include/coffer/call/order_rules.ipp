// SPDX-License-Identifier: BSL-1.0
#pragma once
// Definitions of order_rules.hpp.

#include <coffer/call/order_rules.hpp>

#include <algorithm>
#include <functional>

namespace coffer::inline COFFER_ABI::detail {

COFFER_INLINE void check_erased_order(contents outer, contents inner) {
    if (outer.journal && inner.journal)
        throw misuse{"coffer: the wrapped pipeline has a journal of its own: keep one `once`, in the outer pipeline"};
    if (outer.multiplies_sends && inner.journal)
        throw misuse{
            "coffer: the wrapped pipeline has a journal inside this pipeline's retry: move `once` to this pipeline, "
            "before the retry"};
    if (outer.per_send && inner.multiplies_sends)
        throw misuse{
            "coffer: the wrapped pipeline multiplies sends (retry, fallback, hedge) inside this pipeline's rate_limit, "
            "bulkhead or budget, which would see only the first: move it into the wrapped pipeline"};
    if (outer.innermost)
        throw misuse{
            "coffer: `budget` must stand in the pipeline that wraps the operation itself, where it sees what a request "
            "can cost and where its send is permitted: move it to the end of the wrapped pipeline"};
}

COFFER_INLINE void refuse_twice(std::span<void const*> states) {
    std::sort(states.begin(), states.end(), std::less<>{});
    for (std::size_t i = 1; i < states.size(); ++i)
        if (states[i] != nullptr && states[i] == states[i - 1])
            throw misuse{
                "coffer: copies of one policy stand in this pipeline twice, and every attempt would be counted "
                "twice: copies share state, make another one"};
}

}  // namespace coffer::inline COFFER_ABI::detail
