// SPDX-License-Identifier: BSL-1.0
#pragma once
// What the path of a call knows of a journal: somebody who grants sends and takes their answers.

#include <coffer/asio.hpp>
#include <coffer/base/answer.hpp>
#include <coffer/base/fingerprint.hpp>
#include <coffer/base/outcome.hpp>
#include <coffer/call/attempt_log.hpp>
#include <coffer/time/clock.hpp>

#include <memory>
#include <string>

namespace coffer::inline COFFER_ABI {

class attempt;

/// The live claim of a call, as the walk sees it. Used on the flight's strand only.
///
/// One send, in order: `permit`; the operation; `answered`, then `accepted` or `rejected`; or `lost`; or `unsent`.
/// All but `permit` return at once: the store owns what was submitted.
class permit_source {
public:
    virtual ~permit_source() = default;

    /// The right to make one send, journaled before this returns. The number of the send.
    /// `unresolved` with `stop_reason::sends_spent` when none is left; `store_unavailable` when it cannot be journaled;
    /// `cancelled` when everybody has left: nothing is sent then.
    virtual awaitable<outcome<int>> permit(attempt const& a) = 0;

    /// The raw answer is there: it is stored before anybody looks into it, also for a claim that is lost.
    virtual void answered(int send, shared_answer const& what) = 0;
    /// It can be used: the key is done with it, unless another one was first.
    virtual void accepted(int send) = 0;
    /// It cannot be used: paid for, kept, counted.
    virtual void rejected(int send, fault const& why) = 0;
    /// The send ended without an answer, and may have been billed: it stays counted.
    virtual void lost(int send, fault const& why) = 0;
    /// It is proven that nothing was billed: the permit is given back.
    virtual void unsent(int send) = 0;

    /// Is `ledger` the identity of the ledger that the journal's store keeps? Then money held there for an attempt
    /// (`attempt::hold_money`) is marked sent in the permit's transaction.
    [[nodiscard]] virtual bool keeps(void const* ledger) const noexcept = 0;

    /// What makes requests the same as the one that is journaled; null if nobody says.
    [[nodiscard]] virtual fingerprint const* print() const noexcept = 0;

    /// An attempt under this claim has ended and is in the call's log.
    virtual void recorded(attempt_record const& entry) = 0;

    /// Sends that may still be permitted.
    [[nodiscard]] virtual int sends_left() const noexcept = 0;
    /// The send's time limit has cut it off (rather than anybody leaving).
    [[nodiscard]] virtual bool was_cut(int send) const noexcept = 0;
    /// The same, once.
    [[nodiscard]] virtual bool take_cut(int send) noexcept = 0;
    /// How long a send may go on after its permit in any case.
    [[nodiscard]] virtual duration longest_send(duration attempt_timeout) const noexcept = 0;
    /// The same for every send of one key: what a provider that deduplicates is given.
    [[nodiscard]] virtual std::string provider_key() const = 0;

    /// Does anybody wait for the answer, and may more be sent for it?
    [[nodiscard]] virtual bool awaited() const noexcept { return true; }
    /// A share in it, for a send that goes on when the call has its answer from another one. Null where it cannot outlive
    /// the call: then no two sends may be under way.
    [[nodiscard]] virtual std::shared_ptr<permit_source> share() { return nullptr; }
};

}  // namespace coffer::inline COFFER_ABI
