// SPDX-License-Identifier: BSL-1.0
#pragma once
// Does one line of a reservation have the money? If not, what the caller is told.

#include <coffer/base/later.hpp>
#include <coffer/state/ledger.hpp>
#include <coffer/state/ledger_rules.hpp>

#include <chrono>
#include <optional>
#include <span>
#include <string>
#include <utility>

namespace coffer::inline COFFER_ABI {

/// What a line has to hold.
[[nodiscard]] inline money amount_of(reserve_request const& q, ledger_line const& line) noexcept {
    return line.kind == limit_kind::hard ? q.bound.value_or(q.expected) : q.expected;
}

/// What has to be free in its account. An operator may have set a limit where the program has none, and did not need to
/// know a bound: then no amount is enough.
[[nodiscard]] inline money needed_of(reserve_request const& q, ledger_line const& line, money limit) noexcept {
    bool const bounded = q.bound || line.kind == limit_kind::soft || limit == money::max();
    return bounded ? amount_of(q, line) : money::max();
}

/// The reservation that `q` asks for, before it holds anything.
[[nodiscard]] inline reservation reservation_for(reserve_request const& q, std::string owner, ledger_moment at) {
    reservation r;
    r.id = q.id;
    r.state = q.sent ? reservation_state::sent : reservation_state::held;
    r.bound = q.bound;
    r.owner = std::move(owner);
    r.until = later(at.now, q.sent ? q.longest : q.held_for);
    r.created = at.wall;
    r.about = q.about;
    r.holds.reserve(q.lines->size());
    for (auto const& line : *q.lines) r.holds.push_back({amount_of(q, line), line.kind});
    return r;
}

/// A part of a window's money: an account and when its part of the window began.
using window_part = std::pair<std::chrono::system_clock::time_point, account>;

/// Why `line` has not got the money for `q`, if so. `limit` is the one that holds now, `parts` are the accounts that count
/// in the window at `wall`, by age; `frozen` is the frozen scope that it is in, if there is one.
[[nodiscard]] inline std::optional<budget_denial> denial_of(reserve_request const& q, ledger_line const& line,
                                                            money limit, std::optional<frozen_scope> const& frozen,
                                                            std::span<window_part const> parts,
                                                            std::chrono::system_clock::time_point wall) {
    account counting;
    for (auto const& [start, part] : parts) counting += part;
    auto const needed = needed_of(q, line, limit);
    if (!frozen && fits(counting.committed(), needed, limit)) return std::nullopt;

    auto const span = line.window.span_at(wall);
    auto d = frozen ? denied_by(*frozen) : budget_denial{};
    if (!frozen) d.scope = line.scope;
    d.window = line.window.describe(span.start);
    d.window_text = line.window_text;
    d.limit = limit;
    d.free = left_of(limit, counting.committed());
    d.needed = needed;
    d.held = counting.held;
    if (needed > limit) return d;  // no time will help
    if (line.window.kind() != window_kind::rolling) {
        if (span.end != std::chrono::system_clock::time_point::max()) d.until = span.end;
        return d;
    }
    auto committed = counting.committed();
    for (auto const& [start, part] : parts) {
        committed -= part.committed();
        d.until = line.window.leaves_at(start);
        if (fits(committed, needed, limit)) break;
    }
    return d;
}

}  // namespace coffer::inline COFFER_ABI
