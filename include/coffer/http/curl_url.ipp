// SPDX-License-Identifier: BSL-1.0
#pragma once
// Definitions of curl_url.hpp.

#include <coffer/http/curl_url.hpp>

#include <cstring>
#include <string_view>
#include <utility>

namespace coffer::inline COFFER_ABI::http::curl {

COFFER_INLINE parsed_url::parsed_url(url_handle url, std::string host_name, bool is_https) noexcept
    : handle{std::move(url)}, host{std::move(host_name)}, https{is_https} {}

COFFER_INLINE bool is_loopback(std::string const& host, bool names) noexcept {
    if (names && http::detail::equal_names(host, "localhost")) return true;
    in_addr v4{};
    if (inet_pton(AF_INET, host.c_str(), &v4) == 1) return (ntohl(v4.s_addr) >> 24) == 127;
    in6_addr v6{};
    return inet_pton(AF_INET6, host.c_str(), &v6) == 1 && std::memcmp(&v6, &in6addr_loopback, sizeof v6) == 0;
}

COFFER_INLINE outcome<parsed_url> parse_url(std::string const& text) {
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

COFFER_INLINE outcome<std::shared_ptr<parsed_url const>> url_cache::parse(std::string const& text) {
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

}  // namespace coffer::inline COFFER_ABI::http::curl
