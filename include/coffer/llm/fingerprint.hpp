// SPDX-License-Identifier: BSL-1.0
#pragma once
// What makes two requests the same: one digest for each part, so that a difference can be named.

#include <coffer/base/fingerprint.hpp>
#include <coffer/crypto/hash.hpp>
#include <coffer/llm/canonical.hpp>
#include <coffer/llm/request.hpp>

namespace coffer::inline COFFER_ABI::llm {

/// The fingerprint of a request: SHA-256 (32 bytes each) of the canonical JSON of `model`, `messages`, `output_limit`,
/// `sampling` (temperature, top_p, n, seed, stop), `response_format`, `tools` and `extra`. A part that is not set has
/// no field.
///
/// Not a part of it: the end user's tag, time limits, `at_most`, and who is asked. Under a key it counts what is asked; a fallback
/// to another provider is still the same request. Throws what `crypto::sha256` throws.
[[nodiscard]] fingerprint fingerprint_of(request const& r);

}  // namespace coffer::inline COFFER_ABI::llm

#if !defined(COFFER_SEPARATE_COMPILATION)
#include <coffer/llm/fingerprint.ipp>
#endif
