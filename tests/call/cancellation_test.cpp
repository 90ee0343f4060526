// SPDX-License-Identifier: BSL-1.0
// The caller leaves: before, at a gate, in the operation, between attempts. (walk_model_test.cpp does it everywhere.)
#include <coffer/call/guarded.hpp>
#include <coffer/call/pipeline.hpp>
#include <coffer/policy/retry.hpp>
#include <coffer/testing/scripted_operation.hpp>

#include "support/scripted_gate.hpp"
#include "support/simulation.hpp"

#include <gtest/gtest.h>

#include <string>
#include <system_error>
#include <vector>

namespace cancellation_test {
namespace {

using namespace coffer;
using namespace std::chrono_literals;
using coffer::testing::scripted_operation;
using support::entry;
using support::simulation;
using lines = std::vector<std::string>;

class cancellation : public ::testing::Test {
protected:
    simulation sim;
    support::tape t;
    scripted_operation<int> provider;
    call c{key{"test", 1}, 1h};

    /// Runs a call whose caller leaves after `d`.
    template <class Ask>
    fault left_after(duration d, Ask const& ask) {
        auto const begin = sim.time.now();
        auto const r = sim.start(ask.try_call(c));
        sim.cancel_after(d, r);
        while (!r.over()) sim.time.run_for(1ms);
        EXPECT_LE(sim.time.now(), begin + d + 1ms) << "it ends at once";
        EXPECT_EQ(t.tickets_out(), 0);
        EXPECT_EQ(t.defects(), 0);
        return r.get().error();
    }
    static support::gate_script waits(entry::kind what, duration d) {
        support::gate_script s;
        s.entries.push_back({what, d, {}});
        return s;
    }
};

TEST_F(cancellation, before_the_call_begins_nothing_is_spent) {
    auto const ask = pipeline{support::plain_gate{t, "a"}}.wrap(provider);
    // By Asio's rule it is the caller's own co_await that throws; the call does not begin.
    auto const too_late = [](auto wrapped, call& mine) -> awaitable<bool> {
        co_await sleep_for(1h);
        try {
            co_await wrapped.try_call(mine);
        } catch (coffer::detail::asio_system_error const& e) {
            co_return e.code() == asio::error::operation_aborted;
        }
        co_return false;
    };
    auto const r = sim.start(too_late(ask, c));
    sim.cancel_after(1s, r);
    sim.time.run();
    EXPECT_TRUE(r.get());
    EXPECT_EQ(provider.sends(), 0);
    EXPECT_TRUE(t.lines().empty());
}

TEST_F(cancellation, in_the_operation_its_end_tells_what_is_known) {
    provider.never();
    auto const why = left_after(2s, pipeline{support::plain_gate{t, "a"}}.wrap(provider));
    EXPECT_EQ(why.kind(), fault_kind::cancelled);
    EXPECT_EQ(why.execution(), knowledge::maybe);
    EXPECT_EQ(why.billing(), knowledge::maybe);
    EXPECT_EQ(t.lines(), (lines{"a in", "a failed cancelled"}));
    ASSERT_EQ(c.log().size(), 1U);
    EXPECT_EQ(c.log()[0].billing, knowledge::maybe);
    EXPECT_EQ(c.cost(), std::nullopt);
}

TEST_F(cancellation, an_operation_that_knows_that_it_sent_nothing_is_believed) {
    // As a transport: cancelled while it connects.
    auto const connecting = [](attempt& a) -> awaitable<outcome<int>> {
        co_await wait_until(a.of().service(), time_point::max());
        co_return failed(fault_kind::not_sent);
    };
    auto const why = left_after(2s, pipeline{}.wrap(connecting));
    EXPECT_EQ(why.kind(), fault_kind::cancelled);
    EXPECT_EQ(why.execution(), knowledge::no);
    EXPECT_EQ(why.billing(), knowledge::no);
    EXPECT_EQ(c.cost(), money{});
}

TEST_F(cancellation, an_answer_that_came_all_the_same_is_kept) {
    auto const stubborn = [](attempt& a) -> awaitable<int> {
        co_await wait_until(a.of().service(), time_point::max());
        co_return 7;
    };
    auto const r = sim.start(pipeline{support::plain_gate{t, "a"}, retry{}}.wrap(stubborn).try_call(c));
    sim.cancel_after(1s, r);
    sim.time.run();
    EXPECT_EQ(r.get(), 7);
    EXPECT_EQ(t.lines(), (lines{"a in", "a succeeded"}));
}

TEST_F(cancellation, is_not_retried_whatever_a_rule_says) {
    provider.never().times(0);
    retry const stubborn{{.max_sends = 9}, [](fault const&, int) { return retry_decision::yes(); }};
    auto const why = left_after(2s, pipeline{stubborn}.wrap(provider));
    EXPECT_EQ(why.kind(), fault_kind::cancelled);
    EXPECT_EQ(provider.sends(), 1);
}

TEST_F(cancellation, between_attempts_the_sleep_ends_and_the_last_attempt_is_remembered) {
    provider.fails(fault_kind::ambiguous);
    retry const patient{{.schedule = coffer::backoff{growth::constant, jitter::none, 10s, 10s}}};
    auto const why =
        left_after(2s, pipeline{support::plain_gate{t, "a"}, patient, support::plain_gate{t, "b"}}.wrap(provider));
    EXPECT_EQ(why.kind(), fault_kind::cancelled);
    EXPECT_EQ(why.billing(), knowledge::maybe) << "the last attempt may have been billed";
    EXPECT_EQ(t.lines(), (lines{"a in", "b in", "b failed ambiguous", "a failed ambiguous"}))
        << "a was not told of it before";
    EXPECT_EQ(provider.sends(), 1);
}

TEST_F(cancellation, between_unbilled_attempts_nothing_is_owed) {
    provider.fails(fault_kind::throttled);
    retry const patient{{.schedule = coffer::backoff{growth::constant, jitter::none, 10s, 10s}}};
    auto const why = left_after(2s, pipeline{patient}.wrap(provider));
    EXPECT_EQ(why.kind(), fault_kind::cancelled);
    EXPECT_EQ(why.billing(), knowledge::no);
    EXPECT_EQ(c.cost(), money{});
}

TEST_F(cancellation, at_a_gate_nothing_is_sent) {
    auto const ask =
        pipeline{support::plain_gate{t, "a"}, support::waiting_gate{t, "w", waits(entry::kind::wait, 10s)}}.wrap(
            provider);
    auto const why = left_after(2s, ask);
    EXPECT_EQ(why.kind(), fault_kind::cancelled);
    EXPECT_EQ(why.billing(), knowledge::no);
    EXPECT_EQ(t.lines(), (lines{"a in", "w waits", "w refuses", "a not_attempted cancelled"}));
    EXPECT_EQ(provider.sends(), 0);
    EXPECT_TRUE(c.log().empty());
}

TEST_F(cancellation, a_grant_that_races_it_is_given_back) {
    auto const ask =
        pipeline{support::plain_gate{t, "a"}, support::waiting_gate{t, "w", waits(entry::kind::wait_grant, 10s)}}.wrap(
            provider);
    auto const why = left_after(2s, ask);
    EXPECT_EQ(why.kind(), fault_kind::cancelled);
    EXPECT_EQ(why.billing(), knowledge::no);
    EXPECT_EQ(t.lines(), (lines{"a in", "w waits", "w in", "w not_attempted cancelled", "a not_attempted cancelled"}));
    EXPECT_EQ(provider.sends(), 0) << "the operation never began";
}

TEST_F(cancellation, a_gate_that_throws_when_it_is_cancelled_is_understood) {
    struct with_a_timer {
        struct ticket {
            verdict settle(attempt_end const&, attempt&) noexcept { return verdict::done(); }
        };
        admission try_enter(attempt&, slot<ticket>&) const { return admission::wait(); }
        awaitable<outcome<void>> enter(attempt&, slot<ticket>& s) const {
            asio::steady_timer timer{co_await asio::this_coro::executor, 1h};
            co_await timer.async_wait(asio::use_awaitable);
            s.emplace();
            co_return outcome<void>{};
        }
    };
    auto const why = left_after(2s, pipeline{support::plain_gate{t, "a"}, with_a_timer{}}.wrap(provider));
    EXPECT_EQ(why.kind(), fault_kind::cancelled);
    EXPECT_EQ(why.billing(), knowledge::no);
}

TEST_F(cancellation, reaches_a_nested_pipeline_and_layers) {
    provider.never();
    guarded<int()> const inner = pipeline{support::plain_gate{t, "b"}, support::scripted_layer{3}}.wrap(provider);
    auto const why = left_after(2s, pipeline{support::plain_gate{t, "a"}, support::scripted_layer{3}}.wrap(inner));
    EXPECT_EQ(why.kind(), fault_kind::cancelled);
    EXPECT_EQ(why.billing(), knowledge::maybe);
    EXPECT_EQ(t.lines(), (lines{"a in", "b in", "b failed cancelled", "a failed cancelled"}));
    EXPECT_EQ(provider.sends(), 1);
}

TEST_F(cancellation, of_a_coroutine_that_does_not_throw_is_seen_all_the_same) {
    provider.fails(fault_kind::ambiguous).after(5s).times(0);
    auto const ask = pipeline{retry{{.max_sends = 9}}, support::waiting_gate{t, "w", {}}}.wrap(provider);
    auto const careful = [](auto wrapped, call& mine) -> awaitable<outcome<int>> {
        co_await asio::this_coro::throw_if_cancelled(false);
        co_return co_await wrapped.try_call(mine);
    };
    auto const r = sim.start(careful(ask, c));
    sim.cancel_after(2s, r);
    sim.time.run();
    EXPECT_EQ(r.get().error().kind(), fault_kind::cancelled);
    EXPECT_EQ(provider.sends(), 1);
}

TEST_F(cancellation, the_throwing_call_throws_failure) {
    provider.never();
    auto const r = sim.start(pipeline{}.wrap(provider)(c));
    sim.cancel_after(1s, r);
    sim.time.run();
    try {
        (void)r.get();
        FAIL() << "it must throw";
    } catch (failure const& f) {
        EXPECT_EQ(f.fault().kind(), fault_kind::cancelled);
    }
}

TEST_F(cancellation, an_operation_that_aborts_itself_was_not_cancelled) {
    provider.throws(coffer::detail::asio_system_error{make_error_code(asio::error::operation_aborted)});
    auto const why = sim.run(pipeline{retry{}}.wrap(provider).try_call(c)).error();
    EXPECT_EQ(why.kind(), fault_kind::aborted);
    EXPECT_EQ(why.stop(), stop_reason::not_retryable);
}

}  // namespace
}  // namespace cancellation_test
