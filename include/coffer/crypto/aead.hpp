// SPDX-License-Identifier: BSL-1.0
#pragma once
// Authenticated encryption by libcrypto: AES-256-GCM with a random nonce for each message.
//
//     crypto::aes256_gcm cipher{crypto::secret_key::from_hex(text)};
//     std::string sealed = cipher.seal(body, "what it belongs to");      // nonce, ciphertext, tag: 28 bytes longer
//     std::optional<std::string> body = cipher.open(sealed, "what it belongs to");

#include <coffer/config.hpp>

#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/rand.h>

#include <array>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <memory>
#include <optional>
#include <span>
#include <stdexcept>
#include <string>
#include <string_view>
#include <utility>

namespace coffer::inline COFFER_ABI::crypto {

/// libcrypto cannot do it: no such cipher, no memory, no randomness.
class failure : public std::runtime_error {
public:
    using std::runtime_error::runtime_error;
};

/// 32 secret bytes, wiped from memory with the object.
class secret_key {
public:
    static constexpr std::size_t size = 32;  ///< in bytes

    /// Throws `std::invalid_argument` for another number of bytes.
    explicit secret_key(std::span<std::uint8_t const> bytes) {
        if (bytes.size() != size)
            throw std::invalid_argument{"coffer: a key has 32 bytes, this one " + std::to_string(bytes.size())};
        for (std::size_t i = 0; i < size; ++i) bytes_[i] = bytes[i];
    }
    /// From 64 hexadecimal digits, as `openssl rand -hex 32` writes them, without white space. Throws
    /// `std::invalid_argument` for anything else, which it does not repeat.
    [[nodiscard]] static secret_key from_hex(std::string_view digits) {
        secret_key key;
        bool valid = digits.size() == 2 * size;
        for (std::size_t i = 0; valid && i < size; ++i) {
            auto const high = value_of(digits[2 * i]);
            auto const low = value_of(digits[2 * i + 1]);
            valid = high >= 0 && low >= 0;
            key.bytes_[i] = static_cast<std::uint8_t>((high * 16 + low) & 0xff);
        }
        if (!valid)
            throw std::invalid_argument{"coffer: a key is written as 64 hexadecimal digits (openssl rand -hex 32)"};
        return key;
    }
    secret_key(secret_key const&) = default;
    secret_key& operator=(secret_key const&) = default;
    ~secret_key() { OPENSSL_cleanse(bytes_.data(), bytes_.size()); }

    /// As long as the object.
    [[nodiscard]] std::span<std::uint8_t const, size> bytes() const noexcept { return bytes_; }
    /// In constant time.
    friend bool operator==(secret_key const& a, secret_key const& b) noexcept {
        return CRYPTO_memcmp(a.bytes_.data(), b.bytes_.data(), size) == 0;
    }

private:
    secret_key() = default;
    static int value_of(char c) noexcept {
        if (c >= '0' && c <= '9') return c - '0';
        if (c >= 'a' && c <= 'f') return c - 'a' + 10;
        if (c >= 'A' && c <= 'F') return c - 'A' + 10;
        return -1;
    }
    std::array<std::uint8_t, size> bytes_{};
};

/// AES-256-GCM (NIST SP 800-38D) under one key.
///
/// `associated` is not encrypted, but `open` succeeds only with the same: it binds a message to its place. Nonces are
/// random, hence at most 2^32 messages under one key. Throws `crypto::failure`. Thread safety: const use from any.
class aes256_gcm {
public:
    static constexpr std::size_t nonce_size = 12;  ///< in bytes
    static constexpr std::size_t tag_size = 16;  ///< in bytes
    /// What a sealed text is longer than its plain one, in bytes.
    static constexpr std::size_t overhead = nonce_size + tag_size;
    using nonce = std::array<std::uint8_t, nonce_size>;  ///< never twice under one key

    /// Throws `crypto::failure` if libcrypto has no such cipher. Copies the key.
    explicit aes256_gcm(secret_key const& key) : key_{key} {
        if (algorithm() == nullptr) throw failure{"coffer: libcrypto has no AES-256-GCM (is its provider configured?)"};
    }

    /// Nonce, ciphertext and tag of `plain`.
    [[nodiscard]] std::string seal(std::string_view plain, std::string_view associated) const {
        nonce fresh{};
        check(RAND_bytes(fresh.data(), static_cast<int>(fresh.size())), "has no randomness");
        return seal_with(fresh, plain, associated);
    }
    /// The same with a given nonce, for known answers: one that is used twice under a key gives both messages away.
    [[nodiscard]] std::string seal_with(nonce const& once, std::string_view plain, std::string_view associated) const {
        std::string sealed(nonce_size + plain.size() + tag_size, '\0');
        auto* const to = bytes_of(sealed);
        for (std::size_t i = 0; i < nonce_size; ++i) to[i] = once[i];
        auto const c = begin(to, associated, direction::seal);
        int written = 0;
        check(EVP_EncryptUpdate(c.get(), to + nonce_size, &written, bytes_of(plain), length(plain.size())), "failed");
        check(EVP_EncryptFinal_ex(c.get(), to + nonce_size + plain.size(), &written), "failed");
        check(EVP_CIPHER_CTX_ctrl(c.get(), EVP_CTRL_AEAD_GET_TAG, static_cast<int>(tag_size),
                                  to + nonce_size + plain.size()),
              "failed");
        return sealed;
    }
    /// What was sealed, or nothing if that was another key, other associated data, or not these bytes.
    [[nodiscard]] std::optional<std::string> open(std::string_view sealed, std::string_view associated) const {
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

private:
    enum class direction : int { open = 0, seal = 1 };
    struct free_context {
        void operator()(EVP_CIPHER_CTX* c) const noexcept { EVP_CIPHER_CTX_free(c); }
    };
    using context = std::unique_ptr<EVP_CIPHER_CTX, free_context>;

    static EVP_CIPHER const* algorithm() {
#if OPENSSL_VERSION_NUMBER >= 0x30000000L
        static EVP_CIPHER const* const fetched =
            EVP_CIPHER_fetch(nullptr, "AES-256-GCM", nullptr);  // a lookup by name each time otherwise
        return fetched;
#else
        return EVP_aes_256_gcm();
#endif
    }
    [[nodiscard]] context begin(unsigned char const* once, std::string_view associated, direction d) const {
        context c{EVP_CIPHER_CTX_new()};
        check(c != nullptr, "has no memory");
        // 12 bytes are the cipher's own nonce size.
        check(EVP_CipherInit_ex(c.get(), algorithm(), nullptr, key_.bytes().data(), once, static_cast<int>(d)),
              "failed");
        int written = 0;
        if (!associated.empty())
            check(EVP_CipherUpdate(c.get(), nullptr, &written, bytes_of(associated), length(associated.size())),
                  "failed");
        return c;
    }
    static void check(int ok, char const* what) {
        if (ok != 1) throw failure{std::string{"coffer: libcrypto's AES-256-GCM "} + what};
    }
    static int length(std::size_t size) {
        if (size > static_cast<std::size_t>(std::numeric_limits<int>::max()))
            throw std::length_error{"coffer: a message of 2 GiB or more cannot be encrypted"};
        return static_cast<int>(size);
    }
    static unsigned char* bytes_of(std::string& s) noexcept { return reinterpret_cast<unsigned char*>(s.data()); }
    static unsigned char const* bytes_of(std::string_view s) noexcept {
        return reinterpret_cast<unsigned char const*>(s.data());
    }

    secret_key key_;
};

}  // namespace coffer::inline COFFER_ABI::crypto
