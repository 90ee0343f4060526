// SPDX-License-Identifier: BSL-1.0
// The snippets of docs/rate_limit.md, in tests that run them.

#include <coffer/coffer.hpp>
#include <coffer/testing/virtual_time.hpp>

#include <gtest/gtest.h>

#include <asio/io_context.hpp>

#include <chrono>
#include <iostream>
#include <sstream>
#include <string>

using namespace std::chrono_literals;

namespace rate_limit_page {
namespace {

//! [operation]
/// An operation that says how many tokens a request may take, and afterwards how many it took.
struct my_chat {
    coffer::awaitable<std::string> operator()(coffer::attempt& a, std::string const& question) const {
        std::string answer = "an answer to " + question;  // brought by whatever you have
        coffer::usage used;
        used.input_fresh = 12;
        used.output = 150;
        a.report(used);
        coffer::rate_facts said;  // x-ratelimit-remaining-tokens: 42000
        said[coffer::rate_measure::tokens].remaining = 42'000;
        a.report_rate(said);
        co_return answer;
    }
    [[nodiscard]] coffer::estimate estimate(std::string const& question) const {
        coffer::estimate e;
        e.input_tokens = static_cast<std::int64_t>(question.size());
        e.output_tokens = 400;
        return e;
    }
};
//! [operation]

struct docs_rate_limit : testing::Test {
    template <class Work>
    void run(Work work) {
        std::exception_ptr thrown;
        auto const ended = [&](std::exception_ptr e) { thrown = e; };
        asio::co_spawn(io, std::move(work), ended);
        time.run();
        if (thrown) std::rethrow_exception(thrown);
    }
    asio::io_context io;
    coffer::testing::virtual_time time{io};
    my_chat chat;
};

TEST_F(docs_rate_limit, requests_and_tokens) {
    //! [limits]
    auto const ask =
        coffer::pipeline{
            coffer::retry{},
            coffer::rate_limit{{.requests_per_minute = 500, .tokens_per_minute = 200'000}},
        }
            .wrap(chat);
    //! [limits]
    std::string answer;
    auto const work = [&]() -> coffer::awaitable<void> {
        auto call = coffer::call::unkeyed();
        std::string const question = "why?";
        answer = co_await ask(call, question);
    };
    run(work);
    EXPECT_EQ(answer, "an answer to why?");
}

TEST_F(docs_rate_limit, whoever_would_wait_too_long_is_told_when_there_is_room) {
    std::ostringstream log;
    auto const ask = coffer::pipeline{coffer::rate_limit{{.tokens_per_minute = 500}}}.wrap(chat);
    auto const work = [&]() -> coffer::awaitable<void> {
        std::string const question = "why?";
        auto first = coffer::call::unkeyed();
        (void)co_await ask.try_call(first, question);
        //! [refused]
        auto call = coffer::call::unkeyed(5s);
        auto const reply = co_await ask.try_call(call, question);
        if (!reply && reply.error().kind() == coffer::fault_kind::queue_full)
            log << "room in " << reply.error().retry_after()->count() / 1'000'000'000 << " s\n";
        //! [refused]
    };
    run(work);
    EXPECT_EQ(log.str(), "room in 7 s\n") << "the first one has given back what it did not use";
}

TEST_F(docs_rate_limit, changed_while_calls_run) {
    //! [change]
    coffer::rate_limit const pace{{.requests_per_minute = 500, .tokens_per_minute = 200'000}};
    auto options = pace.options();
    options.requests_per_minute = 1000;  // the provider has raised it
    pace.change(options);
    //! [change]
    auto const ask = coffer::pipeline{pace}.wrap(chat);
    EXPECT_EQ(to_string(pace), "rate_limit(1000 requests/min, 200000 tokens/min)");
    int answered = 0;
    auto const work = [&]() -> coffer::awaitable<void> {
        auto call = coffer::call::unkeyed();
        std::string const question = "why?";
        if (co_await ask.try_call(call, question)) ++answered;
    };
    run(work);
    EXPECT_EQ(answered, 1);
}

TEST_F(docs_rate_limit, tenants) {
    //! [tenants]
    auto const fair = coffer::rate_limit{{.requests_per_minute = 60, .burst = 1s, .fair_by = "tenant"}};
    auto const ask = coffer::pipeline{fair}.wrap(chat);
    //! [tenants]
    int answered = 0;
    auto const work = [&](std::string tenant) -> coffer::awaitable<void> {
        auto call = coffer::call::unkeyed().tag("tenant", tenant);
        std::string const question = "why?";
        if (co_await ask.try_call(call, question)) ++answered;
    };
    for (auto const* const tenant : {"ann", "ann", "ann", "bob"}) asio::co_spawn(io, work(tenant), asio::detached);
    auto const start = time.now();
    time.run();
    EXPECT_EQ(answered, 4);
    EXPECT_EQ(time.now() - start, 3s);
}

}  // namespace
}  // namespace rate_limit_page
