// SPDX-License-Identifier: BSL-1.0
#pragma once
// Models and their prices. An unknown model has an unknown price, never zero, and never that of a relative.

#include <coffer/llm/price_card.hpp>

#include <algorithm>
#include <array>
#include <cstddef>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace coffer::inline COFFER_ABI::llm {

namespace detail {

/// Is that a day behind a model's name: `-2024-07-18`, `-20240718`, `-0613`?
[[nodiscard]] constexpr bool is_snapshot_date(std::string_view suffix) noexcept {
    auto const like = [&](std::string_view pattern) {
        return std::ranges::equal(suffix, pattern,
                                  [](char c, char p) { return p == 'd' ? c >= '0' && c <= '9' : c == p; });
    };
    bool const month_and_day = like("-dddd") && suffix.substr(1, 2) <= "12" && suffix.substr(3, 2) <= "31";
    return month_and_day || like("-dddd-dd-dd") || like("-dddddddd");
}

/// The larger one of two prices that may not be listed.
template <class Price>
constexpr void raise(std::optional<Price>& to, std::optional<Price> const& other) noexcept {
    if (other && (!to || *to < *other)) to = other;
}

}  // namespace detail

/// Models and their prices. A regular value type; safe to share const across threads.
class price_table {
public:
    price_table() = default;

    /// Adds a model, or replaces its prices.
    price_table& set(std::string model, price_card card) & {
        auto const at = std::ranges::lower_bound(rows_, model, {}, &row::first);
        if (at != rows_.end() && at->first == model) at->second = std::move(card);
        else rows_.emplace(at, std::move(model), std::move(card));
        return *this;
    }
    /// The same of a temporary.
    price_table&& set(std::string model, price_card card) && {
        return std::move(set(std::move(model), std::move(card)));
    }
    /// True if it was there.
    bool erase(std::string_view model) {
        return std::erase_if(rows_, [&](row const& r) { return r.first == model; }) != 0;
    }

    /// The card of that model, or of the model of which it is a dated snapshot: `gpt-4o-mini-2024-07-18` is
    /// `gpt-4o-mini`, unless it is listed itself; `gpt-4o-mini-tts` is not. Null if unknown. Valid until the table
    /// changes.
    [[nodiscard]] price_card const* find(std::string_view model) const noexcept {
        if (auto const* const own = exactly(model)) return own;
        constexpr std::array<std::size_t, 3> dates{5, 9, 11};  // the longest name first
        for (auto const length : dates) {
            if (model.size() <= length || !detail::is_snapshot_date(model.substr(model.size() - length))) continue;
            if (auto const* const card = exactly(model.substr(0, model.size() - length))) return card;
        }
        return nullptr;
    }
    /// A card on which everything costs what it costs with the dearest model of the table, in the dearest tier and for
    /// the dearest size. Models whose prices were refused are left out. Nothing if no model is left.
    [[nodiscard]] std::optional<price_card> dearest() const {
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
    /// Models.
    [[nodiscard]] std::size_t size() const noexcept { return rows_.size(); }
    /// No model is known.
    [[nodiscard]] bool empty() const noexcept { return rows_.empty(); }

private:
    using row = std::pair<std::string, price_card>;

    [[nodiscard]] price_card const* exactly(std::string_view model) const noexcept {
        auto const at = std::ranges::lower_bound(rows_, model, {}, &row::first);
        return at != rows_.end() && at->first == model ? &at->second : nullptr;
    }
    // With what a missing rate stands for written out: the largest of each then holds whatever is missing elsewhere.
    static void include(token_rates& most, token_rates const& r) noexcept {
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
    static void include(unit_fees& most, unit_fees const& f) noexcept {
        most.request = std::max(most.request, f.request);
        detail::raise(most.tool_call, f.tool_call);
        detail::raise(most.image, f.image);
        if (!f.web_search) return;
        if (!most.web_search) most.web_search.emplace();
        for (std::size_t i = 0; i < f.web_search->size(); ++i)
            (*most.web_search)[i] = std::max((*most.web_search)[i], (*f.web_search)[i]);
    }

    std::vector<row> rows_;  // by name
};

}  // namespace coffer::inline COFFER_ABI::llm
