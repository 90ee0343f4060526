// SPDX-License-Identifier: BSL-1.0
#include <gtest/gtest.h>
#include <unistd.h>

#include "support/sim_process.hpp"

namespace provider_sim::control_test {
namespace {

using test::chat;
using test::get;
using test::post;

class control : public testing::Test {
protected:
    std::string refusal(std::string const& request, int status = 400) {
        auto const response = sim_.ask(request);
        EXPECT_EQ(response.status, status);
        return response.parsed()["error"]["message"];
    }

    test::sim_process sim_;
};

TEST_F(control, health) {
    auto const health = sim_.get_control("/control/health");
    EXPECT_EQ(health["ok"], true);
    EXPECT_EQ(health["pid"], sim_.pid());
    EXPECT_EQ(health["requests"], 0);
}

TEST_F(control, faults_are_replaced_appended_listed_and_counted) {
    sim_.post_control("/control/faults", json::parse(R"([{"name": "a", "times": 1, "status": 503}])"));
    sim_.post_control("/control/faults", json::parse(R"({"mode": "append", "rules": [{"name": "b", "status": 500}]})"));
    EXPECT_EQ(sim_.ask(chat()).status, 503);
    EXPECT_EQ(sim_.ask(chat()).status, 500);
    EXPECT_EQ(sim_.ask(chat()).status, 500);
    auto const rules = sim_.get_control("/control/faults")["rules"];
    ASSERT_EQ(rules.size(), 2U);
    EXPECT_EQ(rules[0]["fired"], 1);
    EXPECT_EQ(rules[0]["left"], 0);
    EXPECT_EQ(rules[1]["fired"], 2);
    EXPECT_EQ(rules[1]["rule"], json::parse(R"({"name": "b", "status": 500})"));
    sim_.post_control("/control/faults", json::parse(R"({"rules": []})"));
    EXPECT_EQ(sim_.get_control("/control/faults")["rules"].size(), 0U);
}

TEST_F(control, a_mistake_changes_no_rule) {
    sim_.rules(json::parse(R"([{"name": "kept"}])"));
    EXPECT_EQ(refusal(post("/control/faults", R"([{"status": 503}, {"times": "x"}])")),
              "rule 1: times must be an integer from 1 to 9223372036854775807, not \"x\"");
    EXPECT_EQ(sim_.get_control("/control/faults")["rules"][0]["name"], "kept");
}

TEST_F(control, refusals_say_what_to_do) {
    EXPECT_EQ(refusal(post("/control/faults", "no json")), "the body is not JSON");
    EXPECT_EQ(refusal(post("/control/faults", "{}")), "faults: rules is missing");
    EXPECT_EQ(refusal(post("/control/mark", R"({"name": ""})")), "mark: name must be a string that is not empty");
    EXPECT_EQ(refusal(post("/control/hello", R"({"pid": 1})")), "pid 1 is no process that may be signalled");
    EXPECT_EQ(refusal(post("/control/hello", R"({"pid": )" + std::to_string(sim_.pid()) + "}")),
              "pid " + std::to_string(sim_.pid()) + " is the simulator itself");
    EXPECT_EQ(refusal(get("/control/ledger?group=colour")),
              "query: group must be key, run, pid, mark or fault, not colour");
    EXPECT_EQ(refusal(get("/control/ledger?grop=key")),
              "query: grop is unknown; known are: group, mark, key, run, raw");
    EXPECT_EQ(refusal(get("/control/nothing"), 404), "no such control endpoint: /control/nothing");
    EXPECT_EQ(refusal(get("/control/reset"), 405), "/control/reset takes POST");
}

TEST_F(control, ledger_groups_by_run_and_mark) {
    sim_.post_control("/control/hello", {{"run", 1}});
    sim_.post_control("/control/mark", {{"name", "arm x"}});
    sim_.ask(chat("a"));
    sim_.ask(chat("a"));
    sim_.post_control("/control/hello", {{"run", 2}, {"pid", ::getpid()}});
    sim_.post_control("/control/mark", {{"name", "arm y"}});
    sim_.ask(chat("a"));
    auto const runs = sim_.get_control("/control/ledger?group=run")["groups"];
    EXPECT_EQ(runs["1"]["sends"], 2);
    EXPECT_EQ(runs["2"]["sends"], 1);
    auto const pids = sim_.get_control("/control/ledger?group=pid")["groups"];
    EXPECT_EQ(pids[std::to_string(::getpid())]["bills"], 1);
    EXPECT_EQ(sim_.totals("?mark=arm%20x")["bills"], 2);
    EXPECT_EQ(sim_.totals("?mark=arm+y")["bills"], 1);
    EXPECT_EQ(sim_.totals("?run=2")["sends"], 1);
    auto const keys = sim_.get_control("/control/ledger?group=key")["groups"];
    ASSERT_EQ(keys.size(), 1U);
    EXPECT_EQ(sim_.totals("?key=" + keys.items().begin().key().substr(0, 8))["sends"], 3);
    EXPECT_EQ(sim_.totals("?key=00000000")["sends"], 0);
}

TEST_F(control, raw_is_the_file) {
    sim_.ask(chat());
    sim_.lines("end", 1);
    auto const raw = sim_.ask(get("/control/ledger?raw=1"));
    EXPECT_EQ(raw.header("content-type"), "application/x-ndjson");
    EXPECT_NE(raw.body.find("\"kind\":\"bill\""), std::string::npos);
    EXPECT_EQ(raw.body.size(), std::filesystem::file_size(sim_.ledger()));
}

TEST_F(control, log_shows_the_latest_requests) {
    sim_.rules(json::parse(R"([{"name": "busy", "times": 1, "status": 503}])"));
    sim_.ask(chat());
    sim_.ask(chat());
    auto const requests = sim_.get_control("/control/log")["requests"];
    ASSERT_EQ(requests.size(), 2U);
    EXPECT_EQ(requests[0]["fault"], "busy");
    EXPECT_EQ(requests[0]["status"], 503);
    EXPECT_EQ(requests[1]["fault"], nullptr);
    EXPECT_EQ(requests[1]["nth"], 2);
    EXPECT_EQ(requests[1]["bill"], "full");
}

TEST_F(control, reset_forgets_all_but_the_settings) {
    sim_.post_control("/control/config", {{"context_tokens", 5000}});
    sim_.rules(json::parse(R"([{"status": 503}])"));
    sim_.ask(chat());
    sim_.post_control("/control/reset", {{"name", "again"}});
    EXPECT_EQ(sim_.ask(chat()).status, 200);
    EXPECT_EQ(sim_.totals()["sends"], 1);
    EXPECT_EQ(sim_.lines("send").back()["nth"], 1);
    EXPECT_EQ(sim_.lines("send").back()["index"], 1);
    EXPECT_EQ(sim_.lines("mark").back()["name"], "again");
    EXPECT_EQ(sim_.get_control("/control/config")["context_tokens"], 5000);
}

TEST_F(control, config_changes_prices_and_limits) {
    sim_.post_control("/control/config", {{"prices", {{"gpt-4o-mini", {{"input", 1000}, {"output", 0}}}}},
                                          {"min_output_tokens", 30},
                                          {"max_output_tokens", 30},
                                          {"requests_per_minute", 60}});
    auto const response = sim_.ask(chat());
    EXPECT_EQ(response.parsed()["usage"]["completion_tokens"], 30);
    EXPECT_EQ(response.header("x-ratelimit-limit-requests"), "60");
    EXPECT_EQ(response.header("x-ratelimit-reset-requests"), "1.0s");
    EXPECT_EQ(sim_.lines("bill").at(0)["billed_pusd"], 3000);
    EXPECT_EQ(sim_.lines("bill").at(0)["billed_nano_usd"], 3);
    EXPECT_EQ(refusal(post("/control/config", R"({"context_tokens": 0})")),
              "config: context_tokens must be an integer from 1 to 100000000, not 0");
}

TEST_F(control, is_never_matched_by_rules_nor_counted) {
    sim_.rules(json::parse(R"([{"status": 503}])"));
    EXPECT_EQ(sim_.get_control("/control/health")["requests"], 0);
    EXPECT_EQ(sim_.lines("send").size(), 0U);
}

}  // namespace
}  // namespace provider_sim::control_test
