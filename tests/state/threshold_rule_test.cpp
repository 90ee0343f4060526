// SPDX-License-Identifier: BSL-1.0
#include <coffer/state/threshold_rule.hpp>

#include "support/seeds.hpp"

#include <gtest/gtest.h>

#include <chrono>
#include <cstdint>
#include <set>
#include <string>
#include <vector>

namespace threshold_rule_test {
namespace {

using namespace coffer::literals;
using namespace std::chrono_literals;
using coffer::commitment;
using coffer::money;
using coffer::threshold_rule;
using time_point = std::chrono::system_clock::time_point;

time_point const noon = std::chrono::sys_days{std::chrono::year{2026} / 11 / 22} + 12h;

TEST(threshold_rule, a_percent_is_crossed_when_it_is_reached) {
    threshold_rule const rule;
    auto const crossed = [&](money from, money to) { return rule.crossed({from, 10_usd}, {to, 10_usd}); };
    EXPECT_EQ(crossed(4.999999999_usd, 5_usd), (std::vector{50}));
    EXPECT_EQ(crossed(4_usd, 4.999999999_usd), (std::vector<int>{}));
    EXPECT_EQ(crossed(5_usd, 7.99_usd), (std::vector<int>{}));
    EXPECT_EQ(crossed(0_usd, 8_usd), (std::vector{50, 80}));
    EXPECT_EQ(crossed(9_usd, 11_usd), (std::vector{100}));
    EXPECT_EQ(crossed(9_usd, 5_usd), (std::vector<int>{}));
}

TEST(threshold_rule, a_lower_limit_crosses_as_well) {
    threshold_rule const rule;
    EXPECT_EQ(rule.crossed({4_usd, 10_usd}, {4_usd, 5_usd}), (std::vector{50, 80}));
    EXPECT_EQ(rule.crossed({4_usd, 10_usd}, {4_usd, 0_usd}), (std::vector{50, 80, 100}));
    EXPECT_EQ(rule.crossed({0_usd, 10_usd}, {0_usd, 0_usd}), (std::vector<int>{}));
    EXPECT_EQ(rule.crossed({4_usd, 5_usd}, {4_usd, 10_usd}), (std::vector<int>{}));
}

TEST(threshold_rule, the_largest_amounts_do_not_overflow) {
    threshold_rule const rule;
    EXPECT_EQ(rule.crossed({money{}, money::max()}, {money::max(), money::max()}), (std::vector{50, 80, 100}));
}

TEST(threshold_rule, tells_the_highest_and_what_to_do) {
    threshold_rule const rule;
    auto const day = coffer::daily;
    auto const alarm = rule.look("team/search", {day, noon}, {1_usd, 25_usd}, {20.10_usd, 25_usd}, noon);
    ASSERT_TRUE(alarm.has_value());
    EXPECT_EQ(alarm->kind, coffer::alarm_kind::threshold);
    EXPECT_EQ(alarm->severity, coffer::alarm_severity::warning);
    EXPECT_EQ(alarm->window, "day@UTC");
    EXPECT_EQ(alarm->amount, 20.10_usd);
    EXPECT_EQ(alarm->against, 25_usd);
    EXPECT_EQ(alarm->id, "threshold|team/search|day@UTC|1795305600|80 of 25000000000");
    EXPECT_EQ(alarm->sentence,
              "team/search has committed $20.10 of $25.00, 80 % or more of its limit for day 2026-11-22 (UTC). If this "
              "is more "
              "than the work needs, look what spends it; if not, raise the limit in time.");
    EXPECT_EQ(rule.look("s", {day, noon}, {1_usd, 25_usd}, {25_usd, 25_usd}, noon)->severity,
              coffer::alarm_severity::critical);
    EXPECT_EQ(rule.look("s", {day, noon}, {1_usd, 25_usd}, {13_usd, 25_usd}, noon)->severity,
              coffer::alarm_severity::notice);
    EXPECT_FALSE(rule.look("s", {day, noon}, {13_usd, 25_usd}, {14_usd, 25_usd}, noon).has_value());
}

TEST(threshold_rule, an_id_is_that_of_the_window) {
    threshold_rule const rule;
    auto const id = [&](coffer::window const& w, time_point t) {
        return rule.look("s", {w, t}, {0_usd, 1_usd}, {1_usd, 1_usd}, t)->id;
    };
    EXPECT_EQ(id(coffer::daily, noon), id(coffer::daily, noon + 11h));
    EXPECT_NE(id(coffer::daily, noon), id(coffer::daily, noon + 12h));
    EXPECT_NE(id(coffer::daily, noon), id(coffer::monthly, noon));
    EXPECT_EQ(id(coffer::lifetime, noon), id(coffer::lifetime, noon + 1000h));
    auto const last_day = coffer::rolling(24h);
    EXPECT_EQ(id(last_day, noon), id(last_day, noon + 1h));
    EXPECT_NE(id(last_day, noon), id(last_day, noon + 24h));
}

TEST(threshold_rule, a_percent_is_said_once_however_amounts_go_up_and_down) {
    for (auto const seed : support::each_seed()) {
        support::dice dice{seed};
        threshold_rule const rule{{50, 80, 100}};
        commitment present{money{}, 10_usd};
        std::set<std::string> delivered;
        std::int64_t most_percent = 0;
        for (int i = 0; i < 60; ++i) {
            auto const before = present;
            present.committed =
                std::max(money{}, present.committed + money::from_nano(dice.below(3'000'000'000) - 1'200'000'000));
            auto const crossed = rule.crossed(before, present);
            // Counted in cents that cannot overflow.
            for (auto const percent : {50, 80, 100}) {
                auto const line = money::from_nano(100'000'000LL * percent);
                auto const is_new = before.committed < line && present.committed >= line;
                ASSERT_EQ(std::count(crossed.begin(), crossed.end(), percent), is_new ? 1 : 0);
                if (present.committed >= line) most_percent = std::max<std::int64_t>(most_percent, percent);
            }
            if (auto const alarm = rule.look("s", {coffer::daily, noon}, before, present, noon))
                delivered.insert(alarm->id);
        }
        ASSERT_LE(delivered.size(), 3U);
        if (most_percent > 0) {
            ASSERT_TRUE(delivered.contains("threshold|s|day@UTC|1795305600|" + std::to_string(most_percent) +
                                           " of 10000000000"));
        } else {
            ASSERT_TRUE(delivered.empty());
        }
    }
}

}  // namespace
}  // namespace threshold_rule_test
