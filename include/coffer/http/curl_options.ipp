// SPDX-License-Identifier: BSL-1.0
#pragma once
// Definitions of curl_options.hpp.

#include <coffer/http/curl_options.hpp>

#include <algorithm>
#include <array>
#include <stdexcept>

namespace coffer::inline COFFER_ABI::http::curl {

COFFER_INLINE settings::settings(client_options const& o)
    : options{o},
      ca_file{o.ca_file},
      client_certificate{o.client_certificate},
      client_key{o.client_key.empty() ? o.client_certificate : o.client_key},
      proxy{o.proxy},
      user_agent{o.user_agent} {
    if (client_certificate.empty() && !client_key.empty())
        throw std::invalid_argument{"coffer: client_key without client_certificate: name the certificate's file too"};
    if (!proxy.empty() && !is_proxy(proxy))
        throw std::invalid_argument{
            "coffer: client_options::proxy must be a URL whose scheme is http, https, socks4, socks4a, socks5 or "
            "socks5h, e.g. http://proxy.example:3128"};
    options.ca_file = options.client_certificate = options.client_key = options.proxy = options.user_agent = {};
}

COFFER_INLINE bool settings::is_proxy(std::string const& text) {
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

COFFER_INLINE bool settings::has_default_ca_file() noexcept {
    auto const* const about = curl_version_info(CURLVERSION_NOW);
    return about->age >= CURLVERSION_SEVENTH && about->cainfo != nullptr && ::access(about->cainfo, R_OK) == 0;
}

COFFER_INLINE option_writer& option_writer::none(CURLoption option) noexcept {
    return set(option, static_cast<char*>(nullptr));
}

COFFER_INLINE void restrict_protocols(option_writer& write) noexcept {
#if LIBCURL_VERSION_NUM >= 0x075500
    write.set(CURLOPT_PROTOCOLS_STR, "http,https");
#else
    write.set(CURLOPT_PROTOCOLS, static_cast<long>(CURLPROTO_HTTP | CURLPROTO_HTTPS));
#endif
}

COFFER_INLINE CURLcode configure(CURL* handle, settings const& s) noexcept {
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

COFFER_INLINE void configure_multi(CURLM* multi, client_options const& o) noexcept {
    auto const number = [](std::size_t n) { return static_cast<long>(n); };
    (curl_multi_setopt)(multi, CURLMOPT_PIPELINING, static_cast<long>(CURLPIPE_MULTIPLEX));
    (curl_multi_setopt)(multi, CURLMOPT_MAX_TOTAL_CONNECTIONS, number(o.max_connections));
    (curl_multi_setopt)(multi, CURLMOPT_MAX_HOST_CONNECTIONS, number(o.max_connections_per_host));
}

}  // namespace coffer::inline COFFER_ABI::http::curl
