// SPDX-License-Identifier: BSL-1.0
#pragma once
// How attempts ended lately: counted in a ring, in constant time for each of them.

#include <coffer/state/breaker_options.hpp>

#include <array>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <vector>

namespace coffer::inline COFFER_ABI {

/// What a window holds.
struct breaker_tally {
    std::int64_t ends = 0;  ///< that count: no neutral ones
    std::int64_t failures = 0;  ///< of them
    std::int64_t slow = 0;  ///< successes that took too long

    friend bool operator==(breaker_tally const&, breaker_tally const&) = default;
};

/// How an attempt that counts ended.
enum class breaker_mark : std::uint8_t { success, slow, failure };

/// The tally of a `breaker_window`. Pure; not safe for use by several threads at once.
class breaker_counts {
public:
    using time_point = std::chrono::steady_clock::time_point;  ///< of the monotonic clock
    using duration = std::chrono::nanoseconds;  ///< whatever unit it is given in

    /// An empty one. Of `calls` it takes a byte for each, of `time` a fixed number of slices.
    explicit breaker_counts(breaker_window w);

    /// What is in the window then.
    breaker_tally const& add(breaker_mark m, time_point at) noexcept;
    /// What is in the window at `now`.
    [[nodiscard]] breaker_tally const& at(time_point now) noexcept;
    /// Forgets all of them.
    void clear() noexcept;

private:
    static constexpr int slices = 10;

    static void count(breaker_tally& t, breaker_mark m, std::int64_t n) noexcept;

    void add_to_calls(breaker_mark m) noexcept;

    void add_to_time(breaker_mark m, time_point at) noexcept;
    /// Lets go of the slices that are too old by now. Times of several threads may come a little out of order: what is
    /// older than the newest slice is counted there.
    void move_to(time_point now) noexcept;

    // The last calls.
    std::vector<breaker_mark> marks_;
    std::size_t next_ = 0;
    std::size_t held_ = 0;
    // The last while.
    duration slice_;
    std::array<breaker_tally, slices> times_{};
    std::size_t current_ = 0;
    time_point slice_end_{};

    breaker_tally sum_;
};

}  // namespace coffer::inline COFFER_ABI

#if !defined(COFFER_SEPARATE_COMPILATION)
#include <coffer/state/breaker_tally.ipp>
#endif
