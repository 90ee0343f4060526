// SPDX-License-Identifier: BSL-1.0
#pragma once
// GET /control/ledger: totals, or with ?raw=1 the file itself.

#include "http/answer.hpp"
#include "http/request.hpp"
#include "world.hpp"

namespace provider_sim {

/// ?group=key|run|pid|mark|fault adds {"groups"}; ?mark=, ?key=, ?run= count only those; ?raw=1 sends the lines.
http_answer show_ledger(world& shared, http_request const& request);

}  // namespace provider_sim
