// SPDX-License-Identifier: BSL-1.0
#pragma once
// Definitions of clock.hpp.

#include <coffer/time/clock.hpp>

#include <utility>

namespace coffer::inline COFFER_ABI {

COFFER_INLINE outside_work::outside_work(std::shared_ptr<clock> c) noexcept : clock_{std::move(c)} {
    if (clock_) clock_->begin_outside_work();
}

COFFER_INLINE outside_work& outside_work::operator=(outside_work other) noexcept {
    return clock_.swap(other.clock_), *this;
}

COFFER_INLINE outside_work::~outside_work() {
    if (clock_) clock_->end_outside_work();
}

}  // namespace coffer::inline COFFER_ABI
