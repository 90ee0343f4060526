// SPDX-License-Identifier: BSL-1.0
#include "config.hpp"

#include "base/fields.hpp"

namespace provider_sim {
namespace {

// Bounds that keep tokens times price inside 63 bits.
constexpr std::int64_t max_pico_per_token = 1'000'000'000;
constexpr std::int64_t max_pico_per_search = 1'000'000'000'000;
constexpr std::int64_t max_tokens = 100'000'000;
constexpr std::int64_t max_searches = 1'000;

void read_prices(config& settings, fields& prices) {
    for (auto const& [model, unused] : prices.source().items()) {
        auto one = prices.object(model);
        auto rate = settings.prices.of(model);
        if (auto const v = one->integer("input", 0, max_pico_per_token)) rate.input = *v;
        if (auto const v = one->integer("cached", 0, max_pico_per_token)) rate.cached = *v;
        if (auto const v = one->integer("output", 0, max_pico_per_token)) rate.output = *v;
        if (auto const v = one->integer("search", 0, max_pico_per_search)) rate.search = *v;
        one->finish();
        settings.prices.set(model, rate);
    }
}

std::vector<std::string> read_models(fields const& f, json const& list) {
    std::vector<std::string> models;
    if (!list.is_array()) f.fail("models", "must be an array of strings", &list);
    for (auto const& model : list) {
        if (!model.is_string()) f.fail("models", "must be an array of strings", &list);
        models.push_back(model.get<std::string>());
    }
    return models;
}

}  // namespace

config changed_config(config base, json const& object) {
    fields f{object, "config"};
    if (auto prices = f.object("prices")) read_prices(base, *prices);
    if (auto const v = f.integer("min_output_tokens", 1, max_tokens)) base.min_output_tokens = *v;
    if (auto const v = f.integer("max_output_tokens", 1, max_tokens)) base.max_output_tokens = *v;
    if (auto images = f.object("image_tokens")) {
        if (auto const v = images->integer("low", 0, max_tokens)) base.low_image_tokens = *v;
        if (auto const v = images->integer("high", 0, max_tokens)) base.high_image_tokens = *v;
        images->finish();
    }
    if (auto const v = f.integer("most_searches", 1, max_searches)) base.most_searches = *v;
    if (auto const v = f.integer("context_tokens", 1, max_tokens)) base.context_tokens = *v;
    if (auto const v = f.integer("max_body_bytes", 1, std::int64_t{1} << 30)) base.max_body_bytes = *v;
    if (auto const v = f.integer("requests_per_minute", 1, max_tokens)) base.requests_per_minute = *v;
    if (auto const v = f.integer("tokens_per_minute", 1, std::int64_t{1} << 40)) base.tokens_per_minute = *v;
    if (json const* const v = f.find("models")) base.models = read_models(f, *v);
    f.finish();
    if (base.min_output_tokens > base.max_output_tokens)
        f.fail("min_output_tokens",
               "must not exceed max_output_tokens (" + std::to_string(base.max_output_tokens) + ")");
    return base;
}

json to_json(config const& settings) {
    auto prices = json::object();
    for (auto const& [model, rate] : settings.prices.all())
        prices[model] = {
            {"input", rate.input}, {"cached", rate.cached}, {"output", rate.output}, {"search", rate.search}};
    return {{"prices", std::move(prices)},
            {"min_output_tokens", settings.min_output_tokens},
            {"max_output_tokens", settings.max_output_tokens},
            {"image_tokens", {{"low", settings.low_image_tokens}, {"high", settings.high_image_tokens}}},
            {"most_searches", settings.most_searches},
            {"context_tokens", settings.context_tokens},
            {"max_body_bytes", settings.max_body_bytes},
            {"requests_per_minute", settings.requests_per_minute},
            {"tokens_per_minute", settings.tokens_per_minute},
            {"models", settings.models}};
}

}  // namespace provider_sim
