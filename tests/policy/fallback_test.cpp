// SPDX-License-Identifier: BSL-1.0
// Alternatives in order: who is tried, who answers, what is counted, and what a caller is told. (Under a journal:
// fallback_once_test.cpp.)
#include <coffer/call/guarded.hpp>
#include <coffer/call/pipeline.hpp>
#include <coffer/policy/budget.hpp>
#include <coffer/policy/fallback.hpp>
#include <coffer/policy/once.hpp>
#include <coffer/policy/retry.hpp>
#include <coffer/store/ledger_memory.hpp>
#include <coffer/store/memory.hpp>
#include <coffer/testing/scripted_operation.hpp>

#include <gtest/gtest.h>

#include <algorithm>
#include <new>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

#include "policy/support/priced.hpp"
#include "policy/support/provider.hpp"
#include "policy/support/speaker.hpp"
#include "support/scripted_gate.hpp"
#include "support/simulation.hpp"

namespace fallback_test {
namespace {

using namespace coffer;
using namespace coffer::literals;
using namespace std::chrono_literals;
using support::caller;
using support::guarded;
using support::request;
using support::speaker;

/// So many attempts, a second apart.
coffer::retry evenly(int attempts) {
    return coffer::retry{
        {.attempts = attempts, .schedule = backoff{growth::constant, jitter::none, 1s, 1s}, .ambiguous_delay = 1s}};
}

struct fallback_test : ::testing::Test {
    support::simulation sim;
    speaker first{"acme"}, second{"zeta"}, third{"omega"};
    support::tape tape;

    caller begin(guarded const& ask, duration deadline = 15min) {
        return caller::begin(sim.executor(), ask, coffer::call{key{"test", "k"}, deadline}, request{});
    }
    /// To its end.
    support::asked run(guarded const& ask, duration deadline = 15min) {
        auto const c = begin(ask, deadline);
        sim.time.run();
        return *c;
    }
    guarded bare(speaker const& s) { return pipeline{}.wrap(s.op()); }
    guarded all() { return pipeline{}.wrap(fallback{bare(first), bare(second), bare(third)}); }
    std::vector<int> counts() const { return {first.script.count(), second.script.count(), third.script.count()}; }
    using n = std::vector<int>;
};

// Who is tried --------------------------------------------------------------------------------------------------------

TEST_F(fallback_test, where_the_first_one_answers_nobody_else_is_asked) {
    first.script.answer("hello");
    auto const c = run(all());
    EXPECT_EQ(c.text(), "hello from acme/m");
    EXPECT_EQ(counts(), (n{1, 0, 0}));
    ASSERT_TRUE(c.answered_by);
    EXPECT_EQ(c.answered_by->provider, "acme");
}

TEST_F(fallback_test, the_next_one_is_asked_in_order_and_the_log_says_who_answered) {
    first.script.fail(fault_kind::overloaded);
    second.script.fail(fault_kind::quota_exhausted);
    third.script.answer("hello");
    auto const c = run(all());
    EXPECT_EQ(c.text(), "hello from omega/m");
    EXPECT_EQ(counts(), (n{1, 1, 1}));
    ASSERT_EQ(c.log.size(), 3U);
    EXPECT_EQ(c.log[0].target.provider, "acme");
    EXPECT_EQ(c.log[0].fault->kind(), fault_kind::overloaded);
    EXPECT_EQ(c.log[1].target.provider, "zeta");
    EXPECT_EQ(c.log[2].target.provider, "omega");
    EXPECT_EQ(c.log[2].number, 3);
    EXPECT_FALSE(c.log[2].fault);
    EXPECT_EQ(c.answered_by.value().provider, "omega");
    EXPECT_EQ(c.cost, 0.01_usd);
}

TEST_F(fallback_test, whoever_has_no_answer_was_answered_by_nobody) {
    auto const c = run(all());
    EXPECT_FALSE(c.ok());
    EXPECT_FALSE(c.answered_by);
}

TEST_F(fallback_test, the_fault_table_says_whether_another_target_can_help) {
    for (auto const& row : fault_table) {
        if (is_coffers_own(row.kind)) continue;
        first.script.fail(row.kind);
        second.script.answer("hello");
        auto const before = second.script.count();
        auto const c = run(pipeline{}.wrap(fallback{bare(first), bare(second)}));
        bool const tried = second.script.count() > before;
        EXPECT_EQ(tried, row.try_other == other_target::yes) << row.name;
        if (!tried) {
            EXPECT_TRUE(c.failed(row.kind)) << row.name;
            EXPECT_TRUE(run(bare(second)).ok()) << "the step that was not played";
        }
    }
}

TEST_F(fallback_test, a_prompt_that_is_too_long_goes_on_only_where_the_next_one_takes_longer_ones) {
    first.script.fail(fault_kind::context_length).fail(fault_kind::context_length);
    second.script.answer("hello");
    EXPECT_TRUE(run(pipeline{}.wrap(fallback{bare(first), bare(second)})).failed(fault_kind::context_length));
    auto const longer = fallback{{.larger_context = true}, bare(first), bare(second)};
    EXPECT_EQ(run(pipeline{}.wrap(longer)).text(), "hello from zeta/m");
}

TEST_F(fallback_test, a_rule_overrules_the_table_and_knows_whose_fault_it_was) {
    first.script.fail(fault_kind::content_policy);
    second.script.fail(fault_kind::overloaded);
    third.script.answer("never");
    std::vector<std::pair<fault_kind, int>> asked;
    auto const rule = [&](fault const& why, int from) {
        asked.emplace_back(why.kind(), from);
        return from == 0;
    };
    auto const ask = pipeline{}.wrap(fallback{bare(first), bare(second), bare(third)}.when(rule));
    auto const c = run(ask);
    EXPECT_EQ(counts(), (n{1, 1, 0}));
    EXPECT_TRUE(c.failed(fault_kind::overloaded)) << c.text();
    EXPECT_EQ(asked,
              (std::vector<std::pair<fault_kind, int>>{{fault_kind::content_policy, 0}, {fault_kind::overloaded, 1}}));
}

TEST_F(fallback_test, a_rule_that_throws_has_said_no) {
    first.script.fail(fault_kind::overloaded);
    auto const rule = [](fault const&, int) -> bool { throw std::runtime_error{"no idea"}; };
    auto const ask = pipeline{}.wrap(fallback{bare(first), bare(second)}.when(rule));
    EXPECT_TRUE(run(ask).failed(fault_kind::overloaded));
    EXPECT_EQ(second.script.count(), 0);
}

TEST_F(fallback_test, what_the_program_does_wrong_is_thrown_and_no_reason_to_ask_somebody_else) {
    first.script.throws(misuse{"wrong"}).throws(std::bad_alloc{});
    auto const ask = all();
    EXPECT_TRUE(run(ask).threw<misuse>());
    EXPECT_TRUE(run(ask).threw<std::bad_alloc>());
    EXPECT_EQ(counts(), (n{2, 0, 0}));
}

// At once -------------------------------------------------------------------------------------------------------------

TEST_F(fallback_test, a_hint_that_is_too_long_falls_over_at_once) {
    first.script.fail(fault{fault_kind::throttled}.with_retry_after(10min));
    second.script.answer("hello");
    auto const start = sim.time.now();
    auto const ask = pipeline{}.wrap(fallback{pipeline{retry{}}.wrap(first.op()), pipeline{retry{}}.wrap(second.op())});
    auto const c = run(ask, 5min);
    EXPECT_EQ(c.text(), "hello from zeta/m");
    EXPECT_EQ(c.ended, start + 2s) << "and not after a sleep that could not end in time";
}

TEST_F(fallback_test, a_hint_longer_than_its_retry_is_willing_to_wait_falls_over_at_once) {
    first.script.fail(fault{fault_kind::throttled}.with_retry_after(6s));
    second.script.answer("hello");
    auto const start = sim.time.now();
    auto const impatient = pipeline{retry{{.hint_ceiling = 5s}}}.wrap(first.op());
    auto const c = run(pipeline{}.wrap(fallback{impatient, bare(second)}));
    EXPECT_EQ(c.text(), "hello from zeta/m");
    EXPECT_EQ(c.ended, start + 2s);
}

TEST_F(fallback_test, what_a_gate_refuses_another_may_take) {
    for (auto const kind : {fault_kind::circuit_open, fault_kind::queue_full, fault_kind::never_fits}) {
        support::gate_script no;
        no.entries.push_back({support::entry::kind::refuse, {}, kind});
        second.script.answer("hello");
        auto const shut = pipeline{support::plain_gate{tape, "g", no}}.wrap(first.op());
        EXPECT_EQ(run(pipeline{}.wrap(fallback{shut, bare(second)})).text(), "hello from zeta/m");
    }
    EXPECT_EQ(first.script.count(), 0);
}

TEST_F(fallback_test, a_wait_that_would_be_too_long_here_need_not_be_one_there) {
    support::gate_script busy;
    busy.entries.push_back({support::entry::kind::wait_refuse, 1s, fault_kind::deadline_exceeded});
    second.script.answer("hello");
    auto const queued = pipeline{support::waiting_gate{tape, "g", busy}}.wrap(first.op());
    EXPECT_EQ(run(pipeline{}.wrap(fallback{queued, bare(second)})).text(), "hello from zeta/m");
}

TEST_F(fallback_test, a_budgets_denial_falls_back_to_a_cheaper_model) {
    in_memory_ledger money_of;
    support::priced_provider dear, cheap;
    dear.bound(0.40_usd);
    cheap.bound(0.02_usd);
    cheap.otherwise([] { return support::priced_end{.charged = 0.01_usd, .body = "cheap"}; });
    auto const within = [&](auto op) {
        return pipeline{retry{}, budget{money_of, {.scope = "team", .limit = 0.50_usd}}}.wrap(op);
    };
    auto const ask = pipeline{}.wrap(fallback{within(dear.operation()), within(cheap.operation())});
    std::vector<std::string> said;
    for (int i = 0; i < 5; ++i) said.push_back(run(ask).text());
    // Two dear ones cost 0.10 each: then 0.30 is free, and too little for a third.
    EXPECT_EQ(said, (std::vector<std::string>{"answer", "answer", "cheap", "cheap", "cheap"}));
    EXPECT_EQ(dear.charged() + cheap.charged(), 0.23_usd);
    EXPECT_EQ(support::account_of(*money_of.backend(), "team").settled, 0.23_usd);
}

// What is counted -----------------------------------------------------------------------------------------------------

TEST_F(fallback_test, each_alternatives_retry_has_its_own_attempts) {
    first.script.otherwise([] { return outcome<answer>{failed(fault_kind::transient)}; });
    second.script.fail(fault_kind::transient).fail(fault_kind::transient).answer("hello");
    auto const ask =
        pipeline{}.wrap(fallback{pipeline{evenly(3)}.wrap(first.op()), pipeline{evenly(3)}.wrap(second.op())});
    auto const c = run(ask);
    EXPECT_EQ(c.text(), "hello from zeta/m");
    EXPECT_EQ(counts(), (n{3, 3, 0}));
    EXPECT_EQ(c.log.back().number, 6);
}

TEST_F(fallback_test, a_retry_outside_sees_only_that_all_have_failed_and_multiplies_nothing) {
    for (auto const& s : {&first, &second})
        s->script.otherwise([] { return outcome<answer>{failed(fault_kind::transient)}; });
    auto const inside = [&](int attempts) {
        return fallback{pipeline{evenly(attempts)}.wrap(first.op()), pipeline{evenly(attempts)}.wrap(second.op())};
    };
    auto const c = run(pipeline{evenly(4)}.wrap(inside(2)));
    EXPECT_EQ(counts(), (n{2, 2, 0})) << "four attempts in all were made, and are allowed";
    EXPECT_EQ(c.why().stop(), stop_reason::attempts_spent);

    // With more of them: again, but once at each, since what is inside has made its own.
    (void)run(pipeline{evenly(6)}.wrap(inside(2)));
    EXPECT_EQ(counts(), (n{2 + 3, 2 + 3, 0}));
}

TEST_F(fallback_test, a_retry_outside_asks_all_of_them_again) {
    first.script.fail(fault_kind::overloaded).fail(fault_kind::overloaded);
    second.script.fail(fault_kind::overloaded).answer("hello");
    auto const c = run(pipeline{evenly(4)}.wrap(fallback{bare(first), bare(second)}));
    EXPECT_EQ(c.text(), "hello from zeta/m");
    EXPECT_EQ(counts(), (n{2, 2, 0}));
}

TEST_F(fallback_test, sends_that_may_be_billed_are_counted_over_all_alternatives) {
    for (auto const& s : {&first, &second}) s->script.fail(fault_kind::ambiguous).fail(fault_kind::ambiguous);
    third.script.answer("hello");
    auto const c = run(all());
    EXPECT_TRUE(c.failed(fault_kind::ambiguous));
    EXPECT_EQ(c.why().stop(), stop_reason::sends_spent);
    EXPECT_EQ(counts(), (n{1, 1, 0}));
    auto const more = fallback{{.max_sends = 3}, bare(first), bare(second), bare(third)};
    EXPECT_EQ(run(pipeline{}.wrap(more)).text(), "hello from omega/m");
}

TEST_F(fallback_test, when_the_time_is_over_nobody_further_is_asked) {
    first.script.fail(fault_kind::overloaded, 1min);
    second.script.answer("never");
    auto const start = sim.time.now();
    auto const c = run(all(), 30s);
    EXPECT_EQ(counts(), (n{1, 0, 0}));
    EXPECT_FALSE(c.ok());
    EXPECT_EQ(c.why().stop(), stop_reason::deadline);
    EXPECT_EQ(c.ended, start + 1min) << "the provider of this test ignores what it is told";
}

TEST_F(fallback_test, a_timeout_of_its_own_leaves_time_for_the_others) {
    coffer::testing::scripted_operation<std::string> slow;
    slow.never();
    coffer::testing::scripted_operation<std::string> quick;
    quick.gives("hello");
    auto const to = [](char const* name) { return [name](auto const&...) { return target{name, "m"}; }; };
    auto const start = sim.time.now();
    auto const ask = pipeline{}.wrap(fallback{
        pipeline{retry{{.attempts = 1, .attempt_timeout = 20s}}}.wrap(describe(slow).target(to("slow"))),
        pipeline{retry{}}.wrap(describe(quick).target(to("quick"))),
    });
    coffer::call c{key{"test", "k"}, 1min};
    EXPECT_EQ(sim.run(ask(c)), "hello");
    EXPECT_EQ(sim.time.now(), start + 20s);
    EXPECT_EQ(c.log()[0].fault->kind(), fault_kind::timed_out);
    EXPECT_EQ(c.answered_by()->provider, "quick");
}

TEST_F(fallback_test, what_is_told_is_known_to_be_billed_if_any_of_them_was) {
    first.script.fail(fault_kind::ambiguous);
    second.script.fail(fault_kind::overloaded);
    auto const c = run(pipeline{}.wrap(fallback{bare(first), bare(second)}));
    EXPECT_TRUE(c.failed(fault_kind::overloaded));
    EXPECT_EQ(c.why().billing(), knowledge::maybe);
}

// Leaving -------------------------------------------------------------------------------------------------------------

TEST_F(fallback_test, whoever_leaves_at_any_time_leaves_nothing_behind_and_nobody_further_is_asked) {
    // Waits at a gate, a send that fails, a backoff, another one, a gate, a send that answers: at 7 s.
    auto const build = [&] {
        support::gate_script waits;
        waits.entries.push_back({support::entry::kind::wait_grant, 1s, {}});
        first.script.fail(fault_kind::overloaded).fail(fault_kind::overloaded);
        second.script.answer("hello");
        return pipeline{support::plain_gate{tape, "outer"}}.wrap(
            fallback{pipeline{evenly(2), support::waiting_gate{tape, "a", waits}}.wrap(first.op()),
                     pipeline{evenly(2), support::waiting_gate{tape, "b", waits}}.wrap(second.op())});
    };
    auto const plain = begin(build());
    auto const start = sim.time.now();
    sim.time.run();
    ASSERT_EQ(plain->text(), "hello from zeta/m");
    auto const whole = plain->ended - start;
    ASSERT_GE(whole, 6s);

    for (auto after = 0ms; after < whole; after += 250ms) {
        speaker const fresh_first{"acme"}, fresh_second{"zeta"};
        first = fresh_first, second = fresh_second;
        auto const c = begin(build());
        auto const begun = sim.time.now();
        sim.time.run_for(after);
        auto const sends = first.script.count() + second.script.count();
        c.cancel();
        sim.time.run();
        EXPECT_TRUE(c->failed(fault_kind::cancelled)) << after.count() << " ms: " << c->text();
        EXPECT_LE(c->ended, begun + after);
        EXPECT_EQ(first.script.count() + second.script.count(), sends) << after.count() << " ms";
        EXPECT_EQ(tape.tickets_out(), 0);
        EXPECT_EQ(tape.defects(), 0);
        bool const in_send = !c->log.empty() && c->log.back().billing != knowledge::no;
        EXPECT_EQ(c->why().billing(), in_send ? knowledge::maybe : knowledge::no) << after.count() << " ms";
    }
}

// Forms ---------------------------------------------------------------------------------------------------------------

TEST_F(fallback_test, alternatives_are_pipelines_handles_and_fallbacks) {
    first.script.fail(fault_kind::overloaded);
    second.script.fail(fault_kind::overloaded);
    third.script.answer("hello");
    auto const ask = pipeline{}.wrap(
        fallback{fallback{pipeline{retry{{.attempts = 1}}}.wrap(first.op()), bare(second)}, bare(third)});
    EXPECT_EQ(run(ask).text(), "hello from omega/m");
    EXPECT_EQ(counts(), (n{1, 1, 1}));
}

TEST_F(fallback_test, as_many_as_the_configuration_says) {
    first.script.fail(fault_kind::overloaded);
    second.script.answer("hello");
    std::vector<guarded> const configured{bare(first), bare(second)};
    guarded const ask = pipeline{}.wrap(fallback{configured});
    EXPECT_EQ(run(ask).text(), "hello from zeta/m");
    EXPECT_THROW((void)fallback{std::vector<guarded>{}}, std::invalid_argument);
    EXPECT_THROW((void)(fallback{{.max_sends = 0}, configured}), std::invalid_argument);
}

TEST_F(fallback_test, results_of_any_kind) {
    coffer::testing::scripted_operation<void> none;
    none.fails(fault_kind::overloaded).succeeds();
    auto const here = [](auto const&...) { return target{"here", "m"}; };
    auto const op = pipeline{}.wrap(describe(none).target(here));
    coffer::call c{key{"test", "k"}};
    EXPECT_TRUE(sim.run(pipeline{}.wrap(fallback{op, op}).try_call(c)));
    EXPECT_EQ(none.sends(), 2);
}

TEST_F(fallback_test, a_copy_goes_on_with_what_it_was_made_of) {
    first.script.fail(fault_kind::content_policy).fail(fault_kind::content_policy);
    second.script.answer("hello");
    fallback original{bare(first), bare(second)};
    auto const copy = original;
    auto const changed = std::move(original).when([](fault const&, int) { return true; });
    EXPECT_TRUE(run(pipeline{}.wrap(copy)).failed(fault_kind::content_policy));
    EXPECT_EQ(run(pipeline{}.wrap(changed)).text(), "hello from zeta/m");
}

TEST_F(fallback_test, observers_are_told_when_it_falls_back) {
    first.script.fail(fault_kind::overloaded);
    second.script.answer("hello");
    std::vector<std::string> seen;
    auto const watch = [&](event const& e) {
        seen.push_back(std::string{to_string(e.kind)} + " " + std::to_string(e.attempt) + " " +
                       std::string{to_string(e.why->kind())} + " " + std::string{e.name_space});
    };
    (void)run(pipeline{}.wrap(fallback{bare(first), bare(second)}.observe(watch)));
    EXPECT_EQ(seen, (std::vector<std::string>{"fell_back 1 overloaded test"}));
}

// Orders that no type tells -------------------------------------------------------------------------------------------

TEST_F(fallback_test, a_journal_behind_a_handle_is_seen) {
    memory_store db;
    guarded const journaled = pipeline{once{db}}.wrap(first.op());
    EXPECT_THROW((void)(fallback{bare(second), journaled}), misuse);
}

TEST_F(fallback_test, what_stands_outside_sees_through_handles_what_stands_inside) {
    in_memory_ledger money_of;
    guarded const two = pipeline{}.wrap(fallback{std::vector<guarded>{bare(first), bare(second)}});
    EXPECT_THROW((void)(pipeline{budget{money_of, {.scope = "team"}}}.wrap(two)), misuse) << "one hold for two sends";
    guarded const journaled = pipeline{once{memory_store{}}}.wrap(two);
    EXPECT_THROW((void)(pipeline{retry{}}.wrap(journaled)), misuse);
}

}  // namespace
}  // namespace fallback_test
