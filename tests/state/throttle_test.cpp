// SPDX-License-Identifier: BSL-1.0
#include <coffer/state/throttle.hpp>

#include <gtest/gtest.h>

#include <chrono>
#include <optional>

namespace throttle_test {
namespace {

using namespace coffer;
using namespace std::chrono_literals;

constexpr throttle::time_point start{1000h};

TEST(throttle, blocks_nobody_before_it_is_told) {
    throttle t{1s, 30s};
    EXPECT_LT(t.until(), start);
    EXPECT_FALSE(t.tells());
    t.passed(start);
    EXPECT_LT(t.until(), start);
}

TEST(throttle, a_hint_blocks_until_it_has_passed) {
    throttle t{1s, 30s};
    t.throttled(start, start + 1s, 20s);
    EXPECT_EQ(t.until(), start + 21s);
    t.throttled(start, start + 2s, 5s);
    EXPECT_EQ(t.until(), start + 21s) << "the longest one counts";
    t.throttled(start, start + 3s, 30s);
    EXPECT_EQ(t.until(), start + 33s);
    t.passed(start + 40s);
    EXPECT_EQ(t.until(), start + 33s);
}

TEST(throttle, a_hint_for_ever_does_not_block_for_ever) {
    throttle t{1s, 30s};
    t.throttled(start, start, std::chrono::hours{24 * 365 * 50});
    EXPECT_EQ(t.until(), start + 24h);
    t.throttled(start, start, throttle::duration::max());
    EXPECT_EQ(t.until(), start + 24h);
}

TEST(throttle, a_hint_is_spread_upwards_by_one_draw_for_each_piece_of_news) {
    throttle t{1s, 30s, 0.25};
    t.throttled(start, start, 20s, 0.5);
    EXPECT_EQ(t.until(), start + 22500ms);
    t.throttled(start - 1s, start, 20s, 0.9);
    EXPECT_EQ(t.until(), start + 22500ms) << "no news: many draws would all come to the largest";
    t.throttled(start + 1s, start + 10s, 20s, 0);
    EXPECT_EQ(t.until(), start + 30s) << "this is";
    t.throttled(start + 10s, start + 10s, throttle::duration::max(), 0.9);
    EXPECT_GT(t.until(), start + 24h);
    EXPECT_LT(t.until(), start + 30h);
}

TEST(throttle, without_hints_the_pause_doubles) {
    throttle t{1s, 30s};
    auto now = start;
    for (auto const pause : {1s, 2s, 4s, 8s, 16s, 30s, 30s}) {
        t.throttled(now, now, std::nullopt);
        ASSERT_EQ(t.until(), now + pause);
        now = t.until();
    }
    t.passed(now);
    t.throttled(now, now, std::nullopt);
    EXPECT_EQ(t.until(), now + 1s) << "after a success it is short again";
}

TEST(throttle, a_hundred_that_fail_together_are_one_piece_of_news) {
    throttle t{1s, 30s};
    for (int i = 0; i < 100; ++i) t.throttled(start, start + 1s + i * 1ms, std::nullopt);
    EXPECT_EQ(t.until(), start + 2s);
    t.throttled(start + 2s, start + 3s, std::nullopt);
    EXPECT_EQ(t.until(), start + 5s) << "this one began after the news";
}

TEST(throttle, a_success_that_began_before_the_news_tells_nothing) {
    throttle t{1s, 30s};
    t.throttled(start, start + 1s, std::nullopt);
    t.throttled(start + 2s, start + 2s, std::nullopt);
    t.passed(start);
    EXPECT_TRUE(t.tells());
    t.throttled(start + 4s, start + 4s, std::nullopt);
    EXPECT_EQ(t.until(), start + 8s) << "the third in a row";
    t.passed(start + 8s);
    EXPECT_FALSE(t.tells());
}

TEST(throttle, changed_pauses_hold_from_the_next_one_on) {
    throttle t{1s, 30s};
    t.throttled(start, start, std::nullopt);
    t.change(5s, 3s * 10);
    EXPECT_EQ(t.until(), start + 1s) << "that one is as long as it was";
    auto now = t.until();
    t.throttled(now, now, std::nullopt);
    EXPECT_EQ(t.until(), now + 5s) << "two seconds are too few now";
    now = t.until();
    t.change(5s, 6s);
    t.throttled(now, now, std::nullopt);
    EXPECT_EQ(t.until(), now + 6s) << "and ten too many";
    t.passed(now + 1h);
    now += 1h;
    t.change(2s, 60s);
    t.throttled(now, now, std::nullopt);
    EXPECT_EQ(t.until(), now + 2s);
}

}  // namespace
}  // namespace throttle_test
