// SPDX-License-Identifier: BSL-1.0
#include <coffer/state/anomaly.hpp>

#include "spend_world.hpp"
#include "support/seeds.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <iostream>
#include <map>
#include <optional>
#include <ostream>
#include <string>
#include <vector>

namespace anomaly_test {
namespace {

using namespace coffer::literals;
using namespace std::chrono_literals;
using coffer::anomaly_allowance;
using coffer::anomaly_options;
using coffer::anomaly_stretches;
using coffer::anomaly_watch;
using coffer::money;
using coffer::spend_history;
using time_point = std::chrono::system_clock::time_point;

time_point const monday = std::chrono::sys_days{std::chrono::year{2026} / 1 / 5};

time_point at_hour(int h) { return monday + std::chrono::hours{h}; }

/// The history of so many hours, and now is the hour after them.
spend_history history_of(int hours, std::function<money(int)> const& cost) {
    spend_history h;
    for (int i = 0; i < hours; ++i) h.add(at_hour(i), cost(i));
    return h;
}

// ---------------------------------------------------------------- allowances

TEST(anomaly, a_new_scope_is_allowed_an_absolute_rate) {
    for (std::size_t i = 0; i < anomaly_stretches.size(); ++i) {
        EXPECT_EQ(anomaly_allowance({}, i, monday), anomaly_options{}.new_scope[i]);
        auto const quiet = history_of(48, [](int) { return 0.01_usd; });
        EXPECT_EQ(anomaly_allowance(quiet, i, at_hour(48)), anomaly_options{}.new_scope[i]);
    }
    anomaly_options own;
    own.new_scope = {50_usd, 60_usd, 70_usd};
    EXPECT_EQ(anomaly_allowance({}, 2, monday, own), 70_usd);
}

TEST(anomaly, an_even_scope_is_allowed_two_and_a_half_times_what_it_spends) {
    auto const even = history_of(35 * 24, [](int) { return 1_usd; });
    EXPECT_EQ(anomaly_allowance(even, 0, at_hour(35 * 24)), 5_usd);
    EXPECT_EQ(anomaly_allowance(even, 1, at_hour(35 * 24)), 15_usd);
    EXPECT_EQ(anomaly_allowance(even, 2, at_hour(35 * 24)), 60_usd);
    anomaly_options bold;
    bold.percent_of_hour = 400;
    EXPECT_EQ(anomaly_allowance(even, 0, at_hour(35 * 24), bold), 8_usd);
    bold.percent_of_peak = 500;
    EXPECT_EQ(anomaly_allowance(even, 0, at_hour(35 * 24), bold), 10_usd);
}

TEST(anomaly, little_is_never_an_anomaly) {
    auto const idle = history_of(35 * 24, [](int) { return 0.000001_usd; });
    EXPECT_EQ(anomaly_allowance(idle, 0, at_hour(35 * 24)), 1_usd);
    anomaly_options own;
    own.at_least = 0.10_usd;
    EXPECT_EQ(anomaly_allowance(idle, 0, at_hour(35 * 24), own), 0.10_usd);
}

TEST(anomaly, one_storm_in_the_history_allows_no_second_one) {
    auto const stormy = history_of(35 * 24, [](int h) { return h >= 28 * 24 && h < 28 * 24 + 20 ? 100_usd : 1_usd; });
    for (int h = 30; h < 60; ++h) EXPECT_EQ(anomaly_allowance(stormy, 0, at_hour(35 * 24 + h)), 5_usd) << h;
}

TEST(anomaly, a_weekly_job_and_a_monthly_one_are_usual_at_their_hour) {
    // 34 days later, on a Sunday; the job ran on the four Sundays before at 10, once in four weeks an hour late.
    auto const weekly = history_of(34 * 24 + 10, [](int h) {
        auto const of_week = h % 168;
        return of_week == 6 * 24 + (h / 168 == 2 ? 11 : 10) ? 50_usd : 0.10_usd;
    });
    EXPECT_GE(anomaly_allowance(weekly, 0, at_hour(34 * 24 + 10)), 125_usd);
    auto const monthly = history_of(33 * 24, [](int h) { return h == 3 * 24 ? 50_usd : 0.10_usd; });
    EXPECT_GE(anomaly_allowance(monthly, 0, at_hour(33 * 24)), 125_usd);   // 30 days later
    EXPECT_LE(anomaly_allowance(monthly, 0, at_hour(33 * 24 + 8)), 1_usd);  // at another hour
}

/// The same, reckoned the long way: every sum by itself, every list sorted.
money slow_allowance(spend_history const& h, std::size_t i, time_point now, anomaly_options const& o) {
    auto const hour = spend_history::cell_of(now);
    auto const stretch = anomaly_stretches[i];
    auto const sum = [&](spend_history::cell end) {
        std::int64_t total = 0;
        for (auto c = end - stretch + 1; c <= end; ++c) total += h.at(c).nano();
        return std::max<std::int64_t>(total, 0);
    };
    auto const about = [&](spend_history::cell end) { return std::max({sum(end - 1), sum(end), sum(end + 1)}); };
    std::vector<std::int64_t> weeks;
    for (int w = 1; w <= 4; ++w)
        if (hour - w * 168 - stretch >= h.first()) weeks.push_back(about(hour - w * 168));
    std::sort(weeks.rbegin(), weeks.rend());
    std::int64_t by_hour = weeks.empty() ? 0 : weeks[std::min<std::size_t>(1, weeks.size() - 1)];
    for (int days = 28; days <= 31; ++days) by_hour = std::max(by_hour, about(hour - days * 24));
    std::vector<std::int64_t> peaks;
    for (int day = 1; day <= 33 && hour - day * 24 >= h.first(); ++day) {
        std::int64_t peak = 0;
        for (int back = 0; back < 24; ++back) peak = std::max(peak, sum(hour - day * 24 - back));
        peaks.push_back(peak);
    }
    std::sort(peaks.rbegin(), peaks.rend());
    auto const peak = peaks.empty() ? 0 : peaks[peaks.size() < 30 ? 0 : 2];
    auto allowed = std::max(by_hour * o.percent_of_hour / 100, peak * o.percent_of_peak / 100);
    allowed = std::max(allowed, o.at_least.nano());
    if (hour - h.first() < 31 * 24) allowed = std::max(allowed, o.new_scope[i].nano());
    return money::from_nano(allowed);
}

TEST(anomaly, allowances_agree_with_a_slow_reckoning) {
    for (auto const seed : support::each_seed(support::seeds(20))) {
        support::dice dice{seed};
        spend_history h;
        auto const hours = 1 + dice.below(60 * 24);
        for (int i = 0; i < hours; ++i)
            if (dice.one_in(3))
                h.add(at_hour(i),
                      money::from_nano(dice.below(dice.one_in(50) ? 900'000'000'000 : 3'000'000'000) - 100));
        if (h.empty()) continue;
        anomaly_options o;
        o.percent_of_hour = 100 + dice.below(400);
        o.percent_of_peak = 100 + dice.below(400);
        auto const now = at_hour(hours + dice.below(50));
        for (std::size_t i = 0; i < anomaly_stretches.size(); ++i)
            ASSERT_EQ(anomaly_allowance(h, i, now, o), slow_allowance(h, i, now, o)) << anomaly_stretches[i];
    }
}

// ---------------------------------------------------------------- alarms

TEST(anomaly, tells_what_happened_and_what_to_do) {
    anomaly_watch watch{"team/search", {}, history_of(35 * 24, [](int) { return 1_usd; })};
    auto const now = at_hour(35 * 24) + 10min;
    EXPECT_FALSE(watch.spent(4_usd, now).has_value());  // 5 in two hours, as is allowed
    auto const alarm = watch.spent(0.01_usd, now);
    ASSERT_TRUE(alarm.has_value());
    EXPECT_EQ(alarm->kind, coffer::alarm_kind::anomaly);
    EXPECT_EQ(alarm->severity, coffer::alarm_severity::warning);
    EXPECT_EQ(alarm->scope, "team/search");
    EXPECT_EQ(alarm->amount, 5.01_usd);
    EXPECT_EQ(alarm->against, 5_usd);
    EXPECT_EQ(alarm->when, now);
    EXPECT_EQ(alarm->sentence,
              "team/search has spent $5.01 within 2 hours; not more than $5.00 was to be expected. Look whether a job "
              "repeats "
              "itself, and freeze the scope if it does.");
}

TEST(anomaly, is_silent_for_a_day_and_then_needs_four_times_as_much) {
    anomaly_watch watch{"s", {}, history_of(35 * 24, [](int) { return 1_usd; })};
    auto const first = at_hour(35 * 24);
    ASSERT_TRUE(watch.spent(5_usd, first).has_value());
    EXPECT_EQ(watch.percent_needed(first), 400);
    for (int h = 1; h < 24; ++h) ASSERT_FALSE(watch.spent(100_usd, first + std::chrono::hours{h}).has_value()) << h;
    // What was spent on the silent day does not count again.
    EXPECT_FALSE(watch.spent(1_usd, first + 25h).has_value());
    EXPECT_FALSE(watch.spent(9_usd, first + 25h).has_value());
    auto const again = watch.spent(11_usd, first + 25h);
    ASSERT_TRUE(again.has_value());
    EXPECT_EQ(again->severity, coffer::alarm_severity::critical);
    EXPECT_EQ(watch.percent_needed(first + 25h), 1600);
    EXPECT_EQ(watch.percent_needed(first + 25h + 30 * 24h), 100);
}

TEST(anomaly, goes_on_from_what_was_kept) {
    anomaly_watch before{"s", {}, history_of(35 * 24, [](int) { return 1_usd; })};
    auto const now = at_hour(35 * 24);
    ASSERT_TRUE(before.spent(5_usd, now).has_value());
    auto const history = spend_history::parse(before.history().bytes());
    ASSERT_TRUE(history.has_value());
    anomaly_watch after{"s", {}, *history, before.memory()};
    EXPECT_FALSE(after.spent(5_usd, now + 1h).has_value());
    EXPECT_EQ(after.percent_needed(now + 1h), 400);
}

TEST(anomaly, another_process_s_spending_counts_when_it_is_merged) {
    auto const usual = history_of(35 * 24, [](int) { return 1_usd; });
    anomaly_watch watch{"s", {}, usual};
    auto const now = at_hour(35 * 24);
    EXPECT_FALSE(watch.spent(3_usd, now).has_value());
    spend_history elsewhere;
    elsewhere.add(now, 3_usd);
    watch.history().merge(elsewhere);
    EXPECT_TRUE(watch.look(now).has_value());
}

// ---------------------------------------------------------------- storms

/// Three runs within an hour, five hours, 23 hours: the stretch that holds them, and the time between two.
struct pace {
    std::size_t stretch;
    std::chrono::minutes between;
};
constexpr std::array<pace, 5> paces{{{0, 2min}, {0, 30min}, {1, 60min}, {1, 150min}, {2, 690min}}};

/// 21 runs of one job on top of what the scope has spent; the first run that rang, 0 if none did.
int run_that_rings(anomaly_watch watch, money run, std::chrono::minutes between, time_point start) {
    for (int i = 1; i <= 21; ++i)
        if (watch.spent(run, start + (i - 1) * between)) return i;
    return 0;
}

/// What a run has to cost so that three of them are more than the scope is allowed, if it spends nothing else.
money visible_run(anomaly_watch const& watch, pace const& p, time_point start) {
    money most;  // the hour may change on the way, and with it what is allowed
    for (int i = 0; i < 3; ++i)
        most = std::max(most, anomaly_allowance(watch.history(), p.stretch, start + i * p.between));
    return money::from_nano(most.nano() * watch.percent_needed(start) / 100 / 3 + 1);
}

/// An hour's cost in two parts, as calls come over it.
bool spend(anomaly_watch& watch, money cost, time_point hour) {
    if (cost == money{}) return false;
    auto const half = money::from_nano(cost.nano() / 2);
    auto const rang = watch.spent(half, hour + 10min).has_value();
    return watch.spent(cost - half, hour + 40min).has_value() || rang;
}

struct found_by_run {
    std::map<int, int> scopes;
    [[nodiscard]] int total() const {
        int sum = 0;
        for (auto const& [run, count] : scopes) sum += count;
        return sum;
    }
    [[nodiscard]] int by_the_third() const {
        int sum = 0;
        for (auto const& [run, count] : scopes) sum += run >= 1 && run <= 3 ? count : 0;
        return sum;
    }
};
std::ostream& operator<<(std::ostream& out, found_by_run const& f) {
    for (auto const& [run, count] : f.scopes)
        out << " " << (run == 0 ? "never" : "run " + std::to_string(run)) << ": " << count;
    return out << " scopes\n";
}

// One long test, because a thousand scopes take their time; fewer where everything is slow.
TEST(anomaly, a_thousand_scopes_have_at_most_one_false_alarm_a_month_each_and_no_visible_storm_is_missed) {
    auto const scopes = std::min<std::uint64_t>(support::seeds(5), 1000);
    constexpr int months = 3;
    constexpr int month = 30 * 24;
    std::array<std::map<int, int>, months> scopes_by_alarms;
    int launches = 0;
    int with_spending = 0;
    int rang_lately = 0;
    int told_already = 0;
    found_by_run smallest;
    found_by_run usual_day;
    std::vector<std::int64_t> percent_of_usual_day;
    for (auto const seed : support::each_seed(scopes)) {
        support::spending_scope scope{seed};
        support::dice dice{seed + scopes};
        anomaly_watch watch{"s"};
        money total;
        money four_weeks;
        auto const storm = 2 * month + dice.below(month);
        for (int m = 0; m < months; ++m) {
            int alarms = 0;
            for (int h = m * month; h < (m + 1) * month; ++h) {
                if (h == storm) {  // in a copy of the scope, which has no false alarm of it
                    auto const start = at_hour(h) + std::chrono::minutes{dice.below(60)};
                    auto const told = watch.memory().alarms > 0 && start - watch.memory().rang < 25h;
                    auto const day = money::from_nano(four_weeks.nano() / 28);
                    told_already += told ? 1 : 0;
                    if (!told) {
                        auto const& p = paces[seed % paces.size()];
                        auto const run = visible_run(watch, p, start);
                        auto const found = run_that_rings(watch, run, p.between, start);
                        ASSERT_GE(found, 1);
                        ASSERT_LE(found, 3);
                        ++smallest.scopes[found];
                        rang_lately += watch.percent_needed(start) > 100 ? 1 : 0;
                        if (day > 5_usd && p.stretch == 0)
                            percent_of_usual_day.push_back(run.nano() / (day.nano() / 100));
                    }
                    if (day > 0.40_usd && watch.percent_needed(start) == 100)
                        ++usual_day.scopes[run_that_rings(watch, day, 10min, start)];
                }
                auto const cost = scope.next_hour();
                total += cost;
                if (h < storm && h >= storm - 28 * 24) four_weeks += cost;
                alarms += spend(watch, cost, at_hour(h)) ? 1 : 0;
            }
            ASSERT_LE(alarms, 1) << "in month " << m + 1;
            ++scopes_by_alarms[static_cast<std::size_t>(m)][alarms];
        }
        launches += scope.launches();
        with_spending += total > 10_usd ? 1 : 0;
    }
    if (support::replaying() || scopes < 200) return;
    auto const all = static_cast<int>(scopes);
    for (std::size_t m = 0; m < months; ++m)
        std::cout << "month " << m + 1 << ": " << scopes_by_alarms[m][0] << " scopes without an alarm, "
                  << scopes_by_alarms[m][1] << " with one\n";
    std::cout << launches << " launches; " << with_spending << " scopes spent more than $10\n";
    EXPECT_GT(launches, all);
    EXPECT_GT(with_spending, all * 7 / 10);

    EXPECT_EQ(smallest.total() + told_already, all) << "each scope was tried, or had rung within a day";
    EXPECT_LT(told_already * 100, all * 2);
    std::cout << told_already << " scopes had just rung; the smallest visible storm rang at" << smallest << "    "
              << rang_lately << " of them had rung within a month\n"
              << "a run for a usual day's cost every 10 minutes rang at" << usual_day;
    std::sort(percent_of_usual_day.begin(), percent_of_usual_day.end());
    auto const at = [&](std::size_t percent) {
        return percent_of_usual_day[(percent_of_usual_day.size() - 1) * percent / 100];
    };
    std::cout << "the smallest visible run, three within an hour, in percent of a usual day (scopes of more than $5 a "
                 "day): median "
              << at(50) << ", 90 of 100 scopes below " << at(90) << "\n";
    EXPECT_GT(smallest.scopes[3],
              smallest.total() / 2);  // small indeed: one nano-dollar less, and the third does not ring
    EXPECT_GT(usual_day.total(), all * 4 / 10);
    EXPECT_GE(usual_day.by_the_third() * 100, usual_day.total() * (all < 1000 ? 80 : 85));
    EXPECT_LT(at(50), 50);
}

/// The most that any two, six or 24 hours in a row have cost.
money peak_of(std::vector<money> const& hours, std::size_t stretch) {
    money most;
    for (std::size_t end = 0; end < hours.size(); ++end) {
        money sum;
        for (std::size_t back = 0; back < stretch && back <= end; ++back) sum += hours[end - back];
        most = std::max(most, sum);
    }
    return most;
}

TEST(anomaly, a_storm_in_a_scope_two_days_old_is_found_by_the_third_run) {
    auto const scopes = std::min<std::uint64_t>(support::seeds(5), 1000);
    found_by_run smallest;
    found_by_run of_peaks;
    std::map<money, found_by_run> fixed;
    int tried = 0;
    int in_scopes_that_spend_less = 0;
    for (auto const seed : support::each_seed(scopes)) {
        support::spending_scope scope{seed};
        anomaly_watch watch{"s"};
        std::vector<money> hours;
        for (int h = 0; h < 48; ++h) {
            hours.push_back(scope.next_hour());
            spend(watch, hours.back(), at_hour(h));
        }
        if (watch.memory().alarms > 0) continue;  // busy from the first: somebody has been told already
        ++tried;
        auto const& p = paces[seed % paces.size()];
        auto const found = run_that_rings(watch, visible_run(watch, p, at_hour(48)), p.between, at_hour(48));
        ASSERT_GE(found, 1);
        ASSERT_LE(found, 3);
        ++smallest.scopes[found];

        // Storms of which only the scope's own spending says how large they are, and not what is allowed: a run costs as
        // much as its dearest two (six, 24) hours, and a third of what any new scope may spend.
        auto const stretch = anomaly_stretches[p.stretch];
        auto const a_third = std::array{1.67_usd, 3.34_usd, 6.67_usd}[p.stretch];
        auto const peak = std::max(peak_of(hours, static_cast<std::size_t>(stretch)), a_third);
        auto const by_peak = run_that_rings(watch, peak, p.between, at_hour(48));
        ASSERT_GE(by_peak, 1) << peak << " a run";
        ASSERT_LE(by_peak, 3) << peak << " a run";
        ++of_peaks.scopes[by_peak];
        // And storms of a fixed size, every ten minutes: found where the scope spends less than that in its dearest hours.
        for (auto const run : {0.05_usd, 0.50_usd, 2_usd, 5_usd, 10_usd, 50_usd}) {
            auto const by = run_that_rings(watch, run, 10min, at_hour(48));
            ++fixed[run].scopes[by];
            if (run < 2_usd || run < peak_of(hours, 2)) continue;
            ASSERT_GE(by, 1) << run << " a run";
            ASSERT_LE(by, 3) << run << " a run";
            ++in_scopes_that_spend_less;
        }
    }
    if (!support::replaying()) {
        auto const all = static_cast<int>(scopes);
        std::cout << "two days old: " << tried << " of " << all << " scopes were tried, the others had rung\n"
                  << "the smallest visible storm rang at" << smallest << "one of the scope's peak at" << of_peaks;
        for (auto const& [run, by] : fixed) std::cout << run << " a run, every ten minutes, at" << by;
        EXPECT_GT(tried * 2, all);
        EXPECT_GT(in_scopes_that_spend_less, all * 2);
        EXPECT_GT(smallest.scopes[3], smallest.total() / 2);
        EXPECT_EQ(of_peaks.by_the_third(), tried);
        // By amounts alone what is small is not found: that is for duplicate_work and replay_storm.
        EXPECT_GT(fixed[0.05_usd].scopes[0], tried / 2);
    }
    // A report for $2, run again every ten minutes, in a scope that has hardly spent anything.
    anomaly_watch quiet{"s", {}, history_of(48, [](int) { return 0.01_usd; })};
    EXPECT_EQ(run_that_rings(quiet, 2_usd, 10min, at_hour(48)), 3);
    EXPECT_EQ(run_that_rings(quiet, 1_usd, 10min, at_hour(48)), 5);
    EXPECT_EQ(run_that_rings(quiet, 4_usd, 150min, at_hour(48)), 3);
    EXPECT_EQ(run_that_rings(quiet, 4_usd, 11h, at_hour(48)), 0);  // $12 a day
}

TEST(anomaly, a_storm_is_visible_exactly_from_the_allowance_on) {
    anomaly_watch const watch{
        "s", {}, history_of(35 * 24, [](int h) { return h % 24 == 9 && h < 800 ? 4_usd : 0_usd; })};
    auto const night = at_hour(35 * 24 + 2);
    ASSERT_EQ(anomaly_allowance(watch.history(), 0, night), 10_usd);
    EXPECT_EQ(run_that_rings(watch, money::from_nano(3'333'333'334), 10min, night), 3);
    EXPECT_EQ(run_that_rings(watch, money::from_nano(3'333'333'333), 10min, night), 4);
    EXPECT_EQ(run_that_rings(watch, 0.10_usd, 2min, night), 0);  // 21 runs are less than one usual one
}

TEST(anomaly, a_job_that_is_all_its_scope_does_is_found_at_its_third_run) {
    // Every morning at 9, for $4; then it fails, and its queue runs it again.
    anomaly_watch const watch{"s", {}, history_of(35 * 24, [](int h) { return h % 24 == 9 ? 4_usd : 0_usd; })};
    for (auto const between : {1min, 10min, 30min, 60min, 150min, 690min})
        EXPECT_EQ(run_that_rings(watch, 4_usd, between, at_hour(35 * 24 + 9)), 3) << between.count();
}

}  // namespace
}  // namespace anomaly_test
