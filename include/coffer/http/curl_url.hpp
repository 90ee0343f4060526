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
#include <cstring>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>
#include <utility>

namespace coffer::inline COFFER_ABI::http::curl {

/// A URL that passed.
class parsed_url {
public:
    parsed_url(url_handle url, std::string host_name, bool is_https) noexcept
        : handle{std::move(url)}, host{std::move(host_name)}, https{is_https} {}

    url_handle handle;
    std::string host;  ///< without the brackets of an IPv6 address
    bool https;
};

/// 127.0.0.0/8, ::1, as text; with `names`, "localhost" too (which libcurl resolves by itself, to a loopback address).
[[nodiscard]] inline bool is_loopback(std::string const& host, bool names) noexcept {
    if (names && http::detail::equal_names(host, "localhost")) return true;
    in_addr v4{};
    if (inet_pton(AF_INET, host.c_str(), &v4) == 1) return (ntohl(v4.s_addr) >> 24) == 127;
    in6_addr v6{};
    return inet_pton(AF_INET6, host.c_str(), &v6) == 1 && std::memcmp(&v6, &in6addr_loopback, sizeof v6) == 0;
}

/// The URL if it may be used: absolute, `https`, or `http` to a loopback address; no user name, no password. Otherwise
/// `invalid_request`, in which the URL is not repeated: it may hold a secret.
[[nodiscard]] inline outcome<parsed_url> parse_url(std::string const& text) {
    auto const refused = [](std::string why) { return failed(fault_kind::invalid_request, std::move(why)); };
    if (text.find('\0') != text.npos) return refused("the URL holds a NUL");
    if (auto const slashes = text.find("://"); slashes != text.npos && text.compare(slashes, 4, ":///") == 0)
        return refused("the URL names no host");  // libcurl takes the path's first part for it
    url_handle url{curl_url()};
    if (!url) return failed(fault{fault_kind::not_sent, "no memory"});
    if (auto const rc = curl_url_set(url.get(), CURLUPART_URL, text.c_str(), CURLU_NON_SUPPORT_SCHEME); rc != CURLUE_OK)
        return refused(std::string{"the URL cannot be parsed: "} + curl_url_strerror(rc));
    auto const part = [&](CURLUPart which) {
        char* found = nullptr;
        return string_handle{curl_url_get(url.get(), which, &found, 0) == CURLUE_OK ? found : nullptr};
    };
    if (part(CURLUPART_USER) || part(CURLUPART_PASSWORD))
        return refused("the URL holds a user name or a password: credentials belong into a header");
    auto const scheme = part(CURLUPART_SCHEME);
    auto const host_text = part(CURLUPART_HOST);
    if (!scheme || !host_text || *host_text == '\0') return refused("the URL names no host");
    std::string host{host_text.get()};
    if (host.size() >= 2 && host.front() == '[' && host.back() == ']') host = host.substr(1, host.size() - 2);
    std::string_view const name{scheme.get()};
    if (name != "https" && name != "http") return refused("only https URLs are used, and http to loopback addresses");
    if (name == "http" && !is_loopback(host, true))
        return refused(
            "http:// is refused except to loopback addresses: it would show the credentials to everybody on the way");
    return parsed_url{std::move(url), std::move(host), name == "https"};
}

/// The URLs that passed lately: a client asks for the same few again and again, and to parse one costs a tenth of what
/// libcurl does for a whole request. Any thread.
class url_cache {
public:
    /// `parse_url(text)`, whose result may be shared with other requests: libcurl only reads it.
    [[nodiscard]] outcome<std::shared_ptr<parsed_url const>> parse(std::string const& text) {
        {
            std::lock_guard const lock{mutex_};
            for (auto const& e : entries_)
                if (e.url && e.text == text) return e.url;
        }
        auto parsed = parse_url(text);
        if (!parsed) return failed(std::move(parsed).error());
        entry fresh{text, std::make_shared<parsed_url const>(*std::move(parsed))};
        auto const url = fresh.url;
        if (text.size() > longest) return url;
        std::lock_guard const lock{mutex_};
        std::swap(entries_[next_], fresh);
        next_ = (next_ + 1) % entries_.size();
        return url;
    }

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
