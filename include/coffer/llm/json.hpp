// SPDX-License-Identifier: BSL-1.0
#pragma once
// Reads JSON that somebody else wrote: nothing in it is taken for granted, and nothing of it can throw or overflow.

#include <coffer/config.hpp>

#include <nlohmann/json.hpp>

#include <cmath>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace coffer::inline COFFER_ABI::llm {

using json = nlohmann::json;  ///< numbers as doubles and 64-bit integers; see exact_json.hpp for others

namespace detail {

/// Deeper than any real document: writing a document out recurses, and a hostile one must not end the stack.
inline constexpr int deepest_json = 200;

[[nodiscard]] constexpr bool too_deep(std::string_view text) noexcept {
    int depth = 0;
    bool in_string = false;
    for (std::size_t i = 0; i < text.size(); ++i) {
        char const c = text[i];
        if (in_string) {
            if (c == '\\') ++i;
            else if (c == '"') in_string = false;
        } else if (c == '"') {
            in_string = true;
        } else if (c == '[' || c == '{') {
            if (++depth > deepest_json) return true;
        } else if (c == ']' || c == '}') {
            --depth;
        }
    }
    return false;
}

/// The document, or nothing if the text is none.
[[nodiscard]] inline std::optional<json> parse_json(std::string_view text) {
    if (too_deep(text)) return std::nullopt;
    auto document = json::parse(text, nullptr, false);
    if (document.is_discarded()) return std::nullopt;
    return document;
}

/// The member of that name, or null if `parent` is no object, has none, or has `null` there.
[[nodiscard]] inline json const* member(json const* parent, std::string_view name) noexcept {
    if (parent == nullptr || !parent->is_object()) return nullptr;
    auto const& object = parent->get_ref<json::object_t const&>();
    auto const at = object.find(name);
    return at == object.end() || at->second.is_null() ? nullptr : &at->second;
}
template <class... Names>
[[nodiscard]] json const* member(json const* parent, std::string_view name, Names... further) noexcept {
    return member(member(parent, name), further...);
}

/// The text of a string, or empty.
[[nodiscard]] inline std::string_view text_of(json const* value) noexcept {
    return value != nullptr && value->is_string() ? std::string_view{value->get_ref<std::string const&>()} : "";
}

/// A count as providers write one: not negative, whole, of a believable size; `12.0` counts as 12.
[[nodiscard]] inline std::optional<std::int64_t> count_of(json const* value) noexcept {
    constexpr std::int64_t most = 1'000'000'000'000;
    if (value == nullptr) return std::nullopt;
    if (value->is_number_unsigned()) {
        auto const n = value->get<std::uint64_t>();
        return n <= static_cast<std::uint64_t>(most) ? std::optional{static_cast<std::int64_t>(n)} : std::nullopt;
    }
    if (value->is_number_float()) {
        auto const x = value->get<double>();
        if (x >= 0 && x <= static_cast<double>(most) && std::floor(x) == x) return static_cast<std::int64_t>(x);
    }
    return std::nullopt;
}

}  // namespace detail
}  // namespace coffer::inline COFFER_ABI::llm
