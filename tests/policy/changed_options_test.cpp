// SPDX-License-Identifier: BSL-1.0
// Options of retry, circuit_breaker and fallback that are changed while calls are under way, in virtual time, and on threads.
// (Of rate_limit: rate_limit_change_test.cpp.)
#include <coffer/call/guarded.hpp>
#include <coffer/call/pipeline.hpp>
#include <coffer/policy/circuit_breaker.hpp>
#include <coffer/policy/fallback.hpp>
#include <coffer/policy/retry.hpp>
#include <coffer/testing/scripted_operation.hpp>

#include <gtest/gtest.h>

#include <asio/thread_pool.hpp>

#include <algorithm>
#include <atomic>
#include <stdexcept>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "policy/support/provider.hpp"
#include "policy/support/speaker.hpp"
#include "support/seeds.hpp"
#include "support/simulation.hpp"

namespace changed_options_test {
namespace {

using namespace coffer;
using namespace std::chrono_literals;
using coffer::testing::scripted_operation;
using support::simulation;

backoff every(duration d) { return {growth::constant, jitter::none, d, d}; }

class changed : public ::testing::Test {
protected:
    simulation sim;
    scripted_operation<int> provider;
    call c{key{"test", 1}, 1h};

    template <class Policy>
    support::running<outcome<int>> begin(Policy const& p) {
        return sim.start(pipeline{p}.wrap(provider).try_call(c));
    }
    [[nodiscard]] std::vector<duration> starts() const {
        std::vector<duration> list;
        for (auto const& entry : c.log()) list.push_back(entry.start);
        return list;
    }
};

// retry ------------------------------------------------------------------------------------------------------------------

TEST_F(changed, retry_attempts_hold_from_the_next_decision_and_those_made_count) {
    provider.fails(fault_kind::overloaded).times(0);
    retry const r{{.attempts = 10, .schedule = every(10s)}};
    auto const copy = r;
    auto const lowered = begin(r);
    sim.time.run_for(15s);
    ASSERT_EQ(provider.sends(), 2);
    copy.change({.attempts = 2, .schedule = every(10s)});
    sim.time.run();
    EXPECT_EQ(provider.sends(), 3) << "that one had been decided; nothing further is";
    EXPECT_EQ(lowered.get().error().stop(), stop_reason::attempts_spent);

    r.change({.attempts = 2, .schedule = every(10s)});
    auto const raised = begin(r);
    sim.time.run_for(5s);
    r.change({.attempts = 4, .schedule = every(1s)});
    sim.time.run();
    EXPECT_EQ(raised.get().error().stop(), stop_reason::attempts_spent);
    EXPECT_EQ(provider.sends(), 3 + 4);
    EXPECT_EQ(starts(), (std::vector<duration>{0s, 10s, 11s, 12s})) << "who sleeps sleeps on";
}

TEST_F(changed, retry_sends_floors_hints_and_schedules_too) {
    retry_options const patient{.max_sends = 5, .schedule = every(1s), .ambiguous_delay = 5s, .ambiguous_spread = 0};
    struct one {
        fault why;
        retry_options to;
        duration second, third;
    };
    auto with = [&](auto&& fn) {
        auto o = patient;
        fn(o);
        return o;
    };
    auto const hinted = fault{fault_kind::throttled}.with_retry_after(20s);
    for (auto const& [why, to, second, third] : {
             one{fault{fault_kind::overloaded}, with([](auto& o) { o.schedule = every(7s); }), 1s, 8s},
             one{fault{fault_kind::overloaded},
                 with([](auto& o) { o.schedule_for = {{fault_kind::overloaded, every(9s)}}; }), 1s, 10s},
             one{fault{fault_kind::ambiguous}, with([](auto& o) { o.ambiguous_delay = 30s; }), 5s, 35s},
             one{hinted, with([](auto& o) {
                     o.hint_spread = 0;
                     o.schedule = every(40s);
                 }),
                 0s, 40s},
             one{fault{fault_kind::ambiguous}, with([](auto& o) { o.max_sends = 2; }), 5s, 0s},
             one{hinted, with([](auto& o) { o.hint_ceiling = 19s; }), 0s, 0s},
             one{fault{fault_kind::overloaded}, with([](auto& o) { o.stop = stop_after(1s); }), 1s, 0s},
         }) {
        scripted_operation<int> op;
        op.fails(why).times(0);
        retry const r{patient};
        call mine{key{"test", 1}, 1h};
        auto const running = sim.start(pipeline{r}.wrap(op).try_call(mine));
        sim.time.run_for(0s);
        r.change(to);
        sim.time.run();
        ASSERT_TRUE(running.over());
        auto const& log = mine.log();
        ASSERT_GE(log.size(), 2U) << "the first delay had been decided";
        if (second > 0s) {
            EXPECT_EQ(log[1].start, second);
        }
        if (third == 0s) {
            EXPECT_EQ(log.size(), 2U);
        } else {
            ASSERT_GE(log.size(), 3U);
            EXPECT_EQ(log[2].start - log[1].start, third - second);
        }
    }
}

TEST_F(changed, retry_time_limits_hold_for_calls_that_begin) {
    provider.never().times(2);
    retry const r{{.attempts = 1, .attempt_timeout = 10s}};
    auto const before = begin(r);
    sim.time.run_for(0s);
    r.change({.attempts = 1, .attempt_timeout = 3s});
    sim.time.run();
    ASSERT_EQ(c.log().size(), 1U);
    EXPECT_EQ(c.log()[0].duration, 10s);
    (void)begin(r);
    sim.time.run();
    EXPECT_EQ(c.log()[0].duration, 3s);
}

TEST_F(changed, retry_keeps_rule_and_quota_and_what_cannot_be_meant_changes_nothing) {
    provider.fails(fault_kind::unauthorized).times(0);
    retry const r{{.attempts = 2, .schedule = every(1s)}, [](fault const&, int) { return retry_decision::yes(); }};
    EXPECT_THROW(r.change({.attempts = 0}), std::invalid_argument);
    EXPECT_THROW(r.change({.attempt_timeout = 0s}), std::invalid_argument);
    EXPECT_THROW(r.change({.schedule = backoff{.base = -1ns}}), std::invalid_argument);
    EXPECT_EQ(r.options().attempts, 2);
    EXPECT_EQ(r.options().attempt_timeout, defaults::attempt_timeout);
    r.change({.attempts = 3, .schedule = every(1s)});
    EXPECT_EQ(r.options().attempts, 3);
    (void)begin(r);
    sim.time.run();
    EXPECT_EQ(provider.sends(), 3);
}

// Whatever changes: never more than the largest number of attempts, and of sends that may be billed, that was ever allowed.
TEST_F(changed, retry_at_random_keeps_within_what_was_ever_allowed) {
    for (auto const seed : support::each_seed(support::seeds(5))) {
        support::dice dice{seed};
        simulation s{seed};
        scripted_operation<int> op;
        op.fails(dice.one_in(2) ? fault_kind::overloaded : fault_kind::ambiguous).times(0);
        auto const draw = [&] {
            retry_options o{.attempts = 1 + dice.below(5), .max_sends = 1 + dice.below(4)};
            if (dice.one_in(2)) o.schedule = backoff::fixed(1s) + backoff{.spread = jitter::decorrelated};
            return o;
        };
        auto most = draw();
        auto least = most;
        retry const r{most};
        call mine{key{"test", 1}, 1h};
        auto const running = s.start(pipeline{r}.wrap(op).try_call(mine));
        while (!running.over()) {
            s.time.run_for(std::chrono::milliseconds{dice.below(4000)});
            auto const o = draw();
            most.attempts = std::max(most.attempts, o.attempts), most.max_sends = std::max(most.max_sends, o.max_sends);
            least.attempts = std::min(least.attempts, o.attempts);
            least.max_sends = std::min(least.max_sends, o.max_sends);
            r.change(o);
        }
        ASSERT_LE(op.sends(), most.attempts) << "seed " << seed;
        ASSERT_LE(op.bills(), most.max_sends) << "seed " << seed;
        ASSERT_GE(op.sends(), std::min(least.attempts, least.max_sends)) << "seed " << seed;
    }
}

// circuit_breaker --------------------------------------------------------------------------------------------------------

TEST_F(changed, breaker_judges_attempts_under_way_by_the_new_options) {
    provider.fails(fault_kind::overloaded).after(10s).times(0);
    circuit_breaker const b{{.in_a_row = 3}};
    auto const copy = b;
    auto const one = begin(b);
    call other{key{"test", 2}, 1h};
    auto const two = sim.start(pipeline{b}.wrap(provider).try_call(other));
    sim.time.run_for(0s);
    copy.change({.in_a_row = 2, .breaks = {.first = 8s, .longest = 1h, .jittered = false}});
    EXPECT_EQ(b.options().in_a_row, 2);
    sim.time.run();
    EXPECT_EQ(b.status().state, circuit_state::open);
    EXPECT_EQ(b.status().left, 8s);
    EXPECT_NE(b.status().why.find("2 failures in a row"), std::string::npos) << b.status().why;
    b.change({.in_a_row = 2, .probes = 1});
    EXPECT_EQ(b.status().left, 8s) << "a break lasts as long as it was drawn";
    sim.time.run_for(8s);
    scripted_operation<int> well;
    well.gives(1);
    EXPECT_EQ(sim.run(pipeline{b}.wrap(well).try_call(c)), 1);
    EXPECT_EQ(b.status().state, circuit_state::closed) << "one probe is enough now";
}

TEST_F(changed, breaker_what_cannot_be_meant_changes_nothing) {
    circuit_breaker const b{{.in_a_row = 3}};
    EXPECT_THROW(b.change({.in_a_row = -1}), std::invalid_argument);
    EXPECT_THROW(b.change({.probes = 0}), std::invalid_argument);
    EXPECT_EQ(b.options().in_a_row, 3);
    b.isolate("by hand");
    b.change({.in_a_row = 1});
    EXPECT_EQ(b.status().state, circuit_state::isolated);
}

// fallback ---------------------------------------------------------------------------------------------------------------

TEST_F(changed, fallback_decides_by_the_new_options_and_copies_share_them) {
    support::speaker first{"acme"}, second{"zeta"};
    first.script.fail(fault_kind::context_length, 10s).fail(fault_kind::ambiguous, 10s);
    second.script.answer("hello").answer("hello");
    auto const alternatives = fallback{{.max_sends = 1},
                                       support::guarded{pipeline{}.wrap(first.op())},
                                       support::guarded{pipeline{}.wrap(second.op())}};
    support::guarded const ask = pipeline{}.wrap(alternatives);
    auto const ask_once = [&](fallback_options to) {
        auto const asked = support::caller::begin(sim.executor(), ask, call::unkeyed(1h), support::request{});
        sim.time.run_for(5s);
        alternatives.change(to);
        sim.time.run();
        return asked->text();
    };
    EXPECT_EQ(ask_once({.max_sends = 2, .larger_context = true}), "hello from zeta/m");
    EXPECT_EQ(ask_once({.max_sends = 2}), "hello from zeta/m") << "one send may have been billed";
    EXPECT_THROW(alternatives.change({.max_sends = 0}), std::invalid_argument);
    EXPECT_EQ(alternatives.options().max_sends, 2);
}

// Threads ----------------------------------------------------------------------------------------------------------------

TEST(changed_threads, options_are_read_as_a_whole_while_somebody_changes_them_all_the_time) {
    constexpr int calls = 300;
    support::speaker down{"acme"}, up{"zeta"};
    down.script.otherwise([] { return outcome<answer>{failed(fault_kind::overloaded)}; }, duration{});
    up.script.otherwise([] { return outcome<answer>{answer{"hello", 200}}; }, duration{});
    // A pair that was never set would be seen: two attempts with one schedule, or three with the other.
    retry_options const two{.attempts = 2, .schedule = backoff::fixed(1us)};
    retry_options const three{.attempts = 3, .schedule = backoff::fixed(2us)};
    retry const r{two, {}, retry_quota::unlimited()};
    circuit_breaker const b{{.in_a_row = 0, .minimum = 100'000}};
    auto const alternatives =
        fallback{support::guarded{pipeline{r, b}.wrap(down.op())}, support::guarded{pipeline{}.wrap(up.op())}};
    support::guarded const ask = pipeline{}.wrap(alternatives);
    std::atomic<bool> done{false};
    std::thread changer{[&] {
        for (int i = 0; !done; ++i) {
            r.change(i % 2 == 0 ? three : two);
            auto const seen = r.options();
            EXPECT_EQ(seen.attempts, i % 2 == 0 ? 3 : 2);
            b.change({.in_a_row = 0, .minimum = 100'000 + i % 2, .probes = 1 + i % 3});
            alternatives.change({.max_sends = 2 + i % 2});
            std::this_thread::yield();
        }
    }};
    std::vector<support::caller> all;
    {
        asio::thread_pool pool{3};
        for (int i = 0; i < calls; ++i)
            all.push_back(support::caller::begin(pool.get_executor(), ask, call::unkeyed(1min), support::request{}));
        pool.join();
    }
    done = true;
    changer.join();
    for (auto const& c : all) {
        ASSERT_TRUE(c->ok()) << c->text();
        EXPECT_GE(c->log.size(), 3U) << "at least two attempts at the first, and one at the other";
        EXPECT_LE(c->log.size(), 4U);
    }
}

}  // namespace
}  // namespace changed_options_test
