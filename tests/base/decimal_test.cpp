// SPDX-License-Identifier: BSL-1.0
#include <coffer/base/decimal.hpp>

#include <gtest/gtest.h>

#include <cstdint>
#include <optional>
#include <string>

namespace decimal_test {
namespace {

using coffer::detail::read_decimal;

std::optional<std::int64_t> pico(std::string const& text) {
    auto const d = read_decimal(text, 12);
    return d ? std::optional{d->units} : std::nullopt;
}

TEST(decimal, every_way_to_write_a_number_is_the_same_number) {
    for (auto const* const text : {"1.5e-07", "1.5E-7", "15e-8", "0.00000015", "0.15e-6", "00.00000015", "150e-9",
                                   "1500000000000e-19", "0.000000150000000000000000000000000000000000"}) {
        EXPECT_EQ(pico(text), 150'000) << text;
        EXPECT_FALSE(read_decimal(text, 12)->rounded_up) << text;
    }
    EXPECT_EQ(pico("0"), 0);
    EXPECT_EQ(pico("0.0"), 0);
    EXPECT_EQ(pico("0e999999999999"), 0);
    EXPECT_EQ(pico("1e+0"), 1'000'000'000'000);
    EXPECT_EQ(pico("1."), 1'000'000'000'000);
}

TEST(decimal, what_is_finer_is_rounded_up_and_said) {
    for (auto const* const text : {"1e-13", "1e-99999999999", "0.0000000000001", "0.9999999999999e-12"}) {
        EXPECT_EQ(pico(text), 1) << text;
        EXPECT_TRUE(read_decimal(text, 12)->rounded_up) << text;
    }
    EXPECT_EQ(pico("2.9999900000000002e-06"), 2'999'991);
    EXPECT_EQ(pico("1.0000000000009e-12"), 2);
}

TEST(decimal, goes_up_to_63_bits) {
    EXPECT_EQ(read_decimal("9223372036854775807", 0)->units, 9'223'372'036'854'775'807);
    EXPECT_EQ(read_decimal("9.223372036854775807e18", 0)->units, 9'223'372'036'854'775'807);
    for (auto const* const text : {"9223372036854775808", "9223372036854775806.1e0001", "99999999999999999999", "1e19",
                                   "1e300", "1e99999999999", "9223372036854775807.5"})
        EXPECT_FALSE(read_decimal(text, 0)) << text;
}

TEST(decimal, anything_else_is_none) {
    for (auto const* const text : {"", ".", "e5", "-1", "+1", "1e", "1e+-5", "1e5.0", "1.2.3", "0x1", "1,5", " 1", "1 ",
                                   "nan", "inf", "1e5e5", "1f"})
        EXPECT_FALSE(read_decimal(text, 12)) << text;
}

}  // namespace
}  // namespace decimal_test
