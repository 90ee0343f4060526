// SPDX-License-Identifier: BSL-1.0
#pragma once
// Definitions of delay_schedule.hpp.

#include <coffer/state/delay_schedule.hpp>

#include <algorithm>

namespace coffer::inline COFFER_ABI {

COFFER_INLINE delay_schedule::duration delay_schedule::delay(std::uint32_t retry, draws const& units,
                                                             memory& previous) const noexcept {
    return parts_.evaluate<duration>(
        [&](std::size_t i) { return previous[i] = parts_[i].delay(retry, units[i], previous[i]); },
        [](detail::joint how, duration a, duration b) {
            if (how == detail::joint::either) return std::max(a, b);
            if (how == detail::joint::both) return std::min(a, b);
            return a > duration::max() - b ? duration::max() : a + b;
        });
}

COFFER_INLINE void delay_schedule::check() const {
    for (std::size_t i = 0; i < size(); ++i) {
        auto const& b = parts_[i];
        if (b.base < duration::zero() || b.cap < duration::zero())
            throw std::invalid_argument{"coffer::backoff: a delay cannot be negative"};
        if (!(b.factor >= 1.0)) throw std::invalid_argument{"coffer::backoff: the factor must be at least 1"};
    }
}

COFFER_INLINE void kind_schedules::check() const {
    for (std::size_t i = 0; i < count_; ++i) schedules_[i].check();
}

}  // namespace coffer::inline COFFER_ABI
