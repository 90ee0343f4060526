// SPDX-License-Identifier: BSL-1.0
#include <coffer/base/fingerprint.hpp>

#include "support/seeds.hpp"

#include <gtest/gtest.h>

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
