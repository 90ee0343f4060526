// SPDX-License-Identifier: BSL-1.0
#include <coffer/llm/instants.hpp>

#include <gtest/gtest.h>

#include <chrono>
#include <optional>
#include <string>
#include <string_view>

namespace instants_test {
namespace {

namespace llm = coffer::llm;
using namespace std::chrono_literals;
using coffer::duration;
using coffer::wall_time_point;

std::optional<duration> some(duration d) { return d; }
constexpr auto none = std::nullopt;

wall_time_point day(int year, unsigned month, unsigned d, std::chrono::seconds time = 0s) {
    return wall_time_point{
        std::chrono::sys_days{std::chrono::year{year} / static_cast<int>(month) / static_cast<int>(d)} + time};
}

TEST(seconds, reads_whole_and_broken_numbers) {
    EXPECT_EQ(llm::parse_seconds("20"), some(20s));
    EXPECT_EQ(llm::parse_seconds("0"), some(0s));
    EXPECT_EQ(llm::parse_seconds("0.5"), some(500ms));
    EXPECT_EQ(llm::parse_seconds(".25"), some(250ms));
    EXPECT_EQ(llm::parse_seconds("7."), some(7s));
    EXPECT_EQ(llm::parse_seconds(" 3 "), some(3s));
    EXPECT_EQ(llm::parse_seconds("1.0000000019"), some(1s + 1ns));  // finer than a nanosecond is cut
}

TEST(seconds, ignores_what_is_no_plain_number) {
    for (auto const* const text :
         {"", " ", ".", "abc", "-1", "+1", "nan", "NaN", "inf", "1e3", "1,5", "0x10", "12s", "1 2", "1..2"})
        EXPECT_EQ(llm::parse_seconds(text), none) << text;
}

TEST(seconds, cuts_absurdly_long_ones_and_never_overflows) {
    auto const longest = *llm::parse_seconds("9999999999999999999999999999999999999");
    EXPECT_GT(longest, 24h * 365 * 40);
    EXPECT_EQ(llm::parse_seconds("4000000000"), some(longest));
}

TEST(go_duration, reads_what_go_prints) {
    EXPECT_EQ(llm::parse_go_duration("6m0s"), some(6min));
    EXPECT_EQ(llm::parse_go_duration("12ms"), some(12ms));
    EXPECT_EQ(llm::parse_go_duration("1s"), some(1s));
    EXPECT_EQ(llm::parse_go_duration("0s"), some(0s));
    EXPECT_EQ(llm::parse_go_duration("2m59.56s"), some(2min + 59560ms));
    EXPECT_EQ(llm::parse_go_duration("7.66s"), some(7660ms));
    EXPECT_EQ(llm::parse_go_duration("1h2m3.5s"), some(1h + 2min + 3500ms));
    EXPECT_EQ(llm::parse_go_duration("1.5h"), some(90min));
    EXPECT_EQ(llm::parse_go_duration("850us"), some(850us));
    EXPECT_EQ(llm::parse_go_duration("850\xC2\xB5s"), some(850us));
    EXPECT_EQ(llm::parse_go_duration("850\xCE\xBCs"), some(850us));
    EXPECT_EQ(llm::parse_go_duration("99ns"), some(99ns));
    EXPECT_EQ(llm::parse_go_duration("24h0m0s"), some(24h));
}

TEST(go_duration, ignores_everything_else) {
    for (auto const* const text : {"", "6", "6m0", "-6m0s", "m", "6x", "6m 0s", "s6", "P6M", "1d", "."})
        EXPECT_EQ(llm::parse_go_duration(text), none) << text;
}

TEST(go_duration, cuts_absurdly_long_ones_and_never_overflows) {
    auto const longest = *llm::parse_seconds("4000000000");
    EXPECT_EQ(llm::parse_go_duration("999999999999999999h"), some(longest));
    EXPECT_EQ(llm::parse_go_duration("999999999999h999999999999h1ns"), some(longest));
}

TEST(http_date, reads_all_three_forms) {
    auto const now = day(2026, 11, 21);
    auto const said = day(1994, 11, 6, 8h + 49min + 37s);
    EXPECT_EQ(llm::parse_http_date("Sun, 06 Nov 1994 08:49:37 GMT", now), said);
    EXPECT_EQ(llm::parse_http_date("Sunday, 06-Nov-94 08:49:37 GMT", now), said);
    EXPECT_EQ(llm::parse_http_date("Sun Nov  6 08:49:37 1994", now), said);
    EXPECT_EQ(llm::parse_http_date("Wed, 21 Oct 2026 07:28:00 GMT", now), day(2026, 10, 21, 7h + 28min));
    EXPECT_EQ(llm::parse_http_date("Thu, 29 Feb 2024 23:59:60 GMT", now), day(2024, 2, 29, 23h + 59min + 59s));
}

TEST(http_date, takes_two_digits_for_the_nearest_century) {
    auto const now = day(2026, 11, 21);
    EXPECT_EQ(llm::parse_http_date("Friday, 01-Jan-27 00:00:00 GMT", now), day(2027, 1, 1));
    EXPECT_EQ(llm::parse_http_date("Friday, 01-Jan-76 00:00:00 GMT", now), day(2076, 1, 1));
    EXPECT_EQ(llm::parse_http_date("Friday, 01-Jan-77 00:00:00 GMT", now), day(1977, 1, 1));
}

TEST(http_date, ignores_what_is_none) {
    auto const now = day(2026, 11, 21);
    for (std::string_view const text :
         {"", "abc", "Sun, 06 Nov 1994 08:49:37", "Sun, 06 Nov 1994 08:49:37 CET", "Sun, 6 Nov 1994 08:49:37 GMT",
          "Sun, 06 Nob 1994 08:49:37 GMT", "Sun, 31 Feb 2026 08:49:37 GMT", "Sun, 06 Nov 1994 24:49:37 GMT",
          "Sun, 06 Nov 1994 08:60:37 GMT", "Sun, 06 Nov 1994 08-49-37 GMT", "Sun, 00 Nov 1994 08:49:37 GMT",
          "Sun, 06 Nov -994 08:49:37 GMT", "2026-11-21T00:00:00Z", ", GMT", "Sun Nov 99 08:49:37 1994",
          "Sun, 06 anF 1994 08:49:37 GMT"})
        EXPECT_EQ(llm::parse_http_date(text, now), none) << text;
}

TEST(http_date, survives_years_that_no_clock_can_count) {
    auto const now = day(2026, 11, 21);
    auto const far = llm::parse_http_date("Sun, 06 Nov 9994 08:49:37 GMT", now);
    ASSERT_TRUE(far);
    EXPECT_EQ(llm::until(*far, now), *llm::parse_seconds("4000000000"));
    EXPECT_EQ(llm::parse_http_date("Sun, 06 Nov 1969 08:49:37 GMT", now), none);
}

TEST(until, is_zero_for_the_past) {
    auto const now = day(2026, 11, 21);
    EXPECT_EQ(llm::until(now - 1h, now), duration{0});
    EXPECT_EQ(llm::until(now, now), duration{0});
    EXPECT_EQ(llm::until(now + 90s, now), 90s);
}

}  // namespace
}  // namespace instants_test
