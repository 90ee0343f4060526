// SPDX-License-Identifier: BSL-1.0
#pragma once
// What the demo prints, and the figures that it insists on.

#include "arms.hpp"
#include "storm.hpp"

#include <map>
#include <string>
#include <vector>

namespace retry_storm {

using results = std::vector<std::pair<arm, arm_result>>;

/// The table of arms.
[[nodiscard]] std::string table(results const& all);

/// Every figure that is not as it must be, one line each; empty if all are right.
[[nodiscard]] std::vector<std::string> wrong_figures(results const& all, storm::after_migration const& after);

/// The last line: one JSON object.
[[nodiscard]] std::string summary(results const& all, storm::after_migration const& after);

}  // namespace retry_storm
