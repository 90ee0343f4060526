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

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <stdexcept>
#include <string>
#include <utility>
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
    void check() const {
        auto const positive = [](money limit_of, std::string const& scope_of) {
            if (limit_of < money{})
                throw std::invalid_argument{"coffer::budget: the limit of \"" + scope_of + "\" is negative"};
        };
        positive(limit, scope);
        for (auto const& l : also) positive(l.limit, l.scope);
        for (std::size_t i = 0; i < also.size(); ++i) {
            auto const same = [&l = also[i]](auto const& other) {
                return other.scope == l.scope && other.window == l.window;
            };
            if (same(*this) || std::any_of(also.begin(), also.begin() + static_cast<std::ptrdiff_t>(i), same))
                throw std::invalid_argument{"coffer::budget: two limits of \"" + also[i].scope +
                                            "\" for the same window; keep the one that is meant"};
        }
        if (also.size() >= most_limits)
            throw std::invalid_argument{"coffer::budget: more than " + std::to_string(most_limits) +
                                        " limits for one call"};
        if (max_wait < duration::zero()) throw std::invalid_argument{"coffer::budget: max_wait cannot be negative"};
        if (unbounded_at_most && *unbounded_at_most < money{})
            throw std::invalid_argument{"coffer::budget: unbounded_at_most is negative"};
        if (shrink_to && *shrink_to < 1)
            throw std::invalid_argument{"coffer::budget: shrink_to must be at least one token"};
    }

    static constexpr std::size_t most_limits = 16;  ///< the first one and those of `also` together
};

namespace detail {

/// `$25.00`, `$0.0015`: at least two decimals.
[[nodiscard]] inline std::string dollars(money m) {
    auto text = m.to_string();
    while (text.ends_with('0') && text[text.size() - 3] != '.') text.pop_back();
    return "$" + text;
}
/// `team/search $25.00 daily`.
[[nodiscard]] inline std::string text_of(budget_limit const& l) {
    auto text = l.scope;
    if (l.limit != money::max()) text += " " + dollars(l.limit);
    auto const kind = l.window.kind();
    if (kind == window_kind::rolling) text += " in " + duration_text(l.window.length());
    else if (kind == window_kind::lifetime) text += l.limit == money::max() ? "" : " for ever";
    else {
        text += kind == window_kind::hour ? " hourly" : kind == window_kind::day ? " daily" : " monthly";
        if (auto const zone = l.window.where().name(); zone != "UTC") text += " (" + zone + ")";
    }
    return text + (l.kind == limit_kind::soft ? ", soft" : l.limit == money::max() ? " without a limit" : "");
}
/// Scopes as they are configured: with the places for tags, and not what calls put there.
inline void describe_into(composition& to, budget_options const& o) {
    to.with(text_of({o.scope, o.limit, o.window, o.kind}));
    for (auto const& l : o.also) to.with(text_of(l));
    to.with_other("max_wait", o.max_wait, duration::zero());
    if (o.unbounded_at_most) to.with("unbounded_at_most", dollars(*o.unbounded_at_most));
    if (o.shrink_to) to.with("shrink_to", *o.shrink_to);
}

/// What a caller is told who is turned away. `wall` is now.
[[nodiscard]] inline fault fault_of(budget_denial d, wall_time_point wall) {
    if (d.frozen) return frozen_fault(std::move(d));
    // A limit of zero is a door that somebody has shut: nothing is wrong with the request.
    bool const never = d.needed > d.limit && !d.limit_is_zero();
    auto message = d.to_string();
    if (never) message += "; it never fits: lower the request's output maximum, or raise the limit with " + d.way_out();
    fault f{never ? fault_kind::never_fits : fault_kind::over_budget, std::move(message)};
    if (d.limit_is_zero()) f.with_code("zero_limit");
    if (!never && d.until && *d.until > wall) f.with_retry_after(*d.until - wall);
    f.with_denial(std::move(d));
    return f;
}

/// `last` is what the ledger has said before, if it was asked.
[[nodiscard]] inline fault others_wait(std::string const& account, std::optional<budget_denial> last) {
    fault f{fault_kind::over_budget,
            "budget " + account + ": others have waited longer for its money, and max_wait is over"};
    if (last) f.with_denial(*std::move(last));
    return f;
}

/// Two limits for one scope and window (two patterns may give the same name): whoever keeps to this one keeps to both.
inline void make_stricter(ledger_line& line, ledger_line const& other) {
    line.limit = std::min(line.limit, other.limit);
    if (other.kind == limit_kind::hard) line.kind = limit_kind::hard;
}

/// A hard limit needs an upper bound.
[[nodiscard]] inline fault no_bound(std::string const& why) {
    return fault{fault_kind::never_fits,
                 "a hard budget needs to know what a request can cost at the most: " +
                     (why.empty() ? std::string{"the operation gives no estimate (describe(fn).estimate(...))"} : why) +
                     "; or say so with budget_options::unbounded_at_most"}
        .with_code("no_bound");
}

}  // namespace detail
}  // namespace coffer::inline COFFER_ABI
