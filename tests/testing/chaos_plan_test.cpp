// SPDX-License-Identifier: BSL-1.0
#include <coffer/testing/chaos_plan.hpp>

#include <gtest/gtest.h>

#include <array>
#include <chrono>
#include <cmath>
#include <cstddef>
#include <limits>
#include <stdexcept>
#include <vector>

#include "support/seeds.hpp"

namespace chaos_plan_test {
namespace {

using namespace coffer;
using namespace coffer::testing;
using namespace std::chrono_literals;

chaos_effect effect(chaos_plan::fate const& f) { return f.what != nullptr ? f.what->effect() : chaos_effect::none; }

TEST(chaos_plan, without_anything_nothing_happens) {
    random_source random{1};
    chaos_plan const plan;
    for (std::size_t i = 0; i < 100; ++i) {
        auto const f = plan.of(i, random);
        EXPECT_EQ(f.what, nullptr);
        EXPECT_EQ(f.latency, 0s);
    }
}

TEST(chaos_plan, the_script_comes_first_and_then_chance) {
    random_source random{1};
    auto const plan = chaos_plan{}
                          .sometimes(1, injection::throws())
                          .then(injection::loses_reply())
                          .then(injection::fails(fault_kind::overloaded), 2)
                          .then(injection::none());
    std::vector<chaos_effect> seen;
    for (std::size_t i = 0; i < 6; ++i) seen.push_back(effect(plan.of(i, random)));
    using enum chaos_effect;
    EXPECT_EQ(seen, (std::vector{lost_reply, fault, fault, none, exception, exception}));
}

TEST(chaos_plan, each_thing_happens_as_often_as_it_is_said_to) {
    constexpr int sends = 20'000;
    auto const plan = chaos_plan{}
                          .sometimes(0.1, injection::fails(fault_kind::overloaded))
                          .sometimes(0.02, injection::loses_reply())
                          .sometimes(0.3, injection::hangs())
                          .slows(0.25, 1s, 3s);
    for (std::uint64_t const seed : {1U, 2U, 3U}) {
        random_source random{seed};
        std::array<int, chaos_effect_count> counts{};
        int slow = 0;
        auto mean = 0.0;
        for (std::size_t i = 0; i < sends; ++i) {
            auto const f = plan.of(i, random);
            ++counts[static_cast<std::size_t>(effect(f))];
            if (f.latency == 0s) continue;
            ++slow;
            EXPECT_GE(f.latency, 1s);
            EXPECT_LT(f.latency, 3s);
            mean += std::chrono::duration<double>{f.latency}.count();
        }
        // Five deviations: once in two million tries by chance, and the seeds are fixed.
        auto const as_said = [&](int count, double p) {
            EXPECT_NEAR(count, sends * p, 5 * std::sqrt(sends * p * (1 - p)));
        };
        as_said(counts[static_cast<std::size_t>(chaos_effect::fault)], 0.1);
        as_said(counts[static_cast<std::size_t>(chaos_effect::lost_reply)], 0.02);
        as_said(counts[static_cast<std::size_t>(chaos_effect::hang)], 0.3);
        as_said(counts[static_cast<std::size_t>(chaos_effect::none)], 0.58);
        as_said(slow, 0.25);
        EXPECT_NEAR(mean / slow, 2, 5 * 2 / std::sqrt(12.0 * slow));
    }
}

TEST(chaos_plan, never_and_always_are_meant_so) {
    auto const never = chaos_plan{}.sometimes(0, injection::throws()).slows(0, 1s, 2s);
    auto const always = chaos_plan{}.sometimes(1, injection::throws()).slows(1, 1s, 1s);
    random_source random{7};
    for (std::size_t i = 0; i < 1000; ++i) {
        auto const f = never.of(i, random);
        EXPECT_EQ(f.what, nullptr);
        EXPECT_EQ(f.latency, 0s);
        auto const g = always.of(i, random);
        EXPECT_EQ(effect(g), chaos_effect::exception);
        EXPECT_EQ(g.latency, 1s);
    }
}

// Else one thing more in a plan would change all that comes after.
TEST(chaos_plan, it_draws_as_much_whatever_comes_of_it) {
    chaos_plan const empty;
    auto const full = chaos_plan{}.then(injection::hangs(), 5).sometimes(0.5, injection::throws()).slows(0.5, 1s, 2s);
    random_source one{3}, other{3};
    for (std::size_t i = 0; i < 50; ++i) {
        (void)empty.of(i, one);
        (void)full.of(i, other);
    }
    EXPECT_EQ(one.next(), other.next());
}

TEST(chaos_plan, its_faults_are_marked_and_otherwise_as_they_were_said) {
    auto const i = injection::fails(fault{fault_kind::quota_exhausted, "no money"}
                                        .with_code("insufficient_quota")
                                        .with_status(429)
                                        .with_execution(knowledge::maybe)
                                        .with_billing(knowledge::yes)
                                        .with_retry_after(7s));
    EXPECT_EQ(i.why().kind(), fault_kind::quota_exhausted);
    EXPECT_EQ(i.why().code(), "chaos:insufficient_quota");
    EXPECT_EQ(i.why().message(), "chaos: no money");
    EXPECT_EQ(i.why().status(), 429);
    EXPECT_EQ(i.why().execution(), knowledge::maybe);
    EXPECT_EQ(i.why().billing(), knowledge::yes);
    EXPECT_EQ(i.why().retry_after(), 7s);
    for (std::size_t k = 0; k < fault_kind_count; ++k) {
        auto const kind = static_cast<fault_kind>(k);
        EXPECT_EQ(injection::fails(kind).why().kind(), kind);
        EXPECT_EQ(injection::fails(kind).why().code(), "chaos");
        EXPECT_EQ(injection::fails(kind).why().billing(), row(kind).billing);
    }
}

TEST(chaos_plan, what_cannot_be_meant_is_refused) {
    auto const odds = [](double p) { (void)chaos_plan{}.sometimes(p, injection::throws()); };
    EXPECT_THROW(odds(-0.1), std::invalid_argument);
    EXPECT_THROW(odds(1.1), std::invalid_argument);
    EXPECT_THROW(odds(std::numeric_limits<double>::quiet_NaN()), std::invalid_argument);
    EXPECT_THROW((void)chaos_plan{}.sometimes(0.6, injection::throws()).sometimes(0.6, injection::hangs()),
                 std::invalid_argument);
    chaos_plan tenths;
    for (int i = 0; i < 10; ++i) EXPECT_NO_THROW(tenths.sometimes(0.1, injection::throws()));
    EXPECT_THROW((void)chaos_plan{}.then(injection::hangs(), 0), std::invalid_argument);
    EXPECT_THROW((void)chaos_plan{}.slows(0.5, 2s, 1s), std::invalid_argument);
    EXPECT_THROW((void)chaos_plan{}.slows(0.5, -2s, 1s), std::invalid_argument);
    EXPECT_THROW((void)chaos_plan{}.slows(2, 1s, 1s), std::invalid_argument);
}

TEST(chaos_plan, every_effect_has_a_name) {
    for (std::size_t i = 0; i < chaos_effect_count; ++i)
        EXPECT_NE(to_string(static_cast<chaos_effect>(i)), "unknown") << i;
    EXPECT_EQ(to_string(static_cast<chaos_effect>(chaos_effect_count)), "unknown");
}

}  // namespace
}  // namespace chaos_plan_test
