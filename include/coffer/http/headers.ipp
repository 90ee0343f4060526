// SPDX-License-Identifier: BSL-1.0
#pragma once
// Definitions of headers.hpp.

#include <coffer/http/headers.hpp>

#include <utility>

namespace coffer::inline COFFER_ABI::http {

COFFER_INLINE header::header(std::string field_name, std::string field_value)
    : name{std::move(field_name)}, value{std::move(field_value)} {}

COFFER_INLINE header_list& header_list::add(std::string name, std::string value) & {
    fields_.emplace_back(std::move(name), std::move(value));
    return *this;
}

COFFER_INLINE header_list& header_list::set(std::string name, std::string value) & {
    erase(name);
    return add(std::move(name), std::move(value));
}

COFFER_INLINE std::size_t header_list::erase(std::string_view name) {
    return std::erase_if(fields_, [&](header const& h) { return detail::equal_names(h.name, name); });
}

COFFER_INLINE std::optional<std::string_view> header_list::first(std::string_view name) const noexcept {
    for (auto const& h : fields_)
        if (detail::equal_names(h.name, name)) return h.value;
    return std::nullopt;
}

COFFER_INLINE std::vector<std::string_view> header_list::all(std::string_view name) const {
    std::vector<std::string_view> values;
    for (auto const& h : fields_)
        if (detail::equal_names(h.name, name)) values.emplace_back(h.value);
    return values;
}

COFFER_INLINE header* header_list::last() noexcept { return fields_.empty() ? nullptr : &fields_.back(); }

}  // namespace coffer::inline COFFER_ABI::http
