// SPDX-License-Identifier: BSL-1.0
#pragma once
// Definitions of place_count.hpp.

#include <coffer/state/place_count.hpp>

namespace coffer::inline COFFER_ABI {

COFFER_INLINE bool place_count::nearly_full() const noexcept {
    auto const w = word_.load(std::memory_order_acquire);
    return std::int64_t{taken_of(w)} * 10 >= std::int64_t{limit_of(w)} * 9;
}

COFFER_INLINE bool place_count::try_take() noexcept {
    auto w = word_.load(std::memory_order_relaxed);
    do {
        if ((w & closed) != 0 || taken_of(w) >= limit_of(w)) return false;
    } while (!word_.compare_exchange_weak(w, w + 1, std::memory_order_acq_rel, std::memory_order_relaxed));
    return true;
}

COFFER_INLINE bool place_count::try_give_back() noexcept {
    auto w = word_.load(std::memory_order_relaxed);
    do {
        if ((w & closed) != 0) return false;
    } while (!word_.compare_exchange_weak(w, w - 1, std::memory_order_acq_rel, std::memory_order_relaxed));
    return true;
}

COFFER_INLINE bool place_count::close() noexcept {
    auto const w = word_.fetch_or(closed, std::memory_order_acq_rel);
    return taken_of(w) < limit_of(w);
}

COFFER_INLINE bool place_count::try_take_closed() noexcept {
    auto const w = word_.load(std::memory_order_acquire);
    if (taken_of(w) >= limit_of(w)) return false;
    word_.fetch_add(1, std::memory_order_acq_rel);
    return true;
}

COFFER_INLINE void place_count::set_limit(int limit) noexcept {
    auto w = word_.load(std::memory_order_relaxed);
    while (!word_.compare_exchange_weak(w, (w & ~limit_bits) | word_of(limit), std::memory_order_acq_rel,
                                        std::memory_order_relaxed)) {
    }
}

}  // namespace coffer::inline COFFER_ABI
