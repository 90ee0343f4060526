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
#include <memory>
#include <optional>
#include <span>
#include <stdexcept>
#include <string>
#include <string_view>

#if OPENSSL_VERSION_NUMBER < 0x30000000L
#error "coffer needs OpenSSL 3.0 or newer; this one is older. libssl-dev of Debian 12 or Ubuntu 24.04 will do"
#endif

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
    explicit secret_key(std::span<std::uint8_t const> bytes);
    /// From 64 hexadecimal digits, as `openssl rand -hex 32` writes them, without white space. Throws
    /// `std::invalid_argument` for anything else, which it does not repeat.
    [[nodiscard]] static secret_key from_hex(std::string_view digits);
    secret_key(secret_key const&) = default;
    secret_key& operator=(secret_key const&) = default;
    ~secret_key();

    /// As long as the object.
    [[nodiscard]] std::span<std::uint8_t const, size> bytes() const noexcept { return bytes_; }
    /// In constant time.
    friend bool operator==(secret_key const& a, secret_key const& b) noexcept {
        return CRYPTO_memcmp(a.bytes_.data(), b.bytes_.data(), size) == 0;
    }

private:
    secret_key() = default;
    static int value_of(char c) noexcept;
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
    explicit aes256_gcm(secret_key const& key);

    /// Nonce, ciphertext and tag of `plain`.
    [[nodiscard]] std::string seal(std::string_view plain, std::string_view associated) const;
    /// The same with a given nonce, for known answers: one that is used twice under a key gives both messages away.
    [[nodiscard]] std::string seal_with(nonce const& once, std::string_view plain, std::string_view associated) const;
    /// What was sealed, or nothing if that was another key, other associated data, or not these bytes.
    [[nodiscard]] std::optional<std::string> open(std::string_view sealed, std::string_view associated) const;

private:
    enum class direction : int { open = 0, seal = 1 };
    struct free_context {
        void operator()(EVP_CIPHER_CTX* c) const noexcept { EVP_CIPHER_CTX_free(c); }
    };
    using context = std::unique_ptr<EVP_CIPHER_CTX, free_context>;

    static EVP_CIPHER const* algorithm();
    [[nodiscard]] context begin(unsigned char const* once, std::string_view associated, direction d) const;
    static void check(int ok, char const* what);
    static int length(std::size_t size);
    static unsigned char* bytes_of(std::string& s) noexcept;
    static unsigned char const* bytes_of(std::string_view s) noexcept;

    secret_key key_;
};

}  // namespace coffer::inline COFFER_ABI::crypto

#if !defined(COFFER_SEPARATE_COMPILATION)
#include <coffer/crypto/aead.ipp>
#endif
