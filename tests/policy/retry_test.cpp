// SPDX-License-Identifier: BSL-1.0
// The retry policy in virtual time: what it spends, when, and why it stops. (Its rules: tests/state/retry_rule_test.cpp.)
#include <coffer/call/guarded.hpp>
#include <coffer/call/pipeline.hpp>
#include <coffer/policy/rate_limit.hpp>
#include <coffer/policy/retry.hpp>
#include <coffer/testing/scripted_operation.hpp>

#include "support/seeds.hpp"
#include "support/simulation.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <cstdint>
#include <limits>
#include <map>
#include <stdexcept>
#include <utility>
#include <vector>

namespace retry_test {
namespace {

using namespace coffer;
using namespace std::chrono_literals;
using coffer::testing::scripted_operation;
using support::simulation;

backoff every(duration d) { return {growth::constant, jitter::none, d, d}; }

class retries : public ::testing::Test {
protected:
    simulation sim;
    scripted_operation<int> provider;
    call c{key{"test", 1}, 1h};

    outcome<int> run(retry const& policy) { return sim.run(pipeline{policy}.wrap(provider).try_call(c)); }
    [[nodiscard]] std::vector<duration> starts() const {
        std::vector<duration> list;
        for (auto const& entry : c.log()) list.push_back(entry.start);
        return list;
    }
};

// What it is for -------------------------------------------------------------------------------------------------------------

TEST_F(retries, until_it_succeeds) {
    provider.fails(fault_kind::overloaded).times(3).gives(7);
    EXPECT_EQ(run(retry{{.schedule = every(1s)}}), 7);
    EXPECT_EQ(starts(), (std::vector<duration>{0s, 1s, 2s, 3s}));
}

TEST_F(retries, only_what_the_table_lets_it) {
    for (std::size_t i = 0; i < fault_kind_count; ++i) {
        auto const kind = static_cast<fault_kind>(i);
        scripted_operation<int> op;
        op.fails(kind).gives(7).times(0);
        auto const r = sim.run(pipeline{retry{}}.wrap(op).try_call(c));
        EXPECT_EQ(op.sends(), row(kind).retry_same ? 2 : 1) << kind;
        if (!r) {
            EXPECT_EQ(r.error().kind(), kind);
            EXPECT_EQ(r.error().stop(), stop_reason::not_retryable);
        }
    }
}

TEST_F(retries, exceptions_that_no_rule_knows_are_not_retried) {
    provider.throws(std::runtime_error{"broken"});
    EXPECT_EQ(run(retry{}).error().stop(), stop_reason::not_retryable);
    EXPECT_EQ(provider.sends(), 1);
}

TEST_F(retries, as_often_as_attempts_say_and_the_last_real_fault_is_told) {
    provider.fails(fault_kind::overloaded).times(3).fails(fault{fault_kind::throttled, "the fourth"});
    auto const why = run(retry{{.attempts = 4}}).error();
    EXPECT_EQ(why.message(), "the fourth");
    EXPECT_EQ(why.stop(), stop_reason::attempts_spent);
    EXPECT_EQ(provider.sends(), 4);
    scripted_operation<int> other;
    other.fails(fault_kind::overloaded);
    EXPECT_EQ(sim.run(pipeline{retry{{.attempts = 1}}}.wrap(other).try_call(c)).error().stop(),
              stop_reason::attempts_spent);
}

TEST_F(retries, sends_not_proven_unbilled_are_counted_apart) {
    provider.fails(fault_kind::throttled)
        .fails(fault_kind::ambiguous)
        .fails(fault_kind::throttled)
        .fails(fault_kind::ambiguous);
    auto const why = run(retry{{.attempts = 9, .max_sends = 2}}).error();
    EXPECT_EQ(why.kind(), fault_kind::ambiguous);
    EXPECT_EQ(why.stop(), stop_reason::sends_spent);
    EXPECT_EQ(provider.sends(), 4);
    EXPECT_EQ(provider.bills(), 2);
    scripted_operation<int> strict;
    strict.fails(fault_kind::ambiguous);
    EXPECT_EQ(sim.run(pipeline{retry{{.max_sends = 1}}}.wrap(strict).try_call(c)).error().stop(),
              stop_reason::sends_spent);
}

TEST_F(retries, a_defective_answer_is_not_bought_twice) {
    provider.fails(fault_kind::defective_answer);
    EXPECT_EQ(run(retry{}).error().stop(), stop_reason::not_retryable);
    EXPECT_EQ(provider.bills(), 1);
}

// When -----------------------------------------------------------------------------------------------------------------------

TEST_F(retries, a_hint_is_kept_and_the_schedule_too) {
    provider.fails(fault{fault_kind::throttled}.with_retry_after(20s))
        .fails(fault{fault_kind::throttled}.with_retry_after(0s))
        .gives(7);
    EXPECT_EQ(run(retry{{.schedule = every(1s), .hint_spread = 0}}), 7);
    EXPECT_EQ(starts(), (std::vector<duration>{0s, 20s, 21s}));
    EXPECT_EQ(c.log()[1].why_waited, wait_reason::provider_hint);
    EXPECT_EQ(c.log()[2].why_waited, wait_reason::backoff);
}

TEST_F(retries, an_ambiguous_attempt_is_not_sent_again_within_five_seconds) {
    provider.fails(fault_kind::ambiguous).gives(7);
    EXPECT_EQ(run(retry{{.schedule = every(1s), .ambiguous_spread = 0}}), 7);
    EXPECT_EQ(starts(), (std::vector<duration>{0s, 5s}));
    EXPECT_EQ(c.log()[1].why_waited, wait_reason::ambiguous_floor);
}

/// A call of many that are under way at once; who made them does not care.
awaitable<void> one_of_many(guarded<int()> const* ask) {
    call one{call::unkeyed(1min)};
    (void)co_await ask->try_call(one);
}

TEST_F(retries, what_one_reset_has_cut_off_does_not_come_back_as_one) {
    provider.fails(fault_kind::ambiguous).times(400).gives(7).times(0);
    guarded<int()> const ask = pipeline{retry{{}, retry_quota::unlimited()}}.wrap(provider);
    auto const begin = sim.time.now();
    for (int i = 0; i < 400; ++i) sim.start(one_of_many(&ask));
    sim.time.run();
    std::map<std::int64_t, int> by_second;
    for (auto const& s : provider.seen())
        if (s.attempt == 2) ++by_second[(s.at - begin) / 1s];
    ASSERT_EQ(by_second.size(), 5U) << "from five seconds to ten";
    EXPECT_EQ(by_second.begin()->first, 5);
    for (auto const& [second, came] : by_second) EXPECT_LT(came, 120) << "second " << second;
}

TEST_F(retries, a_hint_that_is_too_long_or_past_the_deadline_ends_the_call_at_once) {
    auto const begin = sim.time.now();
    provider.fails(fault{fault_kind::throttled}.with_retry_after(11min));
    auto const why = run(retry{}).error();
    EXPECT_EQ(why.stop(), stop_reason::hint_too_long);
    EXPECT_EQ(why.retry_after(), 11min) << "for whoever asks the queue to come again";
    provider.fails(fault{fault_kind::throttled}.with_retry_after(61s));
    call soon{key{"test", 1}, 1min};
    EXPECT_EQ(sim.run(pipeline{retry{}}.wrap(provider).try_call(soon)).error().stop(), stop_reason::deadline);
    EXPECT_EQ(sim.time.now(), begin) << "it has not slept";
}

TEST_F(retries, the_schedule_grows_and_decorrelated_jitter_remembers) {
    provider.fails(fault_kind::overloaded).times(0);
    (void)run(retry{{.attempts = 5, .schedule = coffer::backoff{growth::exponential, jitter::none, 1s, 5s}}});
    EXPECT_EQ(starts(), (std::vector<duration>{0s, 1s, 3s, 7s, 12s}));
    (void)run(retry{{.attempts = 50, .schedule = coffer::backoff{growth::exponential, jitter::decorrelated, 1s, 30s}}});
    duration longest{};
    for (std::size_t i = 1; i < c.log().size(); ++i) {
        auto const before = std::max<duration>(c.log()[i - 1].waited, 1s);
        EXPECT_GE(c.log()[i].waited, 1s);
        EXPECT_LT(c.log()[i].waited, std::min<duration>(3 * before, 30s));
        longest = std::max(longest, c.log()[i].waited);
    }
    EXPECT_GT(longest, 3s) << "without the memory it could not be";
}

TEST_F(retries, one_seed_is_one_run) {
    auto const waits = [](std::uint64_t seed) {
        simulation s{seed};
        scripted_operation<int> op;
        op.fails(fault_kind::overloaded).times(0);
        call mine{key{"test", 1}, 1h};
        (void)s.run(pipeline{retry{{.attempts = 10}}}.wrap(op).try_call(mine));
        std::vector<duration> list;
        for (auto const& entry : mine.log()) list.push_back(entry.waited);
        return list;
    };
    EXPECT_EQ(waits(5), waits(5));
    EXPECT_NE(waits(5), waits(6));
}

TEST_F(retries, every_attempt_has_the_limit_that_was_asked_for) {
    for (duration const limit : {duration{7s}, duration{10min}}) {
        scripted_operation<int> op;
        op.never().gives(7);
        EXPECT_EQ(sim.run(pipeline{retry{{.attempt_timeout = limit}}}.wrap(op)(c)), 7);
        EXPECT_EQ(c.log()[0].duration, limit) << "shorter or longer than the default";
        for (auto const& send : op.seen()) EXPECT_EQ(send.deadline - send.at, limit) << "also of the second attempt";
    }
}

TEST_F(retries, a_kind_of_fault_may_have_a_schedule_of_its_own) {
    provider.fails(fault_kind::overloaded).fails(fault_kind::throttled).fails(fault_kind::overloaded).gives(7);
    EXPECT_EQ(run(retry{{.schedule = every(1s), .schedule_for = {{fault_kind::throttled, every(20s)}}}}), 7);
    EXPECT_EQ(starts(), (std::vector<duration>{0s, 1s, 21s, 22s}));
}

TEST_F(retries, schedules_are_combined) {
    provider.fails(fault_kind::overloaded).times(0);
    (void)run(retry{{.schedule = backoff::fixed(10s) + backoff::up_to(1s)}});
    for (std::size_t i = 1; i < c.log().size(); ++i) {
        EXPECT_GE(c.log()[i].waited, 10s);
        EXPECT_LT(c.log()[i].waited, 11s);
    }
    EXPECT_NE(c.log()[1].waited, c.log()[2].waited);
}

TEST_F(retries, stop_when_their_condition_holds_and_tell_the_last_real_fault) {
    provider.fails(fault_kind::overloaded).fails(fault_kind::throttled).fails(fault_kind::throttled).gives(7);
    auto const why =
        run(retry{{.attempts = 9, .stop = stop_after_same_fault(2) | stop_at(fault_kind::broken_stream)}}).error();
    EXPECT_EQ(why.kind(), fault_kind::throttled);
    EXPECT_EQ(why.stop(), stop_reason::condition);
    EXPECT_EQ(provider.sends(), 3);

    scripted_operation<int> slow;
    slow.fails(fault_kind::overloaded).after(3s).times(0);
    call timed{key{"test", 2}, 1h};
    auto const late = sim.run(
        pipeline{retry{{.attempts = 9, .schedule = every(1s), .stop = stop_after(10s)}}}.wrap(slow).try_call(timed));
    EXPECT_EQ(late.error().stop(), stop_reason::condition);
    EXPECT_EQ(slow.sends(), 3) << "the fourth would have begun 12 s after the first";

    scripted_operation<int> lost;
    lost.fails(fault_kind::ambiguous).times(0);
    call unsure{key{"test", 3}, 1h};
    (void)sim.run(
        pipeline{retry{{.attempts = 9, .max_sends = 9, .stop = stop_after_unproven(3)}}}.wrap(lost).try_call(unsure));
    EXPECT_EQ(lost.sends(), 3);
}

// The user's rule ------------------------------------------------------------------------------------------------------------

TEST_F(retries, the_users_rule_decides_and_is_told_the_attempts) {
    std::vector<std::pair<fault_kind, int>> asked;
    auto const rule = [&](fault const& f, int attempts) {
        asked.emplace_back(f.kind(), attempts);
        if (f.kind() == fault_kind::permanent) return retry_decision::yes_after(30s);
        if (f.kind() == fault_kind::throttled) return retry_decision::no();
        return retry_decision::by_table();
    };
    provider.fails(fault{fault_kind::permanent}.with_billing(knowledge::no))
        .fails(fault_kind::overloaded)
        .fails(fault_kind::throttled);
    auto const why = run(retry{{.schedule = every(1s), .hint_spread = 0}, rule}).error();
    EXPECT_EQ(why.stop(), stop_reason::not_retryable);
    EXPECT_EQ(asked, (std::vector<std::pair<fault_kind, int>>{
                         {fault_kind::permanent, 1}, {fault_kind::overloaded, 2}, {fault_kind::throttled, 3}}));
    EXPECT_EQ(starts(), (std::vector<duration>{0s, 30s, 31s}));
}

TEST_F(retries, a_rule_that_throws_retries_nothing) {
    provider.fails(fault_kind::overloaded);
    auto const why =
        run(retry{{}, [](fault const&, int) -> retry_decision { throw std::runtime_error{"the rule fell over"}; }})
            .error();
    EXPECT_EQ(why.kind(), fault_kind::overloaded);
    EXPECT_EQ(why.stop(), stop_reason::not_retryable);
}

TEST_F(retries, options_that_cannot_be_meant_are_refused) {
    auto const refuses = [](retry_options const& o) {
        EXPECT_THROW(retry{o}, std::invalid_argument);
        retry_options const right;
        EXPECT_NO_THROW(retry{right});
    };
    refuses({.attempts = 0});
    refuses({.attempts = -1});
    refuses({.max_sends = 0});
    refuses({.schedule = coffer::backoff{.base = -1ns}});
    refuses({.schedule = coffer::backoff{.cap = -1ns}});
    refuses({.schedule = coffer::backoff{.factor = 0.5}});
    refuses({.schedule = coffer::backoff{.factor = std::numeric_limits<double>::quiet_NaN()}});
    refuses({.schedule_for = {{fault_kind::throttled, backoff{.cap = -1ns}}}});
    refuses({.ambiguous_delay = -1ns});
    refuses({.ambiguous_spread = -1});
    refuses({.ambiguous_spread = std::numeric_limits<double>::infinity()});
    refuses({.hint_ceiling = -1s});
    refuses({.hint_spread = -0.1});
    refuses({.hint_spread = std::numeric_limits<double>::quiet_NaN()});
    retry const policy;
    EXPECT_THROW(policy.change({.hint_spread = 2}), std::invalid_argument);
    EXPECT_THROW((void)(pipeline{policy, policy}.wrap(provider)), misuse) << "one state, twice in one pipeline";
    refuses({.attempt_timeout = 0ns});
    refuses({.attempt_timeout = -1s});
}

TEST_F(retries, nested_in_retries_make_no_more_than_the_outermost_may) {
    auto const sends = [](retry_options const& outer, retry_options const& inner) {
        simulation own;
        scripted_operation<int> op;
        op.fails(fault_kind::ambiguous).times(0);
        auto asked = call::unkeyed(5h);
        (void)own.run(pipeline{retry{outer}}.wrap(pipeline{retry{inner}}.wrap(op)).try_call(asked));
        return op.sends();
    };
    EXPECT_EQ(sends({.attempts = 2, .max_sends = 9}, {.attempts = 5, .max_sends = 9}), 2);
    EXPECT_EQ(sends({.attempts = 5, .max_sends = 9}, {.attempts = 3, .max_sends = 9}), 5) << "and not 15";
    EXPECT_EQ(sends({.max_sends = 1}, {.attempts = 5, .max_sends = 4}), 1);
    EXPECT_EQ(sends({.attempts = 6, .max_sends = 4}, {.attempts = 5, .max_sends = 3}), 4);
}

TEST_F(retries, the_time_to_stop_counts_from_the_first_attempt_and_not_from_the_line_before_it) {
    provider.gives(1).fails(fault_kind::overloaded).gives(7);
    auto const ask =
        pipeline{retry{{.schedule = every(1s), .stop = stop_after(30s)}}, rate_limit{{.requests_per_minute = 1}}}.wrap(
            provider);
    (void)sim.run(ask.try_call(c));
    EXPECT_EQ(sim.run(ask.try_call(c)).value(), 7);
    EXPECT_EQ(c.log().size(), 2U);
}

TEST_F(retries, copies_share_nothing_between_calls) {
    provider.fails(fault_kind::overloaded).times(3).gives(1).fails(fault_kind::overloaded).times(3).gives(2);
    guarded<int()> const ask = pipeline{retry{{.attempts = 4}}}.wrap(provider);
    EXPECT_EQ(sim.run(ask(c)), 1);
    EXPECT_EQ(sim.run(ask(c)), 2) << "the second call has all its attempts";
}

// Random providers, two retries around each other: whatever happens, the promises about counts and time hold.
TEST_F(retries, random_scripts_keep_the_promises) {
    for (auto const seed : support::each_seed(support::seeds(2))) {
        support::dice dice{seed};
        simulation s{seed};
        scripted_operation<int> op;
        for (auto n = dice.below(8); n > 0; --n) {
            op.fails(static_cast<fault_kind>(dice.below(static_cast<int>(fault_kind::permanent) + 1)));
            op.after(std::chrono::milliseconds(dice.below(3000)));
            if (dice.one_in(4)) op.never();
        }
        if (dice.one_in(2)) op.gives(1);
        op.fails(fault_kind::unauthorized).times(0);
        retry_options o{.attempts = 1 + dice.below(5), .max_sends = 1 + dice.below(3), .attempt_timeout = 20s};
        auto const deadline = std::chrono::seconds(1 + dice.below(120));
        call mine{key{"test", 1}, deadline};
        auto const begin = s.time.now();
        auto const ask = pipeline{retry{o}}.wrap(pipeline{retry{o}}.wrap(op));
        auto const r = s.run(ask.try_call(mine));

        ASSERT_LE(op.sends(), o.attempts) << "seed " << seed;
        // What coffer could not know to be unbilled: never less than what was billed.
        auto const unproven =
            static_cast<int>(std::count_if(mine.log().begin(), mine.log().end(), [](attempt_record const& e) {
                return e.fault && e.billing != knowledge::no;
            }));
        ASSERT_LE(op.bills() - (r ? 1 : 0), unproven) << "seed " << seed;
        ASSERT_LE(unproven, o.max_sends) << "seed " << seed;
        ASSERT_LE(s.time.now() - begin, deadline) << "seed " << seed;
        ASSERT_EQ(static_cast<int>(mine.log().size()), op.sends()) << "seed " << seed;
        if (r) continue;
        // It stopped for a reason, and the reason is true.
        auto const& why = r.error();
        switch (why.stop()) {
            case stop_reason::not_retryable: ASSERT_FALSE(row(why.kind()).retry_same) << "seed " << seed; break;
            case stop_reason::attempts_spent: ASSERT_EQ(op.sends(), o.attempts) << "seed " << seed; break;
            case stop_reason::sends_spent: ASSERT_EQ(unproven, o.max_sends) << "seed " << seed; break;
            case stop_reason::deadline: ASSERT_GT(s.time.now() - begin + 31s, deadline) << "seed " << seed; break;
            default: FAIL() << "no reason, seed " << seed;
        }
    }
}

}  // namespace
}  // namespace retry_test
