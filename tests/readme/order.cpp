// SPDX-License-Identifier: BSL-1.0
// The snippet of docs/order.md, in a test that runs it.

#include <coffer/coffer.hpp>
#include <coffer/store/memory.hpp>
#include <coffer/testing/scripted_operation.hpp>
#include <coffer/testing/virtual_time.hpp>

#include <gtest/gtest.h>

#include <asio/io_context.hpp>

#include <exception>
#include <sstream>
#include <string>

using namespace std::chrono_literals;
using namespace coffer::literals;

namespace order_page {
namespace {

using provider = coffer::testing::scripted_operation<std::string>;

auto described(provider const& p, std::string name) {
    return coffer::describe([p](coffer::attempt& a, std::string const&) { return p(a); })
        .name(name)
        .target([name](std::string const&) { return coffer::target{name, "a model"}; })
        .fingerprint([](std::string const& prompt) { return coffer::fingerprint{}.with("prompt", prompt); })
        .estimate([](std::string const&) {
            return coffer::estimate{.input_tokens = 100, .output_tokens = 200, .cost = 0.01_usd};
        });
}

TEST(docs_order, the_whole_stack) {
    asio::io_context io;
    coffer::testing::virtual_time time{io};
    provider dear, cheap;
    dear.fails(coffer::fault_kind::overloaded).times(0);
    cheap.fails(coffer::fault_kind::throttled).gives("an answer");
    auto const dear_chat = described(dear, "dear");
    auto const cheap_chat = described(cheap, "cheap");
    coffer::memory_store const db;
    //! [stack]
    coffer::retry_quota const dear_quota, cheap_quota;           // what a process may retry, by provider
    coffer::circuit_breaker const dear_health, cheap_health;     // one for each
    coffer::rate_limit const dear_pace{{.requests_per_minute = 500, .tokens_per_minute = 200'000}};
    coffer::rate_limit const cheap_pace{{.requests_per_minute = 500}};
    coffer::budget const team{db, {.scope = "team/search", .limit = 25_usd, .window = coffer::daily}};

    auto const ask =
        coffer::pipeline{
            coffer::once{db, {.max_sends = 2}},
        }
            .wrap(coffer::fallback{
                coffer::pipeline{coffer::retry{{}, dear_quota}, dear_health, dear_pace, team}.wrap(dear_chat),
                coffer::pipeline{coffer::retry{{}, cheap_quota}, cheap_health, cheap_pace, team}.wrap(cheap_chat),
            });
    //! [stack]
    std::ostringstream printed;
    auto& out = printed;
    //! [print]
    out << ask << '\n';
    //! [print]
    EXPECT_EQ(printed.str(), R"(once(store in memory, max_sends 2)
fallback
  1: retry(4 attempts)
     circuit_breaker(closed)
     rate_limit(500 requests/min, 200000 tokens/min)
     budget(team/search $25.00 daily)
     -> dear
  2: retry(4 attempts)
     circuit_breaker(closed)
     rate_limit(500 requests/min)
     budget(team/search $25.00 daily)
     -> cheap
)");
    std::string answer;
    int replays = 0;
    auto const work = [&]() -> coffer::awaitable<void> {
        std::string const prompt = "why?";
        for (int i = 0; i < 2; ++i) {
            coffer::call call{coffer::key{"docs", "order"}, 10min};
            answer = co_await ask(call, prompt);
            if (call.origin() == coffer::answer_origin::replayed) ++replays;
            EXPECT_EQ(call.answered_by().value().provider, "cheap");
        }
    };
    std::exception_ptr thrown;
    asio::co_spawn(io, work, [&](std::exception_ptr e) { thrown = e; });
    time.run();
    if (thrown) std::rethrow_exception(thrown);
    EXPECT_EQ(answer, "an answer");
    EXPECT_EQ(dear.sends(), 4);
    EXPECT_EQ(cheap.sends(), 2);
    EXPECT_EQ(replays, 1);
}

}  // namespace
}  // namespace order_page
