// SPDX-License-Identifier: BSL-1.0
#pragma once
// Reads what an OpenAI-shaped body says it consumed, into buckets that do not overlap.

#include <coffer/base/money.hpp>
#include <coffer/base/usage.hpp>
#include <coffer/llm/json.hpp>

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <optional>

namespace coffer::inline v0::llm {

/// The `usage` of a chat completion's body, or nothing if it is missing, null, or makes no sense (a negative number,
/// more cached tokens than there were). Unknown is not zero, and an explicit zero is not unknown.
///
/// `prompt_tokens` includes what was read from and written to the cache and what was audio; `completion_tokens`
/// includes reasoning, audio and rejected predictions (openai-python, types/completion_usage.py).
[[nodiscard]] inline std::optional<usage> usage_of(json const& body) noexcept {
    using detail::member;
    auto const* const said = member(&body, "usage");
    auto const prompt = detail::count_of(member(said, "prompt_tokens"));
    auto const completion = detail::count_of(member(said, "completion_tokens"));
    if (!prompt || !completion) return std::nullopt;

    bool sane = true;
    auto const part = [&](char const* group, char const* name) -> std::int64_t {
        auto const* const value = member(said, group, name);
        if (value == nullptr) return 0;
        auto const n = detail::count_of(value);
        sane = sane && n.has_value();
        return n.value_or(0);
    };
    usage u;
    u.input_cache_read = part("prompt_tokens_details", "cached_tokens");
    u.input_cache_write_5m = part("prompt_tokens_details", "cache_write_tokens");
    u.input_audio = part("prompt_tokens_details", "audio_tokens");
    u.output_audio = part("completion_tokens_details", "audio_tokens");
    u.reasoning = part("completion_tokens_details", "reasoning_tokens");
    u.input_fresh = *prompt - u.input_cache_read - u.input_cache_write_5m - u.input_audio;
    u.output = *completion - u.output_audio;
    if (!sane || u.input_fresh < 0 || u.output < 0 || u.reasoning > u.output) return std::nullopt;
    return u;
}

namespace detail {

/// Dollars written as a decimal fraction, in nano-dollars. What lies between two is rounded up; what is only the noise
/// of a double is not.
[[nodiscard]] inline std::optional<money> dollars(json const* value) noexcept {
    if (value == nullptr || !value->is_number()) return std::nullopt;
    auto const nano = value->get<double>() * static_cast<double>(money::nano_per_usd);
    if (!(nano >= 0) || nano > 1e18) return std::nullopt;
    auto const nearest = std::round(nano);
    bool const noise = std::abs(nano - nearest) <= std::max(1e-6, nano * 1e-14);
    return money::from_nano(static_cast<std::int64_t>(noise ? nearest : std::ceil(nano)));
}

}  // namespace detail

/// The cost that the provider itself reports in the body, which is better than any price list. Nothing if it does not.
///
/// OpenRouter: `usage.cost` in credits, which are dollars; with a key of one's own (`is_byok`) that is only its fee,
/// and the upstream's `cost_details.upstream_inference_cost` comes on top
/// (openrouter.ai/docs/use-cases/usage-accounting). If that part is missing, the cost is unknown. xAI:
/// `usage.cost_in_usd_ticks`, 10^10 to the dollar.
[[nodiscard]] inline std::optional<money> reported_cost(json const& body) noexcept {
    using detail::member;
    auto const* const said = member(&body, "usage");
    if (auto const* const ticks = member(said, "cost_in_usd_ticks")) {
        if (ticks->is_number_unsigned() && ticks->get<std::uint64_t>() <= 1'000'000'000'000'000'000U)
            return money::from_nano(static_cast<std::int64_t>((ticks->get<std::uint64_t>() + 9) / 10));
    }
    auto const cost = detail::dollars(member(said, "cost"));
    auto const* const own_key = member(said, "is_byok");
    if (!cost || own_key == nullptr || !own_key->is_boolean() || !own_key->get<bool>()) return cost;
    auto const upstream = detail::dollars(member(said, "cost_details", "upstream_inference_cost"));
    return upstream ? std::optional{*cost + *upstream} : std::nullopt;
}

}  // namespace coffer::inline v0::llm
