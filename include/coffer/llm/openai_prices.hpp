// SPDX-License-Identifier: BSL-1.0
#pragma once
// OpenAI's list prices for text, standard tier, global processing.

#include <coffer/llm/prices.hpp>

namespace coffer::inline v0::llm {

/// OpenAI's list, of the models that are known here and of the day that each card says. Prices change, contracts
/// differ, regional processing costs more: replace what does not fit, or give a table of your own.
///
/// Read in BerriAI/litellm, model_prices_and_context_window.json at commit 00035b69 (gpt-4o, gpt-4.1, gpt-5.1, gpt-5.2,
/// gpt-5.6), and in deploybase.ai/articles/openai-pricing of March 2026 (o3, o4-mini, gpt-5).
[[nodiscard]] inline price_table openai_prices() {
    using namespace coffer::literals;
    constexpr auto day = "2026-11-21";
    constexpr auto march = "2026-03-21";
    price_table t;
    t.set("gpt-4o", price_card{2.50_usd_per_mtok, 10.00_usd_per_mtok, day}.cache_read(1.25_usd_per_mtok));
    t.set("gpt-4o-2024-05-13", price_card{5.00_usd_per_mtok, 15.00_usd_per_mtok, day});
    t.set("gpt-4o-mini", price_card{0.15_usd_per_mtok, 0.60_usd_per_mtok, day}.cache_read(0.075_usd_per_mtok));
    t.set("gpt-4.1", price_card{2.00_usd_per_mtok, 8.00_usd_per_mtok, day}.cache_read(0.50_usd_per_mtok));
    t.set("gpt-4.1-mini", price_card{0.40_usd_per_mtok, 1.60_usd_per_mtok, day}.cache_read(0.10_usd_per_mtok));
    t.set("gpt-4.1-nano", price_card{0.10_usd_per_mtok, 0.40_usd_per_mtok, day}.cache_read(0.025_usd_per_mtok));
    t.set("gpt-5", price_card{1.25_usd_per_mtok, 10.00_usd_per_mtok, march}.cache_read(0.125_usd_per_mtok));
    t.set("gpt-5-mini", price_card{0.25_usd_per_mtok, 2.00_usd_per_mtok, march}.cache_read(0.025_usd_per_mtok));
    t.set("gpt-5-nano", price_card{0.05_usd_per_mtok, 0.40_usd_per_mtok, march}.cache_read(0.005_usd_per_mtok));
    t.set("gpt-5.1", price_card{1.25_usd_per_mtok, 10.00_usd_per_mtok, day}.cache_read(0.125_usd_per_mtok));
    t.set("gpt-5.2", price_card{1.75_usd_per_mtok, 14.00_usd_per_mtok, day}.cache_read(0.175_usd_per_mtok));
    t.set("gpt-5.6", price_card{5.00_usd_per_mtok, 30.00_usd_per_mtok, day}
                         .cache_read(0.50_usd_per_mtok)
                         .cache_write(6.25_usd_per_mtok)
                         .above(272'000, price_card{10.00_usd_per_mtok, 45.00_usd_per_mtok, day}
                                             .cache_read(1.00_usd_per_mtok)
                                             .cache_write(12.50_usd_per_mtok)));
    t.set("o3", price_card{2.00_usd_per_mtok, 8.00_usd_per_mtok, march}.cache_read(0.50_usd_per_mtok));
    t.set("o4-mini", price_card{1.10_usd_per_mtok, 4.40_usd_per_mtok, march}.cache_read(0.275_usd_per_mtok));
    return t;
}

}  // namespace coffer::inline v0::llm
