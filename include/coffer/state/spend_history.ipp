// SPDX-License-Identifier: BSL-1.0
#pragma once
// Definitions of spend_history.hpp.

#include <coffer/state/spend_history.hpp>

namespace coffer::inline COFFER_ABI::detail {

COFFER_INLINE void put_number(std::string& out, std::uint64_t n) {
    for (; n >= 0x80; n >>= 7) out += static_cast<char>(static_cast<unsigned char>(n | 0x80));
    out += static_cast<char>(static_cast<unsigned char>(n));
}

COFFER_INLINE void put_signed(std::string& out, std::int64_t n) {
    put_number(out, (static_cast<std::uint64_t>(n) << 1) ^ (n < 0 ? ~std::uint64_t{0} : 0));
}

COFFER_INLINE std::optional<std::uint64_t> take_number(std::string_view& in) {
    std::uint64_t n = 0;
    for (unsigned shift = 0; shift < 64 && !in.empty(); shift += 7) {
        auto const byte = static_cast<unsigned char>(in.front());
        in.remove_prefix(1);
        if (shift == 63 && byte > 1) return {};
        n |= static_cast<std::uint64_t>(byte & 0x7F) << shift;
        if ((byte & 0x80) == 0) return n;
    }
    return {};
}

COFFER_INLINE std::optional<std::int64_t> take_signed(std::string_view& in) {
    auto const n = take_number(in);
    if (!n) return {};
    return static_cast<std::int64_t>((*n >> 1) ^ ((*n & 1) != 0 ? ~std::uint64_t{0} : 0));
}

}  // namespace coffer::inline COFFER_ABI::detail
