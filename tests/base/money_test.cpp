// SPDX-License-Identifier: BSL-1.0
#include <coffer/base/money.hpp>
#include <coffer/base/usage.hpp>

#include "support/seeds.hpp"

#include <gtest/gtest.h>

#include <cstdint>
#include <limits>
#include <sstream>
#include <string>
#include <vector>

namespace money_test {
namespace {

using coffer::cost_sum;
using coffer::money;
using coffer::token_price;
using namespace coffer::literals;

constexpr auto most = std::numeric_limits<std::int64_t>::max();
constexpr auto least = std::numeric_limits<std::int64_t>::min();

// Literals are exact -------------------------------------------------------------------------------------------------

static_assert((0.10_usd).nano() == 100'000'000);
static_assert((25_usd).nano() == 25'000'000'000);
static_assert((0_usd).nano() == 0);
static_assert((.5_usd).nano() == 500'000'000);
static_assert((1._usd).nano() == 1'000'000'000);
static_assert((0.000000001_usd).nano() == 1);
static_assert((0.0000000010_usd).nano() == 1, "a zero further down rounds nothing");
static_assert((12'345.678'9_usd).nano() == 12'345'678'900'000);
static_assert((9'223'372'036.854775807_usd) == money::max());
static_assert((0.15_usd_per_mtok).pico() == 150'000);
static_assert((75_usd_per_mtok).pico() == 75'000'000);
static_assert((0.000001_usd_per_mtok).pico() == 1);
// 0.1 + 0.2 == 0.3: no binary fraction was involved.
static_assert(0.1_usd + 0.2_usd == 0.3_usd);

// Sums saturate ------------------------------------------------------------------------------------------------------

static_assert(money::max() + 1_usd == money::max());
static_assert(money::from_nano(least) - 1_usd == money::from_nano(least));
static_assert(money{} - money::from_nano(least) == money::max());
static_assert(money::max() - money::max() == money{});
static_assert(3_usd - 5_usd == money::from_nano(-2'000'000'000));

TEST(money, sums_in_place_saturate_too) {
    auto m = money::max();
    m += money::max();
    EXPECT_EQ(m, money::max());
    m -= money::from_nano(1);
    EXPECT_EQ(m.nano(), most - 1);
    EXPECT_GT(m, 0_usd);
}

TEST(money, random_sums_agree_with_wide_arithmetic) {
    for (auto const seed : support::each_seed()) {
        support::dice dice{seed};
        auto const a = static_cast<std::int64_t>(dice.bits()) >> dice.below(63);
        auto const b = static_cast<std::int64_t>(dice.bits()) >> dice.below(63);
        auto const expect = [](coffer::detail::wide_int v) {
            return v > most ? most : v < least ? least : static_cast<std::int64_t>(v);
        };
        ASSERT_EQ((money::from_nano(a) + money::from_nano(b)).nano(), expect(coffer::detail::wide_int{a} + b));
        ASSERT_EQ((money::from_nano(a) - money::from_nano(b)).nano(), expect(coffer::detail::wide_int{a} - b));
    }
}

// Text ---------------------------------------------------------------------------------------------------------------

TEST(money, reads_what_people_write) {
    EXPECT_EQ(money::parse("0"), money{});
    EXPECT_EQ(money::parse("12"), money::from_nano(12'000'000'000));
    EXPECT_EQ(money::parse("12.5"), money::from_nano(12'500'000'000));
    EXPECT_EQ(money::parse("0.000000001"), money::from_nano(1));
    EXPECT_EQ(money::parse("000.10"), money::from_nano(100'000'000));
    EXPECT_EQ(money::parse("9223372036.854775807"), money::max());
    for (auto const* const bad :
         {"", ".", "1.", ".5", "-1", "+1", "1e3", "nan", "inf", "1,5", "1 ", " 1", "$1", "0x1", "1.2.3", "0.0000000001",
          "9223372036.854775808", "99999999999999999999999999999999999999999"})
        EXPECT_EQ(money::parse(bad), std::nullopt) << bad;
}

TEST(money, reads_what_it_prints) {
    for (auto const nano : {std::int64_t{0}, std::int64_t{1}, std::int64_t{999'999'999}, std::int64_t{1'000'000'001},
                            money::max().nano()})
        EXPECT_EQ(money::parse(money::from_nano(nano).to_string()), money::from_nano(nano));
}

TEST(money, prints_nine_decimals) {
    EXPECT_EQ((0.000150_usd).to_string(), "0.000150000");
    EXPECT_EQ(money{}.to_string(), "0.000000000");
    EXPECT_EQ(money::from_nano(1).to_string(), "0.000000001");
    EXPECT_EQ(money::from_nano(-1).to_string(), "-0.000000001");
    EXPECT_EQ(money::from_nano(-1'500'000'000).to_string(), "-1.500000000");
    EXPECT_EQ(money::max().to_string(), "9223372036.854775807");
    EXPECT_EQ(money::from_nano(least).to_string(), "-9223372036.854775808");
    std::ostringstream out;
    out << 25_usd;
    EXPECT_EQ(out.str(), "$25.000000000");
}

// Costs are rounded up once ------------------------------------------------------------------------------------------

TEST(cost_sum, rounds_up_once_and_not_every_part) {
    auto const third = token_price::from_pico(333);
    EXPECT_EQ(cost_sum{}.add(1, third).round_up().nano(), 1);
    EXPECT_EQ(cost_sum{}.add(1, third).add(1, third).add(1, third).round_up().nano(), 1);
    EXPECT_EQ(cost_sum{}.add(3, third).add(1, token_price::from_pico(1)).round_up().nano(), 1);
    EXPECT_EQ(cost_sum{}.add(3, third).add(1, token_price::from_pico(2)).round_up().nano(), 2);
    EXPECT_EQ(cost_sum{}.round_up().nano(), 0);
    EXPECT_EQ(cost_sum{}.add(1'000'000, 0.15_usd_per_mtok).round_up(), 0.15_usd);
}

// The slow reference counts every pico-dollar in text, digit by digit.
std::string times(std::uint64_t a, std::uint64_t b) {
    std::vector<unsigned> digits(42, 0);
    auto const x = std::to_string(a);
    auto const y = std::to_string(b);
    for (std::size_t i = 0; i < x.size(); ++i)
        for (std::size_t j = 0; j < y.size(); ++j)
            digits[i + j] +=
                static_cast<unsigned>(x[x.size() - 1 - i] - '0') * static_cast<unsigned>(y[y.size() - 1 - j] - '0');
    for (std::size_t i = 0; i + 1 < digits.size(); ++i) digits[i + 1] += digits[i] / 10, digits[i] %= 10;
    std::string text;
    for (auto d : digits) text.insert(text.begin(), static_cast<char>('0' + d));
    return text;
}

std::string plus(std::string const& a, std::string const& b) {
    std::string sum(a.size(), '0');
    int carry = 0;
    for (auto i = a.size(); i-- > 0;) {
        auto const d = (a[i] - '0') + (b[i] - '0') + carry;
        sum[i] = static_cast<char>('0' + d % 10);
        carry = d / 10;
    }
    return sum;
}

/// Nano-dollars, rounded up, of a number of pico-dollars in text; the most there is if that is too many.
std::int64_t nano_of(std::string pico) {
    auto const rounds = pico.substr(pico.size() - 3) != "000";
    auto nano = pico.substr(0, pico.size() - 3);
    nano.erase(0, std::min(nano.find_first_not_of('0'), nano.size() - 1));
    if (nano.size() > 19 || (nano.size() == 19 && nano > "9223372036854775806")) return most;
    return std::stoll(nano) + (rounds ? 1 : 0);
}

TEST(cost_sum, random_price_tables_agree_with_long_multiplication) {
    for (auto const seed : support::each_seed()) {
        support::dice dice{seed};
        cost_sum sum;
        std::string reference(42, '0');
        for (auto parts = 1 + dice.below(6); parts > 0; --parts) {
            // Sizes from single tokens to absurd; the absurd ones must saturate.
            auto const tokens = dice.bits() >> (1 + dice.below(60));
            auto const price = dice.bits() >> (1 + dice.below(60));
            sum.add(static_cast<std::int64_t>(tokens), token_price::from_pico(static_cast<std::int64_t>(price)));
            reference = plus(reference, times(tokens, price));
        }
        ASSERT_EQ(sum.round_up().nano(), nano_of(reference)) << "seed " << seed << ", " << reference << " pico-dollars";
    }
}

TEST(cost_sum, saturates_instead_of_overflowing) {
    auto const absurd = token_price::from_pico(most);
    cost_sum sum;
    for (int i = 0; i < 5; ++i) sum.add(most, absurd);
    EXPECT_EQ(sum.round_up(), money::max());
    cost_sum negative;
    for (int i = 0; i < 5; ++i) negative.add(least, absurd);
    EXPECT_EQ(negative.round_up(), money::from_nano(least));
}

static_assert([] {
    coffer::usage u;
    u.input_fresh = 1, u.input_cache_read = 2, u.input_cache_write_5m = 4, u.input_cache_write_1h = 8;
    u.input_audio = 16, u.output = 32, u.output_audio = 64, u.reasoning = 128;
    return u.input();
}() == 31);

}  // namespace
}  // namespace money_test
