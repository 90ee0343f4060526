// SPDX-License-Identifier: BSL-1.0
#pragma once
// Sums of times that may be "for ever".

#include <coffer/config.hpp>

#include <chrono>
#include <ratio>
#include <type_traits>

namespace coffer::inline COFFER_ABI {

/// A sum that saturates: "for ever" is a time, and a duration of whatever unit.
template <class Clock, class Step, class Rep, class Period>
[[nodiscard]] constexpr std::chrono::time_point<Clock, Step> later(std::chrono::time_point<Clock, Step> t,
                                                                   std::chrono::duration<Rep, Period> d) noexcept {
    using std::chrono::duration_cast;
    using point = std::chrono::time_point<Clock, Step>;
    // Compared in the coarser unit: the longest duration in it does not fit into the finer one.
    using coarser =
        std::conditional_t<std::ratio_less_v<typename Step::period, Period>, std::chrono::duration<Rep, Period>, Step>;
    auto const left = point::max() - (t < point{} ? point{} : t);
    return duration_cast<coarser>(d) > duration_cast<coarser>(left) ? point::max() : t + duration_cast<Step>(d);
}

/// A duration in nanoseconds, which saturates: `std::chrono::hours::max()` is for ever, and not the past.
template <class Rep, class Period>
[[nodiscard]] constexpr std::chrono::nanoseconds saturated(std::chrono::duration<Rep, Period> d) noexcept {
    using std::chrono::nanoseconds;
    constexpr std::chrono::duration<double> most{9.2e9};  // seconds, of 9.22e9 that there are
    std::chrono::duration<double> const wanted = d;
    if (wanted >= most) return nanoseconds::max();
    if (wanted <= -most) return nanoseconds::min();
    return std::chrono::duration_cast<nanoseconds>(d);
}

}  // namespace coffer::inline COFFER_ABI
