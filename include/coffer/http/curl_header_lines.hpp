// SPDX-License-Identifier: BSL-1.0
#pragma once
// A request's header fields in the form in which libcurl reads them: two allocations, whatever their number.

#include <coffer/http/curl_handle.hpp>
#include <coffer/http/headers.hpp>

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

namespace coffer::inline COFFER_ABI::http::curl {

/// A `curl_slist` of our own making; libcurl only reads it. Stays where it is, because the list points into it.
class header_lines {
public:
    header_lines() = default;
    header_lines(header_lines const&) = delete;
    header_lines& operator=(header_lines const&) = delete;

    void assign(header_list const& fields) {
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
    /// Valid as long as this, until the next `assign`.
    [[nodiscard]] curl_slist* list() noexcept { return nodes_.empty() ? nullptr : nodes_.data(); }

private:
    void begin() {
        nodes_.push_back({text_.data() + text_.size(), nullptr});
        if (nodes_.size() > 1) nodes_[nodes_.size() - 2].next = &nodes_.back();
    }

    std::string text_;
    std::vector<curl_slist> nodes_;
};

}  // namespace coffer::inline COFFER_ABI::http::curl
