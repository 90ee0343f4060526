// SPDX-License-Identifier: BSL-1.0
// Which URLs are used: whatever passes is what it is said to be, by libcurl's own word.
#include <coffer/http/curl_url.hpp>

#include <string>
#include <string_view>

#include "fuzz/fuzz.hpp"

namespace http = coffer::http;
namespace curl = coffer::http::curl;
using fuzz::require;

namespace {

std::string part(curl::parsed_url const& url, CURLUPart which) {
    char* found = nullptr;
    curl::string_handle const text{curl_url_get(url.handle.get(), which, &found, 0) == CURLUE_OK ? found : nullptr};
    return text ? std::string{text.get()} : std::string{};
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(std::uint8_t const* data, std::size_t size) {
    std::string const text{fuzz::text_of(data, size)};
    constexpr char canary[] = "canary-Zq8vT2";
    auto const with_secret = curl::parse_url(text + canary);
    require(with_secret || with_secret.error().message().find(canary) == std::string_view::npos,
            "a URL that is refused is not repeated");
    auto const url = curl::parse_url(text);
    if (!url) {
        auto const& f = url.error();
        require(f.kind() == coffer::fault_kind::invalid_request && f.billing() == coffer::knowledge::no,
                "a URL that is refused is an invalid request, and nothing was done");
        return 0;
    }
    auto const scheme = part(*url, CURLUPART_SCHEME);
    require(scheme == (url->https ? "https" : "http"), "nothing but https and http passes");
    require(!url->host.empty(), "there is a host");
    require(url->https || curl::is_loopback(url->host, true), "http goes to loopback addresses");
    require(part(*url, CURLUPART_USER).empty() && part(*url, CURLUPART_PASSWORD).empty(), "there are no credentials");
    auto const whole = part(*url, CURLUPART_URL);
    auto const again = curl::parse_url(whole);
    require(again && again->host == url->host && again->https == url->https, "libcurl's form of it means the same");
    curl::url_cache cache;
    auto const first = cache.parse(text);
    auto const second = cache.parse(text);
    require(first && second && (*first)->host == (*second)->host, "one that was met before is the same");
    return 0;
}
