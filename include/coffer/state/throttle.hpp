// SPDX-License-Identifier: BSL-1.0
#pragma once
// What a provider's "too many requests" means for everybody: nothing is sent until it has passed. Pure.

#include <coffer/base/defaults.hpp>
#include <coffer/state/retry_rule.hpp>

#include <chrono>
#include <optional>

namespace coffer::inline COFFER_ABI {

/// Blocked until the hint says, or, without a hint, for a pause that doubles with every attempt that fails so after the last
/// one. Many that were under way together and fail together are one piece of news; so are those that come late. A hint of zero
/// (of a clock that is behind, too) is none: whoever says "too many" does not mean "at once". One beyond the ceiling is believed
/// up to that: a mistake must not stop everybody for a day.
///
/// Providers that count by the minute tell everybody the same moment. So a hint is spread upwards, by one draw for each piece of
/// news: processes come back one by one. (Were it drawn for each hint, the largest draw would count, and that is the same for all
/// who are told often.)
class throttle {
public:
    using time_point = std::chrono::steady_clock::time_point;  ///< of the monotonic clock
    using duration = std::chrono::nanoseconds;  ///< whatever unit it is given in

    /// Pauses for refusals without a hint, the part by which hints are spread, and how much of one is believed.
    throttle(duration first_pause, duration longest_pause, double hint_spread = 0,
             duration hint_ceiling = defaults::hint_ceiling) noexcept;

    /// Nobody is let in before; long past, if nobody is blocked.
    [[nodiscard]] time_point until() const noexcept { return until_; }
    /// The same without the spread: before that nobody is let in, whatever it costs him.
    [[nodiscard]] time_point least_until() const noexcept { return least_until_; }
    /// Other pauses from the next one on. A block stays as long as it is; how far pauses have grown is kept within the new ones.
    void change(duration first_pause, duration longest_pause, double hint_spread = 0,
                duration hint_ceiling = defaults::hint_ceiling) noexcept;

    /// An attempt that began at `began` was told so at `now`. `draw` is in [0, 1).
    void throttled(time_point began, time_point now, std::optional<duration> hint, double draw = 0) noexcept;
    /// By hand: as if nobody had ever been told so.
    void lift() noexcept;
    /// One that began at `began` went well: the next pause is short again. What began before the last refusal tells nothing.
    void passed(time_point began) noexcept;
    /// Has anybody been told so since the last success? What `passed` would change something for.
    [[nodiscard]] bool tells() const noexcept { return told_.has_value(); }

private:
    // Longer than anybody waits; sums of a few stay far from the end of time.
    static constexpr duration longest_block = std::chrono::hours{24 * 365 * 20};

    void block(time_point now, duration least, duration spread) noexcept;

    duration first_;
    duration longest_;
    duration next_;
    double hint_spread_;
    duration hint_ceiling_;
    double drawn_ = 0;
    time_point until_ = time_point::min();
    time_point least_until_ = time_point::min();
    std::optional<time_point> told_;  // when the last news came
};

}  // namespace coffer::inline COFFER_ABI

#if !defined(COFFER_SEPARATE_COMPILATION)
#include <coffer/state/throttle.ipp>
#endif
