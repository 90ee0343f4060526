// SPDX-License-Identifier: BSL-1.0
#include "faults/apply.hpp"

#include <gtest/gtest.h>

#include "faults/parse_rule.hpp"
#include "openai/shape.hpp"

namespace provider_sim::apply_test {
namespace {

fault parsed(std::string const& text) { return parse_rules(json::array({json::parse(text)})).at(0).fault; }

http_answer applied(std::string const& rule) {
    http_answer answer;
    answer.headers = {{"Content-Type", "application/json"}, {"x-request-id", "req_1"}, {"cf-ray", "r"}};
    answer.body = R"({"ok":true})";
    return apply_fault(parsed(rule), answer, openai::shape, 784111777'000'000);
}

std::string header(http_answer const& answer, std::string_view name) {
    std::string all;
    for (auto const& [have, value] : answer.headers)
        if (have == name) all += (all.empty() ? "" : "|") + value;
    return all;
}

TEST(apply_fault, no_fault_changes_nothing) {
    auto const answer = applied("{}");
    EXPECT_EQ(answer.status, 200U);
    EXPECT_EQ(answer.body, R"({"ok":true})");
}

TEST(apply_fault, an_error_status_gets_the_providers_body) {
    auto const answer = applied(R"({"status": 429})");
    EXPECT_EQ(answer.status, 429U);
    EXPECT_EQ(json::parse(answer.body)["error"]["code"], "rate_limit_exceeded");
    EXPECT_EQ(header(answer, "x-request-id"), "req_1");
}

TEST(apply_fault, error_fields_override_the_defaults) {
    auto const answer = applied(
        R"({"status": 429, "error": {"type": "insufficient_quota", "code": "credit_balance_exhausted", "metadata": {"a": 1}}})");
    auto const error = json::parse(answer.body)["error"];
    EXPECT_EQ(error["type"], "insufficient_quota");
    EXPECT_EQ(error["code"], "credit_balance_exhausted");
    EXPECT_EQ(error["param"], nullptr);
    EXPECT_EQ(error["metadata"]["a"], 1);
}

TEST(apply_fault, an_error_inside_a_200_is_what_the_rule_says_and_nothing_more) {
    auto const answer = applied(R"({"status": 200, "error": {"code": 524, "message": "late"}})");
    EXPECT_EQ(answer.status, 200U);
    EXPECT_EQ(json::parse(answer.body), json::parse(R"({"error": {"code": 524, "message": "late"}})"));
}

TEST(apply_fault, wrong_answers) {
    EXPECT_EQ(applied(R"({"wrong": "empty"})").body, "");
    EXPECT_FALSE(json::accept(applied(R"({"wrong": "bad_json"})").body));
    EXPECT_TRUE(applied(R"({"wrong": "garbage"})").raw);
    auto const page = applied(R"({"wrong": "html"})");
    EXPECT_EQ(page.status, 502U);
    EXPECT_EQ(header(page, "Content-Type"), "text/html");
    EXPECT_EQ(header(page, "x-request-id"), "");
    EXPECT_EQ(header(page, "cf-ray"), "r");
    EXPECT_TRUE(page.body.starts_with("<html>"));
    EXPECT_EQ(applied(R"({"wrong": "html", "status": 503})").status, 503U);
    EXPECT_EQ(applied(R"({"body": {"a": 1}})").body, R"({"a":1})");
    EXPECT_EQ(applied(R"({"body": "text"})").body, "text");
}

TEST(apply_fault, headers_in_every_form) {
    struct row {
        char const* value;
        char const* on_the_wire;
    };
    for (auto const& r : {
             row{R"("2.5")", "2.5"},
             row{"7", "7"},
             row{"-1", "-1"},
             row{R"("NaN")", "NaN"},
             row{R"(["a", 2])", "a|2"},
             row{"null", ""},
             row{R"({"http_date_in_s": 0})", "Sun, 06 Nov 1994 08:49:37 GMT"},
             row{R"({"http_date_in_s": -7})", "Sun, 06 Nov 1994 08:49:30 GMT"},
             row{R"({"rfc3339_in_s": 3})", "1994-11-06T08:49:40Z"},
             row{R"({"epoch_s_in_s": 1})", "784111778"},
             row{R"({"epoch_ms_in_s": 1})", "784111778000"},
         }) {
        auto const answer = applied(R"({"headers": {"x-request-id": )" + std::string{r.value} + "}}");
        EXPECT_EQ(header(answer, "x-request-id"), r.on_the_wire) << r.value;
    }
    EXPECT_EQ(header(applied(R"({"headers": {"CONTENT-TYPE": "text/plain"}})"), "Content-Type"), "");
}

TEST(apply_fault, padding) {
    auto const answer = applied(R"({"pad_headers": 2500, "pad_body": 100})");
    EXPECT_EQ(header(answer, "x-pad-0").size() + header(answer, "x-pad-1").size() + header(answer, "x-pad-2").size(),
              2500U);
    EXPECT_EQ(answer.body.size(), std::string_view{R"({"ok":true})"}.size() + 100);
    EXPECT_EQ(json::parse(answer.body)["ok"], true);
}

TEST(delivered_bytes, of_a_body_of_101) {
    EXPECT_EQ(delivered_bytes(parsed("{}"), 101), 101U);
    EXPECT_EQ(delivered_bytes(parsed(R"({"deliver": "half", "end": "fin"})"), 101), 50U);
    EXPECT_EQ(delivered_bytes(parsed(R"({"deliver": 7, "end": "fin"})"), 101), 7U);
    EXPECT_EQ(delivered_bytes(parsed(R"({"deliver": 999, "end": "fin"})"), 101), 101U);
    EXPECT_EQ(delivered_bytes(parsed(R"({"deliver": "headers", "end": "fin"})"), 101), 0U);
    EXPECT_EQ(delivered_bytes(parsed(R"({"deliver": "none", "end": "fin"})"), 101), 0U);
}

TEST(billed_usage, by_mode) {
    usage const full{100, 20, 50, 10};
    EXPECT_EQ(billed_usage(parsed("{}"), full, 1000), full);
    EXPECT_EQ(billed_usage(parsed(R"({"bill": "input_only"})"), full, 1000), (usage{100, 20, 0, 0}));
    EXPECT_EQ(billed_usage(parsed(R"({"bill": "none"})"), full, 1000), usage{});
    auto const half = parsed(R"({"bill": "generated_so_far", "deliver": "half", "end": "rst"})");
    EXPECT_EQ(billed_usage(half, full, 1000), (usage{100, 20, 25, 10}));
    EXPECT_EQ(billed_usage(half, full, 1001), (usage{100, 20, 25, 10}));  // 24.97, rounded up
    auto const some = parsed(R"({"bill": "generated_so_far", "generated_tokens": 3, "deliver": "none", "end": "rst"})");
    EXPECT_EQ(billed_usage(some, full, 1000), (usage{100, 20, 3, 3}));
    auto const more =
        parsed(R"({"bill": "generated_so_far", "generated_tokens": 99, "deliver": "none", "end": "rst"})");
    EXPECT_EQ(billed_usage(more, full, 1000).out_tok, 50);
    auto const none = parsed(R"({"bill": "generated_so_far", "deliver": "none", "end": "rst"})");
    EXPECT_EQ(billed_usage(none, full, 1000), (usage{100, 20, 0, 0}));
}

}  // namespace
}  // namespace provider_sim::apply_test
