// SPDX-License-Identifier: BSL-1.0
#include "faults/match.hpp"

#include <gtest/gtest.h>

#include "faults/parse_rule.hpp"
#include "faults/rule_book.hpp"

namespace provider_sim::match_test {
namespace {

class matching : public testing::Test {
protected:
    matching() {
        request_.method = "POST";
        request_.path = "/v1/chat/completions";
        request_.headers = {{"x-arm", "b"}, {"authorization", "Bearer sk-1"}};
        request_.body = "write a poem";
        facts_.request = &request_;
        facts_.index = 7;
        facts_.model = "gpt-4o-mini";
        facts_.key = "ab12ff";
        facts_.nth = 2;
        facts_.pid = 100;
        facts_.run = 3;
        facts_.conn_id = 1;
    }

    bool matched(std::string const& match) {
        auto const rules = parse_rules(json::array({{{"match", json::parse(match)}}}));
        return matches(rules.at(0).match, facts_);
    }

    http_request request_;
    request_facts facts_;
};

TEST_F(matching, table) {
    struct row {
        char const* match;
        bool fits;
    };
    for (auto const& r : {
             row{R"({})", true},
             row{R"({"method": "POST"})", true},
             row{R"({"method": "GET"})", false},
             row{R"({"path": "/v1/chat/completions"})", true},
             row{R"({"path": "/v1/chat"})", false},
             row{R"({"path": "/v1/chat*"})", true},
             row{R"({"model": "gpt-4o-mini"})", true},
             row{R"({"model": "gpt-4o"})", false},
             row{R"({"model": "gpt-*"})", true},
             row{R"({"key": "ab12"})", true},
             row{R"({"key": "b1"})", false},
             row{R"({"body_contains": "poem"})", true},
             row{R"({"body_contains": "prose"})", false},
             row{R"({"header": {"X-ARM": "b"}})", true},
             row{R"({"header": {"x-arm": "c"}})", false},
             row{R"({"header": {"x-arm": true}})", true},
             row{R"({"header": {"x-arm": false}})", false},
             row{R"({"header": {"x-none": false}})", true},
             row{R"({"header": {"x-none": true}})", false},
             row{R"({"nth": 2})", true},
             row{R"({"nth": 1})", false},
             row{R"({"nth": [1, 2]})", true},
             row{R"({"nth": {"to": 1}})", false},
             row{R"({"nth": {"from": 2}})", true},
             row{R"({"index": 7})", true},
             row{R"({"index": 8})", false},
             row{R"({"run": 3})", true},
             row{R"({"run": {"to": 2}})", false},
             row{R"({"pid": 100})", true},
             row{R"({"pid": 101})", false},
             row{R"({"model": "gpt-4o-mini", "nth": 1})", false},
         })
        EXPECT_EQ(matched(r.match), r.fits) << r.match;
}

TEST_F(matching, without_a_pid_or_a_run_nothing_that_asks_for_one_fits) {
    facts_.pid.reset();
    facts_.run.reset();
    EXPECT_FALSE(matched(R"({"pid": 100})"));
    EXPECT_FALSE(matched(R"({"run": 3})"));
    EXPECT_TRUE(matched(R"({})"));
}

TEST_F(matching, the_first_rule_with_times_left_wins) {
    rule_book book{1};
    book.replace(json::parse(R"([{"name": "other", "match": {"model": "x"}}, {"name": "twice", "times": 2},
                                 {"name": "always"}, {"name": "never"}])"));
    std::vector<std::string> fired;
    for (int i = 0; i < 4; ++i) fired.push_back(book.choose(rule_stage::body, facts_)->rule.name);
    EXPECT_EQ(fired, (std::vector<std::string>{"twice", "twice", "always", "always"}));
    auto const listed = book.list();
    EXPECT_EQ(listed[0]["fired"], 0);
    EXPECT_EQ(listed[1]["fired"], 2);
    EXPECT_EQ(listed[1]["left"], 0);
    EXPECT_EQ(listed[2]["left"], nullptr);
}

TEST_F(matching, a_rule_fires_at_its_own_stage_only) {
    rule_book book{1};
    book.replace(json::parse(R"([{"name": "early", "read": "headers", "end": "rst"}])"));
    EXPECT_EQ(book.choose(rule_stage::body, facts_), nullptr);
    EXPECT_EQ(book.choose(rule_stage::accept, facts_), nullptr);
    EXPECT_NE(book.choose(rule_stage::head, facts_), nullptr);
}

TEST_F(matching, an_entry_survives_the_replacement_of_the_rules) {
    rule_book book{1};
    book.replace(json::parse(R"([{"name": "first"}])"));
    auto const chosen = book.choose(rule_stage::body, facts_);
    book.replace(json::array());
    EXPECT_EQ(chosen->rule.name, "first");
}

TEST_F(matching, probability_is_a_function_of_seed_rule_and_request) {
    int below = 0;
    constexpr int draws = 2000;
    for (int i = 0; i < draws; ++i) {
        auto const key = std::to_string(i);
        facts_.key = key;
        auto const one = draw(42, 0, facts_);
        facts_.index += 5;  // the order of arrival changes nothing
        EXPECT_EQ(one, draw(42, 0, facts_));
        EXPECT_NE(one, draw(43, 0, facts_));
        EXPECT_NE(one, draw(42, 1, facts_));
        facts_.nth = 3;
        EXPECT_NE(one, draw(42, 0, facts_));
        facts_.nth = 2;
        below += one < 0.3 ? 1 : 0;
    }
    EXPECT_NEAR(below / double{draws}, 0.3, 0.04);
}

TEST_F(matching, listing_strikes_credentials_out) {
    rule_book book{1};
    book.replace(json::parse(R"([{"match": {"header": {"Authorization": "Bearer sk-1", "x-arm": "b"}}}])"));
    EXPECT_NE(book.choose(rule_stage::body, facts_), nullptr);
    auto const shown = book.list().dump();
    EXPECT_EQ(shown.find("sk-1"), std::string::npos) << shown;
    EXPECT_NE(shown.find("\"b\""), std::string::npos) << shown;
}

}  // namespace
}  // namespace provider_sim::match_test
