// SPDX-License-Identifier: BSL-1.0
#pragma once
// SHA-256 and HMAC-SHA-256 by libcrypto, without looking the algorithm up or allocating a context each time.
//
//     crypto::sha256_of("abc")                                   // 32 bytes
//     crypto::sha256 hash; hash.update(a).update(b); hash.finish()
//     crypto::hmac_sha256 mac{secret}; mac.of("key", bytes)

#include <coffer/config.hpp>

#include <openssl/crypto.h>
#include <openssl/evp.h>

#include <array>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>

#if OPENSSL_VERSION_NUMBER < 0x30000000L
#error "coffer needs OpenSSL 3.0 or newer; this one is older. libssl-dev of Debian 12 or Ubuntu 24.04 will do"
#endif

namespace coffer::inline COFFER_ABI::crypto {

using digest256 = std::array<std::uint8_t, 32>;  ///< as bytes, the first one first

/// A hash in the making, which can be used again and again. Thread safety: one thread at a time.
///
/// Throws `std::runtime_error` if libcrypto has no SHA-256 or no memory.
class sha256 {
public:
    sha256() : context_{EVP_MD_CTX_new()} { begin(); }

    /// So much more of the text.
    sha256& update(std::string_view bytes);
    /// So much more of the text.
    sha256& update(std::span<std::uint8_t const> bytes);
    /// The digest of all that was given; begins anew.
    digest256 finish();
    /// Forgets what was given.
    void begin();

private:
    struct free_context {
        void operator()(EVP_MD_CTX* c) const noexcept { EVP_MD_CTX_free(c); }
    };
    static EVP_MD const* algorithm();
    static void check(int ok);

    std::unique_ptr<EVP_MD_CTX, free_context> context_;
};

namespace detail {

/// This thread's hash. Whoever uses it does so from `begin` to `finish` in one go.
inline sha256& thread_hash() {
    thread_local sha256 hash;
    return hash;
}

}  // namespace detail

/// In one go. Thread safety: any thread.
[[nodiscard]] digest256 sha256_of(std::string_view bytes);

/// HMAC-SHA-256 (RFC 2104) under one key, which is wiped from memory with the object. Thread safety: `of` from any.
class hmac_sha256 {
public:
    /// Keys longer than 64 bytes are hashed first, as the RFC says.
    explicit hmac_sha256(std::span<std::uint8_t const> key);
    hmac_sha256(hmac_sha256 const&) = delete;
    hmac_sha256& operator=(hmac_sha256 const&) = delete;
    ~hmac_sha256();

    /// The code of the parts' concatenation. Parts that must not run into each other need their lengths in front.
    template <class... Parts>
    [[nodiscard]] digest256 of(Parts const&... parts) const {
        auto& hash = detail::thread_hash();
        hash.begin();
        hash.update(inner_);
        (hash.update(parts), ...);
        auto const first = hash.finish();
        return hash.update(outer_).update(first).finish();
    }

private:
    static constexpr std::size_t block_size = 64;
    std::array<std::uint8_t, block_size> inner_{};
    std::array<std::uint8_t, block_size> outer_{};
};

/// Lower-case hexadecimal digits, two a byte.
[[nodiscard]] std::string to_hex(std::span<std::uint8_t const> bytes);

}  // namespace coffer::inline COFFER_ABI::crypto

#if !defined(COFFER_SEPARATE_COMPILATION)
#include <coffer/crypto/hash.ipp>
#endif
