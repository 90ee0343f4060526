// SPDX-License-Identifier: BSL-1.0
#pragma once
// When a provider says to come back: read from headers, by pure functions that are told what time it is.

#include <coffer/base/fault.hpp>
#include <coffer/http/headers.hpp>
#include <coffer/llm/instants.hpp>
#include <coffer/time/clock.hpp>

#include <algorithm>
#include <charconv>
#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <system_error>

namespace coffer::inline COFFER_ABI::llm {

namespace detail {

/// A bucket's reset: a Go duration (OpenAI, Groq), seconds (Azure), a moment in seconds or milliseconds since 1970
/// (OpenRouter), or one as RFC 3339 writes it (Anthropic). A number above 10^9 is a moment: nobody waits 30 years.
[[nodiscard]] inline std::optional<duration> parse_reset(std::string_view text, wall_time_point now) noexcept {
    text = trim(text);
    std::int64_t number = 0;
    auto const [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
    if (error == std::errc{} && end == text.data() + text.size() && number >= 1'000'000'000) {
        constexpr std::int64_t year_2200 = 7'258'118'400;
        auto const seconds = number >= 100'000'000'000 ? std::chrono::milliseconds{std::min(number, year_2200 * 1000)}
                                                       : std::chrono::milliseconds{std::min(number, year_2200) * 1000};
        return until(wall_time_point{std::chrono::duration_cast<wall_time_point::duration>(seconds)}, now);
    }
    if (auto const go = parse_go_duration(text)) return go;
    if (auto const moment = parse_rfc3339(text)) return until(*moment, now);
    return parse_seconds(text);
}

}  // namespace detail

/// `retry-after-ms`, else `x-ms-retry-after-ms`, else `retry-after` (seconds, a fraction allowed, or an HTTP date). The
/// first that can be read counts; a date in the past is zero; a negative number, NaN or "abc" is as if it were not
/// there.
[[nodiscard]] inline std::optional<duration> retry_after_hint(http::header_list const& headers,
                                                              wall_time_point now) noexcept {
    for (auto const* const name : {"retry-after-ms", "x-ms-retry-after-ms"}) {
        auto const value = headers.first(name);
        if (!value) continue;
        if (auto const ms = parse_seconds(*value)) return *ms / 1000;
    }
    auto const value = headers.first("retry-after");
    if (!value) return std::nullopt;
    if (auto const seconds = parse_seconds(*value)) return seconds;
    if (auto const date = parse_http_date(*value, now)) return until(*date, now);
    return std::nullopt;
}

/// The longest `x-ratelimit-reset-*` of those whose `x-ratelimit-remaining-*` is 0: a bucket that is not empty does not
/// keep anybody waiting, and the shortest would wake too early. Names may lack the ending (`x-ratelimit-reset`).
[[nodiscard]] inline std::optional<duration> exhausted_reset_hint(http::header_list const& headers,
                                                                  wall_time_point now) {
    constexpr std::string_view reset = "x-ratelimit-reset";
    std::optional<duration> longest;
    for (auto const& h : headers) {
        if (h.name.size() < reset.size() ||
            !http::detail::equal_names(std::string_view{h.name}.substr(0, reset.size()), reset))
            continue;
        auto const remaining = headers.first("x-ratelimit-remaining" + h.name.substr(reset.size()));
        if (!remaining || parse_seconds(*remaining) != duration::zero()) continue;
        if (auto const d = detail::parse_reset(h.value, now)) longest = std::max(longest.value_or(*d), *d);
    }
    return longest;
}

/// What headers say about when to come back; `limited` if the response says that a rate limit was hit, which is when
/// the buckets' resets mean anything.
[[nodiscard]] inline std::optional<duration> retry_hint(http::header_list const& headers, bool limited,
                                                        wall_time_point now) {
    if (auto const said = retry_after_hint(headers, now)) return said;
    return limited ? exhausted_reset_hint(headers, now) : std::nullopt;
}

/// `x-should-retry`: the provider's own word about this request, if it says one.
[[nodiscard]] inline std::optional<bool> should_retry(http::header_list const& headers) noexcept {
    auto const value = headers.first("x-should-retry");
    if (!value) return std::nullopt;
    if (http::detail::equal_names(*value, "true")) return true;
    if (http::detail::equal_names(*value, "false")) return false;
    return std::nullopt;
}

}  // namespace coffer::inline COFFER_ABI::llm
