// SPDX-License-Identifier: BSL-1.0
#pragma once
// Definitions of curl_header_lines.hpp.

#include <coffer/http/curl_header_lines.hpp>

#include <string_view>

namespace coffer::inline COFFER_ABI::http::curl {

COFFER_INLINE void header_lines::assign(header_list const& fields) {
    // What libcurl would add by itself, "name:" being its way to leave a field out.
    constexpr std::string_view no_expect = "Expect:";
    constexpr std::string_view no_type = "Content-Type:";
    bool const typed = fields.contains("Content-Type");
    std::size_t bytes = no_expect.size() + no_type.size() + 2;
    for (auto const& h : fields) bytes += h.name.size() + h.value.size() + 3;
    text_.clear();
    text_.reserve(bytes);  // so that nothing moves any more
    nodes_.clear();
    nodes_.reserve(fields.size() + 2);
    for (auto const& h : fields) {
        begin();
        text_ += h.name;
        bool const blank = h.value.find_first_not_of(" \t") == h.value.npos;
        text_ += blank ? ";" : ": ";  // "name;" is libcurl's way to send an empty value
        if (!blank) text_ += h.value;
        text_ += '\0';
    }
    begin();
    (text_ += no_expect) += '\0';
    if (typed) return;
    begin();
    (text_ += no_type) += '\0';
}

COFFER_INLINE curl_slist* header_lines::list() noexcept { return nodes_.empty() ? nullptr : nodes_.data(); }

COFFER_INLINE void header_lines::begin() {
    nodes_.push_back({text_.data() + text_.size(), nullptr});
    if (nodes_.size() > 1) nodes_[nodes_.size() - 2].next = &nodes_.back();
}

}  // namespace coffer::inline COFFER_ABI::http::curl
