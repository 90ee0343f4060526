// SPDX-License-Identifier: BSL-1.0
#pragma once
// Definitions of request.hpp.

#include <coffer/http/request.hpp>

#include <algorithm>
#include <utility>

namespace coffer::inline COFFER_ABI::http {

COFFER_INLINE request::request(std::string method_name, std::string target)
    : method{std::move(method_name)}, url{std::move(target)} {}

COFFER_INLINE request::request(std::string method_name, std::string target, std::string content)
    : request{std::move(method_name), std::move(target)} {
    body = std::make_shared<std::string const>(std::move(content));
}

COFFER_INLINE request::request(std::string method_name, std::string target, std::shared_ptr<std::string const> content)
    : request{std::move(method_name), std::move(target)} {
    body = std::move(content);
}

COFFER_INLINE bool request::hides(std::string_view header_name) const noexcept {
    return is_sensitive(header_name) || std::ranges::any_of(sensitive_headers, [&](std::string const& name) {
               return detail::equal_names(name, header_name);
           });
}

COFFER_INLINE std::ostream& operator<<(std::ostream& out, request const& r) {
    auto const end = std::min(r.url.find_first_of("?#"), r.url.size());
    auto const shown = std::string_view{r.url}.substr(0, end);
    auto const scheme = shown.find("://");
    auto const at = shown.substr(0, shown.find('/', scheme == shown.npos ? 0 : scheme + 3)).rfind('@');
    out << r.method << ' ' << (at == shown.npos ? shown : std::string_view{"<refused: it holds a user name>"});
    if (end != r.url.size()) out << "?<hidden>";
    for (auto const& h : r.headers)
        out << "\n" << h.name << ": " << (r.hides(h.name) ? std::string_view{"<hidden>"} : h.value);
    return out << "\n(" << (r.body ? r.body->size() : 0) << " bytes)";
}

}  // namespace coffer::inline COFFER_ABI::http
