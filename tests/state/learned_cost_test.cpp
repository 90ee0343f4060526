// SPDX-License-Identifier: BSL-1.0
#include <coffer/state/learned_cost.hpp>

#include <gtest/gtest.h>

#include <optional>
#include <string>

namespace learned_cost_test {
namespace {

using namespace coffer;
using namespace coffer::literals;

TEST(learned_cost, knows_nothing_but_the_bound_at_first) {
    learned_cost c;
    EXPECT_EQ(c.expected("m", 0.40_usd), 0.40_usd);
    EXPECT_EQ(c.expected("m", std::nullopt), std::nullopt);
    for (int i = 0; i < 7; ++i) c.note("m", 1_usd, 0.10_usd);
    EXPECT_EQ(c.expected("m", 0.40_usd), 0.40_usd) << "seven are too few";
    c.note("m", 1_usd, 0.10_usd);
    EXPECT_EQ(c.expected("m", 0.40_usd), 0.04_usd);
    EXPECT_EQ(c.expected("another", 0.40_usd), 0.40_usd);
}

TEST(learned_cost, expects_what_95_of_100_did_not_exceed) {
    learned_cost c;
    for (int i = 0; i < 61; ++i) c.note("m", 1_usd, 0.10_usd);
    for (int i = 0; i < 3; ++i) c.note("m", 1_usd, 0.90_usd);
    EXPECT_EQ(c.expected("m", 1_usd), 0.10_usd) << "3 of 64 are fewer than 5 of 100";
    c.note("m", 1_usd, 0.90_usd);
    EXPECT_EQ(c.expected("m", 1_usd), 0.90_usd) << "4 of 64 are more";
}

TEST(learned_cost, only_the_last_64_count) {
    learned_cost c;
    for (int i = 0; i < 64; ++i) c.note("m", 1_usd, 1_usd);
    for (int i = 0; i < 64; ++i) c.note("m", 1_usd, 0.20_usd);
    EXPECT_EQ(c.expected("m", 1_usd), 0.20_usd);
}

TEST(learned_cost, without_a_bound_it_expects_the_amount) {
    learned_cost c;
    for (int i = 0; i < 8; ++i) c.note("m", std::nullopt, 0.30_usd);
    EXPECT_EQ(c.expected("m", std::nullopt), 0.30_usd);
    EXPECT_EQ(c.expected("m", 5_usd), 5_usd) << "of no share has anything been learned";
}

TEST(learned_cost, shares_are_rounded_up_and_never_beyond_the_bound) {
    learned_cost c;
    for (int i = 0; i < 8; ++i) c.note("m", money::from_nano(3), money::from_nano(1));
    EXPECT_EQ(c.expected("m", money::from_nano(3)), money::from_nano(2)) << "a third, rounded up to millionths";
    for (int i = 0; i < 64; ++i) c.note("m", money::from_nano(1), money::max());
    EXPECT_EQ(c.expected("m", 2_usd), 2_usd);
    EXPECT_EQ(c.expected("m", money::max()), money::max());
    for (int i = 0; i < 64; ++i) c.note("m", money{}, money{});
    EXPECT_EQ(c.expected("m", money{}), money{});
}

TEST(learned_cost, of_very_many_models_it_learns_only_so_many) {
    learned_cost c;
    for (int m = 0; m < 1001; ++m)
        for (int i = 0; i < 8; ++i) c.note("m" + std::to_string(m), 1_usd, 0.10_usd);
    EXPECT_EQ(c.expected("m999", 1_usd), 0.10_usd);
    EXPECT_EQ(c.expected("m1000", 1_usd), 1_usd) << "the bound is always safe";
}

}  // namespace
}  // namespace learned_cost_test
