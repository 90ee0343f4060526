// SPDX-License-Identifier: BSL-1.0
#pragma once
// libcurl's handles, each with an owner. The only place that checks libcurl's version.

#include <coffer/config.hpp>

#include <curl/curl.h>

#include <cstddef>
#include <memory>
#include <vector>

#if LIBCURL_VERSION_NUM < 0x075000
#error \
    "coffer::http needs libcurl 7.80 or newer, whose CURLOPT_PREREQFUNCTION keeps it from sending a request twice; this one is older. libcurl4-openssl-dev of Debian 12 or Ubuntu 24.04 will do, or a transport of your own (coffer/http/transport.hpp) without this header"
#endif

namespace coffer::inline COFFER_ABI::http::curl {

struct easy_cleanup {
    void operator()(CURL* handle) const noexcept { curl_easy_cleanup(handle); }
};
struct multi_cleanup {
    void operator()(CURLM* handle) const noexcept { curl_multi_cleanup(handle); }
};
struct url_cleanup {
    void operator()(CURLU* handle) const noexcept { curl_url_cleanup(handle); }
};
struct string_cleanup {
    void operator()(char* text) const noexcept { curl_free(text); }
};

using easy_handle = std::unique_ptr<CURL, easy_cleanup>;
using multi_handle = std::unique_ptr<CURLM, multi_cleanup>;
using url_handle = std::unique_ptr<CURLU, url_cleanup>;
using string_handle = std::unique_ptr<char, string_cleanup>;

/// Initialises libcurl once for the process. Never undone: there is no moment at which nobody uses it any more.
///
/// Safe from any thread with libcurl 7.84 and newer if it was built so (all distributions do); with an older one, make
/// the first client before there are threads.
bool initialise() noexcept;

/// Easy handles that wait for their next transfer: making one costs more than a short transfer. One strand.
class easy_pool {
public:
    explicit easy_pool(std::size_t kept) : kept_{kept} {}

    /// An idle handle, or null: the caller makes one.
    [[nodiscard]] easy_handle take() noexcept;
    /// `running` transfers are at work, and will soon be followed by others.
    void give_back(easy_handle handle, std::size_t running);

private:
    std::size_t kept_;
    std::vector<easy_handle> idle_;
};

}  // namespace coffer::inline COFFER_ABI::http::curl

#if !defined(COFFER_SEPARATE_COMPILATION)
#include <coffer/http/curl_handle.ipp>
#endif
