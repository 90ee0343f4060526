// SPDX-License-Identifier: BSL-1.0
#pragma once
// How many retries a process can afford: a bucket that time and successes fill and each retry empties by one. Pure.
//
// With a window of the ratio of retries to calls, as some have it, a process of few calls at once, each of which takes a
// minute, can hardly ever retry. A bucket always affords a few, and in an outage no more than it gains.

#include <coffer/config.hpp>

#include <algorithm>
#include <chrono>
#include <cstdint>
#include <stdexcept>

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
    explicit quota_bucket(retry_quota_options const& o) {
        auto const right = [](double value, double least) { return value >= least && value <= 1e6; };
        if (!right(o.capacity, 1))
            throw std::invalid_argument{
                "coffer::retry_quota: a capacity of less than one retry affords none; use 1 to 1e6"};
        if (!right(o.per_second, 0) || !right(o.per_success, 0))
            throw std::invalid_argument{"coffer::retry_quota: what is gained must be from 0 to 1e6"};
        if (!(o.per_second > 0) && !(o.per_success > 0))
            throw std::invalid_argument{
                "coffer::retry_quota: gains nothing, so there would be no retry any more once it is empty"};
        capacity_ = units(o.capacity);
        per_success_ = units(o.per_success);
        per_second_ = o.per_second;
        left_ = capacity_;
    }

    /// Takes one retry, if it is there.
    [[nodiscard]] bool withdraw(time_point now) noexcept {
        refill(now);
        if (left_ < one) return false;
        left_ -= one;
        return true;
    }
    /// What was taken was not used after all.
    void give_back(time_point now) noexcept {
        refill(now);
        left_ = std::min(left_ + one, capacity_);
    }
    /// A call has succeeded: it gains `per_success`.
    void succeeded(time_point now) noexcept {
        refill(now);
        left_ = std::min(left_ + per_success_, capacity_);
    }
    /// Retries that it holds at the most.
    [[nodiscard]] double capacity() const noexcept { return static_cast<double>(capacity_) / static_cast<double>(one); }
    /// Nothing would be gained.
    [[nodiscard]] bool is_full() const noexcept { return left_ == capacity_; }
    /// Retries that are left now.
    [[nodiscard]] double left(time_point now) noexcept {
        refill(now);
        return static_cast<double>(left_) / static_cast<double>(one);
    }

private:
    static constexpr std::int64_t one = 1'000'000;  // of a retry

    [[nodiscard]] static std::int64_t units(double retries) noexcept {
        return static_cast<std::int64_t>(retries * static_cast<double>(one));
    }
    void refill(time_point now) noexcept {
        // A full one gains nothing, and a clock read earlier by another thread does no harm.
        if (is_full()) since_ = std::max(since_, now);
        if (now <= since_) return;
        auto const pace = per_second_ * static_cast<double>(one);
        auto const seconds = std::chrono::duration<double>{now - since_}.count();
        if (seconds * pace >= static_cast<double>(capacity_ - left_)) {
            left_ = capacity_;
            since_ = now;
            return;
        }
        // Whole units; the time that has not brought one yet is kept.
        auto const gained = static_cast<std::int64_t>(seconds * pace);
        left_ += gained;
        if (gained > 0)
            since_ += std::chrono::duration_cast<time_point::duration>(
                std::chrono::duration<double>{static_cast<double>(gained) / pace});
    }

    std::int64_t capacity_ = 0;
    std::int64_t per_success_ = 0;
    double per_second_ = 0;
    std::int64_t left_ = 0;
    time_point since_{};
};

}  // namespace coffer::inline COFFER_ABI
