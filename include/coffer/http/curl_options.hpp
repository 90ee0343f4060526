// SPDX-License-Identifier: BSL-1.0
#pragma once
// What a user may choose of a client, and what every easy handle of it is told, once. What a request adds is in
// curl_transfer.hpp.

#include <coffer/config.hpp>
#include <coffer/http/curl_handle.hpp>

#include <unistd.h>

#include <algorithm>
#include <array>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <stdexcept>
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
    explicit settings(client_options const& o)
        : options{o},
          ca_file{o.ca_file},
          client_certificate{o.client_certificate},
          client_key{o.client_key.empty() ? o.client_certificate : o.client_key},
          proxy{o.proxy},
          user_agent{o.user_agent} {
        if (client_certificate.empty() && !client_key.empty())
            throw std::invalid_argument{
                "coffer: client_key without client_certificate: name the certificate's file too"};
        if (!proxy.empty() && !is_proxy(proxy))
            throw std::invalid_argument{
                "coffer: client_options::proxy must be a URL whose scheme is http, https, socks4, socks4a, socks5 or "
                "socks5h, e.g. http://proxy.example:3128"};
        options.ca_file = options.client_certificate = options.client_key = options.proxy = options.user_agent = {};
    }
    client_options options;
    std::string ca_file;
    std::string client_certificate;
    std::string client_key;
    std::string proxy;
    std::string user_agent;
    /// libcurl was built to look for authorities in a file, and it is there. (Distributions put the same into a directory.)
    bool default_ca_file = has_default_ca_file();

private:
    [[nodiscard]] static bool is_proxy(std::string const& text) {
        url_handle const url{curl_url()};
        char* scheme = nullptr;
        bool const parsed = url &&
                            curl_url_set(url.get(), CURLUPART_URL, text.c_str(),
                                         CURLU_NON_SUPPORT_SCHEME | CURLU_GUESS_SCHEME) == CURLUE_OK &&
                            curl_url_get(url.get(), CURLUPART_SCHEME, &scheme, 0) == CURLUE_OK;
        string_handle const found{scheme};
        constexpr std::array<std::string_view, 6> known{"http", "https", "socks4", "socks4a", "socks5", "socks5h"};
        return parsed && std::find(known.begin(), known.end(), std::string_view{scheme}) != known.end();
    }
    [[nodiscard]] static bool has_default_ca_file() noexcept {
        auto const* const about = curl_version_info(CURLVERSION_NOW);
        return about->age >= CURLVERSION_SEVENTH && about->cainfo != nullptr && ::access(about->cainfo, R_OK) == 0;
    }
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
    option_writer& none(CURLoption option) noexcept { return set(option, static_cast<char*>(nullptr)); }
    [[nodiscard]] CURLcode code() const noexcept { return code_; }

private:
    CURL* handle_;
    CURLcode code_ = CURLE_OK;
};

/// Never file, ftp and what else libcurl can. (Redirects have no protocols: they are not followed.)
inline void restrict_protocols(option_writer& write) noexcept {
#if LIBCURL_VERSION_NUM >= 0x075500
    write.set(CURLOPT_PROTOCOLS_STR, "http,https");
#else
    write.set(CURLOPT_PROTOCOLS, static_cast<long>(CURLPROTO_HTTP | CURLPROTO_HTTPS));
#endif
}

/// Everything about a handle that no request changes.
[[nodiscard]] inline CURLcode configure(CURL* handle, settings const& s) noexcept {
    option_writer write{handle};
    write
        .flag(CURLOPT_NOSIGNAL, true)  // no SIGALRM for name resolution; see curl_sigpipe.hpp for SIGPIPE
        .flag(CURLOPT_FOLLOWLOCATION, false)  // a redirected POST is a second send
        .flag(CURLOPT_FAILONERROR, false)  // any status is an answer
        .flag(CURLOPT_SSL_VERIFYPEER, true)
        .set(CURLOPT_SSL_VERIFYHOST, 2L)
        .set(CURLOPT_SSLVERSION, static_cast<long>(CURL_SSLVERSION_TLSv1_2))
        .set(CURLOPT_SSL_OPTIONS, 0L)  // no early data: it can be replayed
        .flag(CURLOPT_TCP_NODELAY, true)
        .flag(CURLOPT_TCP_KEEPALIVE, true)  // an answer takes minutes, and NAT gateways forget silent connections
        .set(CURLOPT_TCP_KEEPIDLE, 60L)
        .set(CURLOPT_TCP_KEEPINTVL, 30L)
        .set(CURLOPT_MAXAGE_CONN, static_cast<long>(s.options.max_idle_time.count()))
        .flag(CURLOPT_SUPPRESS_CONNECT_HEADERS, true)
        .flag(CURLOPT_HTTP09_ALLOWED, false)
        .set(CURLOPT_USERAGENT, s.user_agent.c_str())
        // A transfer holds such a buffer while it waits for its answer, and thousands wait. A longer body takes more reads;
        // over TLS these are of what OpenSSL has read already.
        .set(CURLOPT_BUFFERSIZE, 2048L)
        .set(CURLOPT_PROXY, "")  // not null: that would be the environment's,
        .set(CURLOPT_NOPROXY, "");  // and so would the names that are kept from a proxy
    restrict_protocols(write);
    if (!s.ca_file.empty()) write.set(CURLOPT_CAINFO, s.ca_file.c_str()).none(CURLOPT_CAPATH);
    // libcurl keeps the authorities that it has read only if they come from a file alone, and else reads all of them anew
    // for every connection, which takes many times as long as the rest of the handshake. Only faster: a TLS library that
    // knows no directories may refuse.
    else if (s.default_ca_file) (void)curl_easy_setopt(handle, CURLOPT_CAPATH, nullptr);
    if (!s.client_certificate.empty())
        write.set(CURLOPT_SSLCERT, s.client_certificate.c_str())
            .set(CURLOPT_SSLKEY, s.client_key.c_str())
            .set(CURLOPT_KEYPASSWD, "");  // without one OpenSSL would ask the terminal, and stop the thread
    if (s.options.max_idle_connections == 0) write.flag(CURLOPT_FORBID_REUSE, true);
#if LIBCURL_VERSION_NUM >= 0x075700
    // Leaving during name resolution must not wait for getaddrinfo. Only faster: an older library at run time may lack it.
    (curl_easy_setopt)(handle, CURLOPT_QUICK_EXIT, 1L);
#endif
    return write.code();
}

/// What concerns all handles of one multi together.
inline void configure_multi(CURLM* multi, client_options const& o) noexcept {
    auto const number = [](std::size_t n) { return static_cast<long>(n); };
    (curl_multi_setopt)(multi, CURLMOPT_PIPELINING, static_cast<long>(CURLPIPE_MULTIPLEX));
    (curl_multi_setopt)(multi, CURLMOPT_MAX_TOTAL_CONNECTIONS, number(o.max_connections));
    (curl_multi_setopt)(multi, CURLMOPT_MAX_HOST_CONNECTIONS, number(o.max_connections_per_host));
}

}  // namespace curl
}  // namespace coffer::inline COFFER_ABI::http
