// SPDX-License-Identifier: BSL-1.0
#pragma once
// What a model costs. The simulator has its own arithmetic and uses nothing of coffer: it is the oracle that
// coffer's is checked against.

#include <cstdint>
#include <map>
#include <string>
#include <string_view>

#include "billing/usage.hpp"

namespace provider_sim {

/// Pico-US-dollars (10^-12 USD) per token, and per web search.
struct price {
    std::int64_t input = 150'000;
    std::int64_t cached = 75'000;
    std::int64_t output = 600'000;
    std::int64_t search = 10'000'000'000;

    friend bool operator==(price const&, price const&) = default;
};

/// An amount in both units; the nano-dollars are rounded up.
struct cost {
    std::int64_t pusd = 0;
    std::int64_t nano_usd = 0;
};

cost cost_of(usage const& used, price const& rate);

/// Unknown models cost what gpt-4o-mini costs: every request has a price.
class price_table {
public:
    price_table();
    [[nodiscard]] price of(std::string_view model) const;
    void set(std::string const& model, price rate) { rates_[model] = rate; }
    [[nodiscard]] std::map<std::string, price, std::less<>> const& all() const noexcept { return rates_; }

private:
    std::map<std::string, price, std::less<>> rates_;
};

}  // namespace provider_sim
