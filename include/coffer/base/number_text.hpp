// SPDX-License-Identifier: BSL-1.0
#pragma once
// Numbers as text, as short as they can be written and without a locale.

#include <coffer/config.hpp>

#include <concepts>
#include <string>
#include <type_traits>

namespace coffer::inline COFFER_ABI::detail {

template <class T>
concept character =
    std::same_as<T, char> || std::same_as<T, signed char> || std::same_as<T, unsigned char> ||
    std::same_as<T, wchar_t> || std::same_as<T, char8_t> || std::same_as<T, char16_t> || std::same_as<T, char32_t>;

/// What is written in digits: neither `bool` nor characters.
template <class T>
concept number = std::is_arithmetic_v<T> && !std::same_as<T, bool> && !character<T> &&
                 (std::floating_point<T> || sizeof(T) <= sizeof(long long));

[[nodiscard]] std::string number_text(long long n);
[[nodiscard]] std::string number_text(unsigned long long n);
/// The shortest text that is read as the same number again.
[[nodiscard]] std::string number_text(float n);
[[nodiscard]] std::string number_text(double n);
[[nodiscard]] std::string number_text(long double n);

template <number Number>
[[nodiscard]] std::string number_text(Number n) {
    if constexpr (std::is_signed_v<Number>) return number_text(static_cast<long long>(n));
    else return number_text(static_cast<unsigned long long>(n));
}

}  // namespace coffer::inline COFFER_ABI::detail

#if !defined(COFFER_SEPARATE_COMPILATION)
#include <coffer/base/number_text.ipp>
#endif
