// SPDX-License-Identifier: BSL-1.0
#pragma once
// Definitions of aead.hpp.

#include <coffer/crypto/aead.hpp>

#include <limits>

namespace coffer::inline COFFER_ABI::crypto {

COFFER_INLINE secret_key::secret_key(std::span<std::uint8_t const> bytes) {
    if (bytes.size() != size)
        throw std::invalid_argument{"coffer: a key has 32 bytes, this one " + std::to_string(bytes.size())};
    for (std::size_t i = 0; i < size; ++i) bytes_[i] = bytes[i];
}

COFFER_INLINE secret_key secret_key::from_hex(std::string_view digits) {
    secret_key key;
    bool valid = digits.size() == 2 * size;
    for (std::size_t i = 0; valid && i < size; ++i) {
        auto const high = value_of(digits[2 * i]);
        auto const low = value_of(digits[2 * i + 1]);
        valid = high >= 0 && low >= 0;
        key.bytes_[i] = static_cast<std::uint8_t>((high * 16 + low) & 0xff);
    }
    if (!valid) throw std::invalid_argument{"coffer: a key is written as 64 hexadecimal digits (openssl rand -hex 32)"};
    return key;
}

COFFER_INLINE secret_key::~secret_key() { OPENSSL_cleanse(bytes_.data(), bytes_.size()); }

COFFER_INLINE int secret_key::value_of(char c) noexcept {
    if (c >= '0' && c <= '9') return c - '0';
    if (c >= 'a' && c <= 'f') return c - 'a' + 10;
    if (c >= 'A' && c <= 'F') return c - 'A' + 10;
    return -1;
}

COFFER_INLINE aes256_gcm::aes256_gcm(secret_key const& key) : key_{key} {
    if (algorithm() == nullptr) throw failure{"coffer: libcrypto has no AES-256-GCM (is its provider configured?)"};
}

COFFER_INLINE std::string aes256_gcm::seal(std::string_view plain, std::string_view associated) const {
    nonce fresh{};
    check(RAND_bytes(fresh.data(), static_cast<int>(fresh.size())), "has no randomness");
    return seal_with(fresh, plain, associated);
}

COFFER_INLINE std::string aes256_gcm::seal_with(nonce const& once, std::string_view plain,
                                                std::string_view associated) const {
    std::string sealed(nonce_size + plain.size() + tag_size, '\0');
    auto* const to = bytes_of(sealed);
    for (std::size_t i = 0; i < nonce_size; ++i) to[i] = once[i];
    auto const c = begin(to, associated, direction::seal);
    int written = 0;
    check(EVP_EncryptUpdate(c.get(), to + nonce_size, &written, bytes_of(plain), length(plain.size())), "failed");
    check(EVP_EncryptFinal_ex(c.get(), to + nonce_size + plain.size(), &written), "failed");
    check(
        EVP_CIPHER_CTX_ctrl(c.get(), EVP_CTRL_AEAD_GET_TAG, static_cast<int>(tag_size), to + nonce_size + plain.size()),
        "failed");
    return sealed;
}

COFFER_INLINE std::optional<std::string> aes256_gcm::open(std::string_view sealed, std::string_view associated) const {
    if (sealed.size() < overhead) return std::nullopt;
    auto const* const from = bytes_of(sealed);
    auto const size = sealed.size() - overhead;
    std::array<unsigned char, tag_size> tag{};
    for (std::size_t i = 0; i < tag_size; ++i) tag[i] = from[nonce_size + size + i];
    std::string plain(size, '\0');
    auto const c = begin(from, associated, direction::open);
    int written = 0;
    check(EVP_DecryptUpdate(c.get(), bytes_of(plain), &written, from + nonce_size, length(size)), "failed");
    check(EVP_CIPHER_CTX_ctrl(c.get(), EVP_CTRL_AEAD_SET_TAG, static_cast<int>(tag_size), tag.data()), "failed");
    if (EVP_DecryptFinal_ex(c.get(), bytes_of(plain) + size, &written) == 1) return plain;
    OPENSSL_cleanse(plain.data(), plain.size());  // not authentic: nobody may look at it
    return std::nullopt;
}

COFFER_INLINE EVP_CIPHER const* aes256_gcm::algorithm() {
#if OPENSSL_VERSION_NUMBER >= 0x30000000L
    static EVP_CIPHER const* const fetched =
        EVP_CIPHER_fetch(nullptr, "AES-256-GCM", nullptr);  // a lookup by name each time otherwise
    return fetched;
#else
    return EVP_aes_256_gcm();
#endif
}

COFFER_INLINE aes256_gcm::context aes256_gcm::begin(unsigned char const* once, std::string_view associated,
                                                    direction d) const {
    context c{EVP_CIPHER_CTX_new()};
    check(c != nullptr, "has no memory");
        // 12 bytes are the cipher's own nonce size.
    check(EVP_CipherInit_ex(c.get(), algorithm(), nullptr, key_.bytes().data(), once, static_cast<int>(d)), "failed");
    int written = 0;
    if (!associated.empty())
        check(EVP_CipherUpdate(c.get(), nullptr, &written, bytes_of(associated), length(associated.size())), "failed");
    return c;
}

COFFER_INLINE void aes256_gcm::check(int ok, char const* what) {
    if (ok != 1) throw failure{std::string{"coffer: libcrypto's AES-256-GCM "} + what};
}

COFFER_INLINE int aes256_gcm::length(std::size_t size) {
    if (size > static_cast<std::size_t>(std::numeric_limits<int>::max()))
        throw std::length_error{"coffer: a message of 2 GiB or more cannot be encrypted"};
    return static_cast<int>(size);
}

COFFER_INLINE unsigned char* aes256_gcm::bytes_of(std::string& s) noexcept {
    return reinterpret_cast<unsigned char*>(s.data());
}

COFFER_INLINE unsigned char const* aes256_gcm::bytes_of(std::string_view s) noexcept {
    return reinterpret_cast<unsigned char const*>(s.data());
}

}  // namespace coffer::inline COFFER_ABI::crypto
