// SPDX-License-Identifier: BSL-1.0
// Every example of docs/provider_sim.md, put in force and seen on the wire. An example that no check is written for
// fails, and so does a check whose example is gone.

#include <gtest/gtest.h>
#include <signal.h>
#include <sys/wait.h>

#include <fstream>
#include <functional>
#include <map>

#include "support/sim_process.hpp"
#include "support/victim.hpp"

namespace provider_sim::manual_test {
namespace {

using test::chat;
using test::stopped_by;

// The ```json blocks of the manual.
std::vector<json> examples() {
    std::ifstream in{PROVIDER_SIM_MANUAL};
    std::vector<json> found;
    std::string block;
    bool inside = false;
    for (std::string line; std::getline(in, line);) {
        if (line == "```json") {
            inside = true;
            block.clear();
        } else if (line == "```" && inside) {
            inside = false;
            found.push_back(json::parse(block));
        } else if (inside) {
            block += line + "\n";
        }
    }
    return found;
}

std::map<std::string, json> rule_examples() {
    std::map<std::string, json> by_name;
    for (auto const& example : examples()) {
        auto const& rules = example.is_object() ? example["rules"] : example;
        for (auto const& rule : rules) by_name[rule["name"]] = rule;
    }
    return by_name;
}

TEST(manual, every_block_is_accepted) {
    auto const all = examples();
    ASSERT_FALSE(all.empty());
    test::sim_process const sim;
    for (auto const& example : all) {
        if (example.is_array()) {
            sim.rules(example);
            continue;
        }
        auto const path = sim.directory() / "script.json";
        std::ofstream{path} << example;
        test::sim_process const scripted{{"--script", path.string()}};
        EXPECT_EQ(scripted.get_control("/control/faults")["rules"].size(), example["rules"].size());
    }
}

class manual_rule : public testing::Test {
protected:
    int status(std::string const& request = chat()) { return sim_.ask(request).status; }
    test::wire_bytes raw() { return sim_.ask_raw(chat()); }
    bool killed(std::string const& content = "die") {
        test::victim client{sim_, content};
        client.go();
        auto const report = client.wait();
        return WIFSIGNALED(report.wait_status) && !report.acted;
    }

    test::sim_process sim_;
};

TEST_F(manual_rule, does_what_it_is_there_for) {
    std::map<std::string, std::function<void()>> const checks{
        {"rate limited once",
         [&] {
             auto const first = sim_.ask(chat());
             EXPECT_EQ(first.status, 429);
             EXPECT_EQ(first.header("retry-after"), "2");
             EXPECT_EQ(first.header("retry-after-ms"), "1500");
             EXPECT_EQ(status(), 200);
         }},
        {"out of credit",
         [&] {
             auto const error = sim_.ask(chat()).parsed()["error"];
             EXPECT_EQ(error["type"], "insufficient_quota");
             EXPECT_EQ(error["code"], "credit_balance_exhausted");
         }},
        {"retry at a date",
         [&] {
             auto const response = sim_.ask(chat());
             EXPECT_EQ(response.status, 503);
             EXPECT_TRUE(response.header("retry-after").ends_with(" GMT"));
         }},
        {"edge page",
         [&] {
             auto const response = sim_.ask(chat());
             EXPECT_EQ(response.status, 502);
             EXPECT_EQ(response.header("content-type"), "text/html");
             EXPECT_EQ(sim_.totals()["bills"], 1);
         }},
        {"error in a 200",
         [&] {
             auto const response = sim_.ask(chat());
             EXPECT_EQ(response.status, 200);
             EXPECT_EQ(response.parsed()["error"]["code"], 524);
         }},
        {"error in the choice", [&] { EXPECT_EQ(sim_.ask(chat()).parsed()["choices"][0]["error"]["code"], 429); }},
        {"refused", [&] { EXPECT_TRUE(sim_.ask(chat()).parsed()["choices"][0]["message"]["refusal"].is_string()); }},
        {"cut short", [&] { EXPECT_EQ(sim_.ask(chat()).parsed()["choices"][0]["finish_reason"], "length"); }},
        {"usage forgotten", [&] { EXPECT_FALSE(sim_.ask(chat()).parsed().contains("usage")); }},
        {"never read",
         [&] {
             EXPECT_EQ(raw().end, stopped_by::rst);
             EXPECT_EQ(sim_.totals()["partials"], 1);
         }},
        {"answer lost",
         [&] {
             EXPECT_EQ(raw().end, stopped_by::rst);
             EXPECT_EQ(sim_.totals()["bills"], 1);
             EXPECT_EQ(status(), 200);
         }},
        {"lost before execution",
         [&] {
             EXPECT_EQ(raw().end, stopped_by::rst);
             EXPECT_EQ(sim_.totals()["bills"], 0);
         }},
        {"hidden resend",
         [&] {
             auto const got = raw();
             EXPECT_EQ(got.bytes, "");
             EXPECT_EQ(got.end, stopped_by::fin);
         }},
        {"half an answer",
         [&] {
             auto const got = raw();
             EXPECT_EQ(got.end, stopped_by::fin);
             EXPECT_LT(sim_.lines("bill").at(0)["out_tok"], 24);
         }},
        {"last chunk missing",
         [&] {
             auto const got = raw();
             EXPECT_FALSE(got.bytes.ends_with("0\r\n\r\n"));
             EXPECT_EQ(test::parse_response(got.bytes + "0\r\n\r\n").status, 200);
         }},
        {"silent cut",
         [&] {
             auto const got = raw();
             EXPECT_EQ(got.bytes.find("Content-Length"), std::string::npos);
             EXPECT_EQ(got.end, stopped_by::fin);
         }},
        {"never answers",
         [&] {
             test::wire_client client{sim_.port()};
             client.send(chat());
             sim_.lines("bill", 1);
             sim_.get_control("/control/health");
             EXPECT_FALSE(client.readable());
         }},
        {"slow",
         [&] {
             test::wire_client client{sim_.port()};
             client.send(chat());
             EXPECT_EQ(client.response().status, 200);
         }},
        {"dies after paying",
         [&] {
             EXPECT_TRUE(killed());
             EXPECT_EQ(sim_.lines("end", 1).at(0)["signal"]["result"], "gone");
             EXPECT_EQ(sim_.totals()["bills"], 1);
         }},
        {"dies with the answer in hand",
         [&] {
             sim_.post_control("/control/hello", {{"run", 3}});
             EXPECT_TRUE(killed());
             EXPECT_EQ(sim_.lines("end", 1).at(0)["delivered"], "full");
         }},
        {"stalls",
         [&] {
             test::victim client{sim_, "pause"};
             client.go();
             EXPECT_TRUE(client.wait().acted);
             EXPECT_EQ(sim_.lines("end", 1).at(0)["signal"]["result"], "stopped");
         }},
        {"flaky",
         [&] {
             int failed = 0;
             for (int i = 0; i < 60; ++i) failed += status(chat(std::to_string(i))) == 503 ? 1 : 0;
             EXPECT_GT(failed, 0);
             EXPECT_LT(failed, 30);
         }},
    };
    auto const rules = rule_examples();
    for (auto const& [name, rule] : rules) {
        auto const check = checks.find(name);
        if (check == checks.end()) {
            ADD_FAILURE() << "the manual's example \"" << name << "\" is not checked here";
            continue;
        }
        SCOPED_TRACE(name);
        sim_.end(SIGTERM);
        std::filesystem::remove(sim_.ledger());
        sim_.start();
        sim_.rules(json::array({rule}));
        check->second();
        EXPECT_GE(sim_.get_control("/control/faults")["rules"][0]["fired"], 1);
    }
    for (auto const& [name, check] : checks) EXPECT_TRUE(rules.contains(name)) << name << " is not in the manual";
}

}  // namespace
}  // namespace provider_sim::manual_test
