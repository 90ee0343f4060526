// SPDX-License-Identifier: BSL-1.0
#pragma once
// Definitions of alarm.hpp.

#include <coffer/state/alarm.hpp>

namespace coffer::inline COFFER_ABI {

COFFER_INLINE std::string in_dollars(money m) {
    constexpr std::int64_t nano = money::nano_per_usd;
    auto const wide = detail::wide_int{m.nano()};
    auto const whole = wide < 0 ? -wide : wide;
    auto const decimals = whole < nano && whole != 0 ? 6 : 2;
    auto const unit = decimals == 6 ? nano / 1'000'000 : nano / 100;
    auto const units = (whole + unit - 1) / unit;
    auto const per_dollar = static_cast<detail::wide_int>(nano / unit);
    auto digits = std::to_string(static_cast<std::int64_t>(units % per_dollar));
    digits.insert(0, static_cast<std::size_t>(decimals) - digits.size(), '0');
    while (digits.size() > 2 && digits.back() == '0') digits.pop_back();
    return (wide < 0 ? "-$" : "$") + std::to_string(static_cast<std::int64_t>(units / per_dollar)) + "." + digits;
}

}  // namespace coffer::inline COFFER_ABI
