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

#include <string>
#include <string_view>
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
                                              std::string_view provider = {});

    price_table prices;  ///< what was understood
    std::vector<note> skipped;  ///< not in `prices`: no model that writes text, or its price is not there or no number
    /// In `prices`, but without bound and cost: a field that speaks of money was not understood, and what is left might be
    /// too low.
    std::vector<note> refused;
    std::vector<note> remarks;  ///< priced, but not as it stands: rounded up, a service tier left out

private:
    void read(std::string_view model, json const& entry, std::string_view day);
};

}  // namespace coffer::inline COFFER_ABI::llm

#if !defined(COFFER_SEPARATE_COMPILATION)
#include <coffer/llm/price_list.ipp>
#endif
