// SPDX-License-Identifier: BSL-1.0
// A second request beside a slow one: when it is started and when not, who wins, what becomes of who has lost, and what is
// counted. (Under a journal: hedge_once_test.cpp.)
#include <coffer/call/guarded.hpp>
#include <coffer/call/pipeline.hpp>
#include <coffer/policy/budget.hpp>
#include <coffer/policy/circuit_breaker.hpp>
#include <coffer/policy/fallback.hpp>
#include <coffer/policy/hedge.hpp>
#include <coffer/policy/once.hpp>
#include <coffer/policy/rate_limit.hpp>
#include <coffer/policy/retry.hpp>
#include <coffer/policy/timeout.hpp>
#include <coffer/store/ledger_memory.hpp>
#include <coffer/store/memory.hpp>
#include <coffer/testing/scripted_operation.hpp>

#include <gtest/gtest.h>

#include <functional>
#include <limits>
#include <memory>
#include <new>
#include <optional>
#include <stdexcept>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "policy/support/foreign.hpp"
#include "policy/support/priced.hpp"
#include "policy/support/provider.hpp"
#include "policy/support/speaker.hpp"
#include "support/scripted_gate.hpp"
#include "support/simulation.hpp"

namespace hedge_test {
namespace {

using namespace coffer;
using namespace coffer::literals;
using namespace std::chrono_literals;
using support::caller;
using support::guarded;
using support::request;
using support::speaker;

/// After ten seconds, whatever is learnt.
constexpr hedge_options after_ten{.delay = 10s, .percentile = 0};

struct hedge_test : ::testing::Test {
    support::simulation sim;
    speaker first{"acme"}, second{"zeta"}, third{"omega"};
    support::tape tape;
    std::vector<event> told;
    std::vector<std::string> reasons;

    caller begin(guarded const& ask, duration deadline = 15min) {
        return caller::begin(sim.executor(), ask, coffer::call{key{"test", "k"}, deadline}, request{});
    }
    /// To its end, and that of everything that is still under way.
    support::asked run(guarded const& ask, duration deadline = 15min) {
        auto const c = begin(ask, deadline);
        sim.time.run();
        return *c;
    }
    /// Until it is answered, and no longer.
    caller run_for(guarded const& ask, duration d, duration deadline = 15min) {
        auto c = begin(ask, deadline);
        sim.time.run_for(d);
        return c;
    }
    static guarded bare(speaker const& s) { return pipeline{}.wrap(s.op()); }
    template <class Hedge>
    guarded watched(Hedge h) {
        return pipeline{}.wrap(std::move(h).observe([this](event const& e) {
            told.push_back(e);
            if (e.kind == event_kind::not_hedged) reasons.emplace_back(e.reason);
        }));
    }
    guarded both(hedge_options o = after_ten) { return watched(hedge{o, bare(first), bare(second)}); }
    std::vector<int> counts() const { return {first.script.count(), second.script.count(), third.script.count()}; }
    std::vector<coffer::time_point> starts(speaker const& s) const {
        std::vector<coffer::time_point> all;
        for (auto const& one : s.script.sends()) all.push_back(one.at);
        return all;
    }
    using n = std::vector<int>;
};

// When --------------------------------------------------------------------------------------------------------------

TEST_F(hedge_test, who_answers_in_time_is_not_hedged) {
    first.script.answer("hello", 9s);
    auto const c = run(both());
    EXPECT_EQ(c.text(), "hello from acme/m");
    EXPECT_EQ(counts(), (n{1, 0, 0}));
    EXPECT_TRUE(told.empty());
    EXPECT_EQ(c.cost, 0.01_usd);
    EXPECT_EQ(c.log.size(), 1U);
}

TEST_F(hedge_test, a_slow_one_is_hedged_and_the_first_answer_wins) {
    first.script.answer("slow", 60s);
    second.script.answer("quick", 5s);
    auto const start = sim.time.now();
    auto const c = run(both());
    EXPECT_EQ(c.text(), "quick from zeta/m");
    EXPECT_EQ(c.ended, start + 15s);
    EXPECT_EQ(starts(second), std::vector{start + 10s});
    EXPECT_EQ(c.answered_by.value().provider, "zeta");
    ASSERT_EQ(told.size(), 1U);
    EXPECT_EQ(told[0].kind, event_kind::hedged);
    EXPECT_EQ(told[0].delay, 10s);
    EXPECT_EQ(told[0].attempt, 1);
    EXPECT_EQ(c.cost, std::nullopt) << "what the other one costs is not known yet";
    ASSERT_EQ(c.log.size(), 1U) << "and it has not ended";
    EXPECT_EQ(c.log[0].number, 2);
    EXPECT_EQ(c.log[0].start, 10s);
}

TEST_F(hedge_test, the_primary_may_still_win) {
    first.script.answer("slow", 12s);
    second.script.answer("quick", 5s);
    auto const start = sim.time.now();
    auto const c = run(both());
    EXPECT_EQ(c.text(), "slow from acme/m");
    EXPECT_EQ(c.ended, start + 12s);
    EXPECT_EQ(counts(), (n{1, 1, 0}));
}

TEST_F(hedge_test, without_a_backup_the_primary_is_asked_again) {
    first.script.answer("slow", 60s).answer("quick", 1s);
    auto const c = run(watched(hedge{after_ten, bare(first)}));
    EXPECT_EQ(c.text(), "quick from acme/m");
    EXPECT_EQ(counts(), (n{2, 0, 0}));
}

TEST_F(hedge_test, a_vector_of_alternatives_is_primary_and_backups) {
    first.script.answer("slow", 60s);
    second.script.answer("quick", 1s);
    auto const c = run(watched(hedge{after_ten, std::vector{bare(first), bare(second)}}));
    EXPECT_EQ(c.text(), "quick from zeta/m");
}

TEST_F(hedge_test, several_hedges_go_to_the_backups_in_turn_each_after_the_delay) {
    for (auto const s : {&first, &second, &third}) s->script.answer("hello", 50s).answer("hello", 50s);
    auto const start = sim.time.now();
    auto o = after_ten;
    o.hedges = 3;
    o.max_sends = 10;
    auto const c = run(watched(hedge{o, bare(first), bare(second), bare(third)}));
    EXPECT_EQ(counts(), (n{1, 2, 1}));
    EXPECT_EQ(starts(second), (std::vector{start + 10s, start + 30s}));
    EXPECT_EQ(starts(third), std::vector{start + 20s});
    EXPECT_EQ(c.text(), "hello from acme/m");
}

TEST_F(hedge_test, the_delay_is_learnt_from_the_primarys_answers) {
    hedge const h{{.delay = 30s, .percentile = 90, .minimum = 10}, bare(first), bare(second)};
    auto const ask = watched(h);
    for (int i = 1; i <= 9; ++i) first.script.answer("hello", i * 1s);
    for (int i = 1; i <= 9; ++i) EXPECT_TRUE(run(ask).ok());
    EXPECT_FALSE(h.look(sim.time.now()).learnt) << "too few";
    EXPECT_EQ(h.look(sim.time.now()).delay, 30s);
    first.script.answer("hello", 10s);
    EXPECT_TRUE(run(ask).ok());
    auto const learnt = h.look(sim.time.now());
    EXPECT_TRUE(learnt.learnt);
    EXPECT_GE(learnt.delay, 9s);
    EXPECT_LE(learnt.delay, 10s * 17 / 16 + 1us);

    first.script.answer("slow", 60s);
    second.script.answer("quick", 1s);
    auto const start = sim.time.now();
    auto const c = run(ask);
    EXPECT_EQ(c.text(), "quick from zeta/m");
    EXPECT_EQ(c.ended, start + learnt.delay + 1s);
    EXPECT_EQ(h.look(sim.time.now()).wins, 1U);
    EXPECT_EQ(h.look(sim.time.now()).hedges, 1U);
    EXPECT_EQ(h.look(sim.time.now()).calls, 11U);
}

TEST_F(hedge_test, what_has_lost_teaches_its_true_duration) {
    hedge const h{{.delay = 5s, .percentile = 50, .minimum = 1}, bare(first), bare(second)};
    first.script.answer("slow", 100s);
    second.script.answer("quick", 1s);
    EXPECT_EQ(run(watched(h)).text(), "quick from zeta/m");
    EXPECT_GE(h.look(sim.time.now()).delay, 100s)
        << "else answers would look ever quicker, and hedges would be ever more";
}

TEST_F(hedge_test, where_the_loser_is_cut_off_it_has_taken_at_least_so_long) {
    hedge const h{{.delay = 5s, .percentile = 50, .minimum = 1, .cancel_loser = true}, bare(first), bare(second)};
    first.script.answer("slow", 100s);
    second.script.answer("quick", 1s);
    EXPECT_EQ(run(watched(h)).text(), "quick from zeta/m");
    auto const delay = h.look(sim.time.now()).delay;
    EXPECT_GE(delay, 6s);
    EXPECT_LE(delay, 7s);
}

TEST_F(hedge_test, an_old_answer_counts_less_and_less) {
    hedge const h{{.delay = 30s, .minimum = 2, .window = 1min}, bare(first), bare(second)};
    first.script.answer("hello", 1s).answer("hello", 1s).answer("hello", 1s);
    for (int i = 0; i < 3; ++i) EXPECT_TRUE(run(watched(h)).ok());
    EXPECT_TRUE(h.look(sim.time.now()).learnt);
    EXPECT_FALSE(h.look(sim.time.now() + 2min).learnt);
}

TEST_F(hedge_test, the_learnt_delay_is_not_shorter_than_the_least) {
    hedge const h{{.least_delay = 3s, .minimum = 1}, bare(first), bare(second)};
    first.script.answer("hello", 10ms);
    EXPECT_TRUE(run(watched(h)).ok());
    EXPECT_EQ(h.look(sim.time.now()).delay, 3s);
}

// How many ---------------------------------------------------------------------------------------------------------

TEST_F(hedge_test, hedges_stay_within_their_ratio_to_the_calls_and_the_primaries_go_on) {
    auto o = after_ten;
    o.ratio = 0.25, o.burst = 2;
    auto const ask = both(o);
    for (int i = 0; i < 20; ++i) {
        first.script.answer("slow", 60s);
        second.script.answer("quick", 1s);
    }
    int answered = 0;
    for (int i = 0; i < 20; ++i) answered += run(ask).ok() ? 1 : 0;
    EXPECT_EQ(answered, 20) << "where there is no hedge the primary answers";
    EXPECT_EQ(second.script.count(), 2 + 18 / 4) << "two saved up, and one for each four calls";
    EXPECT_EQ(reasons.size(), 20U - 6U);
    EXPECT_EQ(reasons.front(), "ratio");
}

TEST_F(hedge_test, retries_and_hedges_share_a_quota_and_an_empty_one_leaves_the_primary_alone) {
    retry_quota const quota{{.capacity = 1, .per_second = 0, .per_success = 0.001}};
    auto const ask = watched(hedge{after_ten, bare(first), bare(second)}.with(quota));
    first.script.answer("slow", 60s).answer("slow", 60s);
    second.script.answer("quick", 1s);
    EXPECT_EQ(run(ask).text(), "quick from zeta/m");
    EXPECT_EQ(quota.look(sim.time.now()).taken, 1U);
    EXPECT_EQ(run(ask).text(), "slow from acme/m");
    EXPECT_EQ(reasons, std::vector<std::string>{"quota"});
    // And the retries have none either.
    first.script.fail(fault_kind::transient);
    auto const retried = pipeline{retry{{}, quota}}.wrap(first.op());
    EXPECT_EQ(run(retried).why().stop(), stop_reason::quota_spent);
}

TEST_F(hedge_test, a_quota_of_its_own_is_filled_by_answers) {
    auto const ask = both({.delay = 10s, .percentile = 0, .ratio = 1, .burst = 1000});
    int hedged = 0;
    for (int i = 0; i < 200; ++i) {
        first.script.answer("slow", 11s);
        second.script.answer("slow", 11s);
        EXPECT_TRUE(run(ask).ok());
        hedged = second.script.count();
    }
    EXPECT_EQ(hedged, 200) << "eleven seconds bring two, and each answer a part";
}

TEST_F(hedge_test, one_send_is_never_hedged) {
    auto o = after_ten;
    o.max_sends = 1;
    first.script.answer("slow", 60s);
    EXPECT_EQ(run(both(o)).text(), "slow from acme/m");
    EXPECT_EQ(counts(), (n{1, 0, 0}));
}

TEST_F(hedge_test, what_may_have_been_billed_before_counts) {
    auto const hedged = hedge{after_ten, bare(first), bare(second)};
    auto const ask = pipeline{retry{{.max_sends = 2, .ambiguous_delay = 1s}}}.wrap(hedged);
    first.script.fail(fault_kind::ambiguous).answer("slow", 60s);
    EXPECT_EQ(run(ask).text(), "slow from acme/m");
    EXPECT_EQ(counts(), (n{2, 0, 0})) << "one was lost, one is under way";
}

TEST_F(hedge_test, what_was_proven_unbilled_does_not) {
    auto const hedged = hedge{after_ten, bare(first), bare(second)};
    auto const ask = pipeline{retry{{.max_sends = 2}}}.wrap(hedged);
    first.script.fail(fault_kind::overloaded).answer("slow", 60s);
    second.script.answer("quick", 1s);
    EXPECT_EQ(run(ask).text(), "quick from zeta/m");
    EXPECT_EQ(counts(), (n{2, 1, 0}));
}

TEST_F(hedge_test, while_a_hedge_is_under_way_a_retry_inside_counts_its_send) {
    auto const primary = pipeline{retry{{.max_sends = 2, .ambiguous_delay = 1s}}}.wrap(first.op());
    auto const ask = watched(hedge{after_ten, guarded{primary}, bare(second)});
    first.script.fail(fault_kind::ambiguous, 12s).answer("never", 1s);
    second.script.answer("hedge", 30s);
    EXPECT_EQ(run(ask).text(), "hedge from zeta/m");
    EXPECT_EQ(counts(), (n{1, 1, 0}));
}

TEST_F(hedge_test, and_makes_it_where_more_sends_are_allowed) {
    auto const primary = pipeline{retry{{.max_sends = 3, .ambiguous_delay = 1s}}}.wrap(first.op());
    auto o = after_ten;
    o.max_sends = 3;
    auto const ask = watched(hedge{o, guarded{primary}, bare(second)});
    first.script.fail(fault_kind::ambiguous, 12s).answer("again", 1s);
    second.script.answer("hedge", 60s);
    EXPECT_EQ(run(ask).text(), "again from acme/m");
    EXPECT_EQ(counts(), (n{2, 1, 0}));
}

TEST_F(hedge_test, a_retry_that_is_waited_for_has_its_send_in_reserve) {
    auto const rule = [](fault const&, int) { return retry_decision::yes_after(30s); };
    auto const primary = pipeline{retry{{.max_sends = 2}, rule}}.wrap(first.op());
    auto const ask = watched(hedge{after_ten, guarded{primary}, bare(second)});
    first.script.fail(fault{fault_kind::overloaded}.with_billing(knowledge::maybe), 1s).answer("again", 1s);
    EXPECT_EQ(run(ask).text(), "again from acme/m");
    EXPECT_EQ(counts(), (n{2, 0, 0}));
    EXPECT_EQ(reasons, std::vector<std::string>{"sends_spent"});
}

// When not ---------------------------------------------------------------------------------------------------------

TEST_F(hedge_test, a_primary_that_fails_in_time_is_not_hedged) {
    first.script.fail(fault_kind::overloaded, 5s);
    auto const start = sim.time.now();
    auto const c = run(both());
    EXPECT_TRUE(c.failed(fault_kind::overloaded));
    EXPECT_EQ(c.ended, start + 5s);
    EXPECT_EQ(counts(), (n{1, 0, 0}));
}

TEST_F(hedge_test, no_hedge_where_an_attempt_has_failed_in_a_way_that_the_other_target_cannot_mend) {
    for (auto const& row : fault_table) {
        if (is_coffers_own(row.kind)) continue;
        auto const rule = [](fault const&, int) { return retry_decision::yes_after(20s); };
        auto const primary = pipeline{retry{{}, rule}}.wrap(first.op());
        first.script.fail(fault{row.kind}.with_billing(knowledge::no)).answer("hello", 1s);
        second.script.answer("quick", 1s);
        auto const before = second.script.count();
        EXPECT_TRUE(run(watched(hedge{after_ten, guarded{primary}, bare(second)})).ok()) << row.name;
        bool const hedged = second.script.count() > before;
        EXPECT_EQ(hedged, row.try_other == other_target::yes) << row.name;
        if (!hedged) {
            EXPECT_EQ(reasons.back(), "cannot_help");
        }
        EXPECT_TRUE(run(bare(hedged ? first : second)).ok()) << "the step that was not played";
    }
}

TEST_F(hedge_test, the_same_target_that_has_just_asked_for_less_is_not_asked_for_more) {
    auto const primary =
        pipeline{retry{{.schedule = backoff{growth::constant, jitter::none, 1s, 1s}}}}.wrap(first.op());
    first.script.fail(fault_kind::throttled).answer("slow", 60s);
    EXPECT_EQ(run(watched(hedge{after_ten, guarded{primary}})).text(), "slow from acme/m");
    EXPECT_EQ(first.script.count(), 2);
    EXPECT_EQ(reasons, std::vector<std::string>{"cannot_help"});
}

TEST_F(hedge_test, no_hedge_that_could_hardly_answer_before_the_deadline) {
    auto const ask = both({.delay = 30s, .percentile = 90, .minimum = 1});
    first.script.answer("hello", 10s).answer("slow", 18s);
    EXPECT_TRUE(run(ask).ok());
    EXPECT_EQ(run(ask, 19s).text(), "slow from acme/m");
    EXPECT_EQ(second.script.count(), 0);
    EXPECT_EQ(reasons, std::vector<std::string>{"too_late"});
}

TEST_F(hedge_test, the_delay_says_nothing_of_how_long_answers_take) {
    first.script.never().never();
    second.script.answer("quick", 1s).answer("quick", 1s);
    EXPECT_EQ(run(both(), 15s).text(), "quick from zeta/m") << "a fixed one";
    EXPECT_EQ(run(both({.delay = 10s}), 15s).text(), "quick from zeta/m") << "nor while nothing is learnt";
}

TEST_F(hedge_test, a_primary_that_waits_for_its_turn_is_not_asked_twice) {
    rate_limit const slow{{.requests_per_minute = 2, .burst = 30s}};
    auto const ask = watched(hedge{after_ten, guarded{pipeline{slow}.wrap(first.op())}});
    first.script.otherwise([] { return answer{"hello", 200}; }, 8s);
    EXPECT_TRUE(run(ask).ok());
    auto const start = sim.time.now();
    auto const c = run(ask);
    EXPECT_TRUE(c.ok());
    EXPECT_EQ(c.ended, start + 22s + 8s);
    EXPECT_EQ(first.script.count(), 2);
}

TEST_F(hedge_test, but_another_target_need_not_wait_for_it) {
    rate_limit const slow{{.requests_per_minute = 2, .burst = 30s}};
    auto const ask = watched(hedge{after_ten, guarded{pipeline{slow}.wrap(first.op())}, bare(second)});
    first.script.otherwise([] { return answer{"hello", 200}; }, 8s);
    second.script.answer("quick", 1s);
    EXPECT_TRUE(run(ask).ok());
    auto const start = sim.time.now();
    auto const c = run(ask);
    EXPECT_EQ(c.text(), "quick from zeta/m");
    EXPECT_EQ(c.ended, start + 11s);
    EXPECT_EQ(first.script.count(), 1) << "who has lost begins nothing any more";
    EXPECT_EQ(slow.waiting(), 0U) << "nor does it stand in line";
}

TEST_F(hedge_test, a_throttled_backup_is_not_asked_and_nothing_is_spent_for_it) {
    rate_limit const tight{{.requests_per_minute = 1, .burst = 1min}};
    retry_quota const quota{{.capacity = 5, .per_second = 0, .per_success = 0.001}};
    auto const limited = pipeline{tight}.wrap(second.op());
    second.script.answer("hello", 0s);
    EXPECT_TRUE(run(limited).ok());
    hedge const h = hedge{after_ten, bare(first), guarded{limited}}.with(quota);
    first.script.answer("slow", 30s);
    auto const c = run(watched(h));
    EXPECT_EQ(c.text(), "slow from acme/m");
    EXPECT_EQ(second.script.count(), 1);
    EXPECT_EQ(tight.waiting(), 0U);
    EXPECT_EQ(h.look(sim.time.now()).earned, 5);
    EXPECT_EQ(h.look(sim.time.now()).hedges, 0U);
    EXPECT_EQ(quota.look(sim.time.now()).left, 5);
    EXPECT_EQ(quota.look(sim.time.now()).taken, 0U);
    EXPECT_EQ(c.log.size(), 1U);
    EXPECT_EQ(c.cost, 0.01_usd);
}

TEST_F(hedge_test, a_backup_whose_money_would_have_to_be_waited_for_is_none) {
    in_memory_ledger money_of;
    support::priced_provider dear, cheap;
    dear.otherwise([] { return support::priced_end{.charged = 0.01_usd, .after = 60s, .body = "slow"}; });
    cheap.bound(0.10_usd);
    budget const within{money_of, {.scope = "team", .limit = 0.10_usd, .window = hourly, .max_wait = 30min}};
    auto const poor = pipeline{within}.wrap(cheap.operation());
    cheap.otherwise([] { return support::priced_end{.charged = 0.05_usd}; });
    EXPECT_TRUE(run(poor).ok());
    auto const ask = watched(hedge{after_ten, guarded{pipeline{}.wrap(dear.operation())}, guarded{poor}});
    auto const start = sim.time.now();
    auto const c = run(ask);
    EXPECT_EQ(c.text(), "slow");
    EXPECT_EQ(c.ended, start + 60s);
    EXPECT_EQ(cheap.count(), 1);
    EXPECT_EQ(support::account_of(*money_of.backend(), "team").settled, 0.05_usd);
}

// Who fails ----------------------------------------------------------------------------------------------------------

TEST_F(hedge_test, a_hedge_that_fails_does_not_harm_the_primary) {
    first.script.answer("slow", 60s);
    second.script.fail(fault_kind::unauthorized, 1s);
    auto const c = run(both());
    EXPECT_EQ(c.text(), "slow from acme/m");
    ASSERT_EQ(c.log.size(), 2U);
    EXPECT_EQ(c.log[0].number, 2);
    EXPECT_EQ(c.log[0].fault->kind(), fault_kind::unauthorized);
    EXPECT_EQ(c.log[1].number, 1);
    EXPECT_EQ(c.cost, 0.01_usd);
}

TEST_F(hedge_test, nor_does_a_primary_that_fails_harm_the_hedge) {
    first.script.fail(fault_kind::ambiguous, 12s);
    second.script.answer("hello", 20s);
    auto const c = run(both());
    EXPECT_EQ(c.text(), "hello from zeta/m");
    EXPECT_EQ(c.cost, std::nullopt) << "the other one may have been billed";
}

TEST_F(hedge_test, if_both_fail_the_fault_is_told_that_time_may_mend_with_what_is_known_of_both) {
    first.script.fail(fault_kind::ambiguous, 12s);
    second.script.fail(fault{fault_kind::invalid_request}.with_billing(knowledge::yes), 20s);
    auto const c = run(both());
    EXPECT_TRUE(c.failed(fault_kind::ambiguous)) << c.text();
    EXPECT_EQ(c.why().billing(), knowledge::yes);
    EXPECT_EQ(c.log.size(), 2U);

    first.script.fail(fault_kind::invalid_request, 12s);
    second.script.fail(fault_kind::overloaded, 1s);
    EXPECT_TRUE(run(both()).failed(fault_kind::overloaded));
}

TEST_F(hedge_test, a_defective_answer_is_none) {
    first.script.answer("slow", 60s);
    second.script.answer("bad", 1s);
    EXPECT_EQ(run(both()).text(), "slow from acme/m");
}

TEST_F(hedge_test, what_the_program_does_wrong_is_thrown_unless_the_other_one_has_answered) {
    first.script.throws(misuse{"wrong"}, 1s).throws(std::bad_alloc{}, 12s).answer("slow", 30s);
    second.script.fail(fault_kind::overloaded, 30s).throws(misuse{"wrong"}, 1s);
    auto const ask = both();
    EXPECT_TRUE(run(ask).threw<misuse>());
    EXPECT_TRUE(run(ask).threw<std::bad_alloc>()) << "after the other one has failed too";
    EXPECT_EQ(run(ask).text(), "slow from acme/m");
}

// Who has lost -------------------------------------------------------------------------------------------------------

TEST_F(hedge_test, a_send_that_has_lost_goes_on_and_its_bill_is_accounted) {
    in_memory_ledger money_of;
    support::priced_provider dear, cheap;
    dear.bound(0.40_usd).otherwise(
        [] { return support::priced_end{.charged = 0.30_usd, .after = 60s, .body = "slow"}; });
    cheap.bound(0.02_usd).otherwise([] { return support::priced_end{.charged = 0.01_usd, .body = "quick"}; });
    budget const within{money_of, {.scope = "team", .limit = 1_usd}};
    std::vector<event> seen;
    auto const primary = pipeline{within}.observe([&](event const& e) { seen.push_back(e); }).wrap(dear.operation());
    auto const ask = watched(hedge{after_ten, guarded{primary}, guarded{pipeline{within}.wrap(cheap.operation())}});
    auto const c = run_for(ask, 30s);
    ASSERT_TRUE(c->over);
    EXPECT_EQ(c->text(), "quick");
    auto const held = support::account_of(*money_of.backend(), "team");
    EXPECT_EQ(held.settled, 0.01_usd);
    EXPECT_EQ(held.held, 0.40_usd) << "the other send is under way";
    sim.time.run();
    auto const settled = support::account_of(*money_of.backend(), "team");
    EXPECT_EQ(settled.settled, 0.31_usd);
    EXPECT_EQ(settled.held, 0_usd);
    ASSERT_EQ(seen.size(), 2U);
    EXPECT_EQ(seen[1].kind, event_kind::attempt_ended);
    EXPECT_EQ(seen[1].cost, 0.30_usd);
    EXPECT_EQ(seen[1].attempt, 1);
}

TEST_F(hedge_test, unless_it_is_to_be_cut_off) {
    auto o = after_ten;
    o.cancel_loser = true;
    first.script.answer("slow", 60s);
    second.script.answer("quick", 1s);
    auto const start = sim.time.now();
    EXPECT_EQ(run(both(o)).text(), "quick from zeta/m");
    EXPECT_EQ(first.script.sends()[0].cut_at, start + 11s);
}

TEST_F(hedge_test, who_has_lost_begins_nothing_new) {
    auto const primary = pipeline{retry{{.max_sends = 3}}}.wrap(first.op());
    auto o = after_ten;
    o.max_sends = 3;
    first.script.fail(fault_kind::overloaded, 20s);
    second.script.answer("quick", 5s);
    EXPECT_EQ(run(watched(hedge{o, guarded{primary}, bare(second)})).text(), "quick from zeta/m");
    EXPECT_EQ(first.script.count(), 1) << "its retry is over";
}

TEST_F(hedge_test, nor_does_one_that_sleeps_before_a_retry) {
    auto const rule = [](fault const&, int) { return retry_decision::yes_after(30s); };
    auto const primary = pipeline{retry{{}, rule}}.wrap(first.op());
    first.script.fail(fault_kind::overloaded, 1s);
    second.script.answer("quick", 5s);
    auto const start = sim.time.now();
    auto const c = run(watched(hedge{after_ten, guarded{primary}, bare(second)}));
    EXPECT_EQ(c.text(), "quick from zeta/m");
    EXPECT_EQ(first.script.count(), 1);
    EXPECT_EQ(sim.time.now(), start + 15s) << "it does not sleep to its end";
    EXPECT_EQ(c.cost, 0.01_usd) << "nothing is under way";
    EXPECT_EQ(c.log.size(), 2U);
}

TEST_F(hedge_test, a_loser_that_does_not_keep_to_its_time_is_cut_off) {
    auto const primary = pipeline{retry{{.attempt_timeout = 30s}}}.wrap(first.op());
    first.script.never();
    second.script.answer("quick", 1s);
    auto const start = sim.time.now();
    EXPECT_EQ(run(watched(hedge{after_ten, guarded{primary}, bare(second)})).text(), "quick from zeta/m");
    EXPECT_EQ(first.script.sends()[0].cut_at, start + 31s);
}

TEST_F(hedge_test, the_tickets_of_a_loser_are_settled_with_its_true_end) {
    support::gate_script plain;
    auto const primary = pipeline{support::plain_gate{tape, "g", plain}}.wrap(first.op());
    first.script.fail(fault_kind::overloaded, 60s);
    second.script.answer("quick", 1s);
    auto const c = run_for(watched(hedge{after_ten, guarded{primary}, bare(second)}), 20s);
    EXPECT_EQ(c->text(), "quick from zeta/m");
    EXPECT_EQ(tape.tickets_out(), 1);
    sim.time.run();
    EXPECT_EQ(tape.tickets_out(), 0);
    EXPECT_EQ(tape.defects(), 0);
    EXPECT_EQ(tape.lines().back(), "g failed overloaded");
}

TEST_F(hedge_test, requests_own_what_they_are_about) {
    std::string const heard(100, 'x');
    first.script.answer("slow", 60s);
    second.script.answer("quick", 1s);
    std::vector<std::string> prompts;
    first.script.on_start() = [&](request const& r) { prompts.push_back(r.prompt); };
    auto const ask = both();
    auto const once_only = [](guarded how, std::string prompt) -> awaitable<std::string> {
        auto c = call::unkeyed();
        request const r{std::move(prompt)};
        auto said = co_await how.try_call(c, r);
        co_return said ? *said : "nothing";
    };
    EXPECT_EQ(sim.run(once_only(ask, heard)), "quick from zeta/m");
    EXPECT_EQ(prompts, std::vector{heard});
    EXPECT_EQ(first.script.sends()[0].prompt, heard);
}

// The call -----------------------------------------------------------------------------------------------------------

TEST_F(hedge_test, all_requests_of_a_call_have_one_provider_key_and_numbers_of_their_own) {
    first.script.answer("slow", 60s);
    second.script.answer("quick", 1s);
    (void)run(both());
    EXPECT_FALSE(first.script.sends()[0].provider_key.empty());
    EXPECT_EQ(first.script.sends()[0].provider_key, second.script.sends()[0].provider_key);
    EXPECT_EQ(first.script.sends()[0].attempt, 1);
    EXPECT_EQ(second.script.sends()[0].attempt, 2);
}

TEST_F(hedge_test, cancelling_reaches_both_and_does_not_wait_for_them) {
    first.script.answer("slow", 60s);
    second.script.answer("slow", 60s);
    auto const start = sim.time.now();
    auto const c = run_for(both(), 20s);
    EXPECT_FALSE(c->over);
    c.cancel();
    sim.time.run();
    EXPECT_TRUE(c->failed(fault_kind::cancelled));
    EXPECT_EQ(c->ended, start + 20s);
    EXPECT_EQ(c->why().billing(), knowledge::maybe);
    EXPECT_EQ(c->cost, std::nullopt);
    EXPECT_EQ(first.script.sends()[0].cut_at, start + 20s);
    EXPECT_EQ(second.script.sends()[0].cut_at, start + 20s);
    ASSERT_EQ(c->log.size(), 2U) << "what is under way is not hidden";
    EXPECT_EQ(c->log[0].number, 1);
    EXPECT_EQ(c->log[0].target.provider, "acme");
    EXPECT_EQ(c->log[0].duration, 20s);
    EXPECT_EQ(c->log[1].number, 2);
    EXPECT_EQ(c->log[1].target.provider, "zeta");
    EXPECT_EQ(c->log[1].start, 10s);
    for (auto const& a : c->log) {
        EXPECT_EQ(a.fault.value().kind(), fault_kind::cancelled);
        EXPECT_EQ(a.execution, knowledge::maybe);
        EXPECT_EQ(a.billing, knowledge::maybe);
        EXPECT_EQ(a.cost, std::nullopt);
    }
}

TEST_F(hedge_test, what_a_timeout_inside_has_left_behind_stands_in_the_log) {
    support::foreign deaf;
    deaf.otherwise(support::manners::deaf, 10min);
    std::string const prompt = "hello";
    auto c = call::unkeyed();
    auto const ask = pipeline{}.wrap(hedge{after_ten, pipeline{timeout{5s}}.wrap(deaf)});
    auto const r = sim.start(ask.try_call(c, prompt));
    sim.time.run_for(1min);
    ASSERT_TRUE(r.over());
    EXPECT_EQ(r.get().error().billing(), knowledge::maybe);
    ASSERT_EQ(c.log().size(), 1U);
    EXPECT_EQ(c.log()[0].target.provider, "foreign");
    EXPECT_EQ(c.log()[0].duration, 5s);
    EXPECT_EQ(c.log()[0].fault.value().kind(), fault_kind::timed_out);
    EXPECT_EQ(c.log()[0].billing, knowledge::maybe);
    EXPECT_EQ(c.cost(), std::nullopt);
}

TEST_F(hedge_test, who_leaves_before_anything_was_sent_has_paid_nothing) {
    support::gate_script busy;
    busy.entries.push_back({support::entry::kind::wait, 1min, {}});
    auto const primary = pipeline{support::waiting_gate{tape, "g", busy}}.wrap(first.op());
    auto const c = run_for(watched(hedge{after_ten, guarded{primary}}), 20s);
    c.cancel();
    sim.time.run();
    EXPECT_TRUE(c->failed(fault_kind::cancelled));
    EXPECT_EQ(c->why().billing(), knowledge::no);
    EXPECT_EQ(c->cost, 0_usd);
    EXPECT_EQ(tape.tickets_out(), 0);
}

TEST_F(hedge_test, who_leaves_when_the_delay_has_just_passed_has_left) {
    first.script.never();
    auto const start = sim.time.now();
    auto const c = run_for(both(), 9s);
    ASSERT_TRUE(sim.time.clock()->advance(time_point::max())) << "the delay; nobody has gone on yet";
    c.cancel();
    sim.time.run();
    EXPECT_TRUE(c->failed(fault_kind::cancelled)) << c->text();
    EXPECT_EQ(c->why().billing(), knowledge::maybe);
    EXPECT_EQ(c->ended, start + 10s);
    EXPECT_EQ(c->cost, std::nullopt);
    EXPECT_EQ(counts(), (n{1, 0, 0})) << "nothing is begun for who has left";
    EXPECT_EQ(first.script.sends()[0].cut_at, start + 10s);
}

TEST_F(hedge_test, also_where_a_cancellation_is_not_thrown) {
    first.script.never();
    second.script.never();
    std::optional<outcome<std::string>> said;
    auto const quietly = [](guarded how, std::optional<outcome<std::string>>& to) -> awaitable<void> {
        co_await asio::this_coro::throw_if_cancelled(false);
        auto c = call::unkeyed();
        request const r;
        auto got = co_await how.try_call(c, r);
        to.emplace(std::move(got));
    };
    auto const c = sim.start(quietly(both(), said));
    sim.time.run_for(9s);
    ASSERT_TRUE(sim.time.clock()->advance(time_point::max()));
    c.cancel();
    sim.time.run_for(1min);
    ASSERT_TRUE(said);
    EXPECT_EQ(said->error().kind(), fault_kind::cancelled);
    EXPECT_EQ(counts(), (n{1, 0, 0}));
}

TEST_F(hedge_test, who_has_left_is_told_of_everything_that_is_sent) {
    auto const rule = [](fault const&, int) { return retry_decision::yes_after(30s); };
    auto const primary = pipeline{retry{{}, rule}}.wrap(first.op());
    first.script.fail(fault_kind::overloaded, 1s).answer("again", 1s);
    auto const c = run_for(watched(hedge{{.delay = 1min, .percentile = 0}, guarded{primary}}), 20s);
    c.cancel();
    ASSERT_TRUE(sim.time.clock()->advance(time_point::max())) << "the retry's sleep; its branch is stopped after that";
    sim.time.run();
    EXPECT_TRUE(c->failed(fault_kind::cancelled)) << c->text();
    EXPECT_EQ(c->why().billing(), knowledge::no);
    EXPECT_EQ(c->cost, 0_usd);
    EXPECT_EQ(c->log.size(), 1U);
    EXPECT_EQ(first.script.count(), 1) << "so it is not sent";
}

TEST_F(hedge_test, the_deadline_ends_the_call_and_cuts_all_requests_off) {
    first.script.never();
    second.script.never();
    auto const start = sim.time.now();
    auto const c = run(both(), 25s);
    ASSERT_EQ(c.log.size(), 2U);
    for (std::size_t i = 0; i < 2; ++i) {
        EXPECT_EQ(c.log[i].fault.value().kind(), fault_kind::deadline_exceeded);
        EXPECT_EQ(c.log[i].billing, knowledge::maybe);
        EXPECT_EQ(c.log[i].duration, i == 0 ? 25s : 15s);
    }
    EXPECT_TRUE(c.failed(fault_kind::deadline_exceeded));
    EXPECT_EQ(c.ended, start + 25s);
    EXPECT_EQ(c.why().billing(), knowledge::maybe);
    EXPECT_EQ(first.script.sends()[0].cut_at, start + 25s);
    EXPECT_EQ(second.script.sends()[0].cut_at, start + 25s);
    EXPECT_EQ(second.script.sends()[0].deadline, start + 25s);
}

TEST_F(hedge_test, a_call_may_be_used_again_while_a_loser_is_still_on_its_way) {
    auto const ask = both();
    auto const twice = [](guarded how, std::vector<std::string>& said) -> awaitable<void> {
        auto c = call::unkeyed();
        request const r;
        auto one = co_await how.try_call(c, r);
        said.push_back(one ? *one : "nothing");
        auto other = co_await how.try_call(c, r);
        said.push_back(other ? *other : "nothing");
        said.push_back(std::to_string(c.log().size()));
    };
    first.script.answer("slow", 60s).answer("prompt", 1s);
    second.script.answer("quick", 1s);
    std::vector<std::string> said;
    sim.run(twice(ask, said));
    EXPECT_EQ(said, (std::vector<std::string>{"quick from zeta/m", "prompt from acme/m", "1"}));
}

TEST_F(hedge_test, results_may_be_nothing_or_what_can_only_be_moved) {
    using moved = std::unique_ptr<int>;
    coffer::testing::scripted_operation<moved> slow, quick;
    slow.gives(std::make_unique<int>(1)).after(60s);
    quick.gives(std::make_unique<int>(2)).after(1s);
    auto const aimed = [](auto op, std::string name) {
        return pipeline{}.wrap(
            describe([op](attempt& a, int x) { return op(a, x); }).target([name](int) { return target{name, "m"}; }));
    };
    auto const number = [](auto how) -> awaitable<int> {
        auto c = call::unkeyed();
        auto const said = co_await how.try_call(c, 1);
        co_return said ? **said : 0;
    };
    auto const ask = pipeline{}.wrap(hedge{after_ten, aimed(slow, "acme"), aimed(quick, "zeta")});
    EXPECT_EQ(sim.run(number(ask)), 2);

    coffer::testing::scripted_operation<void> slowly, quickly;
    slowly.succeeds().after(60s);
    quickly.succeeds().after(1s);
    auto const done = [](auto how) -> awaitable<bool> {
        auto c = call::unkeyed();
        auto const said = co_await how.try_call(c, 1);
        co_return said.has_value();
    };
    auto const act = pipeline{}.wrap(hedge{after_ten, aimed(slowly, "acme"), aimed(quickly, "zeta")});
    EXPECT_TRUE(sim.run(done(act)));
    EXPECT_EQ(quickly.sends(), 1);
}

// In company ---------------------------------------------------------------------------------------------------------

TEST_F(hedge_test, a_fallback_may_stand_around_it_and_in_it) {
    first.script.fail(fault_kind::overloaded, 1s);
    second.script.answer("slow", 60s);
    third.script.answer("quick", 1s);
    auto const around =
        pipeline{}.wrap(fallback{bare(first), guarded{watched(hedge{after_ten, bare(second), bare(third)})}});
    EXPECT_EQ(run(around).text(), "quick from omega/m");

    first.script.fail(fault_kind::overloaded, 1s);
    second.script.answer("slow", 60s);
    third.script.answer("quick", 1s);
    auto const within =
        watched(hedge{after_ten, guarded{pipeline{}.wrap(fallback{bare(first), bare(second)})}, bare(third)});
    EXPECT_EQ(run(within).text(), "quick from omega/m");
}

TEST_F(hedge_test, a_breaker_inside_hears_of_a_loser_that_fails) {
    circuit_breaker const health{{.in_a_row = 1}};
    auto const primary = guarded{pipeline{health}.wrap(first.op())};
    first.script.fail(fault_kind::transient, 60s);
    second.script.answer("quick", 1s);
    EXPECT_EQ(run(watched(hedge{after_ten, primary, bare(second)})).text(), "quick from zeta/m");
    EXPECT_TRUE(run(primary).failed(fault_kind::circuit_open));
}

TEST_F(hedge_test, what_stands_behind_guarded_and_cannot_be_is_refused_when_it_is_made) {
    memory_store const db;
    guarded const journaled = pipeline{once{db}}.wrap(first.op());
    EXPECT_THROW((hedge{bare(first), journaled}), misuse);
    EXPECT_THROW((hedge{bare(first), both()}), misuse);
    EXPECT_THROW((hedge{bare(first), guarded{pipeline{}.wrap(fallback{bare(second), both()})}}), misuse);
    EXPECT_THROW((hedge{std::vector<guarded>{}}), std::invalid_argument);
}

TEST_F(hedge_test, arguments_that_cannot_be_copied_now_were_not_sent) {
    request r;
    r.on_copy = [] { throw std::runtime_error{"no copy"}; };
    auto const c = caller::begin(sim.executor(), both(), call::unkeyed(), std::move(r));
    sim.time.run();
    ASSERT_TRUE(c->result) << c->text();
    EXPECT_EQ(c->why().execution(), knowledge::no);
    EXPECT_EQ(c->why().billing(), knowledge::no);
    EXPECT_TRUE(c->why().cause());
    EXPECT_EQ(c->cost, 0_usd);
    EXPECT_EQ(counts(), (n{0, 0, 0}));
}

TEST_F(hedge_test, many_hedges_cost_nothing_until_they_are_made) {
    auto o = after_ten;
    o.hedges = std::numeric_limits<int>::max();
    first.script.answer("slow", 12s);
    second.script.answer("quick", 1s);
    EXPECT_EQ(run(both(o)).text(), "quick from zeta/m");
}

TEST_F(hedge_test, a_quota_goes_by_one_clock_and_says_so) {
    retry_quota const quota;
    auto const ask = [&](speaker const& s) { return guarded{pipeline{}.wrap(hedge{after_ten, bare(s)}.with(quota))}; };
    first.script.answer("hello", 1s);
    EXPECT_TRUE(run(ask(first)).ok());
    support::simulation other;
    auto const c = caller::begin(other.executor(), ask(second), call::unkeyed(), request{});
    other.time.run();
    try {
        ASSERT_TRUE(c->thrown);
        std::rethrow_exception(c->thrown);
    } catch (misuse const& wrong) {
        EXPECT_TRUE(std::string_view{wrong.what()}.starts_with("coffer::retry_quota: ")) << wrong.what();
    }
}

TEST_F(hedge_test, goes_by_one_clock) {
    auto const ask = both();
    first.script.answer("hello", 1s).answer("hello", 1s);
    EXPECT_TRUE(run(ask).ok());
    support::simulation another;
    auto const c = caller::begin(another.executor(), ask, call{key{"test", "k"}}, request{});
    another.time.run();
    EXPECT_TRUE(c->threw<misuse>());
}

TEST(hedge_options_test, say_what_cannot_be_meant) {
    auto const wrong = [](auto change) {
        hedge_options o;
        EXPECT_NO_THROW(o.check());
        change(o);
        EXPECT_THROW(o.check(), std::invalid_argument);
    };
    wrong([](auto& o) { o.delay = 0s; });
    wrong([](auto& o) { o.percentile = 40; });
    wrong([](auto& o) { o.percentile = 100; });
    wrong([](auto& o) { o.least_delay = -1s; });
    wrong([](auto& o) { o.minimum = 0; });
    wrong([](auto& o) { o.window = 0s; });
    wrong([](auto& o) { o.hedges = 0; });
    wrong([](auto& o) { o.ratio = 0; });
    wrong([](auto& o) { o.ratio = 1.5; });
    wrong([](auto& o) { o.burst = 0; });
    wrong([](auto& o) { o.max_sends = 0; });
}

}  // namespace
}  // namespace hedge_test
