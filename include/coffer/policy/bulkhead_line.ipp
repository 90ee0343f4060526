// SPDX-License-Identifier: BSL-1.0
#pragma once
// Definitions of bulkhead_line.hpp.

#include <coffer/policy/bulkhead_line.hpp>

#include <algorithm>
#include <stdexcept>
#include <string>
#include <utility>

namespace coffer::inline COFFER_ABI::detail {

COFFER_INLINE bulkhead_line::bulkhead_line(bulkhead_options const& o, call_priority priority)
    : options_{(o.check(), o)},
      priority_{std::move(priority)},
      full_{full(o)},
      too_long_{too_long(o)},
      places_{o.limit},
      queue_{o.ages_after},
      limit_{o} {
    auto const require = [](bool right, char const* what) {
        if (!right) throw std::invalid_argument{what};
    };
    require(o.priority_by.empty() || !priority_,
            "coffer::bulkhead: priority_by, or a function that says how important a call is; not both");
    if (!o.priority_by.empty()) priority_ = priority_tag{o.priority_by};
    options_.priority_by = {};  // the caller's text
    require(priority_ || o.ages_after == duration::max(),
            "coffer::bulkhead: ages_after has no effect where all calls are as important: say .priority_by");
    require(!priority_ || o.max_waiting > 0,
            "coffer::bulkhead: where nobody may wait (max_waiting = 0) it does not matter who is more important");
}

COFFER_INLINE void bulkhead_line::bind(attempt const& a) {
    if (bound_to_.load(std::memory_order_acquire) == &a.clock()) return;
    std::lock_guard const lock{mutex_};
    if (!clock_) clock_ = a.of().shared_clock();
    if (clock_.get() != &a.clock())
        throw misuse{
            "coffer::bulkhead: the calls that share a bulkhead must share a clock: this one runs under another "
            "than the first; make a bulkhead for each simulation"};
    bound_to_.store(clock_.get(), std::memory_order_release);
}

COFFER_INLINE outcome<bool> bulkhead_line::ask(bulkhead_place& p, attempt const& a) {
    // Also where there is a place: a mistake is to be seen before the day on which everything is full.
    auto const priority = priority_ ? priority_of(a.of()) : 0;
    if (places_.try_take()) return taken(p, a.now()), true;
    if (options_.max_waiting == 0) return failed(fault{full_});
    if (options_.max_wait == duration::zero()) return failed(fault{too_long_});
    if (!a.of().may_wait())
        return failed(fault{fault_kind::queue_full, "bulkhead: a hedge does not wait for its turn"});
    return join(p, a, priority);
}

COFFER_INLINE std::optional<bulkhead_line::rest> bulkhead_line::arm(bulkhead_place& p) {
    auto nudge = std::make_shared<wait_list>();
    std::lock_guard const lock{mutex_};
    if (p.is_ != standing::waits) return std::nullopt;
    p.nudge_ = nudge;
    return rest{std::move(nudge), until(p)};
}

COFFER_INLINE bool bulkhead_line::leave(bulkhead_place& p) noexcept {
    std::lock_guard const lock{mutex_};
    if (p.is_ == standing::holds) return true;
    unlink(p);
    return false;
}

COFFER_INLINE std::optional<fault> bulkhead_line::turned_away(bulkhead_place& p, time_point now) {
    auto was = standing::waits;
    {
        std::lock_guard const lock{mutex_};
        was = p.is_;
        if (was == standing::holds || (was == standing::waits && now < until(p))) return std::nullopt;
        unlink(p);
    }
    if (was == standing::displaced) return displaced(p.priority());
    if (now >= p.patient_until_ && now < p.call_->deadline()) return too_long_;
    return fault{fault_kind::deadline_exceeded, "bulkhead: the call's deadline came before its turn"};
}

COFFER_INLINE void bulkhead_line::release(bulkhead_place const& p, time_point now,
                                          concurrency_limit::end const* end) noexcept {
    bool const learns = end != nullptr && options_.adapts();
    if (!learns && places_.try_give_back()) return;
    {
        std::lock_guard const lock{mutex_};
        if (learns) {
            auto heard = *end;
            heard.used = places_.nearly_full() || full_at_.load(std::memory_order_relaxed) >= p.in_since_;
            limit_.ended(heard);
            if (limit_.now() != places_.limit()) places_.set_limit(limit_.now());
        }
        places_.give_back();
        if (queue_.empty()) return;
    }
    serve(now);
}

COFFER_INLINE void bulkhead_line::abandon(bulkhead_place& p) noexcept {
    if (leave(p)) release(p, now());
}

COFFER_INLINE void bulkhead_line::set_limit(int limit) {
    if (limit < 1 || limit > bulkhead_options::largest)
        throw std::invalid_argument{"coffer::bulkhead: a limit is from 1 to a million"};
    {
        std::lock_guard const lock{mutex_};
        limit_.set(limit);
        by_hand_ = limit_.now() != options_.limit;
        places_.set_limit(limit_.now());
        if (queue_.empty()) return;
    }
    serve(now());
}

COFFER_INLINE std::size_t bulkhead_line::waiting() const noexcept {
    std::lock_guard const lock{mutex_};
    return queue_.size();
}

COFFER_INLINE bool bulkhead_line::idle() const {
    std::lock_guard const lock{mutex_};
    return !by_hand_ && queue_.empty() && places_.taken() == 0;
}

COFFER_INLINE time_point bulkhead_line::until(bulkhead_place const& p) noexcept {
    return std::min(p.call_->deadline(), p.patient_until_);
}

COFFER_INLINE int bulkhead_line::priority_of(call const& c) const {
    auto const priority = priority_(c);
    if (priority < -100 || priority > 100)
        throw misuse{"coffer::bulkhead: this call's priority is " + std::to_string(priority) +
                     "; it is from -100 to 100"};
    return priority;
}

COFFER_INLINE void bulkhead_line::taken(bulkhead_place& p, time_point now) noexcept {
    p.is_ = standing::holds;
    if (!options_.adapts()) return;
    p.in_since_ = now;
    if (places_.nearly_full()) full_at_.store(now, std::memory_order_relaxed);
}

COFFER_INLINE void bulkhead_line::unlink(bulkhead_place& p) noexcept {
    queue_.leave(p);
    if (queue_.empty()) places_.open();
}

COFFER_INLINE outcome<bool> bulkhead_line::join(bulkhead_place& p, attempt const& a, int priority) {
    p.call_ = &a.of();
    p.patient_until_ = later(a.now(), options_.max_wait);
    std::shared_ptr<wait_list> displaces;
    bool free = false;
    {
        std::lock_guard const lock{mutex_};
        if (queue_.empty() && places_.try_take()) return taken(p, a.now()), true;
        bulkhead_place* last = nullptr;
        if (queue_.size() >= options_.max_waiting) {
            last = static_cast<bulkhead_place*>(queue_.behind(priority, a.now()));
            if (last == nullptr) return failed(fault{full_});
        }
        queue_.join(p, priority, a.now());
        if (last != nullptr) {
            queue_.leave(*last);
            last->is_ = standing::displaced;
            displaces = std::move(last->nudge_);
        }
        free = places_.close();
    }
    if (displaces) displaces->notify_all();
    if (free) serve(a.now());
    return false;
}

COFFER_INLINE void bulkhead_line::serve(time_point now) noexcept {
    for (;;) {
        std::shared_ptr<wait_list> wakes;
        {
            std::lock_guard const lock{mutex_};
            auto* p = static_cast<bulkhead_place*>(queue_.first());
            for (; p != nullptr && until(*p) <= now; p = static_cast<bulkhead_place*>(queue_.first())) {
                p->is_ = standing::passed_over;
                unlink(*p);
            }
            if (p == nullptr || !places_.try_take_closed()) return;
            taken(*p, now);
            wakes = std::move(p->nudge_);
            unlink(*p);
        }
        if (wakes) wakes->notify_all();
    }
}

COFFER_INLINE fault bulkhead_line::full(bulkhead_options const& o) {
    std::string const taken = "bulkhead: as many attempts are under way as may be (limit), and ";
    if (o.max_waiting == 0) return fault{fault_kind::queue_full, taken + "none may wait"}.with_code("no_place");
    return fault{fault_kind::queue_full, taken + std::to_string(o.max_waiting) + " wait already (max_waiting)"}
        .with_code("max_waiting");
}

COFFER_INLINE fault bulkhead_line::too_long(bulkhead_options const& o) {
    using std::chrono::milliseconds;
    auto const all = std::chrono::duration_cast<milliseconds>(o.max_wait).count();
    return fault{fault_kind::queue_full,
                 "bulkhead: no place came free within " + std::to_string(all) + " ms (max_wait)"}
        .with_code("wait_too_long");
}

COFFER_INLINE fault bulkhead_line::displaced(int priority) {
    return fault{fault_kind::queue_full,
                 "bulkhead: the line is full, and a more important attempt came; this one's "
                 "priority is " +
                     std::to_string(priority)}
        .with_code("displaced");
}

}  // namespace coffer::inline COFFER_ABI::detail
