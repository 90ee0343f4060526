// SPDX-License-Identifier: BSL-1.0
// A provider's words, made fit for a log. Input: a line that is the credential, one that is the prompt, then the words.
#include <coffer/llm/redact.hpp>

#include <string>
#include <string_view>

#include "fuzz/fuzz.hpp"

namespace llm = coffer::llm;
using fuzz::require;

extern "C" int LLVMFuzzerTestOneInput(std::uint8_t const* data, std::size_t size) {
    auto words = fuzz::text_of(data, size);
    auto const secret = fuzz::take_line(words);
    auto const prompt = fuzz::take_line(words);
    llm::provider_words const redact{{secret}, {prompt}};

    auto const shown = redact.shown(words);
    require(shown.size() <= llm::provider_words::longest, "what is shown is short");
    // What stands for a secret or an echo is made of these, and may make one up again where they are part of it.
    auto const of_our_own = [](std::string_view text) { return text.find_first_of("*. \"'`") != text.npos; };
    if (secret.size() >= 4 && !of_our_own(secret)) require(shown.find(secret) == shown.npos, "no credential is shown");
    constexpr std::size_t window = 16;
    for (std::size_t i = 0; i + window <= prompt.size(); ++i) {
        auto const piece = prompt.substr(i, window);
        if (of_our_own(piece)) continue;
        require(shown.find(piece) == shown.npos, "no stretch of the prompt is shown");
    }
    for (char const c : shown) require(static_cast<unsigned char>(c) >= 0x20 && c != 0x7f, "no control characters");

    auto const id = redact.identifier(words);
    require(id.empty() || id == words, "an identifier is shown whole or not at all");
    if (!id.empty() && secret.size() >= 4) require(id.find(secret) == id.npos, "no credential is an identifier");
    return 0;
}
