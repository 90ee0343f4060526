// SPDX-License-Identifier: BSL-1.0
#pragma once
// Which URLs are used at all. Judged on libcurl's own parse, which is then the one that is used: two parsers that differ
// are how such rules are walked around.

#include <coffer/base/outcome.hpp>
#include <coffer/http/curl_handle.hpp>
#include <coffer/http/headers.hpp>

#include <arpa/inet.h>
#include <netinet/in.h>

#include <array>
#include <cstddef>
#include <memory>
#include <mutex>
#include <string>

namespace coffer::inline COFFER_ABI::http::curl {

/// A URL that passed.
class parsed_url {
public:
    parsed_url(url_handle url, std::string host_name, bool is_https) noexcept;

    url_handle handle;
    std::string host;  ///< without the brackets of an IPv6 address
    bool https;
};

/// 127.0.0.0/8, ::1, as text; with `names`, "localhost" too (which libcurl resolves by itself, to a loopback address).
[[nodiscard]] bool is_loopback(std::string const& host, bool names) noexcept;

/// The URL if it may be used: absolute, `https`, or `http` to a loopback address; no user name, no password. Otherwise
/// `invalid_request`, in which the URL is not repeated: it may hold a secret.
[[nodiscard]] outcome<parsed_url> parse_url(std::string const& text);

/// The URLs that passed lately: a client asks for the same few again and again, and to parse one costs a tenth of what
/// libcurl does for a whole request. Any thread.
class url_cache {
public:
    /// `parse_url(text)`, whose result may be shared with other requests: libcurl only reads it.
    [[nodiscard]] outcome<std::shared_ptr<parsed_url const>> parse(std::string const& text);

private:
    struct entry {
        std::string text;
        std::shared_ptr<parsed_url const> url;
    };
    static constexpr std::size_t longest = 2048;  // of those that are kept

    std::mutex mutex_;
    std::array<entry, 4> entries_;
    std::size_t next_ = 0;
};

}  // namespace coffer::inline COFFER_ABI::http::curl

#if !defined(COFFER_SEPARATE_COMPILATION)
#include <coffer/http/curl_url.ipp>
#endif
