// SPDX-License-Identifier: BSL-1.0
#pragma once
// Work that is not done: jobs that were stopped, calls for which there is no money. Nothing is spent any more, so no rule
// about money rings; but somebody should hear of it. Pure.

#include <coffer/base/denial.hpp>
#include <coffer/state/alarm.hpp>
#include <coffer/state/threshold_rule.hpp>

#include <algorithm>
#include <chrono>
#include <optional>
#include <string>

namespace coffer::inline COFFER_ABI {

/// A job that an operator must reopen.
struct stopped_job {
    std::string name_space;  ///< of the job's key
    std::string job;  ///< as the store shows it
    int begun = 0;  ///< runs, ever
    int counted = 0;  ///< runs since it was last reopened
    int same_failures = 0;  ///< those that failed in the same way, one after the other; 0: it was stopped for `counted`
    std::string signature;  ///< of that failure
};

/// Rings for a job that is stopped.
struct stopped_job_rule {
    bool rings = true;  ///< false: switched off

    /// Once for each time that a job is stopped.
    [[nodiscard]] std::optional<alarm_report> look(stopped_job const& j,
                                                   std::chrono::system_clock::time_point now) const {
        if (!rings) return {};
        auto const why = j.same_failures > 0 ? std::to_string(j.same_failures) + " runs of it failed in the same way" +
                                                   (j.signature.empty() ? "" : " (" + j.signature + ")")
                                             : std::to_string(j.counted) + " runs of it did not get it done";
        return alarm_report{
            alarm_kind::stopped_job,
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
};

/// Rings when calls are refused for want of money.
struct denial_rule {
    bool rings = true;  ///< false: switched off

    /// Once for each limit and window in which a call was refused though no call under way can bring the money back.
    /// `threshold`: a limit that is committed to the last is its business, if it asks for that.
    [[nodiscard]] std::optional<alarm_report> look(budget_denial const& d, threshold_rule const& threshold,
                                                   std::chrono::system_clock::time_point now) const {
        bool const said = d.free <= money{} && std::find(threshold.percents.begin(), threshold.percents.end(), 100) !=
                                                   threshold.percents.end();
        if (!rings || said || !d.is_for_good()) return {};
        bool const never = d.needed > d.limit;
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
                            never ? "Calls are refused: " + ask + ", and the whole limit is " + in_dollars(d.limit) +
                                        ". Raise the limit, lower the output maximum, or choose a cheaper model."
                                  : "Calls are refused: " + ask + ", and " + in_dollars_down(d.free) + " of " +
                                        in_dollars(d.limit) + " are left for " + d.window +
                                        ". Look what has spent it; raise the limit if this is what the work needs."};
    }
    /// The same for one limit and window, in every process: what makes denials one alarm.
    [[nodiscard]] static std::string id_of(budget_denial const& d, std::chrono::system_clock::time_point now) {
        // A window that ends is named by its beginning; of one that rolls each day is asked about anew.
        bool const rolls = d.window_text.starts_with("rolling/");
        auto const day = std::chrono::floor<std::chrono::days>(now).time_since_epoch().count();
        return std::string{to_string(alarm_kind::denial)} + "|" + d.scope + "|" + d.window_text + "|" +
               (rolls ? std::to_string(day) : d.window) + "|" + std::to_string(d.limit.nano()) +
               (d.needed > d.limit ? "|never" : "");
    }

private:
    /// What is left must not seem more than it is.
    [[nodiscard]] static std::string in_dollars_down(money m) {
        constexpr auto cent = money::nano_per_usd / 100;
        return m.nano() >= money::nano_per_usd ? in_dollars(money::from_nano(m.nano() / cent * cent)) : in_dollars(m);
    }
};

}  // namespace coffer::inline COFFER_ABI
