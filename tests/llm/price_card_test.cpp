// SPDX-License-Identifier: BSL-1.0
#include <coffer/llm/price_card.hpp>

#include <gtest/gtest.h>

#include <concepts>
#include <cstdint>
#include <type_traits>

namespace price_card_test {
namespace {

namespace llm = coffer::llm;
using namespace coffer::literals;
using llm::service_tier;

// GCC 12 destroys temporaries of aggregates twice where they own something and stand in a co_await expression.
static_assert(std::is_trivially_destructible_v<llm::token_rates> && std::is_trivially_destructible_v<llm::unit_fees>);
static_assert(std::regular<llm::token_rates> && std::regular<llm::unit_fees> && std::copyable<llm::price_card>);

llm::token_rates both(coffer::token_price p) { return {.input = p, .output = p}; }

TEST(price_card, the_largest_size_that_is_exceeded_holds_for_everything) {
    auto const card = llm::price_card{both(1_usd_per_mtok), "2026-01-01"}
                          .above(200'000, both(4_usd_per_mtok))
                          .above(100'000, both(2_usd_per_mtok));
    EXPECT_EQ(card.rates(0)->input, 1_usd_per_mtok);
    EXPECT_EQ(card.rates(100'000)->input, 1_usd_per_mtok);
    EXPECT_EQ(card.rates(100'001)->input, 2_usd_per_mtok);
    EXPECT_EQ(card.rates(200'000)->input, 2_usd_per_mtok);
    EXPECT_EQ(card.rates(200'001)->input, 4_usd_per_mtok);
}

TEST(price_card, a_tier_has_its_own_prices_or_none) {
    auto const card =
        llm::price_card{both(2_usd_per_mtok), "2026-01-01"}.tier(service_tier::flex, both(1_usd_per_mtok));
    EXPECT_EQ(card.rates(5, service_tier::flex)->input, 1_usd_per_mtok);
    EXPECT_EQ(card.rates(5, service_tier::priority), nullptr);
    EXPECT_TRUE(card.lists(service_tier::flex));
    EXPECT_FALSE(card.lists(service_tier::batch));
}

TEST(price_card, a_size_that_a_tier_does_not_list_has_no_price_there) {
    auto const card = llm::price_card{both(2_usd_per_mtok), "2026-01-01"}
                          .above(100, both(4_usd_per_mtok))
                          .tier(service_tier::priority, both(3_usd_per_mtok));
    EXPECT_EQ(card.rates(100, service_tier::priority)->input, 3_usd_per_mtok);
    EXPECT_EQ(card.rates(101, service_tier::priority), nullptr);
    auto whole = card;
    whole.above(100, both(6_usd_per_mtok), service_tier::priority);
    EXPECT_EQ(whole.rates(101, service_tier::priority)->input, 6_usd_per_mtok);
    EXPECT_NE(whole, card);
}

TEST(price_card, collects_what_a_prompt_may_meet) {
    auto const card =
        llm::price_card{{.input = 3_usd_per_mtok, .output = 5_usd_per_mtok, .cache_write_1h = 7_usd_per_mtok},
                        "2026-01-01"}
            .above(100, {.input = 4_usd_per_mtok, .output = 1_usd_per_mtok, .reasoning = 9_usd_per_mtok})
            .tier(service_tier::priority, {.input = 6_usd_per_mtok, .output = 6_usd_per_mtok});
    llm::dearest_rates small;
    EXPECT_TRUE(card.collect(small, 99, service_tier::standard));
    EXPECT_EQ(small.text, 7_usd_per_mtok);
    EXPECT_EQ(small.output, 5_usd_per_mtok);
    llm::dearest_rates large;
    EXPECT_TRUE(card.collect(large, 1'000, service_tier::standard));
    EXPECT_EQ(large.text, 7_usd_per_mtok);  // of the smaller size, which the prompt may have
    EXPECT_EQ(large.output, 9_usd_per_mtok);
    llm::dearest_rates fast;
    EXPECT_TRUE(card.collect(fast, 99, service_tier::priority));
    EXPECT_EQ(fast.text, 6_usd_per_mtok);
    EXPECT_FALSE(card.collect(fast, 1'000, service_tier::priority));
    EXPECT_FALSE(card.collect(fast, 1, service_tier::flex));
}

TEST(price_card, an_image_may_be_dearer_than_text) {
    llm::dearest_rates d;
    d.include(
        {.input = 1_usd_per_mtok, .output = 2_usd_per_mtok, .image_in = 5_usd_per_mtok, .image_out = 8_usd_per_mtok});
    EXPECT_EQ(d.text, 1_usd_per_mtok);
    EXPECT_EQ(d.part, 5_usd_per_mtok);
    EXPECT_EQ(d.output, 8_usd_per_mtok);
}

}  // namespace
}  // namespace price_card_test
