// SPDX-License-Identifier: BSL-1.0
#pragma once
// Definitions of price_fields.hpp.

#include <coffer/llm/price_fields.hpp>

#include <algorithm>
#include <array>
#include <charconv>
#include <system_error>
#include <utility>

namespace coffer::inline COFFER_ABI::llm::detail {

COFFER_INLINE std::optional<std::int64_t> take_size(std::string_view& rest) noexcept {
    constexpr std::string_view prefix = "_above_";
    if (!rest.starts_with(prefix)) return std::nullopt;
    auto const number = rest.substr(prefix.size());
    std::int64_t n = 0;
    auto const [end, error] = std::from_chars(number.data(), number.data() + number.size(), n);
    if (error != std::errc{} || n < 0 || n > 1'000'000) return std::nullopt;
    auto after = number.substr(static_cast<std::size_t>(end - number.data()));
    for (auto const& [unit, tokens] : {std::pair<std::string_view, std::int64_t>{"k_tokens", 1'000},
                                       std::pair<std::string_view, std::int64_t>{"m_tokens", 1'000'000}}) {
        if (!after.starts_with(unit)) continue;
        rest = after.substr(unit.size());
        return n * tokens;
    }
    return std::nullopt;
}

COFFER_INLINE std::optional<rate_field> read_rate_field(std::string_view name) noexcept {
    using enum listed_rate;
    // Longer names before those that they begin with.
    constexpr std::array<std::pair<std::string_view, listed_rate>, 11> bases{{
        {"input_cost_per_token_cache_hit", cache_read},
        {"input_cost_per_token", input},
        {"output_cost_per_token", output},
        {"cache_read_input_token_cost", cache_read},
        {"cache_creation_input_token_cost_above_1hr", cache_write_1h},
        {"cache_creation_input_token_cost", cache_write},
        {"input_cost_per_audio_token", audio_in},
        {"output_cost_per_audio_token", audio_out},
        {"input_cost_per_image_token", image_in},
        {"output_cost_per_image_token", image_out},
        {"output_cost_per_reasoning_token", reasoning},
    }};
    auto const base = std::ranges::find_if(bases, [&](auto const& b) { return name.starts_with(b.first); });
    if (base == bases.end()) return std::nullopt;
    rate_field field;
    field.rate = base->second;
    constexpr std::array<std::pair<std::string_view, service_tier>, 3> tiers{
        {{"_flex", service_tier::flex}, {"_priority", service_tier::priority}, {"_batches", service_tier::batch}}};
    for (auto rest = name.substr(base->first.size()); !rest.empty();) {
        if (auto const size = take_size(rest)) {
            if (field.above >= 0) return std::nullopt;
            field.above = *size;
            continue;
        }
        auto const tier = std::ranges::find_if(tiers, [&](auto const& t) { return rest.starts_with(t.first); });
        if (tier != tiers.end() && field.tier == service_tier::standard && !field.foreign_tier) {
            field.tier = tier->second;
            rest.remove_prefix(tier->first.size());
        } else if (rest == "_ultrafast" || rest == "_fast" || rest == "_batch_requests") {
            field.foreign_tier = true;
            rest = {};
        } else {
            return std::nullopt;
        }
    }
    return field;
}

COFFER_INLINE bool is_price_of_absent_parts(std::string_view name) noexcept {
    constexpr std::array<std::string_view, 11> names{
        "code_interpreter_cost_per_session", "computer_use_input_cost_per_1k_tokens",
        "computer_use_output_cost_per_1k_tokens", "file_search_cost_per_1k_calls", "file_search_cost_per_gb_per_day",
        "vector_store_cost_per_gb_per_day", "google_maps_grounding_cost_per_query", "web_search_billing_unit",
        // Other hosts, and modes of other providers, that are asked for explicitly.
        "regional_processing_uplift_multiplier_eu", "regional_processing_uplift_multiplier_us",
        "provider_specific_entry"};
    return std::ranges::find(names, name) != names.end();
}

COFFER_INLINE bool speaks_of_money(std::string_view name) noexcept {
    constexpr std::array<std::string_view, 8> words{"cost",       "pric",     "fee",    "billing",
                                                    "multiplier", "discount", "charge", "uplift"};
    return std::ranges::any_of(words, [&](std::string_view w) { return name.find(w) != name.npos; });
}

}  // namespace coffer::inline COFFER_ABI::llm::detail
