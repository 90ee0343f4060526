// SPDX-License-Identifier: BSL-1.0
#pragma once
// When a circuit breaker opens, for how long, and what closes it again.

#include <coffer/base/defaults.hpp>

#include <chrono>

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
    void check() const;

    static constexpr int largest_window = 1'000'000;  ///< in calls: it takes a byte for each
};

}  // namespace coffer::inline COFFER_ABI

#if !defined(COFFER_SEPARATE_COMPILATION)
#include <coffer/state/breaker_options.ipp>
#endif
