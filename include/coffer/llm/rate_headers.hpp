// SPDX-License-Identifier: BSL-1.0
#pragma once
// What a provider's headers say is left of its rate limits, under any of their names and in any of their formats.

#include <coffer/base/rate_facts.hpp>
#include <coffer/http/headers.hpp>
#include <coffer/llm/hints.hpp>
#include <coffer/llm/instants.hpp>
#include <coffer/time/clock.hpp>

#include <cstdint>
#include <optional>
#include <string_view>

namespace coffer::inline COFFER_ABI::llm {

namespace detail {

/// What one header is about.
struct rate_header {
    enum class field : std::uint8_t { limit, remaining, reset };
    field what;
    std::string_view bucket;  ///< `requests`, `project-tokens`, ... or nothing
};

[[nodiscard]] bool cut_prefix(std::string_view& text, std::string_view prefix) noexcept;
[[nodiscard]] bool cut_suffix(std::string_view& text, std::string_view suffix) noexcept;

/// `x-ratelimit-remaining-requests` (OpenAI and who speaks as it does), `anthropic-ratelimit-requests-remaining`.
[[nodiscard]] std::optional<rate_header> rate_header_of(std::string_view name) noexcept;

/// What a bucket counts, by its name: of requests if it has none (OpenRouter). Nothing if nobody knows (Anthropic's `unified`
/// ones).
[[nodiscard]] std::optional<rate_measure> measure_of(std::string_view bucket) noexcept;

[[nodiscard]] std::optional<std::int64_t> whole_number(std::string_view text) noexcept;

}  // namespace detail

/// What is left of each limit, of how much, and when all of it is there again: headers of OpenAI, Azure, Groq, OpenRouter and
/// Anthropic. Of several buckets with one measure (a project's beside the organisation's) the one that has least counts.
///
/// What makes no sense is as if it were not there: a negative number, a limit of zero, more left than there is (Azure's
/// Responses say -1 and 0).
[[nodiscard]] rate_facts rate_facts_of(http::header_list const& headers, wall_time_point now);

}  // namespace coffer::inline COFFER_ABI::llm

#if !defined(COFFER_SEPARATE_COMPILATION)
#include <coffer/llm/rate_headers.ipp>
#endif
