// SPDX-License-Identifier: BSL-1.0
// The hash of names: what its authors and other implementations say of it, and that its key decides.
#include <coffer/state/keyed_hash.hpp>

#include <gtest/gtest.h>

#include <cstdint>
#include <set>
#include <string>

namespace keyed_hash_test {
namespace {

using namespace coffer;

constexpr hash_key of_the_paper{0x0706050403020100U, 0x0f0e0d0c0b0a0908U};

TEST(keyed_hash, is_siphash_as_its_paper_has_it) {
    std::string text;
    EXPECT_EQ((keyed_hash<2, 4>(text, of_the_paper)), 0x726fdb47dd0e0e31U);
    for (char i = 0; i < 15; ++i) text += i;
    EXPECT_EQ((keyed_hash<2, 4>(text, of_the_paper)), 0xa129ca6149be45e5U);
}

// What Python says (siphash13, PYTHONHASHSEED=0: a key of zeros).
TEST(keyed_hash, with_one_and_three_rounds_is_that_of_others) {
    EXPECT_EQ(keyed_hash("a", {}), 0x407448d2b89b1813U);
    EXPECT_EQ(keyed_hash("abc", {}), 0xc03bc3a0042630f2U);
    EXPECT_EQ(keyed_hash("abcdefgh", {}), 0x3f7b849c0b8e35eaU);
    EXPECT_EQ(keyed_hash("a longer name, of more than two words", {}), 0x79a94464db04af5fU);
}

TEST(keyed_hash, names_that_meet_under_one_key_do_not_under_another) {
    constexpr std::uint64_t buckets = 1000;
    std::set<std::uint64_t> elsewhere;
    for (int i = 0, found = 0; found < 100; ++i) {
        auto const name = "tenant-" + std::to_string(i);
        if (keyed_hash(name, of_the_paper) % buckets != 0) continue;
        ++found;
        elsewhere.insert(keyed_hash(name, {of_the_paper.first + 1, of_the_paper.second}) % buckets);
    }
    EXPECT_GT(elsewhere.size(), 80U);
}

}  // namespace
}  // namespace keyed_hash_test
