// SPDX-License-Identifier: BSL-1.0
#include <gtest/gtest.h>

#include "base/clock.hpp"
#include "base/digest.hpp"
#include "base/random.hpp"

namespace provider_sim::base_test {
namespace {

TEST(digest, is_sha256_in_lower_case_hex) {
    EXPECT_EQ(sha256_hex(""), "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
    EXPECT_EQ(sha256_hex("abc"), "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
}

TEST(clock, writes_the_two_date_formats) {
    EXPECT_EQ(http_date(784111777), "Sun, 06 Nov 1994 08:49:37 GMT");
    EXPECT_EQ(rfc3339(784111777), "1994-11-06T08:49:37Z");
}

// These are constants for ever: a script's seed must mean the same tomorrow.
TEST(random, never_changes) {
    static_assert(mix(0) == 0xe220a8397b1dcdafULL);
    EXPECT_EQ(hash_of("a"), hash_of("a"));
    EXPECT_NE(hash_of("a"), hash_of("b"));
    EXPECT_NE(hash_of("a", 1), hash_of("a", 2));
    EXPECT_EQ(unit(0), 0.0);
    EXPECT_LT(unit(UINT64_MAX), 1.0);
}

}  // namespace
}  // namespace provider_sim::base_test
