// SPDX-License-Identifier: BSL-1.0
#pragma once
// One attempt's part in the limits of a `rate_limit`, and meanwhile its place in the line.

#include <coffer/base/fault.hpp>
#include <coffer/policy/rate_rules.hpp>
#include <coffer/state/rate.hpp>
#include <coffer/state/rate_queue.hpp>
#include <coffer/time/sleep.hpp>

#include <memory>
#include <optional>

namespace coffer::inline COFFER_ABI::detail {

/// What wakes one who waits, before his time. Several make a list, for which nothing need be allocated.
struct rate_nudge {
    wait_list waits;
    std::shared_ptr<rate_nudge> next;
};
/// Those to be woken as soon as nothing is locked any more, in this order.
class rate_nudges {
public:
    void add(std::shared_ptr<rate_nudge> one) noexcept;
    void wake();

private:
    std::shared_ptr<rate_nudge> first_;
    rate_nudge* last_ = nullptr;
};

/// One attempt's part in the limits: waited for, or taken. While it waits, it is the line's.
class rate_place final : public rate_waiter {
public:
    rate_place() = default;

private:
    friend class rate_line;
    /// Would it still wait for a turn at `t`?
    [[nodiscard]] bool in_time(time_point t) const noexcept { return t < deadline_ && t <= patient_until_; }

    bool taken_ = false;
    time_point deadline_{};  // as the call's was when it was last looked at: a flight's may be later by now
    time_point patient_until_{};
    bool unspread_ = false;  // for it a block ends where the hint does: the spread would cost it the call
    std::optional<time_point> late_;  // its turn, because of the provider's block; that may be too late
    time_point turn_{};                     // as it was reckoned when it joined the line
    time_point timer_ = time_point::max();  // when it wakes up by itself
    std::shared_ptr<rate_nudge> nudge_;     // while it waits; wakes it before that
    std::shared_ptr<rate_rules> rules_;     // from whose buckets it has taken its part; null: from the first ones
    std::unique_ptr<fault> refused_;        // it had to leave the line, because of changed limits
    rate_bucket::marks marks_{};
};

}  // namespace coffer::inline COFFER_ABI::detail

#if !defined(COFFER_SEPARATE_COMPILATION)
#include <coffer/policy/rate_place.ipp>
#endif
