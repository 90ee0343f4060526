// SPDX-License-Identifier: BSL-1.0
#pragma once
// Definitions of hedge_pace.hpp.

#include <coffer/policy/hedge_pace.hpp>

#include <algorithm>

namespace coffer::inline COFFER_ABI::detail {

COFFER_INLINE hedge_pace::hedge_pace(hedge_options const& o)
    : options_{(o.check(), o)}, window_{o.window}, credit_{o.ratio, o.burst} {}

COFFER_INLINE void hedge_pace::bind(call const& c) {
    if (bound_to_.load(std::memory_order_acquire) == &c.clock()) return;
    auto const its = c.shared_clock();
    std::lock_guard const lock{mutex_};
    if (bound_ != nullptr && bound_ != its)
        throw misuse{"coffer::hedge: it is already used under another clock; give each simulation a hedge of its own"};
    bound_ = its;
    bound_to_.store(its.get(), std::memory_order_release);
}

COFFER_INLINE hedge_pace::terms hedge_pace::called(time_point now) {
    std::lock_guard const lock{mutex_};
    ++calls_;
    credit_.called();
    return terms_at(now);
}

COFFER_INLINE void hedge_pace::learn(duration took, time_point now) noexcept {
    if (options_.percentile == 0) return;
    std::lock_guard const lock{mutex_};
    window_.add(took, now);
}

COFFER_INLINE bool hedge_pace::take() noexcept {
    std::lock_guard const lock{mutex_};
    return credit_.take();
}

COFFER_INLINE void hedge_pace::give_back() noexcept {
    std::lock_guard const lock{mutex_};
    credit_.give_back();
}

COFFER_INLINE hedge_snapshot hedge_pace::look(time_point now) {
    std::lock_guard const lock{mutex_};
    return {calls_, hedges_, wins_, terms_at(now).delay, learnt(now), credit_.left()};
}

COFFER_INLINE bool hedge_pace::learnt(time_point now) noexcept {
    return options_.percentile != 0 && window_.samples(now) >= options_.minimum;
}

COFFER_INLINE hedge_pace::terms hedge_pace::terms_at(time_point now) noexcept {
    if (!learnt(now)) return {options_.delay, {}};
    return {std::max<duration>(window_.percentile(options_.percentile / 100, now), options_.least_delay),
            window_.percentile(0.5, now)};
}

}  // namespace coffer::inline COFFER_ABI::detail
