// SPDX-License-Identifier: BSL-1.0
#pragma once
// What the words mean that OpenAI-shaped providers put into `error.code` and `error.type`.

#include <coffer/base/fault_kind.hpp>
#include <coffer/http/headers.hpp>

#include <optional>
#include <string>
#include <string_view>

namespace coffer::inline COFFER_ABI::llm {

/// The kind that a code or type names, if it is one that says more than the status does.
///
/// `invalid_request_error` is not among them, because it stands beside every 4xx, and neither is `server_error`, which
/// stands beside every 5xx. Sources: openai-python types/responses/
/// response_error.py; learn.microsoft.com/microsoft-cloud/dev/dev-proxy/concepts/openai-insufficient-quota;
/// console.groq.com/docs/errors; openrouter.ai/docs/api/reference/errors-and-debugging; langchainjs#1929,
/// llama_index#12947, vercel/ai#21345, opencode#25730.
[[nodiscard]] std::optional<fault_kind> kind_of_code(std::string_view word) noexcept;

/// The word, if it is one that may be shown by whoever does not know the request and hence what is an echo of it: a code,
/// type or finish reason that providers are known to write, or a number of up to three digits. Empty otherwise.
[[nodiscard]] std::string known_word(std::string_view word);

}  // namespace coffer::inline COFFER_ABI::llm

#if !defined(COFFER_SEPARATE_COMPILATION)
#include <coffer/llm/error_codes.ipp>
#endif
