// SPDX-License-Identifier: BSL-1.0
#pragma once
// What is known of a request once its transfer has ended: the table of what proves what, as a function of facts. Pure.

#include <coffer/base/outcome.hpp>
#include <coffer/http/curl_handle.hpp>

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

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
inline fault answered(fault f, int status) {
    f.with_status(status);
    return f.with_execution(status >= 200 && status < 300 ? knowledge::yes : knowledge::maybe), f;
}

}  // namespace detail

/// Nothing if the transfer brought a whole response. The message is left to the caller.
[[nodiscard]] inline std::optional<fault> verdict(facts const& end) {
    if (end.prereq_calls == 0 || end.why == cut::not_loopback) {
        bool const own_mistake =
            end.code == CURLE_URL_MALFORMAT || end.code == CURLE_UNSUPPORTED_PROTOCOL || end.why == cut::not_loopback;
        return fault{own_mistake ? fault_kind::invalid_request : fault_kind::not_sent};
    }
    if (end.why == cut::header_limit || end.why == cut::body_limit) {
        auto f = detail::answered(fault{fault_kind::defective_answer}, end.status);
        return f.with_billing(f.execution()), f;
    }
    if (end.code == CURLE_OK && end.status >= 200) return std::nullopt;
    if (end.status >= 200) return detail::answered(fault{fault_kind::broken_stream}, end.status);
    if (end.refused_stream) return fault{fault_kind::transient};
    return fault{end.code == CURLE_OPERATION_TIMEDOUT ? fault_kind::timed_out : fault_kind::ambiguous};
}

/// Somebody left a transfer that had not ended: `cancelled`, `timed_out` (`not_sent` if it was not), `aborted`.
[[nodiscard]] inline fault left(fault_kind why, bool sent, int status, std::string what) {
    if (!sent) {
        fault f{why == fault_kind::timed_out ? fault_kind::not_sent : why, std::move(what)};
        return f.with_execution(knowledge::no).with_billing(knowledge::no), f;
    }
    fault f{why, std::move(what)};
    f.with_execution(knowledge::maybe).with_billing(knowledge::maybe);
    return status != 0 ? detail::answered(std::move(f), status) : f;
}

}  // namespace coffer::inline COFFER_ABI::http::curl
