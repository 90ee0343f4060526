// SPDX-License-Identifier: BSL-1.0
#include <coffer/state/rate.hpp>

#include <gtest/gtest.h>

#include <algorithm>
#include <atomic>
#include <barrier>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <optional>
#include <thread>
#include <utility>
#include <vector>

#include "support/seeds.hpp"

namespace rate_test {
namespace {

using namespace coffer;
using namespace std::chrono_literals;
using enum rate_measure;
using point = gcra::time_point;

constexpr point start{1000h};
constexpr auto whole = std::chrono::nanoseconds::max();

/// 60 requests and 6,000 tokens a minute.
rate_bucket two() { return rate_bucket{{{requests, 60, 1min, whole}, {tokens, 6000, 1min, whole}}}; }

bool take(rate_bucket& b, rate_weight const& w, point now) {
    rate_bucket::marks marks;
    bool const there = b.earliest(w) <= now;
    bool const took = b.try_take(w, now, marks) == rate_bucket::took::all;
    EXPECT_EQ(took, there) << "one asks, the other takes";
    return took;
}

TEST(rate_weight, counts_input_output_and_both) {
    rate_weight const w{1, 300, 50};
    EXPECT_EQ(w[requests], 1);
    EXPECT_EQ(w[input_tokens], 300);
    EXPECT_EQ(w[output_tokens], 50);
    EXPECT_EQ(w[tokens], 350);
    EXPECT_EQ((rate_weight{1, -5, 50}[tokens]), 50) << "negative estimates are none";
    auto const absurd =
        rate_weight{1, std::numeric_limits<std::int64_t>::max(), std::numeric_limits<std::int64_t>::max()};
    EXPECT_GT(absurd[tokens], gcra::most);
}

TEST(rate_weight, of_usage_counts_every_bucket_once) {
    usage u;
    u.input_fresh = 100, u.input_cache_read = 1000, u.input_cache_write_5m = 20, u.input_image = 3;
    u.output = 40, u.output_audio = 5, u.reasoning = 30;
    EXPECT_EQ(rate_weight::of(u, true), (rate_weight{1, 1123, 45}));
    EXPECT_EQ(rate_weight::of(u, false), (rate_weight{1, 123, 45})) << "what is read from the cache does not count";
}

TEST(rate_bucket, takes_from_all_or_from_none) {
    auto b = two();
    EXPECT_TRUE(take(b, {1, 5000, 900}, start));
    EXPECT_FALSE(take(b, {1, 100, 100}, start));
    EXPECT_EQ(b[0].free(start), 59) << "nothing was taken of the requests";
    EXPECT_EQ(b.earliest({1, 100, 100}), start + 1s);
    EXPECT_TRUE(take(b, {1, 100, 0}, start));
    EXPECT_TRUE(take(b, {1, 0, 0}, start)) << "who needs no tokens does not wait for them";
}

TEST(rate_bucket, is_full_when_all_is_there_again_that_was_taken) {
    auto b = two();
    EXPECT_TRUE(b.full(start));
    EXPECT_TRUE(take(b, {1, 3000, 0}, start));
    EXPECT_FALSE(b.full(start + 1s)) << "the requests are, the tokens are not";
    EXPECT_FALSE(b.full(start + 30s - 1ns));
    EXPECT_TRUE(b.full(start + 30s));
    EXPECT_TRUE((rate_bucket{{}}.full(start))) << "nothing is limited";
}

TEST(rate_bucket, waits_for_the_last_of_them) {
    rate_bucket b{{{requests, 1, 1s, whole}, {requests, 10, 1min, whole}, {requests, 3, 24h, whole}}};
    EXPECT_TRUE(take(b, {1, 0, 0}, start));
    EXPECT_EQ(b.earliest({1, 0, 0}), start + 1s);
    EXPECT_TRUE(take(b, {1, 0, 0}, start + 1s));
    EXPECT_TRUE(take(b, {1, 0, 0}, start + 2s));
    EXPECT_EQ(b.earliest({1, 0, 0}), start + 8h) << "the day's";
}

TEST(rate_bucket, without_rules_everything_is_let_in) {
    rate_bucket b{{}};
    for (int i = 0; i < 100; ++i) EXPECT_TRUE(take(b, {1, 1'000'000, 1}, start));
}

TEST(rate_bucket, tells_the_rule_that_can_never_be_met) {
    auto const b = two();
    EXPECT_EQ(b.never_fits({1, 6000, 0}), std::nullopt);
    EXPECT_EQ(b.never_fits({1, 6000, 1}), std::optional<std::size_t>{1});
    EXPECT_EQ(b.never_fits({61, 1, 1}), std::optional<std::size_t>{0});
}

TEST(rate_bucket, a_correction_touches_only_what_was_estimated_wrong) {
    auto b = two();
    ASSERT_TRUE(take(b, {1, 4000, 2000}, start));
    b.correct({1, 4000, 2000}, {1, 1000, 500}, start);
    EXPECT_EQ(b[0].free(start), 59);
    EXPECT_EQ(b[1].free(start), 4500);
    b.correct({1, 1000, 500}, {}, start);
    EXPECT_EQ(b[0].free(start), 60);
    EXPECT_EQ(b[1].free(start), 6000);
}

TEST(rate_bucket, behind_others_the_tightest_limit_says_when) {
    auto const b = two();
    EXPECT_EQ(b.earliest_behind({}, {1, 100, 0}, start), (std::pair{start, std::size_t{0}}));
    EXPECT_EQ(b.earliest_behind({2, 6000, 0}, {1, 100, 0}, start), (std::pair{start + 1s, std::size_t{1}}));
    EXPECT_EQ(b.earliest_behind({70, 600, 0}, {1, 100, 0}, start), (std::pair{start + 11s, std::size_t{0}}));
    EXPECT_EQ(b.earliest_behind({2, 60'000, 0}, {1, 0, 0}, start).first, start)
        << "it needs none of what they wait for";
}

// Time stands still, so nothing is refilled: what is gone was taken by somebody, of all of them alike.
TEST(rate_bucket, threads_that_race_for_the_last_units_take_from_all_or_from_none) {
    for (int round = 0; round < 1000; ++round) {
        rate_bucket b{{{requests, 400, 24h, whole}, {input_tokens, 1000, 24h, whole}, {tokens, 300, 24h, whole}}};
        std::atomic<int> taken{0};
        std::barrier together{2};
        auto const race = [&] {
            rate_bucket::marks marks;
            together.arrive_and_wait();
            for (int i = 0; i < 300; ++i)
                if (b.try_take({1, 2, 0}, start, marks) == rate_bucket::took::all) ++taken;
        };
        std::thread other{race};
        race();
        other.join();
        ASSERT_LE(taken, 150);
        // Two that hinder each other at the last one may both go without: it is there for the next.
        while (take(b, {1, 2, 0}, start)) ++taken;
        ASSERT_EQ(taken, 150);
        ASSERT_EQ(b[0].free(start), 250);
        ASSERT_EQ(b[1].free(start), 700);
        ASSERT_EQ(b[2].free(start), 0);
    }
}

// What the provider says ---------------------------------------------------------------------------------------------------

struct sent {
    rate_bucket::marks marks{};
    point at;
};
sent send(rate_bucket& b, rate_weight const& w, point now) {
    sent s{{}, now};
    EXPECT_EQ(b.try_take(w, now, s.marks), rate_bucket::took::all);
    return s;
}
rate_facts said(rate_measure m, std::int64_t remaining, std::int64_t limit = -1,
                std::optional<std::chrono::nanoseconds> reset = {}) {
    rate_facts f;
    f[m] = {remaining, limit, reset};
    return f;
}

TEST(rate_learning, less_than_we_thought_lowers_the_count) {
    auto b = two();
    auto const s = send(b, {1, 100, 0}, start);
    b.learn(said(tokens, 2000), s.marks, s.at, start);
    EXPECT_EQ(b[1].free(start), 2000);
    EXPECT_EQ(b[0].free(start), 59) << "of requests it said nothing";
}

TEST(rate_learning, more_than_we_thought_changes_nothing) {
    auto b = two();
    auto const s = send(b, {1, 100, 0}, start);
    b.learn(said(tokens, 5950), s.marks, s.at, start);
    b.learn(said(tokens, 1'000'000, 2'000'000), s.marks, s.at, start);
    EXPECT_EQ(b[1].free(start), 5900);
}

TEST(rate_learning, what_we_have_taken_since_is_not_counted_twice) {
    auto b = two();
    std::vector<sent> all;
    for (int i = 0; i < 50; ++i) all.push_back(send(b, {1, 100, 0}, start));
    // The answers come late, in any order, and say what the provider had counted when it let each one in.
    for (int i = 49; i >= 0; --i)
        b.learn(said(tokens, 6000 - 100 * (i + 1)), all[static_cast<std::size_t>(i)].marks, start, start + 20s);
    EXPECT_EQ(b[1].free(start + 20s), 3000) << "it said what we knew";
}

TEST(rate_learning, the_reset_says_how_long_it_can_last) {
    auto b = two();
    auto const s = send(b, {1, 100, 0}, start);
    b.learn(said(requests, 0, 60, 2s), s.marks, s.at, start);
    EXPECT_EQ(b[0].free(start), 58) << "in two seconds all of it is there, whatever it means by that";
    auto const t = send(b, {1, 100, 0}, start);
    b.learn(said(requests, 0, 60, 1min), t.marks, t.at, start);
    EXPECT_EQ(b[0].free(start), 0);
}

TEST(rate_learning, of_several_windows_the_one_with_that_limit_is_meant) {
    rate_bucket b{{{requests, 30, 1min, whole}, {requests, 14'400, 24h, whole}}};
    auto const s = send(b, {1, 0, 0}, start);
    b.learn(said(requests, 5, 14'000), s.marks, s.at, start);  // Groq: requests are those of the day
    EXPECT_EQ(b[0].free(start), 29);
    EXPECT_EQ(b[1].free(start), 5);
    b.learn(said(requests, 3, 30), s.marks, s.at, start);
    EXPECT_EQ(b[0].free(start), 3);
}

TEST(rate_learning, whatever_it_says_the_bucket_goes_on_filling) {
    auto b = two();
    auto now = start;
    int let_in = 0;
    for (int i = 0; i < 600; ++i, now += 1s) {
        if (b.earliest({1, 100, 0}) > now) continue;
        auto const s = send(b, {1, 100, 0}, now);
        b.learn(said(tokens, 0), s.marks, now, now);
        b.learn(said(requests, 0), s.marks, now, now);
        ++let_in;
    }
    EXPECT_GE(let_in, 598) << "a provider that always says 0 costs the burst, and not the rate";
}

TEST(rate_bucket, the_share_is_of_the_limit_that_is_hit_hardest) {
    auto const b = two();
    EXPECT_EQ(b.share({1, 3000, 0}), rate_bucket::whole / 2);
    EXPECT_EQ(b.share({6, 100, 0}), rate_bucket::whole / 10);
    EXPECT_EQ(b.share({}), 1U) << "nobody is free";
    EXPECT_EQ(b.share({1, 60'000, 0}), rate_bucket::whole);
}

// Random ---------------------------------------------------------------------------------------------------------------------

struct taken_at {
    point at;
    rate_weight what;  // negative: it came back
};

TEST(rate_model, in_no_stretch_of_time_more_is_taken_than_burst_and_rate_allow) {
    std::int64_t let_in = 0;
    for (auto const seed : support::each_seed(support::seeds(5))) {
        support::dice dice{seed};
        std::vector<rate_rule> rules;
        for (auto n = 1 + dice.below(4); n > 0; --n) {
            std::chrono::seconds const windows[] = {1s, 60s, 24h};
            std::chrono::nanoseconds const bursts[] = {whole, 1s, 10s};
            rules.push_back({static_cast<rate_measure>(dice.below(4)), 1000 + dice.below(100'000),
                             windows[dice.below(3)], bursts[dice.below(3)]});
        }
        rate_bucket b{rules};
        std::vector<taken_at> log;
        std::vector<rate_weight> open;
        auto now = start;
        for (int step = 0; step < 60; ++step) {
            now += std::chrono::milliseconds{dice.below(dice.one_in(5) ? 20'000 : 200)};
            rate_weight const w{1 + dice.below(20), dice.below(500), dice.below(500)};
            bool debt = false;
            for (std::size_t i = 0; i < b.size(); ++i) debt = debt || b[i].cost(w[rules[i].of]) > b[i].burst();
            if (!debt && take(b, w, now)) log.push_back({now, w}), open.push_back(w);
            if (!open.empty() && dice.one_in(3)) {  // it has used less: that comes back, now
                auto const was = open.back();
                open.pop_back();
                rate_weight const is{was[requests], dice.below(was[input_tokens] + 1),
                                     dice.below(was[output_tokens] + 1)};
                b.correct(was, is, now);
                auto back = is;
                back -= was;
                log.push_back({now, back});
            }
        }
        let_in += static_cast<std::int64_t>(log.size());
        for (std::size_t i = 0; i < rules.size(); ++i) {
            for (std::size_t from = 0; from < log.size(); ++from) {
                std::int64_t sum = 0;
                for (std::size_t to = from; to < log.size(); ++to) {
                    sum += log[to].what[rules[i].of];
                    auto const allowed = b[i].burst() + (log[to].at - log[from].at);
                    auto const units =
                        coffer::detail::wide_int{allowed.count()} * rules[i].limit / rules[i].window.count();
                    ASSERT_LE(sum, units) << "seed " << seed << ", rule " << i;
                }
            }
        }
    }
    EXPECT_GT(let_in, 10 * static_cast<std::int64_t>(support::replaying() ? 0 : support::seeds(5)));
}

// The liveness twin.
TEST(rate_model, whoever_always_wants_more_gets_all_that_the_tightest_limit_has) {
    for (auto const seed : support::each_seed(support::seeds(100))) {
        support::dice dice{seed};
        std::vector<rate_rule> const rules{{requests, 20 + dice.below(1000), 1min, whole},
                                           {tokens, 5000 + dice.below(1'000'000), 1min, dice.one_in(2) ? whole : 1s}};
        rate_bucket b{rules};
        auto now = start;
        rate_weight sum;
        while (now < start + 10min) {
            rate_weight const w{1, 1 + dice.below(2000), 1 + dice.below(1000)};
            now = std::max(now, b.earliest(w));
            ASSERT_TRUE(take(b, w, now));
            sum += w;
        }
        auto const share = [&](std::size_t i) {
            return static_cast<double>(sum[rules[i].of]) / (10.0 * static_cast<double>(rules[i].limit));
        };
        ASSERT_GE(std::max(share(0), share(1)), 0.95) << "seed " << seed;
    }
}

// Other rules --------------------------------------------------------------------------------------------------------------

std::vector<rate_rule> minutes(std::int64_t of_requests, std::int64_t of_tokens) {
    std::vector<rate_rule> all;
    if (of_requests > 0) all.push_back({requests, of_requests, 1min, whole});
    if (of_tokens > 0) all.push_back({tokens, of_tokens, 1min, whole});
    return all;
}

TEST(rate_change, other_rules_take_over_by_measure_and_window_and_new_ones_begin_full) {
    rate_bucket before{{{tokens, 6000, 1min, whole}, {requests, 100, 24h, whole}}};
    ASSERT_TRUE(take(before, {50, 3000, 0}, start));
    rate_bucket after{{{requests, 60, 1min, whole}, {requests, 200, 24h, whole}, {tokens, 600, 1min, whole}}, 1};
    after.take_over(before, start);
    EXPECT_EQ(after[0].free(start), 60) << "there was no such limit";
    EXPECT_EQ(after[1].free(start), 100) << "half of the day";
    EXPECT_EQ(after[2].free(start), 300) << "half of the minute";
    EXPECT_FALSE(take(before, {1, 1, 0}, start + 48h));
}

TEST(rate_change, what_was_taken_before_is_corrected_where_it_was_taken_and_at_the_limits_of_then) {
    rate_bucket before{minutes(60, 6000)};
    ASSERT_TRUE(take(before, {1, 3000, 0}, start));
    rate_bucket after{{{tokens, 600, 1min, whole}, {requests, 60, 24h, whole}}, 1};
    after.take_over(before, start);
    ASSERT_EQ(after[0].free(start), 300);
    rate_weight const was{1, 3000, 0}, is{1, 1000, 0};
    auto const lost = before.correct(was, is, start);
    EXPECT_EQ(lost, 2) << "the second rule";
    after.correct(before, lost, was, is, start);
    EXPECT_EQ(after[0].free(start), 500) << "2000 of 6000 are a third of a minute";

    rate_bucket again{minutes(0, 600), 2};
    again.take_over(after, start);
    after.correct(before, 0, was, is, start);
    EXPECT_EQ(again[0].free(start), 500) << "of what was heard nothing is told again";
}

TEST(rate_change, a_rule_that_went_and_came_back_knows_nothing_of_what_was_taken_before) {
    rate_bucket first{minutes(60, 6000)};
    ASSERT_TRUE(take(first, {1, 6000, 0}, start));
    rate_bucket second{minutes(60, 0), 1};
    second.take_over(first, start);
    rate_bucket third{minutes(60, 6000), 2};
    third.take_over(second, start);
    ASSERT_TRUE(take(third, {1, 6000, 0}, start));
    rate_weight const was{1, 6000, 0}, is{0, 0, 0};
    auto const lost = first.correct(was, is, start);
    third.correct(first, lost, was, is, start);
    EXPECT_EQ(third[1].free(start), 0) << "what comes back was not taken from it";
    EXPECT_EQ(third[0].free(start), 59) << "that was there all the time";
}

TEST(rate_change, what_is_taken_while_others_take_over_is_lost_to_nobody) {
    rate_bucket before{minutes(60, 600)};
    rate_bucket after{minutes(60, 600), 1};
    rate_bucket::marks m{};
    // As if others took over when the first rule has been taken from and the second one has not.
    ASSERT_TRUE(take(before, {1, 600, 0}, start));
    after.take_over(before, start);
    rate_bucket::missed lost = 0;
    EXPECT_EQ(before.try_take({1, 1, 0}, start + 1min, m, lost), rate_bucket::took::none);
    EXPECT_EQ(lost, 0);
    after.correct(before, 1, {1, 0, 0}, {}, start);
    EXPECT_EQ(after[0].free(start), 60);
    EXPECT_EQ(after[1].free(start), 0);
}

TEST(rate_change, of_rules_that_went_nothing_is_taken_any_more) {
    rate_bucket before{minutes(60, 0)};
    rate_bucket after{minutes(0, 600), 1};
    after.take_over(before, start);
    EXPECT_FALSE(take(before, {1, 10, 0}, start)) << "or it would be counted nowhere";
    EXPECT_TRUE(take(after, {1, 10, 0}, start));
}

TEST(rate_change, marks_are_good_as_long_as_their_limit_has_not_changed) {
    rate_bucket before{minutes(60, 600)};
    rate_bucket::marks then{};
    ASSERT_EQ(before.try_take({1, 100, 0}, start, then), rate_bucket::took::all);
    rate_bucket after{{{tokens, 600, 1min, whole}, {requests, 30, 1min, whole}}, 1};
    after.take_over(before, start);
    rate_facts said;
    said[requests].remaining = 10;
    said[tokens].remaining = 100;
    after.learn(said, after.translate(then, before), start, start);
    EXPECT_EQ(after[0].free(start), 100) << "we had thought 500";
    EXPECT_EQ(after[1].free(start), 29) << "of another limit nothing was said";
}

}  // namespace
}  // namespace rate_test
