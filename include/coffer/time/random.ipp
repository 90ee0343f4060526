// SPDX-License-Identifier: BSL-1.0
#pragma once
// Definitions of random.hpp.

#include <coffer/time/random.hpp>

namespace coffer::inline COFFER_ABI {

COFFER_INLINE std::uint64_t random_source::next() noexcept {
    constexpr std::uint64_t gamma = 0x9e3779b97f4a7c15U;
    auto z = state_.fetch_add(gamma, std::memory_order_relaxed) + gamma;
    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9U;
    z = (z ^ (z >> 27)) * 0x94d049bb133111ebU;
    return z ^ (z >> 31);
}

}  // namespace coffer::inline COFFER_ABI
