// SPDX-License-Identifier: BSL-1.0
#include <coffer/state/burn_rate.hpp>

#include "support/seeds.hpp"

#include <gtest/gtest.h>

#include <chrono>
#include <cstdint>
#include <optional>

namespace burn_rate_test {
namespace {

using namespace coffer::literals;
using namespace std::chrono_literals;
using coffer::burn_rate_rule;
using coffer::commitment;
using coffer::money;
using coffer::spend_trail;
using time_point = std::chrono::system_clock::time_point;

time_point const noon = std::chrono::sys_days{std::chrono::year{2026} / 11 / 10} + 12h;

// So much a minute, the minute of `now` included.
spend_trail burning(money a_minute, std::chrono::minutes lasted, time_point now = noon) {
    spend_trail trail;
    for (auto ago = 0min; ago < lasted; ++ago) trail.add(now - ago, a_minute);
    return trail;
}

TEST(burn_rate, of_a_month_rings_at_two_percent_in_an_hour) {
    burn_rate_rule const rule;
    auto const month = [&](money a_minute, std::chrono::minutes lasted) {
        return rule.look("s", {coffer::monthly, noon}, {1_usd, 720_usd}, burning(a_minute, lasted), noon);
    };
    // November: a dollar an hour is a burn rate of 1, and 14.4 dollars within an hour are 2 %.
    auto const alarm = month(0.24_usd, 60min);
    ASSERT_TRUE(alarm.has_value());
    EXPECT_EQ(alarm->kind, coffer::alarm_kind::burn_rate);
    EXPECT_EQ(alarm->amount, 14.40_usd);
    EXPECT_EQ(alarm->id, "burn_rate|s|month@UTC|1793491200|60min of 720000000000");
    EXPECT_EQ(alarm->sentence,
              "s has spent $14.40 in 60 minutes; at this pace its limit of $720.00 for month 2026-11 (UTC) is reached "
              "in 2995 "
              "minutes. Look what spends it, and freeze the scope if nobody knows.");
    EXPECT_FALSE(month(0.239999999_usd, 60min).has_value());
    EXPECT_FALSE(month(0.24_usd, 59min).has_value());
}

TEST(burn_rate, what_is_over_rings_no_more) {
    burn_rate_rule const rule;
    spend_trail trail;
    trail.add(noon - 40min, 100_usd);
    EXPECT_FALSE(rule.look("s", {coffer::monthly, noon}, {100_usd, 720_usd}, trail, noon).has_value());
    trail.add(noon - 4min, 1.20_usd);  // five minutes at 14.4
    EXPECT_TRUE(rule.look("s", {coffer::monthly, noon}, {101_usd, 720_usd}, trail, noon).has_value());
}

TEST(burn_rate, a_slower_fire_is_seen_in_six_hours) {
    burn_rate_rule const rule;
    auto const alarm = rule.look("s", {coffer::monthly, noon}, {36_usd, 720_usd}, burning(0.10_usd, 360min), noon);
    ASSERT_TRUE(alarm.has_value());
    EXPECT_EQ(alarm->amount, 36_usd);
    EXPECT_FALSE(
        rule.look("s", {coffer::monthly, noon}, {36_usd, 720_usd}, burning(0.099_usd, 360min), noon).has_value());
}

TEST(burn_rate, of_a_day_is_seen_within_half_an_hour) {
    burn_rate_rule const rule;
    commitment const present{8_usd, 24_usd};
    EXPECT_TRUE(rule.look("s", {coffer::daily, noon}, present, burning(0.24_usd, 30min), noon).has_value());
    EXPECT_FALSE(rule.look("s", {coffer::daily, noon}, present, burning(0.24_usd, 29min), noon).has_value());
    EXPECT_TRUE(rule.look("s", {coffer::daily, noon}, present, burning(0.10_usd, 120min), noon).has_value());
    EXPECT_TRUE(rule.look("s", {coffer::rolling(24h), noon}, present, burning(0.24_usd, 30min), noon).has_value());
}

TEST(burn_rate, a_limit_that_lasts_until_its_window_ends_is_no_alarm) {
    burn_rate_rule const rule;
    auto const late = noon + 11h;  // an hour to midnight, and 14.4 dollars to come
    EXPECT_FALSE(
        rule.look("s", {coffer::daily, late}, {9_usd, 24_usd}, burning(0.24_usd, 30min, late), late).has_value());
    EXPECT_TRUE(
        rule.look("s", {coffer::daily, late}, {9.60_usd, 24_usd}, burning(0.24_usd, 30min, late), late).has_value());
}

TEST(burn_rate, windows_without_a_pace_have_none) {
    burn_rate_rule const rule;
    auto const trail = burning(100_usd, 360min);
    for (auto const& w : {coffer::lifetime, coffer::hourly, coffer::rolling(1h)})
        EXPECT_FALSE(rule.look("s", {w, noon}, {1_usd, 720_usd}, trail, noon).has_value()) << w.text();
    EXPECT_FALSE(
        rule.look("s", {coffer::monthly, noon}, {720_usd, 720_usd}, trail, noon).has_value());  // a threshold says it
    EXPECT_FALSE(rule.look("s", {coffer::monthly, noon}, {0_usd, 0_usd}, trail, noon).has_value());
}

TEST(burn_rate, its_numbers_are_options) {
    burn_rate_rule rule;
    rule.of_day = {{10min, 1min, 20}};
    EXPECT_TRUE(rule.look("s", {coffer::daily, noon}, {23_usd, 24_usd}, burning(0.034_usd, 10min), noon).has_value());
    rule.of_day.clear();
    EXPECT_FALSE(rule.look("s", {coffer::daily, noon}, {23_usd, 24_usd}, burning(10_usd, 360min), noon).has_value());
}

TEST(burn_rate, agrees_with_a_slow_reckoning) {
    int rang = 0;
    for (auto const seed : support::each_seed()) {
        support::dice dice{seed};
        burn_rate_rule const rule;
        auto const now = noon + std::chrono::seconds{dice.below(86400 * 5)};
        auto const& w = dice.one_in(2) ? coffer::monthly : coffer::daily;
        commitment const present{money::from_nano(dice.below(700'000)), money::from_nano(1 + dice.below(720'000))};
        spend_trail trail;
        for (int i = 0; i < 60; ++i)
            trail.add(now - std::chrono::seconds{dice.below(7 * 3600)},
                      money::from_nano(dice.below(dice.one_in(2) ? 300 : 3000)));
        std::optional<std::int64_t> expected;
        auto const span = w.span_at(now);
        auto const seconds = [](auto d) {
            return static_cast<long double>(std::chrono::ceil<std::chrono::seconds>(d).count());
        };
        for (auto const& pair : rule.pairs_for(w)) {
            auto const rate = [&](std::chrono::minutes m) {  // of the limit's, at an even pace
                long double sum = 0;
                for (auto ago = 0min; ago < m; ++ago)
                    sum += static_cast<long double>(trail.at(spend_trail::cell_of(now) - ago.count()).nano());
                return sum / seconds(m) /
                       (static_cast<long double>(present.limit.nano()) / seconds(span.end - span.start));
            };
            auto const needed = static_cast<long double>(pair.tenths) / 10;
            auto const by_the_end = static_cast<long double>(present.committed.nano()) +
                                    rate(pair.longer) * static_cast<long double>(present.limit.nano()) *
                                        seconds(span.end - now) / seconds(span.end - span.start);
            if (present.committed < present.limit && rate(pair.longer) >= needed && rate(pair.shorter) >= needed &&
                by_the_end >= static_cast<long double>(present.limit.nano()) && !expected)
                expected = pair.longer.count();
        }
        auto const alarm = rule.look("s", {w, now}, present, trail, now);
        ASSERT_EQ(alarm.has_value(), expected.has_value());
        if (alarm) {
            ASSERT_NE(alarm->id.find("|" + std::to_string(*expected) + "min of "), std::string::npos) << alarm->id;
        }
        rang += alarm ? 1 : 0;
    }
    if (!support::replaying()) {
        EXPECT_GT(rang, 10);
    }
}

}  // namespace
}  // namespace burn_rate_test
