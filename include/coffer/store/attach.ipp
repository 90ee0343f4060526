// SPDX-License-Identifier: BSL-1.0
#pragma once
// Definitions of attach.hpp.

#include <coffer/store/attach.hpp>

namespace coffer::inline COFFER_ABI::detail {

COFFER_INLINE std::optional<outcome<shared_answer>> told_by(record const& r) {
    switch (r.state) {
        case record_state::done: return r.accepted()->reply;
        case record_state::failed: return failed(*r.stored_fault);
        case record_state::acked: return failed(fault_kind::already_done, "this key's result was acknowledged");
        case record_state::expired:
            return failed(fault_kind::result_expired, "this key was paid for, but its answer is no longer kept");
        default: break;
    }
    bool const spent = r.counted_sends() > 0 && r.counted_sends() >= r.allowed_sends();
    if (r.held || r.undecoded() || !spent) return std::nullopt;
    return failed(fault{fault_kind::unresolved, "every permitted send of this key is spent and it has no answer"}
                      .with_execution(knowledge::maybe)
                      .with_billing(knowledge::maybe));
}

COFFER_INLINE std::optional<outcome<shared_answer>> told_by(landing const& how) {
    if (how.begin_anew || (how.why && is_coffers_own(how.why->kind()))) return std::nullopt;
    if (how.thrown) std::rethrow_exception(how.thrown);
    if (how.why) return failed(*how.why);
    return how.what;
}

COFFER_INLINE fault still_nothing(bool at_work) {
    using namespace std::chrono_literals;
    return fault{fault_kind::in_progress, at_work ? "this key is worked on and has no answer yet; look again later"
                                                  : "this key has no answer, and nobody is seen to work on it"}
        .with_retry_after(1s);
}

}  // namespace coffer::inline COFFER_ABI::detail
