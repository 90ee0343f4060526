// SPDX-License-Identifier: BSL-1.0
#pragma once
// What the programs of this folder share. Each defines `LLVMFuzzerTestOneInput`, as libFuzzer calls it: one input, any
// bytes. It aborts if a parser breaks its promise; crashing and what sanitizers see besides are found by themselves.

#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <string_view>
#include <utility>

extern "C" int LLVMFuzzerTestOneInput(std::uint8_t const* data, std::size_t size);

namespace fuzz {

/// The promise, as a sentence, and whether it was kept.
inline void require(bool kept, char const* promise) {
    if (kept) return;
    std::fprintf(stderr, "broken: %s\n", promise);
    std::abort();
}

[[nodiscard]] inline std::string_view text_of(std::uint8_t const* data, std::size_t size) {
    return {reinterpret_cast<char const*>(data), size};
}

/// Takes the first line off, without its line end.
[[nodiscard]] inline std::string_view take_line(std::string_view& text) {
    auto const end = text.find('\n');
    auto const line = text.substr(0, end);
    text.remove_prefix(end == text.npos ? text.size() : end + 1);
    return line;
}

/// `name: value`, as far as there is a colon.
[[nodiscard]] inline std::pair<std::string_view, std::string_view> split_field(std::string_view line) {
    auto const colon = line.find(": ");
    if (colon == line.npos) return {line, {}};
    return {line.substr(0, colon), line.substr(colon + 2)};
}

}  // namespace fuzz
