// SPDX-License-Identifier: BSL-1.0
#pragma once
// The command line.

#include "preset.hpp"
#include "world.hpp"

#include <string>
#include <vector>

namespace fleet {

struct arguments {
    world given;
    std::vector<preset> presets;  ///< in the order of the table
    std::string svg;  ///< files; empty: none
    std::string csv;
};

/// Thrown when there is nothing to run: help was asked for (code 0), or the arguments cannot be meant.
struct nothing_to_run {
    int code = 0;
    std::string text;
};

[[nodiscard]] arguments read_arguments(std::vector<std::string> const& words);

}  // namespace fleet
