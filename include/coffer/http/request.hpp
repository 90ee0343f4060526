// SPDX-License-Identifier: BSL-1.0
#pragma once
// An HTTP request as a value. Printing one shows no secret.
//
//     http::request r{"POST", "https://api.example.com/v1/chat", std::move(json)};
//     r.headers.set("Content-Type", "application/json");
//     r.headers.set("Authorization", "Bearer " + key);

#include <coffer/base/defaults.hpp>
#include <coffer/http/headers.hpp>

#include <algorithm>
#include <chrono>
#include <cstddef>
#include <memory>
#include <ostream>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace coffer::inline COFFER_ABI::http {

inline constexpr std::size_t default_max_header_bytes = std::size_t{64} * 1024;  ///< 64 KiB
inline constexpr std::size_t default_max_body_bytes = std::size_t{64} * 1024 * 1024;  ///< 64 MiB

/// What is sent, and how much is accepted back. Copies share the body. Thread safety: as a `std::string`.
class request {
public:
    request() = default;
    /// Without a body.
    request(std::string method_name, std::string target) : method{std::move(method_name)}, url{std::move(target)} {}
    /// With a body, which is moved in.
    request(std::string method_name, std::string target, std::string content)
        : request{std::move(method_name), std::move(target)} {
        body = std::make_shared<std::string const>(std::move(content));
    }
    /// With a body that others share.
    request(std::string method_name, std::string target, std::shared_ptr<std::string const> content)
        : request{std::move(method_name), std::move(target)} {
        body = std::move(content);
    }

    std::string method = "GET";  ///< `GET`, `POST` and so on, in capitals
    /// Absolute. `http://` reaches only loopback addresses; a URL with a user name or a password is refused.
    std::string url;
    header_list headers;  ///< in the order in which they are sent
    /// Null: none. Shared with whoever sends it, so it must not change.
    std::shared_ptr<std::string const> body;

    /// Name resolution, connect and TLS together. Real time, whatever the context's clock says.
    std::chrono::milliseconds connect_timeout = defaults::connect_timeout;
    /// Of the response: all status lines and header fields, 1xx ones and trailers included.
    std::size_t max_header_bytes = default_max_header_bytes;
    /// Of the response. A longer one is a `defective_answer`: it was paid for, but is not kept.
    std::size_t max_body_bytes = default_max_body_bytes;
    /// Names whose values are secrets, besides those for which `is_sensitive` holds.
    std::vector<std::string> sensitive_headers;

    /// Is the value of such a field a secret? Then it is never printed.
    [[nodiscard]] bool hides(std::string_view header_name) const noexcept {
        return is_sensitive(header_name) || std::ranges::any_of(sensitive_headers, [&](std::string const& name) {
                   return detail::equal_names(name, header_name);
               });
    }

    /// Method, URL without its query, names of headers, values of harmless ones, size of the body.
    friend std::ostream& operator<<(std::ostream& out, request const& r) {
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
};

}  // namespace coffer::inline COFFER_ABI::http
