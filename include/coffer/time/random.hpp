// SPDX-License-Identifier: BSL-1.0
#pragma once
// Seeded randomness that any number of threads may share: one seed is one run in a single-threaded simulation.

#include <coffer/config.hpp>

#include <atomic>
#include <cstdint>

namespace coffer::inline COFFER_ABI {

/// SplitMix64 over an atomic counter (Steele, Lea, Flood: "Fast Splittable Pseudorandom Number Generators", 2014).
///
/// Good enough for jitter, not for secrets. Lock-free; safe from any thread.
class random_source {
public:
    /// One seed is one sequence.
    explicit random_source(std::uint64_t seed) noexcept : state_{seed} {}

    /// The next 64 random bits. With several threads, which of them gets which number is open.
    [[nodiscard]] std::uint64_t next() noexcept;

    /// Begins the sequence of another seed.
    void seed(std::uint64_t value) noexcept { state_.store(value, std::memory_order_relaxed); }

private:
    std::atomic<std::uint64_t> state_;
};

/// A number in [0, 1), from 53 random bits.
[[nodiscard]] constexpr double unit_interval(std::uint64_t bits) noexcept {
    return static_cast<double>(bits >> 11) * 0x1.0p-53;
}

}  // namespace coffer::inline COFFER_ABI

#if !defined(COFFER_SEPARATE_COMPILATION)
#include <coffer/time/random.ipp>
#endif
