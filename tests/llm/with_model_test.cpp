// SPDX-License-Identifier: BSL-1.0
#include "llm/support/chat.hpp"

#include <coffer/llm/with_model.hpp>
#include <coffer/policy/fallback.hpp>
#include <coffer/policy/once.hpp>
#include <coffer/policy/retry.hpp>
#include <coffer/store/memory.hpp>

#include <gtest/gtest.h>

#include <string>

namespace with_model_test {
namespace {

using namespace chat_support;
using coffer::fault_kind;

using cheaper = llm::model_operation<llm::chat_operation>;
static_assert(llm::provider<cheaper, llm::request, llm::reply>);
static_assert(coffer::operation_traits<cheaper, llm::request const>::journalable);

llm::request large() { return llm::request{"gpt-4o"}.user("What is the answer?").max_output_tokens(400); }

TEST(with_model, asks_that_model_whatever_the_request_names) {
    conversation c;
    c.provider.answer(ok());
    auto const op = llm::with_model(c.client().chat, "gpt-4o-mini");
    EXPECT_TRUE(c.ask(coffer::pipeline{}.wrap(op), large()));
    EXPECT_NE(c.provider.sent()[0].body->find(R"("model":"gpt-4o-mini")"), std::string::npos);
    EXPECT_EQ(c.call.log()[0].target.model, "gpt-4o-mini");
    EXPECT_EQ(c.call.cost(), coffer::money::from_nano(13'500));
}

TEST(with_model, is_printed_with_its_provider_and_model_and_without_its_key) {
    conversation c;
    auto const chat = c.client().chat;
    EXPECT_EQ(to_string(coffer::pipeline{}.wrap(chat)), "-> openai");
    EXPECT_EQ(to_string(coffer::pipeline{}.wrap(llm::with_model(chat, "gpt-4o-mini"))), "-> openai(gpt-4o-mini)");
}

TEST(with_model, whatever_extra_names_too_and_the_rest_of_it_stands) {
    conversation c;
    c.provider.answer(ok());
    auto const op = llm::with_model(c.client().chat, "gpt-4o-mini");
    auto const r = large().extra(R"({"model":"gpt-5","service_tier":"flex"})");
    EXPECT_TRUE(c.ask(coffer::pipeline{}.wrap(op), r));
    auto const& body = *c.provider.sent()[0].body;
    EXPECT_NE(body.find(R"("model":"gpt-4o-mini")"), std::string::npos) << body;
    EXPECT_NE(body.find(R"("service_tier":"flex")"), std::string::npos) << body;
    EXPECT_EQ(op.target(r).model, "gpt-4o-mini");
}

TEST(with_model, bounds_the_cost_of_that_model) {
    conversation c;
    auto const chat = c.client().chat;
    auto const small = llm::request{large()}.model("gpt-4o-mini");
    EXPECT_EQ(llm::with_model(chat, "gpt-4o-mini").estimate(large()).cost, chat.estimate(small).cost);
    EXPECT_LT(chat.estimate(small).cost, chat.estimate(large()).cost);
}

TEST(with_model, is_the_same_request_whoever_is_asked) {
    conversation c;
    auto const chat = c.client().chat;
    EXPECT_EQ(llm::with_model(chat, "gpt-4o-mini").fingerprint(large()), chat.fingerprint(large()));
}

TEST(with_model, a_cheaper_ones_answer_stands_under_the_key) {
    conversation c;
    coffer::memory_store db;
    c.provider.answer(response(503, "")).answer(ok("Forty-two"));
    auto const chat = c.client().chat;
    ask_type const ask = coffer::pipeline{coffer::once{db}}.wrap(
        coffer::fallback{coffer::pipeline{}.wrap(chat), coffer::pipeline{}.wrap(llm::with_model(chat, "gpt-4o-mini"))});
    EXPECT_EQ(c.ask(ask, large()).value().text, "Forty-two");
    EXPECT_EQ(c.ask(ask, large()).value().text, "Forty-two");
    EXPECT_EQ(c.call.origin(), coffer::answer_origin::replayed);
    EXPECT_EQ(c.call.answered_by().value().model, "gpt-4o-mini");
    EXPECT_EQ(c.provider.sent().size(), 2U);
}

}  // namespace
}  // namespace with_model_test
