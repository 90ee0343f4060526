// SPDX-License-Identifier: BSL-1.0
#pragma once
// Definitions of timer_wheel.hpp.

#include <coffer/state/timer_wheel.hpp>

#include <algorithm>
#include <bit>

namespace coffer::inline COFFER_ABI {

COFFER_INLINE void timer_wheel::add(timer_entry& e, tick due) noexcept {
    if (due == never) return link(e, untimed);
    e.due_ = std::clamp(due, now_, last_tick);
    place(e);
}

COFFER_INLINE void timer_wheel::remove(timer_entry& e) noexcept {
    auto& first = first_[e.slot_];
    if (e.behind_ == &e) {
        first = nullptr;
        if (e.slot_ != untimed) vacate(e.slot_);
    } else {
        if (first == &e) first = e.behind_;
        e.before_->behind_ = e.behind_;
        e.behind_->before_ = e.before_;
    }
    e.before_ = e.behind_ = nullptr;
}

COFFER_INLINE timer_entry* timer_wheel::pop_due(tick now) noexcept {
    now = std::min(now, last_tick);
    for (;;) {
        auto const [when, slot] = soonest();
        if (when > now) {
            now_ = std::max(now_, now);
            return nullptr;
        }
        now_ = when;
        auto* const e = first_[slot];
        if (slot < slots) {
            remove(*e);
            return e;
        }
        bring_down(slot);
    }
}

COFFER_INLINE timer_entry* timer_wheel::any() const noexcept {
    if (levels_ != 0) return first_[soonest().slot];
    return first_[untimed];
}

COFFER_INLINE timer_wheel::place_in_time timer_wheel::soonest() const noexcept {
    if (levels_ == 0) return {never, untimed};
    auto const level = static_cast<unsigned>(std::countr_zero(levels_));
    auto const slot = static_cast<std::size_t>(std::countr_zero(occupied_[level]));
    auto const turn = (tick{1} << (digit * (level + 1))) - 1;
    return {(now_ & ~turn) | (tick{slot} << (digit * level)), level * slots + slot};
}

COFFER_INLINE void timer_wheel::place(timer_entry& e) noexcept {
    auto const differs = e.due_ ^ now_;
    auto const level = differs == 0 ? 0U : (static_cast<unsigned>(std::bit_width(differs)) - 1) / digit;
    auto const slot = static_cast<std::size_t>(e.due_ >> (digit * level)) % slots;
    occupied_[level] |= std::uint64_t{1} << slot;
    levels_ = static_cast<std::uint8_t>(levels_ | (1U << level));
    link(e, level * slots + slot);
}

COFFER_INLINE void timer_wheel::link(timer_entry& e, std::size_t slot) noexcept {
    auto*& first = first_[slot];
    if (first == nullptr) {
        first = e.before_ = e.behind_ = &e;
    } else {
        e.before_ = first->before_;
        e.behind_ = first;
        e.before_->behind_ = &e;
        first->before_ = &e;
    }
    e.slot_ = static_cast<std::uint16_t>(slot);
}

COFFER_INLINE void timer_wheel::vacate(std::size_t slot) noexcept {
    auto const level = slot / slots;
    occupied_[level] &= ~(std::uint64_t{1} << (slot % slots));
    if (occupied_[level] == 0) levels_ = static_cast<std::uint8_t>(levels_ & ~(1U << level));
}

COFFER_INLINE void timer_wheel::bring_down(std::size_t slot) noexcept {
    auto* e = first_[slot];
    first_[slot] = nullptr;
    vacate(slot);
    e->before_->behind_ = nullptr;
    while (e != nullptr) {
        auto* const behind = e->behind_;
        place(*e);
        e = behind;
    }
}

}  // namespace coffer::inline COFFER_ABI
