// SPDX-License-Identifier: BSL-1.0
#pragma once
// Work that is not done: jobs that were stopped, calls for which there is no money. Nothing is spent any more, so no rule
// about money rings; but somebody should hear of it. Pure.

#include <coffer/base/denial.hpp>
#include <coffer/state/alarm.hpp>
#include <coffer/state/threshold_rule.hpp>

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
                                                   std::chrono::system_clock::time_point now) const;
};

/// Rings when calls are refused for want of money.
struct denial_rule {
    bool rings = true;  ///< false: switched off

    /// Once for each limit and window in which a call was refused though no call under way can bring the money back.
    /// `threshold`: a limit that is committed to the last is its business, if it asks for that.
    [[nodiscard]] std::optional<alarm_report> look(budget_denial const& d, threshold_rule const& threshold,
                                                   std::chrono::system_clock::time_point now) const;
    /// The same for one limit and window, in every process: what makes denials one alarm.
    [[nodiscard]] static std::string id_of(budget_denial const& d, std::chrono::system_clock::time_point now);

private:
    /// What is left must not seem more than it is.
    [[nodiscard]] static std::string in_dollars_down(money m);
};

}  // namespace coffer::inline COFFER_ABI

#if !defined(COFFER_SEPARATE_COMPILATION)
#include <coffer/state/refusal_rules.ipp>
#endif
