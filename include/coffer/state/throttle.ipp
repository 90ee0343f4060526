// SPDX-License-Identifier: BSL-1.0
#pragma once
// Definitions of throttle.hpp.

#include <coffer/state/throttle.hpp>

#include <algorithm>

namespace coffer::inline COFFER_ABI {

COFFER_INLINE throttle::throttle(duration first_pause, duration longest_pause, double hint_spread,
                                 duration hint_ceiling) noexcept
    : first_{first_pause},
      longest_{longest_pause},
      next_{first_pause},
      hint_spread_{hint_spread},
      hint_ceiling_{hint_ceiling} {}

COFFER_INLINE void throttle::change(duration first_pause, duration longest_pause, double hint_spread,
                                    duration hint_ceiling) noexcept {
    next_ = next_ == first_ ? first_pause : std::clamp(next_, first_pause, longest_pause);
    first_ = first_pause;
    longest_ = longest_pause;
    hint_spread_ = hint_spread;
    hint_ceiling_ = hint_ceiling;
}

COFFER_INLINE void throttle::throttled(time_point began, time_point now, std::optional<duration> hint,
                                       double draw) noexcept {
    bool const news = !told_ || began >= *told_;
    if (news) drawn_ = draw;
    auto const asked = std::min(hint.value_or(duration::zero()), hint_ceiling_);
    if (asked > duration::zero()) {
        block(now, asked, spread_upwards(asked, hint_spread_ * drawn_));
    } else if (news) {
        block(now, next_, next_);
        next_ = next_ > longest_ / 2 ? longest_ : 2 * next_;
    }
    if (news) told_ = now;
}

COFFER_INLINE void throttle::lift() noexcept {
    until_ = least_until_ = time_point::min();
    told_.reset();
    next_ = first_;
}

COFFER_INLINE void throttle::passed(time_point began) noexcept {
    if (told_ && began >= *told_) told_.reset(), next_ = first_;
}

COFFER_INLINE void throttle::block(time_point now, duration least, duration spread) noexcept {
    least_until_ = std::max(least_until_, now + std::min(least, longest_block));
    until_ = std::max(until_, now + std::min(spread, longest_block));
}

}  // namespace coffer::inline COFFER_ABI
