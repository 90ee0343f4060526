// SPDX-License-Identifier: BSL-1.0
#pragma once
// How many retries a process can afford: a bucket that time and successes fill and each retry empties by one. Pure.
//
// With a window of the ratio of retries to calls, as some have it, a process of few calls at once, each of which takes a
// minute, can hardly ever retry. A bucket always affords a few, and in an outage no more than it gains.

#include <coffer/config.hpp>

#include <chrono>
#include <cstdint>

namespace coffer::inline COFFER_ABI {

/// Options of `retry_quota`.
struct retry_quota_options {
    double capacity = 50;  ///< retries that are saved up at the most, and at the beginning
    double per_second = 0.2;  ///< gained by time
    double per_success = 0.2;  ///< gained by an attempt that succeeds
};

/// The bucket of a `retry_quota`. Not for use by several threads at once.
class quota_bucket {
public:
    using time_point = std::chrono::steady_clock::time_point;  ///< of the monotonic clock

    /// Throws `std::invalid_argument` for options that cannot be meant.
    explicit quota_bucket(retry_quota_options const& o);

    /// Takes one retry, if it is there.
    [[nodiscard]] bool withdraw(time_point now) noexcept;
    /// What was taken was not used after all.
    void give_back(time_point now) noexcept;
    /// A call has succeeded: it gains `per_success`.
    void succeeded(time_point now) noexcept;
    /// Retries that it holds at the most.
    [[nodiscard]] double capacity() const noexcept;
    /// Nothing would be gained.
    [[nodiscard]] bool is_full() const noexcept { return left_ == capacity_; }
    /// Retries that are left now.
    [[nodiscard]] double left(time_point now) noexcept;

private:
    static constexpr std::int64_t one = 1'000'000;  // of a retry

    [[nodiscard]] static std::int64_t units(double retries) noexcept;
    void refill(time_point now) noexcept;

    std::int64_t capacity_ = 0;
    std::int64_t per_success_ = 0;
    double per_second_ = 0;
    std::int64_t left_ = 0;
    time_point since_{};
};

}  // namespace coffer::inline COFFER_ABI

#if !defined(COFFER_SEPARATE_COMPILATION)
#include <coffer/state/quota_bucket.ipp>
#endif
