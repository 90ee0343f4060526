// SPDX-License-Identifier: BSL-1.0
#pragma once
// The token model: one token per four bytes, rounded up, at least one. A test can compute it in its head.

#include <cstddef>
#include <cstdint>

namespace provider_sim {

inline constexpr std::int64_t bytes_per_token = 4;

constexpr std::int64_t tokens_of_bytes(std::size_t bytes) noexcept {
    auto const tokens = (static_cast<std::int64_t>(bytes) + bytes_per_token - 1) / bytes_per_token;
    return tokens > 0 ? tokens : 1;
}

}  // namespace provider_sim
