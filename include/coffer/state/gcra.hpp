// SPDX-License-Identifier: BSL-1.0
#pragma once
// One rate limit as a single moment: when its bucket will be full again. Pure.
//
// The generic cell rate algorithm (ITU-T I.371, "theoretical arrival time"): a bucket that is refilled without pause needs
// no timer and no counter. What is taken moves the moment on by the time in which so much is refilled.

#include <coffer/base/money.hpp>

#include <algorithm>
#include <chrono>
#include <cstdint>

namespace coffer::inline v0 {

/// `limit` units in each `window`, of which at most `burst`'s worth at once. Integer time; rounded once for each sum that is
/// taken, to the safe side, so that no limit is exceeded and a large one loses nothing that could be measured. One thread at a time.
///
/// More than a burst may be taken when the bucket is full: the rest is a debt, and whoever is next waits until it is paid.
class gcra {
public:
    using time_point = std::chrono::steady_clock::time_point;
    using duration = std::chrono::nanoseconds;

    /// `limit` from 1 to `most`, `window` longer than zero, `burst` cut to the window; it holds one unit at the least.
    gcra(std::int64_t limit, duration window, duration burst) noexcept
        : limit_{limit},
          window_{window},
          whole_{window.count() / limit},
          rest_{window.count() % limit},
          burst_{std::max(std::min(burst, window), cost(1))} {}

    [[nodiscard]] std::int64_t limit() const noexcept { return limit_; }
    [[nodiscard]] duration window() const noexcept { return window_; }
    /// The most that lies in the bucket, as the time in which it is refilled.
    [[nodiscard]] duration burst() const noexcept { return burst_; }
    /// When the bucket is full, if nothing more is taken. It may be long past.
    [[nodiscard]] time_point full_at() const noexcept { return full_at_; }

    /// The time in which `units` are refilled, rounded up.
    [[nodiscard]] duration cost(std::int64_t units) const noexcept { return time_for(units, true); }

    /// When `units` may be taken, if nothing else is taken before; at once, if that has passed.
    [[nodiscard]] time_point earliest(std::int64_t units) const noexcept {
        return full_at_ + std::min(cost(units), burst_) - burst_;
    }
    /// The same, if `ahead` has been taken by then, as soon as it could. Not before `now`.
    [[nodiscard]] time_point earliest_behind(std::int64_t ahead, std::int64_t units, time_point now) const noexcept {
        auto const emptied = std::min(std::max(full_at_, now) - time_point{} + cost(ahead), latest);
        return std::max(now, time_point{emptied} + std::min(cost(units), burst_) - burst_);
    }
    /// So many may be taken at once.
    [[nodiscard]] std::int64_t free(time_point now) const noexcept {
        auto const left = now + burst_ - std::max(full_at_, now);
        if (left <= duration::zero()) return 0;
        return static_cast<std::int64_t>(detail::wide_int{left.count()} * limit_ / window_.count());
    }

    /// Takes them, whether they are there or not.
    void take(std::int64_t units, time_point now) noexcept { push(std::max(full_at_, now), cost(units)); }
    /// `was` has been taken, and it turns out to be `is`: the difference comes back, as far as the bucket holds it, or is
    /// taken too.
    void correct(std::int64_t was, std::int64_t is, time_point now) noexcept {
        if (is > was) push(std::max(full_at_, now), cost(is - was));
        else if (full_at_ > now) full_at_ -= time_for(was - is, false);
    }

    /// The bucket as an attempt leaves it that has taken its part: to be compared later with what the provider says of that
    /// moment.
    [[nodiscard]] time_point mark() const noexcept { return full_at_ - learned_; }
    /// By what the provider says of the moment at which an attempt left `mark`, its bucket is full at `theirs`: what others
    /// have taken of it is missing here too, counted once however often it is told. Never more than all that is there, and
    /// the bucket is never put up.
    void learn(time_point mark, time_point theirs, time_point now) noexcept {
        auto const missing = theirs - (mark + learned_);
        if (missing <= duration::zero()) return;
        learned_ += missing;
        full_at_ = std::max(full_at_, std::min(full_at_ + missing, now + burst_));
    }

    static constexpr std::int64_t most = 1'000'000'000'000;

private:
    // Longer than anybody waits; sums of a few stay far from the end of time.
    static constexpr duration longest = std::chrono::hours{24 * 365 * 20};
    static constexpr duration latest = std::chrono::hours{24 * 365 * 200};

    [[nodiscard]] duration time_for(std::int64_t units, bool up) const noexcept {
        std::int64_t part = 0;
        std::int64_t all = 0;
        if (!__builtin_mul_overflow(units, rest_, &part) && !__builtin_mul_overflow(units, whole_, &all) &&
            all < longest.count())
            return std::min(duration{all + part / limit_ + (up && part % limit_ != 0 ? 1 : 0)}, longest);
        auto const exact = detail::wide_int{units} * window_.count();
        auto const rounded = exact / limit_ + (up && exact % limit_ != 0 ? 1 : 0);
        return rounded > longest.count() ? longest : duration{static_cast<std::int64_t>(rounded)};
    }
    void push(time_point from, duration by) noexcept {
        full_at_ = time_point{std::min(from.time_since_epoch() + by, latest)};
    }

    std::int64_t limit_;
    duration window_;
    std::int64_t whole_;  // of the window for each unit
    std::int64_t rest_;
    duration burst_;
    time_point full_at_{};
    duration learned_{0};  // how far `learn` has moved it in all
};

}  // namespace coffer::inline v0
