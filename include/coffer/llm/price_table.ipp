// SPDX-License-Identifier: BSL-1.0
#pragma once
// Definitions of price_table.hpp.

#include <coffer/llm/price_table.hpp>

#include <array>

namespace coffer::inline COFFER_ABI::llm {

COFFER_INLINE price_table& price_table::set(std::string model, price_card card) & {
    auto const at = std::ranges::lower_bound(rows_, model, {}, &row::first);
    if (at != rows_.end() && at->first == model) at->second = std::move(card);
    else rows_.emplace(at, std::move(model), std::move(card));
    return *this;
}

COFFER_INLINE price_table&& price_table::set(std::string model, price_card card) && {
    return std::move(set(std::move(model), std::move(card)));
}

COFFER_INLINE bool price_table::erase(std::string_view model) {
    return std::erase_if(rows_, [&](row const& r) { return r.first == model; }) != 0;
}

COFFER_INLINE price_card const* price_table::find(std::string_view model) const noexcept {
    if (auto const* const own = exactly(model)) return own;
    constexpr std::array<std::size_t, 3> dates{5, 9, 11};  // the longest name first
    for (auto const length : dates) {
        if (model.size() <= length || !detail::is_snapshot_date(model.substr(model.size() - length))) continue;
        if (auto const* const card = exactly(model.substr(0, model.size() - length))) return card;
    }
    return nullptr;
}

COFFER_INLINE std::optional<price_card> price_table::dearest() const {
    std::optional<token_rates> most;
    unit_fees fees;
    std::string_view day;
    for (auto const& [name, card] : rows_) {
        if (!card.refused().empty()) continue;
        card.for_each_rates([&](token_rates const& r) {
            if (!most) most.emplace();
            include(*most, r);
        });
        include(fees, card.fees());
        day = std::max<std::string_view>(day, card.as_of());
    }
    if (!most) return std::nullopt;
    price_card all{*most, day};
    for (auto const t : {service_tier::flex, service_tier::priority, service_tier::batch}) all.tier(t, *most);
    all.fees(fees);
    return all;
}

COFFER_INLINE price_card const* price_table::exactly(std::string_view model) const noexcept {
    auto const at = std::ranges::lower_bound(rows_, model, {}, &row::first);
    return at != rows_.end() && at->first == model ? &at->second : nullptr;
}

COFFER_INLINE void price_table::include(token_rates& most, token_rates const& r) noexcept {
    using detail::raise;
    auto const write = r.cache_write.value_or(r.input);
    most.input = std::max(most.input, r.input);
    most.output = std::max(most.output, r.output);
    raise(most.cache_read, std::optional{r.cache_read.value_or(r.input)});
    raise(most.cache_write, std::optional{write});
    raise(most.cache_write_1h, std::optional{r.cache_write_1h.value_or(write)});
    raise(most.reasoning, std::optional{r.reasoning.value_or(r.output)});
    raise(most.audio_in, r.audio_in);
    raise(most.audio_out, r.audio_out);
    raise(most.image_in, r.image_in);
    raise(most.image_out, r.image_out);
}

COFFER_INLINE void price_table::include(unit_fees& most, unit_fees const& f) noexcept {
    most.request = std::max(most.request, f.request);
    detail::raise(most.tool_call, f.tool_call);
    detail::raise(most.image, f.image);
    if (!f.web_search) return;
    if (!most.web_search) most.web_search.emplace();
    for (std::size_t i = 0; i < f.web_search->size(); ++i)
        (*most.web_search)[i] = std::max((*most.web_search)[i], (*f.web_search)[i]);
}

}  // namespace coffer::inline COFFER_ABI::llm
