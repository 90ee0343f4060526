// SPDX-License-Identifier: BSL-1.0
#pragma once
// Definitions of money.hpp.

#include <coffer/base/money.hpp>

namespace coffer::inline COFFER_ABI {

COFFER_INLINE std::string money::to_string() const {
    auto const whole = detail::wide_int{nano_} < 0 ? -detail::wide_int{nano_} : detail::wide_int{nano_};
    auto decimals = std::to_string(static_cast<std::int64_t>(whole % nano_per_usd));
    decimals.insert(0, 9 - decimals.size(), '0');
    return (nano_ < 0 ? "-" : "") + std::to_string(static_cast<std::int64_t>(whole / nano_per_usd)) + "." + decimals;
}

}  // namespace coffer::inline COFFER_ABI
