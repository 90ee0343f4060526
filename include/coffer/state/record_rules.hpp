// SPDX-License-Identifier: BSL-1.0
#pragma once
// What holds of a record at one moment: what time has done to it, whose it is, and who may change it.

#include <coffer/base/later.hpp>
#include <coffer/base/outcome.hpp>
#include <coffer/state/record.hpp>

#include <algorithm>
#include <chrono>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <utility>

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
[[nodiscard]] inline shared_answer without_body(answer const& whole) {
    auto meta = std::make_shared<answer>();
    meta->status = whole.status;
    meta->request_id = whole.request_id;
    meta->usage = whole.usage;
    meta->cost = whole.cost;
    return meta;
}

/// A record at a moment. Constructing it applies what time alone does.
class record_rules {
public:
    /// Asked only where it decides, because asking may cost a system call. True only if it is proven.
    using owner_is_dead = std::function<bool(std::string const&)>;

    /// Applies what time alone does: expiry.
    record_rules(record& row, record_moment at, owner_is_dead dead) : r_{row}, at_{at}, dead_{std::move(dead)} {
        expire();
    }

    /// What is to be written; ask it last.
    [[nodiscard]] record_changes const& changes() const noexcept { return changes_; }

    /// Does it wait for an operator? Every permitted send is spent, no answer is usable, and nobody works on it.
    [[nodiscard]] bool is_unresolved() const {
        return is_open() && !r_.undecoded() && r_.counted_sends() > 0 && r_.counted_sends() >= r_.allowed_sends() &&
               !left_to_owner(r_.takeover_grace);
    }

    /// For a look at the row: a claim that anybody may take over counts as given up. Not to be written back.
    void show_as_it_is() {
        if (r_.held && !left_to_owner(r_.takeover_grace)) end_claim(is_open() ? r_.at_rest() : r_.state);
    }

protected:
    using nanoseconds = std::chrono::nanoseconds;  ///< whatever unit it is given in
    static constexpr auto never = std::chrono::system_clock::time_point::max();  ///< it does not expire

    /// Somebody may work on it, or might.
    [[nodiscard]] bool is_open() const noexcept {
        using enum record_state;
        return r_.state == claimed || r_.state == sent || r_.state == answered || r_.state == unknown;
    }
    /// Its end was reached.
    [[nodiscard]] bool is_closed() const noexcept {
        using enum record_state;
        return r_.state == done || r_.state == acked || r_.state == expired;
    }

    /// How long the record is still its owner's; nothing if it may be taken over.
    ///
    /// A claim is guarded by its lease, a send by its own longest time: a lease says nothing about bytes on their way.
    [[nodiscard]] std::optional<nanoseconds> left_to_owner(nanoseconds grace) const {
        if (!r_.held) return std::nullopt;
        auto until = r_.lease_until;
        // Not only in the state SENT: an earlier owner's late answer makes the record ANSWERED beside a running send.
        std::optional<std::chrono::steady_clock::time_point> last;
        for (auto const& s : r_.sends)
            if (s.state == send_state::permitted && s.claim == r_.claim)
                last = std::max(last.value_or(s.permitted_until), s.permitted_until);
        if (last) until = later(*last, grace);
        if (until <= at_.now || dead_(r_.owner)) return std::nullopt;
        return until - at_.now;
    }

    /// Why `claim` may not change the record, if so: another one has it.
    [[nodiscard]] outcome<void> fenced(claim_id const& claim) const {
        if (r_.claim != claim) return refused("claim_lost", "claim lost: another claim has taken the record over");
        return {};
    }
    /// The same, and it must still be at work.
    [[nodiscard]] outcome<void> fenced_and_held(claim_id const& claim) const {
        if (auto f = fenced(claim); !f) return f;
        if (!r_.held) return refused("claim_over", "claim over: the record is " + std::string{to_string(r_.state)});
        return {};
    }
    /// A refusal of an operation on a claim: `store_unavailable`, with its code.
    [[nodiscard]] static tl::unexpected<fault> refused(std::string code, std::string message) {
        return failed(fault{fault_kind::store_unavailable, std::move(message)}.with_code(std::move(code)));
    }
    /// A refusal of what no correct caller does.
    [[nodiscard]] static tl::unexpected<fault> misused(std::string message) {
        return failed(
            fault{fault_kind::permanent, std::move(message)}.with_execution(knowledge::no).with_billing(knowledge::no));
    }
    /// The same for a send that this claim was never permitted.
    [[nodiscard]] static tl::unexpected<fault> no_such_send(int send) {
        return misused("no send " + std::to_string(send) + " was permitted under this claim");
    }

    /// The send of that number; null if there is none.
    [[nodiscard]] send_record* find(int number) noexcept {
        auto const at = std::find_if(r_.sends.begin(), r_.sends.end(), [&](auto& s) { return s.number == number; });
        return at == r_.sends.end() ? nullptr : &*at;
    }
    /// The claim's own send: what it may report about.
    [[nodiscard]] send_record* find(claim_id const& claim, int number) noexcept {
        auto* const s = find(number);
        return s != nullptr && s->claim == claim ? s : nullptr;
    }
    /// The next number's send, under the claim that has the record.
    send_record& add_send(send_state s) {
        int last = 0;
        for (auto const& send : r_.sends) last = std::max(last, send.number);
        auto& added = r_.sends.emplace_back();
        added.number = last + 1;
        added.state = s;
        added.permitted_at = at_.wall;
        return added;
    }

    /// By the clock as it is: even if it is far ahead, and turns out to be right, what is paid for is kept so long.
    [[nodiscard]] std::chrono::system_clock::time_point kept_for(nanoseconds d) const noexcept {
        return later(at_.wall, d);
    }
    /// The row is to be written, and that send of it.
    void touch(int send = 0) noexcept {
        changes_.row = true;
        if (send != 0) changes_.send = send;
        r_.updated = at_.wall;
    }
    /// The claim has reached its end, in that state.
    void end_claim(record_state s) noexcept {
        r_.state = s;
        r_.held = false;
    }
    /// What was paid is remembered; only the bodies go.
    void drop_payloads() {
        for (auto& s : r_.sends)
            if (s.reply && !s.reply->body.empty()) s.reply = without_body(*s.reply);
        changes_.payloads = true;
    }
    /// The record has come to rest in the state that its sends say; in FREE, with nothing but history.
    void rest() noexcept {
        end_claim(r_.at_rest());
        if (!r_.cached) r_.expires = r_.state == record_state::free ? kept_for(r_.acknowledged_kept) : never;
    }
    /// A send has come to its end.
    void ended(send_record& s) noexcept {
        if (s.ended_at == std::chrono::system_clock::time_point{}) s.ended_at = at_.wall;
        touch(s.number);
    }
    /// The row is to be removed.
    void remove() {
        r_ = record{};
        changes_ = {};
        changes_.gone = true;
    }

    record& r_;  ///< the row
    record_moment at_;  ///< when it is
    owner_is_dead dead_;  ///< who knows whether a process is dead
    record_changes changes_;  ///< so far

private:
    /// What is cached goes by the wall clock, which counts a suspension too: gone too early it is only asked for again.
    /// What comes from the future was written by a clock that was ahead: it would stay for too long.
    [[nodiscard]] bool is_stale() const noexcept {
        return at_.wall >= r_.expires || r_.updated > later(at_.wall, std::chrono::minutes{1});
    }

    /// Time alone changes a record only here. What is unresolved never expires: it would turn into a second bill. (Where
    /// requests are cached, a second bill after a while is what was asked for; but not while somebody works on the first.)
    void expire() {
        if (r_.cached) {
            if (is_stale() && !left_to_owner(r_.takeover_grace)) remove();
            return;
        }
        if (at_.trusted < r_.expires) return;
        if (r_.state == record_state::acked || r_.state == record_state::free) return remove();
        r_.expires = never;
        if (r_.state == record_state::done) {
            r_.state = record_state::expired;
            drop_payloads();
        } else if (r_.state == record_state::failed) {
            r_.stored_fault.reset();
            rest();
        }
        touch();
    }
};

}  // namespace coffer::inline COFFER_ABI
