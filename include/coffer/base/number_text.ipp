// SPDX-License-Identifier: BSL-1.0
#pragma once
// Definitions of number_text.hpp.

#include <coffer/base/number_text.hpp>

#include <array>
#include <charconv>
#include <cmath>

namespace coffer::inline COFFER_ABI::detail {

template <class Number>
[[nodiscard]] std::string shortest_text(Number n) {
    if constexpr (std::floating_point<Number>) {  // whole numbers as integers are written: 100000, not 1e+05
        constexpr auto exact = static_cast<Number>(1LL << 24);
        if (n > -exact && n < exact && n == std::trunc(n)) return shortest_text(static_cast<long long>(n));
    }
    std::array<char, 64> digits;
    return {digits.data(), std::to_chars(digits.data(), digits.data() + digits.size(), n).ptr};
}

COFFER_INLINE std::string number_text(long long n) { return shortest_text(n); }
COFFER_INLINE std::string number_text(unsigned long long n) { return shortest_text(n); }
COFFER_INLINE std::string number_text(float n) { return shortest_text(n); }
COFFER_INLINE std::string number_text(double n) { return shortest_text(n); }
COFFER_INLINE std::string number_text(long double n) { return shortest_text(n); }

}  // namespace coffer::inline COFFER_ABI::detail
