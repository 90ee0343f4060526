// SPDX-License-Identifier: BSL-1.0
#pragma once
// Definitions of error_codes.hpp.

#include <coffer/llm/error_codes.hpp>

#include <algorithm>

namespace coffer::inline COFFER_ABI::llm {

COFFER_INLINE std::optional<fault_kind> kind_of_code(std::string_view word) noexcept {
    struct entry {
        std::string_view word;
        fault_kind kind;
    };
    using enum fault_kind;
    static constexpr entry table[] = {
        // money or quota: retrying will not restore access
        {"insufficient_quota", quota_exhausted},
        {"credit_balance_exhausted", quota_exhausted},
        {"organization_spend_limit_exceeded", quota_exhausted},
        {"project_spend_limit_exceeded", quota_exhausted},
        {"organization_usage_limit_exceeded", quota_exhausted},
        {"billing_hard_limit_reached", quota_exhausted},
        {"billing_not_active", quota_exhausted},
        {"weight_exceeds_budget", quota_exhausted},
        // rate
        {"rate_limit_exceeded", throttled},
        {"rate_limit_error", throttled},
        {"slow_down", throttled},
        {"in_flight_budget_exhausted", throttled},
        // capacity
        {"server_is_overloaded", overloaded},
        {"service_unavailable_error", overloaded},
        {"overloaded_error", overloaded},
        {"provider_overloaded", overloaded},
        {"capacity_exceeded", overloaded},
        // the request
        {"context_length_exceeded", context_length},
        {"request_too_large", too_large},
        {"content_policy_violation", content_policy},
        {"image_content_policy_violation", content_policy},
        {"invalid_prompt", content_policy},
        {"content_filter", content_policy},
        {"bio_policy", content_policy},
        // access
        {"invalid_api_key", unauthorized},
        {"authentication_error", unauthorized},
        {"account_deactivated", unauthorized},
        {"permission_error", forbidden},
        {"unsupported_country_region_territory", forbidden},
        {"data_residency_mismatch", forbidden},
        {"model_not_found", not_found},
        {"DeploymentNotFound", not_found},
    };
    for (auto const& e : table)
        if (http::detail::equal_names(e.word, word)) return e.kind;
    return std::nullopt;
}

COFFER_INLINE std::string known_word(std::string_view word) {
    static constexpr std::string_view others[] = {
        "invalid_request_error", "not_found_error", "api_error", "server_error", "internal_server_error",
        "internal_error", "bad_gateway", "timeout", "timeout_error", "upstream_error", "provider_error", "requests",
        "tokens", "unsupported_parameter", "unsupported_value", "invalid_value", "missing_required_parameter",
        // finish reasons
        "stop", "length", "content_filter", "tool_calls", "function_call", "error", "abort", "cancelled", "safety",
        "recitation", "blocklist", "prohibited_content", "malformed_function_call", "other", "max_tokens", "pause_turn",
        "refusal", "unknown"};
    bool const number = word.size() <= 3 && std::ranges::all_of(word, [](char c) { return c >= '0' && c <= '9'; });
    bool const known = number || kind_of_code(word) ||
                       std::ranges::any_of(others, [&](auto o) { return http::detail::equal_names(o, word); });
    return known ? std::string{word} : std::string{};
}

}  // namespace coffer::inline COFFER_ABI::llm
