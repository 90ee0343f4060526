// SPDX-License-Identifier: BSL-1.0
#include <coffer/crypto/hash.hpp>

#include <gtest/gtest.h>

#include <cstdint>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

namespace hash_test {
namespace {

using coffer::crypto::hmac_sha256;
using coffer::crypto::sha256;
using coffer::crypto::sha256_of;
using coffer::crypto::to_hex;

std::vector<std::uint8_t> bytes(std::string_view text) { return {text.begin(), text.end()}; }

TEST(sha256, gives_the_digests_of_fips_180) {
    EXPECT_EQ(to_hex(sha256_of("")), "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
    EXPECT_EQ(to_hex(sha256_of("abc")), "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
    EXPECT_EQ(to_hex(sha256_of("abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq")),
              "248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1");
    EXPECT_EQ(to_hex(sha256_of(std::string(1'000'000, 'a'))),
              "cdc76e5c9914fb9281a1c7e284d73e67f1809a48a497200e046d39ccc7112cd0");
}

TEST(sha256, takes_its_bytes_in_pieces_and_can_be_used_again) {
    sha256 hash;
    EXPECT_EQ(hash.update("a").update("bc").finish(), sha256_of("abc"));
    EXPECT_EQ(hash.update("abc").finish(), sha256_of("abc"));
    hash.update("forgotten").begin();
    EXPECT_EQ(hash.finish(), sha256_of(""));
}

TEST(hmac_sha256, gives_the_codes_of_rfc_4231) {
    hmac_sha256 const one{std::vector<std::uint8_t>(20, 0x0b)};
    EXPECT_EQ(to_hex(one.of(std::string_view{"Hi There"})),
              "b0344c61d8db38535ca8afceaf0bf12b881dc200c9833da726e9376c2e32cff7");
    hmac_sha256 const two{bytes("Jefe")};
    EXPECT_EQ(to_hex(two.of(std::string_view{"what do ya want for nothing?"})),
              "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843");
    hmac_sha256 const long_key{std::vector<std::uint8_t>(131, 0xaa)};
    EXPECT_EQ(to_hex(long_key.of(std::string_view{"Test Using Larger Than Block-Size Key - Hash Key First"})),
              "60e431591ee0b67f0d8a26aacbf5b77f8e0bc6213728c5140546040f0ee37f54");
}

TEST(hmac_sha256, of_parts_is_that_of_their_concatenation) {
    hmac_sha256 const mac{bytes("key")};
    EXPECT_EQ(mac.of(std::string_view{"ab"}, std::string{"c"}, bytes("d")), mac.of(std::string_view{"abcd"}));
    EXPECT_NE(mac.of(std::string_view{"abcd"}), hmac_sha256{bytes("other")}.of(std::string_view{"abcd"}));
}

TEST(hmac_sha256, may_be_used_by_several_threads) {
    hmac_sha256 const mac{bytes("key")};
    auto const expected = mac.of(std::string_view{"text"});
    std::vector<std::jthread> crowd;
    for (int t = 0; t < 4; ++t)
        crowd.emplace_back([&] {
            for (int i = 0; i < 1000; ++i) EXPECT_EQ(mac.of(std::string_view{"text"}), expected);
        });
}

TEST(to_hex, writes_two_digits_a_byte) {
    EXPECT_EQ(to_hex(std::vector<std::uint8_t>{}), "");
    EXPECT_EQ(to_hex(std::vector<std::uint8_t>{0x00, 0x0f, 0xa0, 0xff}), "000fa0ff");
}

}  // namespace
}  // namespace hash_test
