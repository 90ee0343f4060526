// SPDX-License-Identifier: BSL-1.0
#pragma once
// One entry of the public price list, as a card.

#include <coffer/base/decimal.hpp>
#include <coffer/base/money.hpp>
#include <coffer/llm/exact_json.hpp>
#include <coffer/llm/price_card.hpp>
#include <coffer/llm/price_fields.hpp>

#include <array>
#include <cstddef>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace coffer::inline COFFER_ABI::llm::detail {

/// Reads the fields of one entry. Complaints are collected, not thrown.
class price_entry {
public:
    price_entry(std::string_view model, json const& entry);

    /// The card, or nothing; then `skipped` says why.
    [[nodiscard]] std::optional<price_card> card(std::string_view day);
    [[nodiscard]] std::string const& skipped() const noexcept { return skipped_; }
    [[nodiscard]] std::string const& refused() const noexcept { return refused_; }
    [[nodiscard]] std::vector<std::string> const& remarks() const noexcept { return remarks_; }

private:
    using listed = std::array<std::optional<token_price>, listed_rates>;
    using place = std::pair<service_tier, std::int64_t>;
    static constexpr std::int64_t any_size = -1;
    static constexpr std::size_t at(listed_rate r) noexcept { return static_cast<std::size_t>(r); }

    void skip(std::string why);
    void refuse(std::string_view field);

    /// A number in units of 10^-`places` dollars.
    [[nodiscard]] std::optional<std::int64_t> amount(std::string const& name, json const& value, int places);
    [[nodiscard]] std::optional<money> fee(std::string const& name, json const& value);

    void read(std::string const& name, json const& value);

    void read_searches(std::string const& name, json const& value);

    /// `tiered_pricing`: rates by size, which stand instead of those of the whole entry.
    void read_sizes(json const& tiers);

    void add_tier(price_card& c, service_tier tier);
    [[nodiscard]] static char const* name_of(service_tier t) noexcept;

    /// The rates of one size in one tier. What is missing there is taken from the next smaller size, if it must be there
    /// at all; a rate that is dearer than the one it stands for elsewhere is at least that dear here.
    [[nodiscard]] static token_rates completed(listed const& rates, token_rates const* lower, listed const* standard);

    std::string_view model_;
    std::map<place, listed> rates_;
    unit_fees fees_;
    std::optional<money> image_fee_;
    bool pays_for_images_ = false;  // for those that it makes
    std::string skipped_;
    std::string refused_;
    std::vector<std::string> remarks_;
};

}  // namespace coffer::inline COFFER_ABI::llm::detail

#if !defined(COFFER_SEPARATE_COMPILATION)
#include <coffer/llm/price_entry.ipp>
#endif
