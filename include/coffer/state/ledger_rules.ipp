// SPDX-License-Identifier: BSL-1.0
#pragma once
// Definitions of ledger_rules.hpp.

#include <coffer/state/ledger_rules.hpp>

#include <algorithm>
#include <utility>

namespace coffer::inline COFFER_ABI {

COFFER_INLINE money spent_of(reservation const& r) noexcept {
    if (r.state == reservation_state::settled) return *r.actual;
    if (r.state != reservation_state::presumed) return {};
    if (r.bound) return *r.bound;
    money most;
    for (auto const& h : r.holds) most = std::max(most, h.amount);
    return most;
}

COFFER_INLINE reservation_machine::reservation_machine(reservation& r, std::span<account* const> accounts,
                                                       ledger_moment at) noexcept
    : r_{r}, accounts_{accounts}, at_{at} {}

COFFER_INLINE void reservation_machine::send(std::chrono::steady_clock::time_point until) noexcept {
    if (r_.state != reservation_state::held) return;
    r_.state = reservation_state::sent;
    r_.until = until;
    changed_ = true;
}

COFFER_INLINE void reservation_machine::settle(money actual) noexcept {
    if (!can_be_meant(actual) || !has_room_for(actual)) return doubt(actual);
    if (r_.state == reservation_state::settled && r_.actual == actual) return;
    take_out();
    r_.actual = actual;
    end(reservation_state::settled);
}

COFFER_INLINE void reservation_machine::presume() noexcept {
    if (r_.state == reservation_state::presumed || r_.state == reservation_state::settled) return;
    take_out();
    end(reservation_state::presumed);
}

COFFER_INLINE void reservation_machine::release() noexcept {
    if (r_.state == reservation_state::settled) return settle(money{});
    take_out();
    gone_ = true;
}

COFFER_INLINE void reservation_machine::lapse() noexcept {
    if (r_.state == reservation_state::held) release();
    else if (r_.state == reservation_state::sent) presume();
}

COFFER_INLINE bool reservation_machine::has_room_for(money actual) const noexcept {
    for (std::size_t i = 0; i < accounts_.size(); ++i) {
        auto const& a = *accounts_[i];
        if (a.committed() <= money::max() - dearest_send) continue;  // all but ever
        auto sum = detail::wide_int{actual.nano()} - part_of(r_, r_.holds[i]).committed().nano();
        for (auto const column : {a.settled, a.presumed, a.held}) sum += column.nano();
        if (sum > money::max().nano()) return false;
    }
    return true;
}

COFFER_INLINE void reservation_machine::doubt(money said) noexcept {
    if (r_.state == reservation_state::settled || (r_.state == reservation_state::presumed && r_.actual == said))
        return;
    r_.actual = said;
    changed_ = true;
    presume();
}

COFFER_INLINE void reservation_machine::put_in() noexcept {
    for (std::size_t i = 0; i < accounts_.size(); ++i) *accounts_[i] += part_of(r_, r_.holds[i]);
    changed_ = true;
}

COFFER_INLINE void reservation_machine::take_out() noexcept {
    for (std::size_t i = 0; i < accounts_.size(); ++i) *accounts_[i] -= part_of(r_, r_.holds[i]);
    changed_ = true;
}

COFFER_INLINE void reservation_machine::end(reservation_state s) noexcept {
    r_.state = s;
    r_.ended = at_.wall;
    put_in();
}

COFFER_INLINE budget_denial denied_by(frozen_scope const& f) {
    budget_denial d;
    d.scope = f.scope;  // that is what can be thawed
    d.frozen = true;
    d.reason = detail::in_passing(f.reason);
    return d;
}

COFFER_INLINE fault frozen_fault(budget_denial d) {
    auto message = d.to_string();
    return fault{fault_kind::over_budget, std::move(message)}.with_code("frozen").with_denial(std::move(d));
}

COFFER_INLINE fault reservation_over() {
    return fault{fault_kind::store_unavailable, "the money held for this send was given back meanwhile"}.with_code(
        "reservation_over");
}

}  // namespace coffer::inline COFFER_ABI
