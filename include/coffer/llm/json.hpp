// SPDX-License-Identifier: BSL-1.0
#pragma once
// Reads JSON that somebody else wrote: nothing in it is taken for granted, and nothing of it can throw or overflow.

#include <coffer/config.hpp>

#include <nlohmann/json.hpp>

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string_view>

#if NLOHMANN_JSON_VERSION_MAJOR * 100 + NLOHMANN_JSON_VERSION_MINOR < 310
#error \
    "coffer::llm needs nlohmann_json 3.10 or newer; this one is older. nlohmann-json3-dev of Debian 12 or Ubuntu 24.04 will do, or the newest json.hpp found before this one (-I)"
#endif

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
[[nodiscard]] std::optional<json> parse_json(std::string_view text);

/// The member of that name, or null if `parent` is no object, has none, or has `null` there.
[[nodiscard]] json const* member(json const* parent, std::string_view name) noexcept;
template <class... Names>
[[nodiscard]] json const* member(json const* parent, std::string_view name, Names... further) noexcept {
    return member(member(parent, name), further...);
}

/// The text of a string, or empty.
[[nodiscard]] std::string_view text_of(json const* value) noexcept;

/// A count as providers write one: not negative, whole, of a believable size; `12.0` counts as 12.
[[nodiscard]] std::optional<std::int64_t> count_of(json const* value) noexcept;

}  // namespace detail
}  // namespace coffer::inline COFFER_ABI::llm

#if !defined(COFFER_SEPARATE_COMPILATION)
#include <coffer/llm/json.ipp>
#endif
