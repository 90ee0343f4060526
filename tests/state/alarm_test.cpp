// SPDX-License-Identifier: BSL-1.0
#include <coffer/state/alarm.hpp>

#include <gtest/gtest.h>

#include <cstdint>
#include <limits>

namespace alarm_test {
namespace {

using namespace coffer::literals;
using coffer::in_dollars;
using coffer::money;

TEST(alarm, amounts_are_written_for_people) {
    EXPECT_EQ(in_dollars(0_usd), "$0.00");
    EXPECT_EQ(in_dollars(25_usd), "$25.00");
    EXPECT_EQ(in_dollars(20.101_usd), "$20.11");
    EXPECT_EQ(in_dollars(1_usd), "$1.00");
    EXPECT_EQ(in_dollars(0.5_usd), "$0.50");
    EXPECT_EQ(in_dollars(0.000150_usd), "$0.00015");
    EXPECT_EQ(in_dollars(0.000000001_usd), "$0.000001");
    EXPECT_EQ(in_dollars(0.999999999_usd), "$1.00");
    EXPECT_EQ(in_dollars(money{} - 3.5_usd), "-$3.50");
    EXPECT_EQ(in_dollars(money::max()), "$9223372036.86");
    EXPECT_EQ(in_dollars(money::from_nano(std::numeric_limits<std::int64_t>::min())), "-$9223372036.86");
}

TEST(alarm, kinds_and_severities_have_names) {
    EXPECT_EQ(to_string(coffer::alarm_kind::threshold), "threshold");
    EXPECT_EQ(to_string(coffer::alarm_kind::duplicate_work), "duplicate_work");
    EXPECT_EQ(to_string(coffer::alarm_severity::notice), "notice");
    EXPECT_EQ(to_string(coffer::alarm_severity::critical), "critical");
}

}  // namespace
}  // namespace alarm_test
