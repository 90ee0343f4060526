// SPDX-License-Identifier: BSL-1.0
#pragma once
// Definitions of key_ring.hpp.

#include <coffer/crypto/key_ring.hpp>

#include <algorithm>
#include <stdexcept>
#include <utility>

namespace coffer::inline COFFER_ABI::crypto {

COFFER_INLINE key_ring::key_ring(std::string current, secret_key const& key) : current_{std::move(current)} {
    also_read(current_, key);
}

COFFER_INLINE key_ring& key_ring::also_read(std::string name, secret_key const& key) {
    if (!valid(name))
        throw std::invalid_argument{
            "coffer: the name of a key has 1 to 64 letters, digits and . _ - (and stands in the file: it is no "
            "secret)"};
    auto const [at, added] = keys_.try_emplace(std::move(name), key);
    if (!added && !(at->second.key == key))
        throw std::invalid_argument{"coffer: two different keys are named " + at->first +
                                    "; a name stands for one key for ever, give the new key a new one"};
    return *this;
}

COFFER_INLINE std::string key_ring::seal(std::string_view plain, std::string_view associated) const {
    std::string sealed(1, static_cast<char>(current_.size()));
    sealed += current_;
    return sealed += keys_.find(current_)->second.cipher.seal(plain, bound(current_, associated));
}

COFFER_INLINE std::optional<std::string_view> key_ring::name_in(std::string_view sealed) noexcept {
    if (sealed.empty()) return std::nullopt;
    auto const size = static_cast<unsigned char>(sealed.front());
    auto const name = sealed.substr(1, size);
    if (!valid(name) || name.size() != size) return std::nullopt;
    return name;
}

COFFER_INLINE std::optional<std::string> key_ring::open(std::string_view sealed, std::string_view associated) const {
    auto const name = name_in(sealed);
    if (!name) return std::nullopt;
    auto const found = keys_.find(*name);
    if (found == keys_.end()) return std::nullopt;
    return found->second.cipher.open(sealed.substr(1 + name->size()), bound(*name, associated));
}

COFFER_INLINE bool key_ring::valid(std::string_view name) noexcept {
    return !name.empty() && name.size() <= longest_name && std::ranges::all_of(name, [](char c) {
        return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '.' || c == '_' ||
               c == '-';
    });
}

COFFER_INLINE std::string key_ring::bound(std::string_view name, std::string_view associated) {
    return std::to_string(name.size()) + ":" + std::string{name} + std::string{associated};
}

}  // namespace coffer::inline COFFER_ABI::crypto
