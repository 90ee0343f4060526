// SPDX-License-Identifier: BSL-1.0
#pragma once
// Definitions of curl_verdict.hpp.

#include <coffer/http/curl_verdict.hpp>

#include <utility>

namespace coffer::inline COFFER_ABI {

namespace http::curl::detail {

COFFER_INLINE fault answered(fault f, int status) {
    f.with_status(status);
    return f.with_execution(status >= 200 && status < 300 ? knowledge::yes : knowledge::maybe), f;
}

}  // namespace http::curl::detail

namespace http::curl {

COFFER_INLINE std::optional<fault> verdict(facts const& end) {
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

COFFER_INLINE fault left(fault_kind why, bool sent, int status, std::string what) {
    if (!sent) {
        fault f{why == fault_kind::timed_out ? fault_kind::not_sent : why, std::move(what)};
        return f.with_execution(knowledge::no).with_billing(knowledge::no), f;
    }
    fault f{why, std::move(what)};
    f.with_execution(knowledge::maybe).with_billing(knowledge::maybe);
    return status != 0 ? detail::answered(std::move(f), status) : f;
}

}  // namespace http::curl

}  // namespace coffer::inline COFFER_ABI
