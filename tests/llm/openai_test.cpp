// SPDX-License-Identifier: BSL-1.0
#include "llm/support/chat.hpp"

#include <coffer/base/disposition.hpp>
#include <coffer/llm/openai.hpp>
#include <coffer/policy/retry.hpp>

#include <gtest/gtest.h>
#include <stdlib.h>

#include <chrono>
#include <concepts>
#include <cstdio>
#include <memory>
#include <optional>
#include <stdexcept>
#include <string>
#include <type_traits>
#include <utility>
#include <vector>

namespace openai_test {
namespace {

using namespace chat_support;
using coffer::fault;
using coffer::fault_kind;
using coffer::knowledge;
using coffer::money;
using coffer::stop_reason;

static_assert(std::copy_constructible<llm::chat_operation>);
static_assert(!std::is_aggregate_v<llm::openai> && !std::is_aggregate_v<llm::openai_options> &&
              !std::is_aggregate_v<llm::reply>);
static_assert(std::same_as<coffer::operation_traits<llm::chat_operation, llm::request const>::value_type, llm::reply>);
static_assert(coffer::operation_traits<llm::chat_operation, llm::request const>::journalable);
static_assert(coffer::operation_traits<llm::chat_operation, llm::request const>::has_fingerprint);

ask_type bare(llm::openai const& client) { return coffer::pipeline<>{}.wrap(client.chat); }
ask_type retrying(llm::openai const& client, coffer::retry_options options = {}) {
    return coffer::pipeline{coffer::retry{options}}.wrap(client.chat);
}

TEST(chat, sends_what_the_provider_expects) {
    conversation c;
    c.provider.answer(ok());
    llm::openai_options o;
    o.organization = "org-1";
    o.project = "proj-1";
    o.headers.add("X-Title", "coffer");
    o.connect_timeout = 3s;
    o.max_body_bytes = 1000;
    o.max_header_bytes = 2000;
    auto const got = c.ask(bare(c.client(o)));
    ASSERT_TRUE(got);
    auto const sent = c.provider.sent();
    ASSERT_EQ(sent.size(), 1U);
    auto const& r = sent[0];
    EXPECT_EQ(r.method, "POST");
    EXPECT_EQ(r.url, "https://api.openai.com/v1/chat/completions");
    EXPECT_EQ(
        *r.body,
        R"({"max_completion_tokens":400,"messages":[{"content":"What is the answer?","role":"user"}],"model":"gpt-4o-mini"})");
    EXPECT_EQ(r.headers.first("authorization"), "Bearer sk-test");
    EXPECT_EQ(r.headers.first("content-type"), "application/json");
    EXPECT_EQ(r.headers.first("accept"), "application/json");
    EXPECT_EQ(r.headers.first("openai-organization"), "org-1");
    EXPECT_EQ(r.headers.first("openai-project"), "proj-1");
    EXPECT_EQ(r.headers.first("x-title"), "coffer");
    EXPECT_EQ(r.headers.size(), 6U);
    EXPECT_EQ(r.connect_timeout, 3s);
    EXPECT_EQ(r.max_body_bytes, 1000U);
    EXPECT_EQ(r.max_header_bytes, 2000U);
}

TEST(chat, a_success_is_explained) {
    conversation c;
    c.provider.answer(ok("Forty-two"), 3s);
    auto const got = c.ask(bare(c.client()));
    ASSERT_TRUE(got);
    EXPECT_EQ(got->text, "Forty-two");
    EXPECT_EQ(got->cost, money::from_nano(13'500));
    EXPECT_EQ(c.call.cost(), money::from_nano(13'500));
    ASSERT_EQ(c.call.log().size(), 1U);
    auto const& a = c.call.log()[0];
    EXPECT_EQ(a.target.provider, "openai");
    EXPECT_EQ(a.target.model, "gpt-4o-mini");
    EXPECT_EQ(a.duration, 3s);
    EXPECT_EQ(a.request_id, "req_ok");
    EXPECT_EQ(a.usage->output, 20);
    EXPECT_EQ(a.cost, money::from_nano(13'500));
}

TEST(chat, other_providers_of_its_shape) {
    conversation c;
    c.provider.otherwise([](http::request const&) { return ok(); });
    EXPECT_TRUE(c.ask(bare(c.client(llm::openai_options::openrouter()))));
    EXPECT_TRUE(c.ask(bare(c.client(llm::openai_options::groq()))));
    EXPECT_TRUE(c.ask(bare(c.client(llm::openai_options::azure("https://me.openai.azure.com", "mini", "2024-10-21")))));
    auto older = llm::openai_options::compatible("vllm", "http://127.0.0.1:8000/v1//");
    older.output_limit_field = "max_tokens";
    EXPECT_TRUE(c.ask(bare(llm::openai{c.provider, llm::api_key::none(), older})));
    auto const sent = c.provider.sent();
    ASSERT_EQ(sent.size(), 4U);
    EXPECT_EQ(sent[0].url, "https://openrouter.ai/api/v1/chat/completions");
    EXPECT_EQ(sent[1].url, "https://api.groq.com/openai/v1/chat/completions");
    EXPECT_EQ(sent[2].url,
              "https://me.openai.azure.com/openai/deployments/mini/chat/completions?api-version=2024-10-21");
    EXPECT_EQ(sent[2].headers.first("api-key"), "sk-test");
    EXPECT_FALSE(sent[2].headers.contains("authorization"));
    EXPECT_TRUE(sent[2].hides("api-key"));
    EXPECT_EQ(sent[3].url, "http://127.0.0.1:8000/v1/chat/completions");
    EXPECT_FALSE(sent[3].headers.contains("authorization"));
    EXPECT_NE(sent[3].body->find(R"("max_tokens":400)"), std::string::npos);
    EXPECT_EQ(c.call.log()[0].target.provider, "vllm");
}

TEST(chat, an_unusual_key_header_is_a_secret_too) {
    conversation c;
    c.provider.answer(ok());
    llm::openai_options o;
    o.key_header = "X-Gateway";
    EXPECT_TRUE(c.ask(bare(c.client(o))));
    EXPECT_TRUE(c.provider.sent()[0].hides("X-Gateway"));
}

TEST(chat, the_provider_key_is_sent_only_where_one_is_honoured) {
    conversation c;
    c.provider.answer(response(500, "")).answer(ok()).answer(ok());
    llm::openai_options o;
    o.idempotency_header = "Idempotency-Key";
    EXPECT_TRUE(c.ask(retrying(c.client(o))));
    EXPECT_TRUE(c.ask(bare(c.client())));
    auto const sent = c.provider.sent();
    ASSERT_EQ(sent.size(), 3U);
    ASSERT_TRUE(sent[0].headers.first("idempotency-key"));
    EXPECT_GE(sent[0].headers.first("idempotency-key")->size(), 32U);
    EXPECT_EQ(sent[0].headers.first("idempotency-key"), sent[1].headers.first("idempotency-key"));  // the same work
    EXPECT_FALSE(sent[2].headers.contains("idempotency-key"));
}

TEST(chat, the_attempts_deadline_is_the_transports) {
    conversation c;
    c.provider.stall();
    auto const got = c.ask(retrying(c.client(), {.attempts = 1, .attempt_timeout = 30s}));
    ASSERT_FALSE(got);
    EXPECT_EQ(got.error().kind(), fault_kind::timed_out);
    EXPECT_EQ(got.error().billing(), knowledge::maybe);
    EXPECT_EQ(c.call.log()[0].duration, 30s);
}

TEST(chat, nothing_is_sent_that_cannot_be_meant) {
    conversation c;
    auto const got = c.ask(retrying(c.client()), question().extra("nonsense"));
    EXPECT_EQ(got.error().kind(), fault_kind::invalid_request);
    llm::openai const keyless{c.provider, llm::api_key_from_env("COFFER_NO_SUCH_VARIABLE")};
    auto const refused = c.ask(retrying(keyless));
    EXPECT_EQ(refused.error().kind(), fault_kind::unauthorized);
    EXPECT_EQ(refused.error().billing(), knowledge::no);
    EXPECT_EQ(c.call.cost(), money{});
    EXPECT_TRUE(c.provider.sent().empty());
}

TEST(chat, the_key_is_read_at_every_attempt) {
    conversation c;
    c.provider.answer(response(503, error("", "server_is_overloaded"))).answer(ok());
    int reads = 0;
    llm::openai const client{c.provider, llm::api_key{[&reads] { return "sk-" + std::to_string(++reads); }}};
    EXPECT_TRUE(c.ask(retrying(client)));
    EXPECT_EQ(c.provider.sent()[0].headers.first("authorization"), "Bearer sk-1");
    EXPECT_EQ(c.provider.sent()[1].headers.first("authorization"), "Bearer sk-2");
}

TEST(chat, transport_faults_pass_through_with_what_they_prove) {
    for (auto const kind :
         {fault_kind::not_sent, fault_kind::ambiguous, fault_kind::broken_stream, fault_kind::timed_out}) {
        conversation c;
        c.provider.fail(fault{kind});
        auto const got = c.ask(bare(c.client()));
        EXPECT_EQ(got.error().kind(), kind);
        EXPECT_EQ(got.error().billing(), coffer::row(kind).billing);
    }
    conversation c;
    c.provider.fail(fault{fault_kind::broken_stream}.with_status(401).with_execution(knowledge::maybe));
    EXPECT_EQ(c.ask(bare(c.client())).error().kind(), fault_kind::unauthorized);
}

TEST(chat, may_outlive_its_client_and_is_called_without_a_pipeline_too) {
    conversation c;
    c.provider.answer(ok());
    auto const chat = c.client().chat;
    auto const asked = question();
    auto const raw =
        coffer::pipeline<>{}.wrap([chat](coffer::attempt& a, llm::request const& r) { return chat(a, r); });
    auto const got = c.sim.run(raw.try_call(c.call, std::as_const(asked)));
    ASSERT_TRUE(got);
    EXPECT_EQ(got->status, 200);
    EXPECT_EQ(got->body, completion());
    EXPECT_EQ(got->request_id, "req_ok");
    EXPECT_EQ(chat.decode(*got)->text, "Hello");
    EXPECT_EQ(chat.bill(*got).cost, money::from_nano(13'500));
    EXPECT_EQ(chat.target(question()).model, "gpt-4o-mini");
    EXPECT_EQ(chat.fingerprint(question()), llm::fingerprint_of(question()));
    EXPECT_EQ(chat.estimate(question()).cost, llm::estimate_of(question(), {}).cost);
}

TEST(chat, asks_for_no_more_output_than_the_attempt_allows) {
    conversation c;
    c.provider.answer(ok());
    auto const chat = c.client().chat;
    auto const limited = coffer::pipeline<>{}.wrap([chat](coffer::attempt& a, llm::request const& r) {
        EXPECT_EQ(a.output_limit(), std::nullopt);
        a.limit_output(50);
        a.limit_output(60);
        EXPECT_EQ(a.output_limit(), 50);
        return chat(a, r);
    });
    auto const asked = question();
    ASSERT_TRUE(c.sim.run(limited.try_call(c.call, std::as_const(asked))));
    EXPECT_NE(c.provider.sent()[0].body->find(R"("max_completion_tokens":50)"), std::string::npos);
}

TEST(chat, the_target_is_the_model_that_is_really_asked_for) {
    conversation c;
    auto const chat = c.client().chat;
    EXPECT_EQ(chat.target(question().extra(R"({"model":"other"})")).model, "other");
    EXPECT_EQ(chat.target(question().extra(R"({"metadata":{"model":"other"}})")).model, "gpt-4o-mini");
    EXPECT_EQ(chat.target(question().extra("model nonsense")).model, "gpt-4o-mini");
}

TEST(chat, a_cancellation_after_the_send_leaves_the_bill_open) {
    conversation c;
    c.provider.stall();
    auto const ask = retrying(c.client());
    auto const r = question();
    auto const running = c.sim.start(ask.try_call(c.call, r));
    c.sim.cancel_after(2s, running);
    c.sim.time.run();
    auto const got = running.get();
    ASSERT_FALSE(got);
    EXPECT_EQ(got.error().kind(), fault_kind::cancelled);
    EXPECT_EQ(got.error().billing(), knowledge::maybe);
    EXPECT_EQ(c.provider.sent().size(), 1U);
}

// A refused key -------------------------------------------------------------------------------------------------------

using key_later = coffer::awaitable<coffer::outcome<std::string>>;

http::response refused() {
    return response(401, error("invalid_request_error", "invalid_api_key"), {{"x-request-id", "req_401"}});
}

/// A provider that accepts one key, and a vault from which it takes a second to read the one that is right now.
struct rotation {
    conversation c;
    std::string accepted = "new";
    std::string in_vault = "new";
    int reads = 0;
    int cancelled = 0;
    std::vector<std::string> told_refused;
    coffer::duration read_takes = 1s;

    rotation() {
        c.provider.otherwise([this](http::request const& r) {
            return r.headers.first("authorization") == "Bearer " + accepted ? ok() : refused();
        });
    }
    key_later read(llm::key_request why) {
        ++reads;
        if (why.after_refusal()) told_refused.push_back(why.refused());
        auto const key = why.after_refusal() ? in_vault : std::string{"old"};
        if (co_await coffer::sleep_for(read_takes) == coffer::wake::cancelled) {
            ++cancelled;
            throw std::runtime_error{"cancelled"};
        }
        co_return key;
    }
    llm::openai client() {
        return llm::openai{c.provider, llm::api_key{[this](llm::key_request why) { return read(std::move(why)); }}};
    }
};

TEST(refused_key, is_read_again_and_the_next_attempt_sends_with_the_new_one) {
    rotation r;
    r.accepted = "old";  // the source's answer to whoever was not refused
    EXPECT_TRUE(r.c.ask(retrying(r.client())));
    EXPECT_EQ(r.reads, 1);

    conversation c;
    c.provider.answer(refused()).answer(ok());
    std::string in_file = "old";
    llm::openai const client{c.provider, llm::api_key{[&](llm::key_request const& why) {
                                 if (why.after_refusal()) in_file = "new";
                                 return in_file;
                             }}};
    EXPECT_TRUE(c.ask(retrying(client)));
    auto const sent = c.provider.sent();
    ASSERT_EQ(sent.size(), 2U);
    EXPECT_EQ(sent[0].headers.first("authorization"), "Bearer old");
    EXPECT_EQ(sent[1].headers.first("authorization"), "Bearer new");
    // One physical send for each attempt, and all of it in the log.
    ASSERT_EQ(c.call.log().size(), 2U);
    auto const& first = *c.call.log()[0].fault;
    EXPECT_EQ(first.kind(), fault_kind::stale_credentials);
    EXPECT_EQ(first.status(), 401);
    EXPECT_EQ(first.code(), "invalid_api_key");
    EXPECT_EQ(first.request_id(), "req_401");
    EXPECT_EQ(c.call.log()[0].billing, knowledge::no);
    EXPECT_FALSE(c.call.log()[1].fault);
    EXPECT_EQ(c.call.cost(), money::from_nano(13'500));
}

TEST(refused_key, without_retry_the_fault_says_that_another_run_will_help) {
    conversation c;
    c.provider.answer(refused());
    llm::openai const client{
        c.provider, llm::api_key{[](llm::key_request const& why) { return why.after_refusal() ? "new" : "old"; }}};
    auto const got = c.ask(bare(client));
    ASSERT_FALSE(got);
    EXPECT_EQ(got.error().kind(), fault_kind::stale_credentials);
    EXPECT_EQ(coffer::disposition(got.error()).action, coffer::queue_action::retry_after);
    EXPECT_EQ(c.provider.sent().size(), 1U);
}

TEST(refused_key, that_is_still_the_same_stays_refused) {
    rotation r;
    r.in_vault = "old";
    auto const got = r.c.ask(retrying(r.client()));
    ASSERT_FALSE(got);
    EXPECT_EQ(got.error().kind(), fault_kind::unauthorized);
    EXPECT_EQ(got.error().stop(), stop_reason::not_retryable);
    EXPECT_EQ(r.reads, 2);
    EXPECT_EQ(r.told_refused, std::vector<std::string>{"old"});
    EXPECT_EQ(r.c.provider.sent().size(), 1U);
}

TEST(refused_key, is_read_again_once_in_a_call) {
    conversation c;
    c.provider.otherwise([](http::request const&) { return refused(); });
    int reads = 0;
    llm::openai const client{c.provider, llm::api_key{[&] { return "key-" + std::to_string(++reads); }}};
    auto const got = c.ask(retrying(client));
    ASSERT_FALSE(got);
    EXPECT_EQ(got.error().kind(), fault_kind::unauthorized);
    EXPECT_EQ(c.provider.sent().size(), 2U);
    EXPECT_EQ(reads, 3);
    EXPECT_FALSE(c.ask(retrying(client)));
    EXPECT_EQ(c.provider.sent().size(), 4U);  // another request of the call begins anew
}

TEST(refused_key, is_not_read_again_for_what_proves_nothing_or_is_a_proxys) {
    auto const consumed =
        R"({"error":{"message":"m","code":"invalid_api_key"},"usage":{"prompt_tokens":1,"completion_tokens":1}})";
    for (auto const& r : {response(407, ""), response(401, consumed), response(403, error("", "")),
                          response(500, error("", "invalid_api_key"))}) {
        conversation c;
        c.provider.answer(r);
        int reads = 0;
        llm::openai const client{c.provider, llm::api_key{[&] { return "key-" + std::to_string(++reads); }}};
        EXPECT_FALSE(c.ask(bare(client)));
        EXPECT_EQ(reads, 1) << r.status;
    }
}

TEST(refused_key, whose_source_fails_then_stays_refused) {
    conversation c;
    c.provider.answer(refused());
    llm::openai const client{c.provider, llm::api_key{[](llm::key_request const& why) {
                                 if (why.after_refusal()) throw std::runtime_error{"canary"};
                                 return std::string{"old"};
                             }}};
    auto const got = c.ask(retrying(client));
    EXPECT_EQ(got.error().kind(), fault_kind::unauthorized);
    EXPECT_EQ(got.error().code(), "invalid_api_key");
    EXPECT_EQ(got.error().message().find("canary"), std::string_view::npos);
}

TEST(refused_key, is_read_once_for_all_calls_that_meet_the_refusal_together) {
    rotation r;
    r.accepted = "new";
    auto const ask = retrying(r.client(), {.attempts = 1});
    auto const q = question();
    std::vector<std::unique_ptr<coffer::call>> calls;
    std::vector<support::running<coffer::outcome<llm::reply>>> all;
    for (int i = 0; i < 10; ++i) {
        calls.push_back(std::make_unique<coffer::call>(coffer::key{"test", i}, 1min));
        all.push_back(r.c.sim.start(ask.try_call(*calls.back(), q)));
    }
    r.c.sim.time.run();
    for (auto const& one : all) EXPECT_EQ(one.get().error().kind(), fault_kind::stale_credentials);
    EXPECT_EQ(r.reads, 10 + 1);
    EXPECT_EQ(r.told_refused, std::vector<std::string>{"old"});
}

TEST(refused_key, that_another_call_has_found_replaced_meanwhile_is_not_asked_for_again) {
    rotation r;
    auto const ask = retrying(r.client(), {.attempts = 1});
    auto const q = question();
    coffer::call fast{coffer::key{"test", 1}, 1min};
    coffer::call slow{coffer::key{"test", 2}, 1min};
    r.c.provider.answer(refused(), 1s).answer(refused(), 10s);
    auto const first = r.c.sim.start(ask.try_call(fast, q));
    auto const second = r.c.sim.start(ask.try_call(slow, q));
    r.c.sim.time.run();
    EXPECT_EQ(first.get().error().kind(), fault_kind::stale_credentials);
    EXPECT_EQ(second.get().error().kind(), fault_kind::stale_credentials);
    EXPECT_EQ(slow.log()[0].duration, 11s);
    EXPECT_EQ(r.told_refused.size(), 1U);
}

TEST(refused_key, one_callers_leaving_does_not_take_the_read_from_the_others) {
    rotation r;
    auto const ask = retrying(r.client());
    auto const q = question();
    coffer::call leaves{coffer::key{"test", 1}, 1min};
    coffer::call stays{coffer::key{"test", 2}, 1min};
    auto const first = r.c.sim.start(ask.try_call(leaves, q));
    auto const second = r.c.sim.start(ask.try_call(stays, q));
    r.c.sim.cancel_after(1500ms, first);  // while the key is read again
    r.c.sim.time.run();
    EXPECT_EQ(first.get().error().kind(), fault_kind::cancelled);
    EXPECT_EQ(first.get().error().billing(), knowledge::no);
    EXPECT_EQ(second.get().error().kind(), fault_kind::unauthorized);  // the vault gives "old" to whoever reads afresh
    EXPECT_EQ(r.cancelled, 0);
    EXPECT_EQ(stays.log().size(), 2U);
}

TEST(waiting_for_a_key, a_cancelled_call_is_a_value_and_nothing_was_sent) {
    rotation r;
    auto const ask = retrying(r.client());
    auto const q = question();
    auto const running = r.c.sim.start(ask.try_call(r.c.call, q));
    r.c.sim.cancel_after(500ms, running);
    r.c.sim.time.run();
    auto const got = running.get();
    ASSERT_FALSE(got);
    EXPECT_EQ(got.error().kind(), fault_kind::cancelled);
    EXPECT_EQ(got.error().execution(), knowledge::no);
    EXPECT_EQ(got.error().billing(), knowledge::no);
    EXPECT_TRUE(r.c.provider.sent().empty());
    EXPECT_EQ(r.cancelled, 1);  // nobody else wants it
    EXPECT_EQ(r.c.call.cost(), money{});
}

TEST(waiting_for_a_key, ends_with_the_attempts_time) {
    rotation r;
    r.read_takes = 24h;
    auto const got = r.c.ask(retrying(r.client(), {.attempts = 1, .attempt_timeout = 30s}));
    ASSERT_FALSE(got);
    EXPECT_EQ(got.error().kind(), fault_kind::not_sent);
    EXPECT_EQ(got.error().billing(), knowledge::no);
    EXPECT_EQ(r.c.call.log()[0].duration, 30s);
    EXPECT_EQ(r.cancelled, 1);
    EXPECT_TRUE(r.c.provider.sent().empty());
}

TEST(waiting_for_a_key, again_ends_with_the_attempts_time_too) {
    rotation r;
    auto const ask = retrying(r.client(), {.attempts = 1, .attempt_timeout = 30s});
    r.c.provider.answer(refused(), 20s);
    r.read_takes = 6s;
    // 6 s for the key, 20 s for the provider; at 30 s the second read has two more to go.
    auto const got = r.c.ask(ask);
    ASSERT_FALSE(got);
    EXPECT_EQ(got.error().kind(), fault_kind::unauthorized);
    EXPECT_EQ(r.c.call.log()[0].duration, 30s);
    EXPECT_EQ(r.cancelled, 1);
}

TEST(waiting_for_a_key, a_context_that_goes_away_takes_the_reading_with_it) {
    rotation r;
    std::optional<support::simulation> other;
    other.emplace();
    auto const ask = retrying(r.client());
    auto const q = question();
    coffer::call c{coffer::key{"test", 1}, 1min};
    auto const running = other->start(ask.try_call(c, q));
    other->io.poll();
    EXPECT_EQ(r.reads, 1);
    EXPECT_FALSE(running.over());
    other.reset();
    EXPECT_FALSE(running.over());
}

// Under retry ---------------------------------------------------------------------------------------------------------

TEST(retried, a_throttling_hint_is_a_floor) {
    conversation c;
    c.provider.answer(response(429, error("requests", "rate_limit_exceeded"), {{"retry-after", "7"}})).answer(ok());
    ASSERT_TRUE(c.ask(retrying(c.client())));
    ASSERT_EQ(c.call.log().size(), 2U);
    EXPECT_GE(c.call.log()[1].waited, 7s);
    EXPECT_LE(c.call.log()[1].waited, 8750ms);
    EXPECT_EQ(c.call.log()[1].why_waited, coffer::wait_reason::provider_hint);
    EXPECT_EQ(c.call.log()[0].billing, knowledge::no);
    EXPECT_EQ(c.call.cost(), money::from_nano(13'500));
}

TEST(retried, a_date_in_a_header_is_compared_with_the_clock_of_the_call) {
    conversation c;  // virtual time stands at 1'800'000'000 s + 1000 h
    auto const wall = c.sim.service().clock()->wall_now();
    auto const at = std::chrono::floor<std::chrono::seconds>(wall) + 40s;
    auto const date = std::chrono::floor<std::chrono::days>(at);
    std::chrono::year_month_day const ymd{date};
    std::chrono::hh_mm_ss const time{at - date};
    char text[64];
    constexpr char const* months[] = {"Jan", "Feb", "Mar", "Apr", "May", "Jun",
                                      "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"};
    std::snprintf(text, sizeof text, "Mon, %02u %s %04d %02d:%02d:%02d GMT", static_cast<unsigned>(ymd.day()),
                  months[static_cast<unsigned>(ymd.month()) - 1], static_cast<int>(ymd.year()),
                  static_cast<int>(time.hours().count()), static_cast<int>(time.minutes().count()),
                  static_cast<int>(time.seconds().count()));
    c.provider.answer(response(429, "", {{"retry-after", text}})).answer(ok());
    ASSERT_TRUE(c.ask(retrying(c.client(), {.hint_spread = 0})));
    EXPECT_GE(c.call.log()[1].waited, 39s);
    EXPECT_LE(c.call.log()[1].waited, 40s);
}

TEST(retried, a_hint_longer_than_anybody_waits_ends_it_at_once) {
    conversation c;
    c.provider.answer(response(429, error("requests", "rate_limit_exceeded"), {{"retry-after", "86400"}}), 1s)
        .answer(ok());
    auto const got = c.ask(retrying(c.client()));
    EXPECT_EQ(got.error().kind(), fault_kind::throttled);
    EXPECT_EQ(got.error().stop(), stop_reason::hint_too_long);
    EXPECT_EQ(c.provider.sent().size(), 1U);
}

TEST(retried, quota_is_never_sent_twice) {
    conversation c;
    c.provider.answer(response(429, error("insufficient_quota", "credit_balance_exhausted"), {{"retry-after", "1"}}))
        .answer(ok());
    auto const got = c.ask(retrying(c.client()));
    EXPECT_EQ(got.error().kind(), fault_kind::quota_exhausted);
    EXPECT_EQ(got.error().stop(), stop_reason::not_retryable);
    EXPECT_EQ(c.provider.sent().size(), 1U);
    EXPECT_EQ(c.call.cost(), money{});
}

TEST(retried, a_truncated_answer_is_paid_once_and_returned_as_a_defect) {
    conversation c;
    c.provider.answer(ok("Forty-", "length")).answer(ok());
    auto const got = c.ask(retrying(c.client()));
    EXPECT_EQ(got.error().kind(), fault_kind::defective_answer);
    EXPECT_EQ(c.provider.sent().size(), 1U);
    EXPECT_EQ(c.call.cost(), money::from_nano(13'500));  // the defect is billed, and it is known how much
    EXPECT_EQ(c.call.log()[0].billing, knowledge::yes);
}

TEST(retried, an_ambiguous_end_is_sent_again_after_its_floor_and_only_once) {
    conversation c;
    c.provider.otherwise([](http::request const&) { return response(502, "<html>Bad Gateway</html>"); });
    auto const got = c.ask(retrying(c.client()));
    EXPECT_EQ(got.error().kind(), fault_kind::ambiguous);
    EXPECT_EQ(got.error().stop(), stop_reason::sends_spent);
    EXPECT_EQ(c.provider.sent().size(), 2U);
    EXPECT_GE(c.call.log()[1].waited, 5s);
    EXPECT_EQ(c.call.cost(), std::nullopt);  // nobody knows what two ambiguous sends cost
}

TEST(retried, what_is_proven_unbilled_costs_no_send) {
    conversation c;
    for (int i = 0; i < 3; ++i)
        c.provider.answer(response(503, error("service_unavailable_error", "server_is_overloaded")));
    c.provider.answer(ok());
    ASSERT_TRUE(c.ask(retrying(c.client())));
    EXPECT_EQ(c.provider.sent().size(), 4U);
    EXPECT_EQ(c.call.cost(), money::from_nano(13'500));
}

TEST(retried, should_retry_false_ends_it) {
    for (int const status : {429, 500, 503}) {
        conversation c;
        c.provider.answer(response(status, error("x", "y"), {{"x-should-retry", "false"}})).answer(ok());
        EXPECT_FALSE(c.ask(retrying(c.client()))) << status;
        EXPECT_EQ(c.provider.sent().size(), 1U) << status;
    }
}

TEST(retried, should_retry_true_saves_a_refusal) {
    conversation c;
    c.provider.answer(response(400, error("invalid_request_error", ""), {{"x-should-retry", "true"}})).answer(ok());
    EXPECT_TRUE(c.ask(retrying(c.client())));
}

TEST(retried, an_error_inside_a200_is_read_like_any_other) {
    conversation c;
    c.provider.answer(response(200, R"({"error":{"code":429,"message":"m"}})")).answer(ok());
    ASSERT_TRUE(c.ask(retrying(c.client(llm::openai_options::openrouter()))));
    EXPECT_EQ(c.call.log()[0].fault->kind(), fault_kind::throttled);
    conversation poor;
    poor.provider.answer(response(200, R"({"error":{"code":402,"message":"m"}})")).answer(ok());
    EXPECT_EQ(poor.ask(retrying(poor.client())).error().kind(), fault_kind::quota_exhausted);
    EXPECT_EQ(poor.provider.sent().size(), 1U);
}

TEST(retried, a_failure_that_says_what_it_consumed_is_billed_exactly) {
    conversation c;
    c.provider
        .answer(response(
            502,
            R"({"error":{"code":502,"message":"m"},"usage":{"prompt_tokens":10,"completion_tokens":20,"cost":0.25}})"))
        .answer(ok());
    ASSERT_TRUE(c.ask(retrying(c.client())));
    EXPECT_EQ(c.call.log()[0].billing, knowledge::yes);
    EXPECT_EQ(c.call.log()[0].cost, money::from_nano(250'000'000));
    EXPECT_EQ(c.call.cost(), money::from_nano(250'013'500));
}

TEST(options, from_the_environment) {
    ::setenv("OPENAI_BASE_URL", "http://127.0.0.1:9/v1", 1);
    ::setenv("OPENAI_ORG_ID", "org-2", 1);
    ::unsetenv("OPENAI_PROJECT_ID");
    auto const o = llm::openai_options::from_env();
    EXPECT_EQ(o.base_url, "http://127.0.0.1:9/v1");
    EXPECT_EQ(o.organization, "org-2");
    EXPECT_EQ(o.project, "");
    ::setenv("OPENAI_BASE_URL", "", 1);
    ::unsetenv("OPENAI_ORG_ID");
    EXPECT_EQ(llm::openai_options::from_env().base_url, "https://api.openai.com/v1");
    ::unsetenv("OPENAI_BASE_URL");
}

}  // namespace
}  // namespace openai_test
