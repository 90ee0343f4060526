// SPDX-License-Identifier: BSL-1.0
// A second request beside a slow one: when it is started and when not, who wins, what becomes of who has lost, and what is
// counted. (Under a journal: hedge_once_test.cpp.)
#include <coffer/call/guarded.hpp>
#include <coffer/call/pipeline.hpp>
#include <coffer/policy/budget.hpp>
#include <coffer/policy/circuit_breaker.hpp>
#include <coffer/policy/fallback.hpp>
#include <coffer/policy/hedge.hpp>
#include <coffer/policy/once.hpp>
#include <coffer/policy/rate_limit.hpp>
#include <coffer/policy/retry.hpp>
#include <coffer/store/ledger_memory.hpp>
#include <coffer/store/memory.hpp>

#include <gtest/gtest.h>

#include <functional>
#include <memory>
#include <new>
#include <optional>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

#include "policy/support/priced.hpp"
#include "policy/support/provider.hpp"
#include "policy/support/speaker.hpp"
#include "support/scripted_gate.hpp"
#include "support/simulation.hpp"

namespace {

using namespace coffer;
using namespace coffer::literals;
using namespace std::chrono_literals;
using support::caller;
using support::guarded;
using support::request;
using support::speaker;

/// After ten seconds, whatever is learnt.
constexpr hedge_options after_ten{.delay = 10s, .percentile = 0};

struct hedge_test : ::testing::Test {
    support::simulation sim;
    speaker first{"acme"}, second{"zeta"}, third{"omega"};
    support::tape tape;
    std::vector<event> told;
    std::vector<std::string> reasons;

    caller begin(guarded const& ask, duration deadline = 15min) {
        return caller::begin(sim.executor(), ask, coffer::call{key{"test", "k"}, deadline}, request{});
    }
    /// To its end, and that of everything that is still under way.
    support::asked run(guarded const& ask, duration deadline = 15min) {
        auto const c = begin(ask, deadline);
        sim.time.run();
        return *c;
    }
    /// Until it is answered, and no longer.
    caller run_for(guarded const& ask, duration d, duration deadline = 15min) {
        auto c = begin(ask, deadline);
        sim.time.run_for(d);
        return c;
    }
    static guarded bare(speaker const& s) { return pipeline{}.wrap(s.op()); }
    template <class Hedge>
    guarded watched(Hedge h) {
        return pipeline{}.wrap(std::move(h).observe([this](event const& e) {
            told.push_back(e);
            if (e.kind == event_kind::not_hedged) reasons.emplace_back(e.reason);
        }));
    }
    guarded both(hedge_options o = after_ten) { return watched(hedge{o, bare(first), bare(second)}); }
    std::vector<int> counts() const { return {first.script.count(), second.script.count(), third.script.count()}; }
    std::vector<coffer::time_point> starts(speaker const& s) const {
        std::vector<coffer::time_point> all;
        for (auto const& one : s.script.sends()) all.push_back(one.at);
        return all;
    }
    using n = std::vector<int>;
};

// When --------------------------------------------------------------------------------------------------------------

TEST_F(hedge_test, who_answers_in_time_is_not_hedged) {
    first.script.answer("hello", 9s);
    auto const c = run(both());
    EXPECT_EQ(c.text(), "hello from acme/m");
    EXPECT_EQ(counts(), (n{1, 0, 0}));
    EXPECT_TRUE(told.empty());
    EXPECT_EQ(c.cost, 0.01_usd);
    EXPECT_EQ(c.log.size(), 1U);
}

TEST_F(hedge_test, a_slow_one_is_hedged_and_the_first_answer_wins) {
    first.script.answer("slow", 60s);
    second.script.answer("quick", 5s);
    auto const start = sim.time.now();
    auto const c = run(both());
    EXPECT_EQ(c.text(), "quick from zeta/m");
    EXPECT_EQ(c.ended, start + 15s);
    EXPECT_EQ(starts(second), std::vector{start + 10s});
    EXPECT_EQ(c.answered_by.value().provider, "zeta");
    ASSERT_EQ(told.size(), 1U);
    EXPECT_EQ(told[0].kind, event_kind::hedged);
    EXPECT_EQ(told[0].delay, 10s);
    EXPECT_EQ(told[0].attempt, 1);
    EXPECT_EQ(c.cost, std::nullopt) << "what the other one costs is not known yet";
    ASSERT_EQ(c.log.size(), 1U) << "and it has not ended";
    EXPECT_EQ(c.log[0].number, 2);
    EXPECT_EQ(c.log[0].start, 10s);
}

TEST_F(hedge_test, the_primary_may_still_win) {
    first.script.answer("slow", 12s);
    second.script.answer("quick", 5s);
    auto const start = sim.time.now();
    auto const c = run(both());
    EXPECT_EQ(c.text(), "slow from acme/m");
    EXPECT_EQ(c.ended, start + 12s);
    EXPECT_EQ(counts(), (n{1, 1, 0}));
}

TEST_F(hedge_test, without_a_backup_the_primary_is_asked_again) {
    first.script.answer("slow", 60s).answer("quick", 1s);
    auto const c = run(watched(hedge{after_ten, bare(first)}));
    EXPECT_EQ(c.text(), "quick from acme/m");
    EXPECT_EQ(counts(), (n{2, 0, 0}));
}

}  // namespace
