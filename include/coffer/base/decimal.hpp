// SPDX-License-Identifier: BSL-1.0
#pragma once
// Reads amounts of money as they are written, digit by digit: 1.5e-07 is exactly 150'000 pico-dollars.

#include <coffer/config.hpp>

#include <cstdint>
#include <optional>
#include <string_view>

namespace coffer::inline COFFER_ABI::detail {

/// A decimal number in whole units.
struct decimal_units {
    std::int64_t units = 0;
    bool rounded_up = false;  ///< it was finer than a unit
};

/// The digits of a number without its point and without leading zeros.
template <class Each>
constexpr void each_digit(std::string_view significand, Each&& each) noexcept {
    bool leading = true;
    for (char const c : significand) {
        if (c == '.' || (leading && c == '0')) continue;
        leading = false;
        each(c - '0');
    }
}

/// The power of ten behind `e`, cut at a million either way; nothing if it is none.
[[nodiscard]] std::optional<std::int64_t> read_exponent(std::string_view text) noexcept;

/// A number as JSON writes it, in units of 10^-`places`, rounded up. Nothing if it is no number, negative, or too large
/// for 63 bits.
[[nodiscard]] std::optional<decimal_units> read_decimal(std::string_view text, int places) noexcept;

}  // namespace coffer::inline COFFER_ABI::detail

#if !defined(COFFER_SEPARATE_COMPILATION)
#include <coffer/base/decimal.ipp>
#endif
