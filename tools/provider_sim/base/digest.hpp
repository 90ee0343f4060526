// SPDX-License-Identifier: BSL-1.0
#pragma once
// What makes two requests the same to the simulator: the SHA-256 of the body's bytes.

#include <string>
#include <string_view>

namespace provider_sim {

/// Lower-case hex, 64 characters.
std::string sha256_hex(std::string_view bytes);

}  // namespace provider_sim
