// SPDX-License-Identifier: BSL-1.0
#pragma once
// Reads what an OpenAI-shaped body says it consumed, into buckets that do not overlap.

#include <coffer/base/decimal.hpp>
#include <coffer/base/money.hpp>
#include <coffer/base/usage.hpp>
#include <coffer/llm/json.hpp>

#include <cstdint>
#include <optional>

namespace coffer::inline COFFER_ABI::llm {

/// The `usage` of a chat completion's body, or nothing if it is missing, null, or makes no sense (a negative number,
/// more cached tokens than there were). Unknown is not zero, and an explicit zero is not unknown.
///
/// `prompt_tokens` includes what was read from and written to the cache and what was audio or an image;
/// `completion_tokens` includes reasoning, audio, images and rejected predictions (openai-python,
/// types/completion_usage.py). What is both an image and cached counts as cached. Tools at the provider: OpenRouter's
/// `server_tool_use`, xAI's `num_sources_used` and `num_server_side_tools_used`.
[[nodiscard]] std::optional<usage> usage_of(json const& body) noexcept;

namespace detail {

/// Dollars written as a decimal fraction, in nano-dollars. What lies between two is rounded up; what is only the noise
/// of a double, behind its fifteenth digit, is not.
[[nodiscard]] std::optional<money> dollars(json const* value) noexcept;

}  // namespace detail

/// The cost that the provider itself reports in the body, which is better than any price list. Nothing if it does not.
///
/// OpenRouter: `usage.cost` in credits, which are dollars; with a key of one's own (`is_byok`) that is only its fee,
/// and the upstream's `cost_details.upstream_inference_cost` comes on top
/// (openrouter.ai/docs/use-cases/usage-accounting). If that part is missing, the cost is unknown. xAI:
/// `usage.cost_in_usd_ticks`, 10^10 to the dollar.
[[nodiscard]] std::optional<money> reported_cost(json const& body) noexcept;

}  // namespace coffer::inline COFFER_ABI::llm

#if !defined(COFFER_SEPARATE_COMPILATION)
#include <coffer/llm/usage.ipp>
#endif
