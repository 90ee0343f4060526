// SPDX-License-Identifier: BSL-1.0
#pragma once
// How many seeds the randomised tests try, and what they draw from one.

#include <concepts>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string>

namespace support {

/// COFFER_SEEDS, or `otherwise`; a test whose seeds are dear takes a part of them.
inline std::uint64_t seeds(std::uint64_t part = 1, std::uint64_t otherwise = 5000) {
    auto const* const set = std::getenv("COFFER_SEEDS");
    auto const wanted = set != nullptr ? std::strtoull(set, nullptr, 10) : otherwise;
    return wanted / part > 0 ? wanted / part : 1;
}

/// SplitMix64: one seed, one sequence, on every platform.
class dice {
public:
    explicit dice(std::uint64_t seed) noexcept : state_{seed * 0x9e3779b97f4a7c15U + 1} {}

    std::uint64_t bits() noexcept {
        auto z = (state_ += 0x9e3779b97f4a7c15U);
        z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9U;
        z = (z ^ (z >> 27)) * 0x94d049bb133111ebU;
        return z ^ (z >> 31);
    }
    /// A number from 0 to `n` - 1.
    template <std::integral T>
    T below(T n) noexcept {
        return static_cast<T>(bits() % static_cast<std::uint64_t>(n));
    }
    /// In [0, 1).
    double unit() noexcept { return static_cast<double>(bits() >> 11) * 0x1.0p-53; }
    /// True once in `n`.
    bool one_in(std::uint64_t n) noexcept { return below(n) == 0; }

private:
    std::uint64_t state_;
};

}  // namespace support
