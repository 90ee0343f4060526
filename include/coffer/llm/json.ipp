// SPDX-License-Identifier: BSL-1.0
#pragma once
// Definitions of json.hpp.

#include <coffer/llm/json.hpp>

#include <cmath>
#include <string>

namespace coffer::inline COFFER_ABI::llm::detail {

COFFER_INLINE std::optional<json> parse_json(std::string_view text) {
    if (too_deep(text)) return std::nullopt;
    auto document = json::parse(text, nullptr, false);
    if (document.is_discarded()) return std::nullopt;
    return document;
}

COFFER_INLINE json const* member(json const* parent, std::string_view name) noexcept {
    if (parent == nullptr || !parent->is_object()) return nullptr;
    auto const& object = parent->get_ref<json::object_t const&>();
    auto const at = object.find(name);
    return at == object.end() || at->second.is_null() ? nullptr : &at->second;
}

COFFER_INLINE std::string_view text_of(json const* value) noexcept {
    return value != nullptr && value->is_string() ? std::string_view{value->get_ref<std::string const&>()} : "";
}

COFFER_INLINE std::optional<std::int64_t> count_of(json const* value) noexcept {
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

}  // namespace coffer::inline COFFER_ABI::llm::detail
