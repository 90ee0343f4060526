// SPDX-License-Identifier: BSL-1.0
#pragma once
// What may become of a reservation, and what that moves in its accounts. Every ledger applies these rules, wherever it
// keeps the rows.
//
//     held ── send ──► sent ── settle ──► settled          held: given back if it lapses (nothing was sent)
//      └──── settle, presume ────┴── presume, lapse ──► presumed ── settle ──► settled   (somebody knows after all)
//      └──── release ────────────┴── release ───────────────┴──► gone                    (proven unbilled)
//
// A release of what is settled already makes its cost nothing, and keeps the entry.

#include <coffer/base/fault.hpp>
#include <coffer/state/ledger.hpp>

#include <cstddef>
#include <span>
#include <string>
#include <string_view>

namespace coffer::inline COFFER_ABI {

/// May `amount` more be committed? Where there is no limit (`money::max()`), as long as the sum does not saturate: such a
/// sum could not be taken apart again.
[[nodiscard]] constexpr bool fits(money committed, money amount, money limit) noexcept {
    return amount <= limit && committed <= limit - amount;
}
/// What may still be committed; zero if it was lowered below what is.
[[nodiscard]] constexpr money left_of(money limit, money committed) noexcept {
    return committed >= limit ? money{} : limit - committed;
}

/// No send costs more. A figure beyond it, or below zero, is a mistake of whoever reports it (a wrong unit, an overflow),
/// and as a sum it would make everything else invisible: it is taken for a cost that nobody knows.
inline constexpr money dearest_send = money::from_nano(1'000'000 * money::nano_per_usd);
/// Is this a cost that a send may have had?
[[nodiscard]] constexpr bool can_be_meant(money cost) noexcept { return cost >= money{} && cost <= dearest_send; }

/// What a reservation amounts to in one of its accounts, as it stands: the accounts are the sums of these.
[[nodiscard]] constexpr account part_of(reservation const& r, ledger_hold const& h) noexcept {
    account part;
    switch (r.state) {
        case reservation_state::held:
        case reservation_state::sent: part.held = h.amount; break;
        case reservation_state::presumed:
            part.presumed = h.amount;
            part.unpriced = r.bound ? 0 : 1;
            break;
        case reservation_state::settled:
            part.settled = *r.actual;
            if (r.bound && h.kind == limit_kind::hard) part.overrun = left_of(*r.actual, h.amount);
            break;
    }
    return part;
}

/// What a reservation says was spent: its cost, or all that it might have cost where nobody knows.
[[nodiscard]] money spent_of(reservation const& r) noexcept;

/// A reservation with its accounts, in the order of its holds.
class reservation_machine {
public:
    /// `accounts` beside the reservation's holds, in their order.
    reservation_machine(reservation& r, std::span<account* const> accounts, ledger_moment at) noexcept;

    /// Has anything changed? Is the reservation to be removed?
    [[nodiscard]] bool changed() const noexcept { return changed_; }
    /// The reservation is to be removed.
    [[nodiscard]] bool gone() const noexcept { return gone_; }

    /// Takes the money. To be called once, after all accounts were asked whether it fits.
    void hold() noexcept { put_in(); }
    /// The send of a held one begins, and has certainly ended by `until`.
    void send(std::chrono::steady_clock::time_point until) noexcept;
    /// It has cost `actual`. Good at any time: it corrects what was presumed, or settled otherwise. A cost that cannot be
    /// meant is noted, and what was held counts as spent until somebody knows better.
    void settle(money actual) noexcept;
    /// It has ended, and nobody knows what it has cost: the whole of what was held counts as spent.
    void presume() noexcept;
    /// It is proven not to have been billed. If its answer has said otherwise before, the entry stays and tells so.
    void release() noexcept;
    /// Its owner is gone, or its time is over: never sent, it is given back; sent, it is presumed spent.
    void lapse() noexcept;

private:
    /// A sum that saturates could not be taken apart again.
    [[nodiscard]] bool has_room_for(money actual) const noexcept;
    void doubt(money said) noexcept;
    /// Into the column in which the reservation's state says that it stands, and out of it.
    void put_in() noexcept;
    void take_out() noexcept;
    void end(reservation_state s) noexcept;

    reservation& r_;
    std::span<account* const> accounts_;
    ledger_moment at_;
    bool changed_ = false;
    bool gone_ = false;
};

/// A scope in which nothing may be spent until it is thawed, and why.
struct frozen_scope {
    std::string scope;  ///< what can be thawed
    std::string reason;  ///< as it was given
};
/// What a refusal there carries.
[[nodiscard]] budget_denial denied_by(frozen_scope const& f);

/// Why a send may not begin: its scope was frozen, or its money was given back (its owner took too long, or was taken
/// for dead).
[[nodiscard]] fault frozen_fault(budget_denial d);
/// Why a send may not begin: what was held for it lapsed. Unsent; a retry holds anew.
[[nodiscard]] fault reservation_over();

/// Is `scope` the named one, or inside it? The empty name is everything.
[[nodiscard]] constexpr bool is_within(std::string_view scope, std::string_view named) noexcept {
    return named.empty() || scope == named ||
           (scope.size() > named.size() && scope.starts_with(named) && scope[named.size()] == '/');
}

}  // namespace coffer::inline COFFER_ABI

#if !defined(COFFER_SEPARATE_COMPILATION)
#include <coffer/state/ledger_rules.ipp>
#endif
