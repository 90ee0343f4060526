// SPDX-License-Identifier: BSL-1.0
// A limit around what may not listen: who ended it, what is known afterwards, and that nobody waits longer than he said.
#include <coffer/call/pipeline.hpp>
#include <coffer/policy/circuit_breaker.hpp>
#include <coffer/policy/fallback.hpp>
#include <coffer/policy/rate_limit.hpp>
#include <coffer/policy/retry.hpp>
#include <coffer/policy/timeout.hpp>
#include <coffer/testing/scripted_operation.hpp>

#include "policy/support/foreign.hpp"
#include "policy/support/provider.hpp"
#include "support/scripted_gate.hpp"
#include "support/simulation.hpp"

#include <gtest/gtest.h>

#include <memory>
#include <new>
#include <optional>
#include <stdexcept>
#include <string>
#include <vector>

namespace timeout_test {
namespace {

using namespace coffer;
using namespace std::chrono_literals;
using support::foreign;
using support::manners;
using support::simulation;
using lines = std::vector<std::string>;

class timeouts : public ::testing::Test {
protected:
    simulation sim;
    foreign op;
    support::tape t;
    call c = call::unkeyed(1h);
    time_point begin = sim.time.now();
    time_point ended{};

    template <class Ask>
    outcome<std::string> ask(Ask const& with, call& mine) {
        auto const r = start(with, mine);
        return wait_for(r);
    }
    template <class Ask>
    outcome<std::string> ask(Ask const& with) {
        return ask(with, c);
    }
    template <class Ask>
    support::running<outcome<std::string>> start(Ask const& with, call& mine) {
        return sim.start(with.try_call(mine, prompt));
    }
    /// Until the call has ended, but not until everything has that it left behind.
    outcome<std::string> wait_for(support::running<outcome<std::string>> const& r) {
        sim.time.run_for(0s);
        for (int guard = 0; !r.over() && guard < 1'000'000; ++guard) sim.time.run_for(guard < 100'000 ? 1ms : 1s);
        ended = sim.time.now();
        return r.get();
    }
    [[nodiscard]] duration took() const { return ended - begin; }

    std::string prompt = "hello";
};

// In time --------------------------------------------------------------------------------------------------------------

TEST_F(timeouts, an_answer_in_time_passes_as_if_there_were_none) {
    op.then(manners::listens, 2s);
    EXPECT_EQ(ask(pipeline{timeout{30s}}.wrap(op)), "answer to hello");
    EXPECT_EQ(took(), 2s);
    ASSERT_EQ(c.log().size(), 1U);
    EXPECT_EQ(c.log()[0].number, 1);
    EXPECT_EQ(c.log()[0].target.provider, "foreign");
    EXPECT_EQ(c.log()[0].duration, 2s);
    EXPECT_EQ(c.attempts(), 1);
    ASSERT_TRUE(c.answered_by());
    EXPECT_EQ(c.answered_by()->model, "model");
    sim.time.run();
    EXPECT_EQ(sim.time.now(), ended) << "no timer is left";
}

TEST_F(timeouts, a_fault_in_time_passes_as_it_is) {
    op.then(manners::listens, 2s, fault{fault_kind::throttled, "slow down"}.with_retry_after(7s));
    auto const why = ask(pipeline{timeout{30s}}.wrap(op)).error();
    EXPECT_EQ(why.kind(), fault_kind::throttled);
    EXPECT_EQ(why.message(), "slow down");
    EXPECT_EQ(why.retry_after(), 7s);
}

TEST_F(timeouts, attempts_go_on_being_numbered_and_the_log_is_one) {
    op.then(manners::listens, 1s, fault{fault_kind::overloaded})
        .then(manners::listens, 3s, fault{fault_kind::overloaded})
        .then(manners::listens, 1s);
    retry const steady{{.schedule = backoff{growth::constant, jitter::none, 10s, 10s}}};
    EXPECT_TRUE(ask(pipeline{steady, timeout{30s}}.wrap(op)));
    ASSERT_EQ(c.log().size(), 3U);
    for (int i = 0; i < 3; ++i) {
        auto const& a = c.log()[static_cast<std::size_t>(i)];
        EXPECT_EQ(a.number, i + 1);
        EXPECT_EQ(a.waited, i == 0 ? 0s : 10s);
    }
    EXPECT_EQ(c.log()[1].start, 11s) << "since the call began";
    EXPECT_EQ(c.log()[2].start, 24s);
    auto const sends = op.sends();
    EXPECT_EQ(sends[0].provider_key, sends[2].provider_key) << "the same work for a provider that knows such a key";
}

// Who ended it: four faults, and the call's deadline -----------------------------------------------------------------------

TEST_F(timeouts, its_own_time) {
    for (auto const how : {manners::listens, manners::deaf, manners::polite, manners::slow}) {
        begin = sim.time.now();
        op.then(how, 1min);
        auto const why = ask(pipeline{timeout{30s, "chat"}}.wrap(op)).error();
        EXPECT_EQ(took(), 30s) << "whatever it does";
        EXPECT_EQ(why.kind(), fault_kind::timed_out);
        EXPECT_EQ(why.code(), "timeout");
        EXPECT_NE(why.message().find("`chat` (30 s)"), std::string::npos) << why.message();
        EXPECT_EQ(why.execution(), knowledge::maybe);
        EXPECT_EQ(why.billing(), knowledge::maybe);
        ASSERT_EQ(c.log().size(), 1U);
        EXPECT_EQ(c.log()[0].number, 1);
        EXPECT_EQ(c.log()[0].target.provider, "foreign");
        EXPECT_EQ(c.log()[0].duration, 30s);
        EXPECT_EQ(c.log()[0].billing, knowledge::maybe);
        EXPECT_EQ(c.cost(), std::nullopt);
        EXPECT_EQ(c.unproven_sends(), 1);
        sim.time.run();
    }
}

TEST_F(timeouts, the_attempts_own_time) {
    op.then(manners::polite, 1h);
    auto const why = ask(pipeline{retry{{.attempts = 1, .attempt_timeout = 10s}}, timeout{30s}}.wrap(op)).error();
    EXPECT_EQ(took(), 10s);
    EXPECT_EQ(why.kind(), fault_kind::timed_out);
    EXPECT_EQ(why.code(), "");
    EXPECT_EQ(why.billing(), knowledge::maybe);
}

TEST_F(timeouts, the_caller) {
    for (auto const how : {manners::listens, manners::deaf, manners::polite, manners::slow}) {
        begin = sim.time.now();
        op.then(how, 1min);
        auto const r = start(pipeline{support::plain_gate{t, "a"}, timeout{30s}}.wrap(op), c);
        sim.cancel_after(5s, r);
        auto const why = wait_for(r).error();
        EXPECT_EQ(took(), 5s) << "whatever it does";
        EXPECT_EQ(why.kind(), fault_kind::cancelled);
        EXPECT_EQ(why.code(), "");
        EXPECT_EQ(why.billing(), knowledge::maybe);
        sim.time.run();
    }
    EXPECT_EQ(t.tickets_out(), 0);
    EXPECT_EQ(t.defects(), 0);
}

TEST_F(timeouts, the_operations_own_abort) {
    auto const aborts = [](std::string const&) -> awaitable<std::string> {
        co_await sleep_for(5s);
        throw std::system_error{make_error_code(asio::error::operation_aborted)};
    };
    auto const why = ask(pipeline{timeout{30s}}.wrap(aborts)).error();
    EXPECT_EQ(took(), 5s);
    EXPECT_EQ(why.kind(), fault_kind::aborted);
    EXPECT_EQ(why.billing(), knowledge::maybe);
}

TEST_F(timeouts, the_calls_deadline_if_that_comes_first) {
    for (auto const how : {manners::listens, manners::deaf, manners::slow}) {
        begin = sim.time.now();
        op.then(how, 1min);
        auto hurried = call::unkeyed(20s);
        auto const why = ask(pipeline{retry{}, timeout{30s}}.wrap(op), hurried).error();
        EXPECT_EQ(took(), 20s);
        EXPECT_EQ(why.kind(), fault_kind::deadline_exceeded);
        EXPECT_EQ(why.billing(), knowledge::maybe);
        EXPECT_EQ(hurried.log().size(), 1U);
        sim.time.run();
    }
    EXPECT_EQ(op.count(), 3);
}

TEST_F(timeouts, nested_ones_say_whose_it_was) {
    op.then(manners::deaf, 1h).then(manners::deaf, 1h);
    auto const inner = ask(pipeline{timeout{30s, "outer"}, timeout{10s, "inner"}}.wrap(op)).error();
    EXPECT_EQ(took(), 10s);
    EXPECT_NE(inner.message().find("inner"), std::string::npos) << inner.message();
    begin = sim.time.now();
    auto const outer = ask(pipeline{timeout{10s, "outer"}, timeout{30s, "inner"}}.wrap(op)).error();
    EXPECT_EQ(took(), 10s);
    EXPECT_EQ(outer.kind(), fault_kind::timed_out);
    EXPECT_NE(outer.message().find("outer"), std::string::npos) << outer.message();
    EXPECT_EQ(outer.billing(), knowledge::maybe) << "the inner one tells of the attempt that it leaves behind";
    ASSERT_EQ(c.log().size(), 1U);
    EXPECT_EQ(c.log()[0].billing, knowledge::maybe);
}

// What is known -------------------------------------------------------------------------------------------------------------

/// So many around `op`, the outermost one with the least time.
template <int N, class Op>
auto nested(Op const& op) {
    if constexpr (N == 1) return pipeline{timeout{1min}}.wrap(op);
    else return pipeline{timeout{1min - 5s * N}}.wrap(nested<N - 1>(op));
}
template <int N, class Op>
fault given_up_by_the_outermost(Op const& op, call& mine) {
    simulation own;
    std::string const text = "hello";
    auto const with = nested<N>(op);
    auto const r = own.start(with.try_call(mine, text));
    own.time.run_for(1min - 5s * N);
    auto const why = r.get().error();
    own.time.run();
    return why;
}

TEST(nested_timeouts, do_not_deny_a_send_of_which_they_have_not_heard_in_time) {
    // The more there are, the longer it takes until the outermost one could hear of it.
    auto const each = [](auto with) {
        foreign deaf;
        deaf.otherwise(manners::deaf, 10min);
        auto c = call::unkeyed(1h);
        auto const why = with(deaf, c);
        EXPECT_EQ(why.code(), "timeout");
        EXPECT_EQ(why.execution(), knowledge::maybe);
        EXPECT_EQ(why.billing(), knowledge::maybe);
        EXPECT_EQ(c.cost(), std::nullopt);
        EXPECT_EQ(c.attempts(), 1);
        EXPECT_EQ(c.unproven_sends(), 1);
        ASSERT_EQ(c.log().size(), 1U);
        EXPECT_EQ(c.log()[0].billing, knowledge::maybe);
        EXPECT_EQ(deaf.count(), 1);
    };
    each([](foreign const& op, call& c) { return given_up_by_the_outermost<2>(op, c); });
    each([](foreign const& op, call& c) { return given_up_by_the_outermost<3>(op, c); });
}

TEST_F(timeouts, an_operation_that_says_in_time_that_it_sent_nothing_is_believed) {
    op.then(manners::honest, 1h);
    auto const why = ask(pipeline{timeout{30s}}.wrap(op)).error();
    EXPECT_EQ(why.kind(), fault_kind::timed_out);
    EXPECT_EQ(why.execution(), knowledge::no);
    EXPECT_EQ(why.billing(), knowledge::no);
    EXPECT_EQ(c.cost(), money{});
}

TEST_F(timeouts, an_answer_that_comes_at_the_last_moment_is_kept) {
    op.then(manners::generous, 1h);
    EXPECT_EQ(ask(pipeline{timeout{30s}}.wrap(op)), "answer to hello");
    EXPECT_EQ(took(), 30s);
}

TEST_F(timeouts, where_nothing_was_sent_nothing_is_owed) {
    support::gate_script waits;
    waits.entries.push_back({support::entry::kind::wait, 1h, {}});
    auto const why =
        ask(pipeline{support::plain_gate{t, "a"}, timeout{30s}, support::waiting_gate{t, "w", waits}}.wrap(op)).error();
    EXPECT_EQ(took(), 30s);
    EXPECT_EQ(why.kind(), fault_kind::timed_out);
    EXPECT_EQ(why.code(), "timeout");
    EXPECT_EQ(why.execution(), knowledge::no);
    EXPECT_EQ(why.billing(), knowledge::no);
    EXPECT_EQ(op.count(), 0);
    EXPECT_TRUE(c.log().empty());
    EXPECT_EQ(c.cost(), money{});
    EXPECT_EQ(t.lines().back(), "a not_attempted timed_out") << "it says nothing of the provider";
}

TEST_F(timeouts, earlier_attempts_inside_are_remembered) {
    op.then(manners::listens, 1s, fault{fault_kind::ambiguous}).then(manners::honest, 1h);
    auto const why = ask(pipeline{timeout{30s}, retry{}}.wrap(op)).error();
    EXPECT_EQ(why.kind(), fault_kind::timed_out);
    EXPECT_EQ(why.code(), "timeout");
    EXPECT_EQ(why.billing(), knowledge::maybe) << "the first one may have been billed";
    EXPECT_EQ(c.log().size(), 2U);
}

// What is told inside ---------------------------------------------------------------------------------------------------------

TEST_F(timeouts, attempts_are_told_the_time_that_is_left) {
    op.then(manners::polite, 1s, fault{fault_kind::overloaded}).then(manners::polite, 1h);
    retry const steady{{.schedule = backoff{growth::constant, jitter::none, 10s, 10s}}};
    auto const why = ask(pipeline{timeout{30s}, steady}.wrap(op)).error();
    EXPECT_EQ(took(), 30s);
    EXPECT_EQ(why.code(), "timeout");
    auto const sends = op.sends();
    ASSERT_EQ(sends.size(), 2U);
    EXPECT_EQ(sends[0].deadline, begin + 30s);
    EXPECT_EQ(sends[1].deadline, begin + 30s);
}

TEST_F(timeouts, the_least_of_all_limits_holds) {
    struct row {
        duration call, outer, inner, attempt, expected;
    };
    for (auto const& r : {row{1h, 40s, 30s, 20s, 20s}, row{1h, 40s, 20s, 30s, 20s}, row{1h, 20s, 40s, 30s, 20s},
                          row{20s, 40s, 30s, 1min, 20s}}) {
        op.then(manners::polite, 0s);
        auto mine = call::unkeyed(r.call);
        begin = sim.time.now();
        EXPECT_TRUE(
            ask(pipeline{timeout{r.outer}, retry{{.attempt_timeout = r.attempt}}, timeout{r.inner}}.wrap(op), mine));
        EXPECT_EQ(op.sends().back().deadline, begin + r.expected);
    }
}

TEST_F(timeouts, a_sleep_that_would_end_too_late_is_not_begun) {
    op.then(manners::listens, 5s, fault{fault_kind::overloaded});
    retry const patient{{.schedule = backoff{growth::constant, jitter::none, 40s, 40s}}};
    auto const why = ask(pipeline{timeout{30s}, patient}.wrap(op)).error();
    EXPECT_EQ(took(), 5s);
    EXPECT_EQ(why.kind(), fault_kind::overloaded) << "the last real fault";
    EXPECT_EQ(why.stop(), stop_reason::deadline);
}

TEST_F(timeouts, a_line_that_is_too_long_is_not_joined) {
    rate_limit const narrow{{.requests_per_minute = 1}};
    auto const wrapped = pipeline{timeout{30s}, narrow}.wrap(op);
    EXPECT_TRUE(ask(wrapped));
    begin = sim.time.now();
    auto const why = ask(wrapped).error();
    EXPECT_EQ(took(), 0s);
    EXPECT_EQ(why.kind(), fault_kind::queue_full);
    EXPECT_EQ(why.code(), "wait_too_long");
}

TEST_F(timeouts, expired_on_entry_fails_before_anything_is_spent) {
    auto const wrapped = pipeline{support::plain_gate{t, "a"}, timeout{30s}, support::plain_gate{t, "b"}}.wrap(op);
    for (auto const left : {duration{0s}, duration{-5s}}) {
        auto late = call::unkeyed(left);
        begin = sim.time.now();
        EXPECT_EQ(ask(wrapped, late).error().kind(), fault_kind::deadline_exceeded);
        EXPECT_EQ(took(), 0s);
    }
    EXPECT_TRUE(t.lines().empty());
    EXPECT_EQ(op.count(), 0);
}

TEST_F(timeouts, a_wait_further_out_that_took_all_the_time_leaves_none) {
    support::gate_script waits;
    waits.entries.push_back({support::entry::kind::wait, 20s, {}});
    auto late = call::unkeyed(20s);
    auto const wrapped = pipeline{support::waiting_gate{t, "w", waits}, timeout{30s}}.wrap(op);
    EXPECT_EQ(ask(wrapped, late).error().kind(), fault_kind::deadline_exceeded);
    EXPECT_EQ(op.count(), 0);
}

// What is left behind ---------------------------------------------------------------------------------------------------------

TEST_F(timeouts, what_is_left_behind_owns_what_it_uses) {
    op.then(manners::deaf, 1h);
    {
        auto text = std::make_unique<std::string>("a prompt that is gone long before the operation has ended");
        auto mine = std::make_unique<call>(call::unkeyed());
        auto wrapped = std::make_unique<support::asks_foreign>(
            pipeline{support::plain_gate{t, "a"}, timeout{30s}, support::plain_gate{t, "b"}}.wrap(op));
        auto const r = sim.start(wrapped->try_call(*mine, *text));
        wrapped.reset();  // the coroutine has its share
        EXPECT_EQ(wait_for(r).error().code(), "timeout");
    }
    EXPECT_EQ(op.running(), 1);
    EXPECT_EQ(t.tickets_out(), 1) << "the gate inside goes on with it";
    EXPECT_EQ(t.lines(), (lines{"a in", "b in", "a failed timed_out"}));
    sim.time.run();
    EXPECT_EQ(sim.time.now(), begin + 1h);
    EXPECT_EQ(op.running(), 0);
    EXPECT_EQ(op.sends()[0].prompt_at_end, "a prompt that is gone long before the operation has ended");
    EXPECT_EQ(t.lines().back(), "b succeeded") << "its late end settles what is inside";
    EXPECT_EQ(t.tickets_out(), 0);
    EXPECT_EQ(t.defects(), 0);
}

TEST_F(timeouts, what_throws_late_harms_nobody) {
    op.then(manners::deaf_throws, 1h).then(manners::listens, 1s);
    auto const wrapped = pipeline{timeout{30s}}.wrap(op);
    EXPECT_EQ(ask(wrapped).error().code(), "timeout");
    EXPECT_TRUE(ask(wrapped)) << "the same call, while the first one still runs";
    EXPECT_EQ(c.log().size(), 1U);
    sim.time.run();
    EXPECT_EQ(op.running(), 0);
    EXPECT_EQ(c.log().size(), 1U) << "late ends are not written into it";
}

// It switches cancellation off for the whole coroutine, by Asio's rule: also for the policies around it.
TEST_F(timeouts, a_retry_inside_sends_nothing_more_when_it_was_left_behind) {
    op.then(manners::deaf, 20s, fault{fault_kind::overloaded})
        .otherwise(manners::deaf, 20s, fault{fault_kind::overloaded});
    retry const steady{{.schedule = backoff{growth::constant, jitter::none, 1s, 1s}}};
    auto const r = start(pipeline{timeout{1h}, steady, support::plain_gate{t, "a"}}.wrap(op), c);
    sim.cancel_after(5s, r);
    EXPECT_EQ(wait_for(r).error().kind(), fault_kind::cancelled);
    sim.time.run();
    EXPECT_EQ(op.count(), 1) << "nobody wants it any more";
    EXPECT_EQ(t.tickets_out(), 0);
}

TEST_F(timeouts, an_exception_that_is_no_fault_is_thrown_on) {
    auto const misused = [](std::string const& how) -> awaitable<std::string> {
        co_await sleep_for(1s);
        if (how == "hello") throw misuse{"in there"};
        throw std::bad_alloc{};
    };
    auto const wrapped = pipeline{timeout{30s}}.wrap(misused);
    EXPECT_THROW((void)ask(wrapped), misuse);
    prompt = "no memory";
    EXPECT_THROW((void)ask(wrapped), std::bad_alloc);
}

TEST_F(timeouts, other_exceptions_are_faults_with_their_cause) {
    op.then(manners::deaf_throws, 1s);
    auto const why = ask(pipeline{timeout{30s}}.wrap(op)).error();
    EXPECT_EQ(why.kind(), fault_kind::permanent);
    EXPECT_THROW(std::rethrow_exception(why.cause()), std::runtime_error);
}

TEST_F(timeouts, arguments_that_cannot_be_copied_now_were_not_sent) {
    support::provider theirs;
    support::request r;
    r.on_copy = [] { throw std::runtime_error{"no copy"}; };
    auto const with = pipeline{timeout{1min}}.wrap(theirs.operation());
    auto const said = sim.run(with.try_call(c, r));
    EXPECT_EQ(said.error().execution(), knowledge::no);
    EXPECT_EQ(said.error().billing(), knowledge::no);
    EXPECT_TRUE(said.error().cause());
    EXPECT_EQ(theirs.count(), 0);
}

TEST_F(timeouts, a_context_that_goes_takes_both_along) {
    for (auto const how : {manners::listens, manners::deaf, manners::slow})
        for (auto const until : {duration{10s}, duration{30s}, duration{31s}}) {
            foreign mine;
            mine.then(how, 1h);
            bool gone = false;
            struct notes {
                bool* flag;
                explicit notes(bool& f) : flag{&f} {}
                notes(notes const&) = delete;
                ~notes() { *flag = true; }
            };
            auto const caller = [](foreign f, bool& flag) -> awaitable<void> {
                notes const n{flag};
                auto own = call::unkeyed();
                auto const wrapped = pipeline{timeout{30s}}.wrap(f);
                std::string const text = "text";
                (void)co_await wrapped.try_call(own, text);
            };
            {
                simulation s;
                s.start(caller(mine, gone));
                s.time.run_for(until);
                EXPECT_EQ(gone, until >= 30s);
            }
            EXPECT_TRUE(gone);
            EXPECT_EQ(mine.running(),
                      how == manners::deaf || until < 30s || (how == manners::slow && until < 31s) ? 1 : 0);
        }
}

TEST_F(timeouts, a_left_behind_attempt_counts_as_a_send_for_a_retry_further_out) {
    op.otherwise(manners::deaf, 1h);
    auto const why = ask(pipeline{retry{{.attempts = 9, .max_sends = 2}}, timeout{30s}}.wrap(op)).error();
    EXPECT_EQ(op.count(), 2);
    EXPECT_EQ(why.stop(), stop_reason::sends_spent);
    EXPECT_EQ(c.unproven_sends(), 2);
    EXPECT_EQ(c.log().size(), 2U);
    EXPECT_EQ(op.sends()[0].provider_key, op.sends()[1].provider_key);
}

TEST_F(timeouts, a_breaker_further_out_hears_of_it_and_one_further_in_of_the_late_end) {
    circuit_breaker const outer{{.in_a_row = 1}};
    circuit_breaker const inner{{.in_a_row = 1}};
    op.then(manners::deaf, 1h);
    EXPECT_EQ(ask(pipeline{outer, timeout{30s}, inner}.wrap(op)).error().kind(), fault_kind::timed_out);
    EXPECT_EQ(outer.status().state, circuit_state::open);
    EXPECT_EQ(inner.status().state, circuit_state::closed);
    sim.time.run();
    EXPECT_EQ(inner.status().state, circuit_state::closed) << "it answered in the end";
}

TEST_F(timeouts, the_next_alternative_is_asked_when_one_does_not_end) {
    coffer::testing::scripted_operation<std::string> quick;
    quick.gives("from the other one").after(1s);
    op.then(manners::deaf, 1h);
    auto const second = describe([quick](attempt& a, std::string const& p) {
                            return quick(a, p);
                        }).target([](std::string const&) { return target{"other", "m"}; });
    auto const wrapped = pipeline{}.wrap(fallback{pipeline{timeout{30s}}.wrap(op), pipeline{}.wrap(second)});
    EXPECT_EQ(ask(wrapped), "from the other one");
    EXPECT_EQ(took(), 31s);
    EXPECT_EQ(c.log().size(), 2U);
}

TEST_F(timeouts, is_no_limit_of_the_attempts_of_others) {
    op.then(manners::listens, 1s).then(manners::listens, 1min);
    EXPECT_TRUE(ask(pipeline{timeout{2s}}.wrap(op)));
    EXPECT_TRUE(ask(pipeline{}.wrap(op))) << "the call's limits are its own again";
    EXPECT_EQ(took(), 61s);
}

TEST_F(timeouts, a_caller_who_has_left_already_begins_nothing) {
    op.otherwise(manners::deaf, 1h);
    auto const late = [](auto wrapped, call& mine) -> awaitable<outcome<std::string>> {
        co_await asio::this_coro::throw_if_cancelled(false);
        co_await sleep_for(1h);
        std::string const text = "x";
        co_return co_await wrapped.try_call(mine, text);
    };
    auto const r = sim.start(late(pipeline{timeout{30s}}.wrap(op), c));
    sim.cancel_after(1s, r);
    EXPECT_EQ(wait_for(r).error().kind(), fault_kind::cancelled);
    EXPECT_EQ(op.count(), 0);
}

TEST_F(timeouts, a_limit_that_cannot_be_meant_is_refused) {
    EXPECT_THROW(timeout{0s}, std::invalid_argument);
    EXPECT_THROW(timeout{-1s}, std::invalid_argument);
    EXPECT_EQ(to_string(timeout{0.5s}), to_string(timeout{500ms}));
    EXPECT_NO_THROW(timeout{std::chrono::hours::max()}) << "for ever";
    op.then(manners::listens, 10min);
    EXPECT_TRUE(ask(pipeline{timeout{duration::max()}}.wrap(op))) << "for ever is a time";
}

}  // namespace
}  // namespace timeout_test
