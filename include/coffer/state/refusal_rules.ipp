// SPDX-License-Identifier: BSL-1.0
#pragma once
// Definitions of refusal_rules.hpp.

#include <coffer/state/refusal_rules.hpp>

#include <algorithm>

namespace coffer::inline COFFER_ABI {

COFFER_INLINE std::optional<alarm_report> stopped_job_rule::look(stopped_job const& j,
                                                                 std::chrono::system_clock::time_point now) const {
    if (!rings) return {};
    auto const why = j.same_failures > 0 ? std::to_string(j.same_failures) + " runs of it failed in the same way" +
                                               (j.signature.empty() ? "" : " (" + j.signature + ")")
                                         : std::to_string(j.counted) + " runs of it did not get it done";
    return alarm_report{alarm_kind::stopped_job,
                        alarm_severity::warning,
                        j.name_space,
                        "",
                        money{},
                        money{},
                        now,
                        std::string{to_string(alarm_kind::stopped_job)} + "|" + j.job + "|" + std::to_string(j.begun),
                        j.job + " was stopped: " + why +
                            ". No run of it begins any more, and nothing is spent. Mend the cause, then reopen "
                            "it (coffer reopen)."};
}

COFFER_INLINE std::optional<alarm_report> denial_rule::look(budget_denial const& d, threshold_rule const& threshold,
                                                            std::chrono::system_clock::time_point now) const {
    bool const said = d.free <= money{} &&
                      std::find(threshold.percents.begin(), threshold.percents.end(), 100) != threshold.percents.end();
    if (!rings || said || !d.is_for_good()) return {};
    auto const ask = "a call in " + (d.scope.empty() ? std::string{"no scope"} : d.scope) + " may cost " +
                     (d.needed == money::max() ? std::string{"nobody knows how much"} : in_dollars(d.needed));
    return alarm_report{alarm_kind::denial,
                        alarm_severity::critical,
                        d.scope,
                        d.window_text,
                        d.needed,
                        d.limit,
                        now,
                        id_of(d, now),
                        d.never_fits()
                            ? "Calls are refused: " + ask + ", and the whole limit is " + in_dollars(d.limit) +
                                  ". Raise the limit, lower the output maximum, or choose a cheaper model."
                            : "Calls are refused: " + ask + ", and " + in_dollars_down(d.free) + " of " +
                                  in_dollars(d.limit) + " are left for " + d.window +
                                  ". Look what has spent it; raise the limit if this is what the work needs."};
}

COFFER_INLINE std::string denial_rule::id_of(budget_denial const& d, std::chrono::system_clock::time_point now) {
    // A window that ends is named by its beginning; of one that rolls each day is asked about anew.
    bool const rolls = d.window_text.starts_with("rolling/");
    auto const day = std::chrono::floor<std::chrono::days>(now).time_since_epoch().count();
    return std::string{to_string(alarm_kind::denial)} + "|" + d.scope + "|" + d.window_text + "|" +
           (rolls ? std::to_string(day) : d.window) + "|" + std::to_string(d.limit.nano()) +
           (d.never_fits() ? "|never" : "");
}

COFFER_INLINE std::string denial_rule::in_dollars_down(money m) {
    constexpr auto cent = money::nano_per_usd / 100;
    return m.nano() >= money::nano_per_usd ? in_dollars(money::from_nano(m.nano() / cent * cent)) : in_dollars(m);
}

}  // namespace coffer::inline COFFER_ABI
