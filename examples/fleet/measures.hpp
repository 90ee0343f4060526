// SPDX-License-Identifier: BSL-1.0
#pragma once
// What a run comes to, in figures. All are counted at the provider's ledger and the callers' list, none by coffer.

#include "curves.hpp"
#include "ledger.hpp"
#include "scenario.hpp"

#include <coffer/base/money.hpp>

#include <cstddef>
#include <optional>

namespace fleet {

/// A part of the calls that was answered in time; of no calls: 1.
struct share {
    std::size_t answered = 0;
    std::size_t asked = 0;
    [[nodiscard]] double value() const noexcept {
        return asked == 0 ? 1.0 : static_cast<double>(answered) / static_cast<double>(asked);
    }
};

struct figures {
    /// Requests that arrived during the trouble, for each call asked during it.
    double amplification = 0;
    /// The most requests that arrived in one second since the trouble began, relative to the calls asked in a second on average.
    double burst = 0;
    duration burst_at{};
    // Goodput: calls answered in time, of those asked before, during and after the trouble, and in the story's last minute.
    // What is asked just before the trouble may meet it, and counts for neither.
    share before, during, after, last_minute;
    /// From the moment when the provider is well again until goodput has come back to 95 % of before, for good. None: it never
    /// does, as long as the story lasts.
    std::optional<duration> recovery;
    std::size_t failed = 0;  ///< calls, of all
    std::size_t requests = 0;
    std::size_t bills = 0;
    std::size_t wasted_bills = 0;  ///< of requests that no caller has an answer of
    coffer::money wasted;
    coffer::money spent;
    // How long calls asked since the trouble began took until they were answered; zero if none was.
    duration p50{}, p99{};
};

[[nodiscard]] figures measure(records const& r, scenario const& story);

/// Goodput is looked at in slices of calls that are asked within so long.
inline constexpr duration slice = 10s;
inline constexpr duration untouched = 30s;  ///< before the trouble
inline constexpr double recovered = 0.95;

}  // namespace fleet
