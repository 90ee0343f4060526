// SPDX-License-Identifier: BSL-1.0
#pragma once
// The options of `once`, and what a claim's answer means to a caller.

#include <coffer/base/defaults.hpp>
#include <coffer/base/outcome.hpp>
#include <coffer/call/composition.hpp>
#include <coffer/store/verdict.hpp>
#include <coffer/time/clock.hpp>

#include <cstdint>
#include <stdexcept>
#include <string>

namespace coffer::inline COFFER_ABI {

/// What to do when another process is at work on the same key.
enum class elsewhere : std::uint8_t {
    fail_fast,  ///< `in_progress` at once, with a hint when to look again
    wait,       ///< look again until the call's deadline
};

/// What to do when the journal cannot be written.
enum class degrade : std::uint8_t {
    refuse,           ///< `store_unavailable`; nothing is sent
    send_unjournaled  ///< send all the same: the bound on sends then holds for this process and this call only
};

/// What to do with a request that differs from the one its key stands for.
enum class mismatch_rule : std::uint8_t {
    error,          ///< `key_mismatch`, which names the fields; nothing is sent or replayed
    replay_stored,  ///< the key alone decides: whatever stands under it is the answer. `replayed` events name the fields
    new_generation  ///< each different request under the key is a piece of work of its own, with its own `max_sends`
};

/// Options of `once`. All members are trivially destructible, so that it may be written inline anywhere.
struct once_options {
    /// Of `acknowledged_kept` and `unacknowledged_kept`: less would be forgotten while the job runs.
    static constexpr duration shortest_kept = std::chrono::hours{1};

    /// Sends per key that are not proven unbilled, ever, in all processes. 1 is strict: a key whose only send is lost waits
    /// for an operator.
    int max_sends = defaults::max_sends;
    /// A claim that is not renewed for so long may be taken over, if nothing was sent under it. What was sent is guarded by
    /// its own limit and `takeover_grace`; a process that is proven dead, by nothing.
    duration lease = defaults::lease;
    duration heartbeat = defaults::heartbeat;  ///< how often the lease is renewed
    duration attempt_timeout = duration::max();  ///< of a send while anybody waits; at most what the attempt has
    duration finish_grace = defaults::finish_grace;  ///< of a send that nobody waits for any longer
    duration takeover_grace = defaults::takeover_grace;  ///< after a send's own limit, before another may take over
    duration store_wait = defaults::store_wait;  ///< a caller waits so long for its answer to be durable
    /// A request that was refused for what it is fails again at once for so long, unsent.
    duration request_fault_kept = defaults::request_fault_kept;
    duration acknowledged_kept = defaults::acknowledged_kept;  ///< then it is forgotten: a run after that sends anew
    duration unacknowledged_kept = defaults::unacknowledged_kept;  ///< then `result_expired`, and nothing is sent
    elsewhere in_other_process = elsewhere::fail_fast;  ///< another process is at work on the key
    degrade without_store = degrade::refuse;  ///< the journal cannot be written
    mismatch_rule on_mismatch = mismatch_rule::error;  ///< the key stands for another request

    /// Throws `std::invalid_argument` for what cannot be meant.
    void check() const {
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
};

/// Passed to `once` for an operation without a fingerprint: any request under a key then counts as the same one.
struct unfingerprinted_t {
    explicit unfingerprinted_t() = default;
};
inline constexpr unfingerprinted_t unfingerprinted{};  ///< the value to pass

namespace detail {

/// `max_sends` in any case, of the others those that are not as usual.
inline void describe_into(composition& to, once_options const& o) {
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

/// The fault that a claim's answer stands for, other than granted and replayed. `resolving` says how to resolve the key.
[[nodiscard]] inline fault fault_of(claim_verdict const& v, std::string const& resolving = {}) {
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
