// SPDX-License-Identifier: BSL-1.0
#include <coffer/base/codec.hpp>

#include <gtest/gtest.h>

#include <cstddef>
#include <limits>
#include <string>
#include <string_view>
#include <tuple>
#include <vector>

namespace codec_test {
namespace {

using namespace std::string_literals;

template <class T>
void round_trip(T const& value) {
    auto const back = coffer::codec<T>::decode(coffer::codec<T>::encode(value));
    ASSERT_TRUE(back.has_value());
    EXPECT_EQ(*back, value);
}

template <class T>
bool refuses(std::string_view bytes) {
    auto const read = coffer::codec<T>::decode(bytes);
    return !read && read.error().kind() == coffer::fault_kind::permanent;
}

TEST(codec, integers_come_back_at_their_limits) {
    auto const limits = []<class... T>(std::tuple<T...>*) {
        (round_trip(std::numeric_limits<T>::min()), ...);
        (round_trip(std::numeric_limits<T>::max()), ...);
        (round_trip(T{0}), ...);
        (round_trip(T{1}), ...);
    };
    limits(static_cast<std::tuple<short, int, long, long long>*>(nullptr));
    limits(static_cast<std::tuple<unsigned short, unsigned, unsigned long, unsigned long long>*>(nullptr));
    limits(static_cast<std::tuple<bool, char, signed char, unsigned char>*>(nullptr));
}

TEST(codec, texts_and_bytes_come_back) {
    round_trip(""s);
    round_trip("a\0b\xff"s);
    round_trip(std::vector<std::byte>{});
    round_trip(std::vector<std::byte>{std::byte{0}, std::byte{255}});
}

TEST(codec, what_is_no_integer_of_the_type_is_refused) {
    for (auto const* text : {"", "x", "1x", " 1", "+1", "1 ", "1.0", "--1"}) EXPECT_TRUE(refuses<int>(text)) << text;
    EXPECT_TRUE(refuses<int>("2147483648"));
    EXPECT_TRUE(refuses<int>("-2147483649"));
    EXPECT_TRUE(refuses<long long>("9223372036854775808"));
    EXPECT_TRUE(refuses<unsigned>("-1"));
    EXPECT_TRUE(refuses<unsigned>("4294967296"));
    EXPECT_TRUE(refuses<bool>("2"));
    EXPECT_TRUE(refuses<unsigned char>("256"));
    EXPECT_TRUE(refuses<signed char>("128"));
}

struct no_codec {};
static_assert(coffer::encodable<std::string> && coffer::encodable<int> && coffer::encodable<std::vector<std::byte>>);
static_assert(!coffer::encodable<no_codec> && !coffer::encodable<double>);

}  // namespace
}  // namespace codec_test
