// SPDX-License-Identifier: BSL-1.0
#pragma once
// Models and their prices. An unknown model has an unknown price, never zero, and never that of a relative.

#include <coffer/llm/price_card.hpp>

#include <algorithm>
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
    price_table& set(std::string model, price_card card) &;
    /// The same of a temporary.
    price_table&& set(std::string model, price_card card) &&;
    /// True if it was there.
    bool erase(std::string_view model);

    /// The card of that model, or of the model of which it is a dated snapshot: `gpt-4o-mini-2024-07-18` is
    /// `gpt-4o-mini`, unless it is listed itself; `gpt-4o-mini-tts` is not. Null if unknown. Valid until the table
    /// changes.
    [[nodiscard]] price_card const* find(std::string_view model) const noexcept;
    /// A card on which everything costs what it costs with the dearest model of the table, in the dearest tier and for
    /// the dearest size. Models whose prices were refused are left out. Nothing if no model is left.
    [[nodiscard]] std::optional<price_card> dearest() const;
    /// Models.
    [[nodiscard]] std::size_t size() const noexcept { return rows_.size(); }
    /// No model is known.
    [[nodiscard]] bool empty() const noexcept { return rows_.empty(); }

private:
    using row = std::pair<std::string, price_card>;

    [[nodiscard]] price_card const* exactly(std::string_view model) const noexcept;
    // With what a missing rate stands for written out: the largest of each then holds whatever is missing elsewhere.
    static void include(token_rates& most, token_rates const& r) noexcept;
    static void include(unit_fees& most, unit_fees const& f) noexcept;

    std::vector<row> rows_;  // by name
};

}  // namespace coffer::inline COFFER_ABI::llm

#if !defined(COFFER_SEPARATE_COMPILATION)
#include <coffer/llm/price_table.ipp>
#endif
