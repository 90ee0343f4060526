// SPDX-License-Identifier: BSL-1.0
#include <coffer/base/disposition.hpp>
#include <coffer/call/pipeline.hpp>
#include <coffer/policy/budget.hpp>
#include <coffer/policy/once.hpp>
#include <coffer/policy/retry.hpp>
#include <coffer/store/memory.hpp>

#include <gtest/gtest.h>

#include <memory>
#include <optional>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

#include "policy/support/contexts.hpp"
#include "policy/support/priced.hpp"
#include "policy/support/provider.hpp"
#include "policy/support/scripted_store.hpp"
#include "support/simulation.hpp"

namespace budget_test {
namespace {

using namespace coffer;
using namespace coffer::literals;
using namespace std::chrono_literals;
using support::caller;
using support::guarded;
using support::op;
using support::priced_end;
using support::treatment;

/// One context, a ledger of its own, a provider that charges.
struct desk {
    support::simulation sim;
    in_memory_ledger money_of;
    support::priced_provider provider;
    int asked = 0;

    guarded with(budget_options o) { return pipeline{budget{money_of, std::move(o)}}.wrap(provider.operation()); }
    caller ask(guarded const& g, duration deadline = 15min, std::string user = "ann") {
        call c{key{"job", ++asked}, deadline};
        c.tag("user", std::move(user)).tag("job", "nightly");
        return caller::begin(sim.executor(), g, std::move(c), support::request{});
    }
    /// To its end.
    caller run(guarded const& g, duration deadline = 15min, std::string user = "ann") {
        auto c = ask(g, deadline, std::move(user));
        sim.time.run();
        return c;
    }
    account of(std::string const& scope = "team") { return support::account_of(*money_of.backend(), scope); }
    std::vector<ledger_entry> entries() { return **money_of.backend()->entries({}).get(); }
    bool sound() { return (*money_of.backend()->audit().get())->empty(); }
};

account settled(money m) {
    account a;
    a.settled = m;
    return a;
}
account presumed(money m) {
    account a;
    a.presumed = m;
    return a;
}

TEST(budget, holds_the_bound_while_the_send_is_under_way_and_settles_with_the_cost) {
    desk d;
    auto const ask = d.with({.scope = "team", .limit = 1_usd});
    d.provider.bound(0.40_usd).then({.charged = 0.15_usd});
    auto const c = d.ask(ask);
    d.sim.time.run_for(500ms);
    EXPECT_EQ(d.of().held, 0.40_usd);
    d.sim.time.run();
    EXPECT_TRUE(c->ok());
    EXPECT_EQ(c->cost, 0.15_usd);
    EXPECT_EQ(d.of(), settled(0.15_usd));
}

TEST(budget, an_entry_explains_its_money) {
    desk d;
    auto const ask = d.with({.scope = "team", .limit = 1_usd, .also = {{"user/{user}", 1_usd, daily}}});
    EXPECT_TRUE(d.run(ask)->ok());
    auto const all = d.entries();
    ASSERT_EQ(all.size(), 1U);
    auto const& e = all[0];
    EXPECT_EQ(e.row.state, reservation_state::settled);
    EXPECT_EQ(e.row.about.name_space, "job");
    EXPECT_EQ(e.row.about.provider, "fake");
    EXPECT_EQ(e.row.about.model, "model");
    EXPECT_EQ(e.row.about.job, "nightly");
    EXPECT_EQ(e.row.about.record, d.money_of.backend()->record_of(key{"job", 1}));
    EXPECT_EQ(e.row.about.request_id, "req_1");
    EXPECT_EQ(e.row.about.attempt, 1);
    EXPECT_EQ(e.scopes, (std::vector<std::string>{"team", "user/ann"}));
    EXPECT_EQ(e.windows, (std::vector<std::string>{"lifetime", "day@UTC"}));
}

TEST(budget, an_entry_names_the_work_by_the_fingerprint_which_is_made_once) {
    desk d;
    auto const alone = d.with({.scope = "team", .limit = 1_usd});
    EXPECT_TRUE(d.run(alone)->ok());
    EXPECT_EQ(d.provider.fingerprints(), 1);
    memory_store const db;
    guarded const journaled =
        pipeline{once{db}, retry{}, budget{d.money_of, {.scope = "team", .limit = 1_usd}}}.wrap(d.provider.operation());
    d.provider.then({.why = fault{fault_kind::throttled}.with_billing(knowledge::no)});
    EXPECT_TRUE(d.run(journaled)->ok());
    EXPECT_EQ(d.provider.count(), 3);
    EXPECT_EQ(d.provider.fingerprints(), 2) << "the journal's is the budget's";
    auto const all = d.entries();
    ASSERT_EQ(all.size(), 2U);
    EXPECT_FALSE(all[0].row.about.work.empty());
    EXPECT_EQ(all[0].row.about.work, all[1].row.about.work);

    guarded const key_alone =
        pipeline{once{db, unfingerprinted}, budget{d.money_of, {.scope = "team", .limit = 1_usd}}}.wrap(
            d.provider.operation());
    EXPECT_TRUE(d.run(key_alone)->ok());
    EXPECT_EQ(d.entries()[2].row.about.work, all[0].row.about.work);
}

TEST(budget, refuses_with_whose_limit_it_is_what_is_free_and_when_to_come_again) {
    desk d;
    auto const ask = d.with({.scope = "team", .limit = 0.25_usd, .window = daily});
    EXPECT_TRUE(d.run(ask)->ok());
    EXPECT_TRUE(d.run(ask)->ok());
    auto const c = d.run(ask);
    ASSERT_TRUE(c->failed(fault_kind::over_budget)) << c->text();
    auto const denial = c->why().denial();
    ASSERT_NE(denial, nullptr);
    EXPECT_EQ(denial->scope, "team");
    EXPECT_EQ(denial->free, 0.05_usd);
    EXPECT_EQ(denial->needed, 0.10_usd);
    ASSERT_TRUE(denial->until);
    ASSERT_TRUE(c->why().retry_after());
    EXPECT_EQ(d.sim.time.clock()->wall_now() + *c->why().retry_after(), *denial->until);
    EXPECT_EQ(c->why().execution(), knowledge::no);
    EXPECT_EQ(c->why().billing(), knowledge::no);
    EXPECT_EQ(d.provider.count(), 2) << "nothing is sent";
    EXPECT_EQ(c->log.size(), 0U);
}

TEST(budget, what_is_only_held_comes_back_soon) {
    for (auto const& each : {daily, lifetime}) {
        desk d;
        auto const ask = d.with({.scope = "team", .limit = 0.15_usd, .window = each});
        auto const first = d.ask(ask);  // 0.10 are held for it
        auto const second = d.ask(ask);
        d.sim.time.run();
        EXPECT_TRUE(first->ok());
        ASSERT_TRUE(second->failed(fault_kind::over_budget)) << second->text();
        EXPECT_EQ(second->why().code(), "held");
        EXPECT_EQ(second->why().retry_after(), 5s);
        EXPECT_NE(second->text().find("max_wait"), std::string::npos) << second->text();
        EXPECT_EQ(disposition(second->why()).action, queue_action::retry_after);
        EXPECT_EQ(disposition(d.run(ask)->why()).action, queue_action::ask_operator) << "spent, and not only held";
    }
}

TEST(budget, for_a_lifetime_there_is_no_coming_again) {
    desk d;
    auto const ask = d.with({.scope = "team", .limit = 0.15_usd, .max_wait = 1h});
    EXPECT_TRUE(d.run(ask)->ok());
    auto const began = d.sim.time.now();
    auto const c = d.run(ask);
    EXPECT_TRUE(c->failed(fault_kind::over_budget));
    EXPECT_FALSE(c->why().retry_after());
    EXPECT_EQ(d.sim.time.now(), began) << "and no use in waiting";
}

TEST(budget, more_than_the_whole_limit_never_fits_and_is_not_waited_for) {
    desk d;
    auto const ask = d.with({.scope = "team", .limit = 1_usd, .window = daily, .max_wait = 48h});
    d.provider.bound(1.01_usd);
    auto const c = d.run(ask, 72h);
    ASSERT_TRUE(c->failed(fault_kind::never_fits)) << c->text();
    EXPECT_EQ(c->why().denial()->limit, 1_usd);
    EXPECT_FALSE(c->why().retry_after());
    EXPECT_EQ(c->ended, d.sim.time.now());
}

TEST(budget, every_limit_must_have_the_money_or_nothing_is_held) {
    desk d;
    auto const ask = d.with({.scope = "team", .limit = 9_usd, .also = {{"user/{user}", 0.10_usd}, {"org", 9_usd}}});
    EXPECT_TRUE(d.run(ask)->ok());
    auto const c = d.run(ask);
    ASSERT_TRUE(c->failed(fault_kind::over_budget));
    EXPECT_EQ(c->why().denial()->scope, "user/ann");
    EXPECT_EQ(d.of("team"), settled(0.10_usd));
    EXPECT_TRUE(d.run(ask, 1min, "bob")->ok()) << "another user's money";
}

TEST(budget, patterns_that_give_the_same_name_hold_its_money_once) {
    desk d;
    auto const ask = d.with({.scope = "u/{user}", .limit = 1_usd, .also = {{"u/{owner}", 0.15_usd}, {"u/-", 9_usd}}});
    auto const c = d.ask(ask, 15min, "");  // all three are u/-
    d.sim.time.run_for(500ms);
    EXPECT_EQ(d.of("u/-").held, 0.10_usd);
    d.sim.time.run();
    EXPECT_TRUE(c->ok());
    EXPECT_EQ(d.of("u/-"), settled(0.10_usd));
    EXPECT_TRUE(d.run(ask, 1min, "")->failed(fault_kind::over_budget)) << "the stricter limit holds";
}

TEST(budget, a_hard_limit_needs_a_bound) {
    desk d;
    d.provider.estimate() = {.unbounded = "the request has no max_tokens"};
    auto const c = d.run(d.with({.scope = "team", .limit = 1_usd}));
    ASSERT_TRUE(c->failed(fault_kind::never_fits));
    EXPECT_EQ(c->why().code(), "no_bound");
    EXPECT_NE(c->why().message().find("no max_tokens"), std::string_view::npos);
    EXPECT_NE(c->why().message().find("unbounded_at_most"), std::string_view::npos);
    d.provider.bound(money::from_nano(-1));
    EXPECT_EQ(d.run(d.with({.scope = "team", .limit = 1_usd}))->why().code(), "no_bound")
        << "nothing costs less than nothing";
    EXPECT_EQ(d.provider.count(), 0);
}

TEST(budget, an_operators_limit_where_the_program_has_none_needs_a_bound_too) {
    desk d;
    d.provider.estimate() = {.unbounded = "an image"};
    auto const ask = d.with({.scope = "team"});
    EXPECT_TRUE(d.run(ask)->ok());
    d.sim.run(d.money_of.set_limit("team", lifetime, 5_usd));
    auto const c = d.run(ask);
    ASSERT_TRUE(c->failed(fault_kind::never_fits));
    EXPECT_EQ(c->why().code(), "no_bound");
    EXPECT_NE(c->why().message().find("an image"), std::string_view::npos);
}

TEST(budget, unbounded_at_most_is_held_and_what_goes_beyond_it_is_an_overrun) {
    desk d;
    d.provider.estimate() = {.unbounded = "an image"};
    auto const ask = d.with({.scope = "team", .limit = 1_usd, .unbounded_at_most = 0.30_usd});
    d.provider.then({.charged = 0.50_usd});
    auto const c = d.ask(ask);
    d.sim.time.run_for(500ms);
    EXPECT_EQ(d.of().held, 0.30_usd);
    d.sim.time.run();
    EXPECT_TRUE(c->ok());
    EXPECT_EQ(d.of().settled, 0.50_usd);
    EXPECT_EQ(d.of().overrun, 0.20_usd);
}

TEST(budget, without_a_limit_it_accounts_for_what_is_spent) {
    desk d;
    d.provider.estimate() = {};
    auto const ask = d.with({.scope = "team"});
    EXPECT_TRUE(d.run(ask)->ok());
    EXPECT_EQ(d.of(), settled(0.10_usd)) << "nor is that an overrun";
}

TEST(budget, soft_limits_hold_what_such_sends_usually_cost) {
    desk d;
    auto const ask = d.with({.scope = "team", .limit = 2_usd, .kind = limit_kind::soft});
    d.provider.bound(1_usd);
    for (int i = 0; i < 8; ++i) EXPECT_TRUE(d.run(ask)->ok());
    auto const first = d.ask(ask);
    d.sim.time.run_for(500ms);
    EXPECT_EQ(d.of().held, 0.10_usd) << "of eight that held $1.00 each";
    d.sim.time.run();
    EXPECT_TRUE(first->ok());
    d.provider.then({.charged = 5_usd});
    EXPECT_TRUE(d.run(ask)->ok()) << "it may be exceeded by one that costs more";
    EXPECT_TRUE(d.run(ask)->failed(fault_kind::over_budget));
    EXPECT_EQ(d.of().overrun, money{});
}

TEST(budget, waits_for_money_that_comes_back) {
    desk d;
    auto const ask = d.with({.scope = "team", .limit = 0.50_usd, .max_wait = 1min});
    d.provider.bound(0.40_usd);
    auto const first = d.ask(ask);
    d.sim.time.run_for(100ms);
    auto const second = d.ask(ask);
    d.sim.time.run_for(500ms);
    EXPECT_EQ(d.provider.count(), 1);
    d.sim.time.run();
    EXPECT_TRUE(first->ok());
    EXPECT_TRUE(second->ok()) << second->text();
    EXPECT_EQ(second->ended - first->ended, 1s) << "it began as soon as the first was settled";
    ASSERT_EQ(second->log.size(), 1U);
    EXPECT_EQ(second->log.begin()->why_waited, wait_reason::admission);
    EXPECT_EQ(second->log.begin()->waited, 900ms);
}

TEST(budget, does_not_wait_for_money_that_calls_under_way_cannot_give_back) {
    desk d;
    auto const ask = d.with({.scope = "team", .limit = 1_usd, .max_wait = 10min});
    d.provider.then({.charged = 0.80_usd}).then({.charged = 0.05_usd, .after = 1min});
    d.provider.bound(0.80_usd);
    EXPECT_TRUE(d.run(ask)->ok());
    d.provider.bound(0.05_usd);
    auto const under_way = d.ask(ask);
    d.sim.time.run_for(1s);
    d.provider.bound(0.50_usd);
    auto const began = d.sim.time.now();
    auto const hopeless = d.ask(ask);
    d.sim.time.run();
    EXPECT_TRUE(under_way->ok());
    EXPECT_TRUE(hopeless->failed(fault_kind::over_budget)) << hopeless->text();
    EXPECT_EQ(hopeless->ended - began, 0s);
}

TEST(budget, does_not_wait_longer_than_max_wait_nor_beyond_the_deadline) {
    desk d;
    auto const ask = d.with({.scope = "team", .limit = 0.50_usd, .max_wait = 10s});
    d.provider.bound(0.40_usd).then({.after = 1min});
    (void)d.ask(ask);
    d.sim.time.run_for(1s);
    auto const patient = d.ask(ask);
    auto const hasty = d.ask(ask, 3s);
    auto const began = d.sim.time.now();
    d.sim.time.run();
    EXPECT_TRUE(patient->failed(fault_kind::over_budget)) << patient->text();
    EXPECT_EQ(patient->ended - began, 10s);
    EXPECT_TRUE(hasty->failed(fault_kind::over_budget) || hasty->failed(fault_kind::deadline_exceeded))
        << hasty->text();
    EXPECT_EQ(hasty->ended - began, 3s);
    EXPECT_EQ(d.provider.count(), 1);
}

TEST(budget, waits_for_the_windows_end_if_that_comes_in_time) {
    desk d;
    auto const ask = d.with({.scope = "team", .limit = 0.10_usd, .window = hourly, .max_wait = 1h});
    EXPECT_TRUE(d.run(ask)->ok());
    auto const second = d.run(ask, 2h);
    EXPECT_TRUE(second->ok()) << second->text();
    auto const at = d.provider.bill().back().at.time_since_epoch();
    EXPECT_EQ(at % 1h, 0s) << "at the full hour";
    EXPECT_TRUE(d.run(ask, 20min)->failed(fault_kind::over_budget));
}

TEST(budget, waits_for_what_leaves_a_rolling_window) {
    desk d;
    auto const ask = d.with({.scope = "team", .limit = 0.10_usd, .window = rolling(10min), .max_wait = 1h});
    EXPECT_TRUE(d.run(ask)->ok());
    auto const second = d.run(ask, 2h);
    EXPECT_TRUE(second->ok()) << second->text();
    auto const& bill = d.provider.bill();
    EXPECT_GE(bill[1].at - bill[0].at, 10min);
    EXPECT_LE(bill[1].at - bill[0].at, 10min + 20s);
}

TEST(budget, who_waits_is_served_in_order_even_if_a_later_one_needs_less) {
    desk d;
    auto const ask = d.with({.scope = "team", .limit = 0.50_usd, .max_wait = 1min});
    d.provider.bound(0.40_usd);
    auto const first = d.ask(ask);
    d.sim.time.run_for(100ms);
    auto const large = d.ask(ask);
    d.sim.time.run_for(100ms);
    d.provider.bound(0.05_usd);
    auto const small = d.ask(ask);
    d.sim.time.run_for(100ms);
    EXPECT_EQ(d.provider.count(), 1) << "the small one waits behind the large one";
    d.sim.time.run();
    EXPECT_TRUE(first->ok() && large->ok() && small->ok());
    EXPECT_LE(large->ended, small->ended);
}

TEST(budget, who_waited_behind_others_in_vain_says_so) {
    desk d;
    auto const ask = d.with({.scope = "team", .limit = 0.50_usd, .max_wait = 10s});
    d.provider.bound(0.40_usd).then({.after = 1min});
    (void)d.ask(ask);
    d.sim.time.run_for(100ms);
    auto const patient = d.with({.scope = "team", .limit = 0.50_usd, .max_wait = 1h});
    (void)d.ask(patient);
    d.sim.time.run_for(100ms);
    auto const behind = d.ask(ask);
    d.sim.time.run();
    ASSERT_TRUE(behind->failed(fault_kind::over_budget)) << behind->text();
    EXPECT_NE(behind->why().message().find("others have waited longer"), std::string_view::npos) << behind->text();
}

TEST(budget, those_who_leave_the_line_let_the_next_one_try) {
    desk d;
    auto const ask = d.with({.scope = "team", .limit = 0.50_usd, .max_wait = 1min});
    d.provider.bound(0.40_usd);
    auto const first = d.ask(ask);
    d.sim.time.run_for(100ms);
    auto const large = d.ask(ask);
    d.sim.time.run_for(100ms);
    d.provider.bound(0.05_usd);
    auto const small = d.ask(ask);
    d.sim.time.run_for(100ms);
    large.cancel();
    d.sim.time.run_for(100ms);
    EXPECT_EQ(d.provider.count(), 2) << "there is money for the small one";
    d.sim.time.run();
    EXPECT_TRUE(large->failed(fault_kind::cancelled)) << large->text();
    EXPECT_TRUE(first->ok() && small->ok());
}

TEST(budget, raising_the_limit_lets_waiting_calls_in) {
    desk d;
    auto const ask = d.with({.scope = "team", .limit = 0.10_usd, .window = daily, .max_wait = 24h});
    EXPECT_TRUE(d.run(ask)->ok());
    auto const c = d.ask(ask, 24h);
    d.sim.time.run_for(1s);
    EXPECT_EQ(d.provider.count(), 1);
    auto const raising = d.sim.start(d.money_of.set_limit("team", daily, 0.20_usd));
    d.sim.time.run_for(2s);
    EXPECT_TRUE(c->ok()) << c->text();
}

TEST(budget, a_freeze_refuses_at_once_even_who_is_waiting) {
    desk d;
    auto const ask = d.with({.scope = "org/team", .limit = 0.10_usd, .window = daily, .max_wait = 24h});
    EXPECT_TRUE(d.run(ask)->ok());
    auto const first = d.ask(ask, 24h);
    auto const second = d.ask(ask, 24h);
    d.sim.time.run_for(1s);
    EXPECT_EQ(d.sim.start(d.money_of.freeze("org", "too dear")).over(), false);
    d.sim.time.run_for(1s);
    for (auto const& c : {first, second}) {
        ASSERT_TRUE(c->failed(fault_kind::over_budget)) << c->text();
        EXPECT_EQ(c->why().code(), "frozen");
        EXPECT_EQ(c->why().denial()->scope, "org") << "what to thaw";
        EXPECT_EQ(c->why().denial()->reason, "too dear");
        EXPECT_EQ(c->why().message(),
                  "budget org is frozen (too dear); see to the cause, then thaw it with ledger::thaw");
    }
    d.sim.time.run();
    EXPECT_TRUE(d.sim.run(d.money_of.thaw("org")));
    d.sim.time.run_for(24h);
    EXPECT_TRUE(d.run(ask)->ok());
}

TEST(budget, a_limit_of_zero_says_so_and_asks_an_operator) {
    desk d;
    auto const shut = d.run(d.with({.scope = "team", .limit = 0_usd, .window = daily, .max_wait = 24h}));
    ASSERT_TRUE(shut->failed(fault_kind::over_budget)) << shut->text();
    EXPECT_EQ(shut->why().code(), "zero_limit");
    EXPECT_FALSE(shut->why().retry_after()) << "no time will help";
    EXPECT_EQ(coffer::disposition(shut->why()).action, queue_action::ask_operator) << "nothing is wrong with the job";
    EXPECT_NE(shut->why().message().find("its limit is zero"), std::string_view::npos) << shut->why().message();
    EXPECT_EQ(shut->why().message().find("lower the request"), std::string_view::npos) << shut->why().message();

    d.provider.estimate() = {};
    auto const unlimited = d.with({.scope = "free"});
    EXPECT_TRUE(d.run(unlimited)->ok());
    d.sim.run(d.money_of.set_limit("free", lifetime, 0_usd));
    auto const of_operator = d.run(unlimited);
    ASSERT_TRUE(of_operator->failed(fault_kind::over_budget)) << "a bound would not help: " << of_operator->text();
    EXPECT_EQ(of_operator->why().code(), "zero_limit");
}

TEST(budget, a_cost_or_a_bound_that_cannot_be_meant_is_one_that_nobody_knows) {
    desk d;
    auto const hard = d.with({.scope = "team", .limit = 1_usd});
    for (auto const absurd : {money::max(), 0_usd - 5_usd}) {
        d.provider.then({.charged = absurd});
        EXPECT_EQ(d.run(hard)->cost, absurd) << "the caller sees what the provider says";
    }
    EXPECT_EQ(d.of(), presumed(0.20_usd));
    d.provider.estimate() = {};
    auto const soft = d.with({.scope = "soft", .limit = 1_usd, .kind = limit_kind::soft});
    for (int i = 0; i < 20; ++i) {
        d.provider.then({.charged = i % 2 == 0 ? money::max() : 0_usd - 5_usd});
        EXPECT_TRUE(d.run(soft)->ok());
        EXPECT_EQ(d.entries().back().row.holds[0].amount, 0_usd) << "nothing is learned of it";
    }
    EXPECT_TRUE(d.sound());
    d.provider.bound(money::max());
    auto const refused = d.run(hard);
    ASSERT_TRUE(refused->failed(fault_kind::never_fits)) << refused->text();
    EXPECT_EQ(refused->why().code(), "no_bound");
    EXPECT_NE(refused->why().message().find("cannot be meant"), std::string_view::npos) << refused->why().message();
    auto const unlimited = d.with({.scope = "free"});
    d.provider.then({.charged = 0.10_usd, .told = false});
    EXPECT_TRUE(d.run(unlimited)->ok());
    EXPECT_EQ(d.of("free").unpriced, 1);
    EXPECT_TRUE(d.run(unlimited)->ok()) << "and the next one has room";
    EXPECT_TRUE(d.sound());
}

TEST(budget, a_program_can_ask_whether_a_name_is_known) {
    desk d;
    EXPECT_FALSE(d.sim.run(d.money_of.is_known("org/team")));
    EXPECT_TRUE(d.run(d.with({.scope = "org/team", .limit = 1_usd, .window = daily}))->ok());
    for (auto const* const known : {"", "org", "org/team"}) EXPECT_TRUE(d.sim.run(d.money_of.is_known(known))) << known;
    for (auto const* const unknown : {"org/taem", "org/team/x", "or"})
        EXPECT_FALSE(d.sim.run(d.money_of.is_known(unknown))) << unknown;
    EXPECT_TRUE(d.sim.run(d.money_of.is_known("org/team", daily)));
    EXPECT_FALSE(d.sim.run(d.money_of.is_known("org/team", hourly)));
    EXPECT_FALSE(d.sim.run(d.money_of.is_known("org", daily))) << "a limit holds for just that scope";
    EXPECT_THROW((void)d.money_of.is_known("org/"), std::invalid_argument);
}

TEST(budget, a_name_that_no_scope_can_have_is_not_frozen_in_silence) {
    desk d;
    for (auto const* const bad : {"team/", "/team", "a//b"}) {
        EXPECT_THROW((void)d.money_of.freeze(bad), std::invalid_argument) << bad;
        EXPECT_THROW((void)d.money_of.thaw(bad), std::invalid_argument) << bad;
        EXPECT_THROW((void)d.money_of.set_limit(bad, daily, 1_usd), std::invalid_argument) << bad;
    }
}

TEST(budget, shrinks_the_output_maximum_to_what_is_free) {
    desk d;
    auto const ask = d.with({.scope = "team", .limit = 0.50_usd, .shrink_to = 100});
    // $0.10 of input and up to 300 tokens of output at $0.001 each.
    d.provider.estimate() = {
        .cost = 0.40_usd, .output_limit = 300, .per_output = token_price::from_pico(1'000'000'000)};
    d.provider.then({.charged = 0.25_usd}).then({.charged = 0.25_usd});
    EXPECT_TRUE(d.run(ask)->ok());
    EXPECT_EQ(d.provider.bill()[0].output_limit, std::nullopt);
    EXPECT_TRUE(d.run(ask)->ok());
    EXPECT_EQ(d.provider.bill()[1].output_limit, 150) << "$0.25 are free, of which $0.10 are for the input";
    auto const c = d.run(ask);
    EXPECT_FALSE(c->ok());
    EXPECT_EQ(d.provider.count(), 2);
}

TEST(budget, shrinks_to_no_less_than_it_is_told_and_to_the_last_token) {
    for (auto const& [free, expected] : {std::pair{0.20_usd, std::optional<std::int64_t>{100}},
                                         {money::from_nano(199'999'999), std::nullopt},
                                         {money::from_nano(200'999'999), 100},
                                         {0.399_usd, 299},
                                         {0.01_usd, std::nullopt}}) {
        desk d;
        d.provider.estimate() = {
            .cost = 0.40_usd, .output_limit = 300, .per_output = token_price::from_pico(1'000'000'000)};
        auto const c = d.run(d.with({.scope = "team", .limit = free, .shrink_to = 100}));
        EXPECT_EQ(c->ok(), expected.has_value()) << free << " " << c->text();
        if (expected && d.provider.count() == 1) {
            EXPECT_EQ(d.provider.bill()[0].output_limit, expected) << free;
        }
    }
}

TEST(budget, does_not_shrink_by_an_estimate_that_contradicts_itself) {
    desk d;
    d.provider.estimate() = {
        .cost = 0.10_usd, .output_limit = 300, .per_output = token_price::from_pico(1'000'000'000)};
    EXPECT_FALSE(d.run(d.with({.scope = "team", .limit = 0.09_usd, .shrink_to = 1}))->ok());
    EXPECT_EQ(d.provider.count(), 0);
}

TEST(budget, a_lowered_maximum_is_for_that_try_only) {
    desk d;
    auto const ask =
        pipeline{retry{{.attempts = 2}},
                 budget{d.money_of, {.scope = "team", .limit = 0.50_usd, .window = rolling(1min), .shrink_to = 10}}}
            .wrap(d.provider.operation());
    d.provider.estimate() = {
        .cost = 0.40_usd, .output_limit = 300, .per_output = token_price::from_pico(1'000'000'000)};
    d.provider.then({.charged = 0.20_usd});
    EXPECT_TRUE(d.run(guarded{ask})->ok());
    d.provider.then({.charged = {}, .why = fault{fault_kind::throttled}.with_retry_after(90s)})
        .then({.charged = 0.40_usd});
    auto const c = d.run(guarded{ask}, 24h);
    EXPECT_TRUE(c->ok()) << c->text();
    EXPECT_EQ(d.provider.bill()[1].output_limit, 200);
    EXPECT_EQ(d.provider.bill()[2].output_limit, std::nullopt) << "a new minute, and new money";
}

TEST(budget, what_is_proven_unbilled_is_given_back) {
    for (auto const kind : {fault_kind::throttled, fault_kind::not_sent, fault_kind::overloaded}) {
        desk d;
        d.provider.then({.charged = {}, .why = fault{kind}});
        EXPECT_FALSE(d.run(d.with({.scope = "team", .limit = 1_usd}))->ok());
        EXPECT_EQ(d.of(), account{}) << to_string(kind);
        EXPECT_TRUE(d.entries().empty());
    }
}

TEST(budget, an_error_inside_an_answer_that_is_not_billed_costs_nothing) {
    desk d;
    memory_store db;
    auto const ask = pipeline{once{db}, budget{db, {.scope = "team", .limit = 1_usd}}}.wrap(d.provider.operation());
    d.provider.then({.charged = 0.10_usd, .body = "busy"});  // its meta says so; the provider's rules know better
    EXPECT_FALSE(d.run(guarded{ask})->ok());
    EXPECT_EQ(support::account_of(*db.ledger().backend(), "team"), account{});
}

TEST(budget, an_ambiguous_end_keeps_the_worst_case) {
    for (auto const kind : {fault_kind::ambiguous, fault_kind::timed_out, fault_kind::permanent}) {
        desk d;
        d.provider.bound(0.40_usd).then({.why = fault{kind}});
        EXPECT_FALSE(d.run(d.with({.scope = "team", .limit = 1_usd}))->ok());
        EXPECT_EQ(d.of(), presumed(0.40_usd)) << to_string(kind);
    }
}

TEST(budget, an_unknown_cost_is_presumed_to_be_the_worst_case) {
    desk d;
    d.provider.bound(0.40_usd).then({.told = false});
    EXPECT_TRUE(d.run(d.with({.scope = "team", .limit = 1_usd}))->ok());
    EXPECT_EQ(d.of(), presumed(0.40_usd));
    auto const entry = d.entries().at(0).row;
    EXPECT_EQ(entry.about.request_id, "req_1") << "by which it can be found out";
    EXPECT_EQ(d.sim.run(d.money_of.correct({{entry.id, 0.10_usd}, {{}, 9_usd}})), 1U);
    EXPECT_EQ(d.of(), settled(0.10_usd));
}

TEST(budget, a_defective_answer_is_paid_for) {
    desk d;
    d.provider.bound(0.40_usd).then({.charged = 0.20_usd, .body = "bad"});
    EXPECT_TRUE(d.run(d.with({.scope = "team", .limit = 1_usd}))->failed(fault_kind::defective_answer));
    EXPECT_EQ(d.of(), settled(0.20_usd));
}

TEST(budget, each_attempt_of_a_retry_holds_its_own_money) {
    desk d;
    auto const ask = pipeline{retry{{.attempts = 3}}, budget{d.money_of, {.scope = "team", .limit = 0.60_usd}}}.wrap(
        d.provider.operation());
    d.provider.bound(0.25_usd)
        .then({.why = fault{fault_kind::ambiguous}})
        .then({.charged = {}, .why = fault{fault_kind::throttled}})
        .then({.charged = 0.05_usd});
    EXPECT_TRUE(d.run(guarded{ask})->ok());
    EXPECT_EQ(d.of().presumed, 0.25_usd);
    EXPECT_EQ(d.of().settled, 0.05_usd);
    EXPECT_EQ(d.of().held, money{});
    d.provider.then({.why = fault{fault_kind::ambiguous}});
    auto const c = d.run(guarded{ask});
    EXPECT_TRUE(c->failed(fault_kind::over_budget)) << "there is no money for a second one";
    EXPECT_EQ(c->why().billing(), knowledge::maybe) << "but the first may have been billed";
    EXPECT_EQ(d.provider.count(), 4);
}

TEST(budget, cancelled_while_it_waits_it_gives_everything_back) {
    for (auto const after : {0ms, 1ms, 500ms, 900ms, 1000ms, 1001ms, 1500ms, 1899ms}) {
        desk d;
        auto const ask = d.with({.scope = "team", .limit = 0.50_usd, .max_wait = 1min});
        d.provider.bound(0.40_usd);
        auto const first = d.ask(ask);
        d.sim.time.run_for(100ms);
        auto const second = d.ask(ask);
        auto const third = d.ask(ask);
        d.sim.time.run_for(after);
        second.cancel();
        d.sim.time.run();
        EXPECT_TRUE(first->ok());
        EXPECT_TRUE(second->failed(fault_kind::cancelled)) << second->text() << " after " << after.count();
        EXPECT_EQ(d.of().held, money{});
        EXPECT_TRUE(d.sound());
        // Cancelled while it is sent, it may have cost what it may cost.
        bool const sent = after >= 900ms;
        EXPECT_EQ(d.of().presumed, sent ? 0.40_usd : money{}) << after.count();
        EXPECT_EQ(third->ok(), !sent) << third->text();
        EXPECT_EQ(d.provider.count(), 2);
    }
}

TEST(budget, a_context_that_goes_gives_back_what_was_not_sent_and_lets_others_in) {
    support::contexts world{2};
    in_memory_ledger const money_of;
    support::priced_provider const provider;
    provider.bound(0.40_usd);
    guarded const ask =
        pipeline{budget{money_of, {.scope = "team", .limit = 0.90_usd, .max_wait = 1min}}}.wrap(provider.operation());
    auto const begin = [&](std::size_t where, int n) {
        return caller::begin(world.executor(where), ask, call{key{"job", n}, 5min}, support::request{});
    };
    auto const sending = begin(0, 1);
    world.run_ready();
    auto const here = begin(1, 2);
    world.run_ready();
    auto const waiting = begin(0, 3);
    world.run_ready();
    auto const behind = begin(1, 4);
    world.run_for(100ms);
    world.destroy(0);
    world.run();
    EXPECT_TRUE(here->ok());
    EXPECT_TRUE(behind->ok()) << behind->text();
    auto const now = support::account_of(*money_of.backend(), "team");
    EXPECT_EQ(now.presumed, 0.40_usd) << "the send that was under way";
    EXPECT_EQ(now.settled, 0.20_usd);
    EXPECT_EQ(now.held, money{});
}

TEST(budget, two_clocks_are_misuse) {
    in_memory_ledger const money_of;
    support::simulation first;
    support::simulation second;
    support::priced_provider const provider;
    guarded const ask = pipeline{budget{money_of, {.scope = "team", .limit = 1_usd}}}.wrap(provider.operation());
    auto const a = caller::begin(first.executor(), ask, call{key{"job", 1}}, support::request{});
    first.time.run();
    EXPECT_TRUE(a->ok());
    auto const b = caller::begin(second.executor(), ask, call{key{"job", 2}}, support::request{});
    second.time.run();
    EXPECT_TRUE(b->threw<misuse>());
    EXPECT_EQ(provider.count(), 1);
}

TEST(budget, options_that_cannot_be_meant_are_refused) {
    in_memory_ledger const money_of;
    std::vector<budget_options> bad(10, {.scope = "team"});
    bad[0].scope = "";
    bad[1].scope = "team/{}";
    bad[2].limit = money::from_nano(-1);
    bad[3].max_wait = -1ns;
    bad[4].unbounded_at_most = money::from_nano(-1);
    bad[5].shrink_to = 0;
    bad[6].also = {{"x", money::from_nano(-1)}};
    bad[7].also = {{"team", 5_usd}};
    bad[8].also = {{"x", 5_usd, daily}, {"x", 6_usd, daily}};
    for (int i = 0; i < 16; ++i) bad[9].also.push_back({"s" + std::to_string(i)});
    for (std::size_t i = 0; i < bad.size(); ++i) EXPECT_THROW((budget{money_of, bad[i]}), std::invalid_argument) << i;
    EXPECT_NO_THROW((budget{money_of, {.scope = "team", .also = {{"team", 5_usd, daily}}}}));
}

// Under a journal ----------------------------------------------------------------------------------------------------

/// A journal and a budget, on the same store or on two.
struct journaled : desk {
    memory_store db;
    support::scripted_store slow{db, sim.executor()};

    guarded both(budget_options o, once_options how = {}) {
        return pipeline{once{slow, how}, retry{{.attempts = 2}}, budget{slow, std::move(o)}}.wrap(provider.operation());
    }
    caller begin(guarded const& g, int k, duration deadline = 15min) {
        return caller::begin(sim.executor(), g, call{key{"job", k}, deadline}, support::request{});
    }
    caller end(guarded const& g, int k, duration deadline = 15min) {
        auto c = begin(g, k, deadline);
        sim.time.run();
        return c;
    }
    account now() { return support::account_of(*db.ledger().backend(), "team"); }
    std::vector<ledger_entry> rows() { return **db.ledger().backend()->entries({}).get(); }
};

TEST(budget_with_once, is_sent_with_the_permit_and_names_the_send) {
    journaled d;
    auto const ask = d.both({.scope = "team", .limit = 1_usd});
    d.slow.always(op::permit, treatment::kind::carried_out, 2s);
    auto const c = d.begin(ask, 1);
    d.sim.time.run_for(1s);
    ASSERT_EQ(d.rows().size(), 1U);
    EXPECT_EQ(d.rows()[0].row.state, reservation_state::held) << "the permit is on its way";
    d.sim.time.run_for(1500ms);
    EXPECT_EQ(d.rows()[0].row.state, reservation_state::sent);
    EXPECT_EQ(d.rows()[0].row.about.send, 1);
    EXPECT_FALSE(d.rows()[0].row.about.record.empty());
    d.sim.time.run();
    EXPECT_TRUE(c->ok());
    EXPECT_EQ(d.now(), settled(0.10_usd));
}

TEST(budget_with_once, a_replay_costs_and_reserves_nothing) {
    journaled d;
    auto const ask = d.both({.scope = "team", .limit = 0.10_usd});
    EXPECT_TRUE(d.end(ask, 1)->ok());
    auto const again = d.end(ask, 1);
    EXPECT_TRUE(again->ok()) << "there is no money left, and none is needed";
    EXPECT_EQ(again->cost, money{});
    EXPECT_EQ(d.rows().size(), 1U);
    d.sim.run(d.db.ledger().freeze(""));
    EXPECT_TRUE(d.end(ask, 1)->ok()) << "nor does a freeze stop it";
    EXPECT_TRUE(d.end(ask, 2)->failed(fault_kind::over_budget));
}

TEST(budget_with_once, callers_of_one_flight_pay_once) {
    journaled d;
    auto const ask = d.both({.scope = "team", .limit = 0.10_usd});
    auto const first = d.begin(ask, 1);
    auto const second = d.begin(ask, 1);
    d.sim.time.run();
    EXPECT_TRUE(first->ok() && second->ok());
    EXPECT_EQ(second->origin, answer_origin::joined);
    EXPECT_EQ(d.now(), settled(0.10_usd));
}

TEST(budget_with_once, a_freeze_between_the_reservation_and_the_permit_stops_the_send) {
    journaled d;
    auto const ask = d.both({.scope = "team", .limit = 1_usd});
    d.slow.always(op::permit, treatment::kind::carried_out, 2s);
    auto const c = d.begin(ask, 1);
    d.sim.time.run_for(1s);
    auto const freezing = d.sim.start(d.db.ledger().freeze("team", "stop"));
    d.sim.time.run_for(1ms);
    EXPECT_EQ(freezing.get(), 0U) << "no send is under way";
    d.sim.time.run();
    ASSERT_TRUE(c->failed(fault_kind::over_budget)) << c->text();
    EXPECT_EQ(c->why().code(), "frozen");
    EXPECT_NE(c->why().message().find("(stop)"), std::string_view::npos) << c->why().message();
    EXPECT_EQ(d.provider.count(), 0);
    EXPECT_EQ(d.now(), account{});
    EXPECT_TRUE(d.sim.run(d.db.ledger().thaw("team")));
    EXPECT_TRUE(d.end(ask, 1)->ok()) << "the key is as free as it was";
}

TEST(budget_with_once, a_permit_whose_reply_is_lost_holds_the_money_once) {
    journaled d;
    auto const ask = d.both({.scope = "team", .limit = 1_usd});
    d.slow.once(op::permit, treatment::kind::reply_lost);
    EXPECT_TRUE(d.end(ask, 1)->ok());
    EXPECT_EQ(d.now(), settled(0.10_usd));
    d.slow.always(op::permit, treatment::kind::fails);
    EXPECT_TRUE(d.end(ask, 2)->failed(fault_kind::store_unavailable));
    EXPECT_EQ(d.now(), settled(0.10_usd)) << "nothing was sent";
}

TEST(budget_with_once, a_send_goes_on_when_its_caller_leaves_and_is_settled) {
    journaled d;
    auto const ask = d.both({.scope = "team", .limit = 1_usd});
    auto const c = d.begin(ask, 1);
    d.sim.time.run_for(500ms);
    c.cancel();
    d.sim.time.run();
    EXPECT_TRUE(c->failed(fault_kind::cancelled));
    EXPECT_EQ(d.now(), settled(0.10_usd));
}

TEST(budget_with_once, the_degraded_mode_does_without_the_journal_but_not_without_the_budget) {
    journaled d;
    guarded const apart = pipeline{once{d.slow, once_options{.without_store = degrade::send_unjournaled}},
                                   budget{d.money_of, {.scope = "team", .limit = 0.15_usd}}}
                              .wrap(d.provider.operation());
    d.slow.always(op::claim, treatment::kind::fails);
    auto const c = d.end(apart, 1);
    EXPECT_TRUE(c->ok()) << c->text();
    EXPECT_FALSE(c->stored);
    EXPECT_EQ(d.of(), settled(0.10_usd));
    EXPECT_TRUE(d.end(apart, 2)->failed(fault_kind::over_budget));
    d.slow.always(op::permit, treatment::kind::fails);
    d.sim.run(d.money_of.set_limit("team", lifetime, 9_usd));
    EXPECT_TRUE(d.end(apart, 3)->ok()) << "its permit could not be journaled";
    EXPECT_EQ(d.of(), settled(0.20_usd));
}

TEST(budget_with_once, on_one_store_nothing_is_sent_without_the_permit) {
    journaled d;
    auto const ask = d.both({.scope = "team", .limit = 1_usd}, {.without_store = degrade::send_unjournaled});
    d.slow.always(op::permit, treatment::kind::fails);
    EXPECT_TRUE(d.end(ask, 1)->failed(fault_kind::store_unavailable))
        << "a budget that cannot be written bounds nothing";
    EXPECT_EQ(d.provider.count(), 0);
    EXPECT_EQ(d.now(), account{});
}

TEST(budget_with_once, with_its_ledger_elsewhere_the_money_counts_as_sent_when_it_is_held) {
    journaled d;
    guarded const ask =
        pipeline{once{d.slow}, budget{d.money_of, {.scope = "team", .limit = 1_usd}}}.wrap(d.provider.operation());
    d.slow.always(op::permit, treatment::kind::carried_out, 2s);
    auto const c = d.begin(ask, 1);
    d.sim.time.run_for(1s);
    ASSERT_EQ(d.entries().size(), 1U);
    EXPECT_EQ(d.entries()[0].row.state, reservation_state::sent);
    d.sim.time.run();
    EXPECT_TRUE(c->ok());
    EXPECT_EQ(d.of(), settled(0.10_usd));
    d.slow.always(op::permit, treatment::kind::fails);
    EXPECT_FALSE(d.end(ask, 2)->ok());
    EXPECT_EQ(d.of(), settled(0.10_usd)) << "no permit, no send: it is given back";
}

TEST(budget_with_once, tags_of_the_call_choose_the_scope_of_its_flight) {
    journaled d;
    auto const ask = d.both({.scope = "user/{user}", .limit = 1_usd});
    auto const c = caller::begin(d.sim.executor(), ask, call{key{"job", 1}}.tag("user", "ann"), support::request{});
    d.sim.time.run();
    EXPECT_TRUE(c->ok());
    EXPECT_EQ(support::account_of(*d.db.ledger().backend(), "user/ann"), settled(0.10_usd));
}

}  // namespace
}  // namespace budget_test
