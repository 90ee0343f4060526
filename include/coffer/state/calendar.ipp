// SPDX-License-Identifier: BSL-1.0
#pragma once
// Definitions of calendar.hpp.

#include <coffer/state/calendar.hpp>

#include <algorithm>

namespace coffer::inline COFFER_ABI::calendar {

COFFER_INLINE std::chrono::local_seconds shown_at(zone const& z, std::chrono::sys_seconds t) {
    return std::chrono::local_seconds{t.time_since_epoch() + z.at(t).offset};
}

COFFER_INLINE std::chrono::sys_seconds first_showing(zone const& z, std::chrono::local_seconds wanted) {
    std::chrono::sys_seconds const in_utc{wanted.time_since_epoch()};
    auto stretch = z.at(in_utc - std::chrono::hours{26});  // no clocks are so far ahead that they show it before
    for (;;) {
        auto const instant = std::max(stretch.begin, in_utc - stretch.offset);
        if (instant < stretch.end) return instant;
        stretch = z.at(stretch.end);
    }
}

COFFER_INLINE span hour_at(zone const& z, std::chrono::sys_seconds t) {
    auto const stretch = z.at(t);
    auto const full = std::chrono::floor<std::chrono::hours>(t + stretch.offset) - stretch.offset;
    return {std::max(full, stretch.begin), std::min(full + std::chrono::hours{1}, stretch.end)};
}

COFFER_INLINE span day_at(zone const& z, std::chrono::sys_seconds t) {
    auto const shown = std::chrono::floor<std::chrono::days>(shown_at(z, t));
    return detail::around(z, t, shown, [](std::chrono::local_days d) { return d + std::chrono::days{1}; });
}

COFFER_INLINE span month_at(zone const& z, std::chrono::sys_seconds t) {
    std::chrono::year_month_day const shown{std::chrono::floor<std::chrono::days>(shown_at(z, t))};
    return detail::around(z, t, shown.year() / shown.month() / 1,
                          [](std::chrono::year_month_day first) { return first + std::chrono::months{1}; });
}

}  // namespace coffer::inline COFFER_ABI::calendar
