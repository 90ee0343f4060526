// SPDX-License-Identifier: BSL-1.0
#pragma once
// Reads prices from JSON in the field names of the widely used public list (litellm's
// model_prices_and_context_window.json).
//
//     auto list = llm::price_list::from_json(text_of_file, "2026-11-21", "openai");
//     options.prices = std::move(list.prices);
//     for (auto const& note : list.refused) std::clog << note.model << ": " << note.what << '\n';

#include <coffer/llm/exact_json.hpp>
#include <coffer/llm/price_entry.hpp>
#include <coffer/llm/price_table.hpp>

#include <algorithm>
#include <array>
#include <stdexcept>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace coffer::inline COFFER_ABI::llm {

/// What was read of a list, model by model.
class price_list {
public:
    /// A model, and what is wrong with its entry.
    struct note {
        std::string model;  ///< as the list names it
        std::string what;  ///< for people
        friend bool operator==(note const&, note const&) = default;
    };

    /// Reads a list as of `day`, `YYYY-MM-DD`: the day on which its prices were good. With `provider`, only the entries of
    /// that `litellm_provider`, and their names without `provider/` before them.
    ///
    /// Numbers are read digit by digit, never through a double; what is finer than a pico-dollar per token, or than a
    /// nano-dollar per piece, is rounded up and said in `remarks`. An entry that cannot be priced spoils no other one.
    /// Throws `std::invalid_argument` if the text is no JSON object, or the day is none.
    [[nodiscard]] static price_list from_json(std::string_view text, std::string_view day,
                                              std::string_view provider = {}) {
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

    price_table prices;  ///< what was understood
    std::vector<note> skipped;  ///< not in `prices`: no model that writes text, or its price is not there or no number
    /// In `prices`, but without bound and cost: a field that speaks of money was not understood, and what is left might be
    /// too low.
    std::vector<note> refused;
    std::vector<note> remarks;  ///< priced, but not as it stands: rounded up, a service tier left out

private:
    void read(std::string_view model, json const& entry, std::string_view day) {
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
};

}  // namespace coffer::inline COFFER_ABI::llm
