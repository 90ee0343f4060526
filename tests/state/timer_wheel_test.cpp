// SPDX-License-Identifier: BSL-1.0
// The wheel alone: when entries are due, in which order, and that none is lost, early, late or there twice.
#include <coffer/state/timer_wheel.hpp>

#include "support/seeds.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <chrono>
#include <cstdint>
#include <deque>
#include <map>
#include <memory>
#include <utility>
#include <vector>

namespace timer_wheel_test {
namespace {

using namespace coffer;
using namespace std::chrono_literals;
using tick = timer_wheel::tick;
using clock = std::chrono::steady_clock;

struct entry final : timer_entry {
    explicit entry(int n = 0) : id{n} {}
    int id;
};

std::vector<int> popped(timer_wheel& wheel, tick now) {
    std::vector<int> ids;
    while (auto* const e = wheel.pop_due(now)) ids.push_back(static_cast<entry*>(e)->id);
    return ids;
}

constexpr tick day = 86'400'000;

TEST(timer_wheel, rounds_so_that_nothing_is_early) {
    auto const at = [](std::chrono::nanoseconds d) { return clock::time_point{d}; };
    EXPECT_EQ(timer_wheel::at_or_after(at(0ns)), 0U);
    EXPECT_EQ(timer_wheel::at_or_after(at(1ns)), 1U);
    EXPECT_EQ(timer_wheel::at_or_after(at(1ms)), 1U);
    EXPECT_EQ(timer_wheel::at_or_after(at(1ms + 1ns)), 2U);
    EXPECT_EQ(timer_wheel::at_or_before(at(1ms)), 1U);
    EXPECT_EQ(timer_wheel::at_or_before(at(2ms - 1ns)), 1U);
    EXPECT_EQ(timer_wheel::at_or_after(at(-5h)), 0U) << "before the epoch";
    EXPECT_EQ(timer_wheel::at_or_before(clock::time_point::min()), 0U);
    EXPECT_EQ(timer_wheel::at_or_after(clock::time_point::max()), 9'223'372'036'855U);
    for (std::int64_t ns = 0; ns < 3'000'000; ns += 1237) {
        auto const t = at(std::chrono::nanoseconds{ns});
        EXPECT_GE(clock::time_point{timer_wheel::at_or_after(t) * timer_wheel::tick_length}, t);
        EXPECT_LE(clock::time_point{timer_wheel::at_or_before(t) * timer_wheel::tick_length}, t);
    }
}

TEST(timer_wheel, one_entry_is_due_at_its_tick_and_at_no_other) {
    for (tick const begin : {tick{0}, tick{63}, tick{1'000'000'007}, tick{1} << 36})
        for (tick const wait : {tick{0}, tick{1}, tick{63}, tick{64}, tick{65}, tick{4095}, tick{4096}, tick{300'000},
                                tick{15 * 60'000}, day, 30 * day, 365 * day, 20'000 * day}) {
            timer_wheel wheel{begin};
            entry e{7};
            wheel.add(e, begin + wait);
            EXPECT_TRUE(e.in_wheel());
            if (wait > 0) {
                EXPECT_TRUE(popped(wheel, begin + wait - 1).empty()) << begin << " + " << wait;
            }
            EXPECT_LE(wheel.next(), begin + wait);
            EXPECT_EQ(popped(wheel, begin + wait), std::vector{7}) << begin << " + " << wait;
            EXPECT_FALSE(e.in_wheel());
            EXPECT_EQ(wheel.next(), timer_wheel::never);
        }
}

TEST(timer_wheel, what_should_have_been_before_is_due_at_once) {
    timer_wheel wheel{5000};
    entry past{1}, now{2}, epoch{3};
    wheel.add(past, 4000);
    wheel.add(now, 5000);
    wheel.add(epoch, 0);
    EXPECT_EQ(wheel.next(), 5000U);
    EXPECT_EQ(popped(wheel, 5000), (std::vector{1, 2, 3}));
}

TEST(timer_wheel, what_has_no_tick_is_never_due_but_is_found) {
    timer_wheel wheel;
    entry e{1}, other{2};
    wheel.add(e, timer_wheel::never);
    wheel.add(other, timer_wheel::never);
    EXPECT_EQ(wheel.next(), timer_wheel::never);
    EXPECT_TRUE(popped(wheel, timer_wheel::never - 1).empty());
    EXPECT_EQ(wheel.any(), &e);
    wheel.remove(e);
    EXPECT_EQ(wheel.any(), &other);
    wheel.remove(other);
    EXPECT_EQ(wheel.any(), nullptr);
}

TEST(timer_wheel, the_end_of_time_is_far_away_and_due_in_its_order) {
    timer_wheel wheel{1'000'000'000};
    entry end{1}, century{2}, soon{3};
    wheel.add(end, timer_wheel::at_or_after(clock::time_point::max()));
    wheel.add(century, 1'000'000'000 + 36'500 * day);
    wheel.add(soon, 1'000'000'001);
    EXPECT_EQ(popped(wheel, 1'000'000'000 + 36'499 * day), std::vector{3});
    EXPECT_EQ(popped(wheel, timer_wheel::at_or_after(clock::time_point::max()) - 1), std::vector{2});
    EXPECT_EQ(popped(wheel, timer_wheel::at_or_after(clock::time_point::max())), std::vector{1});
}

TEST(timer_wheel, equal_ticks_are_due_in_the_order_of_arrival_however_far_away_they_were) {
    timer_wheel wheel;
    std::vector<std::unique_ptr<entry>> all;
    constexpr tick due = 70'000;
    int id = 0;
    for (tick const now : {tick{0}, tick{1}, tick{65'000}, tick{69'000}, tick{69'990}, tick{69'999}}) {
        EXPECT_TRUE(popped(wheel, now).empty());
        for (int i = 0; i < 3; ++i) wheel.add(*all.emplace_back(std::make_unique<entry>(id++)), due);
    }
    auto const ids = popped(wheel, due);
    EXPECT_EQ(ids.size(), all.size());
    EXPECT_TRUE(std::is_sorted(ids.begin(), ids.end()));
}

TEST(timer_wheel, an_entry_may_leave_while_others_are_taken_out) {
    timer_wheel wheel;
    entry a{1}, b{2}, c{3};
    for (auto* const e : {&a, &b, &c}) wheel.add(*e, 100);
    EXPECT_EQ(wheel.pop_due(100), &a);
    wheel.remove(b);
    wheel.add(a, 100);  // and come again: it is due, behind the others
    EXPECT_EQ(popped(wheel, 100), (std::vector{3, 1}));
}

TEST(timer_wheel, a_time_that_runs_backwards_changes_nothing) {
    timer_wheel wheel{1000};
    entry e{1};
    wheel.add(e, 2000);
    EXPECT_TRUE(popped(wheel, 1999).empty());
    EXPECT_TRUE(popped(wheel, 10).empty());
    EXPECT_EQ(popped(wheel, 2000), std::vector{1});
}

TEST(timer_wheel, wakes_for_a_far_entry_a_few_times_and_not_at_every_turn) {
    timer_wheel wheel{12'345};
    entry e{1};
    wheel.add(e, 12'345 + 365 * day);
    int wakes = 0;
    for (; e.in_wheel(); ++wakes) (void)wheel.pop_due(wheel.next());
    EXPECT_LE(wakes, 8);
}

// Against a multimap: entries come, go, are re-armed, also while others are taken out; time stands, goes and jumps.
TEST(timer_wheel, does_what_a_sorted_list_does) {
    std::size_t taken = 0, removed = 0, rearmed = 0;
    for (auto const seed : support::each_seed()) {
        support::dice dice{seed};
        constexpr tick scales[] = {1, 3, 64, 70, 4096, 5000, 262'144, 3'600'000, day, 400 * day};
        tick now = dice.one_in(2) ? dice.below(tick{100'000'000'000}) : dice.below(tick{200});
        timer_wheel wheel{now};
        std::deque<entry> entries;  // they must stay where they are
        for (int i = 0; i < 24; ++i) entries.emplace_back(i);
        std::multimap<tick, int> oracle;  // equal keys in the order of arrival
        std::vector<std::multimap<tick, int>::iterator> where(24, oracle.end());

        auto const any_tick = [&]() -> tick {
            auto const scale = scales[dice.below(std::size(scales))];
            if (dice.one_in(20)) return timer_wheel::at_or_after(clock::time_point::max());
            if (dice.one_in(15)) return timer_wheel::never;
            if (dice.one_in(8)) return now - std::min(now, dice.below(scale + 1));
            return now + dice.below(scale + 1);
        };
        auto const add = [&](std::size_t i, tick due) {
            wheel.add(entries[i], due);
            where[i] = oracle.emplace(due == timer_wheel::never ? due : std::max(due, now), static_cast<int>(i));
        };
        auto const remove = [&](std::size_t i) {
            wheel.remove(entries[i]);
            oracle.erase(std::exchange(where[i], oracle.end()));
        };
        auto const come_and_go = [&] {
            auto const i = static_cast<std::size_t>(dice.below(24));
            bool const in = where[i] != oracle.end();
            ASSERT_EQ(entries[i].in_wheel(), in) << "seed " << seed;
            if (in) remove(i), ++removed;
            if (!in || dice.one_in(2)) {
                rearmed += in ? 1 : 0;
                add(i, any_tick());
            }
        };
        for (int step = 0; step < 60; ++step) {
            for (auto n = dice.below(4); n > 0; --n) come_and_go();
            auto const to = dice.one_in(3) && !oracle.empty() && oracle.begin()->first != timer_wheel::never
                                ? oracle.begin()->first  // exactly then
                                : now + dice.below(scales[dice.below(std::size(scales))] + 1);
            ASSERT_EQ(wheel.any() == nullptr, oracle.empty());
            if (oracle.empty() || oracle.begin()->first == timer_wheel::never) {
                ASSERT_EQ(wheel.next(), timer_wheel::never) << "seed " << seed;
            } else {
                ASSERT_LE(wheel.next(), oracle.begin()->first) << "it would be late, seed " << seed;
                ASSERT_GE(wheel.next(), now) << "seed " << seed;
            }
            auto const until = std::max(now, to);
            for (int guard = 0; guard < 200; ++guard) {
                auto* const e = static_cast<entry*>(wheel.pop_due(until));
                if (oracle.empty() || oracle.begin()->first > until) {
                    ASSERT_EQ(e, nullptr) << "early, seed " << seed;
                    break;
                }
                ASSERT_NE(e, nullptr) << "late, seed " << seed;
                ASSERT_EQ(e->id, oracle.begin()->second) << "out of order, seed " << seed;
                now = oracle.begin()->first;  // what comes now and is past is due now
                oracle.erase(std::exchange(where[static_cast<std::size_t>(e->id)], oracle.end()));
                ++taken;
                if (guard < 100 && dice.one_in(4)) come_and_go();
            }
            now = until;
        }
    }
    EXPECT_TRUE(support::replaying() || (taken > 100 && removed > 100 && rearmed > 100));
}

}  // namespace
}  // namespace timer_wheel_test
