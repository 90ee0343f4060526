// SPDX-License-Identifier: BSL-1.0
#pragma once
// A request's header fields in the form in which libcurl reads them: two allocations, whatever their number.

#include <coffer/http/curl_handle.hpp>
#include <coffer/http/headers.hpp>

#include <cstddef>
#include <string>
#include <vector>

namespace coffer::inline COFFER_ABI::http::curl {

/// A `curl_slist` of our own making; libcurl only reads it. Stays where it is, because the list points into it.
class header_lines {
public:
    header_lines() = default;
    header_lines(header_lines const&) = delete;
    header_lines& operator=(header_lines const&) = delete;

    void assign(header_list const& fields);
    /// Valid as long as this, until the next `assign`.
    [[nodiscard]] curl_slist* list() noexcept;

private:
    void begin();

    std::string text_;
    std::vector<curl_slist> nodes_;
};

}  // namespace coffer::inline COFFER_ABI::http::curl

#if !defined(COFFER_SEPARATE_COMPILATION)
#include <coffer/http/curl_header_lines.ipp>
#endif
