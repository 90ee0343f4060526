// SPDX-License-Identifier: BSL-1.0
#pragma once
// What is known of a request once its transfer has ended: the table of what proves what, as a function of facts. Pure.

#include <coffer/base/outcome.hpp>
#include <coffer/http/curl_handle.hpp>

#include <cstdint>
#include <optional>
#include <string>

namespace coffer::inline COFFER_ABI::http::curl {

/// Why our own callbacks ended a transfer.
enum class cut : std::uint8_t {
    none,
    header_limit,
    body_limit,
    no_memory,
    not_loopback,  ///< `http://` was about to go to another machine
};

/// Everything that the verdict rests on.
struct facts {
    CURLcode code = CURLE_OK;
    /// How often libcurl was about to put this request on a connection (CURLOPT_PREREQFUNCTION). The first call lets it,
    /// the second is libcurl's hidden resend and is stopped. Not a byte of a request leaves before the first one.
    int prereq_calls = 0;
    /// The final status, 0 while its line had not come.
    int status = 0;
    cut why = cut::none;
    /// libcurl wanted to send again because the peer said REFUSED_STREAM: not processed (RFC 9113 §8.7).
    bool refused_stream = false;
};

namespace detail {

/// A status line came: a 2xx is the provider's word that it did the work, any other status is for the provider's profile.
fault answered(fault f, int status);

}  // namespace detail

/// Nothing if the transfer brought a whole response. The message is left to the caller.
[[nodiscard]] std::optional<fault> verdict(facts const& end);

/// Somebody left a transfer that had not ended: `cancelled`, `timed_out` (`not_sent` if it was not), `aborted`.
[[nodiscard]] fault left(fault_kind why, bool sent, int status, std::string what);

}  // namespace coffer::inline COFFER_ABI::http::curl

#if !defined(COFFER_SEPARATE_COMPILATION)
#include <coffer/http/curl_verdict.ipp>
#endif
