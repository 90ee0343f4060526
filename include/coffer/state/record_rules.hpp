// SPDX-License-Identifier: BSL-1.0
#pragma once
// What holds of a record at one moment: what time has done to it, whose it is, and who may change it.

#include <coffer/base/later.hpp>
#include <coffer/base/outcome.hpp>
#include <coffer/state/record.hpp>

#include <chrono>
#include <functional>
#include <optional>
#include <string>

namespace coffer::inline COFFER_ABI {

/// When a rule is applied, by the store's clock.
struct record_moment {
    std::chrono::steady_clock::time_point now;  ///< leases are compared with it
    std::chrono::system_clock::time_point wall;            ///< what is written down
    std::chrono::system_clock::time_point trusted = wall;  ///< what expires by; behind `wall` while that is doubted
};

/// What a rule has changed, for stores that write rows.
struct record_changes {
    bool row = false;       ///< anything at all
    int send = 0;           ///< the number of the one send that was added or changed, if one was
    bool payloads = false;  ///< all bodies were dropped
    bool gone = false;      ///< the row as it was is to be removed; with `row`, another takes its place
    /// Something has to be written.
    [[nodiscard]] bool any() const noexcept { return row || gone; }
};

/// What is known of an answer besides its body.
[[nodiscard]] shared_answer without_body(answer const& whole);

/// A record at a moment. Constructing it applies what time alone does.
class record_rules {
public:
    /// Asked only where it decides, because asking may cost a system call. True only if it is proven.
    using owner_is_dead = std::function<bool(std::string const&)>;

    /// Applies what time alone does: expiry.
    record_rules(record& row, record_moment at, owner_is_dead dead);

    /// What is to be written; ask it last.
    [[nodiscard]] record_changes const& changes() const noexcept { return changes_; }

    /// Does it wait for an operator? Every permitted send is spent, no answer is usable, and nobody works on it.
    [[nodiscard]] bool is_unresolved() const;

    /// For a look at the row: a claim that anybody may take over counts as given up. Not to be written back.
    void show_as_it_is();

protected:
    using nanoseconds = std::chrono::nanoseconds;  ///< whatever unit it is given in
    static constexpr auto never = std::chrono::system_clock::time_point::max();  ///< it does not expire

    /// Somebody may work on it, or might.
    [[nodiscard]] bool is_open() const noexcept;
    /// Its end was reached.
    [[nodiscard]] bool is_closed() const noexcept;

    /// How long the record is still its owner's; nothing if it may be taken over.
    ///
    /// A claim is guarded by its lease, a send by its own longest time: a lease says nothing about bytes on their way.
    [[nodiscard]] std::optional<nanoseconds> left_to_owner(nanoseconds grace) const;

    /// Why `claim` may not change the record, if so: another one has it.
    [[nodiscard]] outcome<void> fenced(claim_id const& claim) const;
    /// The same, and it must still be at work.
    [[nodiscard]] outcome<void> fenced_and_held(claim_id const& claim) const;
    /// A refusal of an operation on a claim: `store_unavailable`, with its code.
    [[nodiscard]] static tl::unexpected<fault> refused(std::string code, std::string message);
    /// A refusal of what no correct caller does.
    [[nodiscard]] static tl::unexpected<fault> misused(std::string message);
    /// The same for a send that this claim was never permitted.
    [[nodiscard]] static tl::unexpected<fault> no_such_send(int send);

    /// The send of that number; null if there is none.
    [[nodiscard]] send_record* find(int number) noexcept;
    /// The claim's own send: what it may report about.
    [[nodiscard]] send_record* find(claim_id const& claim, int number) noexcept;
    /// The next number's send, under the claim that has the record.
    send_record& add_send(send_state s);

    /// By the clock as it is: even if it is far ahead, and turns out to be right, what is paid for is kept so long.
    [[nodiscard]] std::chrono::system_clock::time_point kept_for(nanoseconds d) const noexcept {
        return later(at_.wall, d);
    }
    /// The row is to be written, and that send of it.
    void touch(int send = 0) noexcept;
    /// The claim has reached its end, in that state.
    void end_claim(record_state s) noexcept {
        r_.state = s;
        r_.held = false;
    }
    /// What was paid is remembered; only the bodies go.
    void drop_payloads();
    /// The record has come to rest in the state that its sends say; in FREE, with nothing but history.
    void rest() noexcept;
    /// A send has come to its end.
    void ended(send_record& s) noexcept;
    /// The row is to be removed.
    void remove();

    record& r_;  ///< the row
    record_moment at_;  ///< when it is
    owner_is_dead dead_;  ///< who knows whether a process is dead
    record_changes changes_;  ///< so far

private:
    /// What is cached goes by the wall clock, which counts a suspension too: gone too early it is only asked for again.
    /// What comes from the future was written by a clock that was ahead: it would stay for too long.
    [[nodiscard]] bool is_stale() const noexcept;

    /// Time alone changes a record only here. What is unresolved never expires: it would turn into a second bill. (Where
    /// requests are cached, a second bill after a while is what was asked for; but not while somebody works on the first.)
    void expire();
};

}  // namespace coffer::inline COFFER_ABI

#if !defined(COFFER_SEPARATE_COMPILATION)
#include <coffer/state/record_rules.ipp>
#endif
