// SPDX-License-Identifier: BSL-1.0
#pragma once
// Definitions of decimal.hpp.

#include <coffer/base/decimal.hpp>

#include <algorithm>
#include <charconv>
#include <limits>
#include <system_error>

namespace coffer::inline COFFER_ABI::detail {

COFFER_INLINE std::optional<std::int64_t> read_exponent(std::string_view text) noexcept {
    if (text.starts_with('+') && !text.starts_with("+-")) text.remove_prefix(1);
    std::int32_t exponent = 0;
    auto const* const end = text.data() + text.size();
    auto const [stopped, error] = std::from_chars(text.data(), end, exponent);
    if (error == std::errc::invalid_argument || stopped != end) return std::nullopt;
    constexpr std::int32_t most = 1'000'000;
    if (error == std::errc::result_out_of_range) return text.starts_with('-') ? -most : most;
    return std::clamp(exponent, -most, most);
}

COFFER_INLINE std::optional<decimal_units> read_decimal(std::string_view text, int places) noexcept {
    auto const significand = text.substr(0, text.find_first_of("eE"));
    auto const point = significand.find('.');
    bool const plain = significand.find_first_not_of("0123456789.") == significand.npos &&
                       significand.find_first_of("0123456789") != significand.npos &&
                       (point == significand.npos || significand.find('.', point + 1) == significand.npos);
    auto const exponent = significand.size() < text.size() ? read_exponent(text.substr(significand.size() + 1)) : 0;
    if (!plain || !exponent) return std::nullopt;

    std::int64_t length = 0;
    each_digit(significand, [&](int) { ++length; });
    if (length == 0) return decimal_units{};
    auto const fraction = point == significand.npos ? 0 : static_cast<std::int64_t>(significand.size() - point - 1);
    auto const shift = *exponent - fraction + places;  // the digits times 10^shift are units
    auto const whole = std::max<std::int64_t>(length + shift, 0);  // so many digits stand before the units' own point
    if (whole > std::numeric_limits<std::int64_t>::digits10 + 1) return std::nullopt;

    std::uint64_t units = 0;  // fits: 19 digits at the most, and one more unit
    bool rest = false;
    std::int64_t at = 0;
    each_digit(significand, [&](int digit) {
        if (at++ < whole) units = units * 10 + static_cast<std::uint64_t>(digit);
        else rest = rest || digit != 0;
    });
    for (; at < whole; ++at) units *= 10;
    units += rest ? 1 : 0;
    if (units > static_cast<std::uint64_t>(std::numeric_limits<std::int64_t>::max())) return std::nullopt;
    return decimal_units{static_cast<std::int64_t>(units), rest};
}

}  // namespace coffer::inline COFFER_ABI::detail
