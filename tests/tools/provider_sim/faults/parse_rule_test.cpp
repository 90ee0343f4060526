// SPDX-License-Identifier: BSL-1.0
#include "faults/parse_rule.hpp"

#include <gtest/gtest.h>

#include "base/bad_input.hpp"
#include "faults/rule_book.hpp"

namespace provider_sim::parse_rule_test {
namespace {

rule parse(std::string const& text) { return parse_rules(json::array({json::parse(text)})).at(0); }

std::string complaint(std::string const& text) {
    try {
        parse_rules(json::parse(text));
    } catch (bad_input const& error) {
        return error.what();
    }
    return {};
}

TEST(parse_rule, an_empty_rule_does_nothing_to_every_request) {
    auto const r = parse("{}");
    EXPECT_EQ(r.name, "rule-0");
    EXPECT_EQ(r.times, std::nullopt);
    EXPECT_EQ(r.stage, rule_stage::body);
    EXPECT_TRUE(r.fault.execute);
    EXPECT_EQ(r.fault.bill, bill_mode::full);
    EXPECT_EQ(r.fault.deliver, deliver_extent::full);
    EXPECT_EQ(r.fault.end, ending::keep);
    EXPECT_EQ(r.fault.own_status(), std::nullopt);
}

// What follows from what, unless the rule says otherwise.
TEST(parse_rule, defaults_of_execution_and_billing) {
    struct row {
        char const* rule;
        bool execute;
        bill_mode bill;
    };
    for (auto const& r : {
             row{R"({"status": 200})", true, bill_mode::full},
             row{R"({"status": 429})", false, bill_mode::none},
             row{R"({"status": 500, "execute": true})", true, bill_mode::full},
             row{R"({"status": 500, "bill": "input_only"})", false, bill_mode::input_only},
             row{R"({"status": 200, "error": {"code": 524}})", false, bill_mode::none},
             row{R"({"wrong": "html"})", false, bill_mode::none},
             row{R"({"wrong": "html", "status": 200})", true, bill_mode::full},
             row{R"({"wrong": "bad_json"})", true, bill_mode::full},
             row{R"({"wrong": "garbage"})", true, bill_mode::full},
             row{R"({"deliver": "none", "end": "rst"})", true, bill_mode::full},
             row{R"({"deliver": "none", "end": "rst", "execute": false})", false, bill_mode::none},
             row{R"({"execute": false})", false, bill_mode::none},
             row{R"({"read": "headers", "end": "rst"})", false, bill_mode::none},
         }) {
        EXPECT_EQ(parse(r.rule).fault.execute, r.execute) << r.rule;
        EXPECT_EQ(parse(r.rule).fault.bill, r.bill) << r.rule;
    }
}

TEST(parse_rule, defaults_of_status_delivery_and_end) {
    EXPECT_EQ(parse(R"({"execute": false})").fault.own_status(), 500U);
    EXPECT_EQ(parse(R"({"execute": false, "deliver": "none", "end": "fin"})").fault.own_status(), std::nullopt);
    EXPECT_EQ(parse(R"({"wrong": "html"})").fault.own_status(), 502U);
    EXPECT_EQ(parse(R"({"error": {}})").fault.own_status(), 500U);
    EXPECT_EQ(parse(R"({"read": "headers", "end": "rst"})").fault.deliver, deliver_extent::none);
    EXPECT_EQ(parse(R"({"read": "headers", "status": 413})").fault.deliver, deliver_extent::full);
    EXPECT_EQ(parse(R"({"framing": "close"})").fault.end, ending::fin);
    EXPECT_EQ(parse(R"({"wrong": "garbage"})").fault.end, ending::fin);
    EXPECT_EQ(parse(R"({"deliver": 10, "end": "rst"})").fault.deliver_bytes, 10U);
}

TEST(parse_rule, stages) {
    EXPECT_EQ(parse(R"({"read": "nothing", "end": "rst", "times": 1})").stage, rule_stage::accept);
    EXPECT_EQ(parse(R"({"read": "headers", "end": "rst"})").stage, rule_stage::head);
    EXPECT_EQ(parse(R"({"read": 100, "end": "rst"})").stage, rule_stage::head);
    EXPECT_EQ(parse(R"({"delay_ms": {"reading": 5}})").stage, rule_stage::head);
    EXPECT_EQ(parse(R"({"delay_ms": {"executing": 5}})").stage, rule_stage::body);
}

TEST(parse_rule, every_field_arrives) {
    auto const r = parse(R"({
        "name": "all", "times": 3,
        "match": {"method": "POST", "path": "/v1/*", "model": "gpt-4o*", "key": "ab12", "body_contains": "poem",
                  "header": {"X-Arm": "b", "x-off": false}, "nth": [1, 3], "index": {"from": 2, "to": 5}, "run": 0,
                  "pid": 77, "probability": 0.25},
        "execute": true, "bill": "generated_so_far", "generated_tokens": 7, "deliver": "half", "end": "hang",
        "framing": "chunked", "status": 200,
        "answer": {"finish_reason": "length", "refusal": "no", "model": "other", "output_tokens": 9, "cached_tokens": 2,
                   "reasoning_tokens": 4, "usage": "null", "choice_error": {"code": 429}},
        "headers": {"retry-after": 3}, "pad_headers": 10, "pad_body": 20, "interim": [103],
        "delay_ms": {"executing": 1, "headers": 2, "body": 3}, "drip": {"bytes": 4, "interval_ms": 5},
        "kill": {"moment": "half_body", "signal": "STOP", "cont_after_ms": 6}})");
    EXPECT_EQ(r.name, "all");
    EXPECT_EQ(r.times, 3U);
    EXPECT_EQ(r.match.key, "ab12");
    EXPECT_EQ(r.match.headers.at(0).name, "x-arm");
    EXPECT_FALSE(r.match.headers.at(1).present);
    EXPECT_TRUE(r.match.nth->contains(3));
    EXPECT_FALSE(r.match.nth->contains(2));
    EXPECT_TRUE(r.match.index->contains(5));
    EXPECT_FALSE(r.match.index->contains(6));
    EXPECT_EQ(r.match.pid, 77);
    EXPECT_EQ(r.match.probability, 0.25);
    EXPECT_EQ(r.fault.generated_tokens, 7);
    EXPECT_EQ(r.fault.framing, framing::chunked);
    EXPECT_EQ(r.fault.answer.reasoning_tokens, 4);
    EXPECT_EQ(r.fault.answer.usage, usage_shape::null);
    EXPECT_EQ(r.fault.interim, std::vector<unsigned>{103});
    EXPECT_EQ(r.fault.delay.body.count(), 3);
    EXPECT_EQ(r.fault.drip.interval.count(), 5);
    EXPECT_EQ(r.fault.kill->cont_after->count(), 6);
}

TEST(parse_rule, mistakes_name_the_rule_and_the_field) {
    struct row {
        char const* rules;
        char const* says;
    };
    for (auto const& r : {
             row{R"({})", "the rules must be a JSON array of objects"},
             row{R"([{}, 3])", "rule 1: it must be a JSON object, not 3"},
             row{R"([{"statsu": 500}])", "rule 0: statsu is unknown; known are: "},
             row{R"([{}, {"match": {"nht": 1}}])", "rule 1: match.nht is unknown; known are: method, path"},
             row{R"([{"match": {"nth": 0}}])", "rule 0: match.nth must be an integer >= 1, an array of them"},
             row{R"([{"match": {"nth": []}}])", "rule 0: match.nth must be"},
             row{R"([{"match": {"nth": {"from": 3, "to": 2}}}])", "rule 0: match.nth must have from <= to"},
             row{R"([{"match": {"key": "XY"}}])", "rule 0: match.key must be the first 1 to 64 lower-case hex digits"},
             row{R"([{"match": {"probability": 1.5}}])", "rule 0: match.probability must be a number from 0.0 to 1.0"},
             row{R"([{"match": {"header": {"a": 3}}}])", "rule 0: match.header.a must be the header's value"},
             row{R"([{"times": 0}])", "rule 0: times must be an integer from 1"},
             row{R"([{"status": 99}])", "rule 0: status must be an integer from 200 to 599, not 99"},
             row{R"([{"execute": "no"}])", "rule 0: execute must be true or false, not \"no\""},
             row{R"([{"bill": "half"}])", "rule 0: bill must be \"full\" | \"input_only\""},
             row{R"([{"deliver": "none"}])", "rule 0: end must be \"fin\", \"rst\" or \"hang\""},
             row{R"([{"deliver": -1, "end": "rst"}])", "rule 0: deliver must be an integer from 0"},
             row{R"([{"deliver": "none", "end": "rst", "status": 500}])", "rule 0: status has no effect"},
             row{R"([{"framing": "close", "end": "keep"}])", "rule 0: end must be"},
             row{R"([{"wrong": "garbage", "status": 500}])", "rule 0: status has no effect"},
             row{R"([{"wrong": "empty", "body": "x"}])", "rule 0: error and body and wrong exclude one another"},
             row{R"([{"error": {}, "answer": {}}])", "rule 0: answer has no effect with an error"},
             row{R"([{"generated_tokens": 3}])", "rule 0: generated_tokens needs \"bill\": \"generated_so_far\""},
             row{R"([{"read": "nothing", "end": "rst", "times": 1, "match": {"path": "/x"}}])",
                 "rule 0: match asks for something"},
             row{R"([{"read": "headers", "end": "rst", "match": {"nth": 1}}])", "rule 0: match asks for model, key"},
             row{R"([{"read": "headers", "end": "rst", "bill": "full"}])", "rule 0: bill needs \"read\": \"whole\""},
             row{R"([{"read": "nothing", "end": "rst"}])", "rule 0: times is missing"},
             row{R"([{"read": "headers"}])", "rule 0: end must be"},
             row{R"([{"read": "nothing", "times": 1, "deliver": "full"}])", "rule 0: deliver must be \"none\""},
             row{R"([{"kill": {}}])", "rule 0: kill.moment is missing"},
             row{R"([{"kill": {"moment": "later"}}])", "rule 0: kill.moment must be \"request_read\""},
             row{R"([{"kill": {"moment": "request_read", "cont_after_ms": 3}}])", "rule 0: kill.cont_after_ms needs"},
             row{R"([{"kill": {"moment": "bill_written"}, "status": 500}])", "rule 0: kill at \"bill_written\" needs"},
             row{R"([{"kill": {"moment": "half_body"}, "deliver": "none", "end": "rst"}])", "rule 0: kill at"},
             row{R"([{"kill": {"moment": "last_byte"}, "deliver": "half", "end": "rst"}])", "rule 0: kill at"},
             row{R"([{"headers": {"a b": 1}}])", "rule 0: headers.a b is no header name"},
             row{R"([{"headers": {"a": "x\r\ny"}}])", "rule 0: headers.a must not contain line breaks"},
             row{R"([{"headers": {"a": {"in_s": 3}}}])", "rule 0: headers.a.in_s is unknown"},
             row{R"([{"drip": {"interval_ms": 3}}])", "rule 0: drip.bytes is missing"},
             row{R"([{"interim": [200]}])", "rule 0: interim must be an array of 100, 102, 103"},
         })
        EXPECT_TRUE(complaint(r.rules).starts_with(r.says)) << r.rules << "\n says: " << complaint(r.rules);
}

TEST(rule_book, takes_all_rules_or_none) {
    rule_book book{1};
    book.replace(json::parse(R"([{"name": "kept"}])"));
    EXPECT_THROW(book.replace(json::parse(R"([{"name": "good"}, {"bad": 1}])")), bad_input);
    EXPECT_THROW(book.append(json::parse(R"([{"name": "good"}, {"bad": 1}])")), bad_input);
    ASSERT_EQ(book.size(), 1U);
    EXPECT_EQ(book.list()[0]["name"], "kept");
}

}  // namespace
}  // namespace provider_sim::parse_rule_test
