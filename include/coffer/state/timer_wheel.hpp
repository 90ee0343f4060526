// SPDX-License-Identifier: BSL-1.0
#pragma once
// Many timers at the price of one: a hierarchical wheel of intrusive lists, with ticks of 1 ms. Pure.
//
// Level 0 has a slot for each of the next ticks, and a slot of each further level stands for a whole turn of the one below
// (Varghese and Lauck, "Hashed and Hierarchical Timing Wheels", 1987). An entry stands on the level of the highest digit in
// which its tick differs from the present one, so that no slot ever holds entries of two turns. Whatever the number of
// entries and however far away they are, adding and removing one is a few instructions, and time may jump by days.

#include <coffer/config.hpp>

#include <array>
#include <chrono>
#include <cstddef>
#include <cstdint>

namespace coffer::inline COFFER_ABI {

class timer_wheel;

/// What waits in a wheel. It must stay where it is until it has left.
class timer_entry {
public:
    timer_entry() = default;
    timer_entry(timer_entry const&) = delete;
    timer_entry& operator=(timer_entry const&) = delete;
    /// From `add` until it is due or removed.
    [[nodiscard]] bool in_wheel() const noexcept { return behind_ != nullptr; }

protected:
    ~timer_entry() = default;

private:
    friend class timer_wheel;
    timer_entry* before_ = nullptr;  // a ring
    timer_entry* behind_ = nullptr;
    std::uint64_t due_ = 0;
    std::uint16_t slot_ = 0;
};

/// Entries, by the tick at which they are due. Not safe for several threads.
class timer_wheel {
public:
    /// Milliseconds since the clock's epoch.
    using tick = std::uint64_t;
    static constexpr tick never = ~tick{0};  ///< of an empty wheel: the next tick at which something is due
    /// Waits end no earlier than asked for, and up to so much later.
    static constexpr std::chrono::milliseconds tick_length{1};

    /// The first tick that is not before `t`, and the last one that is not after it: what is rounded up is never early.
    template <class Clock, class Step>
    [[nodiscard]] static constexpr tick at_or_after(std::chrono::time_point<Clock, Step> t) noexcept {
        auto const since = after_epoch(t);
        auto const whole = std::chrono::duration_cast<std::chrono::milliseconds>(since);
        return static_cast<tick>(whole.count()) + (whole < since ? 1 : 0);
    }
    /// The last tick that is not after `t`.
    template <class Clock, class Step>
    [[nodiscard]] static constexpr tick at_or_before(std::chrono::time_point<Clock, Step> t) noexcept {
        auto const since = after_epoch(t);
        return static_cast<tick>(std::chrono::duration_cast<std::chrono::milliseconds>(since).count());
    }

    /// Empty, at that tick.
    explicit timer_wheel(tick now = 0) noexcept : now_{now < last_tick ? now : last_tick} {}
    timer_wheel(timer_wheel const&) = delete;
    timer_wheel& operator=(timer_wheel const&) = delete;

    /// Adds `e`, which is in no wheel. A tick that has passed is the present one; `never` has no tick.
    void add(timer_entry& e, tick due) noexcept;

    /// Takes `e`, which is in this wheel, out of it.
    void remove(timer_entry& e) noexcept;

    /// Takes out what is due by `now`, one at a time: in the order of their ticks, and of equal ones in the order of arrival.
    /// Null when there is no more. Between two calls entries may come and go; what comes too late is due at once.
    [[nodiscard]] timer_entry* pop_due(tick now) noexcept;

    /// When `pop_due` has something to do: no later than anything is due; `never` if nothing has a tick. It may be a turn of a
    /// wheel and no entry's tick: at most one for each level.
    [[nodiscard]] tick next() const noexcept { return soonest().when; }

    /// Any entry; null if there is none.
    [[nodiscard]] timer_entry* any() const noexcept;

private:
    template <class Clock, class Step>
    [[nodiscard]] static constexpr Step after_epoch(std::chrono::time_point<Clock, Step> t) noexcept {
        return t.time_since_epoch() < Step::zero() ? Step::zero() : t.time_since_epoch();
    }

    static constexpr unsigned digit = 6;  // bits
    static constexpr std::size_t slots = std::size_t{1} << digit;
    static constexpr std::size_t level_count = 8;
    static constexpr std::size_t untimed = slots * level_count;
    /// 8900 years: no time_point of nanoseconds reaches it.
    static constexpr tick last_tick = (tick{1} << (digit * level_count)) - 1;

    struct place_in_time {
        tick when;
        std::size_t slot;
    };
    /// The lowest level with an entry has the soonest ones, and its first slot the soonest of them.
    [[nodiscard]] place_in_time soonest() const noexcept;

    void place(timer_entry& e) noexcept;
    void link(timer_entry& e, std::size_t slot) noexcept;
    void vacate(std::size_t slot) noexcept;
    /// The time of a slot of a higher level has come: its entries are told apart further down, in their order.
    void bring_down(std::size_t slot) noexcept;

    tick now_;
    std::uint8_t levels_ = 0;  // with an entry
    std::array<std::uint64_t, level_count> occupied_{};
    std::array<timer_entry*, untimed + 1> first_{};
};

}  // namespace coffer::inline COFFER_ABI

#if !defined(COFFER_SEPARATE_COMPILATION)
#include <coffer/state/timer_wheel.ipp>
#endif
