// SPDX-License-Identifier: BSL-1.0
#pragma once
// Definitions of walk.hpp.

#include <coffer/call/walk.hpp>

#include <algorithm>

namespace coffer::inline COFFER_ABI::detail {

COFFER_INLINE void as_cancelled(fault& why, bool attempted) {
    if (why.kind() == fault_kind::cancelled) return;
    auto cancelled = fault{fault_kind::cancelled, "the caller left"}.with_cause(why.cause());
    if (attempted) cancelled.with_execution(why.execution()).with_billing(why.billing());
    why = std::move(cancelled);
}

COFFER_INLINE void at_least_as_billed(fault& why, fault const& before) {
    why.with_execution(std::max(why.execution(), before.execution()));
    why.with_billing(std::max(why.billing(), before.billing()));
}

COFFER_INLINE bool refused_inside(fault const& why, bool tried) noexcept {
    bool const refusal = is_coffers_own(why.kind()) || (why.kind() == fault_kind::timed_out && !tried);
    return refusal && why.execution() == knowledge::no && why.billing() == knowledge::no;
}

}  // namespace coffer::inline COFFER_ABI::detail
