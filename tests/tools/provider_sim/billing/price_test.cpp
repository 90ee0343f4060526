// SPDX-License-Identifier: BSL-1.0
#include "billing/price.hpp"

#include <gtest/gtest.h>

#include "base/bad_input.hpp"
#include "billing/tokens.hpp"
#include "config.hpp"

namespace provider_sim::price_test {
namespace {

TEST(tokens, are_four_bytes_rounded_up_and_at_least_one) {
    static_assert(tokens_of_bytes(0) == 1);
    static_assert(tokens_of_bytes(1) == 1);
    static_assert(tokens_of_bytes(4) == 1);
    static_assert(tokens_of_bytes(5) == 2);
    static_assert(tokens_of_bytes(4000) == 1000);
}

TEST(price, of_the_built_in_models) {
    price_table const prices;
    EXPECT_EQ(prices.of("gpt-4o-mini"), (price{150'000, 75'000, 600'000}));
    EXPECT_EQ(prices.of("gpt-4o"), (price{2'500'000, 1'250'000, 10'000'000}));
    EXPECT_EQ(prices.of("anything-else"), prices.of("gpt-4o-mini"));
}

TEST(price, adds_up_exactly_and_rounds_nano_dollars_up) {
    struct row {
        usage used;
        std::int64_t pusd;
        std::int64_t nano;
    };
    price const mini{150'000, 75'000, 600'000};
    for (auto const& r : {row{{3, 0, 41, 0}, 25'050'000, 25'050}, row{{10, 4, 0, 0}, 1'200'000, 1'200},
                          row{{0, 0, 0, 0}, 0, 0}, row{{0, 0, 5, 5}, 3'000'000, 3'000}}) {
        EXPECT_EQ(cost_of(r.used, mini).pusd, r.pusd);
        EXPECT_EQ(cost_of(r.used, mini).nano_usd, r.nano);
    }
    EXPECT_EQ(cost_of({1, 0, 0, 0}, {1, 0, 0}).nano_usd, 1);
    EXPECT_EQ(cost_of({1001, 0, 0, 0}, {1, 0, 0}).nano_usd, 2);
}

TEST(price, a_search_has_a_fee) {
    EXPECT_EQ(cost_of({10, 0, 20, 0, 3}, price{}).nano_usd, 1'500 + 12'000 + 3 * 10'000'000);
    EXPECT_EQ(cost_of({0, 0, 0, 0, 2}, {0, 0, 0, 7}).pusd, 14);
}

TEST(config, changes_what_is_named_and_keeps_the_rest) {
    auto const changed =
        changed_config({}, {{"prices", {{"gpt-4o", {{"output", 7}}}, {"new", {{"input", 5}, {"search", 9}}}}},
                            {"context_tokens", 100},
                            {"image_tokens", {{"low", 11}}},
                            {"most_searches", 8}});
    EXPECT_EQ(changed.prices.of("gpt-4o"), (price{2'500'000, 1'250'000, 7}));
    EXPECT_EQ(changed.prices.of("new"), (price{5, 75'000, 600'000, 9}));
    EXPECT_EQ(changed.low_image_tokens, 11);
    EXPECT_EQ(changed.high_image_tokens, 765);
    EXPECT_EQ(changed.most_searches, 8);
    EXPECT_EQ(changed_config({}, to_json(changed)).low_image_tokens, 11);
    EXPECT_EQ(changed.context_tokens, 100);
    EXPECT_EQ(changed.max_output_tokens, config{}.max_output_tokens);
    EXPECT_EQ(changed_config({}, to_json(changed)).prices.all(), changed.prices.all());
}

TEST(config, refuses_what_makes_no_sense) {
    for (auto const& wrong :
         {json{{"prices", 3}}, json{{"prices", {{"m", {{"input", -1}}}}}}, json{{"prices", {{"m", {{"inptu", 1}}}}}},
          json{{"min_output_tokens", 61}}, json{{"image_tokens", 5}}, json{{"image_tokens", {{"medium", 5}}}},
          json{{"most_searches", 0}}, json{{"prices", {{"m", {{"search", -1}}}}}}, json{{"models", "gpt"}},
          json{{"unknown", 1}}})
        EXPECT_THROW(changed_config({}, wrong), bad_input) << wrong;
}

}  // namespace
}  // namespace provider_sim::price_test
