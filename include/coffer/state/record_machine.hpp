// SPDX-License-Identifier: BSL-1.0
#pragma once
// The rules of a record: who may work on a key, who may send, what is kept. No I/O, time passed in: every store loads
// a row, lets one of these functions change it, and writes it back, all in one transaction.
//
//     record_machine machine{row, {clock.now(), clock.wall_now()}, owner_is_dead};
//     claim_verdict verdict = machine.claim(request, my_process, next_token);
//     if (machine.changes().any()) ... write `row` back ...
//
// What everything rests on: a send is counted before its first byte leaves, and nothing but proof takes it back.

#include <coffer/base/outcome.hpp>
#include <coffer/state/record.hpp>
#include <coffer/state/record_rules.hpp>
#include <coffer/state/record_verdict.hpp>

#include <chrono>
#include <initializer_list>
#include <string>
#include <vector>

namespace coffer::inline COFFER_ABI {

/// The transitions, applied to one row at one moment. Make one, call one function, write the row back.
///
/// A refused operation changes nothing but what time has changed already (expiry). Refusals of operations on a claim
/// are `store_unavailable` with a code: `claim_lost` (another claim has the record), `claim_over` (the record has
/// reached its end, or the claim was given up), `lease_over`, `sends_moved`, `answer_stored` (an earlier owner's answer
/// has come in and wants to be looked at first); or `permanent` for what no correct caller does.
class record_machine : public record_rules {
public:
    using record_rules::record_rules;  ///< of a row, a moment, and who knows which owners are dead

    /// The right to work on the key. `next_token` is used up if it is granted under that token.
    claim_verdict claim(claim_request const& q, std::string const& owner, std::uint64_t next_token);
    /// The right to make one send. Counts it.
    outcome<permitted> permit(claim_id const& claim, permit_request const& q);
    /// Keeps what a send brought back, whoever brings it. `print` and `cached_for` (zero: it was not) are told for a row
    /// that is gone.
    outcome<void> answer(claim_id const& claim, int send, shared_answer const& what, fingerprint const* print = nullptr,
                         std::chrono::nanoseconds cached_for = {});
    /// Makes an answer the record's: one's own, with the record's claim any, and whoever judged it one that was found defective
    /// before. The first one stands; a later one gets `already_done`.
    outcome<void> accept(claim_id const& claim, int send);
    /// Judges an answer unusable: its payload is kept, and the send counts unless `why` says that it was not billed.
    outcome<void> reject(claim_id const& claim, int send, fault const& why);
    /// The send's attempt ended without an answer, perhaps billed.
    outcome<void> lost(claim_id const& claim, int send, fault const& why);
    /// The send is proven unbilled.
    outcome<void> unsend(claim_id const& claim, int send);
    /// A fault of the request itself, replayed for `kept`.
    outcome<void> fail(claim_id const& claim, fault const& why, std::chrono::nanoseconds kept);
    /// Gives the claim up.
    outcome<void> release(claim_id const& claim);
    /// The claim's lease counts from now on. Refused for a claim that has lost the record, or is over.
    outcome<void> heartbeat(claim_id const& claim, std::chrono::nanoseconds lease);
    /// The result is where it belongs: DONE becomes ACKED, and the payload goes. Harmless if repeated.
    outcome<void> acknowledge();
    /// What an operator decides of an unresolved key; refused, with the reason, for one that is not.
    outcome<void> resolve(resolution const& how);

private:
    [[nodiscard]] std::string why_not_unresolved() const;
    void allow(int max_sends) noexcept;
    [[nodiscard]] replayed replay(claim_request const& q) const;
    [[nodiscard]] granted grant() const;
    /// Of the sends in one of these states, in their order.
    [[nodiscard]] std::vector<stored_answer> answers(std::initializer_list<send_state> which) const;
    [[nodiscard]] std::vector<stored_answer> defective() const { return answers({send_state::defective}); }
};

}  // namespace coffer::inline COFFER_ABI

#if !defined(COFFER_SEPARATE_COMPILATION)
#include <coffer/state/record_machine.ipp>
#endif
