// SPDX-License-Identifier: BSL-1.0
#pragma once
// Half of a limit, most of it, all of it: each said once per window. Pure.

#include <coffer/base/money.hpp>
#include <coffer/state/alarm.hpp>
#include <coffer/state/window.hpp>

#include <chrono>
#include <optional>
#include <string>
#include <vector>

namespace coffer::inline COFFER_ABI {

/// What one window of a scope has committed, settled + presumed + held, and what it may.
struct commitment {
    money committed;  ///< settled, presumed and held
    money limit;  ///< `money::max()`: there is none
};

/// A window, and the span of it that is meant. (Of a window that was read from a store the zone may not be known; that of
/// a span is.)
struct window_at {
    /// The span of it that contains that moment.
    window_at(window w, std::chrono::system_clock::time_point inside);
    /// A span that is known already.
    window_at(window w, window_span s);

    window over;  ///< its kind and zone
    window_span span;  ///< of the wall clock
};

/// Rings when parts of a limit are committed, each once per window.
struct threshold_rule {
    std::vector<int> percents{50, 80, 100};  ///< of the limit

    /// The percents that `after` has reached and `before` had not: of more committed, or of a lower limit.
    [[nodiscard]] std::vector<int> crossed(commitment const& before, commitment const& after) const;

    /// One alarm, of the highest percent crossed. Its id is that of this percent of this limit in this window; in a rolling
    /// window, which has no end, of a stretch of its length. So it rings again for a limit that was raised.
    [[nodiscard]] std::optional<alarm_report> look(std::string const& scope, window_at const& where,
                                                   commitment const& before, commitment const& after,
                                                   std::chrono::system_clock::time_point now) const;
    /// The id of such an alarm.
    [[nodiscard]] static std::string id_of(std::string const& scope, window_at const& where, money limit, int percent,
                                           std::chrono::system_clock::time_point now);

private:
    [[nodiscard]] static bool reached(commitment const& c, int percent) noexcept;
};

/// Where the count of "once per window" begins again: the start of the window, and in a rolling one of a stretch of its length.
[[nodiscard]] std::chrono::system_clock::time_point alarm_period(window_at const& where,
                                                                 std::chrono::system_clock::time_point now);

namespace detail {

std::string alarm_id(alarm_kind kind, std::string const& scope, window_at const& where,
                     std::chrono::system_clock::time_point now, std::string const& what);

}

}  // namespace coffer::inline COFFER_ABI

#if !defined(COFFER_SEPARATE_COMPILATION)
#include <coffer/state/threshold_rule.ipp>
#endif
