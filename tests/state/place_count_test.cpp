// SPDX-License-Identifier: BSL-1.0
#include <coffer/state/place_count.hpp>

#include <gtest/gtest.h>

#include <atomic>
#include <cstdlib>
#include <thread>
#include <utility>
#include <vector>

#include "support/seeds.hpp"

namespace place_count_test {
namespace {

using namespace coffer;

TEST(place_count, gives_as_many_places_as_there_are) {
    for (int const limit : {1, 3, 1'000'000}) {
        place_count p{limit};
        EXPECT_EQ(p.limit(), limit);
        int taken = 0;
        while (p.try_take()) ++taken;
        EXPECT_EQ(taken, limit);
        EXPECT_EQ(p.taken(), limit);
        EXPECT_TRUE(p.try_give_back());
        EXPECT_TRUE(p.try_take());
        EXPECT_FALSE(p.try_take());
    }
}

TEST(place_count, while_somebody_waits_nobody_slips_in_and_what_is_given_back_is_his) {
    place_count p{2};
    ASSERT_TRUE(p.try_take() && p.try_take());
    EXPECT_FALSE(p.close());
    EXPECT_FALSE(p.try_give_back());
    EXPECT_EQ(p.taken(), 2);
    p.give_back();
    EXPECT_FALSE(p.try_take()) << "there is a place, and not for everybody";
    EXPECT_TRUE(p.try_take_closed());
    EXPECT_FALSE(p.try_take_closed());
    p.open();
    EXPECT_TRUE(p.try_give_back());
    EXPECT_TRUE(p.try_take());
}

TEST(place_count, whoever_closes_is_told_of_a_place_that_came_free_just_before) {
    place_count p{1};
    ASSERT_TRUE(p.try_take());
    ASSERT_FALSE(p.try_take()) << "so he will wait";
    ASSERT_TRUE(p.try_give_back()) << "and nobody knows of him yet";
    EXPECT_TRUE(p.close());
    EXPECT_TRUE(p.try_take_closed());
}

TEST(place_count, nine_of_ten_are_nearly_all) {
    for (auto const& [limit, enough] : {std::pair{1, 1}, {2, 2}, {9, 9}, {10, 9}, {20, 18}, {1000, 900}}) {
        place_count p{limit};
        for (int i = 1; i <= limit; ++i) {
            ASSERT_TRUE(p.try_take());
            ASSERT_EQ(p.nearly_full(), i >= enough) << i << " of " << limit;
        }
        p.set_limit(1);
        EXPECT_TRUE(p.nearly_full()) << "more than there are";
    }
}

TEST(place_count, a_lowered_limit_takes_no_place_away_and_gives_none_until_enough_are_back) {
    place_count p{3};
    for (int i = 0; i < 3; ++i) ASSERT_TRUE(p.try_take());
    p.set_limit(1);
    EXPECT_EQ(p.limit(), 1);
    EXPECT_EQ(p.taken(), 3);
    EXPECT_FALSE(p.try_take());
    EXPECT_TRUE(p.try_give_back());
    EXPECT_TRUE(p.try_give_back());
    EXPECT_FALSE(p.try_take());
    EXPECT_TRUE(p.try_give_back());
    EXPECT_TRUE(p.try_take());
    p.set_limit(2);
    EXPECT_TRUE(p.try_take());
    EXPECT_FALSE(p.try_take());
    EXPECT_FALSE(p.close());
    p.set_limit(3);
    EXPECT_FALSE(p.try_take()) << "closed as before";
    EXPECT_TRUE(p.try_take_closed());
}

TEST(place_count_model, random_use_counts_right) {
    for (auto const seed : support::each_seed()) {
        support::dice dice{seed};
        auto limit = 1 + dice.below(6);
        place_count p{limit};
        int taken = 0;
        bool closed = false;
        for (int i = 0; i < 200; ++i) {
            switch (dice.below(6)) {
                case 0: ASSERT_EQ(p.try_take(), !closed && taken < limit); break;
                case 1:
                    if (taken > 0) {
                        ASSERT_EQ(p.try_give_back(), !closed);
                        taken -= closed ? 0 : 1;
                    }
                    continue;
                case 2:
                    if (closed) {
                        bool const room = taken < limit;
                        ASSERT_EQ(p.try_take_closed(), room);
                        taken += room ? 1 : 0;
                    }
                    continue;
                case 3:
                    if (taken > 0) p.give_back(), --taken;
                    continue;
                case 4:
                    closed = dice.one_in(2);
                    if (closed) {
                        ASSERT_EQ(p.close(), taken < limit);
                    } else {
                        p.open();
                    }
                    continue;
                default: p.set_limit(limit = 1 + dice.below(6)); continue;
            }
            taken += !closed && taken < limit ? 1 : 0;
            ASSERT_EQ(p.taken(), taken) << "seed " << seed;
            ASSERT_EQ(p.limit(), limit);
        }
    }
}

TEST(place_count_threads, never_more_are_in_than_there_are_places) {
    constexpr int limit = 3, threads = 4, rounds = 20'000;
    place_count p{limit};
    std::atomic<int> in{0}, most{0}, times{0};
    std::vector<std::thread> all;
    for (int t = 0; t < threads; ++t)
        all.emplace_back([&] {
            for (int i = 0; i < rounds; ++i) {
                if (!p.try_take()) continue;
                auto const now = ++in;
                auto seen = most.load();
                while (seen < now && !most.compare_exchange_weak(seen, now)) {
                }
                ++times, --in;
                if (!p.try_give_back()) std::abort();
            }
        });
    for (auto& t : all) t.join();
    EXPECT_LE(most, limit);
    EXPECT_GE(times, rounds);
    EXPECT_EQ(p.taken(), 0);
}

}  // namespace
}  // namespace place_count_test
