// SPDX-License-Identifier: BSL-1.0
#pragma once
// Definitions of wait.hpp.

#include <coffer/time/context_timer.hpp>
#include <coffer/time/wait.hpp>

#include <algorithm>
#include <array>

namespace coffer::inline COFFER_ABI {

COFFER_INLINE wait_registry::tick wait_registry::this_tick() noexcept {
    return timer_wheel::at_or_before(std::chrono::steady_clock::now());
}

COFFER_INLINE pending_wait::pending_wait(std::shared_ptr<wait_registry> registry) : registry_{std::move(registry)} {}

COFFER_INLINE bool pending_wait::begin(std::optional<time_point> until) {
    {
        std::lock_guard const lock{registry_->mutex_};
        if (!registry_->closed_) {
            if (early_) {
                state_ = state::ended;
                resume(*early_);
                return true;
            }
            if (!registry_->add(*this, until)) {
                state_ = state::ended;
                resume(wake::elapsed);
                return true;
            }
            self_ = shared_from_this();
            state_ = state::pending;
            return true;
        }
        state_ = state::ended;
    }
    discard();  // whoever else knows this wait must not keep its coroutine alive beyond the context
    return false;
}

COFFER_INLINE bool pending_wait::finish(wake why) noexcept {
    std::shared_ptr<pending_wait> self;  // released after the lock

    // The post happens under the lock, so that a context that shuts down meanwhile waits for it.
    std::lock_guard const lock{registry_->mutex_};
    if (state_ == state::ended || early_) return false;
    if (state_ == state::fresh) {
        early_ = why;
        return true;
    }
    self = unlink();
    resume(why);
    return true;
}

COFFER_INLINE bool pending_wait::ended() const noexcept {
    std::lock_guard const lock{registry_->mutex_};
    return state_ == state::ended;
}

COFFER_INLINE std::shared_ptr<pending_wait> pending_wait::unlink() noexcept {
    if (in_wheel()) registry_->waits_.remove(*this);
    state_ = state::ended;
    return std::move(self_);
}

COFFER_INLINE bool wait_registry::add(pending_wait& wait, std::optional<time_point> until) {
    if (!until) return waits_.add(wait, timer_wheel::never), true;
    auto const due = timer_wheel::at_or_after(*until);
    if (due < set_to_) {
        auto const now = this_tick();
        if (due <= now) return false;
        set_timer(due, now);  // it may throw; nothing has begun yet
    }
    waits_.add(wait, due);
    return true;
}

/// Setting it costs a system call. Where many want it earlier and earlier, it is set twice in one tick at the most: to where
/// the first one wants it, and then to the next tick, which nobody's is before.
COFFER_INLINE void wait_registry::set_timer(tick due, tick now) {
    constexpr auto last = timer_wheel::at_or_before(time_point::max());
    if (last_set_ == now && set_to_ != timer_wheel::never) due = now + 1;
    if (!timer_) timer_ = std::make_shared<detail::context_timer>(*context_);
    auto const number = times_set_ + 1;
    timer_->set(time_point{std::min(due, last) * timer_wheel::tick_length}, [weak = weak_from_this(), number] {
        if (auto const self = weak.lock()) self->expire(number);
    });
    times_set_ = number;
    set_to_ = due;
    last_set_ = now;
}

COFFER_INLINE void wait_registry::expire(std::uint64_t number) noexcept {
    constexpr std::size_t at_once = 32;  // others want the lock, too
    for (;;) {
        std::array<std::shared_ptr<pending_wait>, at_once> ended;  // released after the lock
        std::lock_guard const lock{mutex_};
        if (closed_) return;
        auto const now = this_tick();
        std::size_t count = 0;
        for (timer_entry* due = nullptr; count < at_once && (due = waits_.pop_due(now)) != nullptr; ++count) {
            auto& wait = static_cast<pending_wait&>(*due);
            ended[count] = wait.unlink();
            wait.resume(wake::elapsed);
        }
        if (count == at_once) continue;
        if (number != times_set_) return;  // it was set anew meanwhile
        set_to_ = timer_wheel::never;
        if (auto const next = waits_.next(); next != timer_wheel::never) set_timer(next, now);
        return;
    }
}

COFFER_INLINE void wait_registry::close() noexcept {
    for (;;) {
        std::shared_ptr<pending_wait> wait;
        {
            std::lock_guard const lock{mutex_};
            closed_ = true;
            auto* const any = waits_.any();
            if (any == nullptr) break;
            wait = static_cast<pending_wait*>(any)->unlink();
        }
        wait->discard();  // runs destructors of user code: not under the lock
    }
    timer_.reset();  // nobody else uses it any more
}

}  // namespace coffer::inline COFFER_ABI
