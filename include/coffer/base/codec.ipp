// SPDX-License-Identifier: BSL-1.0
#pragma once
// Definitions of codec.hpp.

#include <coffer/base/codec.hpp>

#include <charconv>

namespace coffer::inline COFFER_ABI {

COFFER_INLINE std::string codec<std::string>::encode(std::string const& value) { return value; }

COFFER_INLINE outcome<std::string> codec<std::string>::decode(std::string_view bytes) { return std::string{bytes}; }

COFFER_INLINE std::string codec<std::vector<std::byte>>::encode(std::vector<std::byte> const& value) {
    return {reinterpret_cast<char const*>(value.data()), value.size()};
}

COFFER_INLINE outcome<std::vector<std::byte>> codec<std::vector<std::byte>>::decode(std::string_view bytes) {
    auto const* const first = reinterpret_cast<std::byte const*>(bytes.data());
    return std::vector<std::byte>(first, first + bytes.size());
}

namespace detail {

template <class Integer>
[[nodiscard]] bool read_all_digits(std::string_view text, Integer& to) noexcept {
    auto const* const end = text.data() + text.size();
    auto const [at, error] = std::from_chars(text.data(), end, to);
    return error == std::errc{} && at == end;
}

COFFER_INLINE bool read_digits(std::string_view text, long long& to) noexcept { return read_all_digits(text, to); }
COFFER_INLINE bool read_digits(std::string_view text, unsigned long long& to) noexcept {
    return read_all_digits(text, to);
}

}  // namespace detail

}  // namespace coffer::inline COFFER_ABI
