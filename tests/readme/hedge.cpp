// SPDX-License-Identifier: BSL-1.0
// The snippets of docs/hedge.md, in tests that run them.

#include <coffer/coffer.hpp>
#include <coffer/store/memory.hpp>
#include <coffer/testing/scripted_operation.hpp>
#include <coffer/testing/virtual_time.hpp>

#include <gtest/gtest.h>

#include <asio/io_context.hpp>

#include <exception>
#include <iostream>
#include <memory>
#include <sstream>
#include <string>
#include <utility>

using namespace std::chrono_literals;
using namespace coffer::literals;

namespace hedge_page {
namespace {

using provider = coffer::testing::scripted_operation<std::string>;

auto described(provider const& p, std::string name) {
    return coffer::describe([p](coffer::attempt& a, std::string const&) { return p(a); })
        .target([name](std::string const&) { return coffer::target{name, "a model"}; })
        .fingerprint([](std::string const& prompt) { return coffer::fingerprint{}.with("prompt", prompt); })
        .estimate([](std::string const&) { return coffer::estimate{.cost = 0.01_usd}; });
}

struct docs_hedge : testing::Test {
    asio::io_context io;
    coffer::testing::virtual_time time{io};
    coffer::memory_store db;
    provider first, second;
    std::ostringstream log;

    template <class Ask>
    std::string run(Ask ask) {
        std::string said;
        std::exception_ptr thrown;
        auto const work = [&]() -> coffer::awaitable<void> {
            coffer::call call{coffer::key{"report", "why"}};
            std::string const prompt = "why?";
            auto const answer = co_await ask.try_call(call, prompt);
            said = answer ? *answer : std::string{to_string(answer.error().kind())};
        };
        auto const ended = [&](std::exception_ptr e) { thrown = e; };
        asio::co_spawn(io, work, ended);
        time.run();
        if (thrown) std::rethrow_exception(thrown);
        return said;
    }
};

TEST_F(docs_hedge, two_providers_under_one_journal) {
    auto const openai = described(first, "openai");
    auto const groq = described(second, "groq");
    //! [pipelines]
    coffer::retry_quota const extra;  // what retries and hedges may send in all
    coffer::rate_limit const groq_pace{{.requests_per_minute = 500}};
    coffer::budget const team{db, {.scope = "team/search", .limit = 25_usd, .window = coffer::daily}};

    auto const primary = coffer::pipeline{coffer::retry{{}, extra}, team}.wrap(openai);
    auto const backup = coffer::pipeline{groq_pace, team}.wrap(groq);
    auto const ask =
        coffer::pipeline{coffer::once{db, {.max_sends = 2}}}.wrap(coffer::hedge{primary, backup}.with(extra));
    //! [pipelines]
    first.gives("slow").after(90s).costing(0.01_usd);
    second.gives("quick").after(2s).costing(0.01_usd);
    auto const began = time.now();
    EXPECT_EQ(run(ask), "quick");
    EXPECT_EQ(time.now() - began, 90s) << "by then the other one has been brought home";
    EXPECT_EQ(first.bills() + second.bills(), 2);
    EXPECT_EQ(extra.look(time.now()).taken, 1U);
    EXPECT_EQ(run(ask), "quick");
    EXPECT_EQ(first.sends() + second.sends(), 2) << "replayed";
}

TEST_F(docs_hedge, with_options_and_watched) {
    auto const chat = described(first, "openai");
    //! [options]
    coffer::hedge const twice =
        coffer::hedge{{.delay = 15s, .percentile = 99, .least_delay = 2s, .ratio = 0.02, .burst = 3},
                      coffer::pipeline{coffer::retry{}}.wrap(chat)}
            .observe([this](coffer::event const& e) {
                log << to_string(e.kind) << " after " << e.delay / 1s << " s " << e.reason << '\n';
            });
    auto const ask = coffer::pipeline{}.wrap(twice);
    //! [options]
    first.gives("slow").after(90s).gives("quick").after(1s);
    EXPECT_EQ(run(ask), "quick");
    EXPECT_EQ(log.str(), "hedged after 15 s \n");
    //! [look]
    coffer::hedge_snapshot const now = twice.look(time.now());
    std::cout << now.hedges << " of " << now.calls << " calls hedged, " << now.wins << " of them quicker; now after "
              << now.delay / 1ms << " ms\n";
    //! [look]
    EXPECT_EQ(now.hedges, 1U);
    EXPECT_EQ(now.wins, 1U);
}

}  // namespace
}  // namespace hedge_page
