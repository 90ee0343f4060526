// SPDX-License-Identifier: BSL-1.0
#include <coffer/llm/estimate.hpp>

#include <gtest/gtest.h>

#include <limits>
#include <optional>
#include <string>

namespace {

namespace llm = coffer::llm;
using coffer::money;

llm::openai_options const openai;

coffer::estimate of(llm::request const& r, llm::openai_options const& o = openai) { return llm::estimate_of(r, o); }
llm::request bounded() { return llm::request{"gpt-4o-mini"}.user("What?").max_output_tokens(400); }

TEST(estimate, bytes_bound_tokens) {
    EXPECT_EQ(of(bounded()).input_tokens, 64 + 16 + 5);
    EXPECT_EQ(of(llm::request{"gpt-4o-mini"}.user(std::string(10'000, 'x'))).input_tokens, 64 + 16 + 10'000);
    auto const with_tools = bounded().tools(R"([{"type":"function","function":{"name":"f"}}])");
    EXPECT_GE(of(with_tools).input_tokens, of(bounded()).input_tokens + 46);
    EXPECT_GT(of(bounded().json_schema("n", "{}")).input_tokens, of(bounded()).input_tokens);
}

TEST(estimate, the_output_is_the_enforced_maximum_for_each_choice) {
    EXPECT_EQ(of(bounded()).output_tokens, 400);
    EXPECT_EQ(of(bounded().n(3)).output_tokens, 1200);
    EXPECT_EQ(of(bounded().max_output_tokens(std::numeric_limits<std::int64_t>::max()).n(3)).output_tokens,
              std::numeric_limits<std::int64_t>::max());
}

TEST(estimate, the_cost_is_all_of_it_at_the_dearest_rate) {
    EXPECT_EQ(of(bounded()).cost, money::from_nano(85 * 150 + 400 * 600));
    EXPECT_EQ(of(bounded().n(3)).cost, money::from_nano(85 * 150 + 1200 * 600));
    EXPECT_EQ(of(bounded().model("gpt-5.6")).cost, money::from_nano(85 * 6250 + 400 * 30'000));  // written to the cache
    EXPECT_EQ(of(bounded().model("gpt-4o-mini-2024-07-18")).cost, of(bounded()).cost);
}

TEST(estimate, without_a_bound_there_is_no_cost) {
    EXPECT_EQ(of(llm::request{"gpt-4o-mini"}.user("What?")).cost, std::nullopt);  // no maximum
    EXPECT_EQ(of(bounded().model("gpt-9")).cost, std::nullopt);  // no price
    EXPECT_EQ(of(bounded().n(0)).cost, std::nullopt);
    EXPECT_EQ(of(bounded().n(-1)).cost, std::nullopt);
    EXPECT_EQ(of(bounded().max_output_tokens(-1)).cost, std::nullopt);
    EXPECT_EQ(of(bounded(), llm::openai_options::groq()).cost, std::nullopt);
    EXPECT_EQ(of(bounded().tools(R"([{"type":"web_search"}])")).cost, std::nullopt);
    EXPECT_EQ(of(bounded().tools("nonsense")).cost, std::nullopt);
}

TEST(estimate, extra_fields_may_take_the_bound_away) {
    for (auto const* const extra :
         {R"({"messages":[{"role":"user","content":[{"type":"image_url","image_url":{"url":"https://x"}}]}]})",
          R"({"modalities":["audio"]})", R"({"prediction":{"type":"content","content":"x"}})",
          R"({"web_search_options":{}})", R"({"service_tier":"priority"})", R"({"service_tier":7})",
          R"({"max_completion_tokens":null})", R"({"max_completion_tokens":"many"})", R"({"max_tokens":-5})",
          R"({"n":null})", R"({"n":-1})", R"({"model":"gpt-9"})", R"({"model":7})", R"({"something_new":1})",
          R"({"functions":[]})", R"({"tools":[]})", R"({"response_format":{}})", "nonsense", "[]"})
        EXPECT_EQ(of(bounded().extra(extra)).cost, std::nullopt) << extra;
}

TEST(estimate, harmless_extra_fields_do_not) {
    for (auto const* const extra :
         {R"({"metadata":{"a":"b"}})", R"({"service_tier":"flex"})", R"({"reasoning_effort":"high","verbosity":"low"})",
          R"({"store":false,"prompt_cache_key":"k"})", "{}"})
        EXPECT_TRUE(of(bounded().extra(extra)).cost) << extra;
}

TEST(estimate, extra_fields_say_what_is_really_sent) {
    EXPECT_EQ(of(bounded().extra(R"({"max_completion_tokens":50})")).output_tokens, 50);
    EXPECT_EQ(of(bounded().extra(R"({"max_tokens":50})")).output_tokens, 400);  // two limits: the larger one bounds
    EXPECT_EQ(of(bounded().extra(R"({"max_tokens":500})")).output_tokens, 500);
    EXPECT_EQ(of(llm::request{"gpt-4o-mini"}.extra(R"({"max_tokens":50,"n":2})")).output_tokens, 100);
    EXPECT_TRUE(of(llm::request{"gpt-4o-mini"}.extra(R"({"max_tokens":50,"n":2})")).cost);
    auto const dearer = of(bounded().extra(R"({"model":"gpt-4o"})")).cost;
    ASSERT_TRUE(dearer);
    EXPECT_GT(*dearer, *of(bounded()).cost);
}

TEST(estimate, absurd_numbers_saturate) {
    auto const e = of(bounded()
                          .max_output_tokens(std::numeric_limits<std::int64_t>::max())
                          .n(std::numeric_limits<std::int64_t>::max()));
    EXPECT_EQ(e.cost, money::max());
}

}  // namespace
