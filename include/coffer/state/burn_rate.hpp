// SPDX-License-Identifier: BSL-1.0
#pragma once
// A limit that will be reached before its window ends, told early. Pure.
//
// A burn rate of 1 spends a limit evenly over its window. The rule is the multiwindow form of Google's Site Reliability
// Workbook (chapter 5, "Alerting on SLOs", approach 6), with money for errors: the rate over a long time says that it matters,
// the same rate over a short one that it still goes on. Its numbers are those for a month: 14.4 over 1 h and 5 min, which is 2 %
// of the limit, and 6 over 6 h and 30 min, 5 %. A day's limit burns 24 times as fast: there it is 14.4 over 30 min and 5 min,
// 30 % of it, and 6 over 2 h and 10 min, 50 %. The limits of an hour, of minutes and of a lifetime have no burn rate.

#include <coffer/base/later.hpp>
#include <coffer/base/money.hpp>
#include <coffer/state/alarm.hpp>
#include <coffer/state/spend_history.hpp>
#include <coffer/state/threshold_rule.hpp>
#include <coffer/state/window.hpp>

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace coffer::inline v0 {

/// Of the last minutes, the present one among them: at most six hours.
struct burn_rate_pair {
    std::chrono::minutes longer;
    std::chrono::minutes shorter;
    int tenths;  ///< of the burn rate: 144 is 14.4
};

struct burn_rate_rule {
    std::vector<burn_rate_pair> of_month{{std::chrono::minutes{60}, std::chrono::minutes{5}, 144},
                                         {std::chrono::minutes{360}, std::chrono::minutes{30}, 60}};
    std::vector<burn_rate_pair> of_day{{std::chrono::minutes{30}, std::chrono::minutes{5}, 144},
                                       {std::chrono::minutes{120}, std::chrono::minutes{10}, 60}};

    /// Those for a window of that kind: a rolling one counts as a day from 12 hours on, as a month from 7 days on.
    [[nodiscard]] std::vector<burn_rate_pair> const& pairs_for(window const& over) const {
        static std::vector<burn_rate_pair> const none;
        auto const length = over.length();
        if (over.kind() == window_kind::month || length >= std::chrono::days{7}) return of_month;
        return over.kind() == window_kind::day || length >= std::chrono::hours{12} ? of_day : none;
    }

    /// The first pair of which both rates are reached, if at the longer one's the limit is reached before the window ends.
    /// Once per pair and window.
    [[nodiscard]] std::optional<alarm> look(std::string const& scope, window const& over, commitment const& present,
                                            spend_trail const& trail, std::chrono::system_clock::time_point now) const;
};

inline std::optional<alarm> burn_rate_rule::look(std::string const& scope, window const& over,
                                                 commitment const& present, spend_trail const& trail,
                                                 std::chrono::system_clock::time_point now) const {
    auto const& pairs = pairs_for(over);
    if (pairs.empty() || present.limit <= money{} || present.committed >= present.limit)
        return {};  // the threshold says it
    using std::chrono::seconds;
    auto const rolls = over.kind() == window_kind::rolling;
    auto const span = over.span_at(now);
    auto const lasts = rolls ? over.length() : std::chrono::ceil<seconds>(span.end - span.start);
    auto const left = rolls ? over.length() : std::chrono::ceil<seconds>(span.end - now);
    auto const minute = spend_trail::cell_of(now);
    for (auto const& pair : pairs) {
        auto const spent = [&](std::chrono::minutes m) {
            return detail::wide_int{trail.sum(minute, m.count()).nano()};
        };
        // spent / m >= rate * limit / lasts, without a division
        auto const burns = [&](std::chrono::minutes m) {
            return spent(m) * lasts.count() * 10 >=
                   detail::wide_int{present.limit.nano()} * pair.tenths * seconds{m}.count();
        };
        auto const longer = spent(pair.longer);
        auto const to_limit = detail::wide_int{present.limit.nano()} - present.committed.nano();
        if (!burns(pair.longer) || !burns(pair.shorter) ||
            longer * left.count() < to_limit * seconds{pair.longer}.count())
            continue;
        auto const minutes_left = detail::saturate(to_limit * pair.longer.count() / longer);
        auto const rate = money::from_nano(detail::saturate(longer));
        return alarm{
            alarm_kind::burn_rate,
            alarm_severity::critical,
            scope,
            over.text(),
            rate,
            present.limit,
            now,
            detail::alarm_id(alarm_kind::burn_rate, scope, over, now, std::to_string(pair.longer.count()) + "min"),
            scope + " has spent " + in_dollars(rate) + " in " + std::to_string(pair.longer.count()) +
                " minutes; at this pace its limit of " + in_dollars(present.limit) + " for " +
                over.describe(span.start) + " is reached in " + std::to_string(minutes_left) +
                " minutes. Look what spends it, and freeze the scope if nobody knows."};
    }
    return {};
}

}  // namespace coffer::inline v0
