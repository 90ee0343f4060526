// SPDX-License-Identifier: BSL-1.0
#include <coffer/state/retry_rule.hpp>

#include "support/seeds.hpp"

#include <gtest/gtest.h>

#include <chrono>
#include <limits>
#include <optional>
#include <vector>

namespace retry_rule_test {
namespace {

using namespace coffer;
using namespace std::chrono_literals;
using nanoseconds = std::chrono::nanoseconds;
using time_point = std::chrono::steady_clock::time_point;

/// Options without chance: one second before every retry.
retry_options plain() {
    retry_options o;
    o.schedule = backoff{growth::constant, jitter::none, 1s, 1s};
    o.attempts = 4;
    o.hint_spread = 0;
    return o;
}

retry_facts facts(int made = 1, int sends_left = 1) {
    retry_facts f;
    f.attempts_made = made;
    f.sends_left = sends_left;
    return f;
}

std::vector<fault_kind> all_kinds() {
    std::vector<fault_kind> kinds;
    for (std::size_t i = 0; i < fault_kind_count; ++i) kinds.push_back(static_cast<fault_kind>(i));
    return kinds;
}

// May it help at all -------------------------------------------------------------------------------------------------

TEST(retry_rule, retries_the_kinds_of_the_table_and_no_others) {
    for (auto const kind : all_kinds()) {
        auto const v = decide_retry(plain(), fault{kind}, facts());
        EXPECT_EQ(v.again, row(kind).retry_same) << kind;
        EXPECT_EQ(v.stop, row(kind).retry_same ? stop_reason::none : stop_reason::not_retryable) << kind;
    }
}

TEST(retry_rule, a_repaired_request_waits_for_nothing_but_a_hint) {
    auto f = facts();
    f.repaired = true;
    auto const v = decide_retry(plain(), fault{fault_kind::defective_answer}, f);
    EXPECT_TRUE(v.again);
    EXPECT_EQ(v.delay, 0s);
    EXPECT_EQ(v.source, delay_source::repair);
    auto const hinted = decide_retry(plain(), fault{fault_kind::defective_answer}.with_retry_after(7s), f);
    EXPECT_EQ(hinted.delay, 7s);
    EXPECT_EQ(hinted.source, delay_source::provider_hint);
    f.user = retry_decision::no();
    EXPECT_EQ(decide_retry(plain(), fault{fault_kind::defective_answer}, f).stop, stop_reason::not_retryable);
    f.user = retry_decision::yes_after(3s);
    EXPECT_EQ(decide_retry(plain(), fault{fault_kind::defective_answer}, f).delay, 3s);
    f.user = retry_decision::by_table();
    f.attempts_made = plain().attempts;
    EXPECT_EQ(decide_retry(plain(), fault{fault_kind::defective_answer}, f).stop, stop_reason::attempts_spent);
}

TEST(retry_rule, the_user_may_overrule_the_table_both_ways) {
    for (auto const kind : all_kinds()) {
        auto f = facts();
        f.user = retry_decision::yes();
        EXPECT_TRUE(decide_retry(plain(), fault{kind}, f).again) << kind;
        f.user = retry_decision::no();
        EXPECT_EQ(decide_retry(plain(), fault{kind}, f).stop, stop_reason::not_retryable) << kind;
        f.user = retry_decision::by_table();
        EXPECT_EQ(decide_retry(plain(), fault{kind}, f).again, row(kind).retry_same) << kind;
    }
}

TEST(retry_rule, the_user_cannot_overrule_attempts_sends_or_time) {
    auto f = facts(4);
    f.user = retry_decision::yes();
    EXPECT_EQ(decide_retry(plain(), fault{fault_kind::throttled}, f).stop, stop_reason::attempts_spent);
    f = facts(1, 0);
    f.user = retry_decision::yes();
    EXPECT_EQ(decide_retry(plain(), fault{fault_kind::throttled}, f).stop, stop_reason::sends_spent);
    f = facts();
    f.user = retry_decision::yes();
    f.deadline = f.now + 1s;
    EXPECT_EQ(decide_retry(plain(), fault{fault_kind::throttled}, f).stop, stop_reason::deadline);
}

// Attempts and sends -------------------------------------------------------------------------------------------------

TEST(retry_rule, attempts_are_counted_with_the_first) {
    for (int made = 1; made <= 3; ++made)
        EXPECT_TRUE(decide_retry(plain(), fault{fault_kind::throttled}, facts(made)).again) << made;
    EXPECT_EQ(decide_retry(plain(), fault{fault_kind::throttled}, facts(4)).stop, stop_reason::attempts_spent);
    EXPECT_EQ(decide_retry(plain(), fault{fault_kind::throttled}, facts(5)).stop, stop_reason::attempts_spent);
    auto once = plain();
    once.attempts = 1;
    EXPECT_EQ(decide_retry(once, fault{fault_kind::throttled}, facts(1)).stop, stop_reason::attempts_spent);
}

TEST(retry_rule, no_send_left_stops_whatever_the_last_fault_was) {
    for (auto const kind : {fault_kind::throttled, fault_kind::ambiguous, fault_kind::not_sent}) {
        EXPECT_EQ(decide_retry(plain(), fault{kind}, facts(1, 0)).stop, stop_reason::sends_spent);
        EXPECT_EQ(decide_retry(plain(), fault{kind}, facts(1, -1)).stop, stop_reason::sends_spent);
        EXPECT_TRUE(decide_retry(plain(), fault{kind}, facts(1, 1)).again);
    }
}

TEST(retry_rule, the_first_reason_to_stop_is_the_one_that_is_told) {
    auto f = facts(9, 0);
    f.deadline = f.now;
    EXPECT_EQ(decide_retry(plain(), fault{fault_kind::unauthorized}, f).stop, stop_reason::not_retryable);
    EXPECT_EQ(decide_retry(plain(), fault{fault_kind::throttled}, f).stop, stop_reason::attempts_spent);
    f.attempts_made = 1;
    EXPECT_EQ(decide_retry(plain(), fault{fault_kind::throttled}, f).stop, stop_reason::sends_spent);
    f.sends_left = 1;
    EXPECT_EQ(decide_retry(plain(), fault{fault_kind::throttled}.with_retry_after(1h), f).stop,
              stop_reason::hint_too_long);
    EXPECT_EQ(decide_retry(plain(), fault{fault_kind::throttled}, f).stop, stop_reason::deadline);
}

// How long -----------------------------------------------------------------------------------------------------------

TEST(retry_rule, a_hint_is_a_floor) {
    auto const after = [](nanoseconds hint) {
        return decide_retry(plain(), fault{fault_kind::throttled}.with_retry_after(hint), facts());
    };
    EXPECT_EQ(after(20s).delay, 20s);
    EXPECT_EQ(after(20s).source, delay_source::provider_hint);
    EXPECT_EQ(after(200ms).delay, 1s) << "a hint makes nothing sooner";
    EXPECT_EQ(after(200ms).source, delay_source::backoff);
    EXPECT_EQ(after(0s).delay, 1s);
}

TEST(retry_rule, a_hint_is_spread_upwards_only) {
    auto o = plain();
    o.hint_spread = 0.25;
    for (double const draw : {0.0, 0.1, 0.5, 0.999}) {
        auto f = facts();
        f.spread_draw = draw;
        auto const v = decide_retry(o, fault{fault_kind::throttled}.with_retry_after(20s), f);
        EXPECT_GE(v.delay, 20s);
        EXPECT_LT(v.delay, 25s);
        EXPECT_NEAR(static_cast<double>(v.delay.count()), 20e9 * (1 + 0.25 * draw), 2);
    }
}

TEST(retry_rule, a_hint_above_the_ceiling_ends_the_call_at_once) {
    auto o = plain();
    o.hint_ceiling = 60s;
    EXPECT_TRUE(decide_retry(o, fault{fault_kind::throttled}.with_retry_after(60s), facts()).again);
    auto const v = decide_retry(o, fault{fault_kind::throttled}.with_retry_after(60s + 1ns), facts());
    EXPECT_FALSE(v.again);
    EXPECT_EQ(v.stop, stop_reason::hint_too_long);
}

TEST(retry_rule, the_users_floor_is_a_hint_too) {
    auto f = facts();
    f.user = retry_decision::yes_after(30s);
    EXPECT_EQ(decide_retry(plain(), fault{fault_kind::permanent}.with_execution(knowledge::no), f).delay, 30s);
    EXPECT_EQ(decide_retry(plain(), fault{fault_kind::throttled}.with_retry_after(40s), f).delay, 40s)
        << "the longer one";
    EXPECT_EQ(decide_retry(plain(), fault{fault_kind::throttled}.with_retry_after(20s), f).delay, 30s);
    f.user = retry_decision::yes_after(-5s);
    EXPECT_EQ(decide_retry(plain(), fault{fault_kind::throttled}, f).delay, 1s);
    f.user = retry_decision::yes_after(1h);
    EXPECT_EQ(decide_retry(plain(), fault{fault_kind::throttled}, f).stop, stop_reason::hint_too_long);
}

TEST(retry_rule, what_may_have_been_executed_or_billed_is_not_sent_again_in_a_hurry) {
    struct expected {
        knowledge execution, billing;
        nanoseconds delay;
    };
    using enum knowledge;
    for (auto const& e : std::vector<expected>{{no, no, 1s},
                                               {maybe, maybe, 5s},
                                               {yes, no, 5s},  // a processed 500 that is not billed
                                               {no, yes, 5s},  // a moderated 400 that is
                                               {maybe, no, 5s},
                                               {no, maybe, 5s},
                                               {yes, yes, 5s}}) {
        auto const v = decide_retry(
            plain(), fault{fault_kind::transient}.with_execution(e.execution).with_billing(e.billing), facts());
        EXPECT_EQ(v.delay, e.delay) << e.execution << ", " << e.billing;
        EXPECT_EQ(v.source, e.delay == 5s ? delay_source::ambiguous_floor : delay_source::backoff);
    }
}

TEST(retry_rule, what_may_have_been_executed_is_spread_upwards) {
    auto const ambiguous = fault{fault_kind::ambiguous};
    auto f = facts();
    for (double const draw : {0.0, 0.25, 0.5, 0x1.fffffffffffffp-1}) {
        f.spread_draw = draw;
        auto const delay = decide_retry(plain(), ambiguous, f).delay;
        EXPECT_GE(delay, 5s + draw * 5s - 1us);
        EXPECT_LT(delay, 10s) << "twice as long is never reached";
        retry_options exact = plain();
        exact.ambiguous_spread = 0;
        EXPECT_EQ(decide_retry(exact, ambiguous, f).delay, 5s);
        exact.ambiguous_spread = 0.1;
        EXPECT_LT(decide_retry(exact, ambiguous, f).delay, 5500ms);
    }
    f.deadline = f.now + 7s;
    EXPECT_EQ(decide_retry(plain(), ambiguous, f).stop, stop_reason::deadline);
    f.spread_draw = 0;
    EXPECT_TRUE(decide_retry(plain(), ambiguous, f).again);
}

TEST(retry_rule, the_longest_of_its_parts_makes_the_delay) {
    auto const ambiguous = fault{fault_kind::ambiguous};
    EXPECT_EQ(decide_retry(plain(), fault{ambiguous}.with_retry_after(3s), facts()).delay, 5s);
    EXPECT_EQ(decide_retry(plain(), fault{ambiguous}.with_retry_after(7s), facts()).delay, 7s);
    auto slow = plain();
    slow.schedule = backoff{growth::constant, jitter::none, 9s, 9s};
    auto const v = decide_retry(slow, fault{ambiguous}.with_retry_after(7s), facts());
    EXPECT_EQ(v.delay, 9s);
    EXPECT_EQ(v.source, delay_source::backoff);
}

TEST(retry_rule, the_schedule_goes_by_the_attempts_made) {
    auto o = plain();
    o.schedule = backoff{growth::exponential, jitter::none, 1s, 1min};
    EXPECT_EQ(decide_retry(o, fault{fault_kind::throttled}, facts(1)).delay, 1s);
    EXPECT_EQ(decide_retry(o, fault{fault_kind::throttled}, facts(3)).delay, 4s);
    o.schedule = backoff{growth::exponential, jitter::decorrelated, 1s, 1min};
    auto f = facts(2);
    f.previous[0] = 10s;
    f.draws[0] = 0.5;
    EXPECT_EQ(decide_retry(o, fault{fault_kind::throttled}, f).delay, 15'500ms);
}

// Is there time ------------------------------------------------------------------------------------------------------

TEST(retry_rule, never_waits_up_to_the_deadline_or_beyond) {
    auto f = facts();
    f.now = time_point{100s};
    f.deadline = f.now + 1s + 1ns;
    EXPECT_TRUE(decide_retry(plain(), fault{fault_kind::throttled}, f).again);
    f.deadline = f.now + 1s;  // the attempt would begin when its time is up
    EXPECT_EQ(decide_retry(plain(), fault{fault_kind::throttled}, f).stop, stop_reason::deadline);
    f.deadline = f.now - 1s;
    EXPECT_EQ(decide_retry(plain(), fault{fault_kind::throttled}, f).stop, stop_reason::deadline);
    f.deadline = f.now + 10s;
    EXPECT_EQ(decide_retry(plain(), fault{fault_kind::throttled}.with_retry_after(10s), f).stop, stop_reason::deadline);
}

TEST(retry_rule, options_and_hints_that_cannot_be_meant_do_no_harm) {
    constexpr double inf = std::numeric_limits<double>::infinity();
    constexpr double nan = std::numeric_limits<double>::quiet_NaN();
    for (double const spread : {nan, inf, -inf, -1.0, 0.0, 1e300})
        for (double const draw : {0.0, 0.5, 0x1.fffffffffffffp-1})
            for (auto const hint : {0ns, nanoseconds{1s}, nanoseconds::max() / 2, nanoseconds::max()}) {
                auto o = plain();
                o.hint_spread = spread;
                o.hint_ceiling = nanoseconds::max();
                auto f = facts();
                f.spread_draw = draw;
                auto const v = decide_retry(o, fault{fault_kind::throttled}.with_retry_after(hint), f);
                if (v.again) {
                    ASSERT_GE(v.delay, hint);
                } else {
                    ASSERT_EQ(v.stop, stop_reason::deadline);
                }
            }
}

// A random model -----------------------------------------------------------------------------------------------------

TEST(retry_rule, random_facts_are_decided_as_the_rules_say) {
    for (auto const seed : support::each_seed(4 * support::seeds())) {
        support::dice dice{seed};
        auto const kind = static_cast<fault_kind>(dice.below(fault_kind_count));
        auto const known = [&] { return static_cast<knowledge>(dice.below(3)); };
        auto const some = [&](nanoseconds most) { return nanoseconds{dice.below(most.count())}; };
        fault why{kind};
        if (dice.one_in(2)) why.with_execution(known());
        if (dice.one_in(2)) why.with_billing(known());
        if (dice.one_in(2)) why.with_retry_after(some(20min));
        retry_options o;
        o.attempts = 1 + dice.below(5);
        o.hint_ceiling = some(20min);
        o.ambiguous_delay = some(20s);
        o.ambiguous_spread = dice.unit();
        retry_facts f = facts(1 + dice.below(5), dice.below(3));
        retry_decision const users[] = {retry_decision::by_table(), retry_decision::no(), retry_decision::yes(),
                                        retry_decision::yes_after(some(20min))};
        f.user = users[dice.below(4)];
        f.now = time_point{1h};
        f.deadline = f.now + some(30min);
        f.draws[0] = dice.unit();
        f.spread_draw = dice.unit();
        f.previous[0] = some(30s);
        auto const v = decide_retry(o, why, f);

        std::optional<nanoseconds> floor = why.retry_after();
        if (f.user.what() == retry_decision::kind::yes_after) floor = std::max(floor.value_or(0ns), f.user.floor());
        bool const unsure = why.execution() != knowledge::no || why.billing() != knowledge::no;
        bool const wanted = f.user.what() == retry_decision::kind::by_table ? row(kind).retry_same
                                                                            : f.user.what() != retry_decision::kind::no;
        auto const expected = !wanted                            ? stop_reason::not_retryable
                              : f.attempts_made >= o.attempts    ? stop_reason::attempts_spent
                              : f.sends_left == 0                ? stop_reason::sends_spent
                              : floor && *floor > o.hint_ceiling ? stop_reason::hint_too_long
                              : v.again                          ? stop_reason::none
                                                                 : stop_reason::deadline;
        ASSERT_EQ(v.stop, expected) << "seed " << seed;
        auto const least = std::max(floor.value_or(0ns), unsure ? o.ambiguous_delay : 0ns);
        if (v.again) {
            ASSERT_GE(v.delay, least) << "seed " << seed;
            ASSERT_LT(f.now + v.delay, f.deadline) << "seed " << seed;
            // Never longer than the longest of: the schedule's cap, the spread hint, the ambiguous floor.
            auto const spread = std::chrono::duration_cast<nanoseconds>(floor.value_or(0ns) * 1.25) + 1ns;
            auto const unhurried = spread_upwards(o.ambiguous_delay, o.ambiguous_spread);
            ASSERT_LE(v.delay, std::max({nanoseconds{30s}, spread, unhurried})) << "seed " << seed;
        } else if (v.stop == stop_reason::deadline) {
            auto const longest = std::max({nanoseconds{30s}, spread_upwards(least, 1)});
            ASSERT_LE(f.deadline - f.now, longest) << "there was time, seed " << seed;
        }
    }
}

// Each default changes behaviour: a liveness twin of the numbers in defaults.hpp.
TEST(retry_rule, defaults_are_those_of_the_table) {
    retry_options const o;
    auto const throttled = fault{fault_kind::throttled};
    EXPECT_TRUE(decide_retry(o, throttled, facts(3)).again);
    EXPECT_FALSE(decide_retry(o, throttled, facts(4)).again);
    EXPECT_EQ(o.max_sends, 2);
    auto f = facts();
    f.draws[0] = 0x1.fffffffffffffp-1;
    EXPECT_EQ(decide_retry(o, throttled, f).delay, 500ms - 1ns);
    f.attempts_made = 3;
    EXPECT_EQ(decide_retry(o, throttled, f).delay, 2s - 1ns);
    EXPECT_EQ(decide_retry(o, fault{fault_kind::ambiguous}, facts()).delay, 5s);
    EXPECT_TRUE(decide_retry(o, fault{throttled}.with_retry_after(10min), facts()).again);
    EXPECT_FALSE(decide_retry(o, fault{throttled}.with_retry_after(10min + 1s), facts()).again);
    f = facts();
    f.spread_draw = 0.5;
    EXPECT_EQ(decide_retry(o, fault{throttled}.with_retry_after(80s), f).delay, 90s);
    EXPECT_EQ(o.attempt_timeout, 5min);
}

}  // namespace
}  // namespace retry_rule_test
