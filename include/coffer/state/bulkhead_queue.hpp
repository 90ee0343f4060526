// SPDX-License-Identifier: BSL-1.0
#pragma once
// Who waits for a place in a bulkhead, and whose turn it is. Pure.
//
// The more important first, and among equals strictly in the order in which they came. With ageing, a wait of `ages_after`
// is worth as much as being more important by one: whoever came at t with priority p is served as if he had come at
// t - p * ages_after. That never changes while he waits, so that nobody is overtaken for ever, and nothing is sorted anew.

#include <coffer/base/money.hpp>

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <map>

namespace coffer::inline COFFER_ABI {

class bulkhead_queue;

/// One who waits. Must stay where it is until it leaves.
class bulkhead_waiter {
public:
    bulkhead_waiter() = default;
    bulkhead_waiter(bulkhead_waiter const&) = delete;
    bulkhead_waiter& operator=(bulkhead_waiter const&) = delete;
    /// From `join` until it leaves or is served.
    [[nodiscard]] bool queued() const noexcept { return level_ != nullptr; }
    /// As it was given to `join`; the higher is the more important.
    [[nodiscard]] int priority() const noexcept { return priority_; }

protected:
    ~bulkhead_waiter() = default;

private:
    friend class bulkhead_queue;
    int priority_ = 0;
    std::chrono::steady_clock::time_point since_{};
    std::uint64_t number_ = 0;  // in the order of arrival
    void* level_ = nullptr;
    bulkhead_waiter* before_ = nullptr;
    bulkhead_waiter* behind_ = nullptr;
};

/// All who wait. Not more priorities than a few hundred: with ageing each turn looks at all that there are.
class bulkhead_queue {
public:
    using time_point = std::chrono::steady_clock::time_point;  ///< of the monotonic clock
    using duration = std::chrono::nanoseconds;  ///< whatever unit it is given in

    /// `duration::max()`: nobody ages.
    explicit bulkhead_queue(duration ages_after = duration::max()) noexcept : ages_after_{ages_after} {}
    bulkhead_queue(bulkhead_queue const&) = delete;
    bulkhead_queue& operator=(bulkhead_queue const&) = delete;

    /// Nobody waits.
    [[nodiscard]] bool empty() const noexcept { return size_ == 0; }
    /// So many wait.
    [[nodiscard]] std::size_t size() const noexcept { return size_; }

    /// Behind all of the same priority. May throw `std::bad_alloc`, and has changed nothing then.
    void join(bulkhead_waiter& w, int priority, time_point now) {
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
    /// It waits no longer, served or not.
    void leave(bulkhead_waiter& w) noexcept {
        if (!w.queued()) return;
        auto& l = *static_cast<level*>(w.level_);
        (w.before_ != nullptr ? w.before_->behind_ : l.first) = w.behind_;
        (w.behind_ != nullptr ? w.behind_->before_ : l.last) = w.before_;
        w.before_ = w.behind_ = nullptr;
        w.level_ = nullptr;
        --size_;
        if (l.first == nullptr) levels_.erase(w.priority_);
    }

    /// Whose turn it is; null if nobody waits.
    [[nodiscard]] bulkhead_waiter* first() const noexcept {
        if (levels_.empty()) return nullptr;
        auto* best = levels_.begin()->second.first;
        if (ages())
            for (auto const& [priority, l] : levels_)
                if (before(*l.first, *best)) best = l.first;
        return best;
    }
    /// Who would be served last, if a newcomer of that priority would be served before him; else null.
    [[nodiscard]] bulkhead_waiter* behind(int priority, time_point now) const noexcept {
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

private:
    struct level {
        bulkhead_waiter* first = nullptr;
        bulkhead_waiter* last = nullptr;
    };

    [[nodiscard]] bool ages() const noexcept { return ages_after_ != duration::max() && levels_.size() > 1; }
    [[nodiscard]] bool before(bulkhead_waiter const& a, bulkhead_waiter const& b) const noexcept {
        if (ages_after_ != duration::max()) {
            auto const of_a = came(a);
            auto const of_b = came(b);
            if (of_a != of_b && a.priority_ != b.priority_) return of_a < of_b;
        }
        return a.priority_ != b.priority_ ? a.priority_ > b.priority_ : a.number_ < b.number_;
    }
    /// As if it had come then.
    [[nodiscard]] detail::wide_int came(bulkhead_waiter const& w) const noexcept {
        return detail::wide_int{w.since_.time_since_epoch().count()} -
               detail::wide_int{w.priority_} * ages_after_.count();
    }

    std::map<int, level, std::greater<>> levels_;
    duration ages_after_;
    std::size_t size_ = 0;
    std::uint64_t arrivals_ = 0;
};

}  // namespace coffer::inline COFFER_ABI
