// SPDX-License-Identifier: BSL-1.0
#pragma once
// The --script file: an array of rules, or {"seed": n, "config": {...}, "rules": [...]}.

#include "options.hpp"
#include "world.hpp"

namespace provider_sim {

/// Throws bad_input that names the file.
void load_script(world& shared, options const& given);

}  // namespace provider_sim
