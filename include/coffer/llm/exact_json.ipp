// SPDX-License-Identifier: BSL-1.0
#pragma once
// Definitions of exact_json.hpp.

#include <coffer/llm/exact_json.hpp>

namespace coffer::inline COFFER_ABI::llm::detail {

COFFER_INLINE bool exact_json_builder::start_object(std::size_t) {
    open_.push_back(put(json::object()));
    return true;
}

COFFER_INLINE bool exact_json_builder::start_array(std::size_t) {
    open_.push_back(put(json::array()));
    return true;
}

COFFER_INLINE json* exact_json_builder::put(json value) {
    if (open_.empty()) return &(root_ = std::move(value));
    auto& parent = *open_.back();
    if (parent.is_array()) return parent.push_back(std::move(value)), &parent.back();
    return &(parent[name_] = std::move(value));
}

COFFER_INLINE std::optional<json> parse_exact_json(std::string_view text) {
    if (too_deep(text)) return std::nullopt;
    exact_json_builder builder;
    if (!json::sax_parse(text, &builder)) return std::nullopt;
    return builder.take();
}

COFFER_INLINE std::optional<std::string> number_text(json const& value) {
    if (value.is_string()) return value.get<std::string>();
    if (value.is_number_integer()) return value.dump();
    return std::nullopt;
}

}  // namespace coffer::inline COFFER_ABI::llm::detail
