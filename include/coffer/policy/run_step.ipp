// SPDX-License-Identifier: BSL-1.0
#pragma once
// Definitions of run_step.hpp.

#include <coffer/policy/run_step.hpp>

namespace coffer::inline COFFER_ABI::detail {

COFFER_INLINE bool may_have_been_done(fault const& why) {
    return why.kind() == fault_kind::store_unavailable && why.code() != "run_lost" && why.code() != "run_over";
}

COFFER_INLINE held_turn::~held_turn() {
    if (run_) run_->give_turn(false, std::nullopt);
}

COFFER_INLINE void held_turn::over(std::optional<fault> failed) {
    std::exchange(run_, nullptr)->give_turn(true, std::move(failed));
}

COFFER_INLINE fault preflight_fault(std::exception_ptr const& thrown) {
    std::string const what{classify_exception(thrown).message()};  // throws on what is no fault
    return fault{fault_kind::preflight_failed, "the run's preflight failed, so nothing was sent: " + what}.with_cause(
        thrown);
}

}  // namespace coffer::inline COFFER_ABI::detail
