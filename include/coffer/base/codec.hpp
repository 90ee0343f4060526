// SPDX-License-Identifier: BSL-1.0
#pragma once
// How the result of an operation without `decode` is written into a record. Specialise `codec` for your own types.

#include <coffer/base/number_text.hpp>
#include <coffer/base/outcome.hpp>

#include <concepts>
#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

namespace coffer::inline COFFER_ABI {

/// To bytes and back. A specialisation has
///
///     static std::string encode(T const&);
///     static outcome<T> decode(std::string_view);      // permanent for bytes that are none of its own
///
/// Bytes outlive the program that wrote them: encode a version where the type may change.
template <class T>
struct codec;

/// Text is stored as it is.
template <>
struct codec<std::string> {
    /// The text itself.
    static std::string encode(std::string const& value);
    /// Any bytes are text; never fails.
    static outcome<std::string> decode(std::string_view bytes);
};

/// Bytes are stored as they are.
template <>
struct codec<std::vector<std::byte>> {
    /// The bytes themselves.
    static std::string encode(std::vector<std::byte> const& value);
    /// Any bytes will do; never fails.
    static outcome<std::vector<std::byte>> decode(std::string_view bytes);
};

namespace detail {

/// Decimal digits, with a minus before them if it is signed, and nothing else; false if they are none, or too many.
[[nodiscard]] bool read_digits(std::string_view text, long long& to) noexcept;
[[nodiscard]] bool read_digits(std::string_view text, unsigned long long& to) noexcept;

}  // namespace detail

/// Integers and `bool` are stored in decimal digits, whatever their width: they may be read back as a wider type.
template <std::integral T>
struct codec<T> {
    /// Decimal digits.
    static std::string encode(T value) {
        return detail::number_text(
            static_cast<std::conditional_t<std::is_signed_v<T>, long long, unsigned long long>>(value));
    }
    /// `permanent` for anything but the digits of a number that T can hold.
    static outcome<T> decode(std::string_view bytes) {
        // Read as the widest type of the same signedness, which knows of no bool and of no letters.
        std::conditional_t<std::is_signed_v<T>, long long, unsigned long long> wide{};
        if (!detail::read_digits(bytes, wide) || static_cast<decltype(wide)>(static_cast<T>(wide)) != wide)
            return failed(fault_kind::permanent, "the stored result is not an integer of the expected type");
        return static_cast<T>(wide);
    }
};

/// Can results of type T be written into a record?
template <class T>
concept encodable = requires(T const& value, std::string_view bytes) {
    { codec<T>::encode(value) } -> std::convertible_to<std::string>;
    { codec<T>::decode(bytes) } -> std::same_as<outcome<T>>;
};

}  // namespace coffer::inline COFFER_ABI

#if !defined(COFFER_SEPARATE_COMPILATION)
#include <coffer/base/codec.ipp>
#endif
