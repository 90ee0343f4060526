// SPDX-License-Identifier: BSL-1.0
#pragma once
// Delays made of delays: a fixed second and up to a random one, the longer of two schedules.
//
//     retry{{.schedule = backoff::fixed(1s) + backoff::up_to(500ms)}}
//     retry{{.schedule = backoff{} | backoff::fixed(2s)}}                // never less than two seconds

#include <coffer/base/fault_kind.hpp>
#include <coffer/base/later.hpp>
#include <coffer/state/backoff.hpp>
#include <coffer/state/small_expression.hpp>

#include <array>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <initializer_list>
#include <stdexcept>
#include <utility>

namespace coffer::inline COFFER_ABI {

/// Up to four `backoff`s, combined: `a + b` waits for both, one after the other; `a | b` for the longer one, `a & b` for the
/// shorter. A value of fixed size. Combining more than four throws `std::length_error`.
class delay_schedule {
    using parts = detail::small_expression<backoff, 4>;

public:
    using duration = backoff::duration;  ///< whatever unit it is given in
    static constexpr std::size_t most_parts = parts::most;  ///< of a schedule

    /// For each part a number in [0, 1).
    using draws = std::array<double, most_parts>;
    /// For each part its last delay; zeros at first.
    using memory = std::array<duration, most_parts>;

    constexpr delay_schedule() : delay_schedule{backoff{}} {}
    /// A `backoff` is a schedule.
    constexpr delay_schedule(backoff const& only) : parts_{only} {}  // a backoff is a schedule

    /// One delay after the other. Throws `std::length_error` for more than four parts.
    friend constexpr delay_schedule operator+(delay_schedule const& a, delay_schedule const& b) {
        return delay_schedule{parts::join(detail::joint::sum, a.parts_, b.parts_)};
    }
    /// The longer of the two.
    friend constexpr delay_schedule operator|(delay_schedule const& a, delay_schedule const& b) {
        return delay_schedule{parts::join(detail::joint::either, a.parts_, b.parts_)};
    }
    /// The shorter of the two.
    friend constexpr delay_schedule operator&(delay_schedule const& a, delay_schedule const& b) {
        return delay_schedule{parts::join(detail::joint::both, a.parts_, b.parts_)};
    }

    /// Of how many parts it is made: so many draws are needed.
    [[nodiscard]] constexpr std::size_t size() const noexcept { return parts_.size(); }

    /// The delay before retry number `retry` (1 = before the second attempt). Saturates; never negative.
    [[nodiscard]] duration delay(std::uint32_t retry, draws const& units, memory& previous) const noexcept;

    /// `of(backoff)` gives something for each part, `combine(how, a, b)` one thing for two.
    template <class Value, class OfPart, class Combine>
    [[nodiscard]] Value fold(OfPart const& of, Combine const& combine) const {
        return parts_.evaluate<Value>([&](std::size_t i) { return of(parts_[i]); }, combine);
    }

    /// Throws `std::invalid_argument` for what cannot be meant.
    void check() const;

private:
    explicit constexpr delay_schedule(parts const& p) : parts_{p} {}
    parts parts_;
};

/// One delay after the other.
[[nodiscard]] constexpr delay_schedule operator+(backoff const& a, backoff const& b) {
    return delay_schedule{a} + delay_schedule{b};
}
/// The longer of the two.
[[nodiscard]] constexpr delay_schedule operator|(backoff const& a, backoff const& b) {
    return delay_schedule{a} | delay_schedule{b};
}
/// The shorter of the two.
[[nodiscard]] constexpr delay_schedule operator&(backoff const& a, backoff const& b) {
    return delay_schedule{a} & delay_schedule{b};
}

/// Schedules for faults of single kinds, up to six: `{{fault_kind::overloaded, backoff::fixed(30s)}}`.
class kind_schedules {
public:
    constexpr kind_schedules() = default;
    /// Throws `std::length_error` for more than six, `std::invalid_argument` for a kind named twice.
    constexpr kind_schedules(std::initializer_list<std::pair<fault_kind, delay_schedule>> all) {
        if (all.size() > kinds_.size())
            throw std::length_error{"coffer::retry: schedules for more than 6 kinds of faults"};
        for (auto const& [kind, schedule] : all) {
            if (of(kind) != nullptr) throw std::invalid_argument{"coffer::retry: two schedules for one kind of fault"};
            kinds_[count_] = kind;
            schedules_[count_++] = schedule;
        }
    }
    /// Null: there is none for this kind.
    [[nodiscard]] constexpr delay_schedule const* of(fault_kind kind) const noexcept {
        for (std::size_t i = 0; i < count_; ++i)
            if (kinds_[i] == kind) return &schedules_[i];
        return nullptr;
    }
    /// Throws `std::invalid_argument` for a schedule that cannot be meant.
    void check() const;

private:
    std::array<fault_kind, 6> kinds_{};
    std::array<delay_schedule, 6> schedules_{};
    std::size_t count_ = 0;
};

}  // namespace coffer::inline COFFER_ABI

#if !defined(COFFER_SEPARATE_COMPILATION)
#include <coffer/state/delay_schedule.ipp>
#endif
