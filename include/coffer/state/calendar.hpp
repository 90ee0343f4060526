// SPDX-License-Identifier: BSL-1.0
#pragma once
// Hours, days and months as a zone's clocks show them. Pure, exact for every rule that a zone may have.

#include <coffer/base/zone.hpp>

#include <chrono>

namespace coffer::inline COFFER_ABI::calendar {

/// [start, end)
struct span {
    std::chrono::sys_seconds start;  ///< the first instant in it
    std::chrono::sys_seconds end;  ///< the first one after it
};

/// What the zone's clocks show at t.
[[nodiscard]] std::chrono::local_seconds shown_at(zone const& z, std::chrono::sys_seconds t);

/// The first instant at which the zone's clocks show `wanted` or later: of two times the earlier one, and the change itself if
/// it is skipped.
[[nodiscard]] std::chrono::sys_seconds first_showing(zone const& z, std::chrono::local_seconds wanted);

/// The hour of t, cut short where the clocks are set: what is shown twice is two hours.
[[nodiscard]] span hour_at(zone const& z, std::chrono::sys_seconds t);

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
[[nodiscard]] span day_at(zone const& z, std::chrono::sys_seconds t);

/// The month that t is in: from the first instant at which the zone's calendar shows it.
[[nodiscard]] span month_at(zone const& z, std::chrono::sys_seconds t);

}  // namespace coffer::inline COFFER_ABI::calendar

#if !defined(COFFER_SEPARATE_COMPILATION)
#include <coffer/state/calendar.ipp>
#endif
