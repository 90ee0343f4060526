// SPDX-License-Identifier: BSL-1.0
#include <coffer/state/delay_schedule.hpp>

#include "support/seeds.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <limits>
#include <stdexcept>
#include <type_traits>
#include <vector>

namespace delay_schedule_test {
namespace {

using namespace std::chrono_literals;
using coffer::backoff;
using coffer::delay_schedule;
using coffer::fault_kind;
using coffer::growth;
using coffer::jitter;
using coffer::kind_schedules;
using duration = delay_schedule::duration;

static_assert(std::is_trivially_destructible_v<delay_schedule> && std::is_trivially_destructible_v<kind_schedules>,
              "options are written inline in co_await expressions");

duration of(delay_schedule const& s, std::uint32_t retry = 1, delay_schedule::draws const& units = {}) {
    delay_schedule::memory none{};
    return s.delay(retry, units, none);
}

TEST(delay_schedule, is_one_backoff_a_sum_the_longer_or_the_shorter) {
    auto const two = backoff::fixed(2s);
    auto const growing = backoff{growth::exponential, jitter::none, 1s, 1min};
    EXPECT_EQ(of(two), 2s);
    EXPECT_EQ(of(two + growing, 3), 6s);
    EXPECT_EQ(of(two | growing, 1), 2s);
    EXPECT_EQ(of(two | growing, 3), 4s);
    EXPECT_EQ(of(two & growing, 1), 1s);
    EXPECT_EQ(of(two & growing, 3), 2s);
}

TEST(delay_schedule, of_parts_that_are_combined_themselves) {
    auto const s = [](int n) { return backoff::fixed(std::chrono::seconds{n}); };
    EXPECT_EQ(of((s(1) + s(2)) | (s(4) & s(5))), 4s);
    EXPECT_EQ(of(s(5) | ((s(1) + s(2)) & s(4))), 5s);
    EXPECT_EQ(of((s(1) | s(3)) + (s(2) & s(7))), 5s);
    EXPECT_EQ(of(s(10) + (s(1) + (s(2) + s(3)))), 16s);
}

TEST(delay_schedule, draws_for_each_part_and_remembers_for_each) {
    auto const s = backoff::up_to(1s) + backoff::up_to(10s);
    EXPECT_EQ(s.size(), 2U);
    EXPECT_EQ(of(s, 1, {0.5, 0.25}), 3s);
    auto const grows = backoff::fixed(100s) + backoff{growth::exponential, jitter::decorrelated, 1s, 1min};
    delay_schedule::memory last{};
    EXPECT_EQ(grows.delay(1, {0, 0.5}, last), 102s);
    EXPECT_EQ(last[1], 2s);
    EXPECT_EQ(grows.delay(2, {0, 0.5}, last), 103'500ms) << "between 1 s and 6 s, whatever the other part is";
}

TEST(delay_schedule, saturates) {
    auto const longest = backoff::fixed(duration::max());
    EXPECT_EQ(of(longest + longest), duration::max());
    EXPECT_GT(of(longest + backoff::fixed(1ns)), 0ns);
}

TEST(delay_schedule, of_more_than_four_parts_cannot_be) {
    auto const s = backoff::fixed(1s);
    EXPECT_EQ(of(s + s + s + s), 4s);
    EXPECT_THROW((void)(s + s + s + s + s), std::length_error);
    EXPECT_THROW((void)((s + s + s) | (s + s)), std::length_error);
}

TEST(delay_schedule, that_cannot_be_meant_is_refused) {
    EXPECT_NO_THROW(delay_schedule{}.check());
    EXPECT_THROW((backoff{} + backoff{.base = -1ns}).check(), std::invalid_argument);
    EXPECT_THROW((backoff{.cap = -1ns} | backoff{}).check(), std::invalid_argument);
    EXPECT_THROW(delay_schedule{backoff{.factor = 0.99}}.check(), std::invalid_argument);
    EXPECT_THROW((kind_schedules{{fault_kind::throttled, backoff{.base = -1ns}}}.check()), std::invalid_argument);
}

TEST(kind_schedules, has_one_for_each_kind_that_it_names) {
    kind_schedules const some{{fault_kind::throttled, backoff::fixed(1s)},
                              {fault_kind::overloaded, backoff::fixed(2s)}};
    EXPECT_EQ(of(*some.of(fault_kind::throttled)), 1s);
    EXPECT_EQ(of(*some.of(fault_kind::overloaded)), 2s);
    EXPECT_EQ(some.of(fault_kind::ambiguous), nullptr);
    EXPECT_EQ(kind_schedules{}.of(fault_kind::not_sent), nullptr) << "the first kind there is";
    EXPECT_THROW((kind_schedules{{fault_kind::throttled, backoff{}}, {fault_kind::throttled, backoff{}}}),
                 std::invalid_argument);
}

// A tree of parts, built beside the schedule and evaluated by itself.
TEST(delay_schedule, random_trees_are_evaluated_as_they_are_read) {
    for (auto const seed : support::each_seed()) {
        support::dice dice{seed};
        struct both {
            delay_schedule schedule;
            std::function<duration()> tree;
        };
        auto const leaf = [&] {
            auto const d = duration{dice.below(1000)};
            return both{backoff::fixed(d), [d] { return d; }};
        };
        std::vector<both> rest;
        for (auto n = 1 + dice.below(4); n > 0; --n) rest.push_back(leaf());
        while (rest.size() > 1) {
            auto const at = static_cast<std::size_t>(dice.below(static_cast<int>(rest.size()) - 1));
            auto const a = rest[at], b = rest[at + 1];
            auto const how = dice.below(3);
            both const joined{how == 0   ? a.schedule + b.schedule
                              : how == 1 ? a.schedule | b.schedule
                                         : a.schedule & b.schedule,
                              [a = a.tree, b = b.tree, how] {
                                  return how == 0 ? a() + b() : how == 1 ? std::max(a(), b()) : std::min(a(), b());
                              }};
            rest[at] = joined;
            rest.erase(rest.begin() + static_cast<std::ptrdiff_t>(at) + 1);
        }
        ASSERT_EQ(of(rest[0].schedule), rest[0].tree());
    }
}

}  // namespace
}  // namespace delay_schedule_test
