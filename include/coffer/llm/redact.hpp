// SPDX-License-Identifier: BSL-1.0
#pragma once
// A provider's words, made fit for a log: no credential, no piece of the prompt, not long.

#include <coffer/config.hpp>

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace coffer::inline COFFER_ABI::llm {

namespace detail {

[[nodiscard]] constexpr bool is_key_char(char c) noexcept {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' || c == '_' ||
           c == '*' || c == '.' || c == '+' || c == '/' || c == '=' || c == '~';
}

[[nodiscard]] constexpr bool begins_like_key(std::string_view word) noexcept {
    constexpr std::array<std::string_view, 9> beginnings{"sk-",   "pk-",  "rk-", "gsk_", "xai-",
                                                         "sess-", "AIza", "eyJ", "ghp_"};
    return word.size() >= 8 && std::ranges::any_of(beginnings, [&](auto b) { return word.starts_with(b); });
}

/// Looks like a credential: a known beginning, half blotted out already, or long with letters and digits mixed.
[[nodiscard]] constexpr bool looks_secret(std::string_view word) noexcept {
    if (begins_like_key(word) || word.find("**") != word.npos) return true;
    // Names of models and links are long too, but have separators in them; keys of 24 and more have long runs without.
    std::size_t run = 0;
    bool letter = false;
    bool digit = false;
    for (char const c : word) {
        bool const is_letter = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
        bool const is_digit = c >= '0' && c <= '9';
        if (!is_letter && !is_digit) {
            run = 0;
            letter = digit = false;
            continue;
        }
        letter = letter || is_letter;
        digit = digit || is_digit;
        if (++run >= 20 && letter && digit) return true;
    }
    return false;
}

/// Replaces every stretch of `text` of 16 bytes or more that stands in one of `sources` too, and shorter sources whole.
[[nodiscard]] std::string without_echo(std::string text, std::vector<std::string_view> const& sources);

/// Replaces what stands between quotation marks if it is longer than `longest`. An open quotation goes to the end.
[[nodiscard]] std::string without_long_quotes(std::string_view text, std::size_t longest);

[[nodiscard]] std::string without_keys(std::string_view text);

/// At most `most` bytes, cut between characters.
[[nodiscard]] std::string_view cut_utf8(std::string_view text, std::size_t most) noexcept;

}  // namespace detail

/// An answer's body without the key that it was asked with, should somebody on the way have echoed it: nobody needs it
/// there, and the body is stored. Keys under 16 bytes are names ("EMPTY", "none"), which a text may hold.
[[nodiscard]] std::string without_key(std::string body, std::string_view key);

/// What may be shown of a provider's words.
///
/// Stretches of 16 bytes and more that stand in the request (`echoes`) are dropped, quotations over 40 bytes as well,
/// and whatever looks like a credential, the very one of the request (`secrets`) first. At most 300 bytes remain. The
/// views must be valid while it is used. Thread safety: const use from any.
class provider_words {
public:
    static constexpr std::size_t longest = 300;  ///< in bytes
    static constexpr std::size_t longest_quote = 40;  ///< in bytes

    provider_words() = default;
    /// What must not be shown, and what may not be shown at length. Neither is copied.
    provider_words(std::vector<std::string_view> secrets, std::vector<std::string_view> echoes);

    /// The words without all that, cut to `longest`.
    [[nodiscard]] std::string shown(std::string_view words) const;

    /// A code or an id: the word itself, or nothing if it is none, or holds what may not be shown.
    [[nodiscard]] std::string identifier(std::string_view word) const;

private:
    std::vector<std::string_view> secrets_;
    std::vector<std::string_view> echoes_;
};

}  // namespace coffer::inline COFFER_ABI::llm

#if !defined(COFFER_SEPARATE_COMPILATION)
#include <coffer/llm/redact.ipp>
#endif
