// SPDX-License-Identifier: BSL-1.0
#include <coffer/llm/cost.hpp>
#include <coffer/llm/openai_prices.hpp>

#include <gtest/gtest.h>

#include <array>
#include <cstdint>
#include <limits>
#include <optional>

namespace cost_test {
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
    llm::price_card const card{{.input = 1_usd_per_mtok,
                                .output = 10_usd_per_mtok,
                                .cache_read = 0.1_usd_per_mtok,
                                .cache_write = 1.25_usd_per_mtok,
                                .cache_write_1h = 2_usd_per_mtok,
                                .audio_in = 40_usd_per_mtok,
                                .audio_out = 80_usd_per_mtok,
                                .image_in = 5_usd_per_mtok,
                                .image_out = 30_usd_per_mtok},
                               "2026-01-01"};
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
    EXPECT_EQ(only(&usage::input_image), 5_usd);
    EXPECT_EQ(only(&usage::output_image), 30_usd);
}

TEST(cost, reasoning_is_a_part_of_the_output_and_may_have_its_own_rate) {
    auto u = tokens(0, 1'000'000);
    u.reasoning = 400'000;
    llm::token_rates rates{.input = 1_usd_per_mtok, .output = 10_usd_per_mtok};
    EXPECT_EQ(llm::cost_of(u, {rates, "2026-01-01"}), 10_usd);
    rates.reasoning = 20_usd_per_mtok;
    EXPECT_EQ(llm::cost_of(u, {rates, "2026-01-01"}), 14_usd);
}

TEST(cost, fees_are_paid_by_the_piece) {
    auto const card = llm::price_card{1_usd_per_mtok, 1_usd_per_mtok, "2026-01-01"}.fees(
        {.request = 0.005_usd, .web_search = std::array{0.025_usd, 0.0275_usd, 0.03_usd}, .tool_call = 0.001_usd});
    EXPECT_EQ(llm::cost_of(usage{}, card), 0.005_usd);
    usage u;
    u.web_searches = 2;
    EXPECT_EQ(llm::cost_of(u, card, {.searched = llm::search_context::low}), 0.055_usd);
    EXPECT_EQ(llm::cost_of(u, card, {.searched = llm::search_context::medium}), 0.06_usd);
    EXPECT_EQ(llm::cost_of(u, card), 0.065_usd);  // nobody says how much was searched: the dearest
    u.tool_calls = 3;
    EXPECT_EQ(llm::cost_of(u, card), 0.068_usd);
}

TEST(cost, a_fee_for_each_image_needs_their_number) {
    auto const card = llm::price_card{1_usd_per_mtok, 1_usd_per_mtok, "2026-01-01"}.fees({.image = 0.0011_usd});
    EXPECT_EQ(llm::cost_of(usage{}, card), std::nullopt);
    EXPECT_EQ(llm::cost_of(usage{}, card, {.images = 0}), money{});
    EXPECT_EQ(llm::cost_of(usage{}, card, {.images = 3}), 0.0033_usd);
}

TEST(cost, each_tier_has_its_prices_or_none) {
    using llm::service_tier;
    auto const card = llm::price_card{2_usd_per_mtok, 2_usd_per_mtok, "2026-01-01"}.tier(
        service_tier::flex, {.input = 1_usd_per_mtok, .output = 1_usd_per_mtok});
    EXPECT_EQ(llm::cost_of(tokens(1'000'000, 0), card), 2_usd);
    EXPECT_EQ(llm::cost_of(tokens(1'000'000, 0), card, {.tier = service_tier::flex}), 1_usd);
    EXPECT_EQ(llm::cost_of(tokens(1'000'000, 0), card, {.tier = service_tier::priority}), std::nullopt);
}

TEST(cost, of_what_was_refused_or_makes_no_sense_is_unknown) {
    llm::price_card card{1_usd_per_mtok, 1_usd_per_mtok, "2026-01-01"};
    auto u = tokens(1, 1);
    EXPECT_TRUE(llm::cost_of(u, card));
    u.reasoning = 2;
    EXPECT_EQ(llm::cost_of(u, card), std::nullopt);
    EXPECT_EQ(llm::cost_of(tokens(-1, 1), card), std::nullopt);
    EXPECT_EQ(llm::cost_of(tokens(1, 1), card.refuse("a field")), std::nullopt);
}

TEST(cost, of_a_model_that_always_searches_needs_the_number_of_searches) {
    auto const card = llm::price_card{1_usd_per_mtok, 1_usd_per_mtok, "2026-01-01"}
                          .fees({.web_search = std::array{0.01_usd, 0.01_usd, 0.01_usd}})
                          .always_searches();
    auto u = tokens(1'000'000, 0);
    EXPECT_EQ(llm::cost_of(u, card), std::nullopt);
    u.web_searches = 1;
    EXPECT_EQ(llm::cost_of(u, card), 1.01_usd);
}

TEST(cost, of_absurd_usage_saturates) {
    llm::price_card const card{1_usd_per_mtok, 1_usd_per_mtok, "2026-01-01"};
    constexpr auto most = std::numeric_limits<std::int64_t>::max();
    usage u;
    u.input_fresh = u.input_cache_read = u.output = most;
    EXPECT_EQ(llm::cost_of(u, card), money::max());
}

TEST(cost, a_missing_cache_rate_costs_the_full_one) {
    llm::price_card const card{1_usd_per_mtok, 10_usd_per_mtok, "2026-01-01"};
    usage u;
    u.input_cache_read = u.input_cache_write_5m = u.input_cache_write_1h = 1'000'000;
    EXPECT_EQ(llm::cost_of(u, card), 3_usd);
}

TEST(cost, of_anything_else_without_a_price_is_unknown) {
    llm::price_card const card{1_usd_per_mtok, 10_usd_per_mtok, "2026-01-01"};
    for (auto const bucket : {&usage::input_audio, &usage::output_audio, &usage::input_image, &usage::output_image,
                              &usage::web_searches, &usage::tool_calls}) {
        usage u;
        u.*bucket = 1;
        EXPECT_EQ(llm::cost_of(u, card), std::nullopt);
    }
}

TEST(cost, a_long_prompt_is_priced_anew_as_a_whole) {
    auto const card = *llm::openai_prices().find("gpt-5.6");
    EXPECT_EQ(llm::cost_of(tokens(272'000, 1'000), card), money::from_nano(272'000LL * 5'000 + 1'000 * 30'000));
    EXPECT_EQ(llm::cost_of(tokens(272'001, 1'000), card), money::from_nano(272'001LL * 10'000 + 1'000 * 45'000));
}

llm::dearest_rates dearest(llm::price_card const& card, std::int64_t prompt) {
    llm::dearest_rates d;
    card.collect(d, prompt, llm::service_tier::standard);
    return d;
}
money bound(llm::price_card const& card, std::int64_t prompt, std::int64_t output) {
    return llm::bound_of({.text_tokens = prompt, .output_tokens = output}, dearest(card, prompt), card.fees())->cost;
}

TEST(bound, takes_the_dearest_rate_that_may_apply) {
    auto const card = *llm::openai_prices().find("gpt-5.6");  // writing to the cache is dearer than not to
    EXPECT_EQ(bound(card, 1'000, 100), money::from_nano(1'000 * 6'250 + 100 * 30'000));
    EXPECT_EQ(bound(card, 300'000, 100), money::from_nano(300'000LL * 12'500 + 100 * 45'000));
    // A size that is cheaper per token must not lower the bound: the real prompt may be shorter.
    auto const odd = llm::price_card{2_usd_per_mtok, 2_usd_per_mtok, "2026-01-01"}.above(
        10, {.input = 1_usd_per_mtok, .output = 1_usd_per_mtok});
    EXPECT_EQ(bound(odd, 100, 0), money::from_nano(200'000));
}

TEST(bound, is_a_straight_line_in_the_output_maximum) {
    auto const card = llm::price_card{1_usd_per_mtok, 9_usd_per_mtok, "2026-01-01"}.above(
        10, {.input = 5_usd_per_mtok, .output = 2_usd_per_mtok});
    auto const at = [&](std::int64_t output) {
        return *llm::bound_of({.text_tokens = 100, .output_tokens = output, .choices = 3}, dearest(card, 100),
                              card.fees());
    };
    EXPECT_EQ(at(50).cost, money::from_nano(100 * 5'000 + 3 * 50 * 9'000));
    EXPECT_EQ(at(50).per_output, 27_usd_per_mtok);
    EXPECT_EQ(at(50).cost - at(49).cost, money::from_nano(27'000));
}

TEST(bound, counts_parts_searches_images_and_the_request) {
    auto const card =
        llm::price_card{{.input = 1_usd_per_mtok, .output = 1_usd_per_mtok, .image_in = 3_usd_per_mtok}, "2026-01-01"}
            .fees({.request = 0.1_usd, .web_search = std::array{0.01_usd, 0.02_usd, 0.03_usd}, .image = 0.001_usd});
    llm::quantities const q{.text_tokens = 1'000'000, .part_tokens = 1'000'000, .web_searches = 2, .images = 5};
    EXPECT_EQ(llm::bound_of(q, dearest(card, 2'000'000), card.fees())->cost, 4.165_usd);
    EXPECT_EQ(llm::bound_of(q, dearest(card, 2'000'000), card.fees(), llm::search_context::low)->cost, 4.125_usd);
    EXPECT_FALSE(llm::bound_of(q, dearest(card, 2'000'000), {}));  // a search without a fee
}

TEST(bound, counts_calls_of_tools_and_speech_where_there_may_be_any) {
    auto const card =
        llm::price_card{{.input = 1_usd_per_mtok, .output = 2_usd_per_mtok, .audio_out = 80_usd_per_mtok}, "2026-01-01"}
            .fees({.tool_call = 0.03_usd});
    auto const rates = dearest(card, 1'000);
    auto const cost = [&](llm::quantities const& q) { return llm::bound_of(q, rates, card.fees())->cost; };
    EXPECT_EQ(cost({.output_tokens = 1'000}), 0.002_usd);
    EXPECT_EQ(cost({.output_tokens = 1'000, .may_speak = true}), 0.08_usd);
    EXPECT_EQ(llm::bound_of({.output_tokens = 9, .choices = 2, .may_speak = true}, rates, card.fees())->per_output,
              160_usd_per_mtok);
    EXPECT_EQ(cost({.tool_calls = 5}), 0.15_usd);
    EXPECT_FALSE(llm::bound_of({.tool_calls = 1}, rates, {})) << "without a fee";
}

}  // namespace
}  // namespace cost_test
