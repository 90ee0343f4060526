// SPDX-License-Identifier: BSL-1.0
#pragma once
// How attempts ended lately: counted in a ring, in constant time for each of them.

#include <coffer/state/breaker_options.hpp>

#include <algorithm>
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
    explicit breaker_counts(breaker_window w)
        : marks_(static_cast<std::size_t>(w.size())),
          slice_{w.length() / slices + (w.length() % slices != duration{0} ? duration{1} : duration{0})} {}

    /// What is in the window then.
    breaker_tally const& add(breaker_mark m, time_point at) noexcept {
        if (!marks_.empty()) add_to_calls(m);
        else if (slice_ > duration::zero()) add_to_time(m, at);
        return sum_;
    }
    /// What is in the window at `now`.
    [[nodiscard]] breaker_tally const& at(time_point now) noexcept {
        if (slice_ > duration::zero()) move_to(now);
        return sum_;
    }
    /// Forgets all of them.
    void clear() noexcept {
        sum_ = {};
        held_ = next_ = 0;
        times_.fill({});
    }

private:
    static constexpr int slices = 10;

    static void count(breaker_tally& t, breaker_mark m, std::int64_t n) noexcept {
        t.ends += n;
        if (m == breaker_mark::failure) t.failures += n;
        if (m == breaker_mark::slow) t.slow += n;
    }

    void add_to_calls(breaker_mark m) noexcept {
        if (held_ == marks_.size()) count(sum_, marks_[next_], -1);
        else ++held_;
        marks_[next_] = m;
        count(sum_, m, 1);
        if (++next_ == marks_.size()) next_ = 0;
    }

    void add_to_time(breaker_mark m, time_point at) noexcept {
        move_to(at);
        count(times_[current_], m, 1);
        count(sum_, m, 1);
    }
    /// Lets go of the slices that are too old by now. Times of several threads may come a little out of order: what is
    /// older than the newest slice is counted there.
    void move_to(time_point now) noexcept {
        if (now < slice_end_) return;
        auto const steps = (now - slice_end_) / slice_ + 1;
        for (auto i = std::min<duration::rep>(steps, slices); i > 0; --i) {
            current_ = (current_ + 1) % slices;
            auto& old = times_[current_];
            sum_.ends -= old.ends, sum_.failures -= old.failures, sum_.slow -= old.slow;
            old = {};
        }
        // Time may be near its end in a test, never in life: the last slice then lasts for ever.
        auto const left = time_point::max() - slice_end_;
        slice_end_ = left / slice_ < steps ? time_point::max() : slice_end_ + steps * slice_;
    }

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
