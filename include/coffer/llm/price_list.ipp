// SPDX-License-Identifier: BSL-1.0
#pragma once
// Definitions of price_list.hpp.

#include <coffer/llm/price_list.hpp>

#include <algorithm>
#include <array>
#include <stdexcept>
#include <utility>

namespace coffer::inline COFFER_ABI::llm {

COFFER_INLINE price_list price_list::from_json(std::string_view text, std::string_view day, std::string_view provider) {
    bool const is_day = day.size() == 10 && day[4] == '-' && day[7] == '-' &&
                        day.find_first_not_of("0123456789-") == day.npos && std::ranges::count(day, '-') == 2;
    if (!is_day)
        throw std::invalid_argument{
            "coffer::llm::price_list: the day of the prices is written YYYY-MM-DD, e.g. \"2026-11-21\""};
    auto const document = detail::parse_exact_json(text);
    if (!document || !document->is_object())
        throw std::invalid_argument{
            "coffer::llm::price_list: the text is no JSON object with a member for each model, as "
            "model_prices_and_context_window.json is"};
    price_list list;
    for (auto const& [name, entry] : document->items()) {
        auto const whose = detail::text_of(detail::member(&entry, "litellm_provider"));
        if (!provider.empty() && whose != provider) continue;
        std::string_view model = name;
        if (!provider.empty() && model.starts_with(provider) && model.substr(provider.size()).starts_with('/'))
            model.remove_prefix(provider.size() + 1);
        list.read(model, entry, day);
    }
    return list;
}

COFFER_INLINE void price_list::read(std::string_view model, json const& entry, std::string_view day) {
    constexpr std::array<std::string_view, 3> modes{"chat", "completion", "responses"};
    std::string const name{model};
    if (!entry.is_object()) return skipped.push_back({name, "the entry is no object"});
    auto const mode = detail::text_of(detail::member(&entry, "mode"));
    if (!mode.empty() && std::ranges::find(modes, mode) == modes.end())
        return skipped.push_back({name, "its mode is not chat, completion or responses"});
    detail::price_entry one{model, entry};
    auto card = one.card(day);
    if (!card) return skipped.push_back({name, one.skipped()});
    if (!one.refused().empty()) refused.push_back({name, one.refused()});
    for (auto const& remark : one.remarks()) remarks.push_back({name, remark});
    prices.set(name, *std::move(card));
}

}  // namespace coffer::inline COFFER_ABI::llm
