// SPDX-License-Identifier: BSL-1.0
// What a breaker looks back on: windows of calls and of time, against a list that is looked through.
#include <coffer/state/breaker_tally.hpp>

#include "support/seeds.hpp"

#include <gtest/gtest.h>

#include <cstddef>
#include <cstdint>
#include <utility>
#include <vector>

namespace breaker_tally_test {
namespace {

using namespace coffer;
using namespace std::chrono_literals;
using time_point = breaker_counts::time_point;
using enum breaker_mark;

time_point at(breaker_counts::duration d) { return time_point{} + 1000h + d; }

TEST(breaker_tally, the_last_calls_however_old) {
    breaker_counts c{breaker_window::calls(3)};
    c.add(failure, at(0s));
    c.add(slow, at(1h));
    EXPECT_EQ(c.at(at(2h)), (breaker_tally{2, 1, 1})) << "it is not full yet";
    c.add(success, at(2h));
    EXPECT_EQ(c.at(at(2h)), (breaker_tally{3, 1, 1}));
    c.add(success, at(3h));
    EXPECT_EQ(c.at(at(900h)), (breaker_tally{3, 0, 1})) << "the oldest has gone, and time takes nothing";
    c.add(failure, at(4h));
    EXPECT_EQ(c.at(at(4h)), (breaker_tally{3, 1, 0}));
}

TEST(breaker_tally, the_last_while_goes_slice_by_slice) {
    breaker_counts c{breaker_window::time(10s)};
    c.add(failure, at(0s));
    c.add(slow, at(5s));
    EXPECT_EQ(c.at(at(9s)), (breaker_tally{2, 1, 1}));
    EXPECT_EQ(c.at(at(9999ms)), (breaker_tally{2, 1, 1}));
    EXPECT_EQ(c.at(at(10s)), (breaker_tally{1, 0, 1}));
    EXPECT_EQ(c.at(at(15s)), (breaker_tally{}));
}

TEST(breaker_tally, after_a_long_silence_nothing_is_left) {
    breaker_counts c{breaker_window::time(10s)};
    for (int i = 0; i < 100; ++i) c.add(failure, at(i * 100ms));
    EXPECT_EQ(c.at(at(10s)).ends, 90);
    EXPECT_EQ(c.at(at(100'000h)), (breaker_tally{}));
    c.add(success, at(100'000h));
    EXPECT_EQ(c.at(at(100'000h)), (breaker_tally{1, 0, 0}));
}

TEST(breaker_tally, times_that_come_out_of_order_are_counted_all_the_same) {
    breaker_counts c{breaker_window::time(10s)};
    c.add(success, at(20s));
    c.add(failure, at(3s));  // another thread's, which was late to take the lock
    EXPECT_EQ(c.at(at(20s)), (breaker_tally{2, 1, 0}));
    EXPECT_EQ(c.at(at(3s)), (breaker_tally{2, 1, 0})) << "time does not go back";
    EXPECT_EQ(c.at(at(30s)), (breaker_tally{}));
}

TEST(breaker_tally, no_window_holds_nothing) {
    breaker_counts c{breaker_window::none()};
    c.add(failure, at(0s));
    EXPECT_EQ(c.at(at(0s)), (breaker_tally{}));
}

TEST(breaker_tally, windows_and_times_without_measure_do_no_harm) {
    for (auto const length : {1ns, 7ns, 1ns * INT64_MAX}) {
        breaker_counts c{breaker_window::time(length)};
        for (auto const t : {time_point{}, time_point{} + 1ns, at(0s), time_point::max() - 1ns, time_point::max()}) {
            c.add(failure, t);
            EXPECT_GE(c.at(t).failures, 1) << length.count() << " at " << t.time_since_epoch().count();
        }
    }
}

TEST(breaker_tally, cleared_it_is_empty_and_goes_on) {
    for (auto const w : {breaker_window::calls(3), breaker_window::time(10s)}) {
        breaker_counts c{w};
        for (int i = 0; i < 5; ++i) c.add(failure, at(i * 1s));
        c.clear();
        EXPECT_EQ(c.at(at(5s)), (breaker_tally{}));
        c.add(slow, at(5s));
        EXPECT_EQ(c.at(at(5s)), (breaker_tally{1, 0, 1}));
    }
}

TEST(breaker_tally, random_ends_are_counted_as_a_list_of_them_would_be) {
    for (auto const seed : support::each_seed(support::seeds(5))) {
        support::dice dice{seed};
        bool const by_time = dice.one_in(2);
        auto const size = 1 + dice.below(12);
        auto const slice = breaker_counts::duration{1 + dice.below(50)};
        breaker_counts c{by_time ? breaker_window::time(10 * slice) : breaker_window::calls(size)};
        std::vector<std::pair<breaker_mark, time_point>> list;
        auto now = at(0s);
        for (int i = 0; i < 100; ++i) {
            now += dice.one_in(10) ? 20 * slice : breaker_counts::duration{dice.below(60)};
            auto const mark = static_cast<breaker_mark>(dice.below(3));
            if (dice.one_in(40)) c.clear(), list.clear();
            if (!dice.one_in(5)) c.add(mark, now), list.emplace_back(mark, now);

            breaker_tally expected;
            for (std::size_t n = 0; n < list.size(); ++n) {
                auto const number = [&](time_point t) { return t.time_since_epoch() / slice; };
                bool const in = by_time ? number(list[n].second) > number(now) - 10
                                        : n + static_cast<std::size_t>(size) >= list.size();
                if (!in) continue;
                ++expected.ends;
                if (list[n].first == failure) ++expected.failures;
                if (list[n].first == slow) ++expected.slow;
            }
            ASSERT_EQ(c.at(now), expected) << "seed " << seed << ", step " << i;
        }
    }
}

}  // namespace
}  // namespace breaker_tally_test
