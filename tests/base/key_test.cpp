// SPDX-License-Identifier: BSL-1.0
#include <coffer/base/key.hpp>

#include "support/seeds.hpp"

#include <gtest/gtest.h>

#include <array>
#include <cstdint>
#include <limits>
#include <span>
#include <string>
#include <string_view>
#include <unordered_set>
#include <vector>

namespace key_test {
namespace {

using coffer::key;
using namespace std::string_literals;

// Equal keys and no others -------------------------------------------------------------------------------------------

TEST(key, parts_do_not_run_into_each_other) {
    EXPECT_NE(key("n", "a", "bc"), key("n", "ab", "c"));
    EXPECT_NE(key("n", "abc"), key("n", "a", "bc"));
    EXPECT_NE(key("n", "abc"), key("na", "bc"));
    EXPECT_EQ(key("n", "a", "bc"), key("n", "a", "bc"));
}

TEST(key, types_are_part_of_a_part) {
    std::array<std::byte, 1> const one_byte{std::byte{'1'}};
    EXPECT_NE(key("n", 1), key("n", "1"));
    EXPECT_NE(key("n", 1), key("n", true));
    EXPECT_NE(key("n", true), key("n", "1"));
    EXPECT_NE(key("n", one_byte), key("n", "1"));
    EXPECT_NE(key("n", true), key("n", false));
}

TEST(key, integers_of_one_value_are_one_part_whatever_their_width) {
    key const expected("n", 7);
    EXPECT_EQ(key("n", static_cast<short>(7)), expected);
    EXPECT_EQ(key("n", static_cast<unsigned short>(7)), expected);
    EXPECT_EQ(key("n", 7U), expected);
    EXPECT_EQ(key("n", 7L), expected);
    EXPECT_EQ(key("n", 7UL), expected);
    EXPECT_EQ(key("n", 7LL), expected);
    EXPECT_EQ(key("n", std::size_t{7}), expected);
    EXPECT_EQ(key("n", std::int64_t{-1}), key("n", -1));
    EXPECT_NE(key("n", std::numeric_limits<std::uint64_t>::max()), key("n", -1));
    EXPECT_NE(key("n", std::numeric_limits<std::int64_t>::min()), key("n", std::numeric_limits<std::int64_t>::max()));
}

TEST(key, text_is_text_however_it_is_held) {
    std::string const text = "tenant";
    char const* const pointer = "tenant";
    EXPECT_EQ(key("n", text), key("n", "tenant"));
    EXPECT_EQ(key("n", std::string_view{text}), key("n", "tenant"));
    EXPECT_EQ(key("n", pointer), key("n", "tenant"));
}

TEST(key, bytes_are_bytes_however_they_are_held) {
    std::vector<std::byte> const vector{std::byte{0}, std::byte{255}};
    std::array<std::byte, 2> const array{std::byte{0}, std::byte{255}};
    EXPECT_EQ(key("n", vector), key("n", array));
    EXPECT_EQ(key("n", std::span<std::byte const>{vector}), key("n", array));
    EXPECT_NE(key("n", std::span<std::byte const>{vector}.first(1)), key("n", array));
}

TEST(key, an_empty_part_is_a_part) {
    EXPECT_NE(key("n"), key("n", ""));
    EXPECT_NE(key("n", ""), key("n", "", ""));
    EXPECT_NE(key("n", "", "a"), key("n", "a", ""));
    EXPECT_NE(key("n", std::span<std::byte const>{}), key("n", ""));
}

TEST(key, embedded_nulls_count) {
    EXPECT_NE(key("n", "a\0b"s), key("n", "a"));
    EXPECT_NE(key("n", "a\0b"s), key("n", "a\0c"s));
    EXPECT_NE(key("n\0a"s), key("n"));
}

TEST(key, text_that_looks_like_an_encoding_is_only_text) {
    auto const inner = std::string{key("n", "x").bytes()};
    EXPECT_NE(key("n", inner), key("n", "n", "x"));
    EXPECT_NE(key(inner), key("n", "x"));
}

TEST(key, an_empty_namespace_is_refused) {
    EXPECT_THROW(key(""), std::invalid_argument);
    EXPECT_THROW(key("", "a"), std::invalid_argument);
    EXPECT_EQ(key("report", 1).name_space(), "report");
    EXPECT_EQ(key("a\0b"s, 1).name_space(), "a\0b"s);
}

// Against an oracle: a list of (type, bytes) compares as the key does.
TEST(key, random_part_lists_are_equal_iff_their_keys_are) {
    struct made {
        std::vector<std::pair<char, std::string>> parts;
        key made_key;
    };
    // Short texts of two letters and small numbers: equal lists are frequent, near misses more so.
    auto const make = [](support::dice& dice) {
        auto const text = [&] {
            std::string s;
            for (auto n = dice.below(3); n > 0; --n) s += "ab\0i"[dice.below(4)];
            return s;
        };
        auto const part = [&]() -> std::pair<char, std::string> {
            switch (dice.below(4)) {
                case 0: return {'s', text()};
                case 1: return {'i', std::to_string(dice.below(3))};
                case 2: return {'b', dice.one_in(2) ? "1" : "0"};
                default: return {'x', text()};
            }
        };
        std::string const ns = dice.one_in(2) ? "n" : "na";
        std::vector<std::pair<char, std::string>> parts{{'s', ns}};
        auto const count = dice.below(3);
        for (int i = 0; i < count; ++i) parts.push_back(part());
        // A key has a fixed list of types, so that each combination is its own instantiation: two free parts suffice.
        auto const with = [&](auto const& next, auto const&... so_far) -> key {
            auto const i = sizeof...(so_far) + 1;
            if constexpr (sizeof...(so_far) == 2) return key(ns, so_far...);
            else {
                if (i >= parts.size()) return key(ns, so_far...);
                auto const& [type, bytes] = parts[i];
                if (type == 's') return next(next, so_far..., bytes);
                if (type == 'i') return next(next, so_far..., std::stoll(bytes));
                if (type == 'b') return next(next, so_far..., bytes == "1");
                return next(next, so_far..., std::as_bytes(std::span{bytes}));
            }
        };
        return made{parts, with(with)};
    };
    int equal = 0;
    for (auto const seed : support::each_seed()) {
        support::dice dice{seed};
        auto const a = make(dice);
        auto const b = make(dice);
        ASSERT_EQ(a.parts == b.parts, a.made_key == b.made_key) << "seed " << seed;
        ASSERT_EQ(a.made_key == b.made_key, a.made_key.bytes() == b.made_key.bytes());
        ASSERT_EQ(a.made_key == b.made_key, (a.made_key <=> b.made_key) == 0);
        equal += a.parts == b.parts ? 1 : 0;
    }
    EXPECT_TRUE(support::replaying() || equal > 0) << "the oracle never saw two equal lists";
}

TEST(key, a_step_of_a_job_has_a_key_that_no_parts_make) {
    key const job{"report", "acme"};
    EXPECT_EQ(job.step("draft"), (key{"report", "acme"}.step("draft")));
    EXPECT_EQ(job.step("draft").name_space(), "report");
    EXPECT_NE(job.step("draft"), (key{"report", "acme", "draft"}));
    EXPECT_NE(job.step("draft"), job.step("outline"));
    EXPECT_NE(job.step("draft"), job);
    EXPECT_NE(job.step("draft"), (key{"report", "other"}.step("draft")));
    EXPECT_NE(job.step("a").step("b"), job.step("ab"));
}

TEST(key, hashes_as_it_compares) {
    std::unordered_set<key> seen{key("n", 1), key("n", "1"), key("n", 1)};
    EXPECT_EQ(seen.size(), 2U);
    EXPECT_TRUE(seen.contains(key("n", 1L)));
}

template <class Part>
concept a_key_part = requires(Part const& p) { key("n", p); };
static_assert(!a_key_part<double> && !a_key_part<float> && !a_key_part<char> && !a_key_part<char8_t> &&
              !a_key_part<wchar_t> && !a_key_part<std::nullptr_t> && !a_key_part<int*>);
static_assert(a_key_part<std::string> && a_key_part<bool> && a_key_part<long long> &&
              a_key_part<std::vector<std::byte>>);

}  // namespace
}  // namespace key_test
