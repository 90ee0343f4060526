// SPDX-License-Identifier: BSL-1.0
#pragma once
// Definitions of hash.hpp.

#include <coffer/crypto/hash.hpp>

#include <stdexcept>

namespace coffer::inline COFFER_ABI::crypto {

COFFER_INLINE sha256& sha256::update(std::string_view bytes) {
    check(EVP_DigestUpdate(context_.get(), bytes.data(), bytes.size()));
    return *this;
}

COFFER_INLINE sha256& sha256::update(std::span<std::uint8_t const> bytes) {
    check(EVP_DigestUpdate(context_.get(), bytes.data(), bytes.size()));
    return *this;
}

COFFER_INLINE digest256 sha256::finish() {
    digest256 digest{};
    check(EVP_DigestFinal_ex(context_.get(), digest.data(), nullptr));
    begin();
    return digest;
}

COFFER_INLINE void sha256::begin() { check(context_ && EVP_DigestInit_ex(context_.get(), algorithm(), nullptr)); }

COFFER_INLINE EVP_MD const* sha256::algorithm() {
#if OPENSSL_VERSION_NUMBER >= 0x30000000L
    static EVP_MD const* const fetched =
        EVP_MD_fetch(nullptr, "SHA256", nullptr);  // a lookup by name each time otherwise
    return fetched;
#else
    return EVP_sha256();
#endif
}

COFFER_INLINE void sha256::check(int ok) {
    if (ok != 1) throw std::runtime_error{"coffer: libcrypto cannot compute SHA-256 (is its provider configured?)"};
}

COFFER_INLINE digest256 sha256_of(std::string_view bytes) {
    auto& hash = detail::thread_hash();
    hash.begin();
    return hash.update(bytes).finish();
}

COFFER_INLINE hmac_sha256::hmac_sha256(std::span<std::uint8_t const> key) {
    digest256 short_key{};
    if (key.size() > block_size) {
        short_key = sha256{}.update(key).finish();
        key = short_key;
    }
    inner_.fill(0x36);
    outer_.fill(0x5c);
    for (std::size_t i = 0; i < key.size(); ++i) {
        inner_[i] ^= key[i];
        outer_[i] ^= key[i];
    }
    OPENSSL_cleanse(short_key.data(), short_key.size());
}

COFFER_INLINE hmac_sha256::~hmac_sha256() {
    OPENSSL_cleanse(inner_.data(), inner_.size());
    OPENSSL_cleanse(outer_.data(), outer_.size());
}

COFFER_INLINE std::string to_hex(std::span<std::uint8_t const> bytes) {
    constexpr std::string_view digits = "0123456789abcdef";
    std::string text;
    text.reserve(2 * bytes.size());
    for (auto const b : bytes) {
        text += digits[b >> 4U];
        text += digits[b & 0xfU];
    }
    return text;
}

}  // namespace coffer::inline COFFER_ABI::crypto
