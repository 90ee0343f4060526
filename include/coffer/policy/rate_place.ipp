// SPDX-License-Identifier: BSL-1.0
#pragma once
// Definitions of rate_place.hpp.

#include <coffer/policy/rate_place.hpp>

#include <utility>

namespace coffer::inline COFFER_ABI::detail {

COFFER_INLINE void rate_nudges::add(std::shared_ptr<rate_nudge> one) noexcept {
    if (!one) return;
    auto* const added = one.get();
    (last_ != nullptr ? last_->next : first_) = std::move(one);
    last_ = added;
}

COFFER_INLINE void rate_nudges::wake() {
    last_ = nullptr;
    while (auto const one = std::exchange(first_, nullptr)) {
        first_ = std::move(one->next);
        one->waits.notify_all();
    }
}

}  // namespace coffer::inline COFFER_ABI::detail
