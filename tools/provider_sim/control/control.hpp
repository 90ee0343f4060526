// SPDX-License-Identifier: BSL-1.0
#pragma once
// The endpoints under /control/, by which a test drives the simulator. Never matched by rules, never in the ledger.

#include "http/answer.hpp"
#include "http/request.hpp"
#include "world.hpp"

namespace provider_sim {

http_answer handle_control(world& shared, http_request const& request);

}  // namespace provider_sim
