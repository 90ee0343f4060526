// SPDX-License-Identifier: BSL-1.0
// A hedge under a journal: two permits of one claim, the first accepted answer is the key's, and who has lost is brought home
// though the flight has landed.
#include <coffer/call/guarded.hpp>
#include <coffer/call/pipeline.hpp>
#include <coffer/policy/budget.hpp>
#include <coffer/policy/fallback.hpp>
#include <coffer/policy/hedge.hpp>
#include <coffer/policy/once.hpp>
#include <coffer/policy/retry.hpp>
#include <coffer/store/drain.hpp>
#include <coffer/store/memory.hpp>

#include <gtest/gtest.h>

#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "policy/support/contexts.hpp"
#include "policy/support/priced.hpp"
#include "policy/support/provider.hpp"
#include "policy/support/speaker.hpp"
#include "support/seeds.hpp"

namespace hedge_once_test {
namespace {

using namespace coffer::literals;
using namespace std::chrono_literals;
using coffer::answer_origin;
using coffer::fault;
using coffer::fault_kind;
using coffer::hedge;
using coffer::knowledge;
using coffer::record_state;
using coffer::send_state;
using support::caller;
using support::guarded;
using support::request;
using support::speaker;

constexpr coffer::hedge_options after_ten{.delay = 10s, .percentile = 0};

guarded bare(speaker const& s) { return coffer::pipeline{}.wrap(s.op()); }

struct hedge_once_test : testing::Test {
    support::contexts world{3};
    coffer::memory_store db;
    speaker first{"acme"}, second{"zeta"};
    coffer::key const key{"test", "k"};

    guarded both(coffer::once_options o = {}, coffer::hedge_options h = after_ten) {
        return coffer::pipeline{coffer::once{db, o}}.wrap(hedge{h, bare(first), bare(second)});
    }
    caller begin(guarded const& ask, std::size_t where = 0, coffer::duration deadline = 15min) {
        return caller::begin(world.executor(where), ask, coffer::call{key, deadline}, request{});
    }
    support::asked run(guarded const& ask) {
        auto const c = begin(ask);
        world.run();
        return *c;
    }
    std::shared_ptr<coffer::record const> record() { return **db.backend()->peek(db.backend()->id_of(key)).get(); }
    std::vector<send_state> sends() {
        std::vector<send_state> all;
        auto const stored = record();
        for (auto const& s : stored->sends) all.push_back(s.state);
        return all;
    }
    using states = std::vector<send_state>;
};

TEST_F(hedge_once_test, two_sends_are_permitted_one_after_another_and_the_first_answer_is_the_keys) {
    first.script.answer("slow", 60s);
    second.script.answer("quick", 5s);
    auto const start = world.now();
    auto const c = begin(both());
    world.run_for(20s);
    EXPECT_EQ(c->text(), "quick from zeta/m");
    EXPECT_EQ(c->ended, start + 15s) << "nobody waits for the other one";
    EXPECT_TRUE(c->stored);
    EXPECT_EQ(c->origin, answer_origin::sent);
    EXPECT_EQ(c->answered_by.value().provider, "zeta");
    EXPECT_EQ(c->cost, std::nullopt);
    EXPECT_EQ(record()->state, record_state::done);
    EXPECT_EQ(sends(), (states{send_state::permitted, send_state::accepted}));

    world.run();
    EXPECT_EQ(sends(), (states{send_state::answered, send_state::accepted})) << "kept beside it";
    EXPECT_EQ(record()->sends[0].reply->body, "acme|slow");
    EXPECT_EQ(record()->sends[0].reply->cost, 0.01_usd);
    EXPECT_EQ(first.script.sends()[0].cut_at, std::nullopt);
    EXPECT_EQ(run(both()).text(), "quick from zeta/m") << "and never replaces it";
    EXPECT_EQ(first.script.count() + second.script.count(), 2);
}

TEST_F(hedge_once_test, the_primary_wins_and_the_hedge_is_brought_home) {
    first.script.answer("slow", 12s);
    second.script.answer("late", 60s);
    EXPECT_EQ(run(both()).text(), "slow from acme/m");
    EXPECT_EQ(sends(), (states{send_state::accepted, send_state::answered}));
}

TEST_F(hedge_once_test, one_send_is_never_hedged) {
    first.script.answer("slow", 60s);
    EXPECT_EQ(run(both({.max_sends = 1})).text(), "slow from acme/m");
    EXPECT_EQ(second.script.count(), 0);
}

TEST_F(hedge_once_test, nor_the_last_of_several_while_the_primary_may_still_need_it) {
    // A retry that is waited for has the second one in reserve.
    auto const rule = [](fault const&, int) { return coffer::retry_decision::yes_after(30s); };
    guarded const primary = coffer::pipeline{coffer::retry{{}, rule}}.wrap(first.op());
    auto const ask = coffer::pipeline{coffer::once{db}}.wrap(hedge{after_ten, primary, bare(second)});
    first.script.fail(fault{fault_kind::overloaded}.with_billing(knowledge::maybe)).answer("again");
    EXPECT_EQ(run(ask).text(), "again from acme/m");
    EXPECT_EQ(second.script.count(), 0);
}

TEST_F(hedge_once_test, what_was_lost_before_counts) {
    first.script.fail(fault_kind::ambiguous);
    EXPECT_TRUE(run(both()).failed(fault_kind::ambiguous));
    first.script.answer("slow", 60s);
    EXPECT_EQ(run(both()).text(), "slow from acme/m");
    EXPECT_EQ(second.script.count(), 0);
}

TEST_F(hedge_once_test, the_journals_number_counts_and_not_the_hedges) {
    auto h = after_ten;
    h.max_sends = 1;
    first.script.answer("slow", 60s);
    second.script.answer("quick", 5s);
    EXPECT_EQ(run(both({.max_sends = 2}, h)).text(), "quick from zeta/m");
}

TEST_F(hedge_once_test, if_both_fail_the_key_has_spent_two_sends) {
    first.script.fail(fault_kind::ambiguous, 20s);
    second.script.fail(fault_kind::ambiguous, 20s);
    auto const c = run(both());
    EXPECT_TRUE(c.failed(fault_kind::ambiguous));
    EXPECT_EQ(c.log.size(), 2U);
    EXPECT_EQ(sends(), (states{send_state::lost, send_state::lost}));
    EXPECT_TRUE(run(both()).failed(fault_kind::unresolved));
    EXPECT_EQ(first.script.count() + second.script.count(), 2);
}

TEST_F(hedge_once_test, one_that_fails_unbilled_gives_its_send_back_while_the_other_is_awaited) {
    first.script.answer("slow", 60s);
    second.script.fail(fault_kind::overloaded, 1s);
    EXPECT_EQ(run(both()).text(), "slow from acme/m");
    EXPECT_EQ(sends(), (states{send_state::accepted, send_state::unsent}));
}

TEST_F(hedge_once_test, a_loser_that_fails_or_is_defective_is_written_down_as_it_was) {
    first.script.fail(fault_kind::ambiguous, 60s);
    second.script.answer("quick", 5s);
    EXPECT_EQ(run(both()).text(), "quick from zeta/m");
    EXPECT_EQ(sends(), (states{send_state::lost, send_state::accepted}));
    EXPECT_EQ(record()->state, record_state::done);
}

TEST_F(hedge_once_test, a_loser_proven_unbilled_counts_no_longer) {
    first.script.fail(fault_kind::overloaded, 60s);
    second.script.answer("quick", 5s);
    EXPECT_EQ(run(both()).text(), "quick from zeta/m");
    EXPECT_EQ(sends(), (states{send_state::unsent, send_state::accepted}));
    EXPECT_EQ(record()->counted_sends(), 1);
}

TEST_F(hedge_once_test, a_defective_loser_stays_defective) {
    first.script.answer("bad", 60s);
    second.script.answer("quick", 5s);
    EXPECT_EQ(run(both()).text(), "quick from zeta/m");
    EXPECT_EQ(sends(), (states{send_state::defective, send_state::accepted}));
}

TEST_F(hedge_once_test, who_has_lost_begins_nothing_new) {
    guarded const primary = coffer::pipeline{coffer::retry{}}.wrap(first.op());
    auto const ask = coffer::pipeline{coffer::once{db, {.max_sends = 4}}}.wrap(hedge{after_ten, primary, bare(second)});
    first.script.fail(fault_kind::overloaded, 60s);
    second.script.answer("quick", 5s);
    EXPECT_EQ(run(ask).text(), "quick from zeta/m");
    EXPECT_EQ(first.script.count(), 1);
}

TEST_F(hedge_once_test, a_loser_that_does_not_keep_to_its_time_is_cut_off) {
    first.script.never();
    second.script.answer("quick", 5s);
    auto const start = world.now();
    auto const ask = both({.attempt_timeout = 1min, .finish_grace = 2min});
    EXPECT_EQ(run(ask).text(), "quick from zeta/m");
    EXPECT_EQ(first.script.sends()[0].cut_at, start + 3min + 1s);
    EXPECT_EQ(sends(), (states{send_state::lost, send_state::accepted}));
}

TEST_F(hedge_once_test, each_send_is_cut_off_at_its_own_limit) {
    first.script.never();
    second.script.never();
    auto const start = world.now();
    auto const c = run(both({.attempt_timeout = 1min}));
    EXPECT_TRUE(c.failed(fault_kind::timed_out)) << c.text();
    EXPECT_EQ(first.script.sends()[0].cut_at, start + 60s);
    EXPECT_EQ(second.script.sends()[0].cut_at, start + 70s);
    ASSERT_EQ(c.log.size(), 2U);
    EXPECT_EQ(c.log[0].fault->kind(), fault_kind::timed_out);
    EXPECT_EQ(c.log[1].fault->kind(), fault_kind::timed_out);
    EXPECT_EQ(sends(), (states{send_state::lost, send_state::lost}));
}

TEST_F(hedge_once_test, a_send_that_was_cut_off_leaves_the_other_one_alone) {
    first.script.never();
    second.script.answer("hedge", 55s);
    auto const start = world.now();
    auto const c = run(both({.attempt_timeout = 1min}));
    EXPECT_EQ(c.text(), "hedge from zeta/m");
    EXPECT_EQ(first.script.sends()[0].cut_at, start + 60s);
    EXPECT_EQ(c.ended, start + 65s);
}

TEST_F(hedge_once_test, a_cut_is_not_lost_when_the_delay_passes_before_it_is_heard_of) {
    first.script.never();
    second.script.never();
    auto const start = world.now();
    auto const c = begin(both({.attempt_timeout = 9s}));
    world.run_for(8s);
    ASSERT_TRUE(world.clock().advance(start + 9s)) << "the send's limit";
    ASSERT_TRUE(world.clock().advance(start + 10s)) << "the delay, before anybody has gone on";
    world.run();
    ASSERT_TRUE(c->over);
    EXPECT_TRUE(c->failed(fault_kind::timed_out)) << c->text();
    EXPECT_EQ(first.script.sends()[0].cut_at, start + 10s);
    EXPECT_EQ(second.script.sends()[0].cut_at, start + 19s);
}

TEST_F(hedge_once_test, who_joins_with_more_time_has_it) {
    auto const rule = [](fault const&, int) { return coffer::retry_decision::yes_after(20s); };
    guarded const primary = coffer::pipeline{coffer::retry{{}, rule}}.wrap(first.op());
    auto h = after_ten;
    h.delay = 9s;
    first.script.fail(fault_kind::overloaded, 5s).answer("well");
    auto const ask = coffer::pipeline{coffer::once{db}}.wrap(hedge{h, primary});
    auto const hasty = begin(ask, 0, 10s);
    world.run_for(1s);
    auto const patient = begin(ask, 1, 10min);
    world.run();
    EXPECT_TRUE(hasty->failed(fault_kind::deadline_exceeded)) << hasty->text();
    EXPECT_EQ(patient->text(), "well from acme/m") << "a flight has the time of all that wait for it";
}

TEST_F(hedge_once_test, a_loser_under_way_needs_the_flight_no_longer) {
    guarded const primary = coffer::pipeline{coffer::retry{}}.wrap(first.op());
    first.script.fail(fault_kind::overloaded, 60s);
    second.script.answer("quick", 1s);
    auto const ask = coffer::pipeline{coffer::once{db, {.max_sends = 4}}}.wrap(hedge{after_ten, primary, bare(second)});
    EXPECT_EQ(run(ask).text(), "quick from zeta/m");
    EXPECT_EQ(first.script.count(), 1);
    EXPECT_EQ(sends(), (states{send_state::unsent, send_state::accepted}));
}

TEST_F(hedge_once_test, one_caller_leaves_and_harms_nobody) {
    first.script.answer("slow", 60s);
    second.script.answer("quick", 10s);
    auto const ask = both();
    auto const opener = begin(ask), joiner = begin(ask, 1);
    world.run_for(12s);
    opener.cancel();
    world.run();
    EXPECT_TRUE(opener->failed(fault_kind::cancelled));
    EXPECT_EQ(joiner->text(), "quick from zeta/m");
    EXPECT_EQ(joiner->origin, answer_origin::joined);
}

TEST_F(hedge_once_test, when_all_leave_both_sends_go_on_and_the_first_answer_is_kept) {
    first.script.answer("slow", 60s);
    second.script.answer("quick", 30s);
    auto const c = begin(both());
    world.run_for(12s);
    c.cancel();
    world.run();
    EXPECT_TRUE(c->failed(fault_kind::cancelled));
    EXPECT_EQ(sends(), (states{send_state::answered, send_state::accepted}));
    EXPECT_EQ(run(both()).text(), "quick from zeta/m");
    EXPECT_EQ(first.script.count() + second.script.count(), 2);
}

TEST_F(hedge_once_test, when_all_leave_there_is_no_hedge_any_more) {
    first.script.answer("slow", 60s);
    auto const c = begin(both());
    world.run_for(5s);
    c.cancel();
    world.run();
    EXPECT_EQ(second.script.count(), 0) << "nobody would have it sooner";
    EXPECT_EQ(run(both()).text(), "slow from acme/m");
}

TEST_F(hedge_once_test, a_process_that_shuts_down_starts_no_hedge) {
    first.script.answer("slow", 60s);
    auto const c = begin(both());
    world.run_for(5s);
    (void)db.backend()->flights().close();
    world.run();
    EXPECT_EQ(second.script.count(), 0);
    EXPECT_EQ(c->text(), "slow from acme/m");
}

TEST_F(hedge_once_test, a_drain_waits_for_who_has_lost) {
    struct draining {
        std::optional<coffer::drain_report> report;
        coffer::time_point at{};
    };
    auto const drain = [](coffer::store s, coffer::duration within, draining& d) -> coffer::awaitable<void> {
        d.report = co_await coffer::drain(std::move(s), within);
        auto const executor = co_await asio::this_coro::executor;
        d.at = coffer::clock_service::of(executor).clock()->now();
    };
    first.script.answer("slow", 60s);
    second.script.answer("quick", 1s);
    auto const start = world.now();
    auto const c = begin(both());
    world.run_for(20s);
    ASSERT_EQ(c->text(), "quick from zeta/m");
    draining hasty, patient;
    asio::co_spawn(world.executor(2), drain(db, 10s, hasty), asio::detached);
    asio::co_spawn(world.executor(2), drain(db, 10min, patient), asio::detached);
    world.run();
    ASSERT_TRUE(hasty.report && patient.report);
    EXPECT_EQ(hasty.at, start + 30s);
    EXPECT_EQ(hasty.report->sending, std::vector{db.backend()->id_of(key)});
    EXPECT_EQ(patient.at, start + 60s);
    EXPECT_TRUE(patient.report->clean());
}

TEST_F(hedge_once_test, but_not_for_one_whose_context_is_gone) {
    first.script.answer("slow", 60s);
    second.script.answer("quick", 1s);
    auto const c = begin(both(), 1);
    world.run_for(20s);
    ASSERT_EQ(c->text(), "quick from zeta/m");
    world.destroy(1);
    EXPECT_TRUE(db.backend()->flights().afterwards().empty());
}

TEST_F(hedge_once_test, a_context_that_goes_takes_both_with_it_and_the_answers_are_asked_for_elsewhere) {
    first.script.answer("slow", 60s).answer("again", 1s);
    second.script.answer("slow", 60s);
    auto const ask = both({.max_sends = 3});
    auto const gone = begin(ask, 1);
    world.run_ready();
    auto const waits = begin(ask, 0);
    world.run_for(15s);
    world.destroy(1);
    world.run();
    EXPECT_EQ(waits->text(), "again from acme/m");
    EXPECT_EQ(record()->counted_sends(), 3);
}

TEST_F(hedge_once_test, a_context_may_go_with_a_loser_under_way) {
    first.script.answer("slow", 60s);
    second.script.answer("quick", 1s);
    auto const c = begin(both(), 1);
    world.run_for(20s);
    EXPECT_EQ(c->text(), "quick from zeta/m");
    world.destroy(1);
    world.run();
    EXPECT_EQ(sends(), (states{send_state::permitted, send_state::accepted}));
}

TEST_F(hedge_once_test, stored_answers_are_read_by_whoever_gave_them_whatever_the_order_is_by_then) {
    first.script.answer("slow", 60s);
    second.script.answer("quick", 5s);
    EXPECT_EQ(run(both()).text(), "quick from zeta/m");
    auto const turned = coffer::pipeline{coffer::once{db}}.wrap(hedge{after_ten, bare(second), bare(first)});
    auto const c = run(turned);
    EXPECT_EQ(c.text(), "quick from zeta/m");
    EXPECT_EQ(c.origin, answer_origin::replayed);
    auto const alone = coffer::pipeline{coffer::once{db}}.wrap(hedge{after_ten, bare(second)});
    EXPECT_EQ(run(alone).text(), "quick from zeta/m");
}

TEST_F(hedge_once_test, money_held_for_both_is_settled_though_the_flight_has_landed) {
    support::priced_provider dear, cheap;
    dear.bound(0.40_usd).otherwise(
        [] { return support::priced_end{.charged = 0.30_usd, .after = 60s, .body = "slow"}; });
    cheap.bound(0.02_usd).otherwise([] { return support::priced_end{.charged = 0.01_usd, .body = "quick"}; });
    coffer::budget const within{db, {.scope = "team", .limit = 1_usd}};
    auto const ask = coffer::pipeline{coffer::once{db}}.wrap(
        hedge{after_ten, guarded{coffer::pipeline{within}.wrap(dear.operation())},
              guarded{coffer::pipeline{within}.wrap(cheap.operation())}});
    auto const c = begin(ask);
    world.run_for(30s);
    EXPECT_EQ(c->text(), "quick");
    auto& money_of = *db.backend()->ledger();
    EXPECT_EQ(support::account_of(money_of, "team").held, 0.40_usd);
    world.run();
    EXPECT_EQ(support::account_of(money_of, "team").held, 0_usd);
    EXPECT_EQ(support::account_of(money_of, "team").settled, 0.31_usd);
}

TEST_F(hedge_once_test, acknowledged_while_the_loser_is_under_way_the_key_stays_so) {
    first.script.answer("slow", 60s);
    second.script.answer("quick", 1s);
    auto const c = begin(both());
    world.run_for(20s);
    ASSERT_EQ(c->text(), "quick from zeta/m");
    ASSERT_TRUE(db.backend()->acknowledge(db.backend()->id_of(key)).get()->has_value());
    world.run();
    EXPECT_EQ(record()->state, record_state::acked);
    EXPECT_TRUE(run(both()).failed(fault_kind::already_done));
}

TEST_F(hedge_once_test, without_a_key_it_hedges_all_the_same) {
    first.script.answer("slow", 60s);
    second.script.answer("quick", 1s);
    auto const c = caller::begin(world.executor(0), both(), coffer::call::unkeyed(), request{});
    world.run();
    EXPECT_EQ(c->text(), "quick from zeta/m");
}

}  // namespace
}  // namespace hedge_once_test
