// SPDX-License-Identifier: BSL-1.0
#include <coffer/base/fingerprint.hpp>

#include "support/seeds.hpp"

#include <gtest/gtest.h>

#include <cstdint>
#include <map>
#include <set>
#include <string>
#include <vector>

namespace fingerprint_test {
namespace {

TEST(fingerprint, names_the_fields_that_differ) {
    using coffer::fingerprint;
    auto const a = fingerprint{}.with("model", "m").with("prompt", "p").with("seed", "1");
    auto const b = fingerprint{}.with("prompt", "q").with("temperature", "0").with("model", "m");
    EXPECT_EQ(fingerprint::differing(a, b), (std::vector<std::string>{"prompt", "seed", "temperature"}));
    EXPECT_EQ(fingerprint::differing(b, a), fingerprint::differing(a, b));
    EXPECT_TRUE(fingerprint::differing(a, a).empty());
    EXPECT_EQ(fingerprint::differing(fingerprint{1}, fingerprint{2}), std::vector<std::string>{"version"});
}

TEST(fingerprint, neither_order_nor_replacement_matters) {
    using coffer::fingerprint;
    auto const a = fingerprint{}.with("x", "1").with("y", "2");
    auto const b = fingerprint{}.with("y", "0").with("x", "1").with("y", "2");
    EXPECT_EQ(a, b);
    EXPECT_TRUE(fingerprint::differing(a, b).empty());
}

TEST(fingerprint, numbers_are_text_that_is_the_same_in_every_type) {
    auto const text = coffer::fingerprint{}.with("a", "7").with("b", "-7").with("c", "0.2").with("d", "1e+300");
    auto const numbers =
        coffer::fingerprint{}.with("a", 7U).with("b", std::int64_t{-7}).with("c", 0.2).with("d", 1e300);
    EXPECT_EQ(numbers, text);
    EXPECT_EQ(coffer::fingerprint{}.with("a", 0), coffer::fingerprint{}.with("a", "0"));  // and no null pointer
    EXPECT_EQ(coffer::fingerprint{}.with("a", 0.2F), coffer::fingerprint{}.with("a", 0.2));
    EXPECT_EQ(coffer::fingerprint{}.with("a", std::uint64_t{18446744073709551615U}),
              coffer::fingerprint{}.with("a", "18446744073709551615"));
    EXPECT_EQ(coffer::fingerprint{}.with("a", 100000.0), coffer::fingerprint{}.with("a", 100000));
    EXPECT_EQ(coffer::fingerprint{}.with("a", -0.0F), coffer::fingerprint{}.with("a", 0));
    EXPECT_NE(coffer::fingerprint{}.with("a", 0.1 + 0.2), coffer::fingerprint{}.with("a", 0.3));
}

template <class T>
concept field_value = requires(coffer::fingerprint f, T value) { f.with("name", value); };
static_assert(!field_value<char> && !field_value<bool>);  // they are no numbers, and what they mean somebody must say

TEST(fingerprint, random_pairs_differ_where_two_maps_do) {
    for (auto const seed : support::each_seed()) {
        support::dice dice{seed};
        auto const make = [&](std::map<std::string, std::string>& plain) {
            coffer::fingerprint f;
            for (auto n = dice.below(5); n > 0; --n) {
                std::string const name(1, "abcd"[dice.below(4)]);
                std::string const value(1, "xy"[dice.below(2)]);
                plain[name] = value;
                f.with(name, value);
            }
            return f;
        };
        std::map<std::string, std::string> left;
        std::map<std::string, std::string> right;
        auto const a = make(left);
        auto const b = make(right);
        std::set<std::string> expected;
        for (auto const& [name, value] : left)
            if (auto const at = right.find(name); at == right.end() || at->second != value) expected.insert(name);
        for (auto const& [name, value] : right)
            if (!left.contains(name)) expected.insert(name);
        auto const named = coffer::fingerprint::differing(a, b);
        ASSERT_EQ(named, std::vector<std::string>(expected.begin(), expected.end())) << "seed " << seed;
        ASSERT_EQ(named.empty(), a == b) << "seed " << seed;
    }
}

}  // namespace
}  // namespace fingerprint_test
