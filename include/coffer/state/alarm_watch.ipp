// SPDX-License-Identifier: BSL-1.0
#pragma once
// Definitions of alarm_watch.hpp.

#include <coffer/state/alarm_watch.hpp>

#include <algorithm>
#include <stdexcept>

namespace coffer::inline COFFER_ABI {

COFFER_INLINE bool freeze_on::applies_to(alarm_report const& a) const {
    return a.kind == kind && a.severity >= at_least && is_within(a.scope, within);
}

COFFER_INLINE bool alarm_watch::ignores(std::string_view scope) const {
    return std::any_of(ignore.begin(), ignore.end(), [&](auto const& i) { return is_within(scope, i); });
}

COFFER_INLINE void alarm_watch::check() const {
    for (auto const& f : freeze)
        if (f.kind == alarm_kind::replay_storm || f.kind == alarm_kind::stopped_job)
            throw std::invalid_argument{"coffer::alarms: a " + std::string{to_string(f.kind)} +
                                        " costs nothing and names a key, not a scope: it cannot freeze one"};
    if (std::find(ignore.begin(), ignore.end(), "") != ignore.end())
        throw std::invalid_argument{"coffer::alarms: to ignore the scope \"\" is to ignore every scope"};
    for (auto const percent : rules.threshold.percents)
        if (percent < 1)
            throw std::invalid_argument{"coffer::alarms: a threshold of " + std::to_string(percent) +
                                        " %; thresholds are percents of the limit, such as 50, 80 and 100"};
}

}  // namespace coffer::inline COFFER_ABI
