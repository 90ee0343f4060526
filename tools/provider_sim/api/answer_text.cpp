// SPDX-License-Identifier: BSL-1.0
#include "api/answer_text.hpp"

#include <array>

#include "base/random.hpp"
#include "billing/tokens.hpp"

namespace provider_sim {
namespace {

constexpr std::array<std::string_view, 32> words{
    "amber",   "basin",  "cedar",  "delta",   "ember",  "fjord",  "grove", "harbor", "inlet",   "juniper", "kestrel",
    "lantern", "meadow", "north",  "orchard", "pebble", "quarry", "river", "summit", "thicket", "upland",  "valley",
    "willow",  "yarrow", "zephyr", "and",     "of",     "the",    "under", "over",   "with",    "near"};

std::uint64_t bits_of(std::string_view key, std::string_view model, std::uint64_t choice) {
    return hash_of(key, hash_of(model, choice));
}

}  // namespace

std::int64_t natural_tokens(std::string_view key, std::string_view model, std::uint64_t choice, std::int64_t low,
                            std::int64_t high) {
    auto const span = static_cast<std::uint64_t>(high - low) + 1;
    return low + static_cast<std::int64_t>(bits_of(key, model, choice) % span);
}

std::string answer_text(std::string_view key, std::string_view model, std::uint64_t choice, std::int64_t tokens) {
    auto bits = bits_of(key, model, choice);
    auto const size = static_cast<std::size_t>(tokens * bytes_per_token);
    std::string text;
    text.reserve(size + 16);
    while (text.size() < size) {
        bits = mix(bits);
        text.append(words[bits % words.size()]).push_back(' ');
    }
    text.resize(size);
    text.back() = '.';
    return text;
}

std::string first_tokens(std::string text, std::int64_t tokens) {
    auto size = static_cast<std::size_t>(tokens * bytes_per_token);
    if (text.size() <= size) return text;
    while (size > 0 && (static_cast<unsigned char>(text[size]) & 0xc0U) == 0x80U) --size;
    text.resize(size);
    return text;
}

std::string make_id(std::string_view prefix, std::uint64_t bits, std::size_t length) {
    constexpr std::string_view letters = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";
    std::string id{prefix};
    for (std::size_t i = 0; i < length; ++i) {
        bits = mix(bits);
        id.push_back(letters[bits % letters.size()]);
    }
    return id;
}

}  // namespace provider_sim
