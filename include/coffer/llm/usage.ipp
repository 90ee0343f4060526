// SPDX-License-Identifier: BSL-1.0
#pragma once
// Definitions of usage.hpp.

#include <coffer/llm/usage.hpp>

#include <algorithm>
#include <array>
#include <charconv>

namespace coffer::inline COFFER_ABI {

namespace llm {

COFFER_INLINE std::optional<usage> usage_of(json const& body) noexcept {
    using detail::member;
    auto const* const said = member(&body, "usage");
    auto const prompt = detail::count_of(member(said, "prompt_tokens"));
    auto const completion = detail::count_of(member(said, "completion_tokens"));
    if (!prompt || !completion) return std::nullopt;

    bool sane = true;
    auto const count = [&](json const* value) -> std::int64_t {
        if (value == nullptr) return 0;
        auto const n = detail::count_of(value);
        sane = sane && n.has_value();
        return n.value_or(0);
    };
    auto const part = [&](char const* group, char const* name) { return count(member(said, group, name)); };
    usage u;
    u.input_cache_read = part("prompt_tokens_details", "cached_tokens");
    u.input_cache_write_5m = part("prompt_tokens_details", "cache_write_tokens");
    u.input_audio = part("prompt_tokens_details", "audio_tokens");
    u.output_audio = part("completion_tokens_details", "audio_tokens");
    u.reasoning = part("completion_tokens_details", "reasoning_tokens");
    u.output_image = part("completion_tokens_details", "image_tokens");
    auto const fresh = *prompt - u.input_cache_read - u.input_cache_write_5m - u.input_audio;
    u.input_image = std::min(part("prompt_tokens_details", "image_tokens"), std::max<std::int64_t>(fresh, 0));
    u.input_fresh = fresh - u.input_image;
    u.output = *completion - u.output_audio - u.output_image;
    u.web_searches = part("server_tool_use", "web_search_requests");
    u.tool_calls = std::max(count(member(said, "num_sources_used")), count(member(said, "num_server_side_tools_used")));
    if (!sane || fresh < 0 || u.output < 0 || u.reasoning > u.output) return std::nullopt;
    return u;
}

}  // namespace llm

namespace llm::detail {

COFFER_INLINE std::optional<money> dollars(json const* value) noexcept {
    if (value == nullptr || !value->is_number()) return std::nullopt;
    std::array<char, 32> text;
    auto* const end = text.data() + text.size();
    auto const written = value->is_number_unsigned() ? std::to_chars(text.data(), end, value->get<std::uint64_t>())
                         : value->is_number_integer()
                             ? std::to_chars(text.data(), end, value->get<std::int64_t>())
                             : std::to_chars(text.data(), end, value->get<double>(), std::chars_format::scientific, 14);
    auto const nano = coffer::detail::read_decimal({text.data(), written.ptr}, 9);
    return nano ? std::optional{money::from_nano(nano->units)} : std::nullopt;
}

}  // namespace llm::detail

namespace llm {

COFFER_INLINE std::optional<money> reported_cost(json const& body) noexcept {
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

}  // namespace llm

}  // namespace coffer::inline COFFER_ABI
