// SPDX-License-Identifier: BSL-1.0
// The order of things on the path of a call, by example. (walk_model_test.cpp has the random ones.)
#include <coffer/call/guarded.hpp>
#include <coffer/call/pipeline.hpp>
#include <coffer/policy/retry.hpp>
#include <coffer/testing/scripted_operation.hpp>

#include "support/scripted_gate.hpp"
#include "support/simulation.hpp"

#include <gtest/gtest.h>

#include <memory>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

namespace walk_test {
namespace {

using namespace coffer;
using namespace std::chrono_literals;
using coffer::testing::scripted_operation;
using support::entry;
using support::gate_script;
using support::plain_gate;
using support::scripted_layer;
using support::simulation;
using support::tape;
using support::waiting_gate;
using lines = std::vector<std::string>;

gate_script enters(entry::kind what, duration wait = 0s) {
    gate_script s;
    s.entries.push_back({what, wait, fault_kind::queue_full});
    return s;
}
gate_script asks(std::vector<duration> delays, bool insists = false) {
    gate_script s;
    s.again = std::move(delays);
    s.insists = insists;
    return s;
}

struct broken_layer {
    template <class Next>
    awaitable<outcome<typename Next::value_type>> operator()(call&, Next) const {
        throw std::runtime_error{"the layer fell over"};
        co_return failed(fault_kind::permanent);
    }
};

/// A simulation, a provider, a tape, and a call.
class walk : public ::testing::Test {
protected:
    simulation sim;
    tape t;
    scripted_operation<int> provider;
    call c{key{"test", 1}, 1h};

    plain_gate gate(std::string name, gate_script script = {}) { return {t, std::move(name), std::move(script)}; }
    waiting_gate waiting(std::string name, gate_script script) { return {t, std::move(name), std::move(script)}; }
};

// Gates ------------------------------------------------------------------------------------------------------------------

TEST_F(walk, gates_are_entered_in_order_and_settled_in_reverse) {
    provider.gives(7);
    EXPECT_EQ(sim.run(pipeline{gate("a"), gate("b"), gate("c")}.wrap(provider)(c)), 7);
    EXPECT_EQ(t.lines(), (lines{"a in", "b in", "c in", "c succeeded", "b succeeded", "a succeeded"}));
    EXPECT_EQ(t.tickets_out(), 0);
}

TEST_F(walk, all_hear_how_it_failed) {
    provider.fails(fault_kind::invalid_request);
    auto const r = sim.run(pipeline{gate("a"), gate("b")}.wrap(provider).try_call(c));
    EXPECT_EQ(r.error().kind(), fault_kind::invalid_request);
    EXPECT_EQ(t.lines(), (lines{"a in", "b in", "b failed invalid_request", "a failed invalid_request"}));
}

TEST_F(walk, a_refusal_sends_nothing_and_settles_the_outer_ones_as_not_attempted) {
    auto const r = sim.run(
        pipeline{gate("a"), gate("b"), gate("c", enters(entry::kind::refuse)), gate("d")}.wrap(provider).try_call(c));
    EXPECT_EQ(r.error().kind(), fault_kind::queue_full);
    EXPECT_EQ(t.lines(),
              (lines{"a in", "b in", "c refuses", "b not_attempted queue_full", "a not_attempted queue_full"}));
    EXPECT_EQ(provider.sends(), 0);
    EXPECT_TRUE(c.log().empty()) << "it counts as no attempt";
    EXPECT_EQ(t.tickets_out(), 0);
}

TEST_F(walk, a_gate_may_ask_to_wait_and_those_inside_it_wait_with_it) {
    provider.gives(7);
    auto const ask = pipeline{gate("a"), waiting("b", enters(entry::kind::wait, 3s)), gate("c")}.wrap(provider);
    EXPECT_EQ(sim.run(ask(c)), 7);
    EXPECT_EQ(t.lines(), (lines{"a in", "b waits", "b in", "c in", "c succeeded", "b succeeded", "a succeeded"}));
    EXPECT_EQ(c.log()[0].start, 3s);
    EXPECT_EQ(c.log()[0].waited, 3s);
    EXPECT_EQ(c.log()[0].why_waited, wait_reason::admission);
}

TEST_F(walk, a_gate_may_refuse_after_a_wait) {
    auto const ask = pipeline{gate("a"), waiting("b", enters(entry::kind::wait_refuse, 3s))}.wrap(provider);
    EXPECT_EQ(sim.run(ask.try_call(c)).error().kind(), fault_kind::queue_full);
    EXPECT_EQ(t.lines(), (lines{"a in", "b waits", "b refuses", "a not_attempted queue_full"}));
}

TEST_F(walk, a_gate_that_falls_over_refuses) {
    auto const r = sim.run(pipeline{gate("a"), gate("b", enters(entry::kind::fall_over))}.wrap(provider).try_call(c));
    EXPECT_EQ(r.error().kind(), fault_kind::permanent);
    EXPECT_EQ(r.error().billing(), knowledge::no) << "nothing was sent";
    EXPECT_EQ(r.error().message(), "the gate fell over");
    EXPECT_EQ(t.lines(), (lines{"a in", "b throws", "a not_attempted permanent"}));
}

TEST_F(walk, a_gate_that_asks_to_wait_and_cannot_is_misuse) {
    EXPECT_THROW(sim.run(pipeline{gate("a", enters(entry::kind::wait))}.wrap(provider).try_call(c)), misuse);
    auto const among_others = pipeline{waiting("w", {}), gate("a", enters(entry::kind::wait))}.wrap(provider);
    EXPECT_THROW(sim.run(among_others.try_call(c)), misuse);
    EXPECT_EQ(t.tickets_out(), 0);
}

TEST_F(walk, a_wait_that_ends_after_the_deadline_sends_nothing) {
    call late{key{"test", 1}, 2s};
    auto const ask = pipeline{gate("a"), waiting("b", enters(entry::kind::wait, 3s))}.wrap(provider);
    EXPECT_EQ(sim.run(ask.try_call(late)).error().kind(), fault_kind::deadline_exceeded);
    EXPECT_EQ(t.lines(), (lines{"a in", "b waits", "b in", "b not_attempted deadline_exceeded",
                                "a not_attempted deadline_exceeded"}));
    EXPECT_EQ(provider.sends(), 0);
}

// Again ------------------------------------------------------------------------------------------------------------------

TEST_F(walk, who_asks_again_keeps_its_ticket_and_only_those_inside_it_enter_anew) {
    provider.fails(fault_kind::throttled).after(1s).gives(7);
    auto const ask = pipeline{gate("a"), gate("b", asks({5s})), gate("c"), gate("d")}.wrap(provider);
    EXPECT_EQ(sim.run(ask(c)), 7);
    EXPECT_EQ(t.lines(), (lines{"a in", "b in", "c in", "d in",  //
                                "d failed throttled", "c failed throttled", "b failed throttled, again",  //
                                "c in", "d in",  //
                                "d succeeded", "c succeeded", "b succeeded", "a succeeded"}));
    ASSERT_EQ(c.log().size(), 2U);
    EXPECT_EQ(c.log()[1].start, 6s);
    EXPECT_EQ(c.log()[1].waited, 5s);
    EXPECT_EQ(c.log()[1].why_waited, wait_reason::backoff);
    EXPECT_EQ(t.tickets_out(), 0);
}

TEST_F(walk, two_may_ask_and_the_inner_one_begins_afresh_for_the_outer) {
    provider.fails(fault_kind::throttled).times(3).gives(7);
    auto const ask = pipeline{gate("a", asks({1s})), gate("b", asks({1s}))}.wrap(provider);
    EXPECT_EQ(sim.run(ask(c)), 7);
    EXPECT_EQ(t.lines(), (lines{"a in", "b in",  //
                                "b failed throttled, again",  //
                                "b failed throttled", "a failed throttled, again",  //
                                "b in", "b failed throttled, again",  //
                                "b succeeded", "a succeeded"}));
    EXPECT_EQ(c.log().size(), 4U);
}

TEST_F(walk, a_paid_answer_is_not_dropped_for_a_gate_that_asks_again) {
    provider.gives(7);
    EXPECT_EQ(sim.run(pipeline{gate("a", asks({1s, 1s}, true))}.wrap(provider)(c)), 7);
    EXPECT_EQ(t.lines(), (lines{"a in", "a succeeded, again"}));
    EXPECT_EQ(provider.sends(), 1);
}

TEST_F(walk, a_refusal_is_not_tried_again) {
    auto const ask = pipeline{gate("a", asks({1s, 1s}, true)), gate("b", enters(entry::kind::refuse))}.wrap(provider);
    EXPECT_EQ(sim.run(ask.try_call(c)).error().kind(), fault_kind::queue_full);
    EXPECT_EQ(t.lines(), (lines{"a in", "b refuses", "a not_attempted queue_full, again"}));
}

TEST_F(walk, gates_outside_the_one_that_asked_are_told_of_the_attempt_that_was_made) {
    provider.fails(fault_kind::ambiguous);
    gate_script once;
    once.entries = {entry{}, entry{entry::kind::refuse, 0s, fault_kind::queue_full}};
    auto const ask = pipeline{gate("a"), gate("b", asks({1s})), gate("c", once)}.wrap(provider);
    EXPECT_EQ(sim.run(ask.try_call(c)).error().kind(), fault_kind::queue_full);
    EXPECT_EQ(t.lines(), (lines{"a in", "b in", "c in",  //
                                "c failed ambiguous", "b failed ambiguous, again",  //
                                "c refuses", "b not_attempted queue_full", "a failed ambiguous"}));
}

TEST_F(walk, never_sleeps_up_to_the_deadline_whatever_a_gate_asks_for) {
    for (auto const delay : {60s, 61s}) {
        t.clear();
        provider.fails(fault_kind::ambiguous);
        call short_one{key{"test", 1}, 1min};
        auto const begin = sim.time.now();
        auto const r = sim.run(pipeline{gate("a", asks({delay}))}.wrap(provider).try_call(short_one));
        EXPECT_EQ(sim.time.now(), begin) << "the clock has moved";
        EXPECT_EQ(r.error().kind(), fault_kind::ambiguous) << "the last real fault";
        EXPECT_EQ(r.error().stop(), stop_reason::deadline);
        EXPECT_EQ(t.lines(), (lines{"a in", "a failed ambiguous, again", "a not_attempted ambiguous"}));
    }
    EXPECT_EQ(t.tickets_out(), 0);
}

// Layers -----------------------------------------------------------------------------------------------------------------

TEST_F(walk, a_layer_stands_between_the_gates_outside_and_inside_it) {
    provider.gives(7);
    EXPECT_EQ(
        sim.run(pipeline{gate("a"), scripted_layer{1}, gate("b"), scripted_layer{1}, gate("c")}.wrap(provider)(c)), 7);
    EXPECT_EQ(t.lines(), (lines{"a in", "b in", "c in", "c succeeded", "b succeeded", "a succeeded"}));
}

TEST_F(walk, a_layer_may_run_nothing) {
    auto const r = sim.run(pipeline{gate("a"), scripted_layer{0}, gate("b")}.wrap(provider).try_call(c));
    EXPECT_EQ(r.error().message(), "the layer runs nothing");
    EXPECT_EQ(t.lines(), (lines{"a in", "a failed permanent"}));
    EXPECT_EQ(provider.sends(), 0);
}

TEST_F(walk, a_layer_may_run_what_is_inside_many_times) {
    provider.fails(fault_kind::permanent).times(2).gives(7);
    EXPECT_EQ(sim.run(pipeline{gate("a"), scripted_layer{3}, gate("b")}.wrap(provider)(c)), 7);
    EXPECT_EQ(t.lines(), (lines{"a in", "b in", "b failed permanent", "b in", "b failed permanent", "b in",
                                "b succeeded", "a succeeded"}));
    ASSERT_EQ(c.log().size(), 3U);
    for (int i = 0; i < 3; ++i) EXPECT_EQ(c.log()[static_cast<std::size_t>(i)].number, i + 1);
}

TEST_F(walk, a_refusal_inside_a_layer_is_no_attempt_for_those_outside) {
    auto const ask = pipeline{gate("a"), scripted_layer{1}, gate("b", enters(entry::kind::refuse))}.wrap(provider);
    EXPECT_EQ(sim.run(ask.try_call(c)).error().kind(), fault_kind::queue_full);
    EXPECT_EQ(t.lines(), (lines{"a in", "b refuses", "a not_attempted queue_full"}));
}

TEST_F(walk, a_layer_that_throws_fails) {
    auto const r = sim.run(pipeline{gate("a"), broken_layer{}}.wrap(provider).try_call(c));
    EXPECT_EQ(r.error().kind(), fault_kind::permanent);
    EXPECT_EQ(r.error().message(), "the layer fell over");
    EXPECT_EQ(t.lines(), (lines{"a in", "a failed permanent"}));
}

/// What a retry outside a layer does reaches the attempt inside it.
TEST_F(walk, waits_limits_and_the_providers_key_pass_through_layers) {
    provider.fails(fault_kind::throttled).times(2).gives(7);
    auto const ask =
        pipeline{retry{{.schedule = coffer::backoff{growth::constant, jitter::none, 2s, 2s}, .attempt_timeout = 10s}},
                 scripted_layer{1}, waiting("w", enters(entry::kind::wait, 1s)), scripted_layer{1}}
            .wrap(provider);
    EXPECT_EQ(sim.run(ask(c)), 7);
    ASSERT_EQ(c.log().size(), 3U);
    EXPECT_EQ(c.log()[0].waited, 1s);
    EXPECT_EQ(c.log()[0].why_waited, wait_reason::admission);
    EXPECT_EQ(c.log()[1].waited, 2s);
    EXPECT_EQ(c.log()[1].why_waited, wait_reason::backoff);
    EXPECT_EQ(c.log()[2].waited, 2s);
    for (auto const& send : provider.seen()) {
        EXPECT_EQ(send.deadline - send.at, 10s) << "the limit of each attempt, not of the first only";
        EXPECT_EQ(send.provider_key, provider.seen()[0].provider_key) << "they stand for the same work";
    }
}

TEST_F(walk, a_backoff_and_a_wait_for_admission_are_both_shown) {
    provider.fails(fault_kind::throttled).gives(7);
    gate_script second_time;
    second_time.entries = {{entry::kind::in, 0s, {}}, {entry::kind::wait, 3s, {}}};
    auto const ask = pipeline{gate("a", asks({2s})), waiting("w", second_time)}.wrap(provider);
    EXPECT_EQ(sim.run(ask(c)), 7);
    EXPECT_EQ(c.log()[1].waited, 5s);
    EXPECT_EQ(c.log()[1].why_waited, wait_reason::backoff) << "the first reason stands";
    EXPECT_EQ(c.log()[1].start, 5s);
}

// Nested pipelines -------------------------------------------------------------------------------------------------------

TEST_F(walk, a_nested_pipeline_is_handed_the_call_down) {
    provider.fails(fault_kind::throttled).times(3).gives(7);
    auto const inner = pipeline{gate("b", asks({1s})), gate("c")}.wrap(provider);
    EXPECT_EQ(sim.run(pipeline{gate("a", asks({1s}))}.wrap(inner)(c)), 7);
    EXPECT_EQ(t.lines(), (lines{"a in", "b in", "c in", "c failed throttled", "b failed throttled, again", "c in",
                                "c failed throttled", "b failed throttled", "a failed throttled, again", "b in", "c in",
                                "c failed throttled", "b failed throttled, again", "c in", "c succeeded", "b succeeded",
                                "a succeeded"}));
    ASSERT_EQ(c.log().size(), 4U) << "the log is complete";
    for (std::size_t i = 0; i < 4; ++i) {
        EXPECT_EQ(c.log()[i].number, static_cast<int>(i) + 1) << "numbered over the call";
        EXPECT_EQ(c.log()[i].start, std::chrono::seconds(i));
    }
}

TEST_F(walk, a_nested_pipeline_behind_a_handle_is_handed_the_call_down_too) {
    provider.fails(fault_kind::throttled).gives(7);
    guarded<int()> const inner = pipeline{gate("b")}.wrap(provider);
    guarded<int()> const outer = pipeline{gate("a", asks({1s}))}.wrap(inner);
    guarded<int()> const outermost = pipeline{}.wrap(outer);
    EXPECT_EQ(sim.run(outermost(c)), 7);
    EXPECT_EQ(t.lines(), (lines{"a in", "b in", "b failed throttled", "a failed throttled, again", "b in",
                                "b succeeded", "a succeeded"}));
    EXPECT_EQ(c.log().size(), 2U);
}

TEST_F(walk, nested_pipelines_share_one_deadline) {
    provider.never().times(0);
    call short_one{key{"test", 1}, 30s};
    auto const begin = sim.time.now();
    auto const ask = pipeline{gate("a", asks({1s, 1s, 1s}))}.wrap(pipeline{gate("b")}.wrap(provider));
    EXPECT_EQ(sim.run(ask.try_call(short_one)).error().kind(), fault_kind::timed_out);
    EXPECT_EQ(sim.time.now(), begin + 30s);
    EXPECT_EQ(provider.sends(), 1);
}

TEST_F(walk, limits_waits_and_the_providers_key_reach_a_nested_pipeline) {
    provider.fails(fault_kind::throttled).gives(7);
    retry const outer{{.schedule = coffer::backoff{growth::constant, jitter::none, 2s, 2s}, .attempt_timeout = 10s}};
    auto const ask = pipeline{outer}.wrap(pipeline{gate("b")}.wrap(provider));
    EXPECT_EQ(sim.run(ask(c)), 7);
    EXPECT_EQ(c.log()[1].waited, 2s);
    auto const seen = provider.seen();
    EXPECT_EQ(seen[0].deadline - seen[0].at, 10s);
    EXPECT_EQ(seen[1].deadline - seen[1].at, 10s);
    EXPECT_EQ(seen[0].provider_key, seen[1].provider_key);
}

TEST_F(walk, retries_do_not_multiply_through_nested_pipelines) {
    provider.fails(fault_kind::throttled).times(0);
    auto const ask = pipeline{retry{{.attempts = 4}}}.wrap(pipeline{retry{{.attempts = 4}}}.wrap(provider));
    EXPECT_EQ(sim.run(ask.try_call(c)).error().stop(), stop_reason::attempts_spent);
    EXPECT_EQ(provider.sends(), 4);

    scripted_operation<int> unsure;
    unsure.fails(fault_kind::ambiguous).times(0);
    auto const twice = pipeline{retry{}, scripted_layer{1}, retry{}}.wrap(unsure);
    EXPECT_EQ(sim.run(twice.try_call(c)).error().stop(), stop_reason::sends_spent);
    EXPECT_EQ(unsure.sends(), 2);
}

TEST_F(walk, an_inner_retry_leaves_an_outer_one_what_is_left) {
    provider.fails(fault_kind::throttled).times(3).gives(7);
    auto const ask = pipeline{retry{{.attempts = 4}}}.wrap(pipeline{retry{{.attempts = 2}}}.wrap(provider));
    EXPECT_EQ(sim.run(ask(c)), 7);
    EXPECT_EQ(provider.sends(), 4);
}

TEST_F(walk, an_empty_pipeline_is_one) {
    provider.gives(7);
    EXPECT_EQ(sim.run(pipeline{}.wrap(provider)(c)), 7);
    EXPECT_EQ(c.log().size(), 1U);
}

}  // namespace
}  // namespace walk_test
