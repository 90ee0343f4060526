// SPDX-License-Identifier: BSL-1.0
#pragma once
// Keys by name: a current one to write with, and older ones that can still be read, so that keys can be changed.
//
//     auto const keys = std::make_shared<crypto::key_ring>("2026-11", crypto::secret_key::from_hex(now));
//     keys->also_read("2026-05", crypto::secret_key::from_hex(before));

#include <coffer/crypto/aead.hpp>

#include <functional>
#include <map>
#include <optional>
#include <string>
#include <string_view>

namespace coffer::inline COFFER_ABI::crypto {

/// AES-256-GCM under named keys.
///
/// A sealed text begins with its key's name, so names are no secrets; one name stands for one key, for ever. To change
/// keys: give every program the new key to read, then make it the current one, then re-encrypt, then take the old one
/// out. Thread safety: const use from any; set it up before it is shared.
class key_ring {
public:
    static constexpr std::size_t longest_name = 64;  ///< in characters

    /// Seals under `current` from now on. Throws `std::invalid_argument` for a name that is empty, longer than 64
    /// characters, or has others than letters, digits and `. _ -`.
    key_ring(std::string current, secret_key const& key);

    /// Can be read too. Throws `std::invalid_argument` for such a name, and for one that stands for another key already.
    key_ring& also_read(std::string name, secret_key const& key);

    /// The name under which `seal` writes.
    [[nodiscard]] std::string const& current() const noexcept { return current_; }
    /// Can something be read that was sealed under that name?
    [[nodiscard]] bool knows(std::string_view name) const { return keys_.contains(name); }

    /// The name of the current key, and `plain` sealed under it; see `aes256_gcm::seal`.
    [[nodiscard]] std::string seal(std::string_view plain, std::string_view associated) const;
    /// The name of the key that a text was sealed under; nothing if it is no sealed text.
    [[nodiscard]] static std::optional<std::string_view> name_in(std::string_view sealed) noexcept;
    /// What was sealed; nothing if its key is not known, or it is not authentic. See `name_in` and `knows`.
    [[nodiscard]] std::optional<std::string> open(std::string_view sealed, std::string_view associated) const;

private:
    struct named {
        explicit named(secret_key const& k) : key{k}, cipher{k} {}
        secret_key key;
        aes256_gcm cipher;
    };

    [[nodiscard]] static bool valid(std::string_view name) noexcept;
    /// The name is authenticated too.
    [[nodiscard]] static std::string bound(std::string_view name, std::string_view associated);

    std::string current_;
    std::map<std::string, named, std::less<>> keys_;
};

}  // namespace coffer::inline COFFER_ABI::crypto

#if !defined(COFFER_SEPARATE_COMPILATION)
#include <coffer/crypto/key_ring.ipp>
#endif
