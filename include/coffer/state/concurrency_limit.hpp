// SPDX-License-Identifier: BSL-1.0
#pragma once
// How many attempts may be under way at a time, as their ends tell. Pure.
//
// `aimd`: additive increase, multiplicative decrease (Chiu and Jain, "Analysis of the Increase and Decrease Algorithms for
// Congestion Avoidance in Computer Networks", 1989), as TCP's congestion avoidance does it (RFC 5681, section 3.1): each
// success raises the limit by its inverse, a round of them by one. What comes of one congestion shrinks it once, however
// many attempts it hits (RFC 6582); and what is not used is not raised (RFC 7661).
//
// `gradient` adds the signal of Netflix's concurrency-limits (Gradient2Limit): gradient = tolerance * long / short, between a
// half and one, where `short` is how long attempts take now and `long` how long they usually take; below one, the limit is
// multiplied by it. Two things are different. `short` is the median of a window, because answers differ in length by far
// more than they queue. And where the limit may be to blame for them, longer times become usual slowly or not at all: a
// plain average follows a limit that rises slowly, and an overload that lasts, until neither is seen any more (Netflix, pull
// request 88; failsafe-go, issue 127). Where the limit is not used, or is as low as it goes, it is not to blame.

#include <coffer/state/bulkhead_options.hpp>

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <vector>

namespace coffer::inline COFFER_ABI {

/// A limit that its attempts' ends move, never below `least` nor above `most`. Parts of one are whole numbers: the same ends
/// make the same limit everywhere.
class concurrency_limit {
public:
    using time_point = std::chrono::steady_clock::time_point;  ///< of the monotonic clock
    using duration = std::chrono::nanoseconds;  ///< whatever unit it is given in

    /// How an attempt ended.
    struct end {
        /// How it ended; every other end is neutral, and not told.
        enum class kind : std::uint8_t {
            success,
            overload,  ///< the provider, or the clock, says that it is too much
        };
        kind what = kind::success;  ///< how it ended
        time_point began{};  ///< when it was let in
        time_point at{};  ///< when it ended
        bool used =
            false;  ///< so many were under way with it as may be, or nearly: only then it says that more would do
    };

    /// The options are taken as checked.
    explicit concurrency_limit(bulkhead_options const& o);

    /// In whole places, rounded down.
    [[nodiscard]] int now() const noexcept { return static_cast<int>(parts_ / one); }

    /// By hand, cut to what is allowed of an adaptive limit.
    void set(int limit) noexcept { parts_ = of(limit), keep_within(); }

    /// What began before the limit last shrank tells of a limit that is no more: it changes nothing.
    void ended(end const& e) noexcept;

    /// How long attempts usually take, as far as `gradient` knows yet.
    [[nodiscard]] std::optional<duration> usual() const noexcept;

private:
    static constexpr std::int64_t one = 1 << 20;
    static constexpr duration longest = std::chrono::hours{24 * 365};
    /// So many windows weigh in what is usual, once there were so many.
    static constexpr int remembered = 32;

    [[nodiscard]] static constexpr std::int64_t of(int limit) noexcept { return std::int64_t{limit} * one; }
    void keep_within() noexcept;
    void raise() noexcept {
        parts_ += one * one / parts_;
        keep_within();
    }
    void shrink(double to, time_point at) noexcept;

    /// One more success of so long. False if it took too long for the limit to be raised, or the limit has just given way.
    [[nodiscard]] bool in_time(duration took, bool used, time_point at) noexcept;
    [[nodiscard]] bool slow(double took) const noexcept { return windows_ > 0 && took > options_.tolerance * usual_; }
    void learn(double typical, bool to_blame) noexcept;

    bulkhead_options options_;
    std::int64_t parts_;  // of which `one` make one
    std::optional<time_point> shrunk_at_;
    std::vector<std::int64_t> window_;  // how long the last successes took, in ns
    int used_ = 0;  // so many of them while the limit was used
    int windows_ = 0;
    double usual_ = 0;
};

}  // namespace coffer::inline COFFER_ABI

#if !defined(COFFER_SEPARATE_COMPILATION)
#include <coffer/state/concurrency_limit.ipp>
#endif
