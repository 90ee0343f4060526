// SPDX-License-Identifier: BSL-1.0
#pragma once
// What the model "says": a function of the request's key, the model and the choice, so that the same request always
// gets the same text and a test can tell a right answer from any other.

#include <cstdint>
#include <string>
#include <string_view>

namespace provider_sim {

/// A length between the two, inclusive.
std::int64_t natural_tokens(std::string_view key, std::string_view model, std::uint64_t choice, std::int64_t low,
                            std::int64_t high);

/// Words of exactly that many tokens.
std::string answer_text(std::string_view key, std::string_view model, std::uint64_t choice, std::int64_t tokens);

/// The first `tokens` tokens of a text, whole UTF-8 characters only.
std::string first_tokens(std::string text, std::int64_t tokens);

/// `prefix` and `length` letters and digits, the same for the same `bits`.
std::string make_id(std::string_view prefix, std::uint64_t bits, std::size_t length);

}  // namespace provider_sim
