// SPDX-License-Identifier: BSL-1.0
#pragma once
// Definitions of openai_prices.hpp.

#include <coffer/llm/openai_prices.hpp>

namespace coffer::inline COFFER_ABI::llm {

COFFER_INLINE price_table openai_prices() {
    using namespace coffer::literals;
    constexpr auto day = "2026-11-21";
    constexpr auto march = "2026-03-21";
    price_table t;
    auto const set = [&t](char const* model, token_price input, token_price output, token_price cache_read,
                          char const* as_of) {
        t.set(model, price_card{{.input = input, .output = output, .cache_read = cache_read}, as_of});
    };
    set("gpt-4o", 2.50_usd_per_mtok, 10.00_usd_per_mtok, 1.25_usd_per_mtok, day);
    t.set("gpt-4o-2024-05-13", price_card{5.00_usd_per_mtok, 15.00_usd_per_mtok, day});
    set("gpt-4o-mini", 0.15_usd_per_mtok, 0.60_usd_per_mtok, 0.075_usd_per_mtok, day);
    set("gpt-4.1", 2.00_usd_per_mtok, 8.00_usd_per_mtok, 0.50_usd_per_mtok, day);
    set("gpt-4.1-mini", 0.40_usd_per_mtok, 1.60_usd_per_mtok, 0.10_usd_per_mtok, day);
    set("gpt-4.1-nano", 0.10_usd_per_mtok, 0.40_usd_per_mtok, 0.025_usd_per_mtok, day);
    set("gpt-5", 1.25_usd_per_mtok, 10.00_usd_per_mtok, 0.125_usd_per_mtok, march);
    set("gpt-5-mini", 0.25_usd_per_mtok, 2.00_usd_per_mtok, 0.025_usd_per_mtok, march);
    set("gpt-5-nano", 0.05_usd_per_mtok, 0.40_usd_per_mtok, 0.005_usd_per_mtok, march);
    set("gpt-5.1", 1.25_usd_per_mtok, 10.00_usd_per_mtok, 0.125_usd_per_mtok, day);
    set("gpt-5.2", 1.75_usd_per_mtok, 14.00_usd_per_mtok, 0.175_usd_per_mtok, day);
    token_rates const small{.input = 5.00_usd_per_mtok,
                            .output = 30.00_usd_per_mtok,
                            .cache_read = 0.50_usd_per_mtok,
                            .cache_write = 6.25_usd_per_mtok};
    token_rates const large{.input = 10.00_usd_per_mtok,
                            .output = 45.00_usd_per_mtok,
                            .cache_read = 1.00_usd_per_mtok,
                            .cache_write = 12.50_usd_per_mtok};
    t.set("gpt-5.6", price_card{small, day}.above(272'000, large));
    set("o3", 2.00_usd_per_mtok, 8.00_usd_per_mtok, 0.50_usd_per_mtok, march);
    set("o4-mini", 1.10_usd_per_mtok, 4.40_usd_per_mtok, 0.275_usd_per_mtok, march);
    return t;
}

}  // namespace coffer::inline COFFER_ABI::llm
