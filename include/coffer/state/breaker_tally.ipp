// SPDX-License-Identifier: BSL-1.0
#pragma once
// Definitions of breaker_tally.hpp.

#include <coffer/state/breaker_tally.hpp>

#include <algorithm>

namespace coffer::inline COFFER_ABI {

COFFER_INLINE breaker_counts::breaker_counts(breaker_window w)
    : marks_(static_cast<std::size_t>(w.size())),
      slice_{w.length() / slices + (w.length() % slices != duration{0} ? duration{1} : duration{0})} {}

COFFER_INLINE breaker_tally const& breaker_counts::add(breaker_mark m, time_point at) noexcept {
    if (!marks_.empty()) add_to_calls(m);
    else if (slice_ > duration::zero()) add_to_time(m, at);
    return sum_;
}

COFFER_INLINE breaker_tally const& breaker_counts::at(time_point now) noexcept {
    if (slice_ > duration::zero()) move_to(now);
    return sum_;
}

COFFER_INLINE void breaker_counts::clear() noexcept {
    sum_ = {};
    held_ = next_ = 0;
    times_.fill({});
}

COFFER_INLINE void breaker_counts::count(breaker_tally& t, breaker_mark m, std::int64_t n) noexcept {
    t.ends += n;
    if (m == breaker_mark::failure) t.failures += n;
    if (m == breaker_mark::slow) t.slow += n;
}

COFFER_INLINE void breaker_counts::add_to_calls(breaker_mark m) noexcept {
    if (held_ == marks_.size()) count(sum_, marks_[next_], -1);
    else ++held_;
    marks_[next_] = m;
    count(sum_, m, 1);
    if (++next_ == marks_.size()) next_ = 0;
}

COFFER_INLINE void breaker_counts::add_to_time(breaker_mark m, time_point at) noexcept {
    move_to(at);
    count(times_[current_], m, 1);
    count(sum_, m, 1);
}

COFFER_INLINE void breaker_counts::move_to(time_point now) noexcept {
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

}  // namespace coffer::inline COFFER_ABI
