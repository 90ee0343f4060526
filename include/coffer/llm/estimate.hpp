// SPDX-License-Identifier: BSL-1.0
#pragma once
// How much a request can cost at the most, known before it is sent.

#include <coffer/base/money.hpp>
#include <coffer/call/describe.hpp>
#include <coffer/llm/chat_body.hpp>
#include <coffer/llm/cost.hpp>
#include <coffer/llm/openai_options.hpp>
#include <coffer/llm/price_card.hpp>
#include <coffer/llm/request.hpp>
#include <coffer/llm/uncountable.hpp>

#include <cstdint>
#include <optional>
#include <string>

namespace coffer::inline COFFER_ABI::llm {

namespace detail {

/// A token is at least a byte; what the provider rewrites into text of its own counts twice.
[[nodiscard]] std::int64_t text_bound(request const& r, std::int64_t extra_bytes) noexcept;

/// The rates that may apply in the tier that was asked for, or why there are none.
[[nodiscard]] std::string collect_rates(dearest_rates& into, price_card const& card, raw_parts const& p,
                                        std::int64_t prompt_tokens, std::optional<service_tier> auto_tier);

/// Why the promise of `request::at_most` does not cover what is there, or empty.
[[nodiscard]] std::string uncovered(raw_parts const& p, std::optional<uncounted> const& promise);

}  // namespace detail

/// The most that a request can consume.
///
/// Input: a token is at least a byte, so the bytes of all text bound it, with an allowance for each message and twice
/// the bytes of tools and schema, which the provider rewrites into text of its own; and what `request::at_most` promises
/// of the rest. Output: the enforced maximum times the number of choices. Cost: all of it at the dearest rate that may
/// apply, be it written to a cache, in any size that the prompt may reach, in any service tier that may be meant; and
/// the fees.
///
/// No cost if there is no bound or no price, and then `unbounded` says what to do: no output maximum, an unknown model, an
/// image, a tool that is more than a function, a field in `extra` that might make it larger or dearer (`messages`,
/// `modalities`, `prediction`, whatever is not known to be harmless), and no `request::at_most`.
[[nodiscard]] estimate estimate_of(request const& r, openai_options const& o);

}  // namespace coffer::inline COFFER_ABI::llm

#if !defined(COFFER_SEPARATE_COMPILATION)
#include <coffer/llm/estimate.ipp>
#endif
