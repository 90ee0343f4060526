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

TEST(throttle, of_a_hint_beyond_the_ceiling_only_so_much_is_believed) {
    throttle usual{1s, 30s};
    usual.throttled(start, start, throttle::duration::max());
    EXPECT_EQ(usual.until(), start + 10min);
    throttle t{1s, 30s, 0, 2h};
    t.throttled(start, start, 1h);
    EXPECT_EQ(t.until(), start + 1h);
    t.throttled(start, start, std::chrono::hours{24 * 365 * 50});
    EXPECT_EQ(t.until(), start + 2h);
    t.change(1s, 30s, 0, 10min);
    t.throttled(start + 3h, start + 3h, 2h);
    EXPECT_EQ(t.until(), start + 3h + 10min);
    throttle none{1s, 30s, 0, 0s};
    none.throttled(start, start, 20s);
    EXPECT_EQ(none.until(), start + 1s) << "no hint is believed";
}

TEST(throttle, a_hint_of_zero_is_none) {
    for (auto const hint : {0s, -5s}) {
        throttle t{1s, 30s};
        auto now = start;
        for (auto const pause : {1s, 2s, 4s, 8s, 16s, 30s, 30s}) {
            t.throttled(now, now, hint);
            ASSERT_EQ(t.until(), now + pause);
            now = t.until();
        }
    }
}

TEST(throttle, for_ever_is_a_pause_and_a_hint) {
    constexpr auto for_ever = throttle::duration::max();
    throttle pause{for_ever, for_ever};
    for (int i = 0; i < 3; ++i) pause.throttled(start + i * 1s, start + i * 1s, std::nullopt);
    EXPECT_GT(pause.until(), start + std::chrono::hours{24 * 365});
    throttle grows{1s, for_ever};
    auto now = start;
    for (int i = 0; i < 100; ++i) grows.throttled(now, now, std::nullopt), now += 1s;
    EXPECT_GT(grows.until(), start + std::chrono::hours{24 * 365});
    throttle hint{1s, 30s, 1000, for_ever};
    hint.throttled(start, start, for_ever, 0.9);
    EXPECT_GT(hint.until(), start + std::chrono::hours{24 * 365});
    EXPECT_LT(hint.until(), throttle::time_point::max() - std::chrono::hours{24 * 365});
}

TEST(throttle, a_lifted_block_is_as_if_it_had_never_been) {
    throttle t{1s, 30s, 0.25};
    for (int i = 0; i < 4; ++i) t.throttled(start + i * 1h, start + i * 1h, std::nullopt);
    t.throttled(start + 5h, start + 5h, 5min, 0.5);
    t.lift();
    EXPECT_LT(t.until(), start);
    EXPECT_LT(t.least_until(), start);
    EXPECT_FALSE(t.tells());
    t.throttled(start, start + 6h, std::nullopt);
    EXPECT_EQ(t.until(), start + 6h + 1s);
}

TEST(throttle, a_hint_is_spread_upwards_by_one_draw_for_each_piece_of_news) {
    throttle t{1s, 30s, 0.25, 24h};
    t.throttled(start, start, 20s, 0.5);
    EXPECT_EQ(t.until(), start + 22500ms);
    EXPECT_EQ(t.least_until(), start + 20s);
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
