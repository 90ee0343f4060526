// SPDX-License-Identifier: BSL-1.0
#include <coffer/llm/openai_prices.hpp>
#include <coffer/llm/price_table.hpp>

#include <gtest/gtest.h>

#include <optional>
#include <string>

namespace price_table_test {
namespace {

namespace llm = coffer::llm;
using namespace coffer::literals;
using llm::service_tier;

TEST(price_table, a_dated_snapshot_is_its_model) {
    auto const t = llm::openai_prices();
    auto const* const mini = t.find("gpt-4o-mini");
    ASSERT_NE(mini, nullptr);
    EXPECT_EQ(t.find("gpt-4o-mini-2024-07-18"), mini);
    EXPECT_EQ(t.find("gpt-4o-mini-20240718"), mini);
    EXPECT_EQ(t.find("gpt-4o-mini-0718"), mini);
    EXPECT_EQ(t.find("gpt-4.1-nano-2025-04-14"), t.find("gpt-4.1-nano"));
    EXPECT_EQ(t.find("gpt-4o-2024-08-06"), t.find("gpt-4o"));
}

TEST(price_table, a_snapshot_with_a_price_of_its_own_has_that_one) {
    auto const t = llm::openai_prices();
    ASSERT_NE(t.find("gpt-4o-2024-05-13"), nullptr);
    EXPECT_EQ(t.find("gpt-4o-2024-05-13")->rates(1)->input, 5.00_usd_per_mtok);
    llm::price_table dates;
    dates.set("m", {1_usd_per_mtok, 1_usd_per_mtok, "2026-01-01"});
    dates.set("m-2024-05-13", {2_usd_per_mtok, 1_usd_per_mtok, "2026-01-01"});
    EXPECT_EQ(dates.find("m-2024-05-13-0613"), dates.find("m-2024-05-13"));  // the longest name
}

TEST(price_table, a_relative_is_not_the_model) {
    auto const t = llm::openai_prices();
    for (auto const* const name : {"",
                                   "gpt",
                                   "gpt-4",
                                   "gpt-4o-mini-tts",
                                   "gpt-4o-audio-preview",
                                   "gpt-4o-audio-preview-2024-12-17",
                                   "gpt-5-pro",
                                   "gpt-5.9",
                                   "gpt-4o-2024",
                                   "gpt-4o-mini-2024-07-18-x",
                                   "gpt-4omini",
                                   "ft:gpt-4o-mini-2024-07-18:me::id",
                                   "openai/gpt-4o",
                                   "o3-pro",
                                   "o3-deep-research",
                                   "GPT-4O",
                                   "gpt-4o-2024-08-0",
                                   "gpt-4o-2o24-08-06",
                                   "gpt-4o-1399",
                                   "-0613"})
        EXPECT_EQ(t.find(name), nullptr) << name;
}

TEST(price_table, can_be_replaced_and_extended) {
    llm::price_table t;
    EXPECT_TRUE(t.empty());
    EXPECT_EQ(t.find("mine"), nullptr);
    t.set("mine", llm::price_card{1_usd_per_mtok, 2_usd_per_mtok, "2026-01-01"});
    t.set("another", llm::price_card{3_usd_per_mtok, 4_usd_per_mtok, "2026-01-01"});
    t.set("mine", llm::price_card{5_usd_per_mtok, 6_usd_per_mtok, "2026-02-02"});
    EXPECT_EQ(t.size(), 2U);
    EXPECT_EQ(t.find("mine")->rates(1)->input, 5_usd_per_mtok);
    EXPECT_EQ(t.find("mine")->as_of(), "2026-02-02");
    EXPECT_TRUE(t.erase("mine"));
    EXPECT_FALSE(t.erase("mine"));
    EXPECT_EQ(t.find("mine"), nullptr);
}

TEST(price_table, every_built_in_card_says_its_day) {
    auto const t = llm::openai_prices();
    EXPECT_GE(t.size(), 10U);
    for (auto const* const name : {"gpt-4o", "gpt-4o-mini", "gpt-4.1", "gpt-4.1-mini", "gpt-4.1-nano", "gpt-5",
                                   "gpt-5-mini", "gpt-5-nano", "gpt-5.1", "gpt-5.2", "gpt-5.6", "o3", "o4-mini"}) {
        ASSERT_NE(t.find(name), nullptr) << name;
        EXPECT_EQ(t.find(name)->as_of().size(), 10U) << name;
        EXPECT_GT(t.find(name)->rates(1)->output, t.find(name)->rates(1)->input) << name;
    }
}

TEST(price_table, the_dearest_card_has_the_dearest_of_everything) {
    llm::price_table t;
    EXPECT_FALSE(t.dearest());
    t.set("thinks", llm::price_card{{.input = 1_usd_per_mtok, .output = 9_usd_per_mtok, .reasoning = 20_usd_per_mtok},
                                    "2026-01-01"});
    t.set("hears", llm::price_card{{.input = 4_usd_per_mtok, .output = 5_usd_per_mtok, .audio_in = 40_usd_per_mtok},
                                   "2026-03-03"}
                       .above(10, {.input = 6_usd_per_mtok, .output = 5_usd_per_mtok})
                       .tier(service_tier::priority, {.input = 8_usd_per_mtok, .output = 8_usd_per_mtok})
                       .fees({.request = 0.001_usd, .web_search = std::array{0.01_usd, 0.02_usd, 0.03_usd}}));
    t.set("caches", llm::price_card{{.input = 1_usd_per_mtok, .output = 1_usd_per_mtok, .cache_read = 0.1_usd_per_mtok},
                                    "2026-02-02"}
                        .fees({.request = 0.002_usd, .web_search = std::array{0.04_usd, 0.01_usd, 0.01_usd}}));
    t.set("unknown", llm::price_card{99_usd_per_mtok, 99_usd_per_mtok, "2026-01-01"}.refuse("who knows"));
    auto const d = t.dearest();
    ASSERT_TRUE(d);
    for (auto const tier : {service_tier::standard, service_tier::flex, service_tier::priority, service_tier::batch}) {
        auto const* const r = d->rates(1'000'000, tier);
        ASSERT_NE(r, nullptr);
        EXPECT_EQ(r->input, 8_usd_per_mtok);
        EXPECT_EQ(r->output, 9_usd_per_mtok);
        EXPECT_EQ(r->cache_read, 8_usd_per_mtok);  // where it is not listed it is the full rate
        EXPECT_EQ(r->cache_write_1h, 8_usd_per_mtok);
        EXPECT_EQ(r->reasoning, 20_usd_per_mtok);
        EXPECT_EQ(r->audio_in, 40_usd_per_mtok);
        EXPECT_EQ(r->image_in, std::nullopt);
    }
    EXPECT_EQ(d->fees().request, 0.002_usd);
    EXPECT_EQ(d->fees().web_search, (std::array{0.04_usd, 0.02_usd, 0.03_usd}));
    EXPECT_EQ(d->as_of(), "2026-03-03");
}

}  // namespace
}  // namespace price_table_test
