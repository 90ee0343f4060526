// SPDX-License-Identifier: BSL-1.0
// Every fault as the wire shows it.

#include <gtest/gtest.h>

#include "base/digest.hpp"
#include "billing/tokens.hpp"
#include "support/sim_process.hpp"

namespace provider_sim::faults_test {
namespace {

using test::chat;
using test::stopped_by;

class wire : public testing::Test {
protected:
    void rule(std::string const& text) { sim_.rules(json::array({json::parse(text)})); }

    // The bytes of one chat request's answer under this rule, to the end of the stream.
    test::wire_bytes under(std::string const& text, std::string const& request = chat()) {
        rule(text);
        return sim_.ask_raw(request);
    }

    test::wire_response answer_under(std::string const& text, std::string const& request = chat()) {
        rule(text);
        return sim_.ask(request);
    }

    // What the ledger file says of the only request.
    struct story {
        std::size_t sends, partials, bills;
        json end;
    };
    story ledger() {
        story s{sim_.lines("send").size(), sim_.lines("partial").size(), sim_.lines("bill").size(), nullptr};
        if (s.sends == 1) s.end = sim_.lines("end", 1).at(0);
        return s;
    }

    // Everything that became ready before now has been handled when this comes back: one thread, first come first served.
    void settle() { sim_.get_control("/control/health"); }

    test::sim_process sim_;
};

TEST_F(wire, a_plain_answer_is_executed_billed_and_delivered) {
    auto const response = sim_.ask(chat());
    EXPECT_EQ(response.status, 200);
    EXPECT_EQ(response.header("content-type"), "application/json");
    EXPECT_FALSE(response.header("x-request-id").empty());
    EXPECT_FALSE(response.header("openai-processing-ms").empty());
    EXPECT_EQ(response.header("x-ratelimit-limit-requests"), "10000");
    auto const usage = response.parsed()["usage"];
    auto const bill = sim_.lines("bill").at(0);
    EXPECT_EQ(bill["in_tok"], usage["prompt_tokens"]);
    EXPECT_EQ(bill["out_tok"], usage["completion_tokens"]);
    EXPECT_EQ(bill["billed_pusd"].get<std::int64_t>(), usage["prompt_tokens"].get<std::int64_t>() * 150'000 +
                                                           usage["completion_tokens"].get<std::int64_t>() * 600'000);
    EXPECT_EQ(bill["request_id"], response.header("x-request-id"));
    EXPECT_EQ(bill["key"], sha256_hex(test::chat_body()));
    auto const [sends, partials, bills, end] = ledger();
    EXPECT_EQ(sends, 1U);
    EXPECT_EQ(bills, 1U);
    EXPECT_EQ(end["delivered"], "full");
    EXPECT_EQ(end["status"], 200);
}

TEST_F(wire, a_connection_is_kept_and_takes_pipelined_requests) {
    test::wire_client client{sim_.port()};
    client.send(chat("one") + chat("two"));
    EXPECT_EQ(client.response().status, 200);
    EXPECT_EQ(client.response().status, 200);
    client.send(chat("three"));
    EXPECT_EQ(client.response().status, 200);
    auto const sends = sim_.lines("send");
    ASSERT_EQ(sends.size(), 3U);
    EXPECT_EQ(sends[0]["conn_id"], sends[2]["conn_id"]);
    EXPECT_EQ(sends[2]["req_on_conn"], 3);
}

TEST_F(wire, connection_close_is_honoured) {
    auto const got = sim_.ask_raw(chat("x", "Connection: close\r\n"));
    EXPECT_EQ(got.end, stopped_by::fin);
    EXPECT_EQ(test::parse_response(got.bytes).header("connection"), "close");
}

TEST_F(wire, rst_before_the_body_is_read) {
    auto const got = under(R"({"read": "headers", "end": "rst"})");
    EXPECT_EQ(got.bytes, "");
    EXPECT_EQ(got.end, stopped_by::rst);
    auto const [sends, partials, bills, end] = ledger();
    EXPECT_EQ(sends, 0U);
    EXPECT_EQ(partials, 1U);
    EXPECT_EQ(bills, 0U);
}

// Only the head is sent: that it is answered shows that nobody waited for the body.
TEST_F(wire, an_answer_before_the_body_is_read) {
    auto const request = chat();
    auto const got = under(R"({"read": "headers", "status": 413})", request.substr(0, request.find("\r\n\r\n") + 4));
    EXPECT_EQ(test::parse_response(got.bytes).status, 413);
    EXPECT_EQ(got.end, stopped_by::fin);
    EXPECT_EQ(ledger().partials, 1U);
}

TEST_F(wire, rst_after_a_part_of_the_body) {
    rule(R"({"read": 10, "end": "rst"})");
    test::wire_client client{sim_.port()};
    auto const request = chat();
    client.send(request.substr(0, request.find("\r\n\r\n") + 4 + 10));
    EXPECT_EQ(client.receive_all().end, stopped_by::rst);
    auto const partials = sim_.lines("partial", 1);
    EXPECT_GE(partials.at(0)["body_bytes"], 10);
}

TEST_F(wire, rst_fin_or_silence_on_accept) {
    rule(R"({"read": "nothing", "end": "rst", "times": 1, "match": {}})");
    // The control request that follows must not meet the rule: it has been used up here.
    EXPECT_EQ(test::wire_client{sim_.port()}.receive_all().end, stopped_by::rst);
    rule(R"({"read": "nothing", "end": "fin", "times": 1})");
    EXPECT_EQ(test::wire_client{sim_.port()}.receive_all().end, stopped_by::fin);
    rule(R"({"read": "nothing", "end": "hang", "times": 1})");
    test::wire_client client{sim_.port()};
    client.send(chat());
    settle();
    EXPECT_FALSE(client.readable());
    EXPECT_EQ(sim_.lines("send").size(), 0U);
}

TEST_F(wire, rst_or_fin_after_the_whole_request) {
    struct row {
        char const* rule;
        stopped_by end;
        std::size_t bills;
        bool executed;
    };
    for (auto const& r : {
             row{R"({"deliver": "none", "end": "rst"})", stopped_by::rst, 1, true},
             row{R"({"deliver": "none", "end": "fin"})", stopped_by::fin, 1, true},
             row{R"({"deliver": "none", "end": "rst", "execute": false})", stopped_by::rst, 0, false},
             row{R"({"deliver": "none", "end": "rst", "bill": "none"})", stopped_by::rst, 0, true},
             row{R"({"deliver": "none", "end": "fin", "execute": false, "bill": "full"})", stopped_by::fin, 1, false},
         }) {
        sim_.post_control("/control/reset", json::object());
        auto const got = under(r.rule);
        EXPECT_EQ(got.bytes, "") << r.rule;
        EXPECT_EQ(got.end, r.end) << r.rule;
        auto const totals = sim_.totals();
        EXPECT_EQ(totals["sends"], 1) << r.rule;
        EXPECT_EQ(totals["bills"], r.bills) << r.rule;
        EXPECT_EQ(totals["executed"], r.executed ? 1 : 0) << r.rule;
        EXPECT_EQ(totals["delivered_full"], 0) << r.rule;
    }
}

// The libcurl trap: the connection has answered before, so a client may believe that this request was never read.
TEST_F(wire, fin_after_a_request_on_a_reused_connection) {
    rule(R"({"match": {"body_contains": "second"}, "deliver": "none", "end": "fin"})");
    test::wire_client client{sim_.port()};
    client.send(chat("first"));
    EXPECT_EQ(client.response().status, 200);
    client.send(chat("second"));
    auto const got = client.receive_all();
    EXPECT_EQ(got.bytes, "");
    EXPECT_EQ(got.end, stopped_by::fin);
    EXPECT_EQ(sim_.totals()["bills"], 2);
}

TEST_F(wire, input_only_bill) {
    under(R"({"deliver": "none", "end": "rst", "bill": "input_only"})");
    auto const bill = sim_.lines("bill").at(0);
    EXPECT_EQ(bill["bill"], "input_only");
    EXPECT_EQ(bill["out_tok"], 0);
    EXPECT_EQ(bill["billed_pusd"], bill["in_tok"].get<std::int64_t>() * 150'000);
}

TEST_F(wire, an_answer_cut_in_the_middle) {
    auto const whole = sim_.ask(chat());
    auto const size = whole.body.size();
    struct row {
        char const* rule;
        stopped_by end;
        std::size_t body_bytes;
    };
    for (auto const& r : {
             row{R"({"deliver": "headers", "end": "rst"})", stopped_by::rst, 0},
             row{R"({"deliver": "headers", "end": "fin"})", stopped_by::fin, 0},
             row{R"({"deliver": "half", "end": "rst"})", stopped_by::rst, size / 2},
             row{R"({"deliver": "half", "end": "fin"})", stopped_by::fin, size / 2},
             row{R"({"deliver": 1, "end": "rst"})", stopped_by::rst, 1},
             row{R"({"deliver": 100, "end": "fin"})", stopped_by::fin, 100},
             row{R"({"deliver": "half", "end": "fin", "framing": "close"})", stopped_by::fin, size / 2},
             row{R"({"deliver": "full", "end": "rst"})", stopped_by::rst, size},
         }) {
        auto const got = under(r.rule);
        EXPECT_EQ(got.end, r.end) << r.rule;
        auto const head_end = got.bytes.find("\r\n\r\n");
        ASSERT_NE(head_end, std::string::npos) << r.rule;
        EXPECT_EQ(got.bytes.size() - head_end - 4, r.body_bytes) << r.rule;
        auto const last = sim_.lines("end").back();
        EXPECT_EQ(last["delivered"], r.body_bytes == size ? "full" : "partial") << r.rule;
        EXPECT_EQ(last["bytes_out"], got.bytes.size()) << r.rule;
    }
}

TEST_F(wire, chunked_whole_cut_and_without_its_last_chunk) {
    auto const whole = answer_under(R"({"framing": "chunked"})");
    EXPECT_EQ(whole.header("transfer-encoding"), "chunked");
    EXPECT_EQ(whole.parsed()["object"], "chat.completion");
    auto const unfinished = under(R"({"framing": "chunked", "deliver": 100000, "end": "fin"})");
    EXPECT_EQ(unfinished.end, stopped_by::fin);
    EXPECT_FALSE(unfinished.bytes.ends_with("0\r\n\r\n"));
    EXPECT_EQ(test::parse_response(unfinished.bytes + "0\r\n\r\n").body.size(), whole.body.size());
    auto const half = under(R"({"framing": "chunked", "deliver": "half", "end": "rst"})");
    EXPECT_EQ(half.end, stopped_by::rst);
    EXPECT_LT(half.bytes.size(), unfinished.bytes.size());
}

TEST_F(wire, a_close_delimited_answer_ends_with_fin) {
    auto const got = under(R"({"framing": "close"})");
    EXPECT_EQ(got.end, stopped_by::fin);
    EXPECT_EQ(got.bytes.find("Content-Length"), std::string::npos);
    EXPECT_EQ(json::parse(got.bytes.substr(got.bytes.find("\r\n\r\n") + 4))["object"], "chat.completion");
    EXPECT_EQ(sim_.lines("end").at(0)["delivered"], "full");
}

TEST_F(wire, hangs_until_the_client_leaves) {
    struct row {
        char const* rule;
        std::size_t bytes_at_least;
        char const* delivered;
    };
    std::size_t requests = 0;
    for (auto const& r : {
             row{R"({"deliver": "none", "end": "hang"})", 0, "none"},
             row{R"({"deliver": "headers", "end": "hang"})", 100, "partial"},
             row{R"({"deliver": "half", "end": "hang"})", 200, "partial"},
             row{R"({"deliver": "full", "end": "hang"})", 700, "full"},
         }) {
        rule(r.rule);
        test::wire_client client{sim_.port()};
        client.send(chat());
        ++requests;
        sim_.lines("bill", requests);
        std::string got;
        while (got.size() < r.bytes_at_least) got += client.receive(100'000);
        settle();
        while (client.readable()) got += client.receive(100'000);
        settle();
        EXPECT_FALSE(client.readable()) << r.rule;
        EXPECT_EQ(sim_.lines("end").size(), requests - 1) << r.rule;
        client.close();
        auto const end = sim_.lines("end", requests).back();
        EXPECT_EQ(end["delivered"], r.delivered) << r.rule;
        EXPECT_EQ(end["bytes_out"], got.size()) << r.rule;
        EXPECT_TRUE(end["client_gone_at"].is_number()) << r.rule;
    }
}

TEST_F(wire, a_client_that_leaves_while_it_waits_is_billed_all_the_same) {
    rule(R"({"delay_ms": {"executing": 50}})");
    {
        test::wire_client client{sim_.port()};
        client.send(chat());
        sim_.lines("send", 1);
    }
    auto const end = sim_.lines("end", 1).at(0);
    EXPECT_EQ(sim_.lines("bill").size(), 1U);
    EXPECT_EQ(end["executed"], true);
    EXPECT_EQ(end["delivered"], "none");
    EXPECT_EQ(end["bytes_out"], 0);
    EXPECT_TRUE(end["client_gone_at"].is_number());
}

TEST_F(wire, a_client_that_leaves_in_the_middle_of_its_request_is_a_partial) {
    {
        test::wire_client client{sim_.port()};
        auto const request = chat();
        client.send(request.substr(0, request.size() - 1));
    }
    EXPECT_GT(sim_.lines("partial", 1).at(0)["body_bytes"], 10);
    {
        test::wire_client client{sim_.port()};
        client.send("POST /v1/ch");
    }
    EXPECT_EQ(sim_.lines("partial", 2).at(1)["body_bytes"], 0);
    EXPECT_EQ(sim_.totals()["sends"], 0);
    EXPECT_EQ(sim_.totals()["partials"], 2);
}

// Delays show in the order of things, not on a clock: what must come later is not there yet.
TEST_F(wire, delays_come_where_they_are_put) {
    rule(R"({"delay_ms": {"executing": 60000}})");
    test::wire_client before_execution{sim_.port()};
    before_execution.send(chat("a"));
    sim_.lines("send", 1);
    settle();
    EXPECT_EQ(sim_.lines("bill").size(), 0U);

    rule(R"({"delay_ms": 60000})");
    test::wire_client before_headers{sim_.port()};
    before_headers.send(chat("b"));
    sim_.lines("bill", 1);
    settle();
    EXPECT_FALSE(before_headers.readable());

    rule(R"({"delay_ms": {"body": 60000}})");
    test::wire_client before_body{sim_.port()};
    before_body.send(chat("c"));
    EXPECT_TRUE(before_body.receive(100'000).ends_with("\r\n\r\n"));

    rule(R"({"delay_ms": {"reading": 60000}})");
    test::wire_client before_reading{sim_.port()};
    before_reading.send(chat("d"));
    settle();
    settle();
    EXPECT_EQ(sim_.lines("send").size(), 3U);
    EXPECT_EQ(sim_.get_control("/control/faults")["rules"][0]["fired"], 1);
}

TEST_F(wire, short_delays_end) {
    EXPECT_EQ(answer_under(R"({"delay_ms": {"reading": 1, "executing": 1, "headers": 1, "body": 1}})").status, 200);
}

TEST_F(wire, drip) {
    rule(R"({"drip": {"bytes": 100, "interval_ms": 1}})");
    test::wire_client client{sim_.port()};
    client.send(chat());
    std::vector<std::string> pieces;
    std::string all;
    while (all.find("\r\n\r\n") == std::string::npos || all.size() < 900) {
        pieces.push_back(client.receive(100'000));
        ASSERT_FALSE(pieces.back().empty());
        all += pieces.back();
    }
    EXPECT_GT(pieces.size(), 3U);
}

TEST_F(wire, statuses_errors_and_headers) {
    auto const limited = answer_under(R"({"status": 429, "error": {"code": "rate_limit_exceeded", "message": "slow"},
        "headers": {"retry-after": "2", "retry-after-ms": 1500, "x-should-retry": "true",
                    "x-ratelimit-remaining-requests": 0, "x-request-id": null}})");
    EXPECT_EQ(limited.status, 429);
    EXPECT_EQ(limited.parsed()["error"]["message"], "slow");
    EXPECT_EQ(limited.header("retry-after"), "2");
    EXPECT_EQ(limited.header("retry-after-ms"), "1500");
    EXPECT_EQ(limited.header("x-should-retry"), "true");
    EXPECT_EQ(limited.all("x-ratelimit-remaining-requests"), std::vector<std::string>{"0"});
    EXPECT_EQ(limited.header("x-request-id"), "");
    EXPECT_EQ(sim_.totals()["bills"], 0);

    auto const page = answer_under(R"({"wrong": "html"})");
    EXPECT_EQ(page.status, 502);
    EXPECT_EQ(page.header("content-type"), "text/html");

    auto const executed = answer_under(R"({"status": 500, "execute": true})");
    EXPECT_EQ(executed.status, 500);
    EXPECT_EQ(sim_.totals()["bills"], 1);
}

TEST_F(wire, wrong_bodies) {
    auto const garbage = under(R"({"wrong": "garbage"})");
    EXPECT_FALSE(garbage.bytes.starts_with("HTTP/"));
    EXPECT_FALSE(garbage.bytes.empty());
    EXPECT_EQ(garbage.end, stopped_by::fin);

    auto const empty = answer_under(R"({"wrong": "empty"})");
    EXPECT_EQ(empty.status, 200);
    EXPECT_EQ(empty.header("content-length"), "0");

    EXPECT_FALSE(json::accept(answer_under(R"({"wrong": "bad_json"})").body));
    EXPECT_EQ(answer_under(R"({"status": 200, "error": {"code": 429}})").parsed()["error"]["code"], 429);
    auto const choice = answer_under(R"({"answer": {"choice_error": {"code": 524}}})").parsed()["choices"][0];
    EXPECT_EQ(choice["error"]["code"], 524);
    EXPECT_EQ(answer_under(R"({"answer": {"finish_reason": "length"}})").parsed()["choices"][0]["finish_reason"],
              "length");
    EXPECT_EQ(answer_under(R"({"answer": {"model": "other"}})").parsed()["model"], "other");
    EXPECT_FALSE(answer_under(R"({"answer": {"usage": "missing"}})").parsed().contains("usage"));
    EXPECT_EQ(sim_.totals()["bills"], 7);  // all but the error inside a 200
}

TEST_F(wire, huge_headers_and_bodies) {
    auto const response = answer_under(R"({"pad_headers": 100000, "pad_body": 3000000})");
    EXPECT_GT(response.head.size(), 100'000U);
    EXPECT_GT(response.body.size(), 3'000'000U);
    EXPECT_EQ(response.parsed()["object"], "chat.completion");
}

TEST_F(wire, interim_answers) {
    rule(R"({"interim": [100, 103]})");
    test::wire_client client{sim_.port()};
    client.send(chat());
    EXPECT_EQ(client.response().status, 100);
    EXPECT_EQ(client.response().status, 103);
    EXPECT_EQ(client.response().status, 200);
}

TEST_F(wire, says_100_continue_to_who_waits_for_it) {
    auto const request = chat("hello", "Expect: 100-continue\r\n");
    auto const body_at = request.find("\r\n\r\n") + 4;
    test::wire_client client{sim_.port()};
    client.send(request.substr(0, body_at));
    EXPECT_EQ(client.response().status, 100);
    client.send(request.substr(body_at));
    EXPECT_EQ(client.response().status, 200);
}

TEST_F(wire, nonsense_and_bodies_over_the_limit_are_refused) {
    EXPECT_EQ(test::parse_response(sim_.ask_raw("nonsense\r\n\r\n").bytes).status, 400);
    sim_.post_control("/control/config", {{"max_body_bytes", 50}});
    auto const got = sim_.ask_raw(chat());
    EXPECT_EQ(test::parse_response(got.bytes).status, 413);
    EXPECT_EQ(got.end, stopped_by::fin);
    EXPECT_EQ(sim_.totals()["sends"], 0);
}

TEST_F(wire, reads_are_no_sends_but_meet_rules) {
    EXPECT_EQ(sim_.ask(test::get("/v1/models")).status, 200);
    EXPECT_EQ(answer_under(R"({"match": {"path": "/v1/models"}, "status": 503})", test::get("/v1/models")).status, 503);
    EXPECT_EQ(sim_.totals()["sends"], 0);
}

TEST_F(wire, an_invalid_request_is_a_send_but_no_bill) {
    EXPECT_EQ(sim_.ask(test::post("/v1/chat/completions", "{}")).status, 400);
    EXPECT_EQ(sim_.ask(test::post("/v1/chat/completions", test::chat_body("x", "no-such-model"))).status, 404);
    EXPECT_EQ(sim_.totals()["sends"], 2);
    EXPECT_EQ(sim_.totals()["bills"], 0);
}

TEST_F(wire, a_rule_speaks_of_the_nth_send_of_each_key) {
    rule(R"({"match": {"nth": {"to": 2}}, "status": 503})");
    for (auto const* content : {"a", "b"}) {
        EXPECT_EQ(sim_.ask(chat(content)).status, 503);
        EXPECT_EQ(sim_.ask(chat(content)).status, 503);
        EXPECT_EQ(sim_.ask(chat(content)).status, 200);
    }
}

TEST_F(wire, many_connections_at_once) {
    std::vector<std::unique_ptr<test::wire_client>> clients;
    for (int i = 0; i < 200; ++i) clients.push_back(std::make_unique<test::wire_client>(sim_.port()));
    for (int i = 0; i < 200; ++i) clients[static_cast<std::size_t>(i)]->send(chat(std::to_string(i % 10)));
    for (auto const& client : clients) EXPECT_EQ(client->response().status, 200);
    auto const ledger = sim_.get_control("/control/ledger?group=key");
    EXPECT_EQ(ledger["totals"]["sends"], 200);
    EXPECT_EQ(ledger["totals"]["bills"], 200);
    EXPECT_EQ(ledger["keys"], 10);
    for (auto const& [key, counted] : ledger["groups"].items()) EXPECT_EQ(counted["sends"], 20);
}

}  // namespace
}  // namespace provider_sim::faults_test
