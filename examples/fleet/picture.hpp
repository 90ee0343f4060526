// SPDX-License-Identifier: BSL-1.0
#pragma once
// The curves of all presets, one below the other, on one scale.

#include "curves.hpp"
#include "world.hpp"

#include <string>
#include <utility>
#include <vector>

namespace fleet {

/// What was run, in two lines: the fleet and the scenario.
[[nodiscard]] std::string headline(world const& w);

/// An SVG document.
[[nodiscard]] std::string picture(world const& w, std::vector<std::pair<std::string, curves>> const& of);

}  // namespace fleet
