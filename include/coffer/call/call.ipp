// SPDX-License-Identifier: BSL-1.0
#pragma once
// Definitions of call.hpp.

#include <coffer/call/call.hpp>

#include <algorithm>

namespace coffer::inline COFFER_ABI {

COFFER_INLINE duration allowed_inside::timeout() const noexcept {
    return attempt_timeout == duration::max() ? duration{defaults::attempt_timeout} : attempt_timeout;
}

COFFER_INLINE call::call(coffer::key k) : key_{std::move(k)}, allowed_{defaults::deadline} {}

COFFER_INLINE call::call(coffer::key k, time_point deadline) : key_{std::move(k)}, until_{deadline} {}

COFFER_INLINE call call::unkeyed() { return unkeyed(duration{defaults::deadline}); }

COFFER_INLINE call::call(call&& other) noexcept
    : key_{std::move(other.key_)},
      record_key_{std::move(other.record_key_)},
      unkeyed_{other.unkeyed_},
      in_flight_{other.in_flight_},
      allowed_{other.allowed_},
      until_{other.until_},
      inside_{other.inside_},
      tags_{std::move(other.tags_)},
      log_{std::move(other.log_)},
      cost_{other.cost_},
      cost_known_{other.cost_known_},
      stored_{other.stored_},
      origin_{other.origin_},
      answered_by_{std::move(other.answered_by_)},
      attempts_{other.attempts_},
      unproven_{other.unproven_},
      repairs_{other.repairs_},
      deadline_{other.deadline_.load(std::memory_order_relaxed)} {}

COFFER_INLINE coffer::key const& call::key() const {
    if (!key_) throw misuse{"coffer::call: this call has no key; make it with call{key{\"namespace\", ...}}"};
    return *key_;
}

COFFER_INLINE coffer::key const& call::record_key() const { return record_key_ ? *record_key_ : key(); }

COFFER_INLINE call& call::tag(std::string name, std::string value) & {
    tags_.emplace_back(std::move(name), std::move(value));
    return *this;
}

COFFER_INLINE call&& call::tag(std::string name, std::string value) && {
    return std::move(tag(std::move(name), std::move(value)));
}

COFFER_INLINE std::optional<money> call::cost() const noexcept {
    return cost_known_ ? std::optional{cost_} : std::nullopt;
}

COFFER_INLINE std::optional<target> call::answered_by() const {
    if (answered_by_) return answered_by_;
    for (auto const& a : log_)
        if (!a.fault && !a.target.provider.empty()) return a.target;
    return std::nullopt;
}

COFFER_INLINE time_point call::deadline() const noexcept {
    auto const& set = followed_ != nullptr ? *followed_ : deadline_;
    auto const until = std::min(time_point{duration{set.load(std::memory_order_relaxed)}}, inside_until_);
    return branch_ == nullptr ? until : std::min(until, branch_->until());
}

COFFER_INLINE int call::unproven_sends() const noexcept { return branch_ != nullptr ? branch_->unproven() : unproven_; }

COFFER_INLINE bool call::may_wait() const noexcept { return branch_ == nullptr || branch_->may_wait(); }

COFFER_INLINE call::~call() = default;

}  // namespace coffer::inline COFFER_ABI
