// SPDX-License-Identifier: BSL-1.0
// Ten minutes of ambiguous errors in the middle of a day: what they may cost, and how an operator gets the day back.

#include <coffer/coffer.hpp>
#include <coffer/store/sqlite.hpp>

#include "policy/support/priced.hpp"
#include "store/sqlite_world.hpp"
#include "support/simulation.hpp"
#include "tools/coffer/run_command.hpp"

#include <gtest/gtest.h>

#include <memory>
#include <string>

namespace brown_out_test {
namespace {

using namespace command_tests;
using namespace coffer::literals;
using namespace std::chrono_literals;
using support::priced_end;

/// A day of calls, one every ten seconds, against a budget of $25: each may cost $0.04 and costs $0.01. Of an ambiguous
/// error the provider has billed nothing, but nobody can know.
struct a_day : testing::Test {
    a_day() {
        provider.bound(0.04_usd);
        provider.otherwise([this] {
            if (!brown_out) return priced_end{.charged = 0.01_usd, .after = 100ms};
            return priced_end{.charged = 0_usd, .told = false, .why = coffer::fault{coffer::fault_kind::ambiguous}};
        });
    }

    /// Calls from now on, for so long. How many were answered.
    int calls_for(coffer::duration d) {
        coffer::sqlite::store const db{file};
        auto const ask =
            coffer::pipeline{
                coffer::once{db},
                coffer::retry{},
                coffer::budget{db, {.scope = "team", .limit = 25_usd, .window = coffer::daily}},
            }
                .wrap(provider.operation());
        int answered = 0;
        auto const until = sim.time.now() + d;
        sim.run(one_after_another(ask, until, answered));
        return answered;
    }
    template <class Ask>
    coffer::awaitable<void> one_after_another(Ask ask, coffer::time_point until, int& answered) {
        while (sim.time.now() < until) {
            auto const next = sim.time.now() + 10s;
            coffer::call call{coffer::key{"day", ++number}};
            support::request const request{"question " + std::to_string(number)};
            auto const reply = co_await ask.try_call(call, request);
            if (reply) ++answered;
            co_await coffer::sleep_until(next);
        }
    }
    coffer::account account() {
        coffer::sqlite::store const db{file};
        db.backend()->bind(sim.time.clock());
        return sim.run(sum(db.ledger()));
    }
    static coffer::awaitable<coffer::account> sum(coffer::ledger money) {
        coffer::account all;
        auto const accounts = co_await money.accounts("team");
        for (auto const& a : accounts) all += a.money_in;
        co_return all;
    }

    store_test::temporary_directory dir;
    std::string const file = (dir / "coffer.db").string();
    support::simulation sim;
    bool brown_out = false;
    support::priced_provider provider;
    int number = 0;
};

TEST_F(a_day, is_not_lost_to_a_brown_out_of_ten_minutes) {
    EXPECT_EQ(calls_for(60min), 360);
    brown_out = true;
    EXPECT_EQ(calls_for(10min), 0);
    brown_out = false;
    auto const after = account();
    EXPECT_LE(after.committed(), 25_usd);
    EXPECT_GT(after.presumed, 1_usd) << "every send of the brown-out counts in full";
    EXPECT_EQ(after.settled, provider.charged()) << "though none of them was billed";

    auto const shown = run("presumed " + file + " --unbilled");
    EXPECT_TRUE(shown.has("nothing was changed")) << shown.text;
    EXPECT_EQ(account().presumed, after.presumed);
    auto const given_back = run("presumed " + file + " --unbilled --yes");
    EXPECT_EQ(given_back.code, 0) << given_back.text;
    EXPECT_EQ(account(), (coffer::account{provider.charged(), 0_usd, 0_usd, 0_usd, 0}));

    // The keys that it has left without an answer are given one more send, by one command.
    auto const granted = run("resolve " + file + " --all-unresolved --grant --yes");
    EXPECT_EQ(granted.code, 0) << granted.text;
    number = 360;
    auto const again = calls_for(10min);
    EXPECT_EQ(again, 60) << "the brown-out's own questions, asked again";
    EXPECT_EQ(calls_for(5h), 1800) << "and the rest of the day";
    EXPECT_EQ(account().settled, provider.charged());
    EXPECT_LE(provider.charged(), 25_usd);
}

}  // namespace
}  // namespace brown_out_test
