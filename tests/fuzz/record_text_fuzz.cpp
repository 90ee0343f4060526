// SPDX-License-Identifier: BSL-1.0
// Records' names as text, and words for a shell.
#include <coffer/store/record_text.hpp>

#include <string>
#include <string_view>

#include "fuzz/fuzz.hpp"

using fuzz::require;

namespace {

/// What a shell makes of a word, as far as `shell_word` uses its syntax.
std::string unquoted(std::string_view word) {
    std::string text;
    bool quoted = false;
    for (std::size_t i = 0; i < word.size(); ++i) {
        if (word[i] == '\'') {
            quoted = !quoted;
        } else if (!quoted && word[i] == '\\') {
            require(++i < word.size(), "a backslash stands before something");
            text += word[i];
        } else {
            require(quoted || std::string_view{" \t\n$`\"\\;&|<>()*?[]{}~#!"}.find(word[i]) == std::string_view::npos,
                    "what a shell would read otherwise stands in quotes");
            text += word[i];
        }
    }
    require(!quoted, "quotes are closed");
    return text;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(std::uint8_t const* data, std::size_t size) {
    auto const text = fuzz::text_of(data, size);
    if (auto const id = coffer::record_id_from_text(text)) {
        require(!id->name_space.empty() && !id->digest.empty(), "a name has two parts");
        require(coffer::to_text(*id) == text, "a name is written as it was read");
    }
    auto const half = size / 2;
    coffer::record_id const made{std::string{text.substr(0, half)}, std::string{text.substr(half)}};
    auto const back = coffer::record_id_from_text(coffer::to_text(made));
    require(back.has_value() == (!made.name_space.empty() && !made.digest.empty()), "every name can be read");
    require(!back || *back == made, "and is read as it was");
    require(unquoted(coffer::shell_word(text)) == text, "a shell reads the word itself");
    require(!coffer::shell_word(text).empty(), "which is one");
    return 0;
}
