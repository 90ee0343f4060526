// SPDX-License-Identifier: BSL-1.0
#include <coffer/crypto/aead.hpp>
#include <coffer/crypto/hash.hpp>

#include <gtest/gtest.h>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <set>
#include <span>
#include <stdexcept>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

namespace aead_test {
namespace {

using coffer::crypto::aes256_gcm;
using coffer::crypto::secret_key;

std::string from_hex(std::string_view digits) {
    std::string bytes;
    for (std::size_t i = 0; i + 1 < digits.size(); i += 2)
        bytes += static_cast<char>(std::stoi(std::string{digits.substr(i, 2)}, nullptr, 16));
    return bytes;
}
std::string hex(std::string_view bytes) {
    return coffer::crypto::to_hex({reinterpret_cast<std::uint8_t const*>(bytes.data()), bytes.size()});
}
aes256_gcm cipher_of(std::string_view key) { return aes256_gcm{secret_key::from_hex(key)}; }

constexpr std::string_view some_key = "feffe9928665731c6d6a8f9467308308feffe9928665731c6d6a8f9467308308";

struct known_answer {
    std::string_view key;
    std::string_view nonce;
    std::string_view plain;
    std::string_view associated;
    std::string_view cipher;
    std::string_view tag;
};

// Test cases 13 to 16 of the GCM specification that NIST standardised (McGrew and Viega, appendix B).
std::vector<known_answer> const specified{
    {"0000000000000000000000000000000000000000000000000000000000000000", "000000000000000000000000", "", "", "",
     "530f8afbc74536b9a963b4f1c4cb738b"},
    {"0000000000000000000000000000000000000000000000000000000000000000", "000000000000000000000000",
     "00000000000000000000000000000000", "", "cea7403d4d606b6e074ec5d3baf39d18", "d0d1c8a799996bf0265b98b5d48ab919"},
    {some_key, "cafebabefacedbaddecaf888",
     "d9313225f88406e5a55909c5aff5269a86a7a9531534f7da2e4c303d8a318a721c3c0c95956809532fcf0e2449a6b525b16aedf5aa0de657b"
     "a"
     "637b391aafd255",
     "",
     "522dc1f099567d07f47f37a32a84427d643a8cdcbfe5c0c97598a2bd2555d1aa8cb08e48590dbb3da7b08b1056828838c5f61e6393ba7a0ab"
     "c"
     "c9f662898015ad",
     "b094dac5d93471bdec1a502270e3cc6c"},
    {some_key, "cafebabefacedbaddecaf888",
     "d9313225f88406e5a55909c5aff5269a86a7a9531534f7da2e4c303d8a318a721c3c0c95956809532fcf0e2449a6b525b16aedf5aa0de657b"
     "a"
     "637b39",
     "feedfacedeadbeeffeedfacedeadbeefabaddad2",
     "522dc1f099567d07f47f37a32a84427d643a8cdcbfe5c0c97598a2bd2555d1aa8cb08e48590dbb3da7b08b1056828838c5f61e6393ba7a0ab"
     "c"
     "c9f662",
     "76fc6ece0f4e1768cddf8853bb2d551b"},
};

TEST(aes256_gcm, gives_the_known_answers) {
    for (auto const& k : specified) {
        auto const cipher = cipher_of(k.key);
        aes256_gcm::nonce nonce{};
        auto const bytes = from_hex(k.nonce);
        std::copy(bytes.begin(), bytes.end(), nonce.begin());
        auto const sealed = cipher.seal_with(nonce, from_hex(k.plain), from_hex(k.associated));
        EXPECT_EQ(hex(sealed), std::string{k.nonce}.append(k.cipher).append(k.tag));
        EXPECT_EQ(cipher.open(sealed, from_hex(k.associated)), from_hex(k.plain));
    }
}

TEST(aes256_gcm, opens_what_it_sealed_and_nothing_else) {
    auto const cipher = cipher_of(some_key);
    std::string const plain = "a body in the clear";
    auto const sealed = cipher.seal(plain, "its place");
    EXPECT_EQ(sealed.size(), plain.size() + aes256_gcm::overhead);
    EXPECT_EQ(sealed.find("body"), std::string::npos);
    EXPECT_EQ(cipher.open(sealed, "its place"), plain);
    EXPECT_FALSE(cipher.open(sealed, "another place"));
    EXPECT_FALSE(cipher.open(sealed, ""));
    EXPECT_FALSE(
        cipher_of("00ffe9928665731c6d6a8f9467308308feffe9928665731c6d6a8f9467308308").open(sealed, "its place"));
    for (std::size_t i = 0; i < sealed.size(); ++i) {
        auto changed = sealed;
        changed[i] = static_cast<char>(changed[i] ^ 1);
        EXPECT_FALSE(cipher.open(changed, "its place")) << i;
        EXPECT_FALSE(cipher.open(sealed.substr(0, i), "its place")) << i;
    }
    EXPECT_FALSE(cipher.open(sealed + "x", "its place"));
}

TEST(aes256_gcm, seals_the_same_differently_each_time) {
    auto const cipher = cipher_of(some_key);
    std::set<std::string> nonces;
    for (int i = 0; i < 1000; ++i) nonces.insert(cipher.seal("", "").substr(0, aes256_gcm::nonce_size));
    EXPECT_EQ(nonces.size(), 1000U);
}

TEST(aes256_gcm, takes_texts_of_any_length) {
    auto const cipher = cipher_of(some_key);
    for (std::size_t const size : {0U, 1U, 15U, 16U, 17U, 4096U, 5'000'000U}) {
        std::string const plain(size, 'x');
        EXPECT_EQ(cipher.open(cipher.seal(plain, plain), plain), plain);
    }
}

TEST(aes256_gcm, may_be_used_by_several_threads) {
    auto const cipher = cipher_of(some_key);
    std::vector<int> opened(4);
    {
        std::vector<std::jthread> crowd;
        for (auto& n : opened)
            crowd.emplace_back([&] {
                for (int i = 0; i < 500; ++i) n += cipher.open(cipher.seal("text", "a"), "a") == "text" ? 1 : 0;
            });
    }
    for (auto const n : opened) EXPECT_EQ(n, 500);
}

TEST(secret_key, is_32_bytes_or_64_hexadecimal_digits) {
    std::vector<std::uint8_t> const bytes(32, 0xab);
    std::string digits;
    for (int i = 0; i < 32; ++i) digits += i % 2 == 0 ? "aB" : "Ab";
    EXPECT_TRUE(secret_key{bytes} == secret_key::from_hex(digits));
    EXPECT_FALSE(secret_key{bytes} == secret_key::from_hex(some_key));
    EXPECT_THROW(secret_key{std::span{bytes}.first(31)}, std::invalid_argument);
    EXPECT_THROW(secret_key{std::vector<std::uint8_t>(33)}, std::invalid_argument);
    for (auto const& wrong : {digits.substr(1), digits + "0", digits + "\n", "g" + digits.substr(1), std::string{}}) {
        try {
            (void)secret_key::from_hex(wrong);
            ADD_FAILURE() << wrong;
        } catch (std::invalid_argument const& e) {
            EXPECT_NE(std::string{e.what()}.find("openssl rand -hex 32"), std::string::npos);
            EXPECT_EQ(std::string{e.what()}.find("aBAb"), std::string::npos);
        }
    }
}

}  // namespace
}  // namespace aead_test
