// SPDX-License-Identifier: BSL-1.0
#pragma once
// Definitions of record_machine.hpp.

#include <coffer/state/record_machine.hpp>

#include <algorithm>
#include <memory>
#include <utility>
#include <variant>

namespace coffer::inline COFFER_ABI {

COFFER_INLINE std::string record_machine::why_not_unresolved() const {
    if (r_.claims == 0 && r_.sends.empty()) return "there is no such key";
    if (left_to_owner(r_.takeover_grace)) return "somebody works on it";
    if (is_open() && r_.any(send_state::supplied))
        return "an answer was supplied for it, which the next run of its job will judge (grant and abandon work)";
    if (is_open() || r_.state == record_state::free) return "the next run of its job goes on with it";
    return "it is " + std::string{to_string(r_.state)};
}

COFFER_INLINE void record_machine::allow(int max_sends) noexcept {
    r_.granted_sends = r_.allowed_sends(max_sends) - max_sends;
    r_.max_sends = max_sends;
}

namespace detail {

[[nodiscard]] COFFER_INLINE stored_answer answer_of(send_record const& s) {
    return {s.number, s.reply, s.counts(), s.provider, s.model};
}

}  // namespace detail

COFFER_INLINE replayed record_machine::replay(claim_request const& q) const {
    return {detail::answer_of(*r_.accepted()), fingerprint::differing(r_.print, q.print)};
}

COFFER_INLINE granted record_machine::grant() const {
    return {r_.token, r_.counted_sends(), r_.allowed_sends(), answers({send_state::answered, send_state::supplied}),
            defective()};
}

COFFER_INLINE std::vector<stored_answer> record_machine::answers(std::initializer_list<send_state> which) const {
    std::vector<stored_answer> found;
    for (auto const& s : r_.sends)
        if (s.reply && std::find(which.begin(), which.end(), s.state) != which.end())
            found.push_back(detail::answer_of(s));
    return found;
}

COFFER_INLINE claim_verdict record_machine::claim(claim_request const& q, std::string const& owner,
                                                  std::uint64_t next_token) {
    auto const busy = left_to_owner(q.takeover_grace);
    bool const nothing_paid = r_.counted_sends() == 0 && !r_.undecoded() && !is_closed();
    if (bool const nobodys = r_.state == record_state::free || (is_open() && !busy); nothing_paid && nobodys) {
        r_.print = q.print;
        r_.print_known = true;
    } else if (!r_.print_known && q.counting.counts_any()) {
        return mismatch{{"fingerprint"}};
    } else if (r_.print != q.print) {
        if (auto fields = fingerprint::differing(r_.print, q.print, q.counting); !fields.empty())
            return mismatch{std::move(fields)};
    }
    if (busy && r_.claim == q.id && is_open()) return grant();  // the first one's reply was lost

    switch (r_.state) {
        case record_state::done: return replay(q);
        case record_state::failed: return failed_before{*r_.stored_fault};
        case record_state::acked: return acked{};
        case record_state::expired: return expired{};
        default: break;
    }
    if (busy) return in_progress{*busy};

    auto const left = r_.at_rest();
    bool const sends_left = r_.counted_sends() < r_.allowed_sends(q.max_sends);
    if (!sends_left && !r_.undecoded() && r_.counted_sends() > 0) {
        if (r_.max_sends != q.max_sends) {  // what is listed as unresolved follows the last who asked
            allow(q.max_sends);
            touch();
        }
        if (left != record_state::answered) return unresolved{defective()};
        auto const last = std::find_if(r_.sends.rbegin(), r_.sends.rend(),
                                       [](auto const& s) { return s.state == send_state::defective; });
        auto const why = last->why.value_or(fault{fault_kind::defective_answer});
        // An error that came as an answer and was billed may be of a kind that time can mend; but not here.
        if (why.kind() != fault_kind::defective_answer) return unresolved{defective()};
        return failed_before{fault{why}.with_stop(stop_reason::sends_spent), defective()};
    }
    if (r_.created == std::chrono::system_clock::time_point{}) r_.created = at_.wall;
    r_.state = left == record_state::answered ? record_state::answered : record_state::claimed;
    r_.claim = q.id;
    r_.held = true;
    r_.owner = owner;
    r_.token = next_token;
    r_.lease_until = later(at_.now, q.lease);
    ++r_.claims;
    allow(q.max_sends);
    r_.cached = q.cached;
    r_.expires = q.cached ? kept_for(q.unacknowledged_kept) : never;
    r_.takeover_grace = q.takeover_grace;
    r_.acknowledged_kept = q.acknowledged_kept;
    r_.unacknowledged_kept = q.unacknowledged_kept;
    touch();
    return grant();
}

COFFER_INLINE outcome<permitted> record_machine::permit(claim_id const& claim, permit_request const& q) {
    if (auto const f = fenced_and_held(claim); !f) return tl::unexpected{f.error()};
    auto const counted = r_.counted_sends();
    auto const until = later(at_.now, q.longest);
    if (!r_.sends.empty() && counted == q.expected_sends + 1) {
        if (auto& last = r_.sends.back(); last.claim == claim && last.state == send_state::permitted) {
            last.permitted_until = std::max(last.permitted_until, until);  // its reply was lost; it may begin only now
            touch(last.number);
            return permitted{last.number};
        }
    }
    if (r_.any(send_state::supplied) || std::any_of(r_.sends.begin(), r_.sends.end(), [&](auto const& s) {
            return s.state == send_state::answered && s.claim != claim;
        }))
        return refused("answer_stored", "an earlier send was answered meanwhile; claim the key again and look at it");
    if (at_.now >= r_.lease_until) return refused("lease_over", "the claim's lease is over; claim the key again");
    if (counted >= r_.allowed_sends(q.max_sends))
        return failed(
            fault{fault_kind::unresolved, "every permitted send is spent"}.with_stop(stop_reason::sends_spent));
    if (counted != q.expected_sends)
        return refused("sends_moved", "the record counts " + std::to_string(counted) + " sends, not the expected " +
                                          std::to_string(q.expected_sends) + "; claim the key again");
    auto& send = add_send(send_state::permitted);
    send.claim = claim;
    send.owner = r_.owner;
    send.permitted_until = until;
    send.provider = q.provider;
    send.model = q.model;
    r_.state = record_state::sent;
    touch(send.number);
    return permitted{send.number};
}

COFFER_INLINE outcome<void> record_machine::answer(claim_id const& claim, int send, shared_answer const& what,
                                                   fingerprint const* print, nanoseconds cached_for) {
    auto* s = find(claim, send);
    if (s == nullptr) {
        // A row that is gone is made anew: what was paid for is kept. In any other the send would be there.
        if (r_.claims > 0 || send < 1) return no_such_send(send);
        if (r_.sends.empty()) {
            r_.created = at_.wall;
            r_.print_known = print != nullptr;
            if (print != nullptr) r_.print = *print;
            r_.cached = cached_for > nanoseconds::zero();
            if (r_.cached) r_.unacknowledged_kept = cached_for;
        }
        bool const taken = find(send) != nullptr;
        s = &add_send(send_state::permitted);
        if (!taken) s->number = send;
        s->claim = claim;
    }
    if (s->reply) return {};  // never replaced
    s->reply = what;
    s->state = send_state::answered;
    if (!is_closed()) {
        r_.stored_fault.reset();  // a paid answer beats what would have been replayed instead of it
        r_.expires = r_.cached ? kept_for(r_.unacknowledged_kept) : never;  // time enough to be accepted
        r_.state = record_state::answered;
    }
    ended(*s);
    return {};
}

COFFER_INLINE outcome<void> record_machine::accept(claim_id const& claim, int send) {
    auto* const s = find(send);  // perhaps one of an earlier claim, whose answer this one has decoded
    if (s == nullptr || !s->reply) return misused("there is no answer of send " + std::to_string(send) + " to accept");
    if (s->state == send_state::accepted || (is_closed() && r_.accepted() == s)) return {};
    if (is_closed())
        return failed(fault{fault_kind::already_done, "another answer was accepted first"}.with_code("accepted_other"));
    // The row may have been made anew since the caller saw it, and the number be another send's.
    if (s->state != send_state::defective && s->claim != claim && r_.claim != claim)
        return misused("send " + std::to_string(send) + " is another claim's, and not judged yet");
    if (s->state != send_state::supplied) s->state = send_state::accepted;
    s->why.reset();
    r_.stored_fault.reset();
    end_claim(record_state::done);
    r_.expires = kept_for(r_.unacknowledged_kept);
    touch(s->number);
    return {};
}

COFFER_INLINE outcome<void> record_machine::reject(claim_id const& claim, int send, fault const& why) {
    if (auto f = fenced(claim); !f) return f;
    auto* const s = find(send);  // perhaps one of an earlier claim
    if (s == nullptr || !s->reply) return misused("there is no answer of send " + std::to_string(send) + " to reject");
    if (s->state == send_state::defective || s->state == send_state::unsent) return {};
    bool const supplied = s->state == send_state::supplied && !is_closed();
    if (!supplied && s->state != send_state::answered) return misused("the answer was accepted before");
    // An error that came as an answer may be proven unbilled; then it counts as little as one that came as an error.
    s->state = supplied || why.billing() == knowledge::no ? send_state::unsent : send_state::defective;
    s->why = why;
    if (!r_.held && r_.state == record_state::answered) rest();
    ended(*s);
    return {};
}

COFFER_INLINE outcome<void> record_machine::lost(claim_id const& claim, int send, fault const& why) {
    if (auto f = fenced(claim); !f) return f;
    auto* const s = find(claim, send);
    if (s == nullptr) return no_such_send(send);
    if (s->state != send_state::permitted) return {};
    s->state = send_state::lost;
    s->why = why;
    ended(*s);
    return {};
}

COFFER_INLINE outcome<void> record_machine::unsend(claim_id const& claim, int send) {
    if (auto f = fenced(claim); !f) return f;
    auto* const s = find(claim, send);
    if (s == nullptr) return no_such_send(send);
    if (s->state == send_state::unsent) return {};
    if (!s->unaccounted()) return misused("send " + std::to_string(send) + " was answered, so it was sent");
    s->state = send_state::unsent;
    if (r_.state == record_state::sent && !r_.any(send_state::permitted)) r_.state = record_state::claimed;
    if (r_.state == record_state::unknown) rest();
    ended(*s);
    return {};
}

COFFER_INLINE outcome<void> record_machine::fail(claim_id const& claim, fault const& why, nanoseconds kept) {
    if (!row(why.kind()).stored)
        return misused("a fault of kind " + std::string{to_string(why.kind())} + " is never stored under a key");
    if (r_.claim == claim && r_.state == record_state::failed) return {};
    if (auto f = fenced_and_held(claim); !f) return f;
    if (r_.undecoded()) {  // an earlier owner's: a paid answer beats the fault, whichever came first
        rest();
    } else {
        r_.stored_fault = why;
        end_claim(record_state::failed);
        r_.expires = later(at_.trusted, kept);  // lost, it is only asked for again
    }
    touch();
    return {};
}

COFFER_INLINE outcome<void> record_machine::release(claim_id const& claim) {
    if (r_.claims == 0) return {};  // its first release left no row
    if (auto f = fenced(claim); !f) return f;
    if (!r_.held) return {};
    rest();
    r_.lease_until = at_.now;
    touch();
    if (r_.sends.empty()) remove();
    return {};
}

COFFER_INLINE outcome<void> record_machine::heartbeat(claim_id const& claim, nanoseconds lease) {
    if (auto f = fenced_and_held(claim); !f) return f;
    r_.lease_until = std::max(r_.lease_until, later(at_.now, lease));
    touch();
    return {};
}

COFFER_INLINE outcome<void> record_machine::acknowledge() {
    switch (r_.state) {
        case record_state::acked: return {};
        case record_state::expired:
            return failed(fault_kind::result_expired, "the result was not acknowledged in time");
        case record_state::done:
            end_claim(record_state::acked);
            drop_payloads();
            r_.expires = kept_for(r_.acknowledged_kept);
            touch();
            return {};
        default: break;
    }
    if (auto const left = left_to_owner(r_.takeover_grace))
        return failed(fault{fault_kind::in_progress, "somebody works on this key"}.with_retry_after(*left));
    if (is_unresolved()) return failed(fault_kind::unresolved, "every permitted send is spent and no answer is known");
    return misused("the key has no accepted answer to acknowledge");
}

COFFER_INLINE outcome<void> record_machine::resolve(resolution const& how) {
    bool const supplied = is_open() && r_.any(send_state::supplied) && !left_to_owner(r_.takeover_grace);
    bool const changes_mind = supplied && !std::holds_alternative<supply_answer>(how);
    if (!is_unresolved() && !changes_mind) return misused("the key is not unresolved: " + why_not_unresolved());
    if (std::holds_alternative<grant_send>(how)) {
        r_.granted_sends = std::max(r_.granted_sends, r_.counted_sends() + 1 - r_.max_sends);
        rest();
        touch();
    } else if (std::holds_alternative<abandon>(how)) {
        end_claim(record_state::acked);
        drop_payloads();
        r_.expires = kept_for(r_.acknowledged_kept);
        touch();
    } else {
        auto& s = add_send(send_state::supplied);
        s.reply = std::make_shared<coffer::answer const>(std::get<supply_answer>(how).found);
        rest();  // the next claim judges it: an operator's file may be the wrong one
        touch(s.number);
    }
    return {};
}

}  // namespace coffer::inline COFFER_ABI
