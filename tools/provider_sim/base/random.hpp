// SPDX-License-Identifier: BSL-1.0
#pragma once
// Randomness that is a function of its inputs: the same seed, rule and request give the same draw whatever else
// arrives meanwhile, on every machine.

#include <cstdint>
#include <string_view>

namespace provider_sim {

/// The finaliser of splitmix64.
constexpr std::uint64_t mix(std::uint64_t x) noexcept {
    x += 0x9e3779b97f4a7c15ULL;
    x = (x ^ (x >> 30U)) * 0xbf58476d1ce4e5b9ULL;
    x = (x ^ (x >> 27U)) * 0x94d049bb133111ebULL;
    return x ^ (x >> 31U);
}

/// FNV-1a, mixed; `seed` makes independent families of hashes.
constexpr std::uint64_t hash_of(std::string_view text, std::uint64_t seed = 0) noexcept {
    std::uint64_t h = 0xcbf29ce484222325ULL ^ mix(seed);
    for (char const c : text) {
        h ^= static_cast<unsigned char>(c);
        h *= 0x100000001b3ULL;
    }
    return mix(h);
}

/// A number in [0, 1).
constexpr double unit(std::uint64_t bits) noexcept { return static_cast<double>(bits >> 11U) * 0x1.0p-53; }

}  // namespace provider_sim
