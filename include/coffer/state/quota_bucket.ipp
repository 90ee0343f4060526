// SPDX-License-Identifier: BSL-1.0
#pragma once
// Definitions of quota_bucket.hpp.

#include <coffer/state/quota_bucket.hpp>

#include <algorithm>
#include <stdexcept>

namespace coffer::inline COFFER_ABI {

COFFER_INLINE quota_bucket::quota_bucket(retry_quota_options const& o) {
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

COFFER_INLINE bool quota_bucket::withdraw(time_point now) noexcept {
    refill(now);
    if (left_ < one) return false;
    left_ -= one;
    return true;
}

COFFER_INLINE void quota_bucket::give_back(time_point now) noexcept {
    refill(now);
    left_ = std::min(left_ + one, capacity_);
}

COFFER_INLINE void quota_bucket::succeeded(time_point now) noexcept {
    refill(now);
    left_ = std::min(left_ + per_success_, capacity_);
}

COFFER_INLINE double quota_bucket::capacity() const noexcept {
    return static_cast<double>(capacity_) / static_cast<double>(one);
}

COFFER_INLINE double quota_bucket::left(time_point now) noexcept {
    refill(now);
    return static_cast<double>(left_) / static_cast<double>(one);
}

COFFER_INLINE std::int64_t quota_bucket::units(double retries) noexcept {
    return static_cast<std::int64_t>(retries * static_cast<double>(one));
}

COFFER_INLINE void quota_bucket::refill(time_point now) noexcept {
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

}  // namespace coffer::inline COFFER_ABI
