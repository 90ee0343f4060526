// SPDX-License-Identifier: BSL-1.0
#pragma once
// Half of a limit, most of it, all of it: each said once per window. Pure.

#include <coffer/base/money.hpp>
#include <coffer/state/alarm.hpp>
#include <coffer/state/window.hpp>

#include <algorithm>
#include <chrono>
#include <optional>
#include <string>
#include <utility>
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
    window_at(window w, std::chrono::system_clock::time_point inside)
        : over{std::move(w)}, span{over.span_at(inside)} {}
    /// A span that is known already.
    window_at(window w, window_span s) : over{std::move(w)}, span{s} {}

    window over;  ///< its kind and zone
    window_span span;  ///< of the wall clock
};

/// Rings when parts of a limit are committed, each once per window.
struct threshold_rule {
    std::vector<int> percents{50, 80, 100};  ///< of the limit

    /// The percents that `after` has reached and `before` had not: of more committed, or of a lower limit.
    [[nodiscard]] std::vector<int> crossed(commitment const& before, commitment const& after) const {
        std::vector<int> found;
        for (auto const percent : percents)
            if (reached(after, percent) && !reached(before, percent)) found.push_back(percent);
        return found;
    }

    /// One alarm, of the highest percent crossed. Its id is that of this percent of this limit in this window; in a rolling
    /// window, which has no end, of a stretch of its length. So it rings again for a limit that was raised.
    [[nodiscard]] std::optional<alarm_report> look(std::string const& scope, window_at const& where,
                                                   commitment const& before, commitment const& after,
                                                   std::chrono::system_clock::time_point now) const;
    /// The id of such an alarm.
    [[nodiscard]] static std::string id_of(std::string const& scope, window_at const& where, money limit, int percent,
                                           std::chrono::system_clock::time_point now);

private:
    [[nodiscard]] static bool reached(commitment const& c, int percent) noexcept {
        return c.committed > money{} &&
               detail::wide_int{c.committed.nano()} * 100 >= detail::wide_int{c.limit.nano()} * percent;
    }
};

/// Where the count of "once per window" begins again: the start of the window, and in a rolling one of a stretch of its length.
[[nodiscard]] inline std::chrono::system_clock::time_point alarm_period(window_at const& where,
                                                                        std::chrono::system_clock::time_point now) {
    if (where.over.kind() != window_kind::rolling) return where.span.start;
    auto const whole = std::chrono::floor<std::chrono::seconds>(now).time_since_epoch();
    return std::chrono::system_clock::time_point{whole - whole % where.over.length()};
}

namespace detail {

inline std::string alarm_id(alarm_kind kind, std::string const& scope, window_at const& where,
                            std::chrono::system_clock::time_point now, std::string const& what) {
    auto const start = std::chrono::floor<std::chrono::seconds>(alarm_period(where, now)).time_since_epoch().count();
    return std::string{to_string(kind)} + "|" + scope + "|" + where.over.text() + "|" + std::to_string(start) + "|" +
           what;
}

}  // namespace detail

inline std::string threshold_rule::id_of(std::string const& scope, window_at const& where, money limit, int percent,
                                         std::chrono::system_clock::time_point now) {
    return detail::alarm_id(alarm_kind::threshold, scope, where, now,
                            std::to_string(percent) + " of " + std::to_string(limit.nano()));
}

inline std::optional<alarm_report> threshold_rule::look(std::string const& scope, window_at const& where,
                                                        commitment const& before, commitment const& after,
                                                        std::chrono::system_clock::time_point now) const {
    auto const found = crossed(before, after);
    if (found.empty()) return {};
    auto const highest = *std::max_element(found.begin(), found.end());
    auto const full = highest >= 100;
    bool const ends = where.over.kind() != window_kind::lifetime;
    return alarm_report{
        alarm_kind::threshold,
        full            ? alarm_severity::critical
        : highest >= 75 ? alarm_severity::warning
                        : alarm_severity::notice,
        scope,
        where.over.text(),
        after.committed,
        after.limit,
        now,
        id_of(scope, where, after.limit, highest, now),
        scope + " has committed " + in_dollars(after.committed) + " of " + in_dollars(after.limit) + ", " +
            std::to_string(highest) + " % or more of its limit for " +
            (ends ? where.over.describe(where.span.start) : "its lifetime") +
            (full ? std::string{". Calls are refused until it is raised"} + (ends ? " or the window ends" : "") +
                        ": look what has spent it first."
                  : ". If this is more than the work needs, look what spends it; if not, raise the limit in time.")};
}

}  // namespace coffer::inline COFFER_ABI
