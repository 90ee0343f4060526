// SPDX-License-Identifier: BSL-1.0
#pragma once
// Money accounts and what moves money between their columns, as data: the nouns of the ledger. The rules are in
// ledger_rules.hpp.

#include <coffer/base/denial.hpp>
#include <coffer/base/money.hpp>
#include <coffer/state/window.hpp>

#include <array>
#include <chrono>
#include <cstdint>
#include <memory>
#include <optional>
#include <ostream>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

namespace coffer::inline COFFER_ABI {

/// 128 random bits.
using reservation_id = std::array<std::uint8_t, 16>;

/// One scope's money in one window (of a rolling window: in one part of it).
///
/// A limit holds for `committed()`. What is presumed may not have been spent, and is shown apart from what has.
struct account {
    money settled;   ///< spent, as far as the provider or the price list tells
    money presumed;  ///< sent, and nobody knows what became of it: counted as spent until somebody does
    money held;      ///< reserved: for sends under way, or about to begin
    money overrun;   ///< of `settled`: what went beyond the upper bounds that were held for it
    std::int64_t unpriced = 0;  ///< sends without any bound whose cost nobody knows; they count as nothing

    /// Known or presumed, without what is held.
    [[nodiscard]] constexpr money spent() const noexcept { return settled + presumed; }
    /// What a limit is compared with.
    [[nodiscard]] constexpr money committed() const noexcept { return settled + presumed + held; }
    /// All columns of both, saturating.
    constexpr account& operator+=(account const& other) noexcept {
        settled += other.settled;
        presumed += other.presumed;
        held += other.held;
        overrun += other.overrun;
        unpriced += other.unpriced;
        return *this;
    }
    /// Without the other's columns: they must be part of this one.
    constexpr account& operator-=(account const& other) noexcept {
        settled -= other.settled;
        presumed -= other.presumed;
        held -= other.held;
        overrun -= other.overrun;
        unpriced -= other.unpriced;
        return *this;
    }
    friend bool operator==(account const&, account const&) = default;
    /// All columns, for tests and logs.
    friend std::ostream& operator<<(std::ostream& out, account const& a) {
        return out << "settled " << a.settled << ", presumed " << a.presumed << ", held " << a.held << ", overrun "
                   << a.overrun << ", unpriced " << a.unpriced;
    }
};

/// A hard limit is never exceeded: what is held for a send is the most that it can cost. A soft one holds what such
/// sends usually cost, and may be exceeded by what they cost more.
enum class limit_kind : std::uint8_t { hard, soft };

/// `hard` or `soft`, as ledgers store it.
[[nodiscard]] constexpr std::string_view to_string(limit_kind k) noexcept {
    return k == limit_kind::hard ? "hard" : "soft";
}

/// One limit that a reservation has to keep to, as the policy declares it.
struct ledger_line {
    /// A limit as declared; the window's stored text is formed here, once.
    ledger_line(std::string named, coffer::window over, money most, limit_kind k = limit_kind::hard);

    std::string scope;  ///< whose money it is
    coffer::window window;  ///< over which time it counts
    std::string window_text;  ///< how the window is stored
    money limit;              ///< an operator's own limit for the same scope and window comes before it
    limit_kind kind = limit_kind::hard;  ///< hard, unless it says otherwise
};
/// Each scope and window stands in it once.
using ledger_lines = std::vector<ledger_line>;

/// What an entry says about the send that money was held for.
struct entry_facts {
    std::string name_space;  ///< of the call's key
    std::string record;      ///< digest of the record under which it was sent; empty without a journal
    int send = 0;            ///< the journal's number of the send; 0 without a journal
    int attempt = 0;  ///< its number in the call
    std::string provider;  ///< empty: the operation does not say
    std::string model;  ///< empty: the operation does not say
    std::string job;         ///< the call's tag of that name
    std::string work;        ///< digest of the request's fingerprint, the same under any key; empty without one
    std::string request_id;  ///< the provider's own, once it is known
};

/// What has become of a reservation. (A released one is gone.)
enum class reservation_state : std::uint8_t {
    held,      ///< nothing was sent yet; given back if nobody claims it
    sent,      ///< with a permit: presumed spent if its end is never heard of
    settled,   ///< its cost is known
    presumed,  ///< it ended, or its owner did, and its cost is not known
};

/// Its name, as ledgers store it.
[[nodiscard]] constexpr std::string_view to_string(reservation_state s) noexcept {
    constexpr std::array<std::string_view, 4> names{"held", "sent", "settled", "presumed"};
    return names[static_cast<std::size_t>(s)];
}

/// What one reservation holds, or has spent, in one account.
struct ledger_hold {
    money amount;  ///< held, or spent
    limit_kind kind = limit_kind::hard;  ///< of the line for which it is held
};

/// A reservation, and afterwards the entry that explains its money.
struct reservation {
    reservation_id id{};  ///< by which everything later is told
    reservation_state state = reservation_state::held;  ///< who may do what with it: `ledger_rules.hpp`
    std::optional<money> bound;   ///< the most that it can cost; none is known under soft limits only
    /// Settled: what it has cost. Presumed: what it was said to have cost, if that cannot be meant.
    std::optional<money> actual;
    std::string owner;            ///< the process that it belongs to, as the store names processes
    std::chrono::steady_clock::time_point until{};  ///< held: given back then; sent: it has certainly ended by then
    std::chrono::system_clock::time_point created{};  ///< when it was asked for
    std::chrono::system_clock::time_point ended{};  ///< when it was settled or presumed; the epoch: not yet
    entry_facts about;  ///< what the entry says
    std::vector<ledger_hold> holds;  ///< beside the accounts that they stand in
};

/// Asks for money to be held in all of `lines`, or in none.
struct reserve_request {
    reservation_id id{};  ///< fresh and random; the same if the reply was lost
    std::shared_ptr<ledger_lines const> lines;  ///< shared, so that nothing is copied for each send
    std::optional<money> bound;  ///< held under hard limits; must be known if there are any
    money expected;              ///< held under soft limits
    bool sent = false;           ///< the send begins at once: nothing else stands between
    std::chrono::nanoseconds held_for{};  ///< not sent by then: given back
    std::chrono::nanoseconds longest{};   ///< sent: it has certainly ended so long after
    entry_facts about;  ///< what the entry will say
};

/// The money is held.
struct reserved {};
using reserve_verdict = std::variant<reserved, budget_denial>;  ///< held, or who has not enough

/// When a rule is applied, by the ledger's clock.
struct ledger_moment {
    std::chrono::steady_clock::time_point now;  ///< says when what is held lapses
    std::chrono::system_clock::time_point wall;  ///< says which window it is
};

/// How a scope stands in a window.
struct account_status {
    std::string scope;  ///< whose money it is
    std::string window;  ///< as it is stored
    std::chrono::system_clock::time_point start{};  ///< of this span of the window
    std::chrono::system_clock::time_point end{};  ///< it counts no more from then on
    account money_in;  ///< the columns of the account
    std::optional<money> limit;  ///< that the last reservation had to keep to, or an operator has set
    bool frozen = false;  ///< somebody has stopped the scope, or one around it
};

}  // namespace coffer::inline COFFER_ABI

#if !defined(COFFER_SEPARATE_COMPILATION)
#include <coffer/state/ledger.ipp>
#endif
