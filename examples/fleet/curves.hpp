// SPDX-License-Identifier: BSL-1.0
#pragma once
// A run second by second.

#include "ledger.hpp"
#include "scenario.hpp"

#include <string>
#include <vector>

namespace fleet {

/// Events in each second of the story. What comes after the story is left out.
struct curves {
    std::vector<int> asked;  ///< calls begun
    std::vector<int> offered;  ///< requests that arrived at the provider
    std::vector<int> served;  ///< answers that were told
    std::vector<int> rejected;  ///< requests turned away: 429, 503
};

[[nodiscard]] curves curves_of(records const& r, scenario const& story);

/// `preset,second,asked,offered,served,rejected`, without a heading.
[[nodiscard]] std::string csv_rows(std::string const& preset, curves const& c);
inline constexpr char const* csv_heading = "preset,second,asked,offered,served,rejected\n";

}  // namespace fleet
