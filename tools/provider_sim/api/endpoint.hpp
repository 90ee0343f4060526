// SPDX-License-Identifier: BSL-1.0
#pragma once
// What an endpoint is: a pure function from a request to an answer, in the shape of one provider. It knows nothing of
// sockets, ledgers and faults; those are done to its answer. A new endpoint is one file beside openai/chat.cpp and
// one row in api/router.cpp; a new provider's shape is a folder beside openai/.

#include <cstdint>
#include <string>
#include <string_view>

#include "base/json.hpp"
#include "billing/usage.hpp"
#include "config.hpp"
#include "faults/fault.hpp"
#include "http/answer.hpp"
#include "http/request.hpp"

namespace provider_sim {

/// A request as an endpoint sees it.
struct api_call {
    config const* settings = nullptr;
    http_request const* request = nullptr;
    json const* body = nullptr;  // discarded if it is no JSON
    std::string_view key;
    std::uint64_t nth = 0;
    answer_wishes const* wishes = nullptr;
};

struct served {
    bool valid = false;  // well-formed and allowed: only such a request can be executed and billed
    usage used;          // what full execution costs
    http_answer answer;
};

/// What differs from provider to provider whatever the endpoint.
struct provider_shape {
    std::string_view name;
    /// An error body with this provider's defaults for the status, changed by `overrides`.
    std::string (*error_body)(unsigned status, json const& overrides);
    /// The headers that every answer of this provider carries.
    void (*add_headers)(http_answer& answer, config const& settings, std::string const& request_id,
                        std::int64_t processing_ms);
    /// May it come in? `prefix` is what an API key must begin with; empty: none is asked for.
    bool (*admits)(http_request const& request, std::string_view prefix);
};

/// Thrown by an endpoint: the provider refuses the request.
class api_error {
public:
    api_error(unsigned status, json overrides) : status_{status}, overrides_(std::move(overrides)) {}
    api_error(unsigned status, std::string const& message) : status_{status} { overrides_["message"] = message; }
    [[nodiscard]] unsigned status() const noexcept { return status_; }
    [[nodiscard]] json const& overrides() const noexcept { return overrides_; }

private:
    unsigned status_;
    json overrides_ = json::object();
};

}  // namespace provider_sim
