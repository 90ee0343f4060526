// SPDX-License-Identifier: BSL-1.0
#pragma once
// A whole power, without the header cmath, which would be a tenth of what the core's headers cost a compiler.

#include <cstdint>

#include <coffer/config.hpp>

namespace coffer::inline COFFER_ABI::detail {

/// `base` to the `exponent`, by squaring. Overflows to infinity.
[[nodiscard]] constexpr double power(double base, std::uint64_t exponent) noexcept {
    double result = 1;
    for (;; base *= base) {
        if (exponent % 2 == 1) result *= base;
        if ((exponent /= 2) == 0) return result;
    }
}

}  // namespace coffer::inline COFFER_ABI::detail
