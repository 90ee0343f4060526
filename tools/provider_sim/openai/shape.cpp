// SPDX-License-Identifier: BSL-1.0
#include "openai/shape.hpp"

#include "api/answer_text.hpp"
#include "base/random.hpp"

namespace provider_sim::openai {
namespace {

struct error_default {
    unsigned status;
    char const* type;
    char const* code;  // null: null
    char const* message;
};

constexpr error_default defaults[]{
    {400, "invalid_request_error", nullptr, "Your request was malformed."},
    {401, "invalid_request_error", "invalid_api_key",
     "Incorrect API key provided. You can find your API key at https://platform.openai.com/account/api-keys."},
    {403, "request_forbidden", "unsupported_country_region_territory", "Country, region, or territory not supported"},
    {404, "invalid_request_error", nullptr, "The requested resource was not found."},
    {405, "invalid_request_error", "method_not_supported", "Method not allowed."},
    {408, "timeout", nullptr, "Request timed out."},
    {409, "invalid_request_error", nullptr, "The resource is locked by another request."},
    {413, "invalid_request_error", nullptr, "Request entity too large."},
    {429, "requests", "rate_limit_exceeded", "Rate limit reached. Please try again later."},
    {503, "service_unavailable_error", "server_is_overloaded",
     "The engine is currently overloaded, please try again later"},
    {500, "server_error", nullptr, "The server had an error while processing your request. Sorry about that!"},
};

error_default const& default_of(unsigned status) {
    for (auto const& d : defaults)
        if (d.status == status) return d;
    return status < 500 ? std::begin(defaults)[0] : std::end(defaults)[-1];
}

std::string error_body(unsigned status, json const& overrides) {
    record error;
    if (status >= 400) {  // an error inside a 200 has no defaults: it says what the rule says
        auto const& d = default_of(status);
        error["message"] = d.message;
        error["type"] = d.type;
        error["param"] = nullptr;
        error["code"] = d.code == nullptr ? record(nullptr) : record(d.code);
    }
    for (auto const& [name, value] : overrides.items()) error[name] = value;
    return to_line(record{{"error", std::move(error)}});
}

// The time in which a bucket of `limit` a minute regains one, as Go writes a duration.
std::string refill_time(std::int64_t limit, std::int64_t taken) {
    auto const ms = (60'000 * taken + limit - 1) / limit;
    return ms < 1000 ? std::to_string(ms) + "ms"
                     : std::to_string(ms / 1000) + "." + std::to_string(ms % 1000 / 100) + "s";
}

void add_headers(http_answer& answer, config const& settings, std::string const& request_id,
                 std::int64_t processing_ms) {
    constexpr std::int64_t tokens_shown_as_taken = 1;
    answer.set("x-request-id", request_id);
    answer.set("openai-processing-ms", std::to_string(processing_ms));
    answer.set("openai-version", "2020-10-01");
    answer.set("cf-ray", make_id("", hash_of(request_id), 16) + "-SIM");
    answer.set("x-ratelimit-limit-requests", std::to_string(settings.requests_per_minute));
    answer.set("x-ratelimit-limit-tokens", std::to_string(settings.tokens_per_minute));
    answer.set("x-ratelimit-remaining-requests", std::to_string(settings.requests_per_minute - 1));
    answer.set("x-ratelimit-remaining-tokens", std::to_string(settings.tokens_per_minute - tokens_shown_as_taken));
    answer.set("x-ratelimit-reset-requests", refill_time(settings.requests_per_minute, 1));
    answer.set("x-ratelimit-reset-tokens", refill_time(settings.tokens_per_minute, tokens_shown_as_taken));
}

bool admits(http_request const& request, std::string_view prefix) {
    if (prefix.empty()) return true;
    auto const value = request.header("authorization");
    constexpr std::string_view scheme = "Bearer ";
    return value && value->starts_with(scheme) && value->substr(scheme.size()).starts_with(prefix);
}

}  // namespace

provider_shape const shape{"openai", &error_body, &add_headers, &admits};

}  // namespace provider_sim::openai
