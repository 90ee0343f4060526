// SPDX-License-Identifier: BSL-1.0
#pragma once
// The states of a circuit breaker, and why it goes from one to another.

#include <coffer/config.hpp>

#include <cstdint>
#include <string_view>

namespace coffer::inline COFFER_ABI {

/// What a circuit breaker does with attempts.
enum class circuit_state : std::uint8_t {
    closed,     ///< attempts go through, and their ends are counted
    open,       ///< attempts are refused, until the break is over
    half_open,  ///< a few attempts go through as probes, the others are refused
    isolated,   ///< attempts are refused, until somebody closes it by hand
};

/// Its name, as in the source: also the code of its refusals.
[[nodiscard]] constexpr std::string_view to_string(circuit_state s) noexcept {
    switch (s) {
        case circuit_state::closed: return "closed";
        case circuit_state::open: return "open";
        case circuit_state::half_open: return "half_open";
        case circuit_state::isolated: return "isolated";
    }
    return "unknown";
}

/// Why a breaker went from one state to another.
enum class circuit_reason : std::uint8_t {
    none,
    failures_in_a_row,
    failure_ratio,
    slow_ratio,
    break_over,
    probes_lost,  ///< the probes under way have outlived their time: others take their place
    probe_failed,
    probe_slow,
    probes_succeeded,
};

/// In words, for events and logs; empty for `none`.
[[nodiscard]] constexpr std::string_view to_string(circuit_reason r) noexcept {
    switch (r) {
        case circuit_reason::none: return "";
        case circuit_reason::failures_in_a_row: return "failures in a row";
        case circuit_reason::failure_ratio: return "failure ratio";
        case circuit_reason::slow_ratio: return "slow ratio";
        case circuit_reason::break_over: return "break over";
        case circuit_reason::probes_lost: return "probes lost";
        case circuit_reason::probe_failed: return "probe failed";
        case circuit_reason::probe_slow: return "probe slow";
        case circuit_reason::probes_succeeded: return "probes succeeded";
    }
    return "unknown";
}

}  // namespace coffer::inline COFFER_ABI
