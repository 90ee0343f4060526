// SPDX-License-Identifier: BSL-1.0
#pragma once
// Tells a script which port was taken: it waits for the file to appear and then reads a whole number from it.

#include <cstdint>
#include <filesystem>

namespace provider_sim {

/// Atomic: written beside, then renamed. Throws std::runtime_error.
void write_port_file(std::filesystem::path const& path, std::uint16_t port);

}  // namespace provider_sim
