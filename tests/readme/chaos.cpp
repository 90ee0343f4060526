// SPDX-License-Identifier: BSL-1.0
// The snippets of docs/chaos.md, in tests that run them.

#include <coffer/coffer.hpp>
#include <coffer/store/memory.hpp>
#include <coffer/testing/chaos.hpp>
#include <coffer/testing/scripted_operation.hpp>
#include <coffer/testing/virtual_time.hpp>

#include <gtest/gtest.h>

#include <asio/io_context.hpp>

#include <chrono>
#include <cstdint>
#include <exception>
#include <map>
#include <memory>
#include <sstream>
#include <string>
#include <utility>

using namespace std::chrono_literals;

namespace chaos_page {
namespace {

/// Stands for the reader's own client, with a count of what it was billed for.
struct my_chat {
    coffer::awaitable<coffer::outcome<coffer::answer>> operator()(coffer::attempt&, std::string const& question) const {
        ++*bills;
        (void)co_await coffer::sleep_for(2s);
        co_return coffer::answer{"an answer to " + question, 200};
    }
    [[nodiscard]] coffer::outcome<std::string> decode(coffer::answer const& a) const {
        if (!a.body.starts_with("an answer")) return coffer::failed(coffer::fault_kind::defective_answer);
        return a.body;
    }
    [[nodiscard]] coffer::fingerprint fingerprint(std::string const& q) const {
        return coffer::fingerprint{}.with("question", q);
    }
    std::shared_ptr<int> bills = std::make_shared<int>(0);
};

struct docs_chaos : testing::Test {
    my_chat chat;
};

TEST_F(docs_chaos, one_bill_for_each_key) {
    std::string const question = "why?";
    int answered = 0, injected = 0;
    //! [proof]
    using namespace coffer::testing;
    for (std::uint64_t seed = 1; seed <= 200; ++seed) {
        asio::io_context io;
        virtual_time time{io, seed};  // one seed is one run
        chaos const weather{chaos_plan{}
                                .sometimes(0.3, injection::loses_reply())
                                .sometimes(0.2, injection::hangs())
                                .sometimes(0.1, injection::fails(coffer::fault_kind::overloaded))
                                .slows(0.5, 100ms, 30s)};
        coffer::memory_store db;
        my_chat const provider;  // counts its bills
        auto const ask =
            coffer::pipeline{coffer::once{db, {.max_sends = 2}}, coffer::retry{}, coffer::circuit_breaker{}}.wrap(
                weather.wrap(provider));

        auto const job = [&]() -> coffer::awaitable<void> {
            for (int run = 0; run < 21; ++run) {
                auto call = coffer::call{coffer::key{"report", 17}, 5min};
                auto const answer = co_await ask.try_call(call, question);
                if (answer) ++answered;
            }
        };
        asio::co_spawn(io, job, asio::detached);
        time.run();
        EXPECT_LE(*provider.bills, 2) << "seed " << seed;
        injected += weather.injected();
    }
    EXPECT_GT(injected, 200) << "good weather proves nothing";
    EXPECT_GT(answered, 200) << "refusing everything would keep the promise, too";
    //! [proof]
}

TEST_F(docs_chaos, a_plan) {
    asio::io_context io;
    coffer::testing::virtual_time time{io};
    //! [plan]
    using coffer::testing::injection;
    coffer::testing::chaos_plan plan;
    plan.then(injection::fails(coffer::fault{coffer::fault_kind::throttled}.with_retry_after(20s)), 2)  // the first two
        .then(injection::loses_reply().after(3s))  // the third
        .sometimes(0.05, injection::hangs())  // of the others
        .sometimes(0.05, injection::spoils_answer([](coffer::answer& a) { a.body.resize(a.body.size() / 2); }))
        .slows(0.2, 100ms, 5s);  // any of them

    coffer::testing::chaos const weather{plan};
    auto const ask = coffer::pipeline{coffer::retry{}}.wrap(weather.wrap(chat));
    //! [plan]
    std::ostringstream log;
    //! [watch]
    auto const watched = coffer::pipeline{coffer::retry{}}
                             .observe([&log](coffer::event const& e) {
                                 if (e.kind == coffer::event_kind::injected) log << "chaos: " << e.reason << '\n';
                             })
                             .wrap(weather.wrap(chat));
    //! [watch]
    std::string answer;
    auto const work = [&]() -> coffer::awaitable<void> {
        std::string const question = "why?";
        auto call = coffer::call::unkeyed();
        answer = co_await watched(call, question);
        EXPECT_EQ(call.log().size(), 4U);
        //! [switch]
        weather.off();  // sends go through
        weather.play(coffer::testing::chaos_plan{});  // another plan, from its beginning
        weather.on();
        //! [switch]
        auto other = coffer::call::unkeyed();
        (void)co_await ask(other, question);
    };
    asio::co_spawn(io, work, asio::detached);
    time.run();
    EXPECT_EQ(answer, "an answer to why?");
    EXPECT_NE(log.str().find("chaos: fault\n"), std::string::npos);
    EXPECT_NE(log.str().find("chaos: lost_reply\n"), std::string::npos);
    EXPECT_EQ(weather.injected(coffer::testing::chaos_effect::fault), 2);
}

TEST_F(docs_chaos, in_a_pipeline) {
    asio::io_context io;
    coffer::testing::virtual_time time{io};
    coffer::memory_store db;
    //! [layer]
    coffer::testing::chaos const network{coffer::testing::chaos_plan{}.then(coffer::testing::injection::loses_reply())};
    auto const ask = coffer::pipeline{network, coffer::once{db}, coffer::retry{}}.wrap(chat);
    //! [layer]
    auto const work = [&]() -> coffer::awaitable<void> {
        std::string const question = "why?";
        auto call = coffer::call{coffer::key{"report", 17}};
        auto const first = co_await ask.try_call(call, question);
        EXPECT_FALSE(first);
        auto const second = co_await ask.try_call(call, question);
        EXPECT_TRUE(second);
    };
    asio::co_spawn(io, work, asio::detached);
    time.run();
    EXPECT_EQ(*chat.bills, 1);
}

}  // namespace
}  // namespace chaos_page
