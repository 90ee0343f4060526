// SPDX-License-Identifier: BSL-1.0
#pragma once
// The figures of all presets, side by side.

#include "measures.hpp"

#include <string>
#include <utility>
#include <vector>

namespace fleet {

/// A line for each figure, a column for each preset.
[[nodiscard]] std::string table(std::vector<std::pair<std::string, figures>> const& columns);

}  // namespace fleet
