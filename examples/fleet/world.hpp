// SPDX-License-Identifier: BSL-1.0
#pragma once
// What is the same for every preset: the fleet, what it asks, and the provider's size.

#include "scenario.hpp"

#include <cmath>
#include <cstdint>

namespace fleet {

struct world {
    int clients = 500;
    double rate = 6;  ///< calls a minute that each makes, at random moments
    std::uint64_t seed = 1;
    duration timeout = 60s;  ///< of one attempt, in every preset: it is not what is compared
    duration deadline = 180s;  ///< of a call; an answer after it is worth nothing
    double headroom = 1.6;  ///< what the provider takes, as a multiple of what is asked of it
    double line = 1;  ///< so many may wait for a place, as a multiple of the places
    scenario story;

    // What one call is: an answer takes this long in a provider that is well, and has tokens accordingly.
    static constexpr duration median_answer = 6s;
    static constexpr double answer_sigma = 0.7;
    static constexpr duration shortest_answer = 1s;
    static constexpr duration longest_answer = 30s;
    static constexpr double tokens_per_second = 60;

    [[nodiscard]] double calls_per_second() const noexcept { return clients * rate / 60; }
    [[nodiscard]] double mean_answer_seconds() const noexcept {
        auto const median = std::chrono::duration<double>{median_answer}.count();
        return median * std::exp(answer_sigma * answer_sigma / 2);
    }
    /// Requests that the provider works on at a time.
    [[nodiscard]] int concurrency() const noexcept {
        return 1 + static_cast<int>(headroom * calls_per_second() * mean_answer_seconds());
    }
    [[nodiscard]] int waiting() const noexcept { return static_cast<int>(line * concurrency()); }
    [[nodiscard]] int requests_per_minute() const noexcept {
        return 1 + static_cast<int>(headroom * calls_per_second() * 60);
    }
};

}  // namespace fleet
