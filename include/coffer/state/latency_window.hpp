// SPDX-License-Identifier: BSL-1.0
#pragma once
// How long answers take, lately: a histogram that forgets. Pure, of fixed size, with the time passed in.
//
//     latency_window window{10min};                   // what is ten minutes old weighs half as much
//     window.add(2300ms, now);
//     auto p95 = window.percentile(0.95, now);        // never below the true one, at most 1/16 (and a microsecond) above

#include <coffer/config.hpp>
#include <coffer/state/power.hpp>

#include <array>
#include <chrono>
#include <cstddef>
#include <cstdint>

namespace coffer::inline COFFER_ABI {

/// Durations in buckets that are exact to a sixteenth, from a microsecond to 19 hours (what is longer counts as that).
///
/// Forgetting goes in steps of an eighth of the half-life, so that a look costs one pass over the buckets and the samples
/// themselves need not be kept. Not safe for several threads at once.
class latency_window {
public:
    using duration = std::chrono::nanoseconds;  ///< whatever unit it is given in
    using time_point = std::chrono::steady_clock::time_point;  ///< of the monotonic clock

    /// Steps in which a half-life goes by, and what one of them leaves of a sample's weight.
    static constexpr int steps_per_half_life = 8;
    static constexpr double left_by_step = 0.91700404320467123174;  ///< eight of them leave a half

    /// `half_life` must be longer than zero.
    explicit latency_window(duration half_life) noexcept;

    /// An answer that took so long, at full weight.
    void add(duration took, time_point now) noexcept;
    /// So many samples as far as they are remembered: one of a half-life ago is a half.
    [[nodiscard]] double samples(time_point now) noexcept {
        forget(now);
        return total_;
    }
    /// The duration that a part `q` of the answers (0 to 1, by weight) do not exceed; zero without samples.
    [[nodiscard]] duration percentile(double q, time_point now) noexcept;

private:
    using microseconds = std::chrono::microseconds;
    static constexpr std::size_t sub_buckets = 16;  // of a doubling
    static constexpr int octaves = 32;
    static constexpr std::size_t buckets = sub_buckets + sub_buckets * octaves;
    static constexpr std::uint64_t longest = (std::uint64_t{1} << (octaves + 4)) - 1;  // in microseconds

    [[nodiscard]] static std::size_t bucket_of(duration took) noexcept;
    /// Everything in the bucket is shorter than this.
    [[nodiscard]] static microseconds end_of(std::size_t bucket) noexcept;

    /// A clock read earlier by another thread does no harm.
    void forget(time_point now) noexcept;

    static constexpr double forgotten = 1e-6;

    duration step_;
    time_point since_{};
    std::array<double, buckets> weights_{};
    double total_ = 0;
};

}  // namespace coffer::inline COFFER_ABI

#if !defined(COFFER_SEPARATE_COMPILATION)
#include <coffer/state/latency_window.ipp>
#endif
