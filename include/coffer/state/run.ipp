// SPDX-License-Identifier: BSL-1.0
#pragma once
// Definitions of run.hpp.

#include <coffer/state/run.hpp>

namespace coffer::inline COFFER_ABI {

COFFER_INLINE bool run_record::is_stopped(run_limits const& l) const noexcept {
    return state == run_state::idle && (fails_the_same_way(l) || counted >= l.max_runs);
}

COFFER_INLINE run_filter::run_filter(std::string ns, bool only_stopped)
    : name_space{std::move(ns)}, stopped_only{only_stopped} {}

COFFER_INLINE run_summary summary_of(record_id job, run_record const& r) {
    return {std::move(job), r.state,  r.is_stopped(r.limits), r.begun, r.counted, r.same_failures, r.signature,
            r.created,      r.updated};
}

}  // namespace coffer::inline COFFER_ABI
