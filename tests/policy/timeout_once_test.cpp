// SPDX-License-Identifier: BSL-1.0
// A timeout and a journal: what was permitted is paid for, so nothing is cut off or left behind; and nobody pays twice.
#include <coffer/call/pipeline.hpp>
#include <coffer/policy/once.hpp>
#include <coffer/policy/retry.hpp>
#include <coffer/policy/timeout.hpp>
#include <coffer/store/memory.hpp>

#include "policy/support/foreign.hpp"
#include "support/scripted_gate.hpp"
#include "support/simulation.hpp"

#include <gtest/gtest.h>

#include <memory>
#include <string>

namespace timeout_once_test {
namespace {

using namespace coffer;
using namespace std::chrono_literals;
using support::asks_foreign;
using support::foreign;
using support::manners;

/// Waits for what never comes, until the deadline that it sees.
struct closed_gate {
    struct ticket {
        verdict settle(attempt_end const&, attempt&) noexcept { return verdict::done(); }
    };
    admission try_enter(attempt&, slot<ticket>& s) const {
        if (!*open) return admission::wait();
        s.emplace();
        return admission::in();
    }
    awaitable<outcome<void>> enter(attempt& a, slot<ticket>&) const {
        co_await wait_until(a.of().service(), a.of().deadline());
        co_return failed(fault_kind::deadline_exceeded, "its turn did not come");
    }
    std::shared_ptr<bool> open = std::make_shared<bool>(false);
};

class timeout_once : public ::testing::Test {
protected:
    support::simulation sim;
    memory_store db;
    foreign op;
    support::tape t;
    time_point begin = sim.time.now();
    std::string prompt = "hello";

    /// Until the call has ended, but not until the flight has.
    outcome<std::string> ask(asks_foreign const& with, call& c) {
        begin = sim.time.now();
        auto const r = sim.start(with.try_call(c, prompt));
        sim.time.run_for(0s);
        for (int guard = 0; !r.over() && guard < 10'000'000; ++guard) sim.time.run_for(1ms);
        return r.get();
    }
    outcome<std::string> ask(asks_foreign const& with, duration deadline = 1h) {
        call c{key{"test", 1}, deadline};
        return ask(with, c);
    }
    [[nodiscard]] duration took() const { return sim.time.now() - begin; }
    static support::gate_script waits(duration d) {
        support::gate_script s;
        s.entries.push_back({support::entry::kind::wait, d, {}});
        return s;
    }
};

// Inside `once` ---------------------------------------------------------------------------------------------------------------

TEST_F(timeout_once, inside_a_send_has_the_limit_as_its_own_timeout) {
    op.then(manners::listens, 1h);
    auto const why = ask(pipeline{once{db}, timeout{30s}}.wrap(op)).error();
    EXPECT_EQ(took(), 30s) << "cut off by the journal, which knows of it, as at any attempt's timeout";
    EXPECT_EQ(op.sends().at(0).timeout, 30s);
    EXPECT_TRUE(op.sends().at(0).cancelled);
    EXPECT_EQ(why.kind(), fault_kind::timed_out);
    EXPECT_EQ(why.billing(), knowledge::maybe);
}

TEST_F(timeout_once, inside_no_timeout_is_made_longer) {
    op.otherwise(manners::listens, 0s);
    EXPECT_TRUE(ask(pipeline{once{db}, timeout{1h}}.wrap(op)));
    EXPECT_EQ(op.sends().back().timeout, duration{defaults::attempt_timeout});
    call other{key{"test", 2}};
    EXPECT_TRUE(ask(pipeline{once{db}, retry{{.attempt_timeout = 10s}}, timeout{30s}}.wrap(op), other));
    EXPECT_EQ(op.sends().back().timeout, 10s);
}

TEST_F(timeout_once, inside_a_permitted_send_is_waited_for_to_its_end) {
    op.then(manners::listens, 25s);
    auto const wrapped = pipeline{once{db}, timeout{30s}, support::waiting_gate{t, "w", waits(20s)}}.wrap(op);
    EXPECT_EQ(ask(wrapped), "answer to hello");
    EXPECT_EQ(took(), 45s) << "30 s are over, and the send is paid for";
    EXPECT_FALSE(op.sends().at(0).cancelled);
    EXPECT_EQ(ask(wrapped), "answer to hello");
    EXPECT_EQ(op.count(), 1) << "and kept";
}

TEST_F(timeout_once, inside_waits_end_in_time_and_nothing_is_owed) {
    closed_gate const gate;
    auto const wrapped = pipeline{once{db, {.max_sends = 1}}, timeout{30s}, gate}.wrap(op);
    auto const why = ask(wrapped).error();
    EXPECT_EQ(took(), 30s);
    EXPECT_EQ(why.kind(), fault_kind::timed_out);
    EXPECT_EQ(why.code(), "timeout");
    EXPECT_EQ(why.billing(), knowledge::no);
    EXPECT_EQ(op.count(), 0);
    *gate.open = true;
    op.then(manners::listens, 1s);
    EXPECT_TRUE(ask(wrapped)) << "the key is free, and its one send is left";
}

TEST_F(timeout_once, inside_no_sleep_begins_that_ends_too_late_and_no_send) {
    op.then(manners::listens, 1s, fault{fault_kind::overloaded})
        .then(manners::listens, 20s, fault{fault_kind::overloaded});
    retry const steady{{.schedule = backoff{growth::constant, jitter::none, 10s, 10s}}};
    auto const why = ask(pipeline{once{db}, timeout{30s}, steady}.wrap(op)).error();
    EXPECT_EQ(op.count(), 2);
    EXPECT_EQ(took(), 31s) << "the second one ended after the limit, and no third one begins";
    EXPECT_EQ(why.kind(), fault_kind::overloaded);
    EXPECT_EQ(why.stop(), stop_reason::deadline);
}

TEST_F(timeout_once, inside_callers_leave_at_their_deadline_and_the_deaf_send_is_brought_home) {
    op.then(manners::deaf, 2min);
    auto const wrapped = pipeline{once{db}, timeout{30s}}.wrap(op);
    auto const why = ask(wrapped, 40s).error();
    EXPECT_EQ(took(), 40s);
    EXPECT_EQ(why.kind(), fault_kind::deadline_exceeded);
    EXPECT_EQ(why.billing(), knowledge::maybe);
    sim.time.run();
    EXPECT_EQ(op.running(), 0);
    EXPECT_EQ(ask(wrapped), "answer to hello") << "of a send that nobody could cut off";
    EXPECT_EQ(op.count(), 1);
}

TEST_F(timeout_once, inside_without_a_key_it_leaves_behind_as_ever) {
    op.then(manners::deaf, 2min);
    auto c = call::unkeyed();
    auto const why = ask(pipeline{once{db}, timeout{30s}}.wrap(op), c).error();
    EXPECT_EQ(took(), 30s);
    EXPECT_EQ(why.code(), "timeout");
    EXPECT_EQ(op.running(), 1);
}

TEST_F(timeout_once, what_a_timeout_says_is_not_kept_under_the_key) {
    op.then(manners::listens, 1h).then(manners::listens, 1s);
    auto const wrapped = pipeline{once{db}, timeout{30s}}.wrap(op);
    EXPECT_FALSE(ask(wrapped));
    EXPECT_TRUE(ask(wrapped));
    EXPECT_EQ(op.count(), 2);
}

TEST_F(timeout_once, inside_a_limited_gate_does_the_same_for_a_transport_that_keeps_to_it) {
    op.then(manners::polite, 1h);
    auto const why = ask(pipeline{once{db}, retry{{.attempts = 1, .attempt_timeout = 30s}}}.wrap(op)).error();
    EXPECT_EQ(took(), 30s);
    EXPECT_EQ(why.kind(), fault_kind::timed_out);
}

// Around `once` ---------------------------------------------------------------------------------------------------------------

TEST_F(timeout_once, around_it_the_caller_leaves_and_the_permitted_send_goes_on) {
    for (auto const how : {manners::listens, manners::deaf}) {
        call c{key{"test", static_cast<int>(how)}};
        op.then(how, 2min);
        auto const wrapped = pipeline{timeout{30s}, once{db}}.wrap(op);
        auto const sends = op.count();
        auto const why = ask(wrapped, c).error();
        EXPECT_EQ(took(), 30s);
        EXPECT_EQ(why.kind(), fault_kind::timed_out);
        EXPECT_EQ(why.code(), "timeout");
        EXPECT_EQ(why.billing(), knowledge::maybe);
        EXPECT_EQ(op.running(), 1);
        EXPECT_FALSE(op.sends().back().cancelled);
        sim.time.run();
        EXPECT_EQ(ask(wrapped, c), "answer to hello");
        EXPECT_EQ(c.origin(), answer_origin::replayed) << "what the journal says of the call is seen through it";
        EXPECT_TRUE(c.stored());
        EXPECT_EQ(op.count(), sends + 1);
    }
}

TEST_F(timeout_once, around_it_one_impatient_caller_harms_no_other) {
    op.then(manners::listens, 2min);
    asks_foreign const impatient = pipeline{timeout{30s}, once{db}}.wrap(op);
    asks_foreign const patient = pipeline{once{db}}.wrap(op);
    call one{key{"test", 1}}, two{key{"test", 1}};
    auto const a = sim.start(impatient.try_call(one, prompt));
    auto const b = sim.start(patient.try_call(two, prompt));
    sim.time.run();
    EXPECT_EQ(a.get().error().code(), "timeout");
    EXPECT_EQ(b.get(), "answer to hello");
    EXPECT_EQ(op.count(), 1);
}

}  // namespace
}  // namespace timeout_once_test
