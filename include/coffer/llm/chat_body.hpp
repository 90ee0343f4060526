// SPDX-License-Identifier: BSL-1.0
#pragma once
// A request as the JSON of `POST /chat/completions`.

#include <coffer/base/outcome.hpp>
#include <coffer/llm/json.hpp>
#include <coffer/llm/request.hpp>

#include <cstdint>
#include <optional>
#include <string>

namespace coffer::inline COFFER_ABI::llm {

namespace detail {

[[nodiscard]] outcome<json> raw_json(std::string const& text, char const* what, json::value_t expected);

[[nodiscard]] outcome<json> message_json(message const& m);

/// Whatever the body says, no choice may be longer than that.
void lower_output_limit(json& body, std::string const& field, std::int64_t most);

}  // namespace detail

/// The request as a JSON object, `extra` merged in last, or `invalid_request` with what is wrong. `output_limit` is the
/// name of the field for the output maximum, which is `most_output` at the most, whoever set it.
[[nodiscard]] outcome<json> chat_json(request const& r, std::string const& output_limit,
                                      std::optional<std::int64_t> most_output = {});

/// The model that is really asked for: `extra` may name another one.
[[nodiscard]] std::string model_of(request const& r);

/// `chat_json` as text.
[[nodiscard]] outcome<std::string> chat_body(request const& r, std::string const& output_limit,
                                             std::optional<std::int64_t> most_output = {});

}  // namespace coffer::inline COFFER_ABI::llm

#if !defined(COFFER_SEPARATE_COMPILATION)
#include <coffer/llm/chat_body.ipp>
#endif
