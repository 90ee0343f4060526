// SPDX-License-Identifier: BSL-1.0
#pragma once
// Randomness for names that must never be drawn twice, by any process.

#include <coffer/config.hpp>

#include <unistd.h>
#if defined(__APPLE__)
#include <sys/random.h>
#endif

#include <array>
#include <cerrno>
#include <cstddef>
#include <cstdint>
#include <system_error>

namespace coffer::inline COFFER_ABI::detail {

/// Not from a clock's randomness: processes that were forked would draw the same, and each take the other's claim, or
/// reservation, for its own. (Nor from std::random_device, which waits for the processor's own noise: 80 us on some
/// virtual machines.) Throws `std::system_error`.
template <std::size_t Bytes>
[[nodiscard]] std::array<std::uint8_t, Bytes> entropy() {
    std::array<std::uint8_t, Bytes> bytes{};
    if (::getentropy(bytes.data(), bytes.size()) != 0)
        throw std::system_error{errno, std::generic_category(), "coffer: no randomness to be had (getentropy)"};
    return bytes;
}

}  // namespace coffer::inline COFFER_ABI::detail
