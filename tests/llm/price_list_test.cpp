// SPDX-License-Identifier: BSL-1.0
// The entries of files/price_list.json stand in BerriAI/litellm, model_prices_and_context_window.json at commit 00035b69.
#include <coffer/llm/cost.hpp>
#include <coffer/llm/price_list.hpp>

#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <cstddef>
#include <fstream>
#include <iterator>
#include <optional>
#include <random>
#include <stdexcept>
#include <string>
#include <string_view>
#include <vector>

namespace price_list_test {
namespace {

namespace llm = coffer::llm;
using namespace coffer::literals;
using coffer::money;
using coffer::usage;
using llm::service_tier;

std::string const& real_list() {
    static std::string const text = [] {
        std::ifstream file{std::string{COFFER_TESTS} + "/llm/files/price_list.json"};
        return std::string{std::istreambuf_iterator<char>{file}, {}};
    }();
    return text;
}
llm::price_list const& read() {
    static auto const list = llm::price_list::from_json(real_list(), "2026-11-21");
    return list;
}
/// A list of one model, "m", for chats.
llm::price_list of(std::string const& fields) {
    return llm::price_list::from_json(R"({"m":{"mode":"chat",)" + fields + "}}", "2026-11-21");
}
std::optional<std::string> said_of(std::vector<llm::price_list::note> const& notes, std::string_view model) {
    auto const at = std::ranges::find(notes, model, &llm::price_list::note::model);
    return at != notes.end() ? std::optional{at->what} : std::nullopt;
}
llm::token_rates rates(char const* model, std::int64_t prompt = 1, service_tier tier = service_tier::standard) {
    auto const* const card = read().prices.find(model);
    auto const* const r = card != nullptr ? card->rates(prompt, tier) : nullptr;
    EXPECT_NE(r, nullptr) << model;
    return r != nullptr ? *r : llm::token_rates{};
}
bool has(std::optional<std::string> const& text, std::string_view part) {
    return text && text->find(part) != text->npos;
}

TEST(price_list, rates_are_exact) {
    EXPECT_EQ(
        rates("gpt-4o"),
        (llm::token_rates{.input = 2.50_usd_per_mtok, .output = 10.00_usd_per_mtok, .cache_read = 1.25_usd_per_mtok}));
    EXPECT_EQ(rates("gpt-4o-mini-2024-07-18").cache_read, 0.075_usd_per_mtok);
    EXPECT_EQ(rates("gpt-5.2-pro").output, 168_usd_per_mtok);
    EXPECT_EQ(rates("cerebras/llama3.1-8b").input, 0.1_usd_per_mtok);
    EXPECT_EQ(rates("moonshot/kimi-k2-thinking").cache_read, 0.15_usd_per_mtok);
    EXPECT_EQ(rates("claude-haiku-4-5").cache_write_1h, 2_usd_per_mtok);
    EXPECT_EQ(rates("gpt-4o-audio-preview").audio_in, 40_usd_per_mtok);
    EXPECT_EQ(rates("gpt-4o-audio-preview").audio_out, 80_usd_per_mtok);
    EXPECT_EQ(read().prices.find("gpt-4o")->as_of(), "2026-11-21");
}

TEST(price_list, sizes) {
    EXPECT_EQ(rates("claude-sonnet-4-5", 200'000).input, 3_usd_per_mtok);
    EXPECT_EQ(rates("claude-sonnet-4-5", 200'001), (llm::token_rates{.input = 6_usd_per_mtok,
                                                                     .output = 22.5_usd_per_mtok,
                                                                     .cache_read = 0.6_usd_per_mtok,
                                                                     .cache_write = 7.5_usd_per_mtok,
                                                                     .cache_write_1h = 12_usd_per_mtok}));
    EXPECT_EQ(rates("gpt-5.6", 272'001).output, 45_usd_per_mtok);
    EXPECT_EQ(rates("gemini-2.5-pro", 200'001).cache_write, 0.25_usd_per_mtok);
    EXPECT_EQ(rates("gemini-2.5-pro").cache_write, std::nullopt);
    EXPECT_EQ(rates("dashscope/qwen3-max-2026-01-23", 32'000).input, 1.2_usd_per_mtok);
    EXPECT_EQ(rates("dashscope/qwen3-max-2026-01-23", 32'001).input, 2.4_usd_per_mtok);
    EXPECT_EQ(rates("dashscope/qwen3-max-2026-01-23", 999'999).output, 15_usd_per_mtok);
}

TEST(price_list, service_tiers) {
    EXPECT_EQ(rates("gpt-5.6", 1, service_tier::flex), (llm::token_rates{.input = 2.5_usd_per_mtok,
                                                                         .output = 15_usd_per_mtok,
                                                                         .cache_read = 0.25_usd_per_mtok,
                                                                         .cache_write = 3.125_usd_per_mtok}));
    EXPECT_EQ(rates("gpt-4o", 1, service_tier::priority).cache_read, 2.125_usd_per_mtok);
    EXPECT_EQ(rates("gpt-4o", 1, service_tier::batch).output, 5_usd_per_mtok);
    EXPECT_FALSE(read().prices.find("gpt-4o")->lists(service_tier::flex));
    EXPECT_EQ(read().prices.find("gpt-5.6")->rates(272'001, service_tier::flex), nullptr);
    // Reasoning costs what output costs, in each tier.
    EXPECT_EQ(rates("gemini-3.1-flash-lite", 1, service_tier::flex).reasoning.value_or(0.75_usd_per_mtok),
              0.75_usd_per_mtok);
}

TEST(price_list, fees) {
    EXPECT_EQ(read().prices.find("gpt-4o-mini-2024-07-18")->fees().web_search,
              (std::array{0.025_usd, 0.0275_usd, 0.03_usd}));
    EXPECT_EQ(read().prices.find("gpt-4o")->fees(), llm::unit_fees{});
    auto const list = of(R"("input_cost_per_token":1e-6,"output_cost_per_token":1e-6,"input_cost_per_request":0.005,
                            "input_cost_per_image":0.0011)");
    EXPECT_EQ(list.prices.find("m")->fees().request, 0.005_usd);
    EXPECT_EQ(list.prices.find("m")->fees().image, 0.0011_usd);
    auto const twice = of(R"("input_cost_per_token":1e-6,"output_cost_per_token":1e-6,"input_cost_per_image_token":2e-6,
                             "input_cost_per_image":0.0011)");
    EXPECT_EQ(twice.prices.find("m")->fees().image, std::nullopt);
    EXPECT_EQ(twice.prices.find("m")->rates(1)->image_in, 2_usd_per_mtok);
}

TEST(price_list, says_what_it_skipped_and_spoils_nothing_else) {
    auto const& list = read();
    for (auto const* const model :
         {"sample_spec", "1024-x-1024/dall-e-2", "dashscope/qwen-image-2.0", "multimodalembedding"}) {
        EXPECT_TRUE(has(said_of(list.skipped, model), "mode")) << model;
        EXPECT_EQ(list.prices.find(model), nullptr) << model;
    }
    EXPECT_EQ(list.skipped.size(), 4U);
    EXPECT_EQ(list.prices.size(), 14U);

    auto const mixed = llm::price_list::from_json(R"({
        "a":{"mode":"chat","input_cost_per_token":1e-6},
        "b":{"mode":"chat","output_cost_per_token":1e-6},
        "c":{"mode":"chat","input_cost_per_token":-1e-6,"output_cost_per_token":1e-6},
        "d":{"mode":"chat","input_cost_per_token":"a lot","output_cost_per_token":1e-6},
        "e":{"mode":"chat","input_cost_per_token":1e300,"output_cost_per_token":1e-6},
        "f":{"mode":"chat","input_cost_per_token":true,"output_cost_per_token":1e-6},
        "g":7,
        "h":{"input_cost_per_token":"1e-6","output_cost_per_token":0,"cache_read_input_token_cost":null}})",
                                                  "2026-11-21");
    EXPECT_EQ(mixed.prices.size(), 1U);
    EXPECT_EQ(*mixed.prices.find("h")->rates(1), (llm::token_rates{.input = 1_usd_per_mtok}));
    EXPECT_EQ(said_of(mixed.skipped, "a"), "no output_cost_per_token");
    EXPECT_EQ(said_of(mixed.skipped, "b"), "no input_cost_per_token");
    for (auto const* const model : {"c", "d", "e", "f"})
        EXPECT_EQ(said_of(mixed.skipped, model), "input_cost_per_token is no amount of money") << model;
    EXPECT_EQ(said_of(mixed.skipped, "g"), "the entry is no object");
}

TEST(price_list, a_field_of_money_that_is_not_understood_makes_the_price_unknown) {
    auto const* const card = read().prices.find("databricks/databricks-claude-3-7-sonnet");
    ASSERT_NE(card, nullptr);
    EXPECT_TRUE(has(card->refused(), "input_dbu_cost_per_token"));
    EXPECT_TRUE(has(said_of(read().refused, "databricks/databricks-claude-3-7-sonnet"), "input_dbu_cost_per_token"));
    EXPECT_EQ(read().refused.size(), 1U);
    for (auto const* const field :
         {R"("citation_cost_per_token":1e-6)", R"("input_cost_per_token_on_mondays":2e-6)",
          R"("input_cost_per_token_above_many_tokens":2e-6)",
          R"("input_cost_per_token_above_128k_tokens_above_256k_tokens":2)", R"("input_cost_per_video_per_second":1)",
          R"("off_peak_pricing":{})", R"("price_multiplier":2)",
          R"("search_context_cost_per_query":{"search_context_size_huge":1})",
          R"("search_context_cost_per_query":0.01)", R"("output_cost_per_image":0.134)",
          R"("cache_read_input_audio_token_cost":1e-6)", R"("tiered_pricing":7)",
          R"("tiered_pricing":[{"input_cost_per_token":1e-6}])",
          R"("tiered_pricing":[{"range":[5,6],"input_cost_per_token":1e-6}])",
          R"("tiered_pricing":[{"range":[0,6],"input_cost_per_token_flex":1e-6}])"}) {
        auto const list = of(std::string{R"("input_cost_per_token":1e-6,"output_cost_per_token":1e-6,)"} + field);
        EXPECT_EQ(list.refused.size(), 1U) << field;
        ASSERT_NE(list.prices.find("m"), nullptr) << field;
        EXPECT_EQ(llm::cost_of(usage{}, *list.prices.find("m")), std::nullopt) << field;
    }
}

TEST(price_list, what_does_not_concern_a_chat_does_no_harm) {
    auto const list = of(R"("input_cost_per_token":1e-6,"output_cost_per_token":1e-6,"max_tokens":7,"source":"cost",
        "deprecation_date":"2027-01-01","code_interpreter_cost_per_session":0.03,"supports_pricing":true,
        "input_cost_per_token_ultrafast":9e-6,"output_cost_per_image":0.1,"output_cost_per_image_token":1e-4,
        "provider_specific_entry":{"fast":6.0})");
    ASSERT_NE(list.prices.find("m"), nullptr);
    EXPECT_TRUE(list.refused.empty());
    EXPECT_EQ(*list.prices.find("m")->rates(1),
              (llm::token_rates{.input = 1_usd_per_mtok, .output = 1_usd_per_mtok, .image_out = 100_usd_per_mtok}));
}

TEST(price_list, a_price_finer_than_a_pico_dollar_is_rounded_up_and_said) {
    auto const list = of(R"("input_cost_per_token":2.9999900000000002e-06,"output_cost_per_token":1e-13)");
    EXPECT_EQ(list.prices.find("m")->rates(1)->input.pico(), 2'999'991);
    EXPECT_EQ(list.prices.find("m")->rates(1)->output.pico(), 1);
    ASSERT_EQ(list.remarks.size(), 2U);
    EXPECT_TRUE(has(list.remarks[0].what, "input_cost_per_token"));
    EXPECT_TRUE(has(list.remarks[0].what, "rounded up"));
}

TEST(price_list, a_tier_that_is_not_complete_is_left_out_and_said) {
    auto const list =
        of(R"("input_cost_per_token":1e-6,"output_cost_per_token":1e-6,"input_cost_per_token_priority":2e-6)");
    EXPECT_FALSE(list.prices.find("m")->lists(service_tier::priority));
    EXPECT_TRUE(has(said_of(list.remarks, "m"), "priority"));
}

TEST(price_list, what_a_size_does_not_say_is_no_cheaper_there) {
    auto const list = of(R"("input_cost_per_token":1e-6,"output_cost_per_token":2e-6,
        "cache_read_input_token_cost":1e-7,"cache_creation_input_token_cost_above_1hr":9e-6,
        "output_cost_per_reasoning_token":7e-6,"input_cost_per_token_above_100k_tokens":4e-6)");
    auto const& large = *list.prices.find("m")->rates(100'001);
    EXPECT_EQ(large.input, 4_usd_per_mtok);
    EXPECT_EQ(large.output, 2_usd_per_mtok);  // as below
    EXPECT_EQ(large.cache_read, std::nullopt);  // the full rate
    EXPECT_EQ(large.cache_write_1h, 9_usd_per_mtok);
    EXPECT_EQ(large.reasoning, 7_usd_per_mtok);
}

TEST(price_list, of_one_provider_has_its_models_names) {
    auto const list = llm::price_list::from_json(real_list(), "2026-11-21", "dashscope");
    EXPECT_EQ(list.prices.size(), 1U);
    EXPECT_NE(list.prices.find("qwen3-max-2026-01-23"), nullptr);
    EXPECT_EQ(list.prices.find("gpt-4o"), nullptr);
    ASSERT_EQ(list.skipped.size(), 1U);
    EXPECT_EQ(list.skipped[0].model, "qwen-image-2.0");
}

TEST(price_list, search_models_always_search) {
    auto const list = llm::price_list::from_json(
        R"({"gpt-4o-search-preview":{"mode":"chat","input_cost_per_token":1e-6,"output_cost_per_token":1e-6}})",
        "2026-11-21");
    EXPECT_TRUE(list.prices.find("gpt-4o-search-preview")->always_searches());
    EXPECT_FALSE(read().prices.find("gpt-4o")->always_searches());
}

TEST(price_list, survives_whatever_stands_in_it) {
    std::mt19937_64 random{5};
    auto const upto = [&](std::size_t most) { return std::uniform_int_distribution<std::size_t>{0, most}(random); };
    constexpr std::string_view bytes = "{}[]\",:0123456789.eE+-_abkmnt\x80 ";
    int lists = 0;
    for (int round = 0; round < 1'000; ++round) {
        auto text = real_list();
        for (auto changes = 1 + upto(3); changes > 0; --changes)
            text[upto(text.size() - 1)] = bytes[upto(bytes.size() - 1)];
        try {
            auto const list = llm::price_list::from_json(text, "2026-11-21");
            EXPECT_LE(list.prices.size() + list.skipped.size(), 40U);
            ++lists;
        } catch (std::invalid_argument const&) {  // no JSON any more
        }
    }
    EXPECT_GT(lists, 50);
}

TEST(price_list, what_is_no_list_is_an_error_that_says_so) {
    for (auto const* const text : {"", "[]", "7", "nonsense", "{"})
        EXPECT_THROW((void)llm::price_list::from_json(text, "2026-11-21"), std::invalid_argument) << text;
    for (auto const* const day : {"", "today", "2026-1-1", "20261121", "2026-11-21T00", "----------"})
        EXPECT_THROW((void)llm::price_list::from_json("{}", day), std::invalid_argument) << day;
}

}  // namespace
}  // namespace price_list_test
