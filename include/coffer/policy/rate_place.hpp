// SPDX-License-Identifier: BSL-1.0
#pragma once
// One attempt's part in the limits of a `rate_limit`, and meanwhile its place in the line.

#include <coffer/base/fault.hpp>
#include <coffer/policy/rate_rules.hpp>
#include <coffer/state/rate.hpp>
#include <coffer/state/rate_queue.hpp>
#include <coffer/time/sleep.hpp>

#include <memory>

namespace coffer::inline v0::detail {

/// One attempt's part in the limits: waited for, or taken. While it waits, it is the line's.
class rate_place final : public rate_waiter {
public:
    rate_place() = default;

private:
    friend class rate_line;
    bool taken_ = false;
    time_point patient_until_{};
    time_point turn_{};                     // as it was reckoned when it joined the line
    time_point timer_ = time_point::max();  // when it wakes up by itself
    std::shared_ptr<wait_list> nudge_;      // while it waits; wakes it before that
    std::shared_ptr<rate_rules> rules_;     // from whose buckets it has taken its part; null: from the first ones
    std::unique_ptr<fault> refused_;        // it had to leave the line, because of changed limits
    rate_bucket::marks marks_{};
};

}  // namespace coffer::inline v0::detail
