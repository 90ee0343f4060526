// SPDX-License-Identifier: BSL-1.0
#pragma once
// The options of `budget`, and the faults by which it refuses.

#include <coffer/base/denial.hpp>
#include <coffer/base/fault.hpp>
#include <coffer/base/money.hpp>
#include <coffer/call/composition.hpp>
#include <coffer/state/ledger.hpp>
#include <coffer/state/ledger_rules.hpp>
#include <coffer/state/window.hpp>
#include <coffer/time/clock.hpp>

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace coffer::inline COFFER_ABI {

/// So much money, for that scope, in each such window.
struct budget_limit {
    std::string scope;            ///< `team/search`, or with places for the call's tags: `team/{team}/user/{user}`
    money limit = money::max();   ///< none: what is spent is accounted for, and can be frozen
    coffer::window window{};      ///< lifetime, unless it says otherwise
    limit_kind kind = limit_kind::hard;  ///< soft: may be exceeded by what sends cost more than usual
};

/// Options of `budget`: its limit (the first four), further ones, and what to do when there is no money.
struct budget_options {
    std::string scope;  ///< as in `budget_limit`; empty: everything in this ledger
    money limit = money::max();  ///< none: what is spent is accounted for, and can be frozen
    coffer::window window{};  ///< lifetime, unless it says otherwise
    limit_kind kind = limit_kind::hard;  ///< soft: may be exceeded by what sends cost more than usual
    /// Every one of them must have the money, or nothing is held in any: the organisation, the model, the month.
    std::vector<budget_limit> also{};

    /// Turned away, a call waits so long (never past its deadline) for money to come back or for the window to end. It
    /// does not wait where neither can help in that time.
    duration max_wait{0};  ///< by default it is turned away at once
    /// What a request without an upper bound of its own (no output maximum, unknown price) costs at the most. If it
    /// costs more, the limit may be exceeded by that much; it counts as an overrun.
    std::optional<money> unbounded_at_most{};
    /// A request that does not fit may be sent with a smaller output maximum, down to so many tokens. (An answer that
    /// is cut there is defective unless the provider is told to accept it, e.g. `openai_options::accept_truncated`.)
    std::optional<std::int64_t> shrink_to{};

    /// Throws `std::invalid_argument` for what cannot be meant.
    void check() const;

    static constexpr std::size_t most_limits = 16;  ///< the first one and those of `also` together
};

namespace detail {

/// `$25.00`, `$0.0015`: at least two decimals.
[[nodiscard]] std::string dollars(money m);
/// `team/search $25.00 daily`.
[[nodiscard]] std::string text_of(budget_limit const& l);
/// Scopes as they are configured: with the places for tags, and not what calls put there.
void describe_into(composition& to, budget_options const& o);

/// What a caller is told who is turned away. `wall` is now.
[[nodiscard]] fault fault_of(budget_denial d, wall_time_point wall);

/// `last` is what the ledger has said before, if it was asked.
[[nodiscard]] fault others_wait(std::string const& account, std::optional<budget_denial> last);

/// Two limits for one scope and window (two patterns may give the same name): whoever keeps to this one keeps to both.
void make_stricter(ledger_line& line, ledger_line const& other);

/// A hard limit needs an upper bound.
[[nodiscard]] fault no_bound(std::string const& why);

}  // namespace detail
}  // namespace coffer::inline COFFER_ABI

#if !defined(COFFER_SEPARATE_COMPILATION)
#include <coffer/policy/budget_options.ipp>
#endif
