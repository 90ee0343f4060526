// SPDX-License-Identifier: BSL-1.0
// The circuit breaker as calls meet it, in virtual time: what it refuses and says, whose ends count, what is given back.
// (Its states: tests/state/breaker_test.cpp. Many calls at once: circuit_breaker_simulation_test.cpp.)
#include <coffer/base/disposition.hpp>
#include <coffer/call/guarded.hpp>
#include <coffer/call/pipeline.hpp>
#include <coffer/policy/circuit_breaker.hpp>
#include <coffer/policy/once.hpp>
#include <coffer/policy/retry.hpp>
#include <coffer/store/memory.hpp>
#include <coffer/testing/scripted_operation.hpp>

#include "policy/support/contexts.hpp"
#include "support/scripted_gate.hpp"
#include "support/simulation.hpp"

#include <gtest/gtest.h>

#include <atomic>
#include <functional>
#include <memory>
#include <optional>
#include <sstream>
#include <stdexcept>
#include <string>
#include <system_error>
#include <utility>
#include <vector>

namespace circuit_breaker_test {
namespace {

using namespace coffer;
using namespace std::chrono_literals;
using coffer::testing::scripted_operation;
using options = circuit_breaker_options;
using state = circuit_state;
using support::entry;
using support::simulation;
using lines = std::vector<std::string>;

circuit_breaks exactly(duration first) { return {.first = first, .longest = 1h, .jittered = false}; }

class circuit : public ::testing::Test {
protected:
    simulation sim;
    support::tape t;
    scripted_operation<int> provider;
    call c{key{"test", 1}, 1h};

    outcome<int> ask(circuit_breaker const& b) { return sim.run(pipeline{b}.wrap(provider).try_call(c)); }
    /// Opens it: to be made with in_a_row = 1.
    void open(circuit_breaker const& b, fault why = fault{fault_kind::overloaded}) {
        scripted_operation<int> op;
        op.fails(std::move(why));
        (void)sim.run(pipeline{b}.wrap(op).try_call(c));
        ASSERT_EQ(b.status().state, state::open);
    }
    /// Waits until probes are let in.
    void sit_out(circuit_breaker const& b) { sim.time.run_for(b.status().left.value()); }
    /// How many probes succeed before it is closed; they are to be let in.
    int recover(circuit_breaker const& b) {
        int n = 0;
        for (; b.status().state != state::closed && n < 100; ++n) {
            scripted_operation<int> op;
            op.gives(n);
            EXPECT_EQ(sim.run(pipeline{b}.wrap(op).try_call(c)), n);
        }
        return n;
    }
    static support::gate_script first(entry::kind what, duration d = {}) {
        support::gate_script s;
        s.entries.push_back({what, d, fault_kind::queue_full});
        return s;
    }
};

// What it is for ------------------------------------------------------------------------------------------------------------

TEST_F(circuit, that_fails_too_often_opens_and_refuses_without_sending) {
    circuit_breaker const b{{.in_a_row = 3, .breaks = exactly(8s)}};
    provider.fails(fault{fault_kind::overloaded}.with_status(529)).after(2s).times(0);
    for (int i = 0; i < 3; ++i) EXPECT_EQ(ask(b).error().kind(), fault_kind::overloaded);
    sim.time.run_for(5s);
    auto const before = sim.time.now();
    auto const why = ask(b).error();
    EXPECT_EQ(provider.sends(), 3);
    EXPECT_EQ(sim.time.now(), before) << "at once";
    EXPECT_EQ(why.kind(), fault_kind::circuit_open);
    EXPECT_EQ(why.execution(), knowledge::no);
    EXPECT_EQ(why.billing(), knowledge::no);
    EXPECT_EQ(why.retry_after(), 3s) << "the time left of the break";
    EXPECT_EQ(why.code(), "open");
    EXPECT_EQ(why.message(), "the circuit is open: 3 failures in a row, the last one overloaded, status 529");
    EXPECT_TRUE(c.log().empty());
    EXPECT_EQ(c.cost(), money{});

    auto const advice = disposition(why);
    EXPECT_EQ(advice.action, queue_action::retry_after);
    EXPECT_EQ(advice.delay, 3s);
}

TEST_F(circuit, whose_hint_is_kept_comes_back_at_the_right_time) {
    circuit_breaker const b{{.in_a_row = 1, .probes = 1, .breaks = exactly(8s)}};
    open(b);
    auto const hint = ask(b).error().retry_after().value();
    sim.time.run_for(hint - 1ns);
    EXPECT_EQ(ask(b).error().retry_after(), 1ns);
    sim.time.run_for(1ns);
    provider.gives(7);
    EXPECT_EQ(ask(b), 7);
    EXPECT_EQ(b.status().state, state::closed);
}

TEST_F(circuit, half_open_lets_its_probes_through_and_no_herd) {
    circuit_breaker const b{{.in_a_row = 1, .probes = 3, .breaks = exactly(8s)}};
    open(b);
    sit_out(b);
    provider.gives(7).after(30s).times(0);
    auto const wrapped = pipeline{b}.wrap(provider);
    std::vector<std::unique_ptr<call>> calls;
    std::vector<support::running<outcome<int>>> all;
    for (int i = 0; i < 100; ++i) {
        calls.push_back(std::make_unique<call>(key{"test", i}));
        all.push_back(sim.start(wrapped.try_call(*calls.back())));
    }
    sim.time.run_for(1s);
    EXPECT_EQ(provider.most_in_flight(), 3);
    auto const why = all.back().get().error();
    EXPECT_EQ(why.retry_after(), 8s);
    EXPECT_EQ(why.code(), "half_open");
    EXPECT_EQ(why.message(), "the circuit is half open: 3 probes are under way");
    EXPECT_EQ(b.status().probes_under_way, 3);
    sim.time.run();
    EXPECT_EQ(provider.sends(), 3);
    EXPECT_EQ(b.status().state, state::closed);
    EXPECT_EQ(sim.run(wrapped.try_call(c)), 7);
}

TEST_F(circuit, whose_probe_fails_is_left_alone_for_longer) {
    circuit_breaker const b{{.in_a_row = 1, .breaks = exactly(8s)}};
    open(b);
    sit_out(b);
    provider.fails(fault{fault_kind::ambiguous}.with_status(502)).times(0);
    EXPECT_EQ(ask(b).error().kind(), fault_kind::ambiguous) << "the probe's own end, not the breaker's words";
    auto const why = ask(b).error();
    EXPECT_EQ(why.retry_after(), 16s);
    EXPECT_EQ(why.message(), "the circuit is open: a probe failed: ambiguous, status 502");
    EXPECT_EQ(b.status().opened, 2U);
}

TEST_F(circuit, of_a_slow_provider_opens_if_somebody_says_what_is_slow) {
    circuit_breaker const b{{.minimum = 2, .slow_after = 30s, .breaks = exactly(8s)}};
    provider.gives(7).after(30s).times(2).gives(7).after(31s).times(0);
    for (int i = 0; i < 4; ++i) EXPECT_EQ(ask(b), 7);
    EXPECT_EQ(ask(b).error().message(), "the circuit is open: 2 of the last 4 attempts took longer than 30.000s");
    sit_out(b);
    EXPECT_EQ(ask(b), 7);
    EXPECT_EQ(ask(b).error().message(), "the circuit is open: a probe took longer than 30.000s");
}

TEST_F(circuit, time_that_an_attempt_waits_further_in_is_not_the_providers) {
    circuit_breaker const b{{.minimum = 1, .slow_after = 30s}};
    provider.gives(7).after(20s);
    auto const ask = pipeline{b, support::waiting_gate{t, "g", first(entry::kind::wait, 5min)}}.wrap(provider);
    EXPECT_EQ(sim.run(ask(c)), 7);
    EXPECT_EQ(b.status().state, state::closed);
}

TEST_F(circuit, windows_are_of_time) {
    circuit_breaker const b{{.in_a_row = 0, .minimum = 4}};
    provider.fails(fault_kind::overloaded).times(0);
    for (int i = 0; i < 20; ++i) {
        EXPECT_EQ(ask(b).error().kind(), fault_kind::overloaded);
        sim.time.run_for(45s);  // so that there are three in any two minutes
    }
    for (int i = 0; i < 3; ++i) (void)ask(b);
    EXPECT_EQ(ask(b).error().code(), "open");
}

// Whose ends count ------------------------------------------------------------------------------------------------------------

TEST_F(circuit, counts_the_kinds_that_the_table_says) {
    for (std::size_t i = 0; i < fault_kind_count; ++i) {
        auto const kind = static_cast<fault_kind>(i);
        bool const counts = row(kind).breaker == breaker_effect::failure;
        circuit_breaker const b{{.in_a_row = 2, .probes = 1}};
        provider.fails(kind).times(2);
        (void)ask(b);
        EXPECT_EQ(b.status().in_a_row, counts ? 1 : 0) << kind;
        (void)ask(b);
        EXPECT_EQ(b.status().state, counts ? state::open : state::closed) << kind;

        // The same of a probe: what does not count leaves its place to another.
        circuit_breaker const probing{{.in_a_row = 1, .probes = 1}};
        open(probing);
        sit_out(probing);
        provider.fails(kind);
        (void)ask(probing);
        EXPECT_EQ(probing.status().state, counts ? state::open : state::half_open) << kind;
        if (counts) continue;
        EXPECT_EQ(probing.status().probes_under_way, 0) << kind;
        EXPECT_EQ(recover(probing), 1) << kind;
    }
}

TEST_F(circuit, throttling_neither_counts_nor_breaks_a_row) {
    circuit_breaker const b{{.in_a_row = 3}};
    provider.fails(fault_kind::throttled).times(50);
    for (int i = 0; i < 50; ++i) (void)ask(b);
    EXPECT_EQ(b.status().state, state::closed);
    EXPECT_EQ(b.status().tally, (breaker_tally{}));
    for (int i = 0; i < 3; ++i) {
        provider.fails(fault_kind::ambiguous).fails(fault_kind::throttled);
        (void)ask(b);
        if (i < 2) (void)ask(b);
    }
    EXPECT_EQ(b.status().state, state::open);
}

TEST_F(circuit, exceptions_count_by_what_they_prove) {
    circuit_breaker const b{{.in_a_row = 2}};
    provider.throws(std::runtime_error{"a defect of the program"}).times(5);
    for (int i = 0; i < 5; ++i) (void)ask(b);
    EXPECT_EQ(b.status().state, state::closed);
    provider.throws(std::system_error{make_error_code(std::errc::connection_refused)}).times(2);
    for (int i = 0; i < 2; ++i) (void)ask(b);
    EXPECT_EQ(b.status().state, state::open);
}

TEST_F(circuit, an_attempt_that_runs_out_of_time_counts) {
    circuit_breaker const b{{.in_a_row = 1}};
    provider.never();
    auto const why = ask(b).error();
    EXPECT_EQ(why.kind(), fault_kind::timed_out);
    EXPECT_EQ(b.status().state, state::open);
}

TEST_F(circuit, a_hint_of_the_provider_is_a_floor_of_the_break) {
    circuit_breaker const b{{.in_a_row = 1, .probes = 1, .breaks = exactly(8s)}};
    open(b, fault{fault_kind::overloaded}.with_retry_after(60s));
    auto const hint = ask(b).error().retry_after().value();
    EXPECT_GE(hint, 60s);
    EXPECT_LT(hint, 75s) << "spread upwards";
    circuit_breaker const patient{{.in_a_row = 1, .breaks = exactly(8s), .hint_ceiling = 20s}};
    open(patient, fault{fault_kind::quota_exhausted}.with_retry_after(72h));
    EXPECT_LT(ask(patient).error().retry_after(), 25s) << "nobody is refused for days on one answer's word";
}

TEST_F(circuit, one_seed_is_one_break_and_breaks_are_spread) {
    auto const breaks = [](std::uint64_t seed) {
        simulation s{seed};
        circuit_breaker const b{{.in_a_row = 1}};
        std::vector<duration> list;
        for (int i = 0; i < 8; ++i) {
            scripted_operation<int> op;
            op.fails(fault_kind::overloaded);
            (void)s.run(pipeline{b}.wrap(op).try_call(call::unkeyed()));
            list.push_back(b.status().left.value());
            s.time.run_for(list.back());
        }
        return list;
    };
    EXPECT_EQ(breaks(5), breaks(5));
    EXPECT_NE(breaks(5), breaks(6));
    EXPECT_GE(breaks(5).front(), 5s);
    EXPECT_LT(breaks(5).front(), 10s);
    EXPECT_LT(breaks(5).back(), 30s);
    EXPECT_GT(breaks(5).back(), 15s);
}

TEST_F(circuit, a_break_of_next_to_nothing_is_a_break_like_others) {
    circuit_breaker const b{{.in_a_row = 1, .breaks = {.first = 1ns, .longest = 1ns}}};
    provider.fails(fault_kind::overloaded).times(0);
    for (int i = 0; i < 100; ++i) {
        EXPECT_EQ(ask(b).error().kind(), fault_kind::overloaded);
        EXPECT_EQ(ask(b).error().retry_after(), 1ns);
        sim.time.run_for(1ns);
    }
}

// Earlier epochs ----------------------------------------------------------------------------------------------------------------

TEST_F(circuit, late_ends_neither_open_nor_close_it) {
    circuit_breaker const b{{.in_a_row = 3, .probes = 1, .breaks = exactly(8s)}};
    scripted_operation<int> slow;
    slow.fails(fault_kind::timed_out).after(60s);  // ends long after it has closed again
    slow.gives(1).after(5s);  // ends while it is open
    slow.fails(fault_kind::ambiguous).after(10s);  // ends while the probe is under way
    slow.gives(1).after(11s);  // the same, well
    auto const ask_slowly = pipeline{b}.wrap(slow);
    std::vector<std::unique_ptr<call>> calls;
    std::vector<support::running<outcome<int>>> late;
    for (int i = 0; i < 4; ++i) {
        calls.push_back(std::make_unique<call>(key{"late", i}));
        late.push_back(sim.start(ask_slowly.try_call(*calls.back())));
    }
    sim.time.run_for(1ns);
    scripted_operation<int> failing;
    failing.fails(fault_kind::overloaded).times(3);
    for (int i = 0; i < 3; ++i) {
        auto const r = sim.start(pipeline{b}.wrap(failing).try_call(c));
        sim.time.run_for(0ns);
        EXPECT_FALSE(r.get());
    }
    ASSERT_EQ(b.status().state, state::open);
    sim.time.run_for(6s);
    EXPECT_TRUE(late[1].over());
    EXPECT_EQ(b.status().state, state::open) << "a success of before does not close it";
    sim.time.run_for(3s);

    provider.gives(7).after(20s);
    auto const probe = sim.start(pipeline{b}.wrap(provider).try_call(c));
    sim.time.run_for(5s);
    EXPECT_TRUE(late[2].over() && late[3].over());
    EXPECT_EQ(b.status().state, state::half_open)
        << "a failure of before does not open it, a success does not close it";
    EXPECT_EQ(b.status().probes_under_way, 1) << "and they give back no place that they have not taken";
    EXPECT_EQ(b.status().probes_succeeded, 0);
    sim.time.run_for(20s);
    EXPECT_EQ(probe.get(), 7);
    EXPECT_EQ(b.status().state, state::closed);
    EXPECT_FALSE(late[0].over());
    sim.time.run();
    EXPECT_EQ(late[0].get().error().kind(), fault_kind::timed_out);
    EXPECT_EQ(b.status().in_a_row, 0) << "it counts only what began after it had closed";
}

// What is given back ------------------------------------------------------------------------------------------------------------

TEST_F(circuit, a_probe_whose_caller_leaves_is_given_back) {
    circuit_breaker const b{{.in_a_row = 1, .probes = 1}};
    open(b);
    sit_out(b);
    for (int i = 0; i < 20; ++i) {
        provider.never();
        auto const r = sim.start(pipeline{b}.wrap(provider).try_call(c));
        sim.cancel_after(1s, r);
        sim.time.run_for(2s);
        EXPECT_EQ(r.get().error().kind(), fault_kind::cancelled);
    }
    EXPECT_EQ(provider.sends(), 20);
    EXPECT_EQ(b.status().state, state::half_open);
    EXPECT_EQ(recover(b), 1);
}

TEST_F(circuit, a_probe_that_is_refused_further_in_is_given_back) {
    for (auto const what : {entry::kind::refuse, entry::kind::fall_over, entry::kind::wait_refuse, entry::kind::wait,
                            entry::kind::wait_grant}) {
        circuit_breaker const b{{.in_a_row = 1, .probes = 1}};
        open(b);
        sit_out(b);
        auto const sends = provider.sends();
        for (int i = 0; i < 20; ++i) {
            auto const ask = pipeline{b, support::waiting_gate{t, "g", first(what, 10s)}}.wrap(provider);
            auto const r = sim.start(ask.try_call(c));
            if (what == entry::kind::wait || what == entry::kind::wait_grant) sim.cancel_after(1s, r);
            sim.time.run_for(20s);
            EXPECT_FALSE(r.get());
        }
        EXPECT_EQ(provider.sends(), sends);
        EXPECT_EQ(b.status().probes_under_way, 0);
        EXPECT_EQ(recover(b), 1);
    }
}

TEST_F(circuit, a_call_that_is_too_late_to_begin_takes_no_probe) {
    circuit_breaker const b{{.in_a_row = 1, .probes = 1}};
    open(b);
    sit_out(b);
    call late{key{"test", 2}, sim.time.now() - 1s};
    EXPECT_EQ(sim.run(pipeline{b}.wrap(provider).try_call(late)).error().kind(), fault_kind::deadline_exceeded);
    EXPECT_EQ(b.status().state, state::open);
    EXPECT_EQ(recover(b), 1);
}

TEST_F(circuit, a_probe_whose_call_runs_out_of_time_at_a_gate_further_in_is_given_back) {
    circuit_breaker const b{{.in_a_row = 1, .probes = 1}};
    open(b);
    sit_out(b);
    call soon{key{"test", 2}, 5s};
    auto const ask = pipeline{b, support::waiting_gate{t, "g", first(entry::kind::wait, 10s)}}.wrap(provider);
    EXPECT_EQ(sim.run(ask.try_call(soon)).error().kind(), fault_kind::deadline_exceeded);
    EXPECT_EQ(recover(b), 1);
}

TEST(circuit_contexts, a_probe_whose_context_goes_is_given_back) {
    support::contexts all{2};
    circuit_breaker const b{{.in_a_row = 1, .probes = 1, .breaks = exactly(8s)}};
    scripted_operation<int> provider;
    provider.fails(fault_kind::overloaded).never().gives(7);
    auto const ask = pipeline{b}.wrap(provider);
    call one{key{"test", 1}};
    call other{key{"test", 2}};
    auto const first = support::start<outcome<int>, asio::any_io_executor>(all.executor(0), ask.try_call(one));
    all.run_for(8s);
    auto const probe = support::start<outcome<int>, asio::any_io_executor>(all.executor(0), ask.try_call(one));
    all.run_for(1s);
    EXPECT_EQ(b.status().probes_under_way, 1);
    all.destroy(0);
    EXPECT_EQ(b.status().probes_under_way, 0);
    auto const next = support::start<outcome<int>, asio::any_io_executor>(all.executor(1), ask.try_call(other));
    all.run();
    EXPECT_EQ(next.get(), 7);
    EXPECT_EQ(b.status().state, state::closed);
}

TEST_F(circuit, a_probe_that_never_ends_keeps_nobody_out_for_ever) {
    circuit_breaker const b{{.in_a_row = 1, .probes = 1, .breaks = exactly(20s)}};
    open(b);
    sit_out(b);
    provider.never().stubborn().gives(7);
    auto const wrapped = pipeline{retry{{.attempts = 1, .attempt_timeout = 10s}}, b}.wrap(provider);
    call stuck{key{"test", 2}, 1h};
    auto const r = sim.start(wrapped.try_call(stuck));
    sim.time.run_for(1s);
    EXPECT_EQ(sim.run(wrapped.try_call(c)).error().retry_after(), 19s) << "twice the time that an attempt may take";
    sim.time.run_for(19s);
    EXPECT_EQ(sim.run(wrapped.try_call(c)), 7);
    EXPECT_EQ(b.status().state, state::closed);
    EXPECT_FALSE(r.over());
    r.cancel();
    sim.time.run();
    EXPECT_TRUE(r.over());
    EXPECT_EQ(b.status().state, state::closed);
}

// In company --------------------------------------------------------------------------------------------------------------------

TEST_F(circuit, inside_retry_it_sees_every_attempt_and_ends_the_storm) {
    circuit_breaker const b{{.in_a_row = 2, .breaks = exactly(1min)}};
    provider.fails(fault_kind::ambiguous).times(0);
    auto const ask = pipeline{retry{{.attempts = 9, .max_sends = 9}}, b}.wrap(provider);
    auto const why = sim.run(ask.try_call(c)).error();
    EXPECT_EQ(provider.sends(), 2);
    EXPECT_EQ(why.kind(), fault_kind::circuit_open) << "retry does not try the same target again";
    EXPECT_EQ(why.billing(), knowledge::maybe) << "but what is known of the attempts before stays true";
    EXPECT_LE(why.retry_after(), 55s) << "from now";
    EXPECT_EQ(c.log().size(), 2U);
}

TEST_F(circuit, outside_retry_it_sees_only_the_last_end) {
    circuit_breaker const b{{.in_a_row = 2}};
    provider.fails(fault_kind::overloaded).times(3).gives(7).fails(fault_kind::overloaded).times(0);
    auto const ask = pipeline{b, retry{}}.wrap(provider);
    EXPECT_EQ(sim.run(ask(c)), 7);
    EXPECT_EQ(b.status().in_a_row, 0);
    EXPECT_FALSE(sim.run(ask.try_call(c)));
    EXPECT_EQ(b.status().in_a_row, 1);
}

TEST_F(circuit, what_fails_further_in_and_is_not_sent_tells_nothing_of_the_provider) {
    // A limiter, say, whose own server is down.
    circuit_breaker const b{{.in_a_row = 1}};
    support::gate_script down;
    down.entries.push_back({entry::kind::refuse, {}, fault_kind::overloaded});
    auto const ask = pipeline{b, support::plain_gate{t, "g", down}}.wrap(provider);
    EXPECT_EQ(sim.run(ask.try_call(c)).error().kind(), fault_kind::overloaded);
    EXPECT_EQ(b.status().state, state::closed);
}

TEST_F(circuit, around_another_pipelines_breaker_its_refusals_are_neutral) {
    circuit_breaker const inner{{.in_a_row = 1, .breaks = exactly(8s)}};
    circuit_breaker const outer{{.in_a_row = 2}};
    provider.fails(fault_kind::overloaded);
    guarded<int()> const ask_inner = pipeline{inner}.wrap(provider);
    auto const ask = pipeline{outer}.wrap(ask_inner);
    for (int i = 0; i < 50; ++i) EXPECT_FALSE(sim.run(ask.try_call(c)));
    EXPECT_EQ(provider.sends(), 1);
    EXPECT_EQ(outer.status().in_a_row, 1);
    EXPECT_EQ(outer.status().state, state::closed);
}

TEST_F(circuit, what_is_paid_already_does_not_ask_it) {
    memory_store db;
    circuit_breaker const b{{.in_a_row = 1}};
    scripted_operation<std::string> op;
    op.gives("paid");
    auto const ask =
        pipeline{once{db}, b}.wrap(describe(op).fingerprint([] { return fingerprint{}.with("q", "what"); }));
    EXPECT_EQ(sim.run(ask(c)), "paid");
    open(b, fault{fault_kind::ambiguous});
    call again{key{"test", 1}};
    EXPECT_EQ(sim.run(ask(again)), "paid");
    EXPECT_EQ(again.origin(), answer_origin::replayed);
}

TEST_F(circuit, a_permitted_send_tells_its_end_when_its_caller_has_left) {
    memory_store db;
    circuit_breaker const b{{.in_a_row = 1, .probes = 1, .breaks = exactly(8s)}};
    open(b);
    sit_out(b);
    scripted_operation<std::string> op;
    op.gives("paid").after(30s);
    auto const ask =
        pipeline{once{db}, b}.wrap(describe(op).fingerprint([] { return fingerprint{}.with("q", "what"); }));
    call leaving{key{"test", 2}};
    auto const r = sim.start(ask.try_call(leaving));
    sim.cancel_after(1s, r);
    sim.time.run_for(2s);
    EXPECT_EQ(r.get().error().kind(), fault_kind::cancelled);
    EXPECT_EQ(b.status().probes_under_way, 1) << "it goes on, and so does the probe";
    sim.time.run();
    EXPECT_EQ(b.status().state, state::closed);
}

TEST_F(circuit, a_send_that_may_not_be_made_gives_the_probe_back) {
    memory_store db;
    circuit_breaker const b{{.in_a_row = 1, .probes = 1, .breaks = exactly(8s)}};
    scripted_operation<std::string> op;
    op.fails(fault_kind::ambiguous);
    auto const ask = pipeline{once{db, {.max_sends = 1}}, b}.wrap(
        describe(op).fingerprint([] { return fingerprint{}.with("q", "what"); }));
    EXPECT_FALSE(sim.run(ask.try_call(c)));
    ASSERT_EQ(b.status().state, state::open);
    sim.time.run_for(1h);
    call again{key{"test", 1}};
    EXPECT_EQ(sim.run(ask.try_call(again)).error().kind(), fault_kind::unresolved);
    EXPECT_EQ(op.sends(), 1);
    EXPECT_EQ(recover(b), 1);
}

// By hand -------------------------------------------------------------------------------------------------------------------------

TEST_F(circuit, isolated_by_hand_refuses_and_says_why) {
    circuit_breaker const b{{.probes = 1}};
    b.isolate("maintenance until noon");
    auto const why = ask(b).error();
    EXPECT_EQ(why.kind(), fault_kind::circuit_open);
    EXPECT_EQ(why.code(), "isolated");
    EXPECT_EQ(why.retry_after(), std::nullopt) << "nobody knows";
    EXPECT_EQ(why.message(), "the circuit was isolated by hand: maintenance until noon; close() or reset() ends that");
    sim.time.run_for(24h);
    EXPECT_EQ(ask(b).error().code(), "isolated");
    EXPECT_EQ(b.status().state, state::isolated);
    b.close();
    provider.gives(7).gives(8);
    EXPECT_EQ(ask(b), 7);
    b.isolate();
    EXPECT_EQ(ask(b).error().message(), "the circuit was isolated by hand; close() or reset() ends that");
    b.reset();
    EXPECT_EQ(ask(b), 8);
}

TEST_F(circuit, closed_by_hand_lets_in_at_once_and_reset_forgets_the_breaks) {
    circuit_breaker const b{{.in_a_row = 1, .breaks = exactly(8s)}};
    open(b);
    EXPECT_FALSE(ask(b));
    b.close();
    open(b);
    EXPECT_EQ(b.status().left, 16s);
    b.reset();
    EXPECT_EQ(b.status().opened, 0U);
    open(b);
    EXPECT_EQ(b.status().left, 8s);
}

TEST_F(circuit, shows_what_it_knows) {
    circuit_breaker const b{{.in_a_row = 3, .probes = 2, .breaks = exactly(8s)}};
    EXPECT_EQ(b.status().state, state::closed) << "also before the first call";
    provider.gives(1).fails(fault_kind::overloaded).times(3).gives(2);
    for (int i = 0; i < 3; ++i) (void)ask(b);
    auto s = b.status();
    EXPECT_EQ(s.in_a_row, 2);
    EXPECT_EQ(s.tally, (breaker_tally{3, 2, 0}));
    EXPECT_EQ(s.why, "");
    EXPECT_EQ(s.left, std::nullopt);
    (void)ask(b);
    sim.time.run_for(3s);
    s = b.status();
    EXPECT_EQ(s.state, state::open);
    EXPECT_EQ(s.left, 5s);
    EXPECT_EQ(s.why, "the circuit is open: 3 failures in a row, the last one overloaded");
    EXPECT_EQ(s.opened, 1U);
    sim.time.run_for(1h);
    EXPECT_EQ(b.status().left, 0s) << "the next attempt is a probe";
    (void)ask(b);
    s = b.status();
    EXPECT_EQ(s.state, state::half_open);
    EXPECT_EQ(s.probes_succeeded, 1);
}

// What it tells -------------------------------------------------------------------------------------------------------------------

TEST_F(circuit, changes_are_told_to_observers_with_their_reasons) {
    circuit_breaker const b{{.in_a_row = 2, .probes = 1, .breaks = exactly(8s)}};
    lines told;
    auto const begin = sim.time.now();
    auto const watch = [&](event const& e) {
        std::ostringstream out;
        out << std::chrono::duration_cast<std::chrono::seconds>(e.at - begin).count() << "s " << to_string(e.kind)
            << " " << e.attempt;
        if (e.why != nullptr) out << " " << e.why->kind();
        if (e.delay > 0s) out << " for " << e.delay / 1s << "s";
        if (!e.reason.empty()) out << ": " << e.reason;
        EXPECT_EQ(e.name_space, "test");
        told.push_back(out.str());
    };
    provider.fails(fault_kind::overloaded).times(3).gives(7).after(2s);
    auto const ask = pipeline{b}.observe(watch).wrap(provider);
    (void)sim.run(ask.try_call(c));
    (void)sim.run(ask.try_call(c));
    (void)sim.run(ask.try_call(c));
    sim.time.run_for(8s);
    (void)sim.run(ask.try_call(c));
    sim.time.run_for(16s);
    (void)sim.run(ask.try_call(c));
    EXPECT_EQ(told,
              (lines{"0s attempt_started 1", "0s attempt_ended 1 overloaded", "0s attempt_started 1",
                     "0s attempt_ended 1 overloaded", "0s circuit_opened 1 overloaded for 8s: failures in a row",
                     "0s attempt_refused 1 circuit_open", "8s circuit_half_open 1: break over", "8s attempt_started 1",
                     "8s attempt_ended 1 overloaded", "8s circuit_opened 1 overloaded for 16s: probe failed",
                     "24s circuit_half_open 1: break over", "24s attempt_started 1", "26s attempt_ended 1",
                     "26s circuit_closed 1: probes succeeded"}));
}

TEST_F(circuit, an_observer_may_use_the_breaker_that_tells_it) {
    circuit_breaker const b{{.in_a_row = 1, .probes = 1, .breaks = exactly(8s)}};
    std::vector<state> seen;
    std::function<void()> call_again;
    auto const watch = [&](event const& e) {
        if (e.reason.empty()) return;
        seen.push_back(b.status().state);
        if (e.kind == event_kind::circuit_opened) call_again();
        if (e.kind == event_kind::circuit_closed) b.isolate();
        throw std::runtime_error{"an observer that falls over"};
    };
    provider.fails(fault_kind::overloaded).gives(7);
    auto const ask = pipeline{b}.observe(watch).wrap(provider);
    std::optional<fault> nested;
    auto const other = [](auto wrapped, std::optional<fault>& out) -> awaitable<void> {
        auto mine = call::unkeyed();
        auto const end = co_await wrapped.try_call(mine);
        out = end.error();
    };
    call_again = [&] { sim.start(other(ask, nested)); };
    EXPECT_FALSE(sim.run(ask.try_call(c)));
    ASSERT_TRUE(nested);
    EXPECT_EQ(nested->kind(), fault_kind::circuit_open);
    sim.time.run_for(8s);
    EXPECT_EQ(sim.run(ask.try_call(c)), 7);
    EXPECT_EQ(seen, (std::vector{state::open, state::half_open, state::closed}));
    EXPECT_EQ(b.status().state, state::isolated);
}

TEST_F(circuit, a_refusal_names_the_target_and_nothing_that_the_provider_said) {
    circuit_breaker const b{{.in_a_row = 1}};
    provider.fails(fault{fault_kind::ambiguous, "key sk-123 of tenant Smith"}.with_code("sk-123").with_status(500));
    auto const ask = pipeline{b}.wrap(describe(provider).target([] { return target{"openai", "gpt-4o-mini"}; }));
    (void)sim.run(ask.try_call(c));
    auto const why = sim.run(ask.try_call(c)).error();
    EXPECT_EQ(why.message(),
              "the circuit of openai/gpt-4o-mini is open: one failure, ambiguous, "
              "status 500");
    EXPECT_EQ(b.status().why, why.message());
}

// A handle --------------------------------------------------------------------------------------------------------------------------

TEST_F(circuit, copies_share_what_they_know_and_others_do_not) {
    circuit_breaker const b{{.in_a_row = 2}};
    circuit_breaker const copy = b;
    provider.fails(fault_kind::overloaded).times(2).gives(7);
    (void)ask(b);
    (void)ask(copy);
    EXPECT_EQ(b.status().state, state::open);
    EXPECT_EQ(copy.status().state, state::open);
    EXPECT_EQ(ask(circuit_breaker{{.in_a_row = 2}}), 7);
}

TEST_F(circuit, copies_of_one_breaker_do_not_stand_in_one_pipeline) {
    circuit_breaker const b;
    EXPECT_THROW((void)(pipeline{b, retry{}, circuit_breaker{b}}.wrap(provider)), misuse);
    EXPECT_NO_THROW((void)(pipeline{b, retry{}, circuit_breaker{}}.wrap(provider)));
}

TEST_F(circuit, another_clock_is_refused) {
    circuit_breaker const b;
    provider.gives(1).gives(2);
    EXPECT_EQ(ask(b), 1);
    simulation elsewhere;
    EXPECT_THROW((void)elsewhere.run(pipeline{b}.wrap(provider).try_call(call::unkeyed())), std::logic_error);
    EXPECT_EQ(ask(b), 2) << "and the breaker is none the worse for it";
}

TEST(circuit_options, that_cannot_be_meant_are_refused_when_it_is_made) {
    EXPECT_THROW(circuit_breaker({.probes = 0}), std::invalid_argument);
    EXPECT_THROW(circuit_breaker({.window = breaker_window::calls(5)}), std::invalid_argument);
    EXPECT_NO_THROW(circuit_breaker());
}

/// Counts who asks for the time.
class counting_clock final : public clock {
public:
    counting_clock() : clock{1} {}
    [[nodiscard]] time_point now() const noexcept override {
        ++asked;
        return time_point{} + 1000h;
    }
    [[nodiscard]] wall_time_point wall_now() const noexcept override {
        ++asked;
        return {};
    }
    [[nodiscard]] bool begin_wait(std::shared_ptr<pending_wait> const&, time_point) override { return false; }
    mutable std::atomic<int> asked{0};
};

TEST(circuit_clock, it_asks_for_no_time_of_its_own) {
    auto const reads = [](auto const& policies, bool well) {
        asio::io_context io;
        auto const clock = std::make_shared<counting_clock>();
        clock_service::of(io.get_executor()).install(clock);
        auto const op = [well](attempt&) -> awaitable<outcome<int>> {
            if (well) co_return 1;
            co_return failed(fault_kind::overloaded);
        };
        auto const ask = policies.wrap(op);
        call c = call::unkeyed();
        for (int i = 0; i < 5; ++i) {
            auto const r = support::start<outcome<int>, asio::any_io_executor>(io.get_executor(), ask.try_call(c));
            io.restart();
            io.run();
            EXPECT_TRUE(r.over());
        }
        return clock->asked.load();
    };
    EXPECT_EQ(reads(pipeline{circuit_breaker{}}, true), reads(pipeline{}, true));
    EXPECT_EQ(reads(pipeline{circuit_breaker{}}, false), reads(pipeline{}, false));
    EXPECT_LT(reads(pipeline{circuit_breaker{{.in_a_row = 1}}}, false), reads(pipeline{}, false)) << "refusals";
}

}  // namespace
}  // namespace circuit_breaker_test
