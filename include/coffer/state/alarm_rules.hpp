// SPDX-License-Identifier: BSL-1.0
#pragma once
// All rules that ring an alarm, and their defaults. Each is pure: told a state, an event and the time, it gives an alarm or none.

#include <coffer/state/anomaly.hpp>
#include <coffer/state/burn_rate.hpp>
#include <coffer/state/refusal_rules.hpp>
#include <coffer/state/repetition.hpp>
#include <coffer/state/threshold_rule.hpp>

namespace coffer::inline COFFER_ABI {

struct alarm_rules {
    threshold_rule threshold;
    burn_rate_rule burn_rate;
    anomaly_options anomaly;
    replay_storm_rule replay_storm;
    duplicate_work_rule duplicate_work;
    stopped_job_rule stopped_job;
    denial_rule denial;
    bool overrun = true;  ///< rings when a send under a hard limit has cost more than its upper bound
};

}  // namespace coffer::inline COFFER_ABI
