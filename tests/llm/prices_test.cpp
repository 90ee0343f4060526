// SPDX-License-Identifier: BSL-1.0
#include <coffer/llm/openai_prices.hpp>
#include <coffer/llm/prices.hpp>

#include <gtest/gtest.h>

#include <optional>
#include <string>

namespace {

namespace llm = coffer::llm;
using namespace coffer::literals;
using coffer::money;
using coffer::usage;

usage tokens(std::int64_t fresh, std::int64_t output) {
    usage u;
    u.input_fresh = fresh;
    u.output = output;
    return u;
}

TEST(price_table, a_dated_snapshot_is_its_model) {
    auto const t = llm::openai_prices();
    auto const* const mini = t.find("gpt-4o-mini");
    ASSERT_NE(mini, nullptr);
    EXPECT_EQ(t.find("gpt-4o-mini-2024-07-18"), mini);
    EXPECT_EQ(t.find("gpt-4o-mini-20240718"), mini);
    EXPECT_EQ(t.find("gpt-4.1-nano-2025-04-14"), t.find("gpt-4.1-nano"));
    EXPECT_EQ(t.find("gpt-4o-2024-08-06"), t.find("gpt-4o"));
}

TEST(price_table, a_snapshot_with_a_price_of_its_own_has_that_one) {
    auto const t = llm::openai_prices();
    ASSERT_NE(t.find("gpt-4o-2024-05-13"), nullptr);
    EXPECT_EQ(t.find("gpt-4o-2024-05-13")->input(), 5.00_usd_per_mtok);
    EXPECT_EQ(t.find("gpt-4o-2024-05-13")->cache_read(), 5.00_usd_per_mtok);
}

TEST(price_table, a_relative_is_not_the_model) {
    auto const t = llm::openai_prices();
    for (auto const* const name :
         {"", "gpt", "gpt-4", "gpt-4o-mini-tts", "gpt-4o-audio-preview", "gpt-4o-audio-preview-2024-12-17", "gpt-5-pro",
          "gpt-5.9", "gpt-4o-2024", "gpt-4o-mini-2024-07-18-x", "gpt-4omini", "ft:gpt-4o-mini-2024-07-18:me::id",
          "openai/gpt-4o", "o3-pro", "o3-deep-research", "GPT-4O", "gpt-4o-2024-08-0", "gpt-4o-2o24-08-06"})
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
    EXPECT_EQ(t.find("mine")->input(), 5_usd_per_mtok);
    EXPECT_EQ(t.find("mine")->as_of(), "2026-02-02");
    EXPECT_TRUE(t.erase("mine"));
    EXPECT_FALSE(t.erase("mine"));
    EXPECT_EQ(t.find("mine"), nullptr);
}

TEST(price_table, every_card_says_its_day) {
    auto const t = llm::openai_prices();
    EXPECT_GE(t.size(), 10U);
    for (auto const* const name : {"gpt-4o", "gpt-4o-mini", "gpt-4.1", "gpt-4.1-mini", "gpt-4.1-nano", "gpt-5",
                                   "gpt-5-mini", "gpt-5-nano", "gpt-5.1", "gpt-5.2", "gpt-5.6", "o3", "o4-mini"}) {
        ASSERT_NE(t.find(name), nullptr) << name;
        EXPECT_EQ(t.find(name)->as_of().size(), 10U) << name;
        EXPECT_GT(t.find(name)->output(), t.find(name)->input()) << name;
    }
}

TEST(cost, is_exact_and_rounded_up_once) {
    auto const card = *llm::openai_prices().find("gpt-4o-mini");
    EXPECT_EQ(llm::cost_of(tokens(1'000'000, 0), card), 0.15_usd);
    EXPECT_EQ(llm::cost_of(tokens(0, 1'000'000), card), 0.60_usd);
    EXPECT_EQ(llm::cost_of(tokens(10, 20), card), money::from_nano(13'500));
    EXPECT_EQ(llm::cost_of(tokens(0, 0), card), money{});
    llm::price_card const fine{0.000333_usd_per_mtok, 0.000333_usd_per_mtok, "2026-01-01"};  // 333 pico-dollars
    EXPECT_EQ(llm::cost_of(tokens(1, 1), fine),
              money::from_nano(1));  // 666 pico-dollars: not 2, as rounding each would give
    EXPECT_EQ(llm::cost_of(tokens(1, 0), fine), money::from_nano(1));
    EXPECT_EQ(llm::cost_of(tokens(2, 2), fine), money::from_nano(2));
}

TEST(cost, each_bucket_has_its_rate) {
    auto const card = llm::price_card{1_usd_per_mtok, 10_usd_per_mtok, "2026-01-01"}
                          .cache_read(0.1_usd_per_mtok)
                          .cache_write(1.25_usd_per_mtok)
                          .cache_write_1h(2_usd_per_mtok)
                          .audio(40_usd_per_mtok, 80_usd_per_mtok);
    auto const only = [&](std::int64_t usage::* bucket) {
        usage u;
        u.*bucket = 1'000'000;
        return llm::cost_of(u, card);
    };
    EXPECT_EQ(only(&usage::input_fresh), 1_usd);
    EXPECT_EQ(only(&usage::input_cache_read), 0.1_usd);
    EXPECT_EQ(only(&usage::input_cache_write_5m), 1.25_usd);
    EXPECT_EQ(only(&usage::input_cache_write_1h), 2_usd);
    EXPECT_EQ(only(&usage::input_audio), 40_usd);
    EXPECT_EQ(only(&usage::output), 10_usd);
    EXPECT_EQ(only(&usage::output_audio), 80_usd);
    EXPECT_EQ(only(&usage::reasoning), 0_usd);  // a part of output, not besides it
}

TEST(cost, a_missing_cache_rate_costs_the_full_one) {
    llm::price_card const card{1_usd_per_mtok, 10_usd_per_mtok, "2026-01-01"};
    usage u;
    u.input_cache_read = u.input_cache_write_5m = u.input_cache_write_1h = 1'000'000;
    EXPECT_EQ(llm::cost_of(u, card), 3_usd);
}

TEST(cost, audio_without_a_price_is_unknown) {
    llm::price_card const card{1_usd_per_mtok, 10_usd_per_mtok, "2026-01-01"};
    usage u;
    u.input_audio = 1;
    EXPECT_EQ(llm::cost_of(u, card), std::nullopt);
    u = {};
    u.output_audio = 1;
    EXPECT_EQ(llm::cost_of(u, card), std::nullopt);
}

TEST(cost, a_long_prompt_is_priced_anew_as_a_whole) {
    auto const card = *llm::openai_prices().find("gpt-5.6");
    EXPECT_EQ(llm::cost_of(tokens(272'000, 1'000), card), money::from_nano(272'000LL * 5'000 + 1'000 * 30'000));
    EXPECT_EQ(llm::cost_of(tokens(272'001, 1'000), card), money::from_nano(272'001LL * 10'000 + 1'000 * 45'000));
}

TEST(bound, takes_the_dearest_rate_that_may_apply) {
    auto const card = *llm::openai_prices().find("gpt-5.6");  // writing to the cache is dearer than not to
    EXPECT_EQ(card.bound(1'000, 100), money::from_nano(1'000 * 6'250 + 100 * 30'000));
    EXPECT_EQ(card.bound(300'000, 100), money::from_nano(300'000LL * 12'500 + 100 * 45'000));
    // A tier that is cheaper per token must not lower the bound: the real prompt may be shorter.
    auto const odd = llm::price_card{2_usd_per_mtok, 2_usd_per_mtok, "2026-01-01"}.above(
        10, llm::price_card{1_usd_per_mtok, 1_usd_per_mtok, "2026-01-01"});
    EXPECT_EQ(odd.bound(100, 0), money::from_nano(200'000));
}

}  // namespace
