// SPDX-License-Identifier: BSL-1.0
#pragma once
// What a provider's "too many requests" means for everybody: nothing is sent until it has passed. Pure.

#include <algorithm>
#include <chrono>
#include <optional>

namespace coffer::inline v0 {

/// Blocked until the hint says, or, without a hint, for a pause that doubles with every attempt that fails so after the last
/// one. Many that were under way together and fail together are one piece of news; so are those that come late.
class throttle {
public:
    using time_point = std::chrono::steady_clock::time_point;
    using duration = std::chrono::nanoseconds;

    throttle(duration first_pause, duration longest_pause) noexcept
        : first_{first_pause}, longest_{longest_pause}, next_{first_pause} {}

    [[nodiscard]] time_point until() const noexcept { return until_; }
    /// Other pauses from the next one on. A block stays as long as it is; how far pauses have grown is kept within the new ones.
    void change(duration first_pause, duration longest_pause) noexcept {
        next_ = next_ == first_ ? first_pause : std::clamp(next_, first_pause, longest_pause);
        first_ = first_pause;
        longest_ = longest_pause;
    }

    /// An attempt that began at `began` was told so at `now`.
    void throttled(time_point began, time_point now, std::optional<duration> hint) noexcept {
        bool const news = !told_ || began >= *told_;
        if (hint) {
            until_ = std::max(until_, now + std::min(*hint, longest_hint));
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
    time_point until_ = time_point::min();
    std::optional<time_point> told_;  // when the last news came
};

}  // namespace coffer::inline v0
