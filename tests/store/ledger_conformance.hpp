// SPDX-License-Identifier: BSL-1.0
#pragma once
// What the ledger of every store has to do, run against each of them. A test file instantiates it with its worlds.

#include "store/ledger_world.hpp"

#include <gtest/gtest.h>

#include <chrono>
#include <string>
#include <vector>

namespace store_test {

class ledger_conformance : public testing::TestWithParam<world_maker> {
protected:
    ~ledger_conformance() override { EXPECT_EQ(money.audit(), std::vector<std::string>{}); }

    std::unique_ptr<world> made = GetParam()();
    world& w = *made;
    money_desk money{w};
};
GTEST_ALLOW_UNINSTANTIATED_PARAMETERIZED_TEST(ledger_conformance);

TEST_P(ledger_conformance, money_is_held_sent_and_settled) {
    ASSERT_TRUE(is_reserved(money.reserve(1, 0.40_usd)));
    EXPECT_EQ(money.in("team").held, 0.40_usd);
    ASSERT_TRUE(money.send(1));
    EXPECT_EQ(money.in("team").held, 0.40_usd);
    ASSERT_TRUE(money.settle(1, 0.10_usd));
    EXPECT_EQ(money.in("team"), (coffer::account{0.10_usd, 0_usd, 0_usd, 0_usd, 0}));
}

TEST_P(ledger_conformance, an_entry_says_what_the_money_was_for) {
    ASSERT_TRUE(is_reserved(money.reserve(1, 0.40_usd)));
    auto const made_at = w.sim.time.clock()->wall_now();
    ASSERT_TRUE(money.send(1));
    w.pass(1min);
    ASSERT_TRUE(money.settle(1, 0.10_usd));
    auto const all = money.entries();
    ASSERT_EQ(all.size(), 1U);
    auto const& e = all[0];
    EXPECT_EQ(e.row.state, coffer::reservation_state::settled);
    EXPECT_EQ(e.row.bound, 0.40_usd);
    EXPECT_EQ(e.row.actual, 0.10_usd);
    EXPECT_EQ(e.row.created, made_at);
    EXPECT_EQ(e.row.ended, made_at + 1min);
    EXPECT_EQ(e.row.about.name_space, "report");
    EXPECT_EQ(e.row.about.record, w.id().digest);
    EXPECT_EQ(e.row.about.send, 1);
    EXPECT_EQ(e.row.about.attempt, 1);
    EXPECT_EQ(e.row.about.provider, "openai");
    EXPECT_EQ(e.row.about.model, "gpt-x");
    EXPECT_EQ(e.row.about.job, "acme");
    EXPECT_EQ(e.row.about.request_id, "req-1");
    EXPECT_EQ(e.scopes, std::vector<std::string>{"team"});
    EXPECT_EQ(e.windows, std::vector<std::string>{"lifetime"});
}

/// A key that was forgotten and is used anew counts its sends from the beginning.
TEST_P(ledger_conformance, an_entry_names_its_key_without_a_journal) {
    auto q = reservation_of(1, 1_usd, [] {
        coffer::ledger_lines lines;
        lines.emplace_back("team", coffer::lifetime, 5_usd);
        return lines;
    }());
    q.sent = true;
    q.about.record = money.backend().record_of(coffer::key{"report", "acme"});
    EXPECT_NE(q.about.record, money.backend().record_of(coffer::key{"report", "bolt"}));
    ASSERT_TRUE(is_reserved(money.reserve(q)));
    ASSERT_TRUE(money.settle(1, 0.10_usd));
    auto const all = w.get(money.backend().entries({})).value();
    ASSERT_EQ(all.size(), 1U);
    EXPECT_EQ(all[0].row.about.record, w.backend().id_of(coffer::key{"report", "acme"}).digest);
    EXPECT_EQ(all[0].row.about.send, 0);
}

TEST_P(ledger_conformance, a_keys_new_life_leaves_what_its_first_has_cost_alone) {
    ASSERT_TRUE(is_reserved(money.reserve(1, 0.40_usd)));
    ASSERT_TRUE(money.send(1));
    ASSERT_TRUE(money.settle(1, 0.30_usd));
    ASSERT_TRUE(w.get(w.backend().submit_answer(w.ref(1), 1, answer_of("paid"))));
    ASSERT_TRUE(w.get(w.backend().submit_accept(w.ref(1), 1)));
    ASSERT_TRUE(w.acknowledge());
    w.pass(400 * 24h);
    ASSERT_EQ(w.peek(), nullptr) << "forgotten";

    (void)w.claim(3);
    ASSERT_TRUE(w.permit(3, 0)) << "without any money";
    ASSERT_TRUE(w.get(w.backend().submit_unsend(w.ref(3), 1)));
    EXPECT_EQ(money.in("team").settled, 0.30_usd) << "the first life's bill";

    ASSERT_TRUE(w.get(w.backend().submit_release(w.ref(3))));
    ASSERT_TRUE(is_reserved(money.reserve(4, 0.40_usd)));
    auto const sent = money.send(4);
    ASSERT_TRUE(sent);
    EXPECT_EQ(money.send_again(4, 0)->send, sent->send) << "the reply to the permit was lost";
    ASSERT_TRUE(w.get(w.backend().submit_unsend(w.ref(4), sent->send)));
    EXPECT_EQ(money.in("team").held, 0_usd) << "this one's own is given back";
    EXPECT_EQ(money.in("team").settled, 0.30_usd);
}

TEST_P(ledger_conformance, a_denial_says_whose_limit_what_is_free_and_until_when) {
    ASSERT_TRUE(is_reserved(money.reserve(1, 4.80_usd, "team", 5_usd, coffer::daily)));
    auto const no = denial(money.reserve(2, 0.40_usd, "team", 5_usd, coffer::daily));
    ASSERT_TRUE(no);
    EXPECT_EQ(no->scope, "team");
    EXPECT_EQ(no->window_text, "day@UTC");
    EXPECT_EQ(no->limit, 5_usd);
    EXPECT_EQ(no->free, 0.20_usd);
    EXPECT_EQ(no->needed, 0.40_usd);
    EXPECT_EQ(no->held, 4.80_usd);
    EXPECT_EQ(no->until, coffer::daily.span_at(w.sim.time.clock()->wall_now()).end);
    EXPECT_FALSE(no->frozen);
    EXPECT_EQ(money.in("team").held, 4.80_usd) << "a denial holds nothing";
}

TEST_P(ledger_conformance, all_scopes_have_the_money_or_none_holds_it) {
    coffer::ledger_lines lines;
    lines.emplace_back("org", coffer::monthly, 10_usd);
    lines.emplace_back("org/team", coffer::daily, 1_usd);
    ASSERT_TRUE(is_reserved(money.reserve(reservation_of(1, 0.80_usd, lines))));
    auto const no = denial(money.reserve(reservation_of(2, 0.40_usd, lines)));
    ASSERT_TRUE(no);
    EXPECT_EQ(no->scope, "org/team");
    EXPECT_EQ(money.in("org").held, 0.80_usd);
    EXPECT_EQ(money.in("org/team").held, 0.80_usd);
}

TEST_P(ledger_conformance, every_operation_may_be_submitted_again) {
    auto const once = [&](auto const& op) {
        op();
        auto const after = money.accounts();
        op();
        auto const again = money.accounts();
        ASSERT_EQ(after.size(), again.size());
        for (std::size_t i = 0; i < after.size(); ++i) EXPECT_EQ(after[i].money_in, again[i].money_in);
    };
    once([&] { EXPECT_TRUE(is_reserved(money.reserve(1, 0.40_usd))); });
    once([&] { EXPECT_TRUE(money.settle(1, 0.10_usd)); });
    once([&] { EXPECT_TRUE(is_reserved(money.reserve(2, 0.40_usd))); });
    once([&] { EXPECT_TRUE(money.release(2)); });
    once([&] { EXPECT_TRUE(is_reserved(money.reserve(3, 0.40_usd))); });
    once([&] { EXPECT_TRUE(money.settle(3, std::nullopt)); });
    EXPECT_EQ(money.in("team"), (coffer::account{0.10_usd, 0.40_usd, 0_usd, 0_usd, 0}));
}

TEST_P(ledger_conformance, what_nobody_knows_is_presumed_spent_and_corrected_by_who_does) {
    (void)money.reserve(1, 0.40_usd);
    ASSERT_TRUE(money.settle(1, std::nullopt));
    EXPECT_EQ(money.in("team").presumed, 0.40_usd);
    EXPECT_EQ(money.in("team").settled, 0_usd);
    EXPECT_EQ(w.get(money.backend().correct({{reservation_number(1), 0.15_usd}, {reservation_number(9), 1_usd}})), 1U)
        << "of two, one is known";
    EXPECT_EQ(money.in("team"), (coffer::account{0.15_usd, 0_usd, 0_usd, 0_usd, 0}));
    EXPECT_EQ(money.entries()[0].row.about.request_id, "req-1") << "a correction forgets nothing";
}

TEST_P(ledger_conformance, what_goes_beyond_its_bound_is_an_overrun) {
    (void)money.reserve(1, 0.40_usd);
    ASSERT_TRUE(money.settle(1, 0.50_usd));
    EXPECT_EQ(money.in("team").overrun, 0.10_usd);
    (void)w.get(money.backend().correct({{reservation_number(1), 0.45_usd}}));
    EXPECT_EQ(money.in("team"), (coffer::account{0.45_usd, 0_usd, 0_usd, 0.05_usd, 0}));
}

TEST_P(ledger_conformance, what_a_late_answer_has_cost_settles_its_send) {
    ASSERT_TRUE(is_reserved(money.reserve(1, 0.40_usd)));
    ASSERT_TRUE(money.send(1));
    ASSERT_TRUE(money.settle(1, std::nullopt));
    auto a = std::make_shared<coffer::answer>("late", 200);
    a->cost = 0.12_usd;
    a->request_id = "req-late";
    ASSERT_TRUE(w.get(w.backend().submit_answer(w.ref(1), 1, a)));
    EXPECT_EQ(money.in("team"), (coffer::account{0.12_usd, 0_usd, 0_usd, 0_usd, 0}));
    EXPECT_EQ(money.entries()[0].row.about.request_id, "req-late");
}

TEST_P(ledger_conformance, a_send_that_is_proven_unbilled_gives_its_money_back) {
    ASSERT_TRUE(is_reserved(money.reserve(1, 0.40_usd)));
    ASSERT_TRUE(money.send(1));
    ASSERT_TRUE(w.unsend(1, 1));
    EXPECT_EQ(money.in("team"), coffer::account{});
    EXPECT_TRUE(money.entries().empty());
}

TEST_P(ledger_conformance, an_unbilled_error_that_came_as_an_answer_gives_its_money_back) {
    ASSERT_TRUE(is_reserved(money.reserve(1, 0.40_usd)));
    ASSERT_TRUE(money.send(1));
    ASSERT_TRUE(w.answer(1, 1, "{error}"));
    auto const why = coffer::fault{coffer::fault_kind::defective_answer}.with_billing(coffer::knowledge::no);
    ASSERT_TRUE(w.get(w.backend().submit_reject(w.ref(1), 1, why)));
    EXPECT_EQ(money.in("team"), coffer::account{});
}

TEST_P(ledger_conformance, a_dead_process_gives_back_what_it_never_sent) {
    ASSERT_TRUE(is_reserved(money.reserve(1, 4.80_usd, "team", 5_usd, coffer::lifetime, 1)));
    ASSERT_TRUE(denial(money.reserve(2, 0.40_usd)));
    w.kill(1);
    EXPECT_TRUE(is_reserved(money.reserve(2, 0.40_usd))) << "as soon as it is asked for";
    EXPECT_EQ(money.in("team").held, 0.40_usd);
}

TEST_P(ledger_conformance, what_a_dead_process_sent_stays_spent) {
    ASSERT_TRUE(is_reserved(money.reserve(1, 4.80_usd, "team", 5_usd, coffer::lifetime, 1)));
    ASSERT_TRUE(money.send(1, "one", 1));
    w.kill(1);
    EXPECT_TRUE(denial(money.reserve(2, 0.40_usd)));
    EXPECT_EQ(money.in("team"), (coffer::account{0_usd, 4.80_usd, 0_usd, 0_usd, 0}));
}

TEST_P(ledger_conformance, what_is_held_too_long_is_given_back_and_may_not_be_sent_then) {
    ASSERT_TRUE(is_reserved(money.reserve(1, 4.80_usd)));
    w.pass(6min);
    ASSERT_TRUE(is_reserved(money.reserve(2, 4.80_usd)));
    EXPECT_EQ(refusal(money.send(1)), "reservation_over");
    EXPECT_EQ(w.peek()->counted_sends(), 0);
}

TEST_P(ledger_conformance, a_lapse_gives_back_what_was_held_and_presumes_what_was_sent) {
    (void)money.reserve(1, 0.40_usd);
    ASSERT_TRUE(money.lapse(1));
    EXPECT_EQ(money.in("team"), coffer::account{});
    (void)money.reserve(2, 0.40_usd);
    ASSERT_TRUE(money.send(2));
    ASSERT_TRUE(money.lapse(2));
    EXPECT_EQ(money.in("team").presumed, 0.40_usd);
}

TEST_P(ledger_conformance, a_new_window_has_a_new_limit_and_late_settles_go_to_the_old_one) {
    ASSERT_TRUE(is_reserved(money.reserve(1, 4.80_usd, "team", 5_usd, coffer::daily)));
    w.pass(24h);
    ASSERT_TRUE(is_reserved(money.reserve(2, 4.80_usd, "team", 5_usd, coffer::daily)));
    ASSERT_TRUE(money.settle(1, 1_usd));
    auto const days = money.accounts("team");
    ASSERT_EQ(days.size(), 2U);
    EXPECT_EQ(days[0].money_in.settled, 1_usd);
    EXPECT_EQ(days[0].end, days[1].start);
    EXPECT_EQ(days[1].money_in.held, 4.80_usd);
    EXPECT_EQ(days[1].limit, 5_usd);
}

TEST_P(ledger_conformance, a_rolling_window_frees_what_has_left_it) {
    auto const hour = coffer::rolling(1h);
    ASSERT_TRUE(is_reserved(money.reserve(1, 3_usd, "team", 5_usd, hour)));
    ASSERT_TRUE(money.settle(1, 3_usd));
    w.pass(30min);
    ASSERT_TRUE(is_reserved(money.reserve(2, 2_usd, "team", 5_usd, hour)));
    auto const no = denial(money.reserve(3, 3_usd, "team", 5_usd, hour));
    ASSERT_TRUE(no);
    ASSERT_TRUE(no->until);
    auto const wait = *no->until - w.sim.time.clock()->wall_now();
    EXPECT_GT(wait, 29min);
    EXPECT_LE(wait, 31min);
    w.pass(wait - 1ms);
    EXPECT_TRUE(denial(money.reserve(3, 3_usd, "team", 5_usd, hour)));
    w.pass(1ms);
    EXPECT_TRUE(is_reserved(money.reserve(3, 3_usd, "team", 5_usd, hour)));
}

TEST_P(ledger_conformance, a_frozen_scope_reserves_nothing_and_permits_nothing) {
    ASSERT_TRUE(is_reserved(money.reserve(1, 0.40_usd, "org/team")));
    ASSERT_TRUE(is_reserved(money.reserve(2, 0.40_usd, "org/team")));
    ASSERT_TRUE(money.send(2, "two"));
    EXPECT_EQ(w.get(money.backend(1).freeze("org", "who is spending?")), 1U) << "one send is under way";
    auto const no = denial(money.reserve(3, 0.40_usd, "org/team"));
    ASSERT_TRUE(no);
    EXPECT_TRUE(no->frozen);
    EXPECT_EQ(refusal(money.send(1)), "frozen");
    EXPECT_EQ(w.peek()->counted_sends(), 0);
    EXPECT_TRUE(is_reserved(money.reserve(4, 0.40_usd, "organic"))) << "another scope, though its name begins alike";
    EXPECT_TRUE(money.settle(2, 0.10_usd)) << "what is under way goes on";
    for (auto const& s : money.accounts("org")) EXPECT_EQ(s.frozen, s.scope == "org/team") << s.scope;
    EXPECT_EQ(w.get(money.backend().thaw("org")), true);
    EXPECT_EQ(w.get(money.backend().thaw("org")), false);
    EXPECT_TRUE(is_reserved(money.reserve(3, 0.40_usd, "org/team")));
}

TEST_P(ledger_conformance, everything_can_be_frozen) {
    (void)w.get(money.backend().freeze("", ""));
    EXPECT_TRUE(denial(money.reserve(1, 0.40_usd, "a"))->frozen);
    EXPECT_TRUE(denial(money.reserve(2, 0.40_usd, "b/c"))->frozen);
}

TEST_P(ledger_conformance, an_operators_limit_comes_before_the_programs) {
    ASSERT_TRUE(is_reserved(money.reserve(1, 3_usd)));
    ASSERT_TRUE(w.get(money.backend(1).set_limit("team", coffer::lifetime, 2_usd)));
    auto const no = denial(money.reserve(2, 0.01_usd));
    ASSERT_TRUE(no);
    EXPECT_EQ(no->limit, 2_usd);
    EXPECT_EQ(no->free, 0_usd) << "lowered below what is committed";
    ASSERT_TRUE(w.get(money.backend().set_limit("team", coffer::lifetime, 100_usd)));
    EXPECT_TRUE(is_reserved(money.reserve(3, 50_usd)));
    EXPECT_EQ(money.accounts("team")[0].limit, 100_usd);
    ASSERT_TRUE(w.get(money.backend().set_limit("team", coffer::lifetime, std::nullopt)));
    EXPECT_TRUE(denial(money.reserve(4, 0.01_usd))) << "the program's own holds again";
}

TEST_P(ledger_conformance, a_soft_limit_holds_what_is_expected) {
    coffer::ledger_lines lines;
    lines.emplace_back("team", coffer::lifetime, 1_usd, coffer::limit_kind::soft);
    auto q = reservation_of(1, 0.90_usd, lines);
    q.expected = 0.10_usd;
    ASSERT_TRUE(is_reserved(money.reserve(q)));
    EXPECT_EQ(money.in("team").held, 0.10_usd);
    ASSERT_TRUE(money.settle(1, 0.30_usd));
    EXPECT_EQ(money.in("team"), (coffer::account{0.30_usd, 0_usd, 0_usd, 0_usd, 0})) << "no overrun: it was no bound";
}

TEST_P(ledger_conformance, a_send_of_unknown_cost_without_a_bound_is_counted) {
    coffer::ledger_lines lines;
    lines.emplace_back("team", coffer::lifetime, coffer::money::max());
    auto q = reservation_of(1, 0_usd, lines);
    q.bound.reset();
    ASSERT_TRUE(is_reserved(money.reserve(q)));
    ASSERT_TRUE(money.settle(1, std::nullopt));
    EXPECT_EQ(money.in("team").unpriced, 1);
    (void)w.get(money.backend().correct({{q.id, 0.07_usd}}));
    EXPECT_EQ(money.in("team"), (coffer::account{0.07_usd, 0_usd, 0_usd, 0_usd, 0}));
}

TEST_P(ledger_conformance, an_operators_limit_needs_a_bound_where_the_programs_did_not) {
    ASSERT_TRUE(w.get(money.backend().set_limit("team", coffer::lifetime, 5_usd)));
    coffer::ledger_lines lines;
    lines.emplace_back("team", coffer::lifetime, coffer::money::max());
    auto q = reservation_of(1, 0_usd, lines);
    q.bound.reset();
    EXPECT_TRUE(denial(money.reserve(q)));
}

TEST_P(ledger_conformance, entries_are_chosen_by_scope_state_time_and_request) {
    for (int n = 1; n <= 4; ++n) {
        ASSERT_TRUE(is_reserved(money.reserve(n, 0.10_usd, n % 2 == 0 ? "a/x" : "b")));
        w.pass(1min);
    }
    ASSERT_TRUE(money.settle(2, 0.05_usd));
    auto const count = [&](auto const& set) {
        coffer::entry_filter f;
        set(f);
        return money.entries(f).size();
    };
    EXPECT_EQ(count([](auto& f) { f.scope = "a"; }), 2U);
    EXPECT_EQ(count([](auto& f) { f.state = coffer::reservation_state::settled; }), 1U);
    EXPECT_EQ(count([](auto& f) { f.request_id = "req-2"; }), 1U);
    EXPECT_EQ(count([](auto& f) { f.limit = 3; }), 3U);
    auto const start = money.entries()[0].row.created;
    EXPECT_EQ(count([&](auto& f) { f.from = start + 1min; }), 3U);
    EXPECT_EQ(count([&](auto& f) { f.to = start + 1min; }), 1U);
}

}  // namespace store_test
