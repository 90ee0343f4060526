// SPDX-License-Identifier: BSL-1.0
#pragma once
// Definitions of bulkhead_queue.hpp.

#include <coffer/state/bulkhead_queue.hpp>

namespace coffer::inline COFFER_ABI {

COFFER_INLINE void bulkhead_queue::join(bulkhead_waiter& w, int priority, time_point now) {
    auto& l = levels_[priority];
    w.priority_ = priority;
    w.since_ = now;
    w.number_ = ++arrivals_;
    w.level_ = &l;
    w.before_ = l.last;
    (l.last != nullptr ? l.last->behind_ : l.first) = &w;
    l.last = &w;
    ++size_;
}

COFFER_INLINE void bulkhead_queue::leave(bulkhead_waiter& w) noexcept {
    if (!w.queued()) return;
    auto& l = *static_cast<level*>(w.level_);
    (w.before_ != nullptr ? w.before_->behind_ : l.first) = w.behind_;
    (w.behind_ != nullptr ? w.behind_->before_ : l.last) = w.before_;
    w.before_ = w.behind_ = nullptr;
    w.level_ = nullptr;
    --size_;
    if (l.first == nullptr) levels_.erase(w.priority_);
}

COFFER_INLINE bulkhead_waiter* bulkhead_queue::first() const noexcept {
    if (levels_.empty()) return nullptr;
    auto* best = levels_.begin()->second.first;
    if (ages())
        for (auto const& [priority, l] : levels_)
            if (before(*l.first, *best)) best = l.first;
    return best;
}

COFFER_INLINE bulkhead_waiter* bulkhead_queue::behind(int priority, time_point now) const noexcept {
    if (levels_.empty()) return nullptr;
    auto* last = levels_.rbegin()->second.last;
    if (ages())
        for (auto const& [level_priority, l] : levels_)
            if (before(*last, *l.last)) last = l.last;
    bulkhead_waiter newcomer;
    newcomer.priority_ = priority;
    newcomer.since_ = now;
    newcomer.number_ = arrivals_ + 1;
    return before(newcomer, *last) ? last : nullptr;
}

COFFER_INLINE bool bulkhead_queue::ages() const noexcept {
    return ages_after_ != duration::max() && levels_.size() > 1;
}

COFFER_INLINE bool bulkhead_queue::before(bulkhead_waiter const& a, bulkhead_waiter const& b) const noexcept {
    if (ages_after_ != duration::max()) {
        auto const of_a = came(a);
        auto const of_b = came(b);
        if (of_a != of_b && a.priority_ != b.priority_) return of_a < of_b;
    }
    return a.priority_ != b.priority_ ? a.priority_ > b.priority_ : a.number_ < b.number_;
}

COFFER_INLINE detail::wide_int bulkhead_queue::came(bulkhead_waiter const& w) const noexcept {
    return detail::wide_int{w.since_.time_since_epoch().count()} - detail::wide_int{w.priority_} * ages_after_.count();
}

}  // namespace coffer::inline COFFER_ABI
