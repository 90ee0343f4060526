// SPDX-License-Identifier: BSL-1.0
#pragma once
// Definitions of fallback_rule.hpp.

#include <coffer/state/fallback_rule.hpp>

#include <algorithm>

namespace coffer::inline COFFER_ABI {

COFFER_INLINE bool would_be_late(fault const& why, fallback_facts const& f) noexcept {
    return why.kind() == fault_kind::deadline_exceeded && why.execution() == knowledge::no &&
           why.billing() == knowledge::no && f.now < f.deadline;
}

COFFER_INLINE fallback_verdict decide_fallback(fallback_options const& o, fault const& why,
                                               fallback_facts const& f) noexcept {
    bool const wanted = would_be_late(why, f) ||
                        (!ends_the_call(why.kind()) && f.user.value_or(may_try_another(why.kind(), o.larger_context)));
    if (!wanted || !f.more) return {};
    if (f.sends_left <= 0) return {false, stop_reason::sends_spent};
    if (f.now >= f.deadline) return {false, stop_reason::deadline};
    return {true};
}

COFFER_INLINE void told_fault::add(fault const& why) {
    auto const rank = rank_of(why);
    if (!told_ || rank >= rank_) {
        rank_ = rank;
        told_ = why;
    }
    execution_ = std::max(execution_, why.execution());
    billing_ = std::max(billing_, why.billing());
}

COFFER_INLINE fault told_fault::after(fault const& last) const {
    fault told = speaks_for_all(last.kind()) ? last : *told_;
    return std::move(told.with_execution(execution_).with_billing(billing_));
}

}  // namespace coffer::inline COFFER_ABI
