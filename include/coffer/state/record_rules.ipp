// SPDX-License-Identifier: BSL-1.0
#pragma once
// Definitions of record_rules.hpp.

#include <coffer/state/record_rules.hpp>

#include <algorithm>
#include <memory>
#include <utility>

namespace coffer::inline COFFER_ABI {

COFFER_INLINE shared_answer without_body(answer const& whole) {
    auto meta = std::make_shared<answer>();
    meta->status = whole.status;
    meta->request_id = whole.request_id;
    meta->usage = whole.usage;
    meta->cost = whole.cost;
    return meta;
}

COFFER_INLINE record_rules::record_rules(record& row, record_moment at, owner_is_dead dead)
    : r_{row}, at_{at}, dead_{std::move(dead)} {
    expire();
}

COFFER_INLINE bool record_rules::is_unresolved() const {
    return is_open() && !r_.undecoded() && r_.counted_sends() > 0 && r_.counted_sends() >= r_.allowed_sends() &&
           !left_to_owner(r_.takeover_grace);
}

COFFER_INLINE void record_rules::show_as_it_is() {
    if (r_.held && !left_to_owner(r_.takeover_grace)) end_claim(is_open() ? r_.at_rest() : r_.state);
}

COFFER_INLINE bool record_rules::is_open() const noexcept {
    using enum record_state;
    return r_.state == claimed || r_.state == sent || r_.state == answered || r_.state == unknown;
}

COFFER_INLINE bool record_rules::is_closed() const noexcept {
    using enum record_state;
    return r_.state == done || r_.state == acked || r_.state == expired;
}

COFFER_INLINE std::optional<record_rules::nanoseconds> record_rules::left_to_owner(nanoseconds grace) const {
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

COFFER_INLINE outcome<void> record_rules::fenced(claim_id const& claim) const {
    if (r_.claim != claim) return refused("claim_lost", "claim lost: another claim has taken the record over");
    return {};
}

COFFER_INLINE outcome<void> record_rules::fenced_and_held(claim_id const& claim) const {
    if (auto f = fenced(claim); !f) return f;
    if (!r_.held) return refused("claim_over", "claim over: the record is " + std::string{to_string(r_.state)});
    return {};
}

COFFER_INLINE tl::unexpected<fault> record_rules::refused(std::string code, std::string message) {
    return failed(fault{fault_kind::store_unavailable, std::move(message)}.with_code(std::move(code)));
}

COFFER_INLINE tl::unexpected<fault> record_rules::misused(std::string message) {
    return failed(
        fault{fault_kind::permanent, std::move(message)}.with_execution(knowledge::no).with_billing(knowledge::no));
}

COFFER_INLINE tl::unexpected<fault> record_rules::no_such_send(int send) {
    return misused("no send " + std::to_string(send) + " was permitted under this claim");
}

COFFER_INLINE send_record* record_rules::find(int number) noexcept {
    auto const at = std::find_if(r_.sends.begin(), r_.sends.end(), [&](auto& s) { return s.number == number; });
    return at == r_.sends.end() ? nullptr : &*at;
}

COFFER_INLINE send_record* record_rules::find(claim_id const& claim, int number) noexcept {
    auto* const s = find(number);
    return s != nullptr && s->claim == claim ? s : nullptr;
}

COFFER_INLINE send_record& record_rules::add_send(send_state s) {
    int last = 0;
    for (auto const& send : r_.sends) last = std::max(last, send.number);
    auto& added = r_.sends.emplace_back();
    added.number = last + 1;
    added.state = s;
    added.permitted_at = at_.wall;
    return added;
}

COFFER_INLINE void record_rules::touch(int send) noexcept {
    changes_.row = true;
    if (send != 0) changes_.send = send;
    r_.updated = at_.wall;
}

COFFER_INLINE void record_rules::drop_payloads() {
    for (auto& s : r_.sends)
        if (s.reply && !s.reply->body.empty()) s.reply = without_body(*s.reply);
    changes_.payloads = true;
}

COFFER_INLINE void record_rules::rest() noexcept {
    end_claim(r_.at_rest());
    if (!r_.cached) r_.expires = r_.state == record_state::free ? kept_for(r_.acknowledged_kept) : never;
}

COFFER_INLINE void record_rules::ended(send_record& s) noexcept {
    if (s.ended_at == std::chrono::system_clock::time_point{}) s.ended_at = at_.wall;
    touch(s.number);
}

COFFER_INLINE void record_rules::remove() {
    r_ = record{};
    changes_ = {};
    changes_.gone = true;
}

COFFER_INLINE bool record_rules::is_stale() const noexcept {
    return at_.wall >= r_.expires || r_.updated > later(at_.wall, std::chrono::minutes{1});
}

COFFER_INLINE void record_rules::expire() {
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

}  // namespace coffer::inline COFFER_ABI
