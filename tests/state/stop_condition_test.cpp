// SPDX-License-Identifier: BSL-1.0
#include <coffer/state/stop_condition.hpp>

#include <gtest/gtest.h>

#include <chrono>
#include <stdexcept>
#include <type_traits>

namespace stop_condition_test {
namespace {

using namespace coffer;
using namespace std::chrono_literals;

static_assert(std::is_trivially_destructible_v<stop_condition>, "options are written inline in co_await expressions");

stop_facts after(int attempts, std::chrono::nanoseconds elapsed = 0ns) {
    return {.attempts = attempts, .elapsed = elapsed};
}

TEST(stop_condition, never_holds_unless_it_says_when) {
    EXPECT_FALSE(stop_condition{}.holds({1000, 1000, 1000, fault_kind::not_sent, 1000h}));
}

TEST(stop_condition, each_holds_by_its_own_fact) {
    EXPECT_FALSE(stop_after_attempts(3).holds({.attempts = 2, .unproven = 9, .same_fault = 9, .elapsed = 9h}));
    EXPECT_TRUE(stop_after_attempts(3).holds({.attempts = 3}));
    EXPECT_FALSE(stop_after_unproven(2).holds({.attempts = 9, .unproven = 1, .same_fault = 9, .elapsed = 9h}));
    EXPECT_TRUE(stop_after_unproven(2).holds({.unproven = 2}));
    EXPECT_FALSE(stop_after_same_fault(2).holds({.attempts = 9, .unproven = 9, .same_fault = 1, .elapsed = 9h}));
    EXPECT_TRUE(stop_after_same_fault(2).holds({.same_fault = 2}));
    EXPECT_FALSE(stop_after(1min).holds({.attempts = 9, .unproven = 9, .same_fault = 9, .elapsed = 1min}));
    EXPECT_TRUE(stop_after(1min).holds({.elapsed = 1min + 1ns}));
    EXPECT_FALSE(stop_at(fault_kind::not_sent).holds({.last = fault_kind::throttled}));
    EXPECT_TRUE(stop_at(fault_kind::not_sent).holds({.last = fault_kind::not_sent}));
}

TEST(stop_condition, either_and_both) {
    auto const either = stop_after_attempts(3) | stop_after(1min);
    EXPECT_TRUE(either.holds(after(3)));
    EXPECT_TRUE(either.holds(after(1, 2min)));
    EXPECT_FALSE(either.holds(after(2, 1min)));
    auto const both = stop_after_attempts(3) & stop_after(1min);
    EXPECT_FALSE(both.holds(after(3)));
    EXPECT_FALSE(both.holds(after(1, 2min)));
    EXPECT_TRUE(both.holds(after(3, 2min)));
    auto const mixed = stop_after_attempts(9) | (stop_after_attempts(3) & stop_after(1min));
    EXPECT_TRUE(mixed.holds(after(9)));
    EXPECT_TRUE(mixed.holds(after(3, 2min)));
    EXPECT_FALSE(mixed.holds(after(8)));
    auto const never = stop_condition{};
    EXPECT_TRUE((never | stop_after_attempts(1)).holds(after(1)));
    EXPECT_FALSE((never & stop_after_attempts(1)).holds(after(1)));
}

TEST(stop_condition, of_more_than_four_parts_cannot_be) {
    auto const c = stop_after_attempts(1);
    EXPECT_TRUE((c & c & c & c).holds(after(1)));
    EXPECT_THROW((void)(c | c | c | c | c), std::length_error);
}

}  // namespace
}  // namespace stop_condition_test
