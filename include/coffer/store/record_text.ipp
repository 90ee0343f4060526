// SPDX-License-Identifier: BSL-1.0
#pragma once
// Definitions of record_text.hpp.

#include <coffer/store/record_text.hpp>

#include <algorithm>
#include <utility>

namespace coffer::inline COFFER_ABI {

COFFER_INLINE std::string to_text(record_id const& id) {
    constexpr std::string_view digits = "0123456789abcdef";
    auto text = id.name_space + ":";
    for (char const c : id.digest) {
        auto const byte = static_cast<unsigned char>(c);
        text += digits[byte >> 4U];
        text += digits[byte & 15U];
    }
    return text;
}

COFFER_INLINE std::optional<record_id> record_id_from_text(std::string_view text) {
    auto const value = [](char c) { return c >= '0' && c <= '9' ? c - '0' : c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1; };
    auto const colon = text.rfind(':');
    if (colon == std::string_view::npos || colon == 0) return std::nullopt;
    auto const hex = text.substr(colon + 1);
    if (hex.empty() || hex.size() % 2 != 0) return std::nullopt;
    std::string digest;
    for (std::size_t i = 0; i < hex.size(); i += 2) {
        auto const high = value(hex[i]);
        auto const low = value(hex[i + 1]);
        if (high < 0 || low < 0) return std::nullopt;
        digest += static_cast<char>(high * 16 + low);
    }
    return record_id{std::string{text.substr(0, colon)}, std::move(digest)};
}

COFFER_INLINE std::string shell_word(std::string_view text) {
    auto const plain = [](char c) {
        return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
               std::string_view{"/._-:,@%+="}.find(c) != std::string_view::npos;
    };
    if (!text.empty() && std::all_of(text.begin(), text.end(), plain)) return std::string{text};
    std::string quoted = "'";
    for (char const c : text) quoted += c == '\'' ? std::string{"'\\''"} : std::string{c};
    return quoted + "'";
}

}  // namespace coffer::inline COFFER_ABI
