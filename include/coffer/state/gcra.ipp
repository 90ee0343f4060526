// SPDX-License-Identifier: BSL-1.0
#pragma once
// Definitions of gcra.hpp.

#include <coffer/state/gcra.hpp>

#include <algorithm>

namespace coffer::inline COFFER_ABI {

COFFER_INLINE gcra::gcra(std::int64_t limit, duration window, duration burst) noexcept
    : limit_{limit},
      window_{window},
      whole_{window.count() / limit},
      rest_{window.count() % limit},
      one_{time_for(1, true)},
      burst_{std::max(std::min(burst, window), one_)} {}

COFFER_INLINE gcra::gcra(gcra const& o) noexcept
    : limit_{o.limit_},
      window_{o.window_},
      whole_{o.whole_},
      rest_{o.rest_},
      one_{o.one_},
      burst_{o.burst_},
      full_at_{o.full_at_.load()},
      learned_{o.learned_.load()} {}

COFFER_INLINE gcra::duration gcra::cost(std::int64_t units) const noexcept {
    return units == 1 ? one_ : units == 0 ? duration::zero() : time_for(units, true);
}

COFFER_INLINE gcra::time_point gcra::earliest(std::int64_t units) const noexcept {
    return when(full_at_.load(), cost(units));
}

COFFER_INLINE gcra::time_point gcra::earliest_behind(std::int64_t ahead, std::int64_t units,
                                                     time_point now) const noexcept {
    auto const emptied = std::min(std::max(full_at(), now).time_since_epoch() + cost(ahead), latest);
    return std::max(now, when(emptied.count(), cost(units)));
}

COFFER_INLINE std::int64_t gcra::free(time_point now) const noexcept {
    auto const left = now + burst_ - std::max(full_at(), now);
    if (left <= duration::zero()) return 0;
    return static_cast<std::int64_t>(detail::wide_int{left.count()} * limit_ / window_.count());
}

COFFER_INLINE bool gcra::has(duration cost, time_point now) const noexcept {
    return when(full_at_.load(std::memory_order_relaxed), cost) <= now;
}

COFFER_INLINE bool gcra::take_if(duration cost, time_point now, time_point& mark) noexcept {
    auto const learned = learned_.load(std::memory_order_relaxed);
    auto full = full_at_.load(std::memory_order_relaxed);
    for (;;) {
        if (when(full, cost) > now) return false;
        auto const next = pushed(full, cost, now);
        if (!full_at_.compare_exchange_weak(full, next)) continue;
        mark = at(next - learned);
        return true;
    }
}

COFFER_INLINE bool gcra::undo(duration cost) noexcept {
    return change([&](std::int64_t full) { return full - cost.count(); });
}

COFFER_INLINE bool gcra::correct(duration difference, time_point now) noexcept {
    if (difference > duration::zero()) return change([&](std::int64_t full) { return pushed(full, difference, now); });
    return change([&](std::int64_t full) { return at(full) > now ? full + difference.count() : full; });
}

COFFER_INLINE gcra::duration gcra::difference(std::int64_t was, std::int64_t is) const noexcept {
    return is >= was ? cost(is - was) : -time_for(was - is, false);
}

COFFER_INLINE bool gcra::take_over(gcra& before, time_point now) noexcept {
    auto const full = before.full_at_.exchange(taken_over);
    if (limit_ == before.limit_ && window_ == before.window_ && burst_ == before.burst_) {
        full_at_ = full;
        learned_ = before.learned_.load();
        return true;
    }
    auto const lies = std::min(before.burst_ - std::max(at(full) - now, duration::zero()), burst_);
    full_at_ = std::min((now + burst_ - lies).time_since_epoch(), latest).count();
    return false;
}

COFFER_INLINE gcra::time_point gcra::mark() const noexcept { return at(full_at_.load() - learned_.load()); }

COFFER_INLINE void gcra::learn(time_point mark, time_point theirs, time_point now) noexcept {
    auto const missing = theirs - std::max(mark, this->mark()) - duration{learned_.load()};
    if (missing <= duration::zero()) return;
    change([&](std::int64_t full) {
        return std::max(full, std::min(at(full) + missing, now + burst_).time_since_epoch().count());
    });
    learned_.fetch_add(missing.count());
}

COFFER_INLINE gcra::time_point gcra::when(std::int64_t full, duration cost) const noexcept {
    return at(full) + std::min(cost, burst_) - burst_;
}

COFFER_INLINE std::int64_t gcra::pushed(std::int64_t full, duration cost, time_point now) noexcept {
    return std::min(std::max(full, now.time_since_epoch().count()) + cost.count(), latest.count());
}

COFFER_INLINE gcra::duration gcra::time_for(std::int64_t units, bool up) const noexcept {
    std::int64_t part = 0;
    std::int64_t all = 0;
    if (!__builtin_mul_overflow(units, rest_, &part) && !__builtin_mul_overflow(units, whole_, &all) &&
        all < longest.count()) {
        auto const quotient = part / limit_;
        return std::min(duration{all + quotient + (up && quotient * limit_ != part ? 1 : 0)}, longest);
    }
    auto const exact = detail::wide_int{units} * window_.count();
    auto const rounded = exact / limit_ + (up && exact % limit_ != 0 ? 1 : 0);
    return rounded > longest.count() ? longest : duration{static_cast<std::int64_t>(rounded)};
}

}  // namespace coffer::inline COFFER_ABI
