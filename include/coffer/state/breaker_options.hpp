// SPDX-License-Identifier: BSL-1.0
#pragma once
// When a circuit breaker opens, for how long, and what closes it again.

#include <coffer/base/defaults.hpp>

#include <chrono>
#include <stdexcept>

namespace coffer::inline COFFER_ABI {

/// Which ends of attempts a breaker looks back on: the last `n`, those of the last while, or none.
class breaker_window {
public:
    using duration = std::chrono::nanoseconds;  ///< whatever unit it is given in

    /// The last `n` ends, however old. Takes a byte for each.
    [[nodiscard]] static constexpr breaker_window calls(int n) noexcept { return {n, {}, false}; }
    /// The ends of the last `d`, in ten slices: the oldest one goes as a whole. Takes the same room for any number.
    [[nodiscard]] static constexpr breaker_window time(duration d) noexcept { return {0, d, false}; }
    /// Only `in_a_row` opens the breaker.
    [[nodiscard]] static constexpr breaker_window none() noexcept { return {0, {}, true}; }

    /// Of `calls`; otherwise 0.
    [[nodiscard]] constexpr int size() const noexcept { return calls_; }
    /// Of `time`; otherwise zero.
    [[nodiscard]] constexpr duration length() const noexcept { return time_; }
    /// Made by `none`.
    [[nodiscard]] constexpr bool is_none() const noexcept { return none_; }
    friend constexpr bool operator==(breaker_window const&, breaker_window const&) = default;

private:
    constexpr breaker_window(int n, duration d, bool none) noexcept : calls_{n}, time_{d}, none_{none} {}
    int calls_;
    duration time_;
    bool none_;
};

/// How long a breaker leaves a provider alone.
struct circuit_breaks {
    using duration = std::chrono::nanoseconds;  ///< whatever unit it is given in

    duration first = defaults::breaker_break;  ///< the first break's length at the most
    duration longest = defaults::breaker_longest_break;  ///< a break's length at the most, however often it has failed
    double factor = 2.0;  ///< of one break's length to that of the break before it
    bool jittered = true;  ///< drawn between half of the length and the whole, never the whole itself
};

/// Options of `circuit_breaker`. All members are trivially destructible, so that it may be written inline anywhere.
///
/// Any one of three things opens it: `in_a_row`, `failure_ratio`, `slow_ratio`.
struct circuit_breaker_options {
    using duration = std::chrono::nanoseconds;  ///< whatever unit it is given in

    int in_a_row = defaults::breaker_in_a_row;  ///< failures without a success between them; 0: that opens nothing
    breaker_window window = breaker_window::time(defaults::breaker_window);  ///< of which the ratios are taken
    int minimum = defaults::breaker_minimum;  ///< ends that must be in the window before a ratio counts
    double failure_ratio = defaults::breaker_failure_ratio;  ///< of failures among the ends in the window, or more
    duration slow_after = duration::max();  ///< a success that took longer is slow; unless it is set, none is
    double slow_ratio = defaults::breaker_slow_ratio;  ///< of slow successes among the ends in the window, or more
    int probes = defaults::breaker_probes;  ///< under way at a time while half open; so many successes close it
    circuit_breaks breaks{};  ///< how long it stays open
    duration hint_ceiling = defaults::hint_ceiling;  ///< of a longer hint of the provider only so much is kept

    /// Throws `std::invalid_argument` for what cannot be meant, or would have no effect.
    void check() const {
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
        require(
            breaks.longest >= breaks.first,
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

    static constexpr int largest_window = 1'000'000;  ///< in calls: it takes a byte for each
};

}  // namespace coffer::inline COFFER_ABI
