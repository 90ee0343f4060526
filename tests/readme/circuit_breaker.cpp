// SPDX-License-Identifier: BSL-1.0
// The snippets of docs/circuit_breaker.md, in tests that run them.

#include <coffer/coffer.hpp>
#include <coffer/testing/scripted_operation.hpp>
#include <coffer/testing/virtual_time.hpp>

#include <gtest/gtest.h>

#include <asio/io_context.hpp>

#include <sstream>
#include <string>

using namespace std::chrono_literals;

namespace circuit_breaker_page {
namespace {

using provider = coffer::testing::scripted_operation<std::string>;

struct docs_circuit_breaker : testing::Test {
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
};

TEST_F(docs_circuit_breaker, one_for_each_provider) {
    provider first;
    first.fails(coffer::fault_kind::overloaded).times(0);
    provider second;
    second.gives("an answer").times(0);
    auto const at = [](provider const& p, std::string name) {
        return coffer::describe([p](coffer::attempt& a) { return p(a); }).target([name] {
            return coffer::target{name, "a model"};
        });
    };
    auto const openai = at(first, "openai");
    auto const anthropic = at(second, "anthropic");
    //! [pipelines]
    coffer::circuit_breaker const openai_health;
    coffer::circuit_breaker const anthropic_health{{.in_a_row = 5, .probes = 1}};

    auto const ask =
        coffer::pipeline{}.wrap(coffer::fallback{coffer::pipeline{coffer::retry{}, openai_health}.wrap(openai),
                                                 coffer::pipeline{coffer::retry{}, anthropic_health}.wrap(anthropic)});
    //! [pipelines]
    auto const work = [&]() -> coffer::awaitable<void> {
        for (int i = 0; i < 100; ++i) {
            auto call = coffer::call::unkeyed();
            auto const answer = co_await ask(call);
            EXPECT_EQ(answer, "an answer");
        }
    };
    run(work);
    EXPECT_EQ(first.sends(), 10) << "then it was left alone";
    EXPECT_EQ(second.sends(), 100);
}

TEST_F(docs_circuit_breaker, what_a_refusal_says) {
    provider chat;
    chat.fails(coffer::fault{coffer::fault_kind::overloaded}.with_status(503)).times(0);
    coffer::circuit_breaker const health{{.in_a_row = 1}};
    auto const ask = coffer::pipeline{health}.wrap(chat);
    std::ostringstream log;
    std::chrono::seconds delay{};
    auto const work = [&]() -> coffer::awaitable<void> {
        auto call = coffer::call::unkeyed();
        (void)co_await ask.try_call(call);
        //! [refusal]
        auto const answer = co_await ask.try_call(call);
        if (!answer && answer.error().kind() == coffer::fault_kind::circuit_open) {
            log << answer.error()
                << '\n';  // circuit_open, code open: the circuit is open: one failure, overloaded, ...
            auto const advice = coffer::disposition(answer.error());  // for a job's queue: 503, and when to come back
            delay = std::chrono::ceil<std::chrono::seconds>(*advice.delay);
        }
        //! [refusal]
    };
    run(work);
    EXPECT_NE(log.str().find("circuit_open, code open: the circuit is open: one failure, overloaded, status 503"),
              std::string::npos)
        << log.str();
    EXPECT_GE(delay, 5s);
    EXPECT_LE(delay, 10s);
}

TEST_F(docs_circuit_breaker, options_of_ones_own) {
    //! [options]
    coffer::circuit_breaker const strict{{
        .in_a_row = 5,
        .window = coffer::breaker_window::calls(50),  // or ::time(5min), or ::none()
        .minimum = 20,
        .failure_ratio = 0.3,
        .slow_after = 90s,  // a success that took longer is slow
        .slow_ratio = 0.8,
        .probes = 2,
        .breaks = {.first = 30s, .longest = 10min},
    }};
    //! [options]
    provider chat;
    chat.gives("slow").after(91s).times(0);
    auto const ask = coffer::pipeline{strict}.wrap(chat);
    auto const work = [&]() -> coffer::awaitable<void> {
        for (int i = 0; i < 21; ++i) {
            auto call = coffer::call::unkeyed();
            (void)co_await ask.try_call(call);
        }
    };
    run(work);
    EXPECT_EQ(chat.sends(), 20);
}

TEST_F(docs_circuit_breaker, seen_and_moved_by_hand) {
    provider chat;
    chat.gives("hello").times(0);
    std::ostringstream log;
    coffer::circuit_breaker const health;
    //! [watch]
    auto const ask = coffer::pipeline{health}
                         .observe([&log](coffer::event const& e) {
                             if (e.kind == coffer::event_kind::circuit_opened)
                                 log << "left alone for " << e.delay / 1s << " s: " << e.reason << '\n';
                         })
                         .wrap(chat);
    //! [watch]
    //! [change]
    auto options = health.options();
    options.in_a_row = 20;
    health.change(options);
    //! [change]
    EXPECT_EQ(health.options().in_a_row, 20);
    auto const work = [&]() -> coffer::awaitable<void> {
        //! [by_hand]
        health.isolate("maintenance at the provider until noon");  // every attempt is refused, with these words
        coffer::circuit_status const now = health.status();
        log << to_string(now.state) << ", " << now.why << '\n';
        health.close();  // attempts go through again; health.reset() also forgets how long breaks have grown
        //! [by_hand]
        auto call = coffer::call::unkeyed();
        auto const answer = co_await ask(call);
        EXPECT_EQ(answer, "hello");
    };
    run(work);
    EXPECT_NE(log.str().find("isolated, the circuit was isolated by hand: maintenance"), std::string::npos);
}

}  // namespace
}  // namespace circuit_breaker_page
