// SPDX-License-Identifier: BSL-1.0
// Two sends of one key in a file: both permits, both answers and the money of both are in it, whoever has won; and a process
// that is killed between the two answers leaves what the next one needs.

#include <coffer/call/guarded.hpp>
#include <coffer/call/pipeline.hpp>
#include <coffer/policy/budget.hpp>
#include <coffer/policy/hedge.hpp>
#include <coffer/policy/once.hpp>

#include "store/child_process.hpp"
#include "store/sqlite_world.hpp"

#include <gtest/gtest.h>

#include <asio/io_context.hpp>

#include <signal.h>
#include <unistd.h>

#include <chrono>
#include <filesystem>
#include <functional>
#include <string>
#include <thread>
#include <utility>

namespace store_test::sqlite_hedge_test {
namespace {

namespace sqlite = coffer::sqlite;
using namespace coffer::literals;
using namespace std::chrono_literals;

struct question {
    explicit question(std::string t) : text{std::move(t)} {}
    std::string text;
};
using guarded = coffer::guarded<std::string(question const&)>;

int sends = 0;

/// A provider that takes its time.
struct provider {
    provider(std::string n, coffer::duration d, coffer::money c) : name{std::move(n)}, takes{d}, cost{c} {}
    std::string name;
    coffer::duration takes;
    coffer::money cost;

    coffer::awaitable<coffer::outcome<coffer::answer>> operator()(coffer::attempt& a, question const& q) const {
        ++sends;
        co_await coffer::sleep_for(takes);
        a.report_cost(cost);
        co_return coffer::answer{name + " answers " + q.text, 200};
    }
    [[nodiscard]] coffer::target target(question const&) const { return {name, "m"}; }
    [[nodiscard]] coffer::fingerprint fingerprint(question const& q) const {
        return coffer::fingerprint{}.with("text", q.text);
    }
    [[nodiscard]] coffer::estimate estimate(question const&) const {
        coffer::estimate e;
        e.cost = cost;
        return e;
    }
    [[nodiscard]] coffer::outcome<std::string> decode(coffer::answer const& a) const { return a.body; }
};

/// Asks in real time until nothing is under way any more: the answer, or the fault's kind.
std::string run(std::filesystem::path const& file, provider first, provider second, int max_sends = 2,
                std::function<void()> const& answered = {}) {
    asio::io_context io;
    sqlite::store const db{file};
    coffer::budget const within{db, {.scope = "team", .limit = 10_usd}};
    guarded const ask = coffer::pipeline{coffer::once{db, {.max_sends = max_sends}}}.wrap(coffer::hedge{
        {.delay = 20ms, .percentile = 0},
        coffer::pipeline{within}.wrap(std::move(first)),
        coffer::pipeline{within}.wrap(std::move(second)),
    });
    std::string said = "nothing";
    auto const body = [&]() -> coffer::awaitable<void> {
        coffer::call call{coffer::key{"report", 1}};
        question const q{"why"};
        auto const reply = co_await ask.try_call(call, q);
        said = reply ? *reply : std::string{to_string(reply.error().kind())};
        if (answered) answered();
    };
    asio::co_spawn(io, body, asio::detached);
    io.run();
    return said;
}

TEST(sqlite_hedge, both_sends_are_in_the_file_and_both_are_paid_for) {
    temporary_directory const dir;
    auto const file = dir / "coffer.db";
    sends = 0;
    EXPECT_EQ(run(file, {"acme", 400ms, 0.60_usd}, {"zeta", 1ms, 0.05_usd}), "zeta answers why");
    EXPECT_EQ(sends, 2);
    {
        intruder look{file};
        EXPECT_EQ(look.text("SELECT group_concat(provider || ' ' || state, ', ') FROM "
                            "(SELECT provider, state FROM sends ORDER BY number)"),
                  "acme answered, zeta accepted");
        EXPECT_EQ(look.number("SELECT settled FROM ledger_accounts"), (0.65_usd).nano());
        EXPECT_EQ(look.number("SELECT count(*) FROM ledger_entries WHERE state='settled'"), 2);
    }
    EXPECT_EQ(run(file, {"acme", 1ms, 0.60_usd}, {"zeta", 1ms, 0.05_usd}), "zeta answers why");
    EXPECT_EQ(sends, 2) << "replayed";
}

TEST(sqlite_hedge, one_send_is_never_hedged) {
    temporary_directory const dir;
    sends = 0;
    EXPECT_EQ(run(dir / "coffer.db", {"acme", 100ms, 0.60_usd}, {"zeta", 1ms, 0.05_usd}, 1), "acme answers why");
    EXPECT_EQ(sends, 1);
}

register_role const hedger{"is answered by the second one and dies before the first one has answered",
                           [](child_arguments const& a) {
                               (void)run(a.at(0), {"acme", 1h, 0.60_usd}, {"zeta", 1ms, 0.05_usd}, 2, [&] {
                                   tell("answered");
                                   ::pause();
                               });
                               return 0;
                           }};

TEST(sqlite_hedge, who_dies_with_a_loser_under_way_has_the_answer_and_its_money_is_presumed_spent) {
    temporary_directory const dir;
    auto const file = dir / "coffer.db";
    {
        child other{"is answered by the second one and dies before the first one has answered", {file.string()}};
        ASSERT_EQ(other.listen(), "answered");
        other.kill(SIGKILL);
        EXPECT_EQ(other.wait(), -SIGKILL);
    }
    sends = 0;
    EXPECT_EQ(run(file, {"acme", 1ms, 0.60_usd}, {"zeta", 1ms, 0.05_usd}), "zeta answers why");
    EXPECT_EQ(sends, 0);
    intruder look{file};
    EXPECT_EQ(look.text("SELECT group_concat(provider || ' ' || state, ', ') FROM "
                        "(SELECT provider, state FROM sends ORDER BY number)"),
              "acme permitted, zeta accepted");
    EXPECT_EQ(look.number("SELECT settled + held FROM ledger_accounts"), (0.65_usd).nano()) << "nothing of it is free";
}

}  // namespace
}  // namespace store_test::sqlite_hedge_test
