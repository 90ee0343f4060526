// SPDX-License-Identifier: BSL-1.0
#pragma once
// What a provider's "too many requests" means for everybody: nothing is sent until it has passed. Pure.

#include <coffer/state/retry_rule.hpp>

#include <algorithm>
#include <chrono>
#include <optional>

namespace coffer::inline v0 {

/// Blocked until the hint says, or, without a hint, for a pause that doubles with every attempt that fails so after the last
/// one. Many that were under way together and fail together are one piece of news; so are those that come late.
///
/// Providers that count by the minute tell everybody the same moment. So a hint is spread upwards, by one draw for each piece of
/// news: processes come back one by one. (Were it drawn for each hint, the largest draw would count, and that is the same for all
/// who are told often.)
class throttle {
public:
    using time_point = std::chrono::steady_clock::time_point;
    using duration = std::chrono::nanoseconds;

    throttle(duration first_pause, duration longest_pause, double hint_spread = 0) noexcept
        : first_{first_pause}, longest_{longest_pause}, next_{first_pause}, hint_spread_{hint_spread} {}

    [[nodiscard]] time_point until() const noexcept { return until_; }
    /// Other pauses from the next one on. A block stays as long as it is; how far pauses have grown is kept within the new ones.
    void change(duration first_pause, duration longest_pause, double hint_spread = 0) noexcept {
        next_ = next_ == first_ ? first_pause : std::clamp(next_, first_pause, longest_pause);
        first_ = first_pause;
        longest_ = longest_pause;
        hint_spread_ = hint_spread;
    }

    /// An attempt that began at `began` was told so at `now`. `draw` is in [0, 1).
    void throttled(time_point began, time_point now, std::optional<duration> hint, double draw = 0) noexcept {
        bool const news = !told_ || began >= *told_;
        if (news) drawn_ = draw;
        if (hint) {
            until_ = std::max(until_, now + spread_upwards(std::min(*hint, longest_hint), hint_spread_ * drawn_));
        } else if (news) {
            until_ = std::max(until_, now + next_);
            next_ = std::min(2 * next_, longest_);
        }
        if (news) told_ = now;
    }
    /// One that began at `began` went well: the next pause is short again. What began before the last refusal tells nothing.
    void passed(time_point began) noexcept {
        if (told_ && began >= *told_) told_.reset(), next_ = first_;
    }
    /// Has anybody been told so since the last success? What `passed` would change something for.
    [[nodiscard]] bool tells() const noexcept { return told_.has_value(); }

    /// No limit has a longer window: a hint beyond is a mistake, and must not stop everybody for ever.
    static constexpr duration longest_hint = std::chrono::hours{24};

private:
    duration first_;
    duration longest_;
    duration next_;
    double hint_spread_;
    double drawn_ = 0;
    time_point until_ = time_point::min();
    std::optional<time_point> told_;  // when the last news came
};

}  // namespace coffer::inline v0
