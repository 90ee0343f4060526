// SPDX-License-Identifier: BSL-1.0
#pragma once
// Definitions of estimate.hpp.

#include <coffer/llm/estimate.hpp>

#include <string_view>
#include <utility>

namespace coffer::inline COFFER_ABI {

namespace llm::detail {

COFFER_INLINE std::int64_t text_bound(request const& r, std::int64_t extra_bytes) noexcept {
    constexpr std::int64_t per_request = 64;
    constexpr std::int64_t per_message = 16;
    auto const bytes = [](std::string const& s) { return static_cast<std::int64_t>(s.size()); };
    auto tokens = per_request;
    for (auto const& m : r.messages())
        tokens += per_message + bytes(m.text()) + bytes(m.tool_call_id()) + 2 * bytes(m.tool_calls());
    return tokens + 2 * (bytes(r.tools()) + bytes(r.response_format()) + extra_bytes);
}

COFFER_INLINE std::string collect_rates(dearest_rates& into, price_card const& card, raw_parts const& p,
                                        std::int64_t prompt_tokens, std::optional<service_tier> auto_tier) {
    card.collect(into, prompt_tokens, service_tier::standard);  // where a provider falls back to
    auto asked = service_tier::standard;
    if (!p.tier_readable) return "the service_tier in extra is no text";
    if (p.tier.empty() || p.tier == "auto") {
        if (!auto_tier) {
            // Nothing is lost where it is not listed: then the provider does not offer it.
            card.collect(into, prompt_tokens, service_tier::priority);
            return {};
        }
        asked = *auto_tier;
    } else if (p.tier == "flex") {
        asked = service_tier::flex;
    } else if (p.tier == "priority") {
        asked = service_tier::priority;
    } else if (p.tier != "default" && p.tier != "standard") {
        return "service tiers other than default, auto, flex and priority have no prices";
    }
    bool const listed = card.collect(into, prompt_tokens, asked);
    bool const cheaper = asked == service_tier::flex || asked == service_tier::batch;  // never dearer than standard
    if (listed || cheaper) return {};
    return "the price list has no prices of the service tier priority for a prompt of that size; ask for another tier, "
           "or "
           "set them on the model's price_card";
}

COFFER_INLINE std::string uncovered(raw_parts const& p, std::optional<uncounted> const& promise) {
    constexpr std::string_view advice = ", whose cost has no upper bound; give one with request::at_most";
    if (promise &&
        (promise->input_tokens < 0 || promise->web_searches < 0 || promise->tool_calls < 0 || promise->cost < money{}))
        return "a number of request::at_most is negative";
    if (p.uncountable.empty()) return {};
    if (!promise) return "there is " + p.uncountable + std::string{advice};
    if (p.images != 0 && promise->input_tokens == 0 && promise->cost == money{})
        return "there is an image, and request::at_most says nothing of input_tokens";
    if (p.searches && promise->web_searches == 0 && promise->cost == money{})
        return "there is a web search, and request::at_most says nothing of web_searches";
    if (p.uses_tools && promise->tool_calls == 0 && promise->cost == money{})
        return "there is a tool that runs at the provider, and request::at_most says nothing of tool_calls or cost";
    return {};
}

}  // namespace llm::detail

namespace llm {

COFFER_INLINE estimate estimate_of(request const& r, openai_options const& o) {
    auto const parts = detail::read_parts(r, o);
    auto const promise = r.at_most().value_or(uncounted{});
    quantities most;
    most.text_tokens = detail::text_bound(r, parts.bytes);
    most.part_tokens = promise.input_tokens;
    most.output_tokens = parts.output_limit.value_or(0);
    most.choices = parts.choices.value_or(1);
    most.may_speak = parts.may_speak;
    most.web_searches = promise.web_searches;
    most.tool_calls = promise.tool_calls;
    most.images = parts.images;

    coffer::estimate e;
    e.input_tokens = detail::plus(most.text_tokens, most.part_tokens);
    e.output_tokens = detail::times(most.output_tokens, most.choices);
    e.output_limit = parts.output_limit;
    auto const unbounded = [&](std::string why) { return e.unbounded = std::move(why), e; };

    if (!parts.choices) return unbounded("n is no number of choices");
    if (auto why = detail::uncovered(parts, r.at_most()); !why.empty()) return unbounded(std::move(why));
    auto const model = model_of(r);
    auto const card = o.card_of(model);
    if (!card) {
        auto const* const listed = o.prices.find(model);
        return unbounded(listed != nullptr
                             ? "the price of " + model + " is not known: " + listed->refused()
                             : "the price of " + model + " is not known; add it to openai_options::prices");
    }
    if (card->always_searches() && most.web_searches == 0 && promise.cost == money{})
        return unbounded(model + " searches by itself; bound its web_searches with request::at_most");
    dearest_rates rates;
    auto why = detail::collect_rates(rates, *card, parts, e.input_tokens, o.auto_tier);
    if (!why.empty()) return unbounded(std::move(why));
    if (most.tool_calls != 0 && !card->fees().tool_call)
        return unbounded("the price of a tool's call with " + model +
                         " is not known; add it to its price_card, or promise a cost with request::at_most");
    auto const bound = bound_of(most, rates, card->fees(), parts.searched);
    if (!bound) return unbounded("the price of a web search with " + model + " is not known; add it to its price_card");
    e.per_output = bound->per_output;
    if (!parts.output_limit) return unbounded("there is no output maximum; set request::max_output_tokens");
    e.cost = bound->cost + promise.cost;
    return e;
}

}  // namespace llm

}  // namespace coffer::inline COFFER_ABI
