// SPDX-License-Identifier: BSL-1.0
#include <coffer/state/repetition.hpp>

#include "support/seeds.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <chrono>
#include <cstdint>
#include <set>
#include <string>
#include <vector>

namespace repetition_test {
namespace {

using namespace coffer::literals;
using namespace std::chrono_literals;
using coffer::money;
using coffer::repeated_work;

std::chrono::system_clock::time_point const now = std::chrono::sys_days{std::chrono::year{2026} / 11 / 22};

TEST(replay_storm, of_21_replays_rings_at_the_3rd_and_the_12th) {
    coffer::replay_storm_rule const rule;
    std::vector<std::int64_t> rang;
    for (std::int64_t times = 1; times <= 21; ++times)
        if (rule.look("s", "report:9e1c", times - 1, times, 2_usd, now)) rang.push_back(times);
    EXPECT_EQ(rang, (std::vector<std::int64_t>{3, 12}));
    EXPECT_TRUE(rule.look("s", "report:9e1c", 47, 48, 2_usd, now).has_value());
    EXPECT_TRUE(coffer::replay_storm_rule{1}.look("s", "k", 0, 1, 2_usd, now).has_value());
    EXPECT_FALSE(coffer::replay_storm_rule{0}.look("s", "k", 0, 5, 2_usd, now).has_value());
}

TEST(replay_storm, tells_the_key_and_that_it_cost_nothing) {
    auto const alarm = coffer::replay_storm_rule{}.look("team", "report:9e1c", 0, 3, 2_usd, now);
    ASSERT_TRUE(alarm.has_value());
    EXPECT_EQ(alarm->kind, coffer::alarm_kind::replay_storm);
    EXPECT_EQ(alarm->severity, coffer::alarm_severity::warning);
    EXPECT_EQ(alarm->amount, 2_usd);
    EXPECT_EQ(alarm->id, "replay_storm|report:9e1c|1");
    EXPECT_EQ(alarm->sentence,
              "report:9e1c was answered 3 times from the store and never acknowledged: its job seems to fail after the "
              "answer. "
              "Nothing was paid for again. Look at the job's last step, and acknowledge the key when it succeeds.");
    EXPECT_EQ(coffer::replay_storm_rule{}.look("team", "report:9e1c", 11, 12, 2_usd, now)->severity,
              coffer::alarm_severity::critical);
}

TEST(duplicate_work, rings_at_the_third_key) {
    coffer::duplicate_work_rule const rule;
    auto const paid = [](std::int64_t keys) {
        return repeated_work{keys, money::from_nano(keys * 2'000'000'000), 2_usd};
    };
    EXPECT_FALSE(rule.look("team", "9e1c", paid(0), paid(1), now).has_value());
    EXPECT_FALSE(rule.look("team", "9e1c", paid(1), paid(2), now).has_value());
    auto const alarm = rule.look("team", "9e1c", paid(2), paid(3), now);
    ASSERT_TRUE(alarm.has_value());
    EXPECT_EQ(alarm->kind, coffer::alarm_kind::duplicate_work);
    EXPECT_EQ(alarm->amount, 4_usd);
    EXPECT_EQ(alarm->against, 2_usd);
    EXPECT_EQ(alarm->id.substr(0, 25), "duplicate_work|team|9e1c|");
    EXPECT_NE(rule.look("team", "9e1c", {}, paid(3), now + 24h)->id, alarm->id) << "the next day it rings again";
    EXPECT_EQ(alarm->sentence.substr(0, 70), "The same work (9e1c) was paid for under 3 keys in team, $4.00 more tha");
    EXPECT_FALSE(rule.look("team", "9e1c", paid(3), paid(4), now).has_value());
    EXPECT_TRUE(rule.look("team", "9e1c", paid(11), paid(12), now).has_value());
}

TEST(duplicate_work, what_is_hardly_worth_a_look_rings_when_it_is) {
    coffer::duplicate_work_rule const rule;
    auto const pings = [](std::int64_t keys) {
        return repeated_work{keys, money::from_nano(keys * 1'000'000), 0.001_usd};
    };
    std::vector<std::int64_t> rang;
    for (std::int64_t keys = 1; keys <= 400; ++keys)
        if (rule.look("team", "ping", pings(keys - 1), pings(keys), now)) rang.push_back(keys);
    EXPECT_EQ(rang, (std::vector<std::int64_t>{101, 192}));
}

TEST(duplicate_work, rings_once_for_each_step_whatever_is_paid) {
    for (auto const seed : support::each_seed()) {
        support::dice dice{seed};
        coffer::duplicate_work_rule const rule{1 + dice.below(5), money::from_nano(dice.below(2000))};
        repeated_work work;
        std::set<std::string> ids;
        for (int i = 0; i < 100; ++i) {
            auto const before = work;
            auto const cost = money::from_nano(dice.below(100));
            ++work.keys;
            work.paid += cost;
            work.dearest = std::max(work.dearest, cost);
            auto const alarm = rule.look("team", "w", before, work, now);
            auto const worth_it = work.keys >= rule.keys && work.paid - work.dearest >= rule.wasted;
            if (alarm) {
                ASSERT_TRUE(worth_it);
                ASSERT_TRUE(ids.insert(alarm->id).second) << alarm->id;
            }
            ASSERT_TRUE(!worth_it || !ids.empty());  // never late
        }
    }
}

}  // namespace
}  // namespace repetition_test
