// SPDX-License-Identifier: BSL-1.0
#include <coffer/llm/chat_body.hpp>

#include <gtest/gtest.h>

#include <cstdint>
#include <limits>
#include <string>

namespace chat_body_test {
namespace {

namespace llm = coffer::llm;
using coffer::fault_kind;

std::string body(llm::request const& r) { return llm::chat_body(r, "max_completion_tokens").value(); }
fault_kind refused(llm::request const& r) {
    auto const made = llm::chat_body(r, "max_completion_tokens");
    EXPECT_FALSE(made);
    EXPECT_EQ(made.error().billing(), coffer::knowledge::no);
    EXPECT_FALSE(made.error().message().empty());
    return made.error().kind();
}

TEST(chat_body, the_least) {
    EXPECT_EQ(body(llm::request{"gpt-4o-mini"}.user("Hi")),
              R"({"messages":[{"content":"Hi","role":"user"}],"model":"gpt-4o-mini"})");
}

TEST(chat_body, everything) {
    auto const r = llm::request{"gpt-4o"}
                       .add(llm::message::developer("d"))
                       .system("s")
                       .user("\"q\"\n\xC3\xA4")
                       .add(llm::message::assistant(
                           "", R"([{"id":"c1","type":"function","function":{"name":"f","arguments":"{}"}}])"))
                       .add(llm::message::tool("c1", "42"))
                       .max_output_tokens(400)
                       .temperature(0.7)
                       .top_p(1)
                       .n(2)
                       .stop("a")
                       .stop("b")
                       .seed(-5)
                       .json_schema("n", R"({"type":"object"})")
                       .tools(R"([{"type":"function","function":{"name":"f"}}])")
                       .end_user("u-1")
                       .extra(R"({"metadata":{"k":"v"},"seed":6,"service_tier":"flex"})");
    EXPECT_EQ(
        body(r),
        R"({"max_completion_tokens":400,)"
        R"("messages":[{"content":"d","role":"developer"},{"content":"s","role":"system"},)"
        R"({"content":"\"q\"\nä","role":"user"},)"
        R"({"content":null,"role":"assistant","tool_calls":[{"function":{"arguments":"{}","name":"f"},"id":"c1","type":"function"}]},)"
        R"({"content":"42","role":"tool","tool_call_id":"c1"}],)"
        R"("metadata":{"k":"v"},"model":"gpt-4o","n":2,)"
        R"("response_format":{"json_schema":{"name":"n","schema":{"type":"object"},"strict":true},"type":"json_schema"},)"
        R"("seed":6,"service_tier":"flex","stop":["a","b"],"temperature":0.7,)"
        R"("tools":[{"function":{"name":"f"},"type":"function"}],"top_p":1.0,"user":"u-1"})");
}

TEST(chat_body, images_are_parts_of_their_message) {
    EXPECT_EQ(body(llm::request{"m"}
                       .user("What is it?")
                       .image("https://example.com/a.png", llm::image_detail::low)
                       .image("data:image/png;base64,AAAA")),
              R"({"messages":[{"content":[{"text":"What is it?","type":"text"},)"
              R"({"image_url":{"detail":"low","url":"https://example.com/a.png"},"type":"image_url"},)"
              R"({"image_url":{"url":"data:image/png;base64,AAAA"},"type":"image_url"}],"role":"user"}],"model":"m"})");
    EXPECT_EQ(body(llm::request{"m"}.system("s").image("https://x")),
              R"({"messages":[{"content":"s","role":"system"},)"
              R"({"content":[{"image_url":{"url":"https://x"},"type":"image_url"}],"role":"user"}],"model":"m"})");
}

TEST(chat_body, a_limit_from_outside_holds_if_it_is_the_smaller_one) {
    auto const limited = [](llm::request const& r, std::int64_t most) {
        return llm::chat_json(r, "max_completion_tokens", most).value();
    };
    auto const r = llm::request{"m"}.user("u");
    EXPECT_EQ(limited(r, 50)["max_completion_tokens"], 50);
    EXPECT_EQ(limited(llm::request{r}.max_output_tokens(400), 50)["max_completion_tokens"], 50);
    EXPECT_EQ(limited(llm::request{r}.max_output_tokens(40), 50)["max_completion_tokens"], 40);
    auto const older = limited(llm::request{r}.extra(R"({"max_tokens":400})"), 50);
    EXPECT_EQ(older["max_tokens"], 50);
    EXPECT_FALSE(older.contains("max_completion_tokens"));
    auto const both = limited(llm::request{r}.max_output_tokens(40).extra(R"({"max_tokens":400})"), 50);
    EXPECT_EQ(both["max_tokens"], 50);
    EXPECT_EQ(both["max_completion_tokens"], 40);
    for (auto const* const odd : {R"({"max_completion_tokens":null})", R"({"max_completion_tokens":"many"})",
                                  R"({"max_completion_tokens":-5})", R"({"max_completion_tokens":1e300})"})
        EXPECT_EQ(limited(llm::request{r}.extra(odd), 50)["max_completion_tokens"], 50) << odd;
}

TEST(chat_body, the_output_limit_goes_under_the_name_that_the_server_knows) {
    EXPECT_EQ(llm::chat_body(llm::request{"m"}.max_output_tokens(5), "max_tokens").value(),
              R"({"max_tokens":5,"messages":[],"model":"m"})");
}

TEST(chat_body, what_cannot_be_meant_is_refused_before_anything_is_sent) {
    auto const valid = llm::request{"m"}.user("x");
    for (auto const* const raw : {"", " ", "{", "[]", "7", "nonsense", "{\"a\":1}x"}) {
        if (*raw != '\0') {
            EXPECT_EQ(refused(llm::request{valid}.extra(raw)), fault_kind::invalid_request) << raw;
        }
    }
    EXPECT_EQ(refused(llm::request{valid}.tools("{}")), fault_kind::invalid_request);
    EXPECT_EQ(refused(llm::request{valid}.response_format("[]")), fault_kind::invalid_request);
    EXPECT_EQ(refused(llm::request{valid}.json_schema("n", "{")), fault_kind::invalid_request);
    EXPECT_EQ(refused(llm::request{valid}.add(llm::message::assistant("", "{}"))), fault_kind::invalid_request);
    EXPECT_EQ(refused(llm::request{valid}.temperature(std::numeric_limits<double>::quiet_NaN())),
              fault_kind::invalid_request);
    EXPECT_EQ(refused(llm::request{valid}.top_p(std::numeric_limits<double>::infinity())), fault_kind::invalid_request);
    EXPECT_EQ(refused(llm::request{valid}.user("\xFF\xFE")), fault_kind::invalid_request);
    EXPECT_EQ(refused(llm::request{"\xC3"}.user("x")), fault_kind::invalid_request);
    std::string deep(100'000, '[');
    EXPECT_EQ(refused(llm::request{valid}.tools(deep)), fault_kind::invalid_request);
}

TEST(chat_body, streaming_is_not_this_operations) {
    EXPECT_EQ(refused(llm::request{"m"}.extra(R"({"stream":true})")), fault_kind::invalid_request);
    EXPECT_TRUE(llm::chat_body(llm::request{"m"}.extra(R"({"stream":false})"), "max_tokens"));
    EXPECT_TRUE(llm::chat_body(llm::request{"m"}.extra(R"({"stream":null})"), "max_tokens"));
}

TEST(chat_body, refusals_hold_nothing_of_the_request) {
    auto const made = llm::chat_body(llm::request{"m"}.user("canary-prompt").extra("canary-extra"), "max_tokens");
    ASSERT_FALSE(made);
    EXPECT_EQ(made.error().message().find("canary"), std::string_view::npos);
}

}  // namespace
}  // namespace chat_body_test
