// SPDX-License-Identifier: BSL-1.0
#pragma once
// Definitions of openai_options.hpp.

#include <coffer/llm/openai_options.hpp>

#include <cstdlib>
#include <utility>

namespace coffer::inline COFFER_ABI::llm {

COFFER_INLINE std::string from_environment(char const* variable, std::string otherwise) {
    auto const* const value = std::getenv(variable);
    return value != nullptr && *value != '\0' ? std::string{value} : otherwise;
}

COFFER_INLINE std::optional<price_card> openai_options::card_of(std::string_view model) const {
    auto const* const card = prices.find(model);
    if (card != nullptr && card->refused().empty()) return *card;
    return on_unknown_price == unknown_price::assume_dearest ? prices.dearest() : std::nullopt;
}

COFFER_INLINE openai_options openai_options::from_env() {
    openai_options o;
    o.base_url = from_environment("OPENAI_BASE_URL", std::move(o.base_url));
    o.organization = from_environment("OPENAI_ORG_ID", {});
    o.project = from_environment("OPENAI_PROJECT_ID", {});
    return o;
}

COFFER_INLINE openai_options openai_options::compatible(std::string provider_name, std::string url) {
    openai_options o;
    o.provider = std::move(provider_name);
    o.base_url = std::move(url);
    o.prices = price_table{};
    return o;
}

COFFER_INLINE openai_options openai_options::openrouter() {
    auto o = compatible("openrouter", "https://openrouter.ai/api/v1");
    o.rules.insured = true;
    return o;
}

COFFER_INLINE openai_options openai_options::groq() {
    auto o = compatible("groq", "https://api.groq.com/openai/v1");
    o.rules.unprocessable_is_output = true;
    return o;
}

COFFER_INLINE openai_options openai_options::azure(std::string const& endpoint, std::string const& deployment,
                                                   std::string const& api_version) {
    auto o = compatible("azure", endpoint + "/openai/deployments/" + deployment);
    o.query = "api-version=" + api_version;
    o.key_header = "api-key";
    o.key_prefix.clear();
    o.rules.bills_filtered_prompts = true;
    return o;
}

}  // namespace coffer::inline COFFER_ABI::llm
