// SPDX-License-Identifier: BSL-1.0
#pragma once
// Definitions of number_text.hpp.

#include <coffer/base/number_text.hpp>

#include <array>
#include <charconv>

namespace coffer::inline COFFER_ABI::detail {

template <class Number>
[[nodiscard]] std::string shortest_text(Number n) {
    std::array<char, 64> digits;
    return {digits.data(), std::to_chars(digits.data(), digits.data() + digits.size(), n).ptr};
}

COFFER_INLINE std::string number_text(long long n) { return shortest_text(n); }
COFFER_INLINE std::string number_text(unsigned long long n) { return shortest_text(n); }
COFFER_INLINE std::string number_text(float n) { return shortest_text(n); }
COFFER_INLINE std::string number_text(double n) { return shortest_text(n); }
COFFER_INLINE std::string number_text(long double n) { return shortest_text(n); }

}  // namespace coffer::inline COFFER_ABI::detail
