// SPDX-License-Identifier: BSL-1.0
#pragma once
// Judges what a chat completion brought back: accepted with a reply, or billed and defective.

#include <coffer/base/answer.hpp>
#include <coffer/base/outcome.hpp>
#include <coffer/call/operation.hpp>
#include <coffer/llm/cost.hpp>
#include <coffer/llm/error_codes.hpp>
#include <coffer/llm/json.hpp>
#include <coffer/llm/openai_options.hpp>
#include <coffer/llm/reply.hpp>
#include <coffer/llm/usage.hpp>

#include <optional>
#include <string>
#include <string_view>

namespace coffer::inline COFFER_ABI::llm {

namespace detail {

[[nodiscard]] fault defective(std::string why);

/// Nobody can say whose words these are: an edge's page, or an answer that was broken on its way.
[[nodiscard]] fault unreadable(std::string_view body);

[[nodiscard]] bool is_truncation(std::string_view finish) noexcept;

/// The text of a message: a string, or an array of parts as some servers write it.
[[nodiscard]] std::string content_of(json const* content);

[[nodiscard]] bool has_output(json const* message) noexcept;

/// Nothing was written: what OpenRouter's insurance covers.
[[nodiscard]] bool is_blank(json const* message);

/// Why a choice is not accepted, or nothing.
[[nodiscard]] std::optional<fault> judge_choice(json const& choice, bool consumed, openai_options const& o);

/// The tier that an answer says it was worked on in, if its prices can be listed.
[[nodiscard]] std::optional<service_tier> tier_of(std::string_view said) noexcept;

/// Does a choice quote pages that were found by a search?
[[nodiscard]] bool quotes_a_search(json const& body) noexcept;

/// The priced cost of what was consumed; nothing where the list does not hold: an unknown model, a service tier or
/// anything else without a listed price, searches that nobody counted.
[[nodiscard]] std::optional<money> priced_cost(json const& body, usage const& used, openai_options const& o);

[[nodiscard]] billed bill_of(json const& body, openai_options const& o);

}  // namespace detail

/// What an answer was billed for, as far as its body says so; a defective one too. Never throws but `bad_alloc`.
[[nodiscard]] billed bill_chat(answer const& a, openai_options const& o);

/// The reply, or why the answer is not accepted.
///
/// `defective_answer`: not JSON, no choices, nothing in a choice, cut at the output limit, an unknown finish reason.
/// `content_policy`: filtered, or refused by the model. An error inside takes the kind of its code. Every choice must
/// be whole, since each was asked for. Never throws but `bad_alloc`.
[[nodiscard]] outcome<reply> read_chat(answer const& a, openai_options const& o);

}  // namespace coffer::inline COFFER_ABI::llm

#if !defined(COFFER_SEPARATE_COMPILATION)
#include <coffer/llm/chat_reply.ipp>
#endif
