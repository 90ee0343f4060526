// SPDX-License-Identifier: BSL-1.0
#pragma once
// The error that an OpenAI-shaped body describes, field by field, in whatever dialect it is written.

#include <coffer/http/headers.hpp>
#include <coffer/llm/json.hpp>

#include <cstdint>
#include <optional>
#include <string>

namespace coffer::inline COFFER_ABI::llm {

/// What a body says went wrong. Nothing in it is redacted yet.
class provider_error {
public:
    provider_error() = default;

    /// It is the provider's own: a JSON object that describes an error, which an edge's page is not.
    bool own = false;
    std::string code;     ///< as text, a number too
    std::string type;  ///< `insufficient_quota`, `rate_limit_error` and the like
    std::string message;  ///< the provider's words
    int code_as_status = 0;  ///< the code, if it is an HTTP status: OpenRouter writes 402 where others write a word

    // OpenRouter's `metadata` (openrouter.ai/docs/api/reference/errors-and-debugging).
    std::string limit_source;  ///< who has limited it: OpenRouter, or the upstream
    bool moderated = false;      ///< it names reasons for which the input was flagged
    bool names_budget = false;   ///< it names a limit in dollars, or when one is reset
    http::header_list headers;   ///< of the upstream, where they are handed on
};

namespace detail {

[[nodiscard]] bool says_something(json const* error) noexcept;

void read_code(provider_error& e, json const* code);

void read_metadata(provider_error& e, json const* metadata);

}  // namespace detail

/// Reads an error object: `{"message","type","param","code"}`, `{"code":402,"message","metadata"}`, or a mere string.
[[nodiscard]] provider_error read_error(json const& error);

/// The error of a body, or nothing: `{"error": …}`, the same inside an array of one (Gemini's compatible endpoint), or
/// flat with `"object":"error"` (vLLM).
[[nodiscard]] std::optional<provider_error> find_error(json const& body);

}  // namespace coffer::inline COFFER_ABI::llm

#if !defined(COFFER_SEPARATE_COMPILATION)
#include <coffer/llm/provider_error.ipp>
#endif
