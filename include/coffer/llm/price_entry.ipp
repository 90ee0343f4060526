// SPDX-License-Identifier: BSL-1.0
#pragma once
// Definitions of price_entry.hpp.

#include <coffer/llm/price_entry.hpp>

#include <algorithm>

namespace coffer::inline COFFER_ABI::llm::detail {

COFFER_INLINE price_entry::price_entry(std::string_view model, json const& entry) : model_{model} {
    for (auto const& [name, value] : entry.items()) {
        if (!value.is_null()) read(name, value);
    }
    if (auto const* const tiers = member(&entry, "tiered_pricing")) read_sizes(*tiers);
}

COFFER_INLINE std::optional<price_card> price_entry::card(std::string_view day) {
    if (!skipped_.empty()) return std::nullopt;
    auto const& base = rates_[{service_tier::standard, any_size}];
    if (!base[at(listed_rate::input)] || !base[at(listed_rate::output)]) {
        skipped_ = base[at(listed_rate::input)] ? "no output_cost_per_token" : "no input_cost_per_token";
        return std::nullopt;
    }
    price_card c{completed(base, nullptr, nullptr), day};
    for (auto const tier : {service_tier::standard, service_tier::flex, service_tier::priority, service_tier::batch})
        add_tier(c, tier);
    if (!base[at(listed_rate::image_in)]) fees_.image = image_fee_;  // else it says the same twice
    if (pays_for_images_ && !base[at(listed_rate::image_out)]) refuse("output_cost_per_image");
    c.fees(fees_);
        // Of the search models nobody reports how often they searched.
    for (auto const* const word : {"search-preview", "search-api", "sonar", "deep-research"})
        if (model_.find(word) != model_.npos) c.always_searches();
    if (!refused_.empty()) c.refuse(refused_);
    return c;
}

COFFER_INLINE void price_entry::skip(std::string why) {
    if (skipped_.empty()) skipped_ = std::move(why);
}

COFFER_INLINE void price_entry::refuse(std::string_view field) {
    if (refused_.empty()) refused_ = "its price list has " + std::string{field} + ", which is not understood";
}

COFFER_INLINE std::optional<std::int64_t> price_entry::amount(std::string const& name, json const& value, int places) {
    auto const text = number_text(value);
    auto const read = text ? coffer::detail::read_decimal(*text, places) : std::nullopt;
    if (!read) return skip(name + " is no amount of money"), std::nullopt;
    if (read->rounded_up)
        remarks_.push_back(name + " is finer than a " + (places == 12 ? "pico" : "nano") +
                           "-dollar and was rounded up");
    return read->units;
}

COFFER_INLINE std::optional<money> price_entry::fee(std::string const& name, json const& value) {
    auto const nano = amount(name, value, 9);
    return nano ? std::optional{money::from_nano(*nano)} : std::nullopt;
}

COFFER_INLINE void price_entry::read(std::string const& name, json const& value) {
    if (auto const field = read_rate_field(name)) {
        auto const pico = amount(name, value, 12);
        if (pico && !field->foreign_tier)
            rates_[{field->tier, field->above}][at(field->rate)] = token_price::from_pico(*pico);
    } else if (name == "input_cost_per_request") {
        fees_.request = fee(name, value).value_or(money{});
    } else if (name == "input_cost_per_image") {
        image_fee_ = fee(name, value);
    } else if (name == "output_cost_per_image") {
        pays_for_images_ = true;
    } else if (name == "search_context_cost_per_query") {
        read_searches(name, value);
    } else if (name != "tiered_pricing" && !value.is_boolean() && !is_price_of_absent_parts(name) &&
               speaks_of_money(name)) {
        refuse(name);
    }
}

COFFER_INLINE void price_entry::read_searches(std::string const& name, json const& value) {
    constexpr std::array<std::string_view, 3> sizes{"search_context_size_low", "search_context_size_medium",
                                                    "search_context_size_high"};
    if (!value.is_object()) return refuse(name);
    std::array<std::optional<money>, 3> read;
    for (auto const& [size, amount_of_it] : value.items()) {
        auto const known = std::ranges::find(sizes, size);
        if (known == sizes.end()) return refuse(name);
        read[static_cast<std::size_t>(known - sizes.begin())] = fee(size, amount_of_it);
    }
    auto const dearest = *std::ranges::max_element(read);
    if (!dearest) return;
    auto& fees = fees_.web_search.emplace();
    for (std::size_t i = 0; i < fees.size(); ++i) fees[i] = read[i].value_or(*dearest);
}

COFFER_INLINE void price_entry::read_sizes(json const& tiers) {
    constexpr auto name = "tiered_pricing";
    if (!tiers.is_array()) return refuse(name);
    std::map<std::int64_t, listed> sizes;
    for (auto const& tier : tiers) {
        auto const* const range = member(&tier, "range");
        if (range == nullptr || !range->is_array() || range->empty()) return refuse(name);
        auto const text = number_text(range->front());
        auto const from = text ? coffer::detail::read_decimal(*text, 0) : std::nullopt;
        if (!from || from->rounded_up) return refuse(name);
        auto& rates = sizes[from->units == 0 ? any_size : from->units];
        rates = rates_[{service_tier::standard, any_size}];
        for (auto const& [field, value] : tier.items()) {
            if (field == "range" || value.is_null()) continue;
            auto const known = read_rate_field(field);
            if (!known || known->above != any_size || known->tier != service_tier::standard) return refuse(name);
            auto const pico = amount(field, value, 12);
            if (pico && !known->foreign_tier) rates[at(known->rate)] = token_price::from_pico(*pico);
        }
    }
    if (!sizes.contains(any_size)) return refuse(name);
    for (auto& [above, rates] : sizes) rates_[{service_tier::standard, above}] = rates;
}

COFFER_INLINE void price_entry::add_tier(price_card& c, service_tier tier) {
    token_rates const* lower = nullptr;
    token_rates kept;
    auto const& standard = rates_[{service_tier::standard, any_size}];
    for (auto const& [where, rates] : rates_) {
        if (where.first != tier) continue;
        bool const base = where.second == any_size;
        if (tier != service_tier::standard && lower == nullptr &&
            (!base || !rates[at(listed_rate::input)] || !rates[at(listed_rate::output)])) {
            remarks_.push_back(std::string{"the service tier "} + name_of(tier) +
                               " is left out, because its prices are not complete");
            return;
        }
        kept = completed(rates, lower, base && tier == service_tier::standard ? nullptr : &standard);
        lower = &kept;
        if (base) c.tier(tier, kept);
        else c.above(where.second, kept, tier);
    }
}

COFFER_INLINE char const* price_entry::name_of(service_tier t) noexcept {
    switch (t) {
        case service_tier::standard: return "default";
        case service_tier::flex: return "flex";
        case service_tier::priority: return "priority";
        case service_tier::batch: return "batch";
    }
    return "default";
}

COFFER_INLINE token_rates price_entry::completed(listed const& rates, token_rates const* lower,
                                                 listed const* standard) {
    auto const get = [&](listed_rate r) { return rates[at(r)]; };
    token_rates out;
    out.input = get(listed_rate::input).value_or(lower != nullptr ? lower->input : token_price{});
    out.output = get(listed_rate::output).value_or(lower != nullptr ? lower->output : token_price{});
    out.cache_read = get(listed_rate::cache_read);
    out.cache_write = get(listed_rate::cache_write);
    out.cache_write_1h = get(listed_rate::cache_write_1h);
    out.audio_in = get(listed_rate::audio_in);
    out.audio_out = get(listed_rate::audio_out);
    out.image_in = get(listed_rate::image_in);
    out.image_out = get(listed_rate::image_out);
    out.reasoning = get(listed_rate::reasoning);
    if (standard == nullptr) return out;
    auto const at_least = [&](std::optional<token_price>& own, listed_rate r, token_price instead) {
        auto const& elsewhere = (*standard)[at(r)];
        if (!own && elsewhere) own = std::max(*elsewhere, instead);
    };
    if ((*standard)[at(listed_rate::reasoning)] != (*standard)[at(listed_rate::output)])
        at_least(out.reasoning, listed_rate::reasoning, out.output);
    at_least(out.cache_write_1h, listed_rate::cache_write_1h, out.cache_write.value_or(out.input));
    return out;
}

}  // namespace coffer::inline COFFER_ABI::llm::detail
