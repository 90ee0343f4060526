// SPDX-License-Identifier: BSL-1.0
#pragma once
// What befalls the provider: it is well, then in trouble for a while, then well again.

#include <coffer/time/clock.hpp>

#include <array>
#include <chrono>
#include <optional>
#include <string_view>

namespace fleet {

using namespace std::chrono_literals;
using coffer::duration;

enum class trouble { outage, brown_out, storm };

/// How the provider is at a moment.
struct condition {
    bool down = false;  ///< turns everything away; what was under way is cut
    double lost = 0;  ///< this part of the requests is executed and billed, and its answer never told
    double slower = 1;  ///< each answer takes so many times as long
    double limit = 1;  ///< of the requests a minute that it accepts otherwise
};

struct trouble_row {
    trouble what;
    std::string_view name;
    std::string_view words;
    condition then;
};

inline constexpr std::array<trouble_row, 3> troubles{{
    {trouble::outage, "outage", "hard down: every request is turned away, what was under way is cut", {.down = true}},
    {trouble::brown_out,
     "brown-out",
     "30 % of the requests are executed and billed and not answered (half 500, half silence); all take 1.5 times as "
     "long",
     {.lost = 0.3, .slower = 1.5}},
    {trouble::storm,
     "429-storm",
     "half as many requests a minute are accepted; 429 with Retry-After beyond",
     {.limit = 0.5}},
}};

[[nodiscard]] inline std::optional<trouble> trouble_from_text(std::string_view word) noexcept {
    for (auto const& t : troubles)
        if (t.name == word) return t.what;
    return std::nullopt;
}

/// Times are counted from the beginning of the run.
struct scenario {
    trouble what = trouble::outage;
    duration before = 120s;
    duration lasts = 180s;
    duration after = 300s;

    [[nodiscard]] duration begins() const noexcept { return before; }
    [[nodiscard]] duration ends() const noexcept { return before + lasts; }
    [[nodiscard]] duration whole() const noexcept { return before + lasts + after; }
    [[nodiscard]] trouble_row const& row() const noexcept { return troubles[static_cast<std::size_t>(what)]; }
    [[nodiscard]] condition at(duration t) const noexcept {
        return t >= begins() && t < ends() ? row().then : condition{};
    }
};

}  // namespace fleet
