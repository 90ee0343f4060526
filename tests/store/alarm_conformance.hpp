// SPDX-License-Identifier: BSL-1.0
#pragma once
// Alarms in the ledger of every store: found once, kept until they are delivered.

#include <coffer/state/alarm_watch.hpp>
#include <coffer/store/alarm_outbox.hpp>
#include <coffer/store/record_text.hpp>

#include "store/ledger_world.hpp"
#include "store/runs_in.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <chrono>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <vector>

namespace store_test {

class alarm_conformance : public testing::TestWithParam<world_maker> {
protected:
    alarm_conformance() { EXPECT_EQ(look(), std::vector<std::string>{}) << "the first look: nothing has happened yet"; }

    [[nodiscard]] coffer::wall_time_point now() { return w.sim.time.clock()->wall_now(); }
    void pass_until(coffer::wall_time_point t) { w.pass(t - now()); }

    /// Money that is sent and has come to its end.
    void spend(coffer::money cost, coffer::ledger_lines lines, std::string work = {}) {
        auto q = reservation_of(++spent, cost, std::move(lines));
        q.sent = true;
        q.about.work = std::move(work);
        ASSERT_TRUE(is_reserved(money.reserve(q)));
        ASSERT_TRUE(money.settle(spent, cost));
    }
    /// The same under a key, of which the answer is lost.
    void lose(coffer::money cost, coffer::ledger_lines lines, std::string work, std::string const& name) {
        auto q = reservation_of(++spent, cost, std::move(lines));
        q.about.work = std::move(work);
        ASSERT_TRUE(is_reserved(money.reserve(q)));
        auto const sent = money.send(spent, name);
        ASSERT_TRUE(sent);
        ASSERT_TRUE(w.get(
            w.backend().submit_lost(w.ref(spent, name), sent->send, coffer::fault{coffer::fault_kind::timed_out})));
        ASSERT_TRUE(w.get(w.backend().submit_release(w.ref(spent, name))));
        ASSERT_TRUE(money.settle(spent, std::nullopt));
    }
    void spend(coffer::money cost, std::string scope = "team", coffer::money limit = 10_usd,
               coffer::window over = coffer::daily) {
        coffer::ledger_lines lines;
        lines.emplace_back(std::move(scope), std::move(over), limit);
        spend(cost, std::move(lines));
    }
    /// Only rules of that kind ring: an amount may well be a threshold, a burn rate and an anomaly.
    static coffer::alarm_watch only(coffer::alarm_kind kind) {
        using coffer::alarm_kind;
        coffer::alarm_watch watch;
        auto& r = watch.rules;
        if (kind != alarm_kind::threshold) r.threshold.percents.clear();
        if (kind != alarm_kind::burn_rate) r.burn_rate = {{}, {}};
        if (kind != alarm_kind::anomaly) r.anomaly.at_least = coffer::money::max();
        if (kind != alarm_kind::replay_storm) r.replay_storm.replays = 0;
        if (kind != alarm_kind::duplicate_work) r.duplicate_work.keys = 0;
        r.overrun = kind == alarm_kind::overrun;
        r.stopped_job.rings = kind == alarm_kind::stopped_job;
        r.denial.rings = kind == alarm_kind::denial;
        return watch;
    }
    /// The ids of those that a look has found.
    std::vector<std::string> look(int p = 0) { return look(watch, p); }
    std::vector<std::string> look(coffer::alarm_watch const& by, int p = 0) {
        std::set<std::string> known;
        for (auto const& a : rung(p)) known.insert(a.what.id);
        auto const found = w.get(money.backend(p).look_for_alarms(by)).value();
        std::vector<std::string> ids;
        for (auto const& a : rung(p))
            if (!known.contains(a.what.id)) ids.push_back(a.what.id);
        EXPECT_EQ(ids.size(), found);
        return ids;
    }
    std::vector<coffer::kept_alarm> rung(int p = 0) { return w.get(money.backend(p).alarms({})).value(); }
    std::vector<coffer::kept_alarm> take(int p = 0, coffer::duration lease = 1min) {
        return w.get(money.backend(p).take_alarms(20, lease)).value();
    }
    static bool is(std::vector<std::string> const& ids, std::string const& kind) {
        return ids.size() == 1 && ids[0].starts_with(kind + "|");
    }
    /// A key that is paid for, and is asked for again so often.
    void replay(std::string const& name, int times, bool cached = false) {
        world::how h;
        h.name = name;
        auto const first = ++claims;
        (void)w.claim(first, 0, h);
        (void)w.permit(first, 0, 0, 2, name).value();
        auto const ref = w.ref(first, name);
        EXPECT_TRUE(w.get(w.backend().submit_answer(ref, 1, answer_of("paid"))));
        EXPECT_TRUE(w.get(w.backend().submit_accept(ref, 1)));
        ask_again(name, times, cached);
    }
    void ask_again(std::string const& name, int times, bool cached = false) {
        for (int i = 0; i < times; ++i) {
            coffer::claim_request q;
            q.id = claim_number(++claims);
            q.print.with("model", "m").with("prompt", "secret prompt");
            q.cached = cached;
            ASSERT_TRUE(store_test::is<coffer::replayed>(w.get(w.backend().claim(w.id(name), q))));
        }
    }

    std::unique_ptr<world> made = GetParam()();
    world& w = *made;
    money_desk money{w};
    coffer::alarm_watch watch;  // all rules, unless a test says otherwise
    int spent = 0;
    int claims = 100;
};
GTEST_ALLOW_UNINSTANTIATED_PARAMETERIZED_TEST(alarm_conformance);

TEST_P(alarm_conformance, a_threshold_rings_once_in_each_window) {
    watch = only(coffer::alarm_kind::threshold);
    spend(4_usd);
    EXPECT_TRUE(look().empty());
    spend(1_usd);
    auto const half = look();
    EXPECT_TRUE(is(half, "threshold|team|day@UTC")) << "half of the limit";
    EXPECT_TRUE(look().empty());
    spend(1_usd);
    EXPECT_TRUE(look().empty());
    w.pass(24h);
    EXPECT_TRUE(look().empty());
    spend(5_usd);
    auto const again = look();
    EXPECT_TRUE(is(again, "threshold|team|day@UTC"));
    EXPECT_NE(again, half);
    auto const all = rung();
    ASSERT_EQ(all.size(), 2U);
    EXPECT_EQ(all[0].what.scope, "team");
    EXPECT_EQ(all[0].what.window, "day@UTC");
    EXPECT_EQ(all[0].what.amount, 5_usd);
    EXPECT_EQ(all[0].what.against, 10_usd);
    EXPECT_EQ(all[0].what.when, now());
    EXPECT_EQ(all[0].what.severity, coffer::alarm_severity::notice);
    EXPECT_NE(all[0].what.sentence.find("has committed $5.00 of $10.00"), std::string::npos) << all[0].what.sentence;
}

TEST_P(alarm_conformance, a_jump_over_several_thresholds_tells_the_highest_and_a_new_limit_has_its_own) {
    watch = only(coffer::alarm_kind::threshold);
    spend(9_usd);
    EXPECT_TRUE(is(look(), "threshold"));
    EXPECT_EQ(rung()[0].what.severity, coffer::alarm_severity::warning);
    EXPECT_TRUE(w.get(money.backend().set_limit("team", coffer::daily, 18_usd)));
    EXPECT_TRUE(is(look(), "threshold|team|day@UTC")) << "half of the new limit, which is another one";
    EXPECT_TRUE(look().empty());
    spend(9_usd, "team", 18_usd);
    EXPECT_TRUE(is(look(), "threshold|team|day@UTC")) << "and all of it";
}

TEST_P(alarm_conformance, what_is_held_and_not_spent_yet_counts_for_a_threshold) {
    watch = only(coffer::alarm_kind::threshold);
    coffer::ledger_lines lines;
    lines.emplace_back("team", coffer::daily, 10_usd);
    ASSERT_TRUE(is_reserved(money.reserve(reservation_of(1, 10_usd, lines))));
    EXPECT_TRUE(is(look(), "threshold"));
    EXPECT_EQ(rung()[0].what.severity, coffer::alarm_severity::critical);
}

TEST_P(alarm_conformance, a_window_that_ended_before_anybody_looked_is_looked_at) {
    auto const midnight = coffer::daily.span_at(now()).end;
    pass_until(midnight - 5min);
    EXPECT_TRUE(look().empty());
    pass_until(midnight - 1min);
    spend(10_usd);
    pass_until(midnight + 6h);
    auto const found = look();
    EXPECT_EQ(found.size(), 2U) << "of yesterday's limit, and of the amount";
    EXPECT_TRUE(std::any_of(found.begin(), found.end(), [](auto& id) { return id.starts_with("threshold"); }));
    EXPECT_TRUE(std::any_of(found.begin(), found.end(), [](auto& id) { return id.starts_with("anomaly"); }));
    EXPECT_TRUE(look().empty());
}

TEST_P(alarm_conformance, the_parts_of_a_rolling_window_are_added_up) {
    watch = only(coffer::alarm_kind::threshold);
    for (int i = 0; i < 5; ++i) {
        EXPECT_TRUE(look().empty()) << i;
        spend(1_usd, "team", 10_usd, coffer::rolling(6h));
        w.pass(30min);
    }
    EXPECT_TRUE(is(look(), "threshold|team|rolling/21600s"));
}

TEST_P(alarm_conformance, a_rolling_limit_lowered_below_what_is_spent_rings_though_nobody_spends) {
    watch = only(coffer::alarm_kind::threshold);
    spend(1_usd, "team", 10_usd, coffer::rolling(6h));
    w.pass(3h);
    EXPECT_TRUE(look().empty());
    EXPECT_TRUE(w.get(money.backend().set_limit("team", coffer::rolling(6h), 1_usd)));
    EXPECT_TRUE(is(look(), "threshold|team|rolling/21600s"));
}

TEST_P(alarm_conformance, an_operators_limit_is_the_one_that_counts) {
    watch = only(coffer::alarm_kind::threshold);
    EXPECT_TRUE(w.get(money.backend().set_limit("team", coffer::daily, 2_usd)));
    spend(1_usd);
    EXPECT_TRUE(is(look(), "threshold"));
    EXPECT_EQ(rung()[0].what.against, 2_usd);
}

TEST_P(alarm_conformance, a_scope_without_a_limit_rings_by_its_own_history) {
    spend(4_usd, "team", coffer::money::max());
    EXPECT_TRUE(look().empty());
    spend(2_usd, "team", coffer::money::max());
    EXPECT_TRUE(is(look(), "anomaly|team"));
    spend(2_usd, "team", coffer::money::max());
    EXPECT_TRUE(look().empty()) << "for a day it is known";
    EXPECT_TRUE(look(1).empty()) << "to other processes as well";
}

TEST_P(alarm_conformance, an_amount_is_found_hours_after_nobody_looked) {
    spend(6_usd, "team", coffer::money::max());
    w.pass(4h);
    EXPECT_TRUE(is(look(), "anomaly|team"));
}

TEST_P(alarm_conformance, the_pace_of_one_scope_is_not_that_of_another) {
    watch = only(coffer::alarm_kind::burn_rate);
    for (int minute = 0; minute < 40; ++minute) {
        coffer::ledger_lines lines;
        lines.emplace_back("fast", coffer::daily, 6_usd);
        lines.emplace_back("fast", coffer::monthly, 1000_usd);  // two accounts of one scope: one amount
        spend(0.0625_usd, lines);
        spend(0.03125_usd, "half as fast", 6_usd);
        w.pass(1min);
    }
    EXPECT_TRUE(is(look(), "burn_rate|fast|day@UTC"));
}

TEST_P(alarm_conformance, what_was_presumed_and_corrected_rings_no_more) {
    coffer::ledger_lines lines;
    lines.emplace_back("team", coffer::lifetime, coffer::money::max());
    auto q = reservation_of(1, 8_usd, lines);
    q.sent = true;
    ASSERT_TRUE(is_reserved(money.reserve(q)));
    ASSERT_TRUE(money.settle(1, std::nullopt));
    ASSERT_TRUE(w.get(money.backend().correct({{reservation_number(1), 0.10_usd}})));
    EXPECT_TRUE(look().empty());
    w.pass(2h);  // what is over is read anew
    EXPECT_TRUE(look().empty());
}

TEST_P(alarm_conformance, what_was_given_back_was_never_spent) {
    coffer::ledger_lines lines;
    lines.emplace_back("team", coffer::lifetime, coffer::money::max());
    auto q = reservation_of(1, 8_usd, lines);
    q.sent = true;
    ASSERT_TRUE(is_reserved(money.reserve(q)));
    ASSERT_TRUE(money.settle(1, std::nullopt));
    ASSERT_TRUE(money.release(1));
    EXPECT_TRUE(look().empty());
}

TEST_P(alarm_conformance, a_limit_that_will_not_last_rings_early) {
    watch = only(coffer::alarm_kind::burn_rate);
    for (int minute = 0; minute < 28; ++minute) {
        spend(0.0625_usd, "team", 6_usd);
        EXPECT_TRUE(look().empty()) << minute;
        w.pass(1min);
    }
    spend(0.0625_usd, "team", 6_usd);
    EXPECT_TRUE(is(look(), "burn_rate|team|day@UTC")) << "more than $1.80 of $6.00 in half an hour";
}

TEST_P(alarm_conformance, a_burn_rate_of_minutes_ago_is_still_found) {
    watch = only(coffer::alarm_kind::burn_rate);
    for (int minute = 0; minute < 40; ++minute) {
        spend(0.0625_usd, "team", 6_usd);
        w.pass(1min);
    }
    w.pass(30min);
    EXPECT_TRUE(is(look(), "burn_rate|team|day@UTC"));
}

TEST_P(alarm_conformance, a_send_above_its_bound_rings_once_in_a_window) {
    watch = only(coffer::alarm_kind::overrun);
    ASSERT_TRUE(is_reserved(money.reserve(1, 0.10_usd, "team", 10_usd, coffer::daily)));
    ASSERT_TRUE(money.settle(1, 0.10_usd));
    EXPECT_TRUE(look().empty());
    ASSERT_TRUE(is_reserved(money.reserve(2, 0.10_usd, "team", 10_usd, coffer::daily)));
    ASSERT_TRUE(money.settle(2, 0.25_usd));
    EXPECT_TRUE(is(look(), "overrun|team|day@UTC"));
    EXPECT_EQ(rung()[0].what.amount, 0.15_usd);
    EXPECT_TRUE(look().empty());
}

TEST_P(alarm_conformance, the_third_replay_of_a_key_rings_until_it_is_acknowledged) {
    replay("one", 2);
    EXPECT_TRUE(look().empty());
    ask_again("one", 1);
    EXPECT_TRUE(is(look(), "replay_storm|" + coffer::to_text(w.id("one"))));
    ask_again("one", 8);
    EXPECT_TRUE(look().empty());
    ask_again("one", 1);
    EXPECT_TRUE(is(look(), "replay_storm")) << "four times as often";
    EXPECT_EQ(rung()[0].what.scope, "report");
}

TEST_P(alarm_conformance, an_acknowledged_key_has_no_storm) {
    replay("one", 2);
    ASSERT_TRUE(w.acknowledge());
    replay("two", 3);
    ASSERT_TRUE(w.get(w.backend().acknowledge(w.id("two"))));
    EXPECT_TRUE(look().empty());
}

TEST_P(alarm_conformance, a_cache_may_be_asked_as_often_as_anybody_likes) {
    replay("one", 50, true);
    EXPECT_TRUE(look().empty());
}

TEST_P(alarm_conformance, the_steps_of_a_job_ring_together) {
    for (auto const* const step : {"outline", "draft", "polish"}) replay(step, 3);
    ask_again("draft", 1);
    auto const found = look();
    ASSERT_TRUE(is(found, "replay_storm|" + coffer::to_text(w.id("draft"))));
    EXPECT_NE(rung()[0].what.sentence.find("2 other keys of report"), std::string::npos) << rung()[0].what.sentence;
    EXPECT_TRUE(look().empty()) << "the others were told with it";
}

TEST_P(alarm_conformance, one_piece_of_work_paid_for_under_three_keys_rings) {
    coffer::ledger_lines lines;
    lines.emplace_back("org", coffer::lifetime, coffer::money::max());
    lines.emplace_back("org/team", coffer::lifetime, coffer::money::max());
    lose(0.20_usd, lines, "aa", "one");
    lose(0.20_usd, lines, "aa", "one");
    lose(0.20_usd, lines, "aa", "two");
    spend(0.20_usd, lines, "bb");
    spend(0.20_usd, lines);
    EXPECT_TRUE(look().empty()) << "two keys, one of them tried twice";
    spend(0.20_usd, lines, "aa");
    EXPECT_TRUE(is(look(), "duplicate_work|org/team|aa")) << "a call without a key makes one of its own";
    EXPECT_EQ(rung()[0].what.amount, 0.60_usd) << "three of the four were in vain";
    EXPECT_TRUE(look().empty());
}

TEST_P(alarm_conformance, a_batch_that_repeats_itself_rings_once) {
    coffer::ledger_lines lines;
    lines.emplace_back("team", coffer::lifetime, coffer::money::max());
    for (int run = 0; run < 3; ++run)
        for (auto const* const work : {"aa", "bb", "cc", "dd"})
            spend(work[0] == 'c' ? 0.30_usd : 0.10_usd, lines, work);
    EXPECT_TRUE(is(look(), "duplicate_work|team|cc")) << "the dearest";
    EXPECT_NE(rung()[0].what.sentence.find("3 other pieces of work there, for another $0.60"), std::string::npos)
        << rung()[0].what.sentence;
    EXPECT_TRUE(look().empty());
}

TEST_P(alarm_conformance, a_job_that_is_stopped_rings_once_until_it_is_stopped_again) {
    runs_in runs{w};
    runs.failing_run(1);
    runs.failing_run(2);
    EXPECT_TRUE(look().empty());
    runs.failing_run(3);
    EXPECT_TRUE(is(look(), "stopped_job|" + coffer::to_text(runs.id())));
    auto const a = rung()[0].what;
    EXPECT_EQ(a.scope, "report");
    EXPECT_EQ(a.sentence,
              coffer::to_text(runs.id()) +
                  " was stopped: 3 runs of it failed in the same way (x). No run of it begins any more, and "
                  "nothing is spent. Mend the cause, then reopen it (coffer reopen).");
    EXPECT_TRUE(is_run<coffer::run_stopped>(runs.begin(4)));
    w.pass(1h);
    EXPECT_TRUE(is_run<coffer::run_stopped>(runs.begin(5)));
    EXPECT_TRUE(look().empty()) << "it is asked for again and again";
    ASSERT_TRUE(runs.reopen());
    for (int n : {6, 7}) runs.failing_run(n);
    EXPECT_TRUE(look().empty());
    runs.failing_run(8);
    EXPECT_TRUE(is(look(), "stopped_job"));
}

TEST_P(alarm_conformance, a_job_whose_runs_fail_in_many_ways_is_stopped_at_last_and_rings) {
    runs_in runs{w};
    runs.limits = {4, 3};
    for (int n = 1; n <= 3; ++n) runs.failing_run(n, "cause " + std::to_string(n));
    EXPECT_TRUE(look().empty());
    runs.failing_run(4, "cause 4");
    EXPECT_TRUE(is(look(), "stopped_job"));
    EXPECT_NE(rung()[0].what.sentence.find("4 runs of it did not get it done"), std::string::npos)
        << rung()[0].what.sentence;
}

TEST_P(alarm_conformance, a_stopped_job_that_was_reopened_before_anybody_looked_rings_no_more) {
    runs_in runs{w};
    for (int n : {1, 2, 3}) runs.failing_run(n);
    ASSERT_TRUE(runs.reopen());
    EXPECT_TRUE(look().empty());
}

TEST_P(alarm_conformance, the_jobs_of_a_batch_ring_together) {
    runs_in runs{w};
    int n = 0;
    for (auto const* const job : {"acme", "bolt", "cord"})
        for (int i = 0; i < 3; ++i) runs.failing_run(++n, "x", job);
    EXPECT_TRUE(is(look(), "stopped_job"));
    EXPECT_NE(rung()[0].what.sentence.find("So 2 other jobs of report were."), std::string::npos)
        << rung()[0].what.sentence;
    EXPECT_TRUE(look().empty());
}

TEST_P(alarm_conformance, calls_that_are_refused_below_the_limit_ring_once_in_a_window) {
    watch = only(coffer::alarm_kind::denial);
    spend(9_usd);
    EXPECT_TRUE(look().empty());
    for (int n : {900, 901, 902}) ASSERT_TRUE(denial(money.reserve(n, 1.50_usd, "team", 10_usd, coffer::daily)));
    EXPECT_TRUE(is(look(), "denial|team|day@UTC"));
    EXPECT_EQ(rung()[0].what.amount, 1.50_usd);
    EXPECT_EQ(rung()[0].what.against, 10_usd);
    ASSERT_TRUE(denial(money.reserve(903, 1.50_usd, "team", 10_usd, coffer::daily)));
    EXPECT_TRUE(look().empty());
    w.pass(24h);
    EXPECT_TRUE(look().empty());
    ASSERT_TRUE(denial(money.reserve(904, 10.50_usd, "team", 10_usd, coffer::daily)));
    EXPECT_TRUE(is(look(), "denial")) << "another day";
}

TEST_P(alarm_conformance, what_calls_under_way_may_give_back_is_no_denial) {
    watch = only(coffer::alarm_kind::denial);
    for (int n : {900, 901}) ASSERT_TRUE(is_reserved(money.reserve(n, 4_usd, "team", 10_usd, coffer::daily)));
    ASSERT_TRUE(denial(money.reserve(902, 4_usd, "team", 10_usd, coffer::daily)));
    EXPECT_TRUE(look().empty());
    (void)w.get(money.backend().freeze("team", "a test"));
    ASSERT_TRUE(denial(money.reserve(903, 1_usd, "team", 10_usd, coffer::daily)));
    EXPECT_TRUE(look().empty()) << "whoever froze it knows";
}

TEST_P(alarm_conformance, of_scopes_that_are_ignored_nothing_rings) {
    watch.ignore = {"org/user"};
    for (auto const* const scope : {"org/user", "org/user/ann", "org/users"})
        for (int i = 0; i < 3; ++i) {
            coffer::ledger_lines lines;
            lines.emplace_back(scope, coffer::daily, 9_usd);
            spend(3_usd, lines, "the same");
        }
    auto const found = look();
    EXPECT_FALSE(found.empty());
    for (auto const& id : found) EXPECT_NE(id.find("|org/users|"), std::string::npos) << id;
}

TEST_P(alarm_conformance, work_of_long_ago_is_no_duplicate) {
    coffer::ledger_lines lines;
    lines.emplace_back("team", coffer::lifetime, coffer::money::max());
    for (int day = 0; day < 5; ++day) {
        spend(0.50_usd, lines, "daily report");
        EXPECT_TRUE(look().empty()) << day;
        w.pass(24h);
    }
}

TEST_P(alarm_conformance, an_alarm_freezes_its_scope_if_it_shall) {
    watch.rules.burn_rate = {{}, {}};
    watch.freeze = {{coffer::alarm_kind::anomaly}, {coffer::alarm_kind::threshold, coffer::alarm_severity::critical}};
    spend(5_usd, "org/calm");
    EXPECT_TRUE(is(look(), "threshold"));
    EXPECT_FALSE(money.accounts("org/calm")[0].frozen) << "half of a limit is not critical";

    spend(8_usd, "org/team", coffer::money::max());
    spend(0.10_usd, "org/other", coffer::money::max());
    EXPECT_TRUE(is(look(), "anomaly|org/team"));
    auto const no = denial(money.reserve(900, 0.01_usd, "org/team", coffer::money::max(), coffer::daily));
    ASSERT_TRUE(no);
    EXPECT_TRUE(no->frozen);
    EXPECT_TRUE(is_reserved(money.reserve(901, 0.01_usd, "org/other", coffer::money::max(), coffer::daily)));
}

TEST_P(alarm_conformance, a_freeze_holds_for_an_alarm_that_somebody_without_such_a_rule_has_found) {
    spend(8_usd, "org/team", coffer::money::max());
    EXPECT_EQ(look().size(), 1U);
    EXPECT_FALSE(money.accounts("org/team")[0].frozen);
    watch.freeze = {{coffer::alarm_kind::anomaly}};
    EXPECT_TRUE(look(1).empty());
    EXPECT_TRUE(money.accounts("org/team")[0].frozen);
    EXPECT_TRUE(w.get(money.backend().thaw("org/team")).value());
    EXPECT_TRUE(look(1).empty());
    EXPECT_FALSE(money.accounts("org/team")[0].frozen) << "an operator has thawed it: one alarm freezes once";
}

TEST_P(alarm_conformance, a_freeze_is_of_the_innermost_scope_that_rings) {
    watch.freeze = {{coffer::alarm_kind::anomaly}};
    coffer::ledger_lines lines;
    for (auto const* const scope : {"org", "org/team", "org/team/ann"})
        lines.emplace_back(scope, coffer::lifetime, coffer::money::max());
    spend(8_usd, lines);
    EXPECT_EQ(look().size(), 3U);
    EXPECT_TRUE(money.accounts("org/team/ann")[0].frozen);
    EXPECT_TRUE(is_reserved(money.reserve(900, 0.01_usd, "org/team", coffer::money::max())));
}

TEST_P(alarm_conformance, a_call_that_is_tried_again_is_no_duplicate) {
    coffer::ledger_lines lines;
    lines.emplace_back("team", coffer::lifetime, coffer::money::max());
    for (int attempt = 1; attempt <= 4; ++attempt) {
        auto q = reservation_of(++spent, 0.50_usd, lines);
        q.sent = true;
        q.about.work = "aa";
        q.about.attempt = attempt;
        ASSERT_TRUE(is_reserved(money.reserve(q)));
        ASSERT_TRUE(money.settle(spent, std::nullopt));
    }
    EXPECT_TRUE(look().empty());
}

TEST_P(alarm_conformance, a_freeze_may_be_for_some_scopes_only) {
    watch.freeze = {{coffer::alarm_kind::anomaly, coffer::alarm_severity::notice, "org/batch"}};
    spend(8_usd, "org/team", coffer::money::max());
    spend(8_usd, "org/batch/nightly", coffer::money::max());
    EXPECT_EQ(look().size(), 2U);
    EXPECT_FALSE(money.accounts("org/team")[0].frozen);
    EXPECT_TRUE(money.accounts("org/batch")[0].frozen);
}

TEST_P(alarm_conformance, an_alarm_is_given_to_one_at_a_time_until_it_is_delivered) {
    watch = only(coffer::alarm_kind::threshold);
    spend(5_usd);
    ASSERT_EQ(look().size(), 1U);
    auto const mine = take(0);
    ASSERT_EQ(mine.size(), 1U);
    EXPECT_EQ(mine[0].what.id, rung()[0].what.id);
    EXPECT_TRUE(take(1).empty()) << "somebody is at it";
    w.pass(1min);
    EXPECT_EQ(take(1).size(), 1U) << "and was killed, it seems";
    ASSERT_TRUE(w.get(money.backend(1).alarm_delivered(mine[0].what.id)));
    w.pass(24h);
    EXPECT_TRUE(take(0).empty());
    auto const all = rung();
    ASSERT_EQ(all.size(), 1U);
    EXPECT_EQ(all[0].state, coffer::alarm_state::delivered);
    EXPECT_EQ(all[0].tries, 2);
    EXPECT_EQ(all[0].delivered, now() - 24h);
}

TEST_P(alarm_conformance, an_alarm_that_could_not_be_delivered_is_tried_again_after_the_pause) {
    watch = only(coffer::alarm_kind::threshold);
    spend(5_usd);
    ASSERT_EQ(look().size(), 1U);
    auto const id = take()[0].what.id;
    ASSERT_TRUE(w.get(money.backend().alarm_failed(id, "no route to host", 5min)));
    EXPECT_EQ(rung()[0].trouble, "no route to host");
    w.pass(5min - 1s);
    EXPECT_TRUE(take().empty());
    w.pass(1s);
    EXPECT_EQ(take().size(), 1U);
    ASSERT_TRUE(w.get(money.backend().alarm_delivered(id)));
    EXPECT_EQ(rung()[0].trouble, "");
    ASSERT_TRUE(w.get(money.backend().alarm_failed(id, "late news", 5min)));
    EXPECT_EQ(rung()[0].state, coffer::alarm_state::delivered) << "delivered is delivered";
}

TEST_P(alarm_conformance, alarms_are_listed_by_scope_time_and_state) {
    watch = only(coffer::alarm_kind::threshold);
    spend(5_usd, "org/a");
    ASSERT_EQ(look().size(), 1U);
    w.pass(1h);
    spend(5_usd, "org/b");
    ASSERT_EQ(look().size(), 1U);
    auto const list = [&](coffer::alarm_filter const& f) { return w.get(money.backend().alarms(f)).value(); };
    coffer::alarm_filter f;
    f.scope = "org/a";
    EXPECT_EQ(list(f).size(), 1U);
    f.scope = "org";
    auto const both = list(f);
    ASSERT_EQ(both.size(), 2U);
    EXPECT_EQ(both[0].what.scope, "org/b") << "newest first";
    f.limit = 1;
    EXPECT_EQ(list(f).size(), 1U);
    f = {};
    f.from = now();
    EXPECT_EQ(list(f).size(), 1U);
    ASSERT_TRUE(w.get(money.backend().alarm_delivered(both[0].what.id)));
    f = {};
    f.undelivered_only = true;
    ASSERT_EQ(list(f).size(), 1U);
    EXPECT_EQ(list(f)[0].what.scope, "org/a");
}

}  // namespace store_test
