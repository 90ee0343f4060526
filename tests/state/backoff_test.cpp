// SPDX-License-Identifier: BSL-1.0
#include <coffer/state/backoff.hpp>

#include "support/seeds.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <chrono>
#include <cmath>
#include <cstdint>
#include <limits>
#include <vector>

namespace backoff_test {
namespace {

using namespace std::chrono_literals;
using coffer::backoff;
using coffer::growth;
using coffer::jitter;
using duration = backoff::duration;

constexpr auto huge = std::numeric_limits<std::uint32_t>::max();
constexpr double inf = std::numeric_limits<double>::infinity();
constexpr double nan = std::numeric_limits<double>::quiet_NaN();
constexpr double almost_one = 0x1.fffffffffffffp-1;

constexpr growth growths[] = {growth::constant, growth::linear, growth::exponential};
constexpr jitter jitters[] = {jitter::none, jitter::full, jitter::equal, jitter::decorrelated};

// Tables -------------------------------------------------------------------------------------------------------------

TEST(backoff, grows_as_told_up_to_the_cap) {
    struct expected {
        growth grow;
        std::vector<duration> delays;  // before the 2nd, 3rd, ... attempt
    };
    std::vector<expected> const table{
        {growth::constant, {100ms, 100ms, 100ms, 100ms, 100ms}},
        {growth::linear, {100ms, 200ms, 300ms, 400ms, 500ms}},
        {growth::exponential, {100ms, 200ms, 400ms, 800ms, 1000ms}},
    };
    for (auto const& e : table) {
        backoff const b{e.grow, jitter::none, 100ms, 1s};
        for (std::uint32_t retry = 1; retry <= e.delays.size(); ++retry)
            EXPECT_EQ(b.delay(retry, 0.7), e.delays[retry - 1]) << static_cast<int>(e.grow) << ", " << retry;
        EXPECT_EQ(b.ceiling(0), e.delays[0]) << "there is no retry number 0";
    }
    backoff const tripling{growth::exponential, jitter::none, 1s, 1h, 3.0};
    EXPECT_EQ(tripling.delay(4, 0), 27s);
}

TEST(backoff, draws_where_the_jitter_says) {
    auto const drawn = [](jitter j, double unit, duration previous = 0ns) {
        return backoff{growth::constant, j, 1000ns, 8000ns}.delay(1, unit, previous);
    };
    EXPECT_EQ(drawn(jitter::none, 0.5), 1000ns);
    EXPECT_EQ(drawn(jitter::full, 0), 0ns);
    EXPECT_EQ(drawn(jitter::full, 0.5), 500ns);
    EXPECT_EQ(drawn(jitter::full, almost_one), 999ns);
    EXPECT_EQ(drawn(jitter::equal, 0), 500ns);
    EXPECT_EQ(drawn(jitter::equal, 0.5), 750ns);
    EXPECT_EQ(drawn(jitter::equal, almost_one), 999ns);
    EXPECT_EQ(drawn(jitter::decorrelated, 0), 1000ns);
    EXPECT_EQ(drawn(jitter::decorrelated, 0.5), 2000ns);
    EXPECT_EQ(drawn(jitter::decorrelated, almost_one), 2999ns);
    EXPECT_EQ(drawn(jitter::decorrelated, 0.5, 2000ns), 3500ns);
    EXPECT_EQ(drawn(jitter::decorrelated, almost_one, 4000ns), 7999ns) << "the cap comes before the draw";
}

TEST(backoff, never_is_the_cap_when_jittered) {
    for (auto const grow : growths)
        for (auto const spread : {jitter::full, jitter::equal, jitter::decorrelated})
            for (auto const base : {1ms, 999ms, 1000ms, 5000ms})
                for (auto const retry : {1U, 2U, 20U, huge})
                    EXPECT_LT((backoff{grow, spread, base, 1s}.delay(retry, almost_one, 1s)), 1s)
                        << static_cast<int>(grow) << " " << static_cast<int>(spread) << " " << base.count() << " "
                        << retry;
}

TEST(backoff, decorrelated_with_a_base_not_below_the_cap_stays_spread) {
    for (auto const base : {1s, 2s}) {
        backoff const b{growth::exponential, jitter::decorrelated, base, 1s};
        EXPECT_EQ(b.delay(1, 0), 0ns);
        EXPECT_EQ(b.delay(1, 0.5), 500ms);
        EXPECT_EQ(b.delay(9, 0.25, 999ms), 250ms);
    }
}

TEST(backoff, options_that_cannot_be_meant_do_no_harm) {
    for (auto const grow : growths)
        for (auto const spread : jitters)
            for (double const factor : {nan, inf, -inf, -1.0, 0.0, 1e308})
                for (auto const base : {duration::min(), -1ns, 0ns, duration{1ns}, duration::max()})
                    for (auto const cap : {duration::min(), -1ns, 0ns, duration{1ns}, duration::max()})
                        for (auto const retry : {0U, 1U, 2U, 1000U, huge})
                            for (double const unit : {nan, -1.0, 0.0, almost_one, 1.0, 2.0, inf}) {
                                auto const d =
                                    backoff{grow, spread, base, cap, factor}.delay(retry, unit, duration::max());
                                ASSERT_GE(d, 0ns);
                                ASSERT_LE(d, std::max<duration>(cap, 0ns));
                            }
}

TEST(backoff, a_factor_that_is_no_growth_counts_as_one) {
    for (double const factor : {nan, -1.0, 0.0, 0.5, 1.0})
        EXPECT_EQ((backoff{growth::exponential, jitter::none, 100ms, 1s, factor}.delay(7, 0)), 100ms) << factor;
}

// A random model -----------------------------------------------------------------------------------------------------

// What the delay must lie in, in longer numbers.
struct bounds {
    long double low;
    long double high;  // not included, unless nothing is jittered
};

bounds model(backoff const& b, std::uint32_t retry, duration previous) {
    auto const base = static_cast<long double>(b.base.count());
    auto const cap = static_cast<long double>(b.cap.count());
    auto wanted = base;
    if (b.grow == growth::linear) wanted = base * static_cast<long double>(retry);
    if (b.grow == growth::exponential)
        wanted = base * std::pow(static_cast<long double>(b.factor), static_cast<long double>(retry - 1));
    if (b.base == 0ns) wanted = 0;
    auto const d = std::min(wanted, cap);
    switch (b.spread) {
        case jitter::none: return {d, d};
        case jitter::full: return {0, d};
        case jitter::equal: return {d / 2, d};
        case jitter::decorrelated: break;
    }
    if (base >= cap) return {0, cap};
    auto const before = std::max(static_cast<long double>(previous.count()), base);
    return {base, std::min(3 * before, cap)};
}

TEST(backoff, random_schedules_stay_within_their_bounds) {
    for (auto const seed : support::each_seed(4 * support::seeds())) {
        support::dice dice{seed};
        backoff const b{growths[dice.below(3)], jitters[dice.below(4)],
                        duration{static_cast<duration::rep>(dice.bits() >> (1 + dice.below(62)))},
                        duration{static_cast<duration::rep>(dice.bits() >> (1 + dice.below(62)))},
                        1.0 + dice.unit() * static_cast<double>(dice.below(10))};
        auto const retry = 1 + static_cast<std::uint32_t>(dice.bits() >> (32 + dice.below(32))) % (huge - 1);
        duration const previous{static_cast<duration::rep>(dice.bits() >> (1 + dice.below(62)))};
        auto const unit = dice.one_in(4) ? almost_one : dice.unit();
        auto const d = b.delay(retry, unit, previous);
        auto const [low, high] = model(b, retry, previous);
        auto const got = static_cast<long double>(d.count());

        // Doubles know 53 bits of a delay: a part in 2^50, or a nanosecond, may be missing.
        auto const slack = 2 + high * 0x1p-45L;
        ASSERT_GE(d, 0ns) << "seed " << seed;
        ASSERT_LE(d, b.cap) << "seed " << seed;
        ASSERT_GE(got, low - slack) << "seed " << seed;
        ASSERT_LE(got, high + slack) << "seed " << seed;
        if (b.spread != jitter::none && b.cap > 0ns) {
            ASSERT_LT(d, b.cap) << "seed " << seed;
        }
        if (b.spread == jitter::decorrelated && b.base < b.cap) {
            ASSERT_GE(d, b.base) << "seed " << seed;
        }
    }
}

TEST(backoff, full_jitter_is_spread_evenly) {
    backoff const b{growth::exponential, jitter::full, 500ms, 30s};
    support::dice dice{7};
    constexpr int n = 100'000;
    double sum = 0;
    int quarter[4] = {};
    for (int i = 0; i < n; ++i) {
        auto const part = static_cast<double>(b.delay(30, dice.unit()).count()) / 30e9;
        sum += part;
        ++quarter[static_cast<int>(part * 4)];
    }
    EXPECT_NEAR(sum / n, 0.5, 0.005);  // 5 standard deviations
    for (auto const hits : quarter) EXPECT_NEAR(hits, n / 4, 5 * 140);
}

TEST(backoff, decorrelated_delays_wander_and_do_not_stick_to_either_end) {
    backoff const b{growth::exponential, jitter::decorrelated, 500ms, 30s};
    support::dice dice{11};
    duration previous{0};
    duration longest{0};
    int short_ones = 0;
    for (std::uint32_t i = 1; i <= 10'000; ++i) {
        auto const d = b.delay(i, dice.unit(), previous);
        auto const high = std::min<duration>(3 * std::max<duration>(previous, 500ms), 30s);
        ASSERT_GE(d, 500ms);
        ASSERT_LT(d, high);
        longest = std::max(longest, d);
        short_ones += d < 5s ? 1 : 0;
        previous = d;
    }
    EXPECT_GT(longest, 29s);
    EXPECT_GT(short_ones, 500);
}

}  // namespace
}  // namespace backoff_test
