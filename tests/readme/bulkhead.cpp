// SPDX-License-Identifier: BSL-1.0
// The snippets of docs/bulkhead.md, in tests that run them.

#include <coffer/coffer.hpp>
#include <coffer/testing/virtual_time.hpp>

#include <gtest/gtest.h>

#include <asio/io_context.hpp>

#include <chrono>
#include <exception>
#include <sstream>
#include <string>
#include <utility>
#include <vector>

using namespace std::chrono_literals;

namespace bulkhead_page {
namespace {

/// A server that answers in ten seconds, and says no to more than eight at once.
struct small_server {
    int* under_way;
    std::vector<std::string>* asked;
    coffer::awaitable<coffer::outcome<std::string>> operator()(std::string const& question) const {
        return answer(*under_way, *asked, question);
    }
    static coffer::awaitable<coffer::outcome<std::string>> answer(int& under_way, std::vector<std::string>& asked,
                                                                  std::string question) {
        if (under_way == 8) co_return coffer::failed(coffer::fault_kind::overloaded);
        ++under_way;
        asked.push_back(question);
        (void)co_await coffer::sleep_for(10s);
        --under_way;
        co_return "an answer to " + question;
    }
};

struct docs_bulkhead : testing::Test {
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
    int under_way = 0;
    std::vector<std::string> asked;
    small_server chat{&under_way, &asked};
};

TEST_F(docs_bulkhead, so_many_at_a_time) {
    //! [limit]
    coffer::bulkhead const places{{.limit = 20, .max_waiting = 200, .max_wait = 30s}};

    auto const ask =
        coffer::pipeline{
            coffer::retry{},
            coffer::circuit_breaker{},
            places,
            coffer::rate_limit{{.requests_per_minute = 500}},
        }
            .wrap(chat);
    //! [limit]
    std::string answer;
    auto const work = [&]() -> coffer::awaitable<void> {
        auto call = coffer::call::unkeyed();
        std::string const question = "why?";
        answer = co_await ask(call, question);
    };
    run(work);
    EXPECT_EQ(answer, "an answer to why?");
    EXPECT_EQ(places.in_flight(), 0);
}

TEST_F(docs_bulkhead, the_more_important_first) {
    //! [priority]
    auto const ask =
        coffer::pipeline{
            coffer::bulkhead{{.limit = 1, .priority_by = "priority"}},
        }
            .wrap(chat);

    auto chat_call = coffer::call::unkeyed().tag("priority", "10");
    auto batch_call = coffer::call::unkeyed();  // 0
    //! [priority]
    auto const work = [&](coffer::call& call, std::string name) -> coffer::awaitable<void> {
        (void)co_await ask.try_call(call, name);
    };
    auto first = coffer::call::unkeyed();
    asio::co_spawn(io, work(first, "first"), asio::detached);
    asio::co_spawn(io, work(batch_call, "batch"), asio::detached);
    asio::co_spawn(io, work(chat_call, "chat"), asio::detached);
    time.run();
    EXPECT_EQ(asked, (std::vector<std::string>{"first", "chat", "batch"}));
}

TEST_F(docs_bulkhead, a_function_says_how_important_a_call_is) {
    //! [function]
    coffer::bulkhead const places{{.limit = 1, .ages_after = 1min}, [](coffer::call const& c) {
                                      return c.keyed() && c.key().name_space() == "chat" ? 1 : 0;
                                  }};
    //! [function]
    auto const ask = coffer::pipeline{places}.wrap(chat);
    auto const work = [&](coffer::call call, std::string name) -> coffer::awaitable<void> {
        (void)co_await ask.try_call(call, name);
    };
    asio::co_spawn(io, work(coffer::call::unkeyed(), "first"), asio::detached);
    asio::co_spawn(io, work(coffer::call{coffer::key{"batch", 1}}, "batch"), asio::detached);
    asio::co_spawn(io, work(coffer::call{coffer::key{"chat", 1}}, "chat"), asio::detached);
    time.run();
    EXPECT_EQ(asked, (std::vector<std::string>{"first", "chat", "batch"}));
}

TEST_F(docs_bulkhead, the_limit_is_found_out) {
    //! [adaptive]
    coffer::bulkhead const places{{.limit = 4, .rule = coffer::limit_rule::aimd, .least = 2, .most = 50}};
    auto const ask = coffer::pipeline{coffer::retry{}, places}.wrap(chat);
    //! [adaptive]
    auto const work = [&]() -> coffer::awaitable<void> {
        for (int i = 0; i < 40; ++i) {
            auto call = coffer::call::unkeyed(24h);
            std::string const question = "why?";
            (void)co_await ask.try_call(call, question);
        }
    };
    for (int i = 0; i < 30; ++i) asio::co_spawn(io, work, asio::detached);
    time.run_for(20min);
    EXPECT_GE(places.limit(), 5);
    EXPECT_LE(places.limit(), 9) << "the server takes eight";
    std::ostringstream log;
    //! [watch]
    log << places.in_flight() << " of " << places.limit() << " under way, " << places.waiting() << " wait\n";
    places.set_limit(2);  // by hand: the provider asks for mercy; what is under way goes on
    //! [watch]
    EXPECT_EQ(places.limit(), 2);
    time.run();
    EXPECT_EQ(places.in_flight(), 0);
}

TEST_F(docs_bulkhead, whoever_is_turned_away_may_ask_somebody_else) {
    auto const ask = coffer::pipeline{coffer::bulkhead{{.limit = 1, .max_waiting = 0}}}.wrap(chat);
    std::ostringstream log;
    auto const hold = [&]() -> coffer::awaitable<void> {
        auto call = coffer::call::unkeyed();
        std::string const question = "first";
        (void)co_await ask.try_call(call, question);
    };
    asio::co_spawn(io, hold, asio::detached);
    auto const work = [&]() -> coffer::awaitable<void> {
        auto call = coffer::call::unkeyed();
        std::string const question = "second";
        //! [refused]
        auto const reply = co_await ask.try_call(call, question);
        if (!reply && reply.error().kind() == coffer::fault_kind::queue_full)
            log << reply.error() << '\n';  // queue_full, code no_place: bulkhead: as many attempts are under way as ...
        //! [refused]
    };
    run(work);
    EXPECT_EQ(
        log.str(),
        "queue_full, code no_place: bulkhead: as many attempts are under way as may be (limit), and none may wait "
        "(executed no, billed no)\n");
}

}  // namespace
}  // namespace bulkhead_page
