// SPDX-License-Identifier: BSL-1.0
#pragma once
// Definitions of latency_window.hpp.

#include <coffer/state/latency_window.hpp>

#include <algorithm>
#include <bit>

namespace coffer::inline COFFER_ABI {

COFFER_INLINE latency_window::latency_window(duration half_life) noexcept
    : step_{std::max(half_life / steps_per_half_life, duration{1})} {}

COFFER_INLINE void latency_window::add(duration took, time_point now) noexcept {
    forget(now);
    weights_[bucket_of(took)] += 1;
    total_ += 1;
}

COFFER_INLINE latency_window::duration latency_window::percentile(double q, time_point now) noexcept {
    forget(now);
    auto const wanted = std::clamp(q, 0.0, 1.0) * total_;
    double seen = 0;
    std::size_t last = buckets;
    for (std::size_t i = 0; i < buckets; ++i) {
        if (!(weights_[i] > 0)) continue;
        seen += weights_[i];
        last = i;
        if (seen >= wanted) break;
    }
    return last == buckets ? duration::zero() : duration{end_of(last)};
}

COFFER_INLINE std::size_t latency_window::bucket_of(duration took) noexcept {
    auto const whole = std::chrono::duration_cast<microseconds>(std::max(took, duration::zero())).count();
    auto const us = std::min(static_cast<std::uint64_t>(whole), longest);
    if (us < sub_buckets) return static_cast<std::size_t>(us);
    auto const octave = static_cast<std::size_t>(std::bit_width(us)) - 5;
    return sub_buckets + octave * sub_buckets + static_cast<std::size_t>((us >> octave) & (sub_buckets - 1));
}

COFFER_INLINE latency_window::microseconds latency_window::end_of(std::size_t bucket) noexcept {
    if (bucket < sub_buckets) return microseconds{static_cast<std::int64_t>(bucket) + 1};
    auto const octave = (bucket - sub_buckets) / sub_buckets;
    auto const sub = sub_buckets + (bucket - sub_buckets) % sub_buckets;
    return microseconds{static_cast<std::int64_t>((sub + 1) << octave)};
}

COFFER_INLINE void latency_window::forget(time_point now) noexcept {
    if (!(total_ > 0)) since_ = std::max(since_, now);
    if (now - since_ < step_) return;
    auto const steps = (now - since_) / step_;
    since_ += steps * step_;
    auto const left = detail::power(left_by_step, static_cast<std::uint64_t>(steps));
    total_ = 0;
    for (auto& w : weights_) {
        w *= left;
        if (w < forgotten) w = 0;
        total_ += w;
    }
}

}  // namespace coffer::inline COFFER_ABI
