// SPDX-License-Identifier: BSL-1.0
#pragma once
// What all copies of one `bulkhead` share: the places, who waits for one, and what sets their number.

#include <coffer/base/fault.hpp>
#include <coffer/call/attempt.hpp>
#include <coffer/policy/call_priority.hpp>
#include <coffer/state/bulkhead_options.hpp>
#include <coffer/state/bulkhead_queue.hpp>
#include <coffer/state/concurrency_limit.hpp>
#include <coffer/state/place_count.hpp>
#include <coffer/time/sleep.hpp>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <mutex>
#include <optional>
#include <stdexcept>
#include <string>
#include <utility>

namespace coffer::inline COFFER_ABI::detail {

/// One attempt's place: waited for, or held. While it waits, it is the line's.
class bulkhead_place final : public bulkhead_waiter {
public:
    bulkhead_place() = default;

private:
    friend class bulkhead_line;
    enum class standing : std::uint8_t { waits, holds, displaced, passed_over };
    standing is_ = standing::waits;
    call const* call_ = nullptr;
    time_point patient_until_{};
    time_point in_since_{};  // where the limit adapts
    std::shared_ptr<wait_list> nudge_;  // while it waits; wakes it before its time
};

/// Any thread. A place that comes free is given to whose turn it is before he wakes up. Each who waits has a timer of his
/// own, for his patience, and none for anything else.
class bulkhead_line {
public:
    bulkhead_line(bulkhead_options const& o, call_priority priority)
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
    bulkhead_line(bulkhead_line const&) = delete;
    bulkhead_line& operator=(bulkhead_line const&) = delete;

    /// The first clock counts. Throws `misuse` for another one.
    void bind(attempt const& a) {
        if (bound_to_.load(std::memory_order_acquire) == &a.clock()) return;
        std::lock_guard const lock{mutex_};
        if (!clock_) clock_ = a.of().shared_clock();
        if (clock_.get() != &a.clock())
            throw misuse{
                "coffer::bulkhead: the calls that share a bulkhead must share a clock: this one runs under another "
                "than the first; make a bulkhead for each simulation"};
        bound_to_.store(clock_.get(), std::memory_order_release);
    }

    /// Takes a place at once (true), or lets it wait in line (false), or says why not.
    [[nodiscard]] outcome<bool> ask(bulkhead_place& p, attempt const& a) {
        // Also where there is a place: a mistake is to be seen before the day on which everything is full.
        auto const priority = priority_ ? priority_of(a.of()) : 0;
        if (places_.try_take()) return taken(p, a.now()), true;
        if (options_.max_waiting == 0) return failed(fault{full_});
        if (options_.max_wait == duration::zero()) return failed(fault{too_long_});
        if (!a.of().may_wait())
            return failed(fault{fault_kind::queue_full, "bulkhead: a hedge does not wait for its turn"});
        return join(p, a, priority);
    }

    /// What a waiter waits for next; nothing if it need not wait any longer.
    struct rest {
        std::shared_ptr<wait_list> nudge;
        time_point until;
    };
    [[nodiscard]] std::optional<rest> arm(bulkhead_place& p) {
        auto nudge = std::make_shared<wait_list>();
        std::lock_guard const lock{mutex_};
        if (p.is_ != standing::waits) return std::nullopt;
        p.nudge_ = nudge;
        return rest{std::move(nudge), until(p)};
    }
    /// It waits no longer. True if it has a place by now.
    bool leave(bulkhead_place& p) noexcept {
        std::lock_guard const lock{mutex_};
        if (p.is_ == standing::holds) return true;
        unlink(p);
        return false;
    }
    /// Has it waited as long as it may, or did it have to make way? Then it leaves, with this.
    [[nodiscard]] std::optional<fault> turned_away(bulkhead_place& p, time_point now) {
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

    /// A place is given back, or to whose turn it is. `end`: what it tells of the limit, if anything.
    void release(bulkhead_place const& p, time_point now, concurrency_limit::end const* end = nullptr) noexcept {
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
    /// Nobody hears of its end.
    void abandon(bulkhead_place& p) noexcept {
        if (leave(p)) release(p, now());
    }

    void set_limit(int limit) {
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

    [[nodiscard]] bulkhead_options const& options() const noexcept { return options_; }
    [[nodiscard]] bool has_priorities() const noexcept { return static_cast<bool>(priority_); }
    [[nodiscard]] int limit() const noexcept { return places_.limit(); }
    [[nodiscard]] int in_flight() const noexcept { return places_.taken(); }
    [[nodiscard]] std::size_t waiting() const noexcept {
        std::lock_guard const lock{mutex_};
        return queue_.size();
    }

    [[nodiscard]] bool idle() const {
        std::lock_guard const lock{mutex_};
        return !by_hand_ && queue_.empty() && places_.taken() == 0;
    }

private:
    using standing = bulkhead_place::standing;

    [[nodiscard]] time_point now() const noexcept { return bound_to_.load(std::memory_order_acquire)->now(); }
    /// A flight's deadline may grow while it waits.
    [[nodiscard]] static time_point until(bulkhead_place const& p) noexcept {
        return std::min(p.call_->deadline(), p.patient_until_);
    }
    [[nodiscard]] int priority_of(call const& c) const {
        auto const priority = priority_(c);
        if (priority < -100 || priority > 100)
            throw misuse{"coffer::bulkhead: this call's priority is " + std::to_string(priority) +
                         "; it is from -100 to 100"};
        return priority;
    }
    void taken(bulkhead_place& p, time_point now) noexcept {
        p.is_ = standing::holds;
        if (!options_.adapts()) return;
        p.in_since_ = now;
        if (places_.nearly_full()) full_at_.store(now, std::memory_order_relaxed);
    }
    void unlink(bulkhead_place& p) noexcept {
        queue_.leave(p);
        if (queue_.empty()) places_.open();
    }

    [[nodiscard]] outcome<bool> join(bulkhead_place& p, attempt const& a, int priority) {
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
    /// Gives places to those whose turn it is, as long as there are any. Who has run out of time, and has not noticed yet,
    /// is passed over: he could not use it.
    void serve(time_point now) noexcept {
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

    // What most refusals say is made once: to turn somebody away is to cost next to nothing.
    [[nodiscard]] static fault full(bulkhead_options const& o) {
        std::string const taken = "bulkhead: as many attempts are under way as may be (limit), and ";
        if (o.max_waiting == 0) return fault{fault_kind::queue_full, taken + "none may wait"}.with_code("no_place");
        return fault{fault_kind::queue_full, taken + std::to_string(o.max_waiting) + " wait already (max_waiting)"}
            .with_code("max_waiting");
    }
    [[nodiscard]] static fault too_long(bulkhead_options const& o) {
        using std::chrono::milliseconds;
        auto const all = std::chrono::duration_cast<milliseconds>(o.max_wait).count();
        return fault{fault_kind::queue_full,
                     "bulkhead: no place came free within " + std::to_string(all) + " ms (max_wait)"}
            .with_code("wait_too_long");
    }
    [[nodiscard]] static fault displaced(int priority) {
        return fault{fault_kind::queue_full,
                     "bulkhead: the line is full, and a more important attempt came; this one's "
                     "priority is " +
                         std::to_string(priority)}
            .with_code("displaced");
    }

    bulkhead_options options_;
    call_priority priority_;
    fault const full_;
    fault const too_long_;
    place_count places_;
    std::atomic<coffer::clock const*> bound_to_{nullptr};
    // When places were last nearly all taken, where the limit adapts.
    std::atomic<time_point> full_at_{time_point::min()};

    mutable std::mutex mutex_;
    std::shared_ptr<coffer::clock> clock_;
    bulkhead_queue queue_;
    concurrency_limit limit_;
    bool by_hand_ = false;  // it was set to another than that of the options
};

}  // namespace coffer::inline COFFER_ABI::detail
