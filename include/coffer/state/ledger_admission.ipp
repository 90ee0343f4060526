// SPDX-License-Identifier: BSL-1.0
#pragma once
// Definitions of ledger_admission.hpp.

#include <coffer/state/ledger_admission.hpp>

namespace coffer::inline COFFER_ABI {

COFFER_INLINE money amount_of(reserve_request const& q, ledger_line const& line) noexcept {
    return line.kind == limit_kind::hard ? q.bound.value_or(q.expected) : q.expected;
}

COFFER_INLINE money needed_of(reserve_request const& q, ledger_line const& line, money limit) noexcept {
    bool const bounded = q.bound || line.kind == limit_kind::soft || limit == money::max();
    return bounded ? amount_of(q, line) : money::max();
}

COFFER_INLINE reservation reservation_for(reserve_request const& q, std::string owner, ledger_moment at) {
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

COFFER_INLINE std::optional<budget_denial> denial_of(reserve_request const& q, ledger_line const& line, money limit,
                                                     std::optional<frozen_scope> const& frozen,
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
    if (d.never_fits()) return d;  // no time will help
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
