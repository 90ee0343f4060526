// SPDX-License-Identifier: BSL-1.0
// The call: its key, its deadline, its use and reuse, and what it tells afterwards.
#include <coffer/call/call_access.hpp>
#include <coffer/call/guarded.hpp>
#include <coffer/call/pipeline.hpp>
#include <coffer/policy/retry.hpp>
#include <coffer/testing/scripted_operation.hpp>

#include "support/scripted_gate.hpp"
#include "support/simulation.hpp"

#include <gtest/gtest.h>

#include <memory>
#include <set>
#include <string>
#include <utility>

namespace call_test {
namespace {

using namespace coffer;
using namespace coffer::literals;
using namespace std::chrono_literals;
using coffer::testing::scripted_operation;
using support::simulation;

// The value ----------------------------------------------------------------------------------------------------------------

TEST(call, has_a_key_or_says_that_it_has_none) {
    call const keyed{key{"report", 1}};
    EXPECT_TRUE(keyed.keyed());
    EXPECT_FALSE(keyed.explicitly_unkeyed());
    EXPECT_EQ(keyed.key(), key("report", 1));
    auto const unkeyed = call::unkeyed();
    EXPECT_FALSE(unkeyed.keyed());
    EXPECT_TRUE(unkeyed.explicitly_unkeyed());
    EXPECT_THROW((void)unkeyed.key(), misuse);
}

TEST(call, moves_with_all_that_was_said_about_it) {
    auto tagged = call{key{"report", 1}, 5s}.tag("team", "search").tag("run", "7");
    auto const moved = std::move(tagged);
    EXPECT_EQ(moved.key(), key("report", 1));
    EXPECT_EQ(moved.tags().size(), 2U);
    EXPECT_EQ(moved.tags()[0], std::pair(std::string{"team"}, std::string{"search"}));
    auto unkeyed = call::unkeyed(5s);
    auto const still = std::move(unkeyed);
    EXPECT_TRUE(still.explicitly_unkeyed());
}

TEST(call, a_flights_call_keeps_its_deadline_when_it_is_moved_and_used) {
    simulation sim;
    auto const told = [](attempt& a) -> awaitable<time_point> { co_return a.of().deadline(); };
    auto const ask = pipeline{}.wrap(told);
    auto const until = sim.time.now() + 42s;
    call c{key{"report", 1}, until};
    EXPECT_EQ(sim.run(ask(c)), until);
    auto own = call_access::fork(c);
    auto moved = std::move(own);
    sim.time.run_for(10s);
    EXPECT_EQ(sim.run(ask(moved)), until);
    call_access::extend_deadline(moved, until + 1min);
    call_access::extend_deadline(moved, until + 1s);
    EXPECT_EQ(sim.run(ask(moved)), until + 1min);
    EXPECT_EQ(moved.key(), c.key());
}

// The deadline -------------------------------------------------------------------------------------------------------------

TEST(call, its_deadline_is_fifteen_minutes_unless_it_says_otherwise) {
    simulation sim;
    auto const told = [](attempt& a) -> awaitable<duration> { co_return a.of().deadline() - a.of().began(); };
    auto const ask = pipeline{}.wrap(told);
    EXPECT_EQ(sim.run(ask(call{key{"k"}})), 15min);
    EXPECT_EQ(sim.run(ask(call::unkeyed())), 15min);
    EXPECT_EQ(sim.run(ask(call{key{"k"}, 2min})), 2min);
    EXPECT_EQ(sim.run(ask(call{key{"k"}, sim.time.now() + 3min})), 3min);
    EXPECT_EQ(sim.run(ask.try_call(call{key{"k"}, duration::max()})).has_value(), true) << "for ever";
}

TEST(call, its_deadline_may_be_for_ever_in_any_unit) {
    simulation sim;
    auto const told = [](attempt& a) -> awaitable<time_point> { co_return a.of().deadline(); };
    auto const ask = pipeline{}.wrap(told);
    auto const of = [&](call c) { return sim.run(ask.try_call(c)).value(); };
    EXPECT_EQ(of(call::unkeyed(std::chrono::hours::max())), time_point::max());
    EXPECT_EQ(of(call{key{"report", 1}, std::chrono::hours::max()}), time_point::max());
    EXPECT_EQ(of(call::unkeyed(1.5s)) - sim.time.now(), 1500ms);
}

TEST(call, an_attempt_may_take_five_minutes_but_not_beyond_the_calls_deadline) {
    simulation sim;
    auto const told = [](attempt& a) -> awaitable<duration> { co_return a.deadline() - a.now(); };
    auto const ask = pipeline{}.wrap(told);
    EXPECT_EQ(sim.run(ask(call{key{"k"}, 1h})), 5min);
    EXPECT_EQ(sim.run(ask(call{key{"k"}, 2min})), 2min);
}

TEST(call, one_whose_time_is_up_spends_nothing) {
    simulation sim;
    scripted_operation<int> provider;
    support::tape t;
    auto const ask = pipeline{support::plain_gate{t, "a"}}.wrap(provider);
    for (auto const until : {sim.time.now(), sim.time.now() - 1s, time_point{}}) {
        call late{key{"k"}, until};
        auto const why = sim.run(ask.try_call(late)).error();
        EXPECT_EQ(why.kind(), fault_kind::deadline_exceeded);
        EXPECT_EQ(why.billing(), knowledge::no);
        EXPECT_EQ(why.execution(), knowledge::no);
        EXPECT_EQ(late.cost(), money{});
    }
    call negative{key{"k"}, -1s};
    EXPECT_EQ(sim.run(ask.try_call(negative)).error().kind(), fault_kind::deadline_exceeded);
    call zero{key{"k"}, 0s};
    EXPECT_EQ(sim.run(ask.try_call(zero)).error().kind(), fault_kind::deadline_exceeded);
    EXPECT_EQ(provider.sends(), 0);
    EXPECT_TRUE(t.lines().empty()) << "not even a gate was entered";
}

TEST(call, ends_at_its_deadline_with_the_last_real_fault) {
    simulation sim;
    scripted_operation<int> provider;
    provider.fails(fault_kind::throttled).after(1s).times(0);
    retry const patient{{.attempts = 100, .schedule = coffer::backoff{growth::constant, jitter::none, 10s, 10s}}};
    call c{key{"k"}, 30s};
    auto const begin = sim.time.now();
    auto const why = sim.run(pipeline{patient}.wrap(provider).try_call(c)).error();
    EXPECT_EQ(why.kind(), fault_kind::throttled);
    EXPECT_EQ(why.stop(), stop_reason::deadline);
    EXPECT_EQ(provider.sends(), 3);
    EXPECT_EQ(sim.time.now(), begin + 23s) << "at once, and not at the deadline";
}

// Use and reuse ------------------------------------------------------------------------------------------------------------

TEST(call, used_again_it_begins_anew) {
    simulation sim;
    scripted_operation<int> provider;
    provider.fails(fault_kind::throttled).costing(1_usd).gives(1).costing(2_usd).after(20s).gives(2).costing(3_usd);
    auto const ask = pipeline{retry{}}.wrap(provider);
    call c{key{"k"}, 30s};
    EXPECT_EQ(sim.run(ask(c)), 1);
    EXPECT_EQ(c.log().size(), 2U);
    EXPECT_EQ(c.cost(), 2_usd) << "a throttled attempt costs nothing, whatever was reported";
    EXPECT_EQ(c.attempts(), 2);
    sim.time.run_for(1h);
    EXPECT_EQ(sim.run(ask(c)), 2) << "the deadline counts anew";
    EXPECT_EQ(c.log().size(), 1U);
    EXPECT_EQ(c.log()[0].number, 1);
    EXPECT_EQ(c.log()[0].waited, 0s);
    EXPECT_EQ(c.cost(), 3_usd);
    auto const seen = provider.seen();
    EXPECT_EQ(seen[0].provider_key, seen[1].provider_key);
    EXPECT_NE(seen[1].provider_key, seen[2].provider_key) << "another request";
}

TEST(call, carries_one_request_at_a_time) {
    simulation sim;
    scripted_operation<int> provider;
    provider.gives(1).after(10s).times(0);
    guarded<int()> const ask = pipeline{}.wrap(provider);
    call c{key{"k"}};
    auto const first = sim.start(ask.try_call(c));
    auto const second = sim.start(ask.try_call(c));
    auto const third = sim.start(ask(c));
    sim.time.run();
    EXPECT_EQ(first.get(), 1);
    EXPECT_THROW((void)second.get(), misuse);
    EXPECT_THROW((void)third.get(), misuse);
    EXPECT_EQ(provider.sends(), 1);
    EXPECT_EQ(sim.run(ask(c)), 1) << "free again";
}

TEST(call, an_operation_that_uses_its_own_call_again_is_misuse_and_leaves_nothing_behind) {
    simulation sim;
    support::tape t;
    scripted_operation<int> provider;
    auto const inner = pipeline{}.wrap(provider);
    call c{key{"k"}};
    auto const again = [inner, &c]() -> awaitable<int> { co_return co_await inner(c); };
    auto const ask = pipeline{support::plain_gate{t, "a"}}.wrap(again);
    EXPECT_THROW((void)sim.run(ask.try_call(c)), misuse);
    EXPECT_EQ(t.lines(), (std::vector<std::string>{"a in", "a abandoned"}));
    EXPECT_EQ(t.tickets_out(), 0);
    provider.gives(3);
    EXPECT_EQ(sim.run(inner(c)), 3) << "the call is free again";
}

TEST(call, its_frame_may_be_destroyed_at_any_time_and_its_tickets_with_it) {
    support::tape t;
    scripted_operation<int> provider;
    provider.never();
    {
        auto sim = std::make_unique<simulation>();
        auto const ask =
            pipeline{support::plain_gate{t, "a"}, support::scripted_layer{1}, support::plain_gate{t, "b"}}.wrap(
                provider);
        auto const r = sim->start(ask(call{key{"k"}}));
        sim->time.run_for(1s);
        EXPECT_EQ(t.tickets_out(), 2);
        sim.reset();
        EXPECT_FALSE(r.over());
    }
    EXPECT_EQ(t.tickets_out(), 0);
    EXPECT_EQ(provider.in_flight(), 0);
    EXPECT_EQ(t.lines(), (std::vector<std::string>{"a in", "b in", "b abandoned", "a abandoned"}));
}

// What it tells ------------------------------------------------------------------------------------------------------------

TEST(call, its_cost_is_unknown_where_an_attempt_may_have_been_billed_and_nobody_knows) {
    simulation sim;
    auto const cost_of = [&](scripted_operation<int> const& provider) {
        call c{key{"k"}};
        (void)sim.run(pipeline{retry{}}.wrap(provider).try_call(c));
        return c.cost();
    };
    EXPECT_EQ(cost_of(scripted_operation<int>{}.fails(fault_kind::throttled).gives(1).costing(1_usd)), 1_usd);
    EXPECT_EQ(cost_of(scripted_operation<int>{}.fails(fault_kind::ambiguous).gives(1).costing(1_usd)), std::nullopt);
    EXPECT_EQ(cost_of(scripted_operation<int>{}.fails(fault_kind::ambiguous).costing(2_usd).gives(1).costing(1_usd)),
              3_usd);
    EXPECT_EQ(cost_of(scripted_operation<int>{}.gives(1)), std::nullopt);
    EXPECT_EQ(cost_of(scripted_operation<int>{}.fails(fault_kind::unauthorized)), money{});
}

TEST(call, is_not_stored_and_comes_from_nowhere_without_a_journal) {
    simulation sim;
    call c{key{"k"}};
    (void)sim.run(pipeline{}.wrap(scripted_operation<int>{}.gives(1))(c));
    EXPECT_FALSE(c.stored());
    EXPECT_EQ(c.claim(), nullptr);
}

TEST(call, a_providers_key_is_thirty_two_random_letters) {
    simulation sim;
    std::set<std::string> keys;
    auto const told = [](attempt& a) -> awaitable<std::string> { co_return a.provider_key(); };
    auto const ask = pipeline{}.wrap(told);
    for (int i = 0; i < 100; ++i) {
        auto const text = sim.run(ask(call{key{"k"}}));
        EXPECT_EQ(text.size(), 32U);
        EXPECT_EQ(text.find_first_not_of("0123456789abcdef"), text.npos);
        EXPECT_TRUE(keys.insert(text).second);
    }
}

}  // namespace
}  // namespace call_test
