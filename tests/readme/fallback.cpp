// SPDX-License-Identifier: BSL-1.0
// The snippets of docs/fallback.md, in tests that run them.

#include <coffer/coffer.hpp>
#include <coffer/http/response.hpp>
#include <coffer/llm/openai.hpp>
#include <coffer/llm/with_model.hpp>
#include <coffer/store/memory.hpp>
#include <coffer/testing/scripted_transport.hpp>
#include <coffer/testing/virtual_time.hpp>

#include <gtest/gtest.h>

#include <asio/io_context.hpp>

#include <chrono>
#include <exception>
#include <iostream>
#include <string>
#include <utility>
#include <vector>

namespace llm = coffer::llm;
using namespace std::chrono_literals;
using namespace coffer::literals;

namespace fallback_page {
namespace {

using coffer::http::response;

response says(std::string const& text) {
    return response{
        200, R"({"id":"1","model":"gpt-4o-mini","choices":[{"index":0,"message":{"role":"assistant","content":")" +
                 text + R"("},"finish_reason":"stop"}],"usage":{"prompt_tokens":10,"completion_tokens":20}})"};
}

struct docs_fallback : testing::Test {
    asio::io_context io;
    coffer::testing::virtual_time time{io};
    coffer::memory_store db;
    coffer::testing::scripted_transport wire;
    llm::openai openai{wire, llm::api_key{"sk-1"}};
    llm::openai groq{wire, llm::api_key{"sk-2"}, llm::openai_options::groq()};

    template <class Work>
    void run(Work work) {
        std::exception_ptr thrown;
        auto const ended = [&](std::exception_ptr e) { thrown = e; };
        asio::co_spawn(io, std::move(work), ended);
        time.run();
        if (thrown) std::rethrow_exception(thrown);
    }
};

TEST_F(docs_fallback, three_alternatives) {
    //! [alternatives]
    coffer::budget const team{db, {.scope = "team/search", .limit = 25_usd, .window = coffer::daily}};
    coffer::retry const briefly{{.attempts = 2, .hint_ceiling = 5s, .attempt_timeout = 60s}};

    coffer::guarded<llm::reply(llm::request const&)> const ask =
        coffer::pipeline{coffer::once{db, {.max_sends = 2}}}.wrap(coffer::fallback{
            coffer::pipeline{briefly, team}.wrap(openai.chat),  // the model that the request names
            coffer::pipeline{briefly, team}.wrap(llm::with_model(openai.chat, "gpt-4o-mini")),
            coffer::pipeline{coffer::retry{}}.wrap(llm::with_model(groq.chat, "llama-3.3-70b-versatile")),
        });
    //! [alternatives]
    wire.answer(response{429, R"({"error":{"message":"slow down","code":"rate_limit_exceeded"}})"})
        .answer(response{429, R"({"error":{"message":"slow down","code":"rate_limit_exceeded"}})"})
        .answer(says("from the cheaper one"));
    std::string text;
    std::string who;
    run([&]() -> coffer::awaitable<void> {
        auto const request = llm::request{"gpt-4o"}.user("why?").max_output_tokens(100);
        //! [who]
        coffer::call call{coffer::key{"report", "why"}, 5min};
        llm::reply const reply = co_await ask(call, request);
        if (auto const answered = call.answered_by()) who = answered->provider + "/" + answered->model;
        std::cout << call.log();  // every attempt, with its target
        //! [who]
        text = reply.text;
    });
    EXPECT_EQ(text, "from the cheaper one");
    EXPECT_EQ(who, "openai/gpt-4o-mini");
    ASSERT_EQ(wire.sent().size(), 3U);
    EXPECT_NE(wire.sent()[2].body->find("gpt-4o-mini"), std::string::npos);
}

TEST_F(docs_fallback, a_rule_of_ones_own) {
    auto const first = coffer::pipeline{}.wrap(openai.chat);
    auto const second = coffer::pipeline{}.wrap(groq.chat);
    //! [rule]
    auto const also_when_refused = [](coffer::fault const& why, int /* of the alternative number */) {
        return why.kind() == coffer::fault_kind::content_policy || coffer::may_try_another(why.kind());
    };
    auto const alternatives = coffer::fallback{first, second}.when(also_when_refused);
    //! [rule]
    wire
        .answer(response{
            400, R"({"error":{"message":"no","code":"content_policy_violation","type":"invalid_request_error"}})"})
        .answer(says("gladly"));
    std::string text;
    run([&]() -> coffer::awaitable<void> {
        auto const ask = coffer::pipeline{}.wrap(alternatives);
        auto call = coffer::call::unkeyed();
        auto const request = llm::request{"gpt-4o"}.user("why?");
        auto const reply = co_await ask.try_call(call, request);
        text = reply ? reply->text : std::string{to_string(reply.error().kind())};
    });
    EXPECT_EQ(text, "gladly");
}

TEST_F(docs_fallback, as_many_as_the_configuration_says) {
    //! [configured]
    using chat = coffer::guarded<llm::reply(llm::request const&)>;
    auto const alternatives_of = [&](std::vector<std::string> const& models) {
        std::vector<chat> all;
        for (auto const& model : models)
            all.push_back(coffer::pipeline{coffer::retry{}}.wrap(llm::with_model(openai.chat, model)));
        return coffer::fallback{std::move(all)};  // at least one
    };
    chat const ask = coffer::pipeline{coffer::once{db}}.wrap(alternatives_of({"gpt-4o", "gpt-4o-mini"}));
    //! [configured]
    wire.answer(response{401, R"({"error":{"message":"who are you?"}})"}).answer(says("hello"));
    std::string text;
    run([&]() -> coffer::awaitable<void> {
        coffer::call call{coffer::key{"report", "why"}};
        auto const request = llm::request{"any"}.user("why?");
        auto const reply = co_await ask.try_call(call, request);
        text = reply ? reply->text : std::string{to_string(reply.error().kind())};
    });
    EXPECT_EQ(text, "hello");
}

}  // namespace
}  // namespace fallback_page
