// SPDX-License-Identifier: BSL-1.0
#include "billing/price.hpp"

namespace provider_sim {

cost cost_of(usage const& used, price const& rate) {
    auto const pusd = (used.in_tok - used.cached) * rate.input + used.cached * rate.cached +
                      used.out_tok * rate.output + used.searches * rate.search;
    return {pusd, (pusd + 999) / 1000};
}

price_table::price_table()
    : rates_{{"gpt-4o", {2'500'000, 1'250'000, 10'000'000, 10'000'000'000}},
             {"gpt-4o-mini", {150'000, 75'000, 600'000, 10'000'000'000}}} {}

price price_table::of(std::string_view model) const {
    auto const it = rates_.find(model);
    return it != rates_.end() ? it->second : rates_.find("gpt-4o-mini")->second;
}

}  // namespace provider_sim
