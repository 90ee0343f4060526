// SPDX-License-Identifier: BSL-1.0
#include "base/digest.hpp"

#include <openssl/evp.h>

#include <array>
#include <stdexcept>

namespace provider_sim {

std::string sha256_hex(std::string_view bytes) {
    std::array<unsigned char, EVP_MAX_MD_SIZE> digest{};
    unsigned int size = 0;
    if (EVP_Digest(bytes.data(), bytes.size(), digest.data(), &size, EVP_sha256(), nullptr) != 1)
        throw std::runtime_error{"libcrypto refuses SHA-256"};

    constexpr std::string_view hex = "0123456789abcdef";
    std::string text;
    text.reserve(std::size_t{size} * 2);
    for (unsigned int i = 0; i < size; ++i) {
        text.push_back(hex[digest[i] >> 4U]);
        text.push_back(hex[digest[i] & 15U]);
    }
    return text;
}

}  // namespace provider_sim
