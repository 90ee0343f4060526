// SPDX-License-Identifier: BSL-1.0
#pragma once
// Definitions of retry_quota.hpp.

#include <coffer/policy/retry_quota.hpp>

#include <limits>
#include <string>

namespace coffer::inline COFFER_ABI {

COFFER_INLINE retry_quota::retry_quota(retry_quota_options const& options) : state_{std::make_shared<state>(options)} {}

COFFER_INLINE retry_quota::snapshot retry_quota::look(time_point now) const {
    if (!state_) return {std::numeric_limits<double>::infinity(), 0, 0};
    std::lock_guard const lock{state_->mutex};
    auto then = state_->bucket;
    return {then.left(now), state_->taken, state_->refused};
}

COFFER_INLINE void retry_quota::describe(composition& to) const {
    if (!state_) {
        to.with("no quota");
        return;
    }
    std::unique_lock lock{state_->mutex};
    auto const most = state_->bucket.capacity();
    auto const left = state_->bound ? state_->bucket.left(state_->bound->now()) : most;
    lock.unlock();
    to.with_other("quota of", most, retry_quota_options{}.capacity);
    if (left < most) to.now(std::to_string(static_cast<std::int64_t>(left)) + " retries of the quota left");
}

COFFER_INLINE void retry_quota::bind(call const& c) const {
    if (!state_ || state_->bound_to.load(std::memory_order_acquire) == &c.clock()) return;
    auto const its = c.shared_clock();
    std::lock_guard const lock{state_->mutex};
    if (state_->bound != nullptr && state_->bound != its)
        throw misuse{
            "coffer::retry_quota: it is already used under another clock; give each simulation a quota of its own"};
    state_->bound = its;
    state_->bound_to.store(its.get(), std::memory_order_release);
}

COFFER_INLINE bool retry_quota::withdraw(time_point now) const noexcept {
    if (!state_) return true;
    std::lock_guard const lock{state_->mutex};
    bool const taken = state_->bucket.withdraw(now);
    ++(taken ? state_->taken : state_->refused);
    state_->full.store(state_->bucket.is_full(), std::memory_order_relaxed);
    return taken;
}

COFFER_INLINE void retry_quota::give_back(time_point now) const noexcept {
    if (!state_) return;
    std::lock_guard const lock{state_->mutex};
    state_->bucket.give_back(now);
    --state_->taken;
    state_->full.store(state_->bucket.is_full(), std::memory_order_relaxed);
}

COFFER_INLINE void retry_quota::succeeded(time_point now) const noexcept {
    if (!state_ || state_->full.load(std::memory_order_relaxed)) return;
    std::lock_guard const lock{state_->mutex};
    state_->bucket.succeeded(now);
    state_->full.store(state_->bucket.is_full(), std::memory_order_relaxed);
}

}  // namespace coffer::inline COFFER_ABI
