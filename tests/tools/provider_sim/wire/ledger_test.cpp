// SPDX-License-Identifier: BSL-1.0
// The promises of the ledger file towards a client that sees the wire.

#include <gtest/gtest.h>
#include <signal.h>
#include <sys/wait.h>

#include <fstream>
#include <iterator>
#include <set>

#include "support/sim_process.hpp"

namespace provider_sim::ledger_test {
namespace {

using test::chat;

TEST(wire_ledger, the_bill_is_in_the_file_before_the_first_byte_can_be_read) {
    test::sim_process sim;
    for (std::size_t i = 1; i <= 50; ++i) {
        test::wire_client client{sim.port()};
        client.send(chat(std::to_string(i)));
        ASSERT_EQ(client.receive(1), "H");
        auto const bills = sim.lines("bill");
        ASSERT_EQ(bills.size(), i);
        EXPECT_EQ(bills.back()["send"], sim.lines("send").back()["seq"]);
    }
}

TEST(wire_ledger, survives_a_sigkill_and_goes_on_counting) {
    test::sim_process sim;
    EXPECT_EQ(sim.ask(chat()).status, 200);
    sim.rules(json::parse(R"([{"deliver": "none", "end": "hang"}])"));
    test::wire_client hanging{sim.port()};
    hanging.send(chat());
    sim.lines("bill", 2);
    sim.end(SIGKILL);
    EXPECT_EQ(sim.lines("send").size(), 2U);
    EXPECT_EQ(sim.lines("bill").size(), 2U);

    sim.start();
    EXPECT_EQ(sim.totals()["sends"], 2);
    EXPECT_EQ(sim.totals()["bills"], 2);
    EXPECT_EQ(sim.ask(chat()).status, 200);
    EXPECT_EQ(sim.lines("send").back()["nth"], 3);
    EXPECT_EQ(sim.lines("start").size(), 2U);
}

TEST(wire_ledger, a_rules_nth_counts_over_a_restart) {
    test::sim_process sim;
    EXPECT_EQ(sim.ask(chat()).status, 200);
    sim.end(SIGKILL);
    sim.start();
    sim.rules(json::parse(R"([{"match": {"nth": 2}, "status": 503}])"));
    EXPECT_EQ(sim.ask(chat()).status, 503);
}

TEST(wire_ledger, request_ids_are_never_used_twice) {
    test::sim_process sim;
    std::set<std::string> ids;
    for (int run = 0; run < 2; ++run) {
        for (int i = 0; i < 5; ++i) ids.insert(sim.ask(chat()).header("x-request-id"));
        for (int i = 0; i < 5; ++i) ids.insert(sim.ask(test::get("/v1/models")).header("x-request-id"));
        sim.end(SIGTERM);
        sim.start();
    }
    EXPECT_EQ(ids.size(), 20U);
}

TEST(wire_ledger, carries_what_the_client_says_of_its_request) {
    test::sim_process sim;
    auto body = json::parse(test::chat_body());
    body["metadata"] = {{"idem", "job-7"}};
    sim.ask(test::post("/v1/chat/completions?trace=1", body.dump(),
                       "Idempotency-Key: k1\r\nx-stainless-retry-count: 2\r\nx-sim-pid: 4242\r\n"));
    auto const send = sim.lines("send").at(0);
    EXPECT_EQ(send["idem_header"], "k1");
    EXPECT_EQ(send["client_key"], "job-7");
    EXPECT_EQ(send["x_stainless_retry_count"], "2");
    EXPECT_EQ(send["pid"], 4242);
    EXPECT_EQ(send["path"], "/v1/chat/completions");
    EXPECT_EQ(send["http_ver"], "1.1");
    EXPECT_EQ(send["provider"], "openai");
    EXPECT_EQ(send["model"], "gpt-4o-mini");
    EXPECT_LE(send["t_accept"], send["t_headers"]);
    EXPECT_LE(send["t_headers"], send["t_body_complete"]);
    sim.ask(chat("x", "x-attempt-id: a9\r\n"));
    EXPECT_EQ(sim.lines("send").at(1)["client_key"], "a9");
}

TEST(wire_ledger, no_credential_is_in_file_log_or_output) {
    test::sim_process sim{{"--require-key-prefix", "sk-"}};
    EXPECT_EQ(sim.ask(chat("x", "Authorization: Bearer sk-verysecret\r\n")).status, 200);
    auto const refused = sim.ask(chat("x", "Authorization: Bearer pk-verysecret\r\n"));
    EXPECT_EQ(refused.status, 401);
    EXPECT_EQ(refused.parsed()["error"]["code"], "invalid_api_key");
    EXPECT_EQ(sim.ask(test::post("/v1/chat/completions?key=verysecret", test::chat_body(),
                                 "x-api-key: verysecret\r\napi-key: verysecret\r\n"))
                  .status,
              401);
    EXPECT_EQ(sim.ask(test::get("/control/log")).body.find("verysecret"), std::string::npos);
    EXPECT_EQ(sim.ask(test::get("/control/ledger?raw=1")).body.find("verysecret"), std::string::npos);
    std::ifstream in{sim.ledger()};
    std::string const all{std::istreambuf_iterator<char>{in}, {}};
    EXPECT_EQ(all.find("verysecret"), std::string::npos);
    EXPECT_EQ(sim.totals()["sends"], 3);
    EXPECT_EQ(sim.totals()["bills"], 1);
}

}  // namespace
}  // namespace provider_sim::ledger_test
