// SPDX-License-Identifier: BSL-1.0
#pragma once
// One run: the whole fleet against the provider, in virtual time.

#include "ledger.hpp"
#include "preset.hpp"
#include "world.hpp"

namespace fleet {

/// The same world and preset make the same records. Ends when the last call has ended, which may be after the story.
[[nodiscard]] records run(world const& w, preset const& how);

}  // namespace fleet
