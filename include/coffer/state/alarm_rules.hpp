// SPDX-License-Identifier: BSL-1.0
#pragma once
// All rules that ring an alarm, and their defaults. Each is pure: told a state, an event and the time, it gives an alarm or none.

#include <coffer/state/anomaly.hpp>
#include <coffer/state/burn_rate.hpp>
#include <coffer/state/refusal_rules.hpp>
#include <coffer/state/repetition.hpp>
#include <coffer/state/threshold_rule.hpp>

namespace coffer::inline COFFER_ABI {

/// The rules that `alarms` puts to a ledger. Each has defaults that suit; what shall not ring is switched off in its
/// own rule.
struct alarm_rules {
    threshold_rule threshold;  ///< a part of a limit is committed
    burn_rate_rule burn_rate;  ///< at this pace the limit is reached too early
    anomaly_options anomaly;  ///< far more than the scope usually spends
    replay_storm_rule replay_storm;  ///< one key's answer is asked for again and again
    duplicate_work_rule duplicate_work;  ///< the same work is paid for under many keys
    stopped_job_rule stopped_job;  ///< a job that waits for an operator
    denial_rule denial;  ///< calls for which there is no money
    bool overrun = true;  ///< rings when a send under a hard limit has cost more than its upper bound
};

}  // namespace coffer::inline COFFER_ABI
