// SPDX-License-Identifier: BSL-1.0
#pragma once
// Definitions of cost.hpp.

#include <coffer/llm/cost.hpp>

#include <algorithm>

namespace coffer::inline COFFER_ABI {

namespace llm::detail {

COFFER_INLINE std::optional<money> search_fee(unit_fees const& fees, std::optional<search_context> size) noexcept {
    if (!fees.web_search) return std::nullopt;
    return size ? (*fees.web_search)[static_cast<std::size_t>(*size)] : *std::ranges::max_element(*fees.web_search);
}

}  // namespace llm::detail

namespace llm {

COFFER_INLINE std::optional<money> cost_of(usage const& u, price_card const& card, cost_terms const& terms) noexcept {
    bool const sane = u.reasoning <= u.output &&
                      std::ranges::all_of(usage_buckets, [&](std::int64_t usage::* b) { return u.*b >= 0; });
    if (!sane || !card.refused().empty()) return std::nullopt;
    std::int64_t prompt = 0;
    for (auto const part : {u.input_fresh, u.input_cache_read, u.input_cache_write_5m, u.input_cache_write_1h,
                            u.input_audio, u.input_image})
        prompt = detail::plus(prompt, part);
    auto const* const r = card.rates(prompt, terms.tier);
    if (r == nullptr) return std::nullopt;
    if (card.always_searches() && u.web_searches == 0) return std::nullopt;  // it has, and nobody says how often

    cost_sum sum;
    bool known = true;
    auto const add = [&](std::int64_t units, auto const& price) {
        if (units == 0) return;
        if (price) sum.add(units, *price);
        else known = false;
    };
    auto const& fees = card.fees();
    auto const write = r->cache_write.value_or(r->input);
    sum.add(u.input_fresh, r->input)
        .add(u.input_cache_read, r->cache_read.value_or(r->input))
        .add(u.input_cache_write_5m, write)
        .add(u.input_cache_write_1h, r->cache_write_1h.value_or(write))
        .add(u.output - u.reasoning, r->output)
        .add(u.reasoning, r->reasoning.value_or(r->output))
        .add(1, fees.request);
    add(u.input_audio, r->audio_in);
    add(u.input_image, r->image_in);
    add(u.output_audio, r->audio_out);
    add(u.output_image, r->image_out);
    add(u.web_searches, detail::search_fee(fees, terms.searched));
    add(u.tool_calls, fees.tool_call);
    if (fees.image) {
        if (terms.images) sum.add(*terms.images, *fees.image);
        else known = false;
    }
    return known ? std::optional{sum.round_up()} : std::nullopt;
}

COFFER_INLINE std::optional<upper_bound> bound_of(quantities const& q, dearest_rates const& rates,
                                                  unit_fees const& fees,
                                                  std::optional<search_context> searched) noexcept {
    auto const output = q.may_speak ? rates.spoken : rates.output;
    cost_sum sum;
    sum.add(q.text_tokens, rates.text)
        .add(q.part_tokens, rates.part)
        .add(detail::times(q.output_tokens, q.choices), output)
        .add(1, fees.request)
        .add(q.images, fees.image.value_or(money{}));
    if (q.web_searches != 0) {
        auto const fee = detail::search_fee(fees, searched);
        if (!fee) return std::nullopt;
        sum.add(q.web_searches, *fee);
    }
    if (q.tool_calls != 0) {
        if (!fees.tool_call) return std::nullopt;
        sum.add(q.tool_calls, *fees.tool_call);
    }
    return upper_bound{sum.round_up(), token_price::from_pico(detail::times(output.pico(), q.choices))};
}

}  // namespace llm

}  // namespace coffer::inline COFFER_ABI
