// SPDX-License-Identifier: BSL-1.0
#pragma once
// Hours, days and months as a zone's clocks show them. Pure, exact for every rule that a zone may have.

#include <coffer/base/zone.hpp>

#include <algorithm>
#include <chrono>

namespace coffer::inline COFFER_ABI::calendar {

/// [start, end)
struct span {
    std::chrono::sys_seconds start;  ///< the first instant in it
    std::chrono::sys_seconds end;  ///< the first one after it
};

/// What the zone's clocks show at t.
[[nodiscard]] inline std::chrono::local_seconds shown_at(zone const& z, std::chrono::sys_seconds t) {
    return std::chrono::local_seconds{t.time_since_epoch() + z.at(t).offset};
}

/// The first instant at which the zone's clocks show `wanted` or later: of two times the earlier one, and the change itself if
/// it is skipped.
[[nodiscard]] inline std::chrono::sys_seconds first_showing(zone const& z, std::chrono::local_seconds wanted) {
    std::chrono::sys_seconds const in_utc{wanted.time_since_epoch()};
    auto stretch = z.at(in_utc - std::chrono::hours{26});  // no clocks are so far ahead that they show it before
    for (;;) {
        auto const instant = std::max(stretch.begin, in_utc - stretch.offset);
        if (instant < stretch.end) return instant;
        stretch = z.at(stretch.end);
    }
}

/// The hour of t, cut short where the clocks are set: what is shown twice is two hours.
[[nodiscard]] inline span hour_at(zone const& z, std::chrono::sys_seconds t) {
    auto const stretch = z.at(t);
    auto const full = std::chrono::floor<std::chrono::hours>(t + stretch.offset) - stretch.offset;
    return {std::max(full, stretch.begin), std::min(full + std::chrono::hours{1}, stretch.end)};
}

namespace detail {

// Units follow each other, and each begins where it is shown first. What t shows is not always the one it is in: clocks set
// back over the beginning of a unit show the one before once more.
template <class Unit, class Step>
span around(zone const& z, std::chrono::sys_seconds t, Unit unit, Step next) {
    auto const begin_of = [&z](Unit u) { return first_showing(z, std::chrono::local_days{u}); };
    for (auto end = begin_of(next(unit));; end = begin_of(next(unit))) {
        if (t < end) return {begin_of(unit), end};
        unit = next(unit);
    }
}

}  // namespace detail

/// The day that t is in: from the first instant at which the zone's calendar shows it.
[[nodiscard]] inline span day_at(zone const& z, std::chrono::sys_seconds t) {
    auto const shown = std::chrono::floor<std::chrono::days>(shown_at(z, t));
    return detail::around(z, t, shown, [](std::chrono::local_days d) { return d + std::chrono::days{1}; });
}

/// The month that t is in: from the first instant at which the zone's calendar shows it.
[[nodiscard]] inline span month_at(zone const& z, std::chrono::sys_seconds t) {
    std::chrono::year_month_day const shown{std::chrono::floor<std::chrono::days>(shown_at(z, t))};
    return detail::around(z, t, shown.year() / shown.month() / 1,
                          [](std::chrono::year_month_day first) { return first + std::chrono::months{1}; });
}

}  // namespace coffer::inline COFFER_ABI::calendar
