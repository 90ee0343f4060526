// SPDX-License-Identifier: BSL-1.0
#pragma once
// What the words mean that OpenAI-shaped providers put into `error.code` and `error.type`.

#include <coffer/base/fault_kind.hpp>
#include <coffer/http/headers.hpp>

#include <algorithm>
#include <optional>
#include <string>
#include <string_view>

namespace coffer::inline COFFER_ABI::llm {

/// The kind that a code or type names, if it is one that says more than the status does.
///
/// `invalid_request_error` is not among them, because it stands beside every 4xx, and neither is `server_error`, which
/// stands beside every 5xx. Sources: openai-python types/responses/
/// response_error.py; learn.microsoft.com/microsoft-cloud/dev/dev-proxy/concepts/openai-insufficient-quota;
/// console.groq.com/docs/errors; openrouter.ai/docs/api/reference/errors-and-debugging; langchainjs#1929,
/// llama_index#12947, vercel/ai#21345, opencode#25730.
[[nodiscard]] inline std::optional<fault_kind> kind_of_code(std::string_view word) noexcept {
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

/// The word, if it is one that may be shown by whoever does not know the request and hence what is an echo of it: a code,
/// type or finish reason that providers are known to write, or a number of up to three digits. Empty otherwise.
[[nodiscard]] inline std::string known_word(std::string_view word) {
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
