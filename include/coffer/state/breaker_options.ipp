// SPDX-License-Identifier: BSL-1.0
#pragma once
// Definitions of breaker_options.hpp.

#include <coffer/state/breaker_options.hpp>

#include <stdexcept>

namespace coffer::inline COFFER_ABI {

COFFER_INLINE void circuit_breaker_options::check() const {
    auto const require = [](bool right, char const* what) {
        if (!right) throw std::invalid_argument{what};
    };
    require(in_a_row >= 0, "coffer::circuit_breaker: in_a_row cannot be negative (0: it opens nothing)");
    bool const some_calls = window.size() > 0 && window.size() <= largest_window;
    require(window.is_none() || some_calls || window.length() > duration::zero(),
            "coffer::circuit_breaker: a window is of 1 to 1000000 calls, or of a time longer than zero");
    require(in_a_row > 0 || !window.is_none(),
            "coffer::circuit_breaker: without a window and with in_a_row = 0 nothing would ever open it");
    require(minimum >= 1, "coffer::circuit_breaker: minimum must be at least 1");
    require(window.size() == 0 || minimum <= window.size(),
            "coffer::circuit_breaker: minimum is more than the window's calls and would never be reached");
    require(failure_ratio > 0.0 && failure_ratio <= 1.0 && slow_ratio > 0.0 && slow_ratio <= 1.0,
            "coffer::circuit_breaker: a ratio is more than 0 and at most 1");
    require(slow_after > duration::zero(), "coffer::circuit_breaker: slow_after must be longer than zero");
    require(probes >= 1, "coffer::circuit_breaker: without a probe it would stay open for ever: probes >= 1");
    require(breaks.first > duration::zero(), "coffer::circuit_breaker: the first break must be longer than zero");
    require(breaks.longest >= breaks.first,
            "coffer::circuit_breaker: the longest break is shorter than the first: say both, because breaks.longest is "
            "30 s unless it is said: .breaks = {.first = 60s, .longest = 5min}");
    require(breaks.factor >= 1.0, "coffer::circuit_breaker: the breaks' factor must be at least 1");
    require(hint_ceiling >= duration::zero(), "coffer::circuit_breaker: hint_ceiling cannot be negative");

    circuit_breaker_options const usual;
    require(!window.is_none() || (minimum == usual.minimum && failure_ratio == usual.failure_ratio &&
                                  slow_ratio == usual.slow_ratio && slow_after == duration::max()),
            "coffer::circuit_breaker: minimum, failure_ratio, slow_after and slow_ratio need a window");
    require(slow_after != duration::max() || slow_ratio == usual.slow_ratio,
            "coffer::circuit_breaker: slow_ratio has no effect before slow_after says what is slow");
}

}  // namespace coffer::inline COFFER_ABI
