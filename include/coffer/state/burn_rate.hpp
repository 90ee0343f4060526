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

namespace coffer::inline COFFER_ABI {

/// Of the last minutes, the present one among them: at most six hours.
struct burn_rate_pair {
    std::chrono::minutes longer;  ///< says that it matters
    std::chrono::minutes shorter;  ///< says that it still goes on
    int tenths;  ///< of the burn rate: 144 is 14.4
};

/// Which pairs of a longer and a shorter time are looked at. Empty: that kind of window never rings.
struct burn_rate_rule {
    /// Of a month's limit: 14.4 over 1 h and 5 min, 6 over 6 h and 30 min.
    std::vector<burn_rate_pair> of_month{{std::chrono::minutes{60}, std::chrono::minutes{5}, 144},
                                         {std::chrono::minutes{360}, std::chrono::minutes{30}, 60}};
    /// Of a day's limit: 14.4 over 30 and 5 min, 6 over 2 h and 10 min.
    std::vector<burn_rate_pair> of_day{{std::chrono::minutes{30}, std::chrono::minutes{5}, 144},
                                       {std::chrono::minutes{120}, std::chrono::minutes{10}, 60}};

    /// Those for a window of that kind: a rolling one counts as a day from 12 hours on, as a month from 7 days on.
    [[nodiscard]] std::vector<burn_rate_pair> const& pairs_for(window const& over) const;

    /// The first pair of which both rates are reached, if at the longer one's the limit is reached before the window ends.
    /// Once per pair and window.
    [[nodiscard]] std::optional<alarm_report> look(std::string const& scope, window_at const& where,
                                                   commitment const& present, spend_trail const& trail,
                                                   std::chrono::system_clock::time_point now) const;

    /// Could it ring, by what was spent hour by hour? Quicker to know than by the minutes.
    /// `since`: it may have been then, or later.
    [[nodiscard]] bool may_ring(window_at const& where, commitment const& present, spend_history const& hours,
                                std::chrono::system_clock::time_point since,
                                std::chrono::system_clock::time_point now) const;

private:
    [[nodiscard]] static std::chrono::seconds lasts(window_at const& where);
    /// spent / m >= rate * limit / lasts, without a division
    [[nodiscard]] static bool burns(money spent, std::chrono::minutes m, int tenths, window_at const& where,
                                    money limit);
};

}  // namespace coffer::inline COFFER_ABI

#if !defined(COFFER_SEPARATE_COMPILATION)
#include <coffer/state/burn_rate.ipp>
#endif
