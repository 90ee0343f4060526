// SPDX-License-Identifier: BSL-1.0
#pragma once
// Header fields of a request or a response: in order, repeatable, names without regard to case. And the names whose
// values are secrets.

#include <coffer/config.hpp>

#include <algorithm>
#include <array>
#include <cstddef>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace coffer::inline COFFER_ABI::http {

namespace detail {

/// ASCII only: field names are ASCII, and a locale must not decide what is equal.
[[nodiscard]] constexpr char lower(char c) noexcept {
    return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
}

[[nodiscard]] constexpr bool equal_names(std::string_view a, std::string_view b) noexcept {
    return std::ranges::equal(a, b, [](char x, char y) { return lower(x) == lower(y); });
}

[[nodiscard]] constexpr bool contains_name(std::string_view text, std::string_view part) noexcept {
    return !std::ranges::search(text, part, [](char x, char y) { return lower(x) == lower(y); }).empty();
}

}  // namespace detail

/// True for names whose values are, or may well be, credentials: such values are never printed.
///
/// By what the name contains and not by a list, because every gateway invents its own.
[[nodiscard]] constexpr bool is_sensitive(std::string_view header_name) noexcept {
    constexpr std::array<std::string_view, 10> parts{"auth",   "api-key",  "apikey",     "access-key", "token",
                                                     "secret", "password", "credential", "cookie",     "signature"};
    return std::ranges::any_of(parts, [&](auto part) { return detail::contains_name(header_name, part); });
}

/// One header field. (Its constructor is user-declared because GCC 12 destroys temporaries of aggregates twice when
/// they stand in a co_await expression.)
class header {
public:
    /// One field, as it will be sent.
    header(std::string field_name, std::string field_value);

    std::string name;  ///< as it came, or as it will be sent
    std::string value;  ///< without the white space around it
};

/// Header fields in their order. Lookups ignore the case of names. Thread safety: as a `std::vector`.
class header_list {
public:
    using const_iterator = std::vector<header>::const_iterator;  ///< valid until the list changes

    header_list() = default;

    /// Appends a field, beside others of that name.
    header_list& add(std::string name, std::string value) &;
    /// Replaces all fields of that name by one.
    header_list& set(std::string name, std::string value) &;
    /// How many there were.
    std::size_t erase(std::string_view name);
    /// All of them go.
    void clear() noexcept { fields_.clear(); }

    /// The value of the first field of that name. Valid until the list changes.
    [[nodiscard]] std::optional<std::string_view> first(std::string_view name) const noexcept;
    /// The values of all fields of that name, in their order. Valid until the list changes.
    [[nodiscard]] std::vector<std::string_view> all(std::string_view name) const;
    /// Is there a field of that name?
    [[nodiscard]] bool contains(std::string_view name) const noexcept { return first(name).has_value(); }

    /// In their order.
    [[nodiscard]] const_iterator begin() const noexcept { return fields_.begin(); }
    /// In their order.
    [[nodiscard]] const_iterator end() const noexcept { return fields_.end(); }
    /// Fields, repeated ones counted each.
    [[nodiscard]] std::size_t size() const noexcept { return fields_.size(); }
    /// There is none.
    [[nodiscard]] bool empty() const noexcept { return fields_.empty(); }

    /// The last field, to continue its value; null if there is none.
    [[nodiscard]] header* last() noexcept;

private:
    std::vector<header> fields_;
};

}  // namespace coffer::inline COFFER_ABI::http

#if !defined(COFFER_SEPARATE_COMPILATION)
#include <coffer/http/headers.ipp>
#endif
