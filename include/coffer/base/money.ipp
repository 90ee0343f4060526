// SPDX-License-Identifier: BSL-1.0
#pragma once
// Definitions of money.hpp.

#include <coffer/base/money.hpp>

namespace coffer::inline COFFER_ABI {

COFFER_INLINE std::optional<money> money::parse(std::string_view dollars) noexcept {
    auto const point = dollars.find('.');
    auto const whole = dollars.substr(0, point);
    auto const places = point == std::string_view::npos ? std::string_view{} : dollars.substr(point + 1);
    if (whole.empty() || places.size() > 9 || (point != std::string_view::npos && places.empty())) return std::nullopt;
    detail::wide_int nano = 0;
    auto const add = [&nano](char digit) {
        if (digit < '0' || digit > '9') return false;
        nano = nano * 10 + (digit - '0');
        return nano <= std::numeric_limits<std::int64_t>::max();
    };
    for (auto const digit : whole)
        if (!add(digit)) return std::nullopt;
    for (std::size_t i = 0; i < 9; ++i)
        if (!add(i < places.size() ? places[i] : '0')) return std::nullopt;
    return money{static_cast<std::int64_t>(nano)};
}

COFFER_INLINE std::string money::to_string() const {
    auto const whole = detail::wide_int{nano_} < 0 ? -detail::wide_int{nano_} : detail::wide_int{nano_};
    auto decimals = std::to_string(static_cast<std::int64_t>(whole % nano_per_usd));
    decimals.insert(0, 9 - decimals.size(), '0');
    return (nano_ < 0 ? "-" : "") + std::to_string(static_cast<std::int64_t>(whole / nano_per_usd)) + "." + decimals;
}

}  // namespace coffer::inline COFFER_ABI
