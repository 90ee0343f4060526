// SPDX-License-Identifier: BSL-1.0
#pragma once
// The rule that all programs of docs/migrate.md go by: what an HTTP status proves.

#include <coffer/base/fault_kind.hpp>

#include <nlohmann/json.hpp>

#include <string>

namespace migrate_page {

//! [kind_of]
/// What a status proves. `code` is the provider's own; empty: the body has none, it is perhaps not the provider's.
inline coffer::fault_kind kind_of(int status, std::string const& code) {
    using enum coffer::fault_kind;
    switch (status) {
        case 429: return code == "insufficient_quota" ? quota_exhausted : throttled;
        case 503: return code.empty() ? ambiguous : overloaded;  // the page of an edge or a gateway proves nothing
        case 401: return unauthorized;
        case 403: return forbidden;
        case 404: return not_found;
        case 413: return too_large;
        case 400: return invalid_request;  // the request's own fault: kept under the key for ten minutes
        default: return ambiguous;  // 408, other 5xx, a 2xx that is not 200: may have been executed, and billed
    }
}
//! [kind_of]

//! [code_of]
/// The code in a provider's `{"error": {"code": "..."}}`; empty for anything else, as an edge's page.
inline std::string code_of(std::string const& body) {
    auto const json = nlohmann::json::parse(body, nullptr, /* throws */ false);
    nlohmann::json::json_pointer const at{"/error/code"};
    return json.contains(at) && json.at(at).is_string() ? json.at(at).get<std::string>() : "";
}
//! [code_of]

}  // namespace migrate_page
