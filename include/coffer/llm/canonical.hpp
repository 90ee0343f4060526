// SPDX-License-Identifier: BSL-1.0
#pragma once
// One text for all ways to write the same JSON: what digests are made of. Version 1.

#include <coffer/llm/json.hpp>

#include <cstdint>
#include <string>
#include <string_view>

namespace coffer::inline COFFER_ABI::llm {

inline constexpr std::uint32_t canonical_version = 1;  ///< digests of two versions are never compared

namespace detail {

inline void write_canonical(std::string& out, json const& value);

/// Only what must be escaped is, and each in one way: the short form where there is one, else `\u00xx`.
void write_canonical(std::string& out, std::string_view text);

/// A whole number without point and exponent, however it was written (`1.0`, `1e0`, `1`), as far as a double counts
/// exactly; any other in the shortest form that reads back as the same double.
void write_canonical(std::string& out, double number);

void write_canonical(std::string& out, json const& value);

}  // namespace detail

/// Names sorted by their bytes, no white space (near to RFC 8785, which sorts UTF-16 and makes every number a double),
/// one way to write each number and each text.
[[nodiscard]] std::string canonical(json const& value);

/// The same of a text that should be JSON; a text that is none stands for itself, marked so that no JSON equals it.
[[nodiscard]] std::string canonical_text(std::string_view text);

}  // namespace coffer::inline COFFER_ABI::llm

#if !defined(COFFER_SEPARATE_COMPILATION)
#include <coffer/llm/canonical.ipp>
#endif
