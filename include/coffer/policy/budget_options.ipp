// SPDX-License-Identifier: BSL-1.0
#pragma once
// Definitions of budget_options.hpp.

#include <coffer/base/defaults.hpp>
#include <coffer/policy/budget_options.hpp>

#include <algorithm>
#include <stdexcept>
#include <utility>

namespace coffer::inline COFFER_ABI {

COFFER_INLINE void budget_options::check() const {
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

namespace detail {

COFFER_INLINE std::string dollars(money m) {
    auto text = m.to_string();
    while (text.ends_with('0') && text[text.size() - 3] != '.') text.pop_back();
    return "$" + text;
}

COFFER_INLINE std::string text_of(budget_limit const& l) {
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

COFFER_INLINE void describe_into(composition& to, budget_options const& o) {
    to.with(text_of({o.scope, o.limit, o.window, o.kind}));
    for (auto const& l : o.also) to.with(text_of(l));
    to.with_other("max_wait", o.max_wait, duration::zero());
    if (o.unbounded_at_most) to.with("unbounded_at_most", dollars(*o.unbounded_at_most));
    if (o.shrink_to) to.with("shrink_to", *o.shrink_to);
}

COFFER_INLINE fault fault_of(budget_denial d, wall_time_point wall) {
    if (d.frozen) return frozen_fault(std::move(d));
    // A limit of zero is a door that somebody has shut: nothing is wrong with the request.
    bool const never = d.never_fits() && !d.limit_is_zero();
    bool const held = d.is_held();
    auto message = d.to_string();
    if (never) message += "; it never fits: lower the request's output maximum, or raise the limit with " + d.way_out();
    else if (held) message += "; budget_options::max_wait waits for them";
    else if (!d.until && !d.limit_is_zero())
        message += "; none comes back by itself: raise the limit with " + d.way_out();
    fault f{never ? fault_kind::never_fits : fault_kind::over_budget, std::move(message)};
    if (d.limit_is_zero()) f.with_code("zero_limit");
    if (held) f.with_code("held");
    std::optional<duration> again;
    if (!never && d.until && *d.until > wall) again = *d.until - wall;
    if (held) again = std::min(again.value_or(duration::max()), duration{defaults::in_progress_hint});
    if (again) f.with_retry_after(*again);
    f.with_denial(std::move(d));
    return f;
}

COFFER_INLINE fault others_wait(std::string const& account, std::optional<budget_denial> last) {
    fault f{fault_kind::over_budget,
            "budget " + account + ": others have waited longer for its money, and max_wait is over"};
    if (last) f.with_denial(*std::move(last));
    return f;
}

COFFER_INLINE void make_stricter(ledger_line& line, ledger_line const& other) {
    line.limit = std::min(line.limit, other.limit);
    if (other.kind == limit_kind::hard) line.kind = limit_kind::hard;
}

COFFER_INLINE fault no_bound(std::string const& why) {
    return fault{fault_kind::never_fits,
                 "a hard budget needs to know what a request can cost at the most: " +
                     (why.empty() ? std::string{"the operation gives no estimate (describe(fn).estimate(...))"} : why) +
                     "; or say so with budget_options::unbounded_at_most"}
        .with_code("no_bound");
}

}  // namespace detail

}  // namespace coffer::inline COFFER_ABI
