// SPDX-License-Identifier: BSL-1.0
#pragma once
// What a user may choose of a client, and what every easy handle of it is told, once. What a request adds is in
// curl_transfer.hpp.

#include <coffer/http/curl_handle.hpp>
#include <coffer/version.hpp>

#include <unistd.h>

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <type_traits>

namespace coffer::inline COFFER_ABI::http {

/// Which versions of HTTP are offered to servers.
enum class version_preference : std::uint8_t {
    http2,    ///< over TLS, if both sides can; HTTP/1.1 over plain connections
    http1_1,  ///< always
};

/// Options of a client. Text is copied when the client is made. There is no switch that turns the verification of
/// certificates or host names off.
struct client_options {
    version_preference version = version_preference::http2;  ///< what is offered
    std::string_view ca_file{};     ///< PEM certificates to trust in place of the system's
    /// PEM file of the certificate that this client shows a server which asks for one, those between it and its
    /// authority after it. A file that cannot be used, and a key under a password, end every https request as `not_sent`.
    std::string_view client_certificate{};
    std::string_view client_key{};  ///< PEM file of its private key; empty: it stands in the certificate's file
    std::string_view proxy{};  ///< for https URLs; the environment's http_proxy and the like are not looked at
    /// Of the `User-Agent` header, unless a request has its own.
    std::string_view user_agent = "coffer/" COFFER_VERSION_STRING;
    std::size_t max_connections = 0;  ///< at a time, further requests wait for one; 0: no limit
    std::size_t max_connections_per_host = 0;  ///< the same for one host
    std::size_t max_idle_connections = 64;  ///< kept for later requests; 0 keeps none
    /// An idle connection is not used again after this. Shorter than what servers and load balancers allow (60 s, mostly),
    /// because a request that meets their closing is ambiguous.
    std::chrono::seconds max_idle_time{50};
};

namespace curl {

/// `client_options` with its own text.
class settings {
public:
    explicit settings(client_options const& o);
    client_options options;
    std::string ca_file;
    std::string client_certificate;
    std::string client_key;
    std::string proxy;
    std::string user_agent;
    /// libcurl was built to look for authorities in a file, and it is there. (Distributions put the same into a directory.)
    bool default_ca_file = has_default_ca_file();

private:
    [[nodiscard]] static bool is_proxy(std::string const& text);
    [[nodiscard]] static bool has_default_ca_file() noexcept;
};

/// Sets options and remembers the first that was refused, so that a libcurl which lacks one is noticed, not trusted.
class option_writer {
public:
    explicit option_writer(CURL* handle) noexcept : handle_{handle} {}

    template <class T>
    option_writer& set(CURLoption option, T value) noexcept {
        static_assert(std::is_pointer_v<T> || std::is_same_v<T, long> || std::is_same_v<T, curl_off_t>,
                      "curl_easy_setopt is variadic: it takes exactly these");
        if (code_ == CURLE_OK) code_ = (curl_easy_setopt)(handle_, option, value);
        return *this;
    }
    option_writer& flag(CURLoption option, bool on) noexcept { return set(option, on ? 1L : 0L); }
    option_writer& none(CURLoption option) noexcept;
    [[nodiscard]] CURLcode code() const noexcept { return code_; }

private:
    CURL* handle_;
    CURLcode code_ = CURLE_OK;
};

/// Never file, ftp and what else libcurl can. (Redirects have no protocols: they are not followed.)
void restrict_protocols(option_writer& write) noexcept;

/// Everything about a handle that no request changes.
[[nodiscard]] CURLcode configure(CURL* handle, settings const& s) noexcept;

/// What concerns all handles of one multi together.
void configure_multi(CURLM* multi, client_options const& o) noexcept;

}  // namespace curl
}  // namespace coffer::inline COFFER_ABI::http

#if !defined(COFFER_SEPARATE_COMPILATION)
#include <coffer/http/curl_options.ipp>
#endif
