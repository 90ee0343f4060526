// SPDX-License-Identifier: BSL-1.0
#pragma once
// Definitions of threshold_rule.hpp.

#include <coffer/state/threshold_rule.hpp>

#include <algorithm>
#include <utility>

namespace coffer::inline COFFER_ABI {

COFFER_INLINE window_at::window_at(window w, std::chrono::system_clock::time_point inside)
    : over{std::move(w)}, span{over.span_at(inside)} {}

COFFER_INLINE window_at::window_at(window w, window_span s) : over{std::move(w)}, span{s} {}

COFFER_INLINE std::vector<int> threshold_rule::crossed(commitment const& before, commitment const& after) const {
    std::vector<int> found;
    for (auto const percent : percents)
        if (reached(after, percent) && !reached(before, percent)) found.push_back(percent);
    return found;
}

COFFER_INLINE bool threshold_rule::reached(commitment const& c, int percent) noexcept {
    return c.committed > money{} &&
           detail::wide_int{c.committed.nano()} * 100 >= detail::wide_int{c.limit.nano()} * percent;
}

COFFER_INLINE std::chrono::system_clock::time_point alarm_period(window_at const& where,
                                                                 std::chrono::system_clock::time_point now) {
    if (where.over.kind() != window_kind::rolling) return where.span.start;
    auto const whole = std::chrono::floor<std::chrono::seconds>(now).time_since_epoch();
    return std::chrono::system_clock::time_point{whole - whole % where.over.length()};
}

namespace detail {

COFFER_INLINE std::string alarm_id(alarm_kind kind, std::string const& scope, window_at const& where,
                                   std::chrono::system_clock::time_point now, std::string const& what) {
    auto const start = std::chrono::floor<std::chrono::seconds>(alarm_period(where, now)).time_since_epoch().count();
    return std::string{to_string(kind)} + "|" + scope + "|" + where.over.text() + "|" + std::to_string(start) + "|" +
           what;
}

}  // namespace detail

  // namespace detail
COFFER_INLINE std::string threshold_rule::id_of(std::string const& scope, window_at const& where, money limit,
                                                int percent, std::chrono::system_clock::time_point now) {
    return detail::alarm_id(alarm_kind::threshold, scope, where, now,
                            std::to_string(percent) + " of " + std::to_string(limit.nano()));
}

COFFER_INLINE std::optional<alarm_report> threshold_rule::look(std::string const& scope, window_at const& where,
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
