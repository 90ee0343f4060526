// SPDX-License-Identifier: BSL-1.0
#pragma once
// Hooks around a store's steps, for who wants to see, or kill a process at, the moments that matter.

#include <coffer/config.hpp>

#include <array>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <string_view>

namespace coffer::inline COFFER_ABI {

/// What a store is about to do, or has done; one for each kind of operation of `store_backend` and its ledger.
enum class store_step : std::uint8_t {
    claim,
    permit,
    answer,
    accept,
    reject,
    lost,
    unsend,
    fail,
    release,
    acknowledge,
    reserve,  ///< money is held
    settle,   ///< it is booked, given back, or presumed spent
    begin_run,
    note_step,
    end_run
};

/// Its name, as in the source.
[[nodiscard]] constexpr std::string_view to_string(store_step s) noexcept {
    constexpr std::array<std::string_view, 15> names{"claim",   "permit", "answer",    "accept",    "reject",
                                                     "lost",    "unsend", "fail",      "release",   "acknowledge",
                                                     "reserve", "settle", "begin_run", "note_step", "end_run"};
    return names[static_cast<std::size_t>(s)];
}

/// On which side of a step.
enum class edge : std::uint8_t {
    before,  ///< the step is about to be carried out
    after,   ///< it was carried out and is as durable as the store makes it; nobody has been told yet
};

/// Called by the thread that carries the step out. A step that has to be tried again is announced (`before`) again; a
/// refused one ends (`after`) like any other. It must neither throw nor use the store.
using store_probe = std::function<void(store_step, edge)>;

}  // namespace coffer::inline COFFER_ABI
