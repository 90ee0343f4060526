// SPDX-License-Identifier: BSL-1.0
// The call's deadline, at every policy: who comes too late spends nothing, and who is in time is told how much of it is left.
#include <coffer/call/pipeline.hpp>
#include <coffer/policy/budget.hpp>
#include <coffer/policy/circuit_breaker.hpp>
#include <coffer/policy/fallback.hpp>
#include <coffer/policy/once.hpp>
#include <coffer/policy/rate_limit.hpp>
#include <coffer/policy/retry.hpp>
#include <coffer/policy/timeout.hpp>
#include <coffer/store/ledger_memory.hpp>
#include <coffer/store/memory.hpp>

#include "policy/support/foreign.hpp"
#include "support/scripted_gate.hpp"
#include "support/simulation.hpp"

#include <gtest/gtest.h>

#include <string>
#include <utility>
#include <vector>

namespace deadline_test {
namespace {

using namespace coffer;
using namespace coffer::literals;
using namespace std::chrono_literals;
using support::asks_foreign;
using support::foreign;
using support::manners;

/// A foreign operation with a price.
struct priced : foreign {
    explicit priced(foreign f) : foreign{std::move(f)} {}
    [[nodiscard]] coffer::estimate estimate(std::string const&) const {
        coffer::estimate e;
        e.input_tokens = 10;
        e.output_tokens = 10;
        e.cost = 0.10_usd;
        return e;
    }
};

class deadlines : public ::testing::Test {
protected:
    support::simulation sim;
    memory_store db;
    in_memory_ledger money;
    foreign op;
    std::string prompt = "hello";
    time_point begin = sim.time.now();

    outcome<std::string> ask(asks_foreign const& with, duration left, int id = 1) {
        call c{key{"test", id}, left};
        begin = sim.time.now();
        auto const r = sim.start(with.try_call(c, prompt));
        sim.time.run();
        return r.get();
    }

    /// Each policy alone, and all of them.
    std::vector<std::pair<std::string, asks_foreign>> everything() {
        priced const dear{op};
        circuit_breaker const health{{.in_a_row = 1}};
        rate_limit const pace{{.requests_per_minute = 1, .tokens_per_minute = 100}};
        budget const team{money, {.scope = "team", .limit = 0.10_usd}};
        asks_foreign const inside = pipeline{retry{}, timeout{1min}}.wrap(dear);
        std::vector<std::pair<std::string, asks_foreign>> all;
        all.emplace_back("nothing", pipeline{}.wrap(dear));
        all.emplace_back("retry", pipeline{retry{}}.wrap(dear));
        all.emplace_back("circuit_breaker", pipeline{health}.wrap(dear));
        all.emplace_back("rate_limit", pipeline{pace}.wrap(dear));
        all.emplace_back("budget", pipeline{team}.wrap(dear));
        all.emplace_back("timeout", pipeline{timeout{1min}}.wrap(dear));
        all.emplace_back("once", pipeline{once{db}}.wrap(dear));
        all.emplace_back("fallback", pipeline{}.wrap(fallback{pipeline{}.wrap(dear), pipeline{retry{}}.wrap(dear)}));
        all.emplace_back("guarded", pipeline{retry{}}.wrap(inside));
        all.emplace_back("all",
                         pipeline{once{db}, timeout{5min}, retry{}, timeout{1min}, health, pace, team}.wrap(dear));
        return all;
    }
};

TEST_F(deadlines, who_comes_too_late_fails_before_anything_is_spent) {
    money.backend()->bind(sim.service().clock());
    auto const all = everything();
    int id = 0;
    for (auto const late : {duration{0s}, duration{-1ns}, duration{-1h}})
        for (auto const& [name, wrapped] : all) {
            auto const why = ask(wrapped, late, ++id).error();
            EXPECT_EQ(why.kind(), fault_kind::deadline_exceeded) << name << ": " << why;
            EXPECT_EQ(why.execution(), knowledge::no) << name;
            EXPECT_EQ(why.billing(), knowledge::no) << name;
            EXPECT_EQ(sim.time.now(), begin) << name;
            EXPECT_TRUE((*money.backend()->entries({}).get())->empty()) << name << ": money was held";
        }
    EXPECT_EQ(op.count(), 0);
    // And nothing was: the one request of the minute, the money and the keys are there for who is in time.
    for (auto const& [name, wrapped] : all) {
        if (name == "all") continue;  // the limits are used up by then
        op.then(manners::polite, 0s);
        EXPECT_TRUE(ask(wrapped, 1min, ++id)) << name;
    }
}

TEST_F(deadlines, attempts_are_told_the_least_of_all_limits) {
    foreign const& o = op;
    op.otherwise(manners::polite, 0s);
    retry const ten{{.attempt_timeout = 10s}}, twenty{{.attempt_timeout = 20s}};
    struct row {
        char const* what;
        asks_foreign ask;
        duration left, expected;
    };
    row const table[] = {
        {"the call's", pipeline{}.wrap(o), 7s, 7s},
        {"the default of an attempt", pipeline{}.wrap(o), 1h, defaults::attempt_timeout},
        {"an attempt's", pipeline{ten}.wrap(o), 1min, 10s},
        {"the call's before an attempt's", pipeline{ten}.wrap(o), 7s, 7s},
        {"of two attempts' the outer", pipeline{ten}.wrap(pipeline{twenty}.wrap(o)), 1min, 10s},
        {"of two attempts' the inner", pipeline{twenty}.wrap(pipeline{ten}.wrap(o)), 1min, 10s},
        {"an alternative's", pipeline{}.wrap(fallback{pipeline{ten}.wrap(o)}), 1min, 10s},
        {"a timeout's", pipeline{timeout{10s}}.wrap(o), 1min, 10s},
        {"a timeout's behind a handle", pipeline{twenty}.wrap(asks_foreign{pipeline{timeout{10s}}.wrap(o)}), 1min, 10s},
        {"the call's before a timeout's", pipeline{timeout{10s}, twenty}.wrap(o), 7s, 7s},
        {"an attempt's before a timeout's", pipeline{timeout{20s}, ten}.wrap(o), 1min, 10s},
        {"the outer timeout's", pipeline{timeout{10s}, timeout{20s}}.wrap(o), 1min, 10s},
    };
    for (auto const& r : table) {
        EXPECT_TRUE(ask(r.ask, r.left)) << r.what;
        EXPECT_EQ(op.sends().back().deadline, begin + r.expected) << r.what;
    }
}

TEST_F(deadlines, under_a_journal_a_send_has_its_own_limit_and_not_its_callers) {
    op.otherwise(manners::polite, 0s);
    EXPECT_TRUE(ask(pipeline{once{db, {.attempt_timeout = 30s, .finish_grace = 2min}}}.wrap(op), 7s));
    EXPECT_EQ(op.sends().back().deadline, begin + 30s + 2min);
}

TEST_F(deadlines, no_sleep_and_no_line_goes_past_them) {
    op.then(manners::polite, 2s, fault{fault_kind::overloaded});
    retry const patient{{.schedule = backoff{growth::constant, jitter::none, 10s, 10s}}};
    auto const slept = ask(pipeline{patient}.wrap(op), 12s).error();
    EXPECT_EQ(sim.time.now(), begin + 2s) << "a sleep to the very deadline is of no use";
    EXPECT_EQ(slept.stop(), stop_reason::deadline);

    rate_limit const pace{{.requests_per_minute = 1}};
    asks_foreign const paced = pipeline{pace}.wrap(op);
    EXPECT_TRUE(ask(paced, 1min));
    EXPECT_EQ(ask(paced, 59s).error().kind(), fault_kind::queue_full);
    EXPECT_EQ(sim.time.now(), begin);
}

}  // namespace
}  // namespace deadline_test
