// SPDX-License-Identifier: BSL-1.0
#include <coffer/state/quota_bucket.hpp>

#include "support/seeds.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <chrono>
#include <limits>
#include <stdexcept>

namespace quota_bucket_test {
namespace {

using namespace std::chrono_literals;
using coffer::quota_bucket;
using coffer::retry_quota_options;
using time_point = quota_bucket::time_point;

constexpr time_point start{1h};

TEST(quota_bucket, affords_what_is_saved_up_and_then_what_time_brings) {
    quota_bucket b{{.capacity = 3, .per_second = 0.5, .per_success = 0}};
    for (int i = 0; i < 3; ++i) EXPECT_TRUE(b.withdraw(start)) << i;
    EXPECT_FALSE(b.withdraw(start));
    EXPECT_FALSE(b.withdraw(start + 1s));
    EXPECT_TRUE(b.withdraw(start + 2s));
    EXPECT_FALSE(b.withdraw(start + 2s));
    EXPECT_EQ(b.left(start + 1h), 3) << "no more than the capacity";
}

TEST(quota_bucket, affords_what_successes_bring) {
    quota_bucket b{{.capacity = 1, .per_second = 0, .per_success = 0.25}};
    EXPECT_TRUE(b.withdraw(start));
    for (int i = 0; i < 3; ++i) b.succeeded(start);
    EXPECT_FALSE(b.withdraw(start));
    b.succeeded(start);
    EXPECT_TRUE(b.is_full());
    b.succeeded(start);
    EXPECT_TRUE(b.withdraw(start + 1h));
    EXPECT_FALSE(b.withdraw(start + 1h));
}

TEST(quota_bucket, what_was_not_used_after_all_is_there_again) {
    quota_bucket b{{.capacity = 2, .per_second = 0, .per_success = 0.5}};
    EXPECT_TRUE(b.withdraw(start));
    EXPECT_TRUE(b.withdraw(start));
    b.give_back(start);
    EXPECT_EQ(b.left(start), 1);
    EXPECT_TRUE(b.withdraw(start));
    EXPECT_FALSE(b.withdraw(start));
    b.succeeded(start);
    b.succeeded(start);
    b.succeeded(start);
    b.give_back(start);
    EXPECT_EQ(b.left(start), 2) << "no more than the capacity";
}

TEST(quota_bucket, gains_nothing_while_it_is_full) {
    quota_bucket b{{.capacity = 1, .per_second = 1, .per_success = 0}};
    EXPECT_TRUE(b.withdraw(start + 10h));
    EXPECT_FALSE(b.withdraw(start + 10h)) << "the hours before were not saved up";
    EXPECT_FALSE(b.withdraw(start)) << "a clock that was read earlier";
    EXPECT_TRUE(b.withdraw(start + 10h + 1s));
}

TEST(quota_bucket, loses_no_fraction_however_often_it_is_asked) {
    quota_bucket b{{.capacity = 1, .per_second = 0.2, .per_success = 0}};
    EXPECT_TRUE(b.withdraw(start));
    auto now = start;
    while (!b.withdraw(now)) now += 7us;
    EXPECT_GE(now - start, 5s);
    EXPECT_LT(now - start, 5s + 50ms);
}

TEST(quota_bucket, refuses_options_that_cannot_be_meant) {
    constexpr auto nan = std::numeric_limits<double>::quiet_NaN();
    constexpr auto inf = std::numeric_limits<double>::infinity();
    for (double const wrong : {-1.0, 1e7, nan, inf, -inf}) {
        EXPECT_THROW((quota_bucket{{.capacity = wrong}}), std::invalid_argument) << wrong;
        EXPECT_THROW((quota_bucket{{.per_second = wrong}}), std::invalid_argument) << wrong;
        EXPECT_THROW((quota_bucket{{.per_success = wrong}}), std::invalid_argument) << wrong;
    }
    EXPECT_THROW((quota_bucket{{.capacity = 0.5}}), std::invalid_argument);
    EXPECT_THROW((quota_bucket{{.per_second = 0, .per_success = 0}}), std::invalid_argument);
}

// Whatever happens: in any stretch of time no more is taken than the capacity and what was gained; and what was gained can be
// taken.
TEST(quota_bucket, random_use_takes_what_there_is_and_no_more) {
    for (auto const seed : support::each_seed()) {
        support::dice dice{seed};
        retry_quota_options const o{.capacity = 1.0 + dice.below(5),
                                    .per_second = 0.1 * (1 + dice.below(20)),
                                    .per_success = 0.1 * dice.below(5)};
        quota_bucket b{o};
        double saved = o.capacity;
        auto now = start;
        for (int i = 0; i < 200; ++i) {
            auto const step = std::chrono::milliseconds{dice.below(1500)};
            now += step;
            saved = std::min(saved + std::chrono::duration<double>{step}.count() * o.per_second, o.capacity);
            if (dice.one_in(3)) {
                b.succeeded(now);
                saved = std::min(saved + o.per_success, o.capacity);
            } else if (b.withdraw(now)) {
                ASSERT_GE(saved, 0.999) << "seed " << seed;
                saved -= 1;
            } else {
                ASSERT_LT(saved, 1.001) << "seed " << seed;
            }
        }
    }
}

}  // namespace
}  // namespace quota_bucket_test
