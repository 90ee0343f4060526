// SPDX-License-Identifier: BSL-1.0
#pragma once
// An HTTP request as a value. Printing one shows no secret.
//
//     http::request r{"POST", "https://api.example.com/v1/chat", std::move(json)};
//     r.headers.set("Content-Type", "application/json");
//     r.headers.set("Authorization", "Bearer " + key);

#include <coffer/base/defaults.hpp>
#include <coffer/http/headers.hpp>

#include <chrono>
#include <cstddef>
#include <memory>
#include <ostream>
#include <string>
#include <string_view>
#include <vector>

namespace coffer::inline COFFER_ABI::http {

inline constexpr std::size_t default_max_header_bytes = std::size_t{64} * 1024;  ///< 64 KiB
inline constexpr std::size_t default_max_body_bytes = std::size_t{64} * 1024 * 1024;  ///< 64 MiB

/// What is sent, and how much is accepted back. Copies share the body. Thread safety: as a `std::string`.
class request {
public:
    request() = default;
    /// Without a body.
    request(std::string method_name, std::string target);
    /// With a body, which is moved in.
    request(std::string method_name, std::string target, std::string content);
    /// With a body that others share.
    request(std::string method_name, std::string target, std::shared_ptr<std::string const> content);

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
    [[nodiscard]] bool hides(std::string_view header_name) const noexcept;

    /// Method, URL without its query, names of headers, values of harmless ones, size of the body.
    friend std::ostream& operator<<(std::ostream& out, request const& r);
};

/// Without what is secret.
std::ostream& operator<<(std::ostream& out, request const& r);

}  // namespace coffer::inline COFFER_ABI::http

#if !defined(COFFER_SEPARATE_COMPILATION)
#include <coffer/http/request.ipp>
#endif
