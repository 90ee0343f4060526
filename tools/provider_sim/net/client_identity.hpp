// SPDX-License-Identifier: BSL-1.0
#pragma once
// Which process a request comes from: its x-sim-pid header, else who last said hello.

#include <cstdint>
#include <optional>
#include <string>

#include "http/request.hpp"
#include "process/process.hpp"
#include "world.hpp"

namespace provider_sim {

std::optional<std::int64_t> pid_of(http_request const& request, client_binding const& binding);

/// The process to signal; none, and `why` says why, if it is unknown, gone, or must not be signalled.
std::optional<process> process_of(http_request const& request, client_binding const& binding, std::string& why);

}  // namespace provider_sim
