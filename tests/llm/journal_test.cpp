// SPDX-License-Identifier: BSL-1.0
// The operation under the journal: what it says of sameness, acceptance and billing is what the journal keeps.
#include "llm/support/chat.hpp"

#include <coffer/llm/openai.hpp>
#include <coffer/policy/once.hpp>
#include <coffer/policy/retry.hpp>
#include <coffer/store/memory.hpp>

#include <gtest/gtest.h>

#include <memory>
#include <string>
#include <vector>

namespace journal_test {
namespace {

using namespace chat_support;
using coffer::answer_origin;
using coffer::fault_kind;
using coffer::money;

struct journaled : testing::Test {
    conversation c;
    coffer::memory_store db;

    ask_type ask(coffer::once_options options = {}) {
        return coffer::pipeline{coffer::once{db, options}, coffer::retry{}}.wrap(c.client().chat);
    }
};

TEST_F(journaled, a_repeat_is_answered_from_the_record) {
    c.provider.answer(ok("Forty-two"));
    auto const first = c.ask(ask());
    auto const again = c.ask(ask());
    ASSERT_TRUE(first && again);
    EXPECT_EQ(*first, *again);  // the cost it had when it was paid among it
    EXPECT_EQ(again->cost, money::from_nano(13'500));
    EXPECT_EQ(c.call.origin(), answer_origin::replayed);
    EXPECT_EQ(c.call.cost(), money{});
    EXPECT_EQ(c.provider.sent().size(), 1U);
}

TEST_F(journaled, another_request_under_the_key_is_named) {
    c.provider.answer(ok());
    EXPECT_TRUE(c.ask(ask()));
    auto const other = c.ask(ask(), question().user("And why?").temperature(1));
    ASSERT_FALSE(other);
    EXPECT_EQ(other.error().kind(), fault_kind::key_mismatch);
    EXPECT_EQ(other.error().fields(), (std::vector<std::string>{"messages", "sampling"}));
    EXPECT_TRUE(c.ask(ask(), question().end_user("somebody else")));  // the same request
    EXPECT_EQ(c.provider.sent().size(), 1U);
}

TEST_F(journaled, what_is_proven_unbilled_costs_no_send) {
    for (int i = 0; i < 3; ++i)
        c.provider.answer(response(429, error("requests", "rate_limit_exceeded"), {{"retry-after", "1"}}));
    c.provider.answer(ok());
    EXPECT_TRUE(c.ask(ask({.max_sends = 1})));
    EXPECT_EQ(c.provider.sent().size(), 4U);
}

TEST_F(journaled, an_error_inside_a_200_gives_its_send_back_if_its_code_says_so) {
    for (int i = 0; i < 3; ++i) c.provider.answer(response(200, R"({"error":{"code":429,"message":"m"}})"));
    c.provider.answer(ok());
    EXPECT_TRUE(c.ask(ask({.max_sends = 1})));
    EXPECT_EQ(c.provider.sent().size(), 4U);
}

TEST_F(journaled, a_refused_key_costs_no_send_and_the_new_one_is_sent_under_a_permit_of_its_own) {
    auto const key = std::make_shared<std::string>("old");
    llm::openai const caching{c.provider, llm::api_key{[key](llm::key_request why) -> coffer::awaitable<std::string> {
                                  co_await coffer::sleep_for(1s);
                                  if (why.after_refusal() && *key == why.refused()) *key = "new";
                                  co_return *key;
                              }}};
    c.provider.answer(response(401, error("", "invalid_api_key"))).answer(ok());
    EXPECT_TRUE(c.ask(coffer::pipeline{coffer::once{db, {.max_sends = 1}}, coffer::retry{}}.wrap(caching.chat)));
    EXPECT_EQ(c.provider.sent().size(), 2U);
    ASSERT_EQ(c.call.log().size(), 2U);
    EXPECT_EQ(c.call.log()[0].fault->kind(), fault_kind::stale_credentials);
    EXPECT_EQ(c.call.log()[0].send, 1);
    EXPECT_EQ(c.call.log()[1].send,
              2);  // numbers are never used again; what counts is that the first is proven unbilled
    EXPECT_TRUE(c.call.stored());
}

TEST_F(journaled, a_flight_that_everybody_leaves_while_it_waits_for_a_key_sends_nothing_and_is_free_again) {
    llm::openai const slow{c.provider, llm::api_key{[](llm::key_request) -> coffer::awaitable<std::string> {
                               co_await coffer::sleep_for(1h);
                               co_return "key";
                           }}};
    coffer::once_options const strict{.max_sends = 1, .finish_grace = 0s};
    auto const wrapped = ask_type{coffer::pipeline{coffer::once{db, strict}}.wrap(slow.chat)};
    auto const q = question();
    auto const running = c.sim.start(wrapped.try_call(c.call, q));
    c.sim.cancel_after(1s, running);
    c.sim.time.run();
    EXPECT_EQ(running.get().error().kind(), fault_kind::cancelled);
    EXPECT_TRUE(c.provider.sent().empty());
    c.provider.answer(ok());
    EXPECT_TRUE(c.ask(ask({.max_sends = 1})));
}

TEST_F(journaled, an_edges_page_costs_a_send) {
    c.provider.answer(response(502, "<html>")).answer(response(502, "<html>")).answer(ok());
    auto const got = c.ask(ask({.max_sends = 2}));
    ASSERT_FALSE(got);
    EXPECT_EQ(c.provider.sent().size(), 2U);
    EXPECT_FALSE(c.ask(ask({.max_sends = 2})));
    EXPECT_EQ(c.provider.sent().size(), 2U);  // spent, also in the next run
}

TEST_F(journaled, a_truncated_answer_is_paid_and_never_replayed_as_success) {
    c.provider.answer(ok("Forty-", "length"));
    for (int run = 0; run < 3; ++run) {
        auto const got = c.ask(ask({.max_sends = 1}));
        ASSERT_FALSE(got) << run;
        EXPECT_NE(got.error().billing(), coffer::knowledge::no) << (run == 0);
    }
    EXPECT_EQ(c.provider.sent().size(), 1U);
}

TEST_F(journaled, quota_is_not_remembered_against_the_key) {
    c.provider.answer(response(429, error("insufficient_quota", "insufficient_quota"))).answer(ok());
    EXPECT_EQ(c.ask(ask()).error().kind(), fault_kind::quota_exhausted);
    EXPECT_TRUE(c.ask(ask()));  // somebody paid the bill meanwhile
}

TEST_F(journaled, a_fault_of_the_request_itself_is) {
    c.provider.answer(response(400, error("invalid_request_error", "context_length_exceeded"))).answer(ok());
    EXPECT_EQ(c.ask(ask()).error().kind(), fault_kind::context_length);
    EXPECT_EQ(c.ask(ask()).error().kind(), fault_kind::context_length);
    EXPECT_EQ(c.provider.sent().size(), 1U);
}

}  // namespace
}  // namespace journal_test
