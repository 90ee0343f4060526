// SPDX-License-Identifier: BSL-1.0
#pragma once
// Definitions of redact.hpp.

#include <coffer/llm/redact.hpp>

#include <bitset>
#include <unordered_set>
#include <utility>

namespace coffer::inline COFFER_ABI {

namespace llm::detail {

COFFER_INLINE std::string without_echo(std::string text, std::vector<std::string_view> const& sources) {
    constexpr std::size_t size = 16;  // shorter ones are common phrases
    constexpr std::size_t shortest = 6;
    // Prompts are long and looked through on an event loop: a filter of three bytes of each window spares most lookups.
    std::bitset<65536> filter;
    auto const mark = [](std::string_view w) {
        auto const byte = [&](std::size_t i) { return std::uint32_t{static_cast<unsigned char>(w[i])}; };
        return ((byte(0) | byte(6) << 8U | byte(13) << 16U) * 0x9e3779b1U) >> 16U;
    };
    std::unordered_set<std::string_view> windows;
    for (std::size_t i = 0; i + size <= text.size(); ++i) {
        auto const window = std::string_view{text}.substr(i, size);
        windows.insert(window);
        filter.set(mark(window));
    }
    std::unordered_set<std::string_view> echoed;
    for (auto const source : sources) {
        for (std::size_t i = 0; i + size <= source.size(); ++i) {
            auto const window = source.substr(i, size);
            if (!filter.test(mark(window))) continue;
            if (auto const at = windows.find(window); at != windows.end()) echoed.insert(*at);
        }
    }
    std::string kept;
    for (std::size_t i = 0; i < text.size();) {
        std::size_t end = i;
        for (std::size_t j = i; j + size <= text.size() && j <= end; ++j)
            if (echoed.contains(std::string_view{text}.substr(j, size))) end = j + size;
        if (end == i) {
            kept += text[i++];
        } else {
            kept += "...";
            i = end;
        }
    }
    for (auto const source : sources) {
        if (source.size() < shortest || source.size() >= size) continue;
        for (auto at = kept.find(source); at != kept.npos; at = kept.find(source, at))
            kept.replace(at, source.size(), "...");
    }
    return kept;
}

COFFER_INLINE std::string without_long_quotes(std::string_view text, std::size_t longest) {
    struct marks {
        std::string_view open;
        std::string_view close;
    };
    constexpr std::array<marks, 6> kinds{{{"\"", "\""},
                                          {"`", "`"},
                                          {"'", "'"},
                                          {"\xE2\x80\x9C", "\xE2\x80\x9D"},  // curly double
                                          {"\xE2\x80\x98", "\xE2\x80\x99"},  // curly single
                                          {"\xC2\xAB", "\xC2\xBB"}}};  // guillemets
    std::string kept;
    while (!text.empty()) {
        auto const kind = std::ranges::find_if(kinds, [&](marks const& m) { return text.starts_with(m.open); });
        bool const apostrophe = kind != kinds.end() && kind->open == "'" && !kept.empty() && kept.back() != ' ' &&
                                kept.back() != '(' && kept.back() != ':' && kept.back() != '=';
        if (kind == kinds.end() || apostrophe) {
            kept += text.front();
            text.remove_prefix(1);
            continue;
        }
        auto inside = text.substr(kind->open.size());
        auto const close = inside.find(kind->close);
        auto const length = std::min(close, inside.size());
        if (length <= longest) kept.append(text.substr(0, kind->open.size())).append(inside.substr(0, length));
        else kept.append(kind->open).append("...");
        text = inside.substr(length);
        if (close != inside.npos) {
            kept.append(kind->close);
            text.remove_prefix(kind->close.size());
        }
    }
    return kept;
}

COFFER_INLINE std::string without_keys(std::string_view text) {
    std::string kept;
    while (!text.empty()) {
        std::size_t length = 0;
        while (length < text.size() && is_key_char(text[length])) ++length;
        auto const word = text.substr(0, length);
        bool const credential_follows =
            kept.ends_with("Bearer ") || kept.ends_with("bearer ") || kept.ends_with("key provided: ");
        kept += looks_secret(word) || (credential_follows && word.size() >= 4) ? std::string_view{"***"} : word;
        text.remove_prefix(length);
        if (text.empty()) break;
        auto const c = static_cast<unsigned char>(text.front());
        kept += c < 0x20 || c == 0x7f ? ' ' : text.front();
        text.remove_prefix(1);
    }
    return kept;
}

COFFER_INLINE std::string_view cut_utf8(std::string_view text, std::size_t most) noexcept {
    if (text.size() <= most) return text;
    while (most > 0 && (static_cast<unsigned char>(text[most]) & 0xC0U) == 0x80U) --most;
    return text.substr(0, most);
}

}  // namespace llm::detail

namespace llm {

COFFER_INLINE std::string without_key(std::string body, std::string_view key) {
    constexpr std::size_t shortest = 16;
    if (key.size() < shortest) return body;
    for (auto at = body.find(key); at != body.npos; at = body.find(key, at)) body.replace(at, key.size(), "***");
    return body;
}

COFFER_INLINE provider_words::provider_words(std::vector<std::string_view> secrets,
                                             std::vector<std::string_view> echoes)
    : secrets_{std::move(secrets)}, echoes_{std::move(echoes)} {}

COFFER_INLINE std::string provider_words::shown(std::string_view words) const {
    std::string text{detail::cut_utf8(words, 8 * longest)};
    for (auto const secret : secrets_) {
        if (secret.size() < 4) continue;  // would blot out half of any text, and is no secret
        for (auto at = text.find(secret); at != text.npos; at = text.find(secret, at))
            text.replace(at, secret.size(), "***");
    }
    text = detail::without_echo(std::move(text), echoes_);
    text = detail::without_keys(detail::without_long_quotes(text, longest_quote));
    if (text.size() > longest) text = std::string{detail::cut_utf8(text, longest - 3)} + "...";
    return text;
}

COFFER_INLINE std::string provider_words::identifier(std::string_view word) const {
    bool const plain =
        word.size() <= 128 && std::ranges::all_of(word, [](char c) {
            return (detail::is_key_char(c) && c != '*' && c != '+' && c != '/' && c != '=' && c != '~') || c == ':';
        });
    if (!plain || detail::begins_like_key(word)) return {};
    for (auto const secret : secrets_)
        if (secret.size() >= 4 && word.find(secret) != word.npos) return {};
    return detail::without_echo(std::string{word}, echoes_) == word ? std::string{word} : std::string{};
}

}  // namespace llm

}  // namespace coffer::inline COFFER_ABI
