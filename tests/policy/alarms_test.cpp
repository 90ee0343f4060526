// SPDX-License-Identifier: BSL-1.0
#include <coffer/call/pipeline.hpp>
#include <coffer/policy/alarms.hpp>
#include <coffer/policy/budget.hpp>
#include <coffer/policy/once.hpp>
#include <coffer/store/memory.hpp>

#include <gtest/gtest.h>

#include <chrono>
#include <map>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

#include "policy/support/contexts.hpp"
#include "policy/support/mortal_store.hpp"
#include "policy/support/priced.hpp"
#include "policy/support/provider.hpp"
#include "support/simulation.hpp"

namespace alarms_test {
namespace {

using namespace coffer;
using namespace coffer::literals;
using namespace std::chrono_literals;
using support::caller;
using support::guarded;

/// Somebody who is told, or cannot be reached for a while.
class listener {
public:
    [[nodiscard]] alarm_sink sink() {
        return on_alarm([this](alarm_report const& a) {
            ++asked_;
            if (fails > 0 && fails-- > 0) throw std::runtime_error{"the line is dead"};
            ++heard[a.id];
        });
    }
    [[nodiscard]] int asked() const { return asked_; }
    int fails = 0;  // so often
    std::map<std::string, int> heard;  // by id

private:
    int asked_ = 0;
};

struct desk {
    support::simulation sim;
    memory_store db;
    support::priced_provider provider;
    listener ann;
    int asked = 0;

    desk() { (void)sim.run(coffer::alarms{db, told()}.look()); }
    alarms_options told(std::vector<alarm_sink> also = {}) {
        alarms_options o{.tell = {ann.sink()}};
        for (auto& s : also) o.tell.push_back(std::move(s));
        o.watch.rules.burn_rate = {{}, {}};
        return o;
    }
    guarded with(store const& where, std::string scope = "team", money limit = 1_usd) {
        budget_options o;
        o.scope = std::move(scope);
        o.limit = limit;
        o.window = daily;
        return pipeline{once{where}, budget{where, std::move(o)}}.wrap(provider.operation());
    }
    /// Calls of $0.10 each.
    void spend(guarded const& g, int calls) {
        for (int i = 0; i < calls; ++i) {
            ++asked;
            (void)caller::begin(sim.executor(), g, call{key{"job", asked}, 1min},
                                support::request{"prompt " + std::to_string(asked)});
            sim.time.run_for(2s);
        }
    }
    /// What is left for somebody to deliver.
    std::vector<kept_alarm> rung() { return **db.ledger().backend()->alarms({}).get(); }
};

TEST(alarms, are_told_to_everybody_once) {
    desk d;
    listener bob;
    coffer::alarms const watch{d.db, d.told({bob.sink()})};
    d.spend(d.with(d.db), 5);
    EXPECT_EQ(d.sim.run(watch.look()), 1U);
    EXPECT_EQ(d.sim.run(watch.look()), 0U);
    ASSERT_EQ(d.rung().size(), 1U);
    EXPECT_EQ(d.rung()[0].state, alarm_state::delivered);
    EXPECT_EQ(d.ann.heard, (std::map<std::string, int>{{d.rung()[0].what.id, 1}}));
    EXPECT_EQ(bob.heard, d.ann.heard);
}

TEST(alarms, ring_by_themselves_while_the_watch_runs) {
    desk d;
    coffer::alarms const watch{d.db, d.told()};
    auto const running = d.sim.start(watch.run());
    auto const g = d.with(d.db);
    d.spend(g, 4);
    d.sim.time.run_for(1min);
    EXPECT_TRUE(d.ann.heard.empty());
    d.spend(g, 1);
    d.sim.time.run_for(15s);
    EXPECT_EQ(d.ann.heard.size(), 1U);
    d.sim.time.run_for(24h);
    EXPECT_FALSE(running.over());
    running.cancel();
    d.sim.time.run();
    EXPECT_TRUE(running.over());
    EXPECT_EQ(d.ann.asked(), 1);
}

TEST(alarms, whoever_could_not_be_told_is_asked_again_after_longer_and_longer_pauses_and_nobody_else_is) {
    desk d;
    listener bob;
    bob.fails = 4;
    auto o = d.told({bob.sink()});
    std::vector<std::string> log;
    o.on_trouble = [&](std::string const& what) { log.push_back(what); };
    coffer::alarms const watch{d.db, std::move(o)};
    d.spend(d.with(d.db), 5);
    EXPECT_EQ(d.sim.run(watch.look()), 0U);
    EXPECT_EQ(d.rung()[0].state, alarm_state::due);
    EXPECT_EQ(log, std::vector<std::string>{"the line is dead"});
    EXPECT_NE(d.rung()[0].trouble, "");
    EXPECT_EQ(d.rung()[0].trouble.find("dead"), std::string::npos) << "an exception may hold what is confidential";
    for (auto const pause : {5s, 10s, 20s, 40s}) {
        auto const asked = bob.asked();
        d.sim.time.run_for(pause - 1s);
        (void)d.sim.run(watch.look());
        EXPECT_EQ(bob.asked(), asked) << pause.count();
        d.sim.time.run_for(1s);
        (void)d.sim.run(watch.look());
        EXPECT_EQ(bob.asked(), asked + 1) << pause.count();
    }
    EXPECT_EQ(bob.heard.size(), 1U);
    EXPECT_EQ(d.rung()[0].state, alarm_state::delivered);
    EXPECT_EQ(d.ann.asked(), 1);
}

/// Twenty seconds of silence, then an error.
awaitable<void> hang(int* asked) {
    ++*asked;
    (void)co_await sleep_for(20s);
    throw std::runtime_error{"no answer"};
}

TEST(alarms, a_sink_that_hangs_keeps_nobody_from_hearing_and_no_scope_from_being_frozen) {
    desk d;
    int asked = 0;
    auto o = d.told();
    o.tell.insert(o.tell.begin(), [&asked](alarm_report const&) { return hang(&asked); });
    o.watch.freeze = {{alarm_kind::threshold, alarm_severity::critical, "runaway"}};
    coffer::alarms const watch{d.db, std::move(o)};
    for (int i = 0; i < 40; ++i) d.spend(d.with(d.db, "team/" + std::to_string(i), 0.20_usd), 1);
    auto const running = d.sim.start(watch.run());
    d.sim.time.run_for(25s);
    EXPECT_EQ(asked, 1) << "once in a look";
    EXPECT_EQ(d.ann.heard.size(), 40U);
    for (int minute = 0; minute < 30; ++minute) {
        if (minute == 10) d.spend(d.with(d.db, "runaway", 0.20_usd), 2);
        d.sim.time.run_for(1min);
    }
    EXPECT_EQ(d.ann.heard.size(), 41U);
    auto const frozen = d.db.ledger().backend()->accounts("runaway");
    EXPECT_TRUE((*frozen.get())->at(0).frozen);
    running.cancel();
    d.sim.time.run();
}

awaitable<void> hang_for_ever(alarm_report const& what, bool* cancelled) {
    auto const woke = co_await sleep_for(24h * 365);
    *cancelled = woke == wake::cancelled && !what.id.empty();  // the alarm is still there
}

TEST(alarms, a_sink_that_never_ends_is_cancelled_and_has_failed) {
    desk d;
    bool cancelled = false;
    auto o = d.told();
    o.tell.insert(o.tell.begin(), [&cancelled](alarm_report const& a) { return hang_for_ever(a, &cancelled); });
    coffer::alarms const watch{d.db, std::move(o)};
    d.spend(d.with(d.db), 5);
    auto const once = d.sim.start(watch.look());
    d.sim.time.run_for(30s);
    ASSERT_TRUE(once.over());
    EXPECT_EQ(once.get(), 0U);
    EXPECT_TRUE(cancelled);
    EXPECT_EQ(d.ann.heard.size(), 1U);
    EXPECT_NE(d.rung()[0].trouble.find("half a minute"), std::string::npos) << d.rung()[0].trouble;
}

TEST(alarms, what_is_no_exception_of_the_standard_is_trouble_like_any_other) {
    desk d;
    auto o = d.told({on_alarm([](alarm_report const&) { throw 42; })});
    std::vector<std::string> log;
    o.on_trouble = [&](std::string const& what) { log.push_back(what); };
    coffer::alarms const watch{d.db, std::move(o)};
    d.spend(d.with(d.db), 5);
    EXPECT_EQ(d.sim.run(watch.look()), 0U);
    EXPECT_EQ(log.size(), 1U);
    EXPECT_EQ(d.ann.heard.size(), 1U);
}

TEST(alarms, are_looked_for_again_when_the_store_is_back) {
    desk d;
    support::mortal_store const mine{d.db};
    coffer::alarms const watch{mine, d.told()};
    auto const running = d.sim.start(watch.run());
    mine.life().unreachable = true;
    d.spend(d.with(d.db), 5);
    d.sim.time.run_for(1h);
    EXPECT_FALSE(running.over());
    EXPECT_TRUE(d.ann.heard.empty());
    auto const once = d.sim.start(watch.look());
    d.sim.time.run_for(1s);
    EXPECT_THROW((void)once.get(), failure) << "whoever looks once is told";
    mine.life().unreachable = false;
    d.sim.time.run_for(15s);
    EXPECT_EQ(d.ann.heard.size(), 1U);
    running.cancel();
    d.sim.time.run();
}

/// A process dies at each of its steps between the crossing and the end of the delivery: another one delivers.
TEST(alarms, are_lost_by_no_death) {
    int deaths = 0;
    for (bool const done : {false, true}) {
        for (int step = 1;; ++step) {
            desk d;
            support::mortal_store const dying{d.db};
            d.spend(d.with(d.db), 8);
            dying.life().end_at(step, done);
            coffer::alarms const its{dying, d.told()};
            auto const running = d.sim.start(its.look());
            d.sim.time.run_for(1s);
            bool const died = dying.life().over();
            deaths += died ? 1 : 0;
            d.sim.time.run_for(1min);  // it may have been at it
            coffer::alarms const watch{d.db, d.told()};
            (void)d.sim.run(watch.look());
            ASSERT_EQ(d.ann.heard.size(), 1U) << step << done;
            EXPECT_LE(d.ann.heard.begin()->second, 2) << step << done;
            EXPECT_EQ(d.rung()[0].state, alarm_state::delivered) << step << done;
            running.cancel();
            if (!died) break;
        }
    }
    EXPECT_EQ(deaths, 8) << "it looks, takes what is due, says that it is delivered, and asks what else is due";
}

TEST(alarms, a_threshold_may_freeze_the_scope_and_replays_still_work) {
    desk d;
    auto o = d.told();
    o.watch.freeze = {{alarm_kind::threshold, alarm_severity::warning, {}}};
    coffer::alarms const watch{d.db, std::move(o)};
    auto const g = d.with(d.db);
    d.spend(g, 8);
    ASSERT_EQ(d.sim.run(watch.look()), 1U);
    auto const again = caller::begin(d.sim.executor(), g, call{key{"job", 8}, 1min}, support::request{"prompt 8"});
    auto const fresh = caller::begin(d.sim.executor(), g, call{key{"job", 9}, 1min}, support::request{"prompt 9"});
    d.sim.time.run();
    EXPECT_EQ(again->text(), "answer");
    ASSERT_TRUE(fresh->failed(fault_kind::over_budget));
    EXPECT_EQ(fresh->why().code(), "frozen");
    EXPECT_EQ(d.provider.count(), 8);
}

/// The job of the seed incident, with keys that it makes anew in each run: a budget alone, and the alarm.
TEST(alarms, the_same_request_paid_under_new_keys_is_heard_of_at_the_third) {
    desk d;
    coffer::alarms const watch{d.db, d.told()};
    auto const g = d.with(d.db, "team", money::max());
    for (int run = 1; run <= 21; ++run) {
        (void)caller::begin(d.sim.executor(), g, call{key{"run", run}, 1min}, support::request{"the same report"});
        d.sim.time.run_for(1min);
        (void)d.sim.run(watch.look());
        EXPECT_EQ(d.ann.heard.size(), run < 3 ? 0U : run < 12 ? 1U : 2U) << run;
    }
    EXPECT_EQ(d.rung()[0].what.kind, alarm_kind::duplicate_work);
}

/// The same job with coffer as it should be: nothing is paid again, and it is heard of all the same.
TEST(alarms, a_key_replayed_and_never_acknowledged_is_heard_of_at_the_third_replay) {
    desk d;
    coffer::alarms const watch{d.db, d.told()};
    auto const g = d.with(d.db);
    for (int run = 1; run <= 21; ++run) {
        (void)caller::begin(d.sim.executor(), g, call{key{"report", 1}, 1min}, support::request{"the report"});
        d.sim.time.run_for(1min);
        (void)d.sim.run(watch.look());
        EXPECT_EQ(d.ann.heard.size(), run < 4 ? 0U : run < 13 ? 1U : 2U) << run;
    }
    EXPECT_EQ(d.provider.count(), 1);
    EXPECT_EQ(d.rung()[0].what.kind, alarm_kind::replay_storm);
    EXPECT_EQ(d.rung()[0].what.scope, "report");
}

TEST(alarms, options_that_cannot_be_meant_are_refused) {
    memory_store const db;
    listener ann;
    auto const with = [&](auto const& change) {
        alarms_options o{.tell = {ann.sink()}};
        change(o);
        return coffer::alarms{db, std::move(o)};
    };
    EXPECT_NO_THROW(with([](auto&) {}));
    EXPECT_THROW(with([](auto& o) { o.tell.clear(); }), std::invalid_argument);
    EXPECT_THROW(with([](auto& o) { o.tell.emplace_back(); }), std::invalid_argument);
    EXPECT_THROW(with([](auto& o) { o.every = 0s; }), std::invalid_argument);
    EXPECT_THROW(with([](auto& o) { o.first_pause = -1s; }), std::invalid_argument);
    EXPECT_THROW(with([](auto& o) { o.watch.rules.threshold.percents = {0}; }), std::invalid_argument);
    EXPECT_THROW(with([](auto& o) { o.watch.ignore = {"team", ""}; }), std::invalid_argument);
    EXPECT_THROW(with([](auto& o) { o.watch.freeze = {{alarm_kind::replay_storm}}; }), std::invalid_argument);
}

}  // namespace
}  // namespace alarms_test
