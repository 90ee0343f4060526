// SPDX-License-Identifier: BSL-1.0
#pragma once
// Definitions of once_options.hpp.

#include <coffer/policy/once_options.hpp>

#include <algorithm>
#include <stdexcept>

namespace coffer::inline COFFER_ABI {

COFFER_INLINE void once_options::check() const {
    if (max_sends < 1) throw std::invalid_argument{"coffer::once: max_sends must be at least 1 (1 = strict)"};
    if (lease <= duration::zero() || heartbeat <= duration::zero())
        throw std::invalid_argument{"coffer::once: lease and heartbeat must be longer than zero"};
    if (heartbeat > lease / 2)
        throw std::invalid_argument{
            "coffer::once: the heartbeat must come at least twice per lease, or a busy "
            "moment loses the claim"};
    if (attempt_timeout <= duration::zero())
        throw std::invalid_argument{"coffer::once: attempt_timeout must be longer than zero"};
    if (finish_grace < duration::zero() || takeover_grace < duration::zero() || store_wait < duration::zero())
        throw std::invalid_argument{"coffer::once: a grace or wait cannot be negative"};
    if (request_fault_kept < duration::zero())
        throw std::invalid_argument{"coffer::once: request_fault_kept cannot be negative"};
    if (acknowledged_kept < shortest_kept || unacknowledged_kept < shortest_kept)
        throw std::invalid_argument{
            "coffer::once: acknowledged_kept and unacknowledged_kept must be at least an hour: a key that is "
            "forgotten is paid for again when its job is run again (to share equal requests for minutes: "
            "key::of_request)"};
}

namespace detail {

COFFER_INLINE void describe_into(composition& to, once_options const& o) {
    once_options const usual;
    to.with("max_sends", o.max_sends);
    to.with_other("lease", o.lease, usual.lease);
    to.with_other("heartbeat", o.heartbeat, usual.heartbeat);
    to.with_other("attempt_timeout", o.attempt_timeout, usual.attempt_timeout);
    to.with_other("finish_grace", o.finish_grace, usual.finish_grace);
    to.with_other("takeover_grace", o.takeover_grace, usual.takeover_grace);
    to.with_other("store_wait", o.store_wait, usual.store_wait);
    to.with_other("request_fault_kept", o.request_fault_kept, usual.request_fault_kept);
    to.with_other("acknowledged_kept", o.acknowledged_kept, usual.acknowledged_kept);
    to.with_other("unacknowledged_kept", o.unacknowledged_kept, usual.unacknowledged_kept);
    if (o.in_other_process == elsewhere::wait) to.with("waits for other processes");
    if (o.without_store == degrade::send_unjournaled) to.with("sends unjournaled without its store");
    if (o.on_mismatch == mismatch_rule::replay_stored) to.with("the key alone decides");
    if (o.on_mismatch == mismatch_rule::new_generation) to.with("a new generation for each request");
}

COFFER_INLINE fault fault_of(claim_verdict const& v, std::string const& resolving) {
    using std::chrono::duration_cast, std::chrono::seconds;
    if (auto const* const f = std::get_if<failed_before>(&v)) {
        if (f->why.kind() != fault_kind::defective_answer) return f->why;
        fault why = f->why;
        return std::move(
            why.with_message(std::string{why.message()} + "; every permitted send is spent: " + resolving));
    }
    if (auto const* const p = std::get_if<in_progress>(&v))
        return fault{fault_kind::in_progress, "another process is at work on this key, for " +
                                                  std::to_string(duration_cast<seconds>(p->hint).count() + 1) +
                                                  " s at the most; look again, or wait with "
                                                  "once_options::in_other_process"}
            .with_retry_after(std::min<duration>(p->hint, defaults::in_progress_hint));
    if (auto const* const m = std::get_if<mismatch>(&v)) {
        std::string names;
        for (auto const& name : m->fields) names += (names.empty() ? "" : ", ") + name;
        return fault{fault_kind::key_mismatch, "this key stands for another request; different: " + names}.with_fields(
            m->fields);
    }
    if (std::holds_alternative<unresolved>(v))
        return fault{fault_kind::unresolved,
                     "every permitted send of this key is spent, perhaps billed, and no answer is known: " + resolving}
            .with_execution(knowledge::maybe)
            .with_billing(knowledge::maybe);
    if (std::holds_alternative<expired>(v))
        return fault{fault_kind::result_expired, "this key was paid for, but its answer is no longer kept"};
    return fault{fault_kind::already_done, "this key's result was acknowledged"};
}

}  // namespace detail

}  // namespace coffer::inline COFFER_ABI
