// SPDX-License-Identifier: BSL-1.0
#pragma once
// When a provider says to come back: read from headers, by pure functions that are told what time it is.

#include <coffer/base/fault.hpp>
#include <coffer/http/headers.hpp>
#include <coffer/llm/instants.hpp>
#include <coffer/time/clock.hpp>

#include <chrono>
#include <cstdint>
#include <optional>
#include <string_view>

namespace coffer::inline COFFER_ABI::llm {

namespace detail {

/// A bucket's reset: a Go duration (OpenAI, Groq), seconds (Azure), a moment in seconds or milliseconds since 1970
/// (OpenRouter), or one as RFC 3339 writes it (Anthropic). A number above 10^9 is a moment: nobody waits 30 years.
[[nodiscard]] std::optional<duration> parse_reset(std::string_view text, wall_time_point now) noexcept;

}  // namespace detail

/// `retry-after-ms`, else `x-ms-retry-after-ms`, else `retry-after` (seconds, a fraction allowed, or an HTTP date). The
/// first that can be read counts; a date in the past is zero; a negative number, NaN or "abc" is as if it were not
/// there.
[[nodiscard]] std::optional<duration> retry_after_hint(http::header_list const& headers, wall_time_point now) noexcept;

/// The longest `x-ratelimit-reset-*` of those whose `x-ratelimit-remaining-*` is 0: a bucket that is not empty does not
/// keep anybody waiting, and the shortest would wake too early. Names may lack the ending (`x-ratelimit-reset`).
[[nodiscard]] std::optional<duration> exhausted_reset_hint(http::header_list const& headers, wall_time_point now);

/// What headers say about when to come back; `limited` if the response says that a rate limit was hit, which is when
/// the buckets' resets mean anything.
[[nodiscard]] std::optional<duration> retry_hint(http::header_list const& headers, bool limited, wall_time_point now);

/// `x-should-retry`: the provider's own word about this request, if it says one.
[[nodiscard]] std::optional<bool> should_retry(http::header_list const& headers) noexcept;

}  // namespace coffer::inline COFFER_ABI::llm

#if !defined(COFFER_SEPARATE_COMPILATION)
#include <coffer/llm/hints.ipp>
#endif
