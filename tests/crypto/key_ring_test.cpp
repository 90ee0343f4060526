// SPDX-License-Identifier: BSL-1.0
#include <coffer/crypto/key_ring.hpp>

#include <gtest/gtest.h>

#include <stdexcept>
#include <string>
#include <string_view>

namespace key_ring_test {
namespace {

using coffer::crypto::key_ring;
using coffer::crypto::secret_key;

secret_key key(char digit) { return secret_key::from_hex(std::string(64, digit)); }

TEST(key_ring, seals_under_its_current_key_and_says_which) {
    key_ring const ring{"2026-11", key('1')};
    auto const sealed = ring.seal("text", "place");
    EXPECT_EQ(key_ring::name_in(sealed), "2026-11");
    EXPECT_EQ(ring.open(sealed, "place"), "text");
    EXPECT_FALSE(ring.open(sealed, "another place"));
    EXPECT_EQ(ring.current(), "2026-11");
}

TEST(key_ring, reads_what_older_keys_have_sealed) {
    key_ring const old{"old", key('1')};
    key_ring now{"new", key('2')};
    auto const sealed = old.seal("text", "place");
    EXPECT_FALSE(now.knows("old"));
    EXPECT_FALSE(now.open(sealed, "place"));
    now.also_read("old", key('1'));
    EXPECT_TRUE(now.knows("old"));
    EXPECT_EQ(now.open(sealed, "place"), "text");
    EXPECT_EQ(key_ring::name_in(now.seal("text", "place")), "new");
}

TEST(key_ring, takes_no_text_for_one_of_another_key) {
    key_ring ring{"one", key('1')};
    ring.also_read("two", key('1'));  // even of the same key under another name
    auto sealed = ring.seal("text", "place");
    sealed.replace(1, 3, "two");
    EXPECT_EQ(key_ring::name_in(sealed), "two");
    EXPECT_FALSE(ring.open(sealed, "place"));
}

TEST(key_ring, knows_what_is_no_sealed_text) {
    for (std::string_view const text : {"", "a", "\x03", "\x03on", "\x02{}", "{\"choices\":[]}"}) {
        EXPECT_FALSE(key_ring::name_in(text)) << text;
        EXPECT_FALSE((key_ring{"one", key('1')}.open(text, ""))) << text;
    }
    EXPECT_FALSE((key_ring{"one", key('1')}.open("\x03one", "")));
}

TEST(key_ring, refuses_names_that_stand_for_nothing_or_for_two_keys) {
    for (auto const& name : {std::string{}, std::string(65, 'a'), std::string{"a b"}, std::string{"a\n"}})
        EXPECT_THROW((key_ring{name, key('1')}), std::invalid_argument) << name;
    key_ring ring{std::string(64, 'a'), key('1')};
    EXPECT_NO_THROW(ring.also_read(std::string(64, 'a'), key('1')));
    EXPECT_THROW(ring.also_read(std::string(64, 'a'), key('2')), std::invalid_argument);
}

}  // namespace
}  // namespace key_ring_test
