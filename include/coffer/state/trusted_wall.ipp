// SPDX-License-Identifier: BSL-1.0
#pragma once
// Definitions of trusted_wall.hpp.

#include <coffer/state/trusted_wall.hpp>

#include <algorithm>

namespace coffer::inline COFFER_ABI {

COFFER_INLINE trusted_wall::trusted_wall(clock_reading const& first)
    : boot{first.boot}, steady{first.steady}, wall{first.wall}, said{first.wall} {}

COFFER_INLINE trusted_wall::nanoseconds trusted_wall::since(clock_reading const& r) const noexcept {
    return is_comparable(r) ? r.steady - steady : nanoseconds::zero();
}

COFFER_INLINE void trusted_wall::observe(clock_reading const& r) {
    auto const passed = since(r);
        // Across a reboot there is nothing but the doubted clock's own word for how long it was.
    auto const between = is_comparable(r) ? passed : r.wall - said;
    auto lead = lead_of(r);
    wall = at(r);
    slack = std::min(most_slack, slack + passed / slack_returns_in);
    if (doubted > nanoseconds::zero() && lead > slack) {
        doubted = std::min(doubted, lead);
        doubted_for += std::clamp(between, nanoseconds::zero(), most_between);
        if (doubted_for >= doubt_lasts) {
            wall = later(wall, doubted);
            lead -= doubted;
            doubted = {};
        }
    }
    if (lead <= slack) {
        auto const believed = std::max(lead, nanoseconds::zero());
        wall = later(wall, believed);
        slack -= believed;
        doubted = {};
    } else if (doubted == nanoseconds::zero()) {
        doubted = lead;
        doubted_for = {};
    }
    boot = r.boot;
    steady = r.steady;
    said = r.wall;
}

}  // namespace coffer::inline COFFER_ABI
