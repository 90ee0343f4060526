// SPDX-License-Identifier: BSL-1.0
#include <coffer/llm/usage.hpp>

#include <gtest/gtest.h>

#include <optional>
#include <string>

namespace usage_test {
namespace {

namespace llm = coffer::llm;
using coffer::money;
using coffer::usage;

std::optional<usage> read(std::string const& fields) {
    return llm::usage_of(llm::json::parse(R"({"usage":)" + fields + "}"));
}
std::optional<money> cost(std::string const& fields) {
    return llm::reported_cost(llm::json::parse(R"({"usage":)" + fields + "}"));
}

TEST(usage, plain_counts) {
    usage expected;
    expected.input_fresh = 10;
    expected.output = 20;
    EXPECT_EQ(read(R"({"prompt_tokens":10,"completion_tokens":20,"total_tokens":30})"), expected);
}

TEST(usage, sorts_a_total_into_buckets_that_do_not_overlap) {
    auto const u = read(R"({"prompt_tokens":1000,"completion_tokens":500,"total_tokens":1500,
        "prompt_tokens_details":{"cached_tokens":600,"cache_write_tokens":100,"audio_tokens":50},
        "completion_tokens_details":{"reasoning_tokens":300,"audio_tokens":40,"accepted_prediction_tokens":0,"rejected_prediction_tokens":7}})");
    ASSERT_TRUE(u);
    EXPECT_EQ(u->input_cache_read, 600);
    EXPECT_EQ(u->input_cache_write_5m, 100);
    EXPECT_EQ(u->input_audio, 50);
    EXPECT_EQ(u->input_fresh, 250);
    EXPECT_EQ(u->output, 460);
    EXPECT_EQ(u->output_audio, 40);
    EXPECT_EQ(u->reasoning, 300);
    EXPECT_EQ(u->input(), 1000);
}

TEST(usage, images_and_tools_at_the_provider) {
    auto const u = read(R"({"prompt_tokens":1000,"completion_tokens":1500,
        "prompt_tokens_details":{"cached_tokens":100,"image_tokens":600},
        "completion_tokens_details":{"image_tokens":1290},"server_tool_use":{"web_search_requests":2}})");
    ASSERT_TRUE(u);
    EXPECT_EQ(u->input_image, 600);
    EXPECT_EQ(u->input_fresh, 300);
    EXPECT_EQ(u->input(), 1000);
    EXPECT_EQ(u->output_image, 1290);
    EXPECT_EQ(u->output, 210);
    EXPECT_EQ(u->web_searches, 2);
    EXPECT_EQ(u->tool_calls, 0);
    EXPECT_EQ(read(R"({"prompt_tokens":1,"completion_tokens":1,"num_sources_used":4})")->tool_calls, 4);
    EXPECT_EQ(read(R"({"prompt_tokens":1,"completion_tokens":1,"server_tool_use":{"web_search_requests":-1}})"),
              std::nullopt);
    EXPECT_EQ(read(R"({"prompt_tokens":1,"completion_tokens":1,"completion_tokens_details":{"image_tokens":2}})"),
              std::nullopt);
}

TEST(usage, what_is_an_image_and_cached_counts_as_cached) {
    auto const u = read(R"({"prompt_tokens":1000,"completion_tokens":1,
        "prompt_tokens_details":{"cached_tokens":900,"image_tokens":600}})");
    ASSERT_TRUE(u);
    EXPECT_EQ(u->input_cache_read, 900);
    EXPECT_EQ(u->input_image, 100);
    EXPECT_EQ(u->input_fresh, 0);
}

TEST(usage, details_may_be_missing_or_null) {
    EXPECT_TRUE(read(R"({"prompt_tokens":1,"completion_tokens":2,"prompt_tokens_details":null})"));
    EXPECT_TRUE(read(R"({"prompt_tokens":1,"completion_tokens":2,"prompt_tokens_details":{"cached_tokens":null}})"));
    EXPECT_TRUE(read(R"({"prompt_tokens":1.0,"completion_tokens":2})"));  // some servers write all numbers so
}

TEST(usage, zero_is_zero_and_missing_is_unknown) {
    EXPECT_EQ(read(R"({"prompt_tokens":0,"completion_tokens":0})"), usage{});
    EXPECT_EQ(llm::usage_of(llm::json::parse("{}")), std::nullopt);
    EXPECT_EQ(llm::usage_of(llm::json::parse("[]")), std::nullopt);
    EXPECT_EQ(llm::usage_of(llm::json::parse("7")), std::nullopt);
    for (auto const* const fields : {"null", "{}", "[]", "7", R"("x")", R"({"prompt_tokens":5})",
                                     R"({"completion_tokens":5})", R"({"prompt_tokens":null,"completion_tokens":5})"})
        EXPECT_EQ(read(fields), std::nullopt) << fields;
}

TEST(usage, nonsense_is_unknown) {
    for (
        auto const* const fields :
        {R"({"prompt_tokens":-1,"completion_tokens":5})", R"({"prompt_tokens":1,"completion_tokens":-5})",
         R"({"prompt_tokens":"1","completion_tokens":5})", R"({"prompt_tokens":1.5,"completion_tokens":5})",
         R"({"prompt_tokens":1e300,"completion_tokens":5})",
         R"({"prompt_tokens":18446744073709551615,"completion_tokens":5})",
         R"({"prompt_tokens":5,"completion_tokens":5,"prompt_tokens_details":{"cached_tokens":6}})",
         R"({"prompt_tokens":5,"completion_tokens":5,"prompt_tokens_details":{"cached_tokens":3,"cache_write_tokens":3}})",
         R"({"prompt_tokens":5,"completion_tokens":5,"prompt_tokens_details":{"cached_tokens":-3}})",
         R"({"prompt_tokens":5,"completion_tokens":5,"prompt_tokens_details":{"cached_tokens":"3"}})",
         R"({"prompt_tokens":5,"completion_tokens":5,"completion_tokens_details":{"reasoning_tokens":6}})",
         R"({"prompt_tokens":5,"completion_tokens":5,"completion_tokens_details":{"audio_tokens":6}})"})
        EXPECT_EQ(read(fields), std::nullopt) << fields;
}

TEST(reported_cost, open_routers_credits_are_dollars) {
    EXPECT_EQ(cost(R"({"cost":0.00014})"), money::from_nano(140'000));
    EXPECT_EQ(cost(R"({"cost":0})"), money{});
    EXPECT_EQ(cost(R"({"cost":1})"), money::from_nano(1'000'000'000));
    EXPECT_EQ(cost(R"({"cost":0.0000000001})"), money::from_nano(1));      // rounded up
    EXPECT_EQ(cost(R"({"cost":0.0000135})"), money::from_nano(13'500));    // no noise of a double rounded up
    EXPECT_EQ(cost(R"({"cost":0.1})"), money::from_nano(100'000'000));
    EXPECT_EQ(cost(R"({"cost":1234.567891234})"), money::from_nano(1'234'567'891'234));
    EXPECT_EQ(cost(R"({"cost":0.30000000000000004})"), money::from_nano(300'000'000));  // 0.1 + 0.2
    EXPECT_EQ(cost(R"({"cost":0.1234567891})"), money::from_nano(123'456'790));
    EXPECT_EQ(cost(R"({"cost":9223372036})"), money::from_nano(9'223'372'036'000'000'000));
}

TEST(reported_cost, with_a_key_of_ones_own_the_upstream_is_paid_too) {
    EXPECT_EQ(cost(R"({"cost":0.95,"is_byok":true,"cost_details":{"upstream_inference_cost":19}})"),
              money::from_nano(19'950'000'000));
    EXPECT_EQ(cost(R"({"cost":0.95,"is_byok":true})"), std::nullopt);
    EXPECT_EQ(cost(R"({"cost":0.95,"is_byok":false,"cost_details":{"upstream_inference_cost":0.95}})"),
              money::from_nano(950'000'000));
}

TEST(reported_cost, xais_ticks) {
    EXPECT_EQ(cost(R"({"cost_in_usd_ticks":10000000000})"), money::from_nano(1'000'000'000));
    EXPECT_EQ(cost(R"({"cost_in_usd_ticks":1})"), money::from_nano(1));
}

TEST(reported_cost, nonsense_is_unknown) {
    for (auto const* const fields : {"{}", "null", R"({"cost":null})", R"({"cost":-0.1})", R"({"cost":"0.1"})",
                                     R"({"cost":1e300})", R"({"cost":{"total":1}})", R"({"cost_in_usd_ticks":-5})"})
        EXPECT_EQ(cost(fields), std::nullopt) << fields;
}

}  // namespace
}  // namespace usage_test
