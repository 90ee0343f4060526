// SPDX-License-Identifier: BSL-1.0
#pragma once
// Definitions of price_card.hpp.

#include <coffer/llm/price_card.hpp>

namespace coffer::inline COFFER_ABI::llm {

COFFER_INLINE price_card::price_card(token_price input, token_price output, std::string_view as_of)
    : price_card{token_rates{.input = input, .output = output}, as_of} {}

COFFER_INLINE price_card& price_card::above(std::int64_t prompt_tokens, token_rates rates, service_tier t) & {
    auto& sizes = tiers_[static_cast<std::size_t>(t)];
    auto const at = std::ranges::lower_bound(sizes, prompt_tokens, {}, &step::above);
    if (at != sizes.end() && at->above == prompt_tokens) at->rates = rates;
    else sizes.insert(at, {prompt_tokens, rates});
    return *this;
}

COFFER_INLINE price_card&& price_card::above(std::int64_t prompt_tokens, token_rates rates, service_tier t) && {
    return std::move(above(prompt_tokens, rates, t));
}

COFFER_INLINE price_card&& price_card::refuse(std::string why) && { return std::move(refuse(std::move(why))); }

COFFER_INLINE token_rates const* price_card::rates(std::int64_t prompt_tokens, service_tier t) const noexcept {
    auto const* const own = last_below(t, prompt_tokens);
    auto const* const standard = last_below(service_tier::standard, prompt_tokens);
    if (own == nullptr || (standard != nullptr && own->above < standard->above)) return nullptr;
    return &own->rates;
}

COFFER_INLINE bool price_card::collect(dearest_rates& into, std::int64_t prompt_tokens, service_tier t) const noexcept {
    // Some lists mean "from so many on" where they say "above".
    for (auto const& s : tiers_[static_cast<std::size_t>(t)])
        if (s.above <= prompt_tokens) into.include(s.rates);
    auto const& standard = tiers_[static_cast<std::size_t>(service_tier::standard)];
    return std::ranges::all_of(standard, [&](step const& s) {
        return s.above > prompt_tokens || rates(s.above == nothing ? 0 : s.above + 1, t) != nullptr;
    });
}

COFFER_INLINE bool price_card::lists(service_tier t) const noexcept {
    return !tiers_[static_cast<std::size_t>(t)].empty();
}

COFFER_INLINE price_card::step const* price_card::last_below(service_tier t,
                                                             std::int64_t prompt_tokens) const noexcept {
    step const* found = nullptr;
    for (auto const& s : tiers_[static_cast<std::size_t>(t)])
        if (s.above < prompt_tokens) found = &s;
    return found;
}

}  // namespace coffer::inline COFFER_ABI::llm
