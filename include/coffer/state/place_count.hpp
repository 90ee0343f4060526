// SPDX-License-Identifier: BSL-1.0
#pragma once
// How many places there are and how many of them are taken, in one word. Pure.

#include <coffer/config.hpp>

#include <atomic>
#include <cstdint>

namespace coffer::inline COFFER_ABI {

/// Places, taken and given back by any thread without a lock as long as nobody waits for one.
///
/// Whoever waits *closes* it: from then on nothing is taken or given back but under the lock of those who wait, so that a
/// place that comes free is theirs, and nobody slips in before them. Of what was given back before, whoever closes is told;
/// what is given back later meets the closed door: no place is lost between the two.
class place_count {
public:
    /// `limit` from 1 to a million.
    explicit place_count(int limit) noexcept : word_{word_of(limit)} {}
    place_count(place_count const&) = delete;
    place_count& operator=(place_count const&) = delete;

    // Any thread.
    /// Places; as it was last set.
    [[nodiscard]] int limit() const noexcept { return limit_of(word_.load(std::memory_order_acquire)); }
    /// More than the limit only after that was lowered.
    [[nodiscard]] int taken() const noexcept { return taken_of(word_.load(std::memory_order_acquire)); }
    /// Nine of ten are taken, or more.
    [[nodiscard]] bool nearly_full() const noexcept;
    /// False if there is no place, or somebody waits.
    [[nodiscard]] bool try_take() noexcept;
    /// False, and nothing has happened, if somebody waits for it.
    [[nodiscard]] bool try_give_back() noexcept;

    // By one at a time.
    /// True if there is a place now: one has come free before the door was closed, and whoever waits is to be given it.
    [[nodiscard]] bool close() noexcept;
    /// Places are taken and given back without the lock again.
    void open() noexcept { word_.fetch_and(~closed, std::memory_order_acq_rel); }
    /// Of one that was taken, under the lock of those who wait.
    void give_back() noexcept { word_.fetch_sub(1, std::memory_order_acq_rel); }
    /// For somebody who waits, while it is closed.
    [[nodiscard]] bool try_take_closed() noexcept;
    /// What is taken stays so.
    void set_limit(int limit) noexcept;

private:
    static constexpr std::uint64_t closed = std::uint64_t{1} << 31;
    static constexpr std::uint64_t limit_bits = ~std::uint64_t{0} << 32;
    [[nodiscard]] static constexpr std::uint64_t word_of(int limit) noexcept {
        return static_cast<std::uint64_t>(limit) << 32;
    }
    [[nodiscard]] static constexpr int limit_of(std::uint64_t w) noexcept { return static_cast<int>(w >> 32); }
    [[nodiscard]] static constexpr int taken_of(std::uint64_t w) noexcept { return static_cast<int>(w & (closed - 1)); }

    std::atomic<std::uint64_t> word_;
};

}  // namespace coffer::inline COFFER_ABI

#if !defined(COFFER_SEPARATE_COMPILATION)
#include <coffer/state/place_count.ipp>
#endif
