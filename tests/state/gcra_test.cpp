// SPDX-License-Identifier: BSL-1.0
// One limit: tables, and random takes and corrections against a bucket that is counted exactly, drop by drop.
#include <coffer/state/gcra.hpp>

#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <utility>
#include <vector>

#include "support/seeds.hpp"

namespace gcra_test {
namespace {

using namespace coffer;
using namespace std::chrono_literals;
using point = gcra::time_point;

constexpr point start{1000h};

TEST(gcra, lets_a_full_bucket_go_at_once_and_then_one_after_the_other) {
    gcra minute{60, 1min, 1min};
    for (int i = 0; i < 60; ++i) {
        ASSERT_LE(minute.earliest(1), start) << i;
        minute.take(1, start);
    }
    for (int i = 1; i <= 100; ++i) {
        ASSERT_EQ(minute.earliest(1), start + i * 1s);
        minute.take(1, start + i * 1s);
    }
    EXPECT_EQ(minute.free(start + 100s), 0);
    EXPECT_EQ(minute.free(start + 110s), 10);
    EXPECT_EQ(minute.free(start + 1h), 60) << "it is full, and not fuller";
}

TEST(gcra, a_burst_is_cut_to_the_window_and_holds_one_unit_at_the_least) {
    EXPECT_EQ((gcra{60, 1min, 1h}.burst()), 1min);
    EXPECT_EQ((gcra{60, 1min, 10s}.free(start)), 10);
    EXPECT_EQ((gcra{60, 1min, 1ns}.free(start)), 1);
    EXPECT_EQ((gcra{1, 24h, std::chrono::nanoseconds::max()}.free(start)), 1);
}

TEST(gcra, more_than_a_burst_is_let_in_when_the_bucket_is_full_and_leaves_a_debt) {
    gcra minute{60, 1min, 10s};
    EXPECT_LE(minute.earliest(30), start);
    minute.take(30, start);
    EXPECT_EQ(minute.free(start), 0);
    EXPECT_EQ(minute.earliest(1), start + 21s) << "20 are owed";
    EXPECT_EQ(minute.earliest(30), start + 30s) << "when it is full again";
}

TEST(gcra, rounds_the_sum_and_not_each_unit) {
    gcra const large{7'000'000, 1min, 1min};  // 8.57 us for each
    EXPECT_EQ(large.cost(1), 8572ns);
    EXPECT_EQ(large.cost(7'000'000), 1min);
    EXPECT_EQ(large.cost(3'500'000), 30s);
    gcra const huge{gcra::most, 1min, 1min};  // 0.06 ns for each
    EXPECT_EQ(huge.cost(1), 1ns);
    EXPECT_EQ(huge.cost(gcra::most), 1min);
}

TEST(gcra, absurd_numbers_stay_within_time) {
    gcra one{1, 24h, 24h};
    one.take(2 * gcra::most, start);
    one.take(2 * gcra::most, start);
    EXPECT_GT(one.earliest(1), start + std::chrono::hours{24 * 365});
    EXPECT_GT(one.earliest_behind(1'000'000 * gcra::most, 2 * gcra::most, start), start);
    for (int i = 0; i < 100; ++i) one.take(2 * gcra::most, start);
    EXPECT_GT(one.full_at(), start) << "no overflow";
    gcra wide{gcra::most - 1, 24h, 24h};
    EXPECT_EQ(wide.cost(gcra::most - 1), 24h);
    EXPECT_EQ(wide.cost((gcra::most - 1) / 3), 8h);
}

TEST(gcra, a_correction_gives_back_or_takes_what_was_estimated_wrong) {
    gcra minute{60, 1min, 1min};
    minute.take(60, start);
    minute.correct(60, 20, start);
    EXPECT_EQ(minute.free(start), 40);
    minute.correct(0, 50, start);
    EXPECT_EQ(minute.free(start), 0);
    EXPECT_EQ(minute.earliest(1), start + 11s) << "ten are owed";
}

TEST(gcra, what_comes_back_late_does_not_overfill_the_bucket) {
    gcra minute{60, 1min, 1min};
    minute.take(30, start);
    minute.correct(30, 0, start + 1h);
    EXPECT_EQ(minute.free(start + 1h), 60);
    minute.take(60, start + 1h);
    EXPECT_EQ(minute.earliest(1), start + 1h + 1s) << "nothing was saved up beside it";
}

TEST(gcra, a_debt_that_is_told_late_begins_now) {
    gcra minute{60, 1min, 1min};
    minute.take(1, start);
    minute.correct(1, 61, start + 1h);
    EXPECT_EQ(minute.earliest(60), start + 1h + 1min);
}

TEST(gcra, behind_others_one_waits_until_they_have_had_theirs) {
    gcra minute{60, 1min, 10s};
    EXPECT_EQ(minute.earliest_behind(0, 10, start), start);
    EXPECT_EQ(minute.earliest_behind(10, 10, start), start + 10s);
    EXPECT_EQ(minute.earliest_behind(10, 1, start), start + 1s);
    EXPECT_EQ(minute.earliest_behind(100, 30, start), start + 100s);
    minute.take(10, start);
    EXPECT_EQ(minute.earliest_behind(0, 1, start), start + 1s);
    EXPECT_EQ(minute.earliest_behind(5, 1, start), start + 6s);
}

TEST(gcra, learns_what_others_have_taken_once) {
    gcra minute{60, 1min, 1min};
    minute.take(1, start);
    auto const first = minute.mark();
    minute.take(1, start);
    auto const second = minute.mark();
    ASSERT_EQ(minute.free(start), 58);

    minute.learn(first, start + 41s, start + 1s);  // 19 are left, of 59 as we thought
    EXPECT_EQ(minute.free(start), 19) << "one of the 40 that are missing may be our second";
    minute.learn(second, start + 42s, start + 2s);
    EXPECT_EQ(minute.free(start), 18) << "it was not: these are all of ours, and 40 are missing";
    minute.learn(second, start + 42s, start + 2s);
    EXPECT_EQ(minute.free(start), 18) << "that was no news";
    minute.learn(second, start + 47s, start + 2s);
    EXPECT_EQ(minute.free(start), 13) << "that was";
}

TEST(gcra, own_ones_that_arrive_in_another_order_are_nobody_elses) {
    gcra minute{60, 1min, 1min};
    std::array<gcra::time_point, 10> marks;
    for (auto& mark : marks) minute.take(1, start), mark = minute.mark();
    for (int arrived = 1; arrived <= 10; ++arrived)  // the last one first
        minute.learn(marks[static_cast<std::size_t>(10 - arrived)], start + arrived * 1s, start);
    EXPECT_EQ(minute.free(start), 50);
}

TEST(gcra, what_others_took_meanwhile_is_learned_from_the_last_answer_in_whatever_order_they_arrive) {
    for (auto const seed : support::each_seed(support::seeds(10))) {
        support::dice dice{seed};
        gcra minute{600, 1min, 1min};
        std::vector<gcra::time_point> marks;
        std::int64_t seen = 0;
        std::int64_t others = 0;
        for (int i = 0; i < 40; ++i) {
            if (dice.one_in(2) || marks.empty()) {
                minute.take(1, start);
                marks.push_back(minute.mark());
            } else {  // one of them arrives
                auto const at = marks.begin() + dice.below(static_cast<std::ptrdiff_t>(marks.size()));
                ++seen;
                others += dice.below(std::int64_t{3});
                minute.learn(*at, start + (seen + others) * 100ms, start);
                ASSERT_GE(minute.free(start), 600 - seen - others - static_cast<std::int64_t>(marks.size()) + 1)
                    << "more than all of theirs and ours";
                marks.erase(at);
            }
        }
        for (auto const mark : marks) {
            ++seen;
            minute.learn(mark, start + (seen + others) * 100ms, start);
        }
        ASSERT_EQ(minute.free(start), 600 - seen - others) << "seed " << seed;
    }
}

TEST(gcra, learning_never_puts_it_up_nor_below_empty) {
    gcra minute{60, 1min, 1min};
    minute.take(30, start);
    auto const mark = minute.mark();
    minute.learn(mark, start, start);
    minute.learn(mark, start + 30s, start);
    EXPECT_EQ(minute.free(start), 30);
    minute.take(20, start);
    minute.learn(mark, start + 1min, start);
    EXPECT_EQ(minute.free(start), 0);
    EXPECT_EQ(minute.earliest(1), start + 1s) << "whoever is next need not wait for what others owe";
    minute.learn(mark, start + 1min, start + 10s);
    EXPECT_EQ(minute.free(start + 10s), 10) << "told twice, counted once";
}

TEST(gcra, old_news_are_no_news) {
    gcra minute{60, 1min, 1min};
    minute.take(1, start);
    auto const mark = minute.mark();
    minute.learn(mark, start + 1min, start + 2min);  // all was gone two minutes ago
    EXPECT_EQ(minute.free(start + 2min), 60);
}

// Another limit ----------------------------------------------------------------------------------------------------------

TEST(gcra, another_limit_takes_over_what_lies_in_the_bucket) {
    for (auto const& [before, after, taken, free] : {
             std::array<std::int64_t, 4>{600, 60, 600, 0},  // empty stays empty
             std::array<std::int64_t, 4>{60, 600, 60, 0},
             std::array<std::int64_t, 4>{600, 60, 300, 30},  // half full, half full
             std::array<std::int64_t, 4>{60, 600, 30, 300},
             std::array<std::int64_t, 4>{600, 60, 0, 60},
         }) {
        gcra old{before, 1min, 1min};
        old.take(taken, start);
        gcra next{after, 1min, 1min};
        EXPECT_FALSE(next.take_over(old, start));
        EXPECT_EQ(next.free(start), free) << before << " to " << after;
    }
    gcra old{600, 1min, 1min};
    old.take(600, start);
    gcra lower{60, 1min, 1min};
    lower.take_over(old, start);
    EXPECT_EQ(lower.earliest(1), start + 1s) << "from now on at its pace";
    gcra higher{600, 1min, 1min};
    higher.take_over(lower, start + 1s);
    EXPECT_EQ(higher.free(start + 1s), 10) << "to and fro brings nothing";
}

TEST(gcra, another_burst_is_filled_by_time_alone) {
    gcra wide{60, 1min, 1min};
    wide.take(10, start);
    gcra narrow{60, 1min, 10s};
    narrow.take_over(wide, start);
    EXPECT_EQ(narrow.free(start), 10) << "it holds no more";
    narrow.take(4, start);
    gcra again{60, 1min, 1min};
    again.take_over(narrow, start);
    EXPECT_EQ(again.free(start), 6);
    EXPECT_EQ(again.free(start + 1min), 60);
}

TEST(gcra, a_debt_stays_as_long_as_it_was) {
    gcra minute{60, 1min, 10s};
    minute.take(30, start);
    gcra slower{6, 1min, 10s};
    slower.take_over(minute, start);
    EXPECT_EQ(slower.earliest(1), start + 30s) << "20 s are owed, and one of these takes 10";
}

TEST(gcra, whoever_has_been_taken_over_gives_and_takes_nothing_any_more) {
    gcra old{60, 1min, 1min};
    ASSERT_TRUE(old.take(10, start));
    gcra next{60, 1min, 1min};
    EXPECT_TRUE(next.take_over(old, start)) << "it is the same limit: marks are good for both";
    EXPECT_EQ(next.full_at(), start + 10s);
    point mark;
    EXPECT_FALSE(old.take_if(old.cost(1), start, mark));
    EXPECT_FALSE(old.take(1, start));
    EXPECT_FALSE(old.correct(10, 5, start));
    EXPECT_FALSE(old.correct(10, 50, start));
    EXPECT_FALSE(old.undo(1s));
    EXPECT_FALSE(old.take_if(old.cost(1), start + std::chrono::hours{24 * 365 * 150}, mark)) << "for ever";
}

// The oracle -------------------------------------------------------------------------------------------------------------

/// A bucket in parts of a unit so small that nothing is rounded.
class exact_bucket {
public:
    exact_bucket(std::int64_t limit, std::int64_t window, std::int64_t burst)
        : limit_{limit}, window_{window}, most_{wide(burst) * limit}, level_{most_} {}

    void pass(std::int64_t ns) { level_ = std::min(most_, level_ + wide(ns) * limit_); }
    [[nodiscard]] bool fits(std::int64_t units) const { return level_ >= std::min(wide(units) * window_, most_); }
    void take(std::int64_t units) { level_ -= wide(units) * window_; }
    void correct(std::int64_t was, std::int64_t is) { level_ = std::min(most_, level_ + wide(was - is) * window_); }
    /// By how much it would have to be fuller, as the time that takes.
    [[nodiscard]] std::int64_t missing(std::int64_t units) const {
        auto const lacks = std::min(wide(units) * window_, most_) - level_;
        return lacks <= 0 ? 0 : static_cast<std::int64_t>((lacks + limit_ - 1) / limit_);
    }

private:
    using number = coffer::detail::wide_int;
    static number wide(std::int64_t n) { return number{n}; }
    std::int64_t limit_, window_;
    number most_, level_;
};

TEST(gcra_model, says_what_an_exact_bucket_says_and_never_lets_in_more) {
    for (auto const seed : support::each_seed()) {
        support::dice dice{seed};
        constexpr std::int64_t windows[] = {1'000'000'000, 60'000'000'000, 86'400'000'000'000};
        auto const window = windows[dice.below(3)];
        constexpr std::int64_t limits[] = {1, 7, 60, 500, 7'000'000, 123'456'789'012};
        auto const limit = limits[dice.below(6)];
        gcra bucket{limit, std::chrono::nanoseconds{window},
                    dice.one_in(2) ? std::chrono::nanoseconds::max() : std::chrono::nanoseconds{window / 10}};
        exact_bucket truth{limit, window, bucket.burst().count()};
        std::vector<std::int64_t> out;
        auto now = start;
        int admitted = 0;
        for (std::int64_t step = 1; step <= 60; ++step) {
            auto const pause = dice.one_in(3) ? 0 : dice.below(dice.one_in(4) ? window : window / 30 + 1);
            now += std::chrono::nanoseconds{pause};
            truth.pass(pause);
            auto const units = 1 + dice.below(std::max<std::int64_t>(limit / (dice.one_in(4) ? 1 : 8), 1));
            if (!out.empty() && dice.one_in(3)) {
                auto const i = dice.below(out.size());
                auto const is = dice.below(out[i] + out[i] / 4 + 1);
                bucket.correct(out[i], is, now);
                truth.correct(out[i], is);
                std::swap(out[i], out.back());
                out.pop_back();
            } else {
                bool const in = bucket.earliest(units) <= now;
                ASSERT_TRUE(!in || truth.fits(units)) << "seed " << seed << ", step " << step;
                // Not in: by no more than a nanosecond for each sum that was rounded.
                auto const wait = bucket.earliest(units) - now;
                ASSERT_TRUE(in || wait.count() - truth.missing(units) <= 2 * step) << "seed " << seed;
                if (in || dice.one_in(5)) {
                    bucket.take(units, now);
                    truth.take(units);
                    out.push_back(units);
                    admitted += in;
                }
            }
        }
        ASSERT_GT(admitted, 0) << "seed " << seed;
    }
}

/// A limit and how much of it at once, as they were from then on.
struct rule {
    point from;
    std::int64_t limit;
    std::int64_t burst;
};

TEST(gcra_model, however_often_limits_change_no_stretch_of_time_holds_more_than_the_largest_of_them_lets_in) {
    using wide = coffer::detail::wide_int;
    int many = 0;
    for (auto const seed : support::each_seed(support::seeds(25))) {
        support::dice dice{seed};
        constexpr std::int64_t windows[] = {1'000'000'000, 60'000'000'000, 86'400'000'000'000};
        auto const window = windows[dice.below(3)];
        auto const draw = [&] {
            constexpr std::int64_t limits[] = {2, 7, 60, 500, 601, 7'000'000};
            return std::make_unique<gcra>(limits[dice.below(6)], std::chrono::nanoseconds{window},
                                          std::chrono::nanoseconds{dice.one_in(2) ? window : window / 7});
        };
        auto bucket = draw();
        auto now = start;
        std::vector<rule> rules{{now, bucket->limit(), bucket->burst().count()}};
        struct taken {
            point at;
            std::int64_t units;
        };
        std::vector<taken> all;
        for (int step = 0; step < 120; ++step) {
            now += std::chrono::nanoseconds{dice.one_in(2) ? 0 : dice.below(dice.one_in(10) ? window : window / 50)};
            if (dice.one_in(5)) {
                auto next = draw();
                next->take_over(*bucket, now);
                bucket = std::move(next);
                rules.push_back({now, bucket->limit(), bucket->burst().count()});
            }
            // All that there is, or a part of it, or one.
            auto const free = bucket->free(now);
            auto const units = dice.one_in(3) ? free : dice.one_in(2) ? dice.below(free + 1) : 1;
            point mark;
            if (units > 0 && bucket->take_if(bucket->cost(units), now, mark)) all.push_back({now, units});
        }
        for (std::size_t i = 0; i < all.size(); ++i) {
            wide sum = 0;
            for (auto j = i; j < all.size(); ++j) {
                sum += all[j].units;
                std::int64_t limit = 0, burst = 0;
                for (std::size_t r = 0; r < rules.size(); ++r)
                    if (rules[r].from <= all[j].at && (r + 1 == rules.size() || rules[r + 1].from >= all[i].at)) {
                        limit = std::max(limit, rules[r].limit);
                        burst = std::max(burst, rules[r].burst);
                    }
                auto const most = wide{limit} * (burst + (all[j].at - all[i].at).count()) / window;
                ASSERT_LE(sum, most) << "seed " << seed << ", from " << i << " to " << j;
            }
        }
        many += all.size() > 30;
    }
    EXPECT_TRUE(support::replaying() || many > 0);
}

/// What lies in a bucket, as the time in which it was refilled.
class time_in_bucket {
public:
    explicit time_in_bucket(gcra const& g) { shape(g), level_ = burst_; }
    void pass(std::int64_t ns) { level_ = std::min(burst_, level_ + static_cast<long double>(ns)); }
    [[nodiscard]] long double missing(std::int64_t units) const { return std::min(cost(units), burst_) - level_; }
    [[nodiscard]] long double cost(std::int64_t units) const {
        return static_cast<long double>(units) * window_ / limit_;
    }
    void add(long double time) { level_ = std::min(burst_, level_ + time); }
    void shape(gcra const& g) {
        limit_ = static_cast<long double>(g.limit());
        window_ = static_cast<long double>(g.window().count());
        burst_ = static_cast<long double>(g.burst().count());
        level_ = std::min(level_, burst_);
    }

private:
    long double limit_ = 1, window_ = 0, burst_ = 0, level_ = 0;
};

TEST(gcra_model, with_other_limits_and_corrections_at_those_of_their_day_it_says_what_an_oracle_says) {
    for (auto const seed : support::each_seed()) {
        support::dice dice{seed};
        constexpr std::int64_t window = 60'000'000'000;
        auto const draw = [&] {
            constexpr std::int64_t limits[] = {7, 60, 500, 7'000'000};
            return std::make_shared<gcra>(limits[dice.below(4)], std::chrono::nanoseconds{window},
                                          std::chrono::nanoseconds{dice.one_in(2) ? window : window / 10});
        };
        auto bucket = draw();
        time_in_bucket truth{*bucket};
        struct taken {
            std::shared_ptr<gcra> of;
            std::int64_t units;
        };
        std::vector<taken> out;
        auto now = start;
        int admitted = 0;
        for (int step = 1; step <= 80; ++step) {
            auto const pause = dice.one_in(3) ? 0 : dice.below(dice.one_in(4) ? window : window / 30);
            now += std::chrono::nanoseconds{pause};
            truth.pass(pause);
            if (dice.one_in(6)) {
                auto next = draw();
                next->take_over(*bucket, now);
                bucket = std::move(next);
                truth.shape(*bucket);
            }
            if (!out.empty() && dice.one_in(3)) {
                auto const i = dice.below(out.size());
                auto const [of, was] = out[i];
                auto const is = dice.below(was + was / 4 + 1);
                if (!of->correct(was, is, now)) bucket->correct(of->difference(was, is), now);
                auto then = truth;
                then.shape(*of);
                truth.add(then.cost(was) - then.cost(is));
                out.erase(out.begin() + static_cast<std::ptrdiff_t>(i));
                continue;
            }
            auto const units = 1 + dice.below(std::max<std::int64_t>(bucket->limit() / (dice.one_in(4) ? 1 : 8), 1));
            auto const wait = static_cast<long double>((bucket->earliest(units) - now).count());
            auto const missing = truth.missing(units);
            ASSERT_GE(std::max(wait, 0.0L), missing - 1e-3L) << "seed " << seed << ", step " << step;
            ASSERT_LE(std::max(wait, 0.0L), std::max(missing, 0.0L) + 3 * step) << "seed " << seed << ", step " << step;
            point mark;
            if (bucket->take_if(bucket->cost(units), now, mark)) {
                truth.add(-truth.cost(units));
                out.push_back({bucket, units});
                ++admitted;
            }
        }
        ASSERT_GT(admitted, 0) << "seed " << seed;
    }
}

}  // namespace
}  // namespace gcra_test
