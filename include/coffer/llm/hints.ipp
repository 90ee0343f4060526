// SPDX-License-Identifier: BSL-1.0
#pragma once
// Definitions of hints.hpp.

#include <coffer/llm/hints.hpp>

#include <algorithm>
#include <charconv>
#include <system_error>

namespace coffer::inline COFFER_ABI {

namespace llm::detail {

COFFER_INLINE std::optional<duration> parse_reset(std::string_view text, wall_time_point now) noexcept {
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

}  // namespace llm::detail

namespace llm {

COFFER_INLINE std::optional<duration> retry_after_hint(http::header_list const& headers, wall_time_point now) noexcept {
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

COFFER_INLINE std::optional<duration> exhausted_reset_hint(http::header_list const& headers, wall_time_point now) {
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

COFFER_INLINE std::optional<duration> retry_hint(http::header_list const& headers, bool limited, wall_time_point now) {
    if (auto const said = retry_after_hint(headers, now)) return said;
    return limited ? exhausted_reset_hint(headers, now) : std::nullopt;
}

COFFER_INLINE std::optional<bool> should_retry(http::header_list const& headers) noexcept {
    auto const value = headers.first("x-should-retry");
    if (!value) return std::nullopt;
    if (http::detail::equal_names(*value, "true")) return true;
    if (http::detail::equal_names(*value, "false")) return false;
    return std::nullopt;
}

}  // namespace llm

}  // namespace coffer::inline COFFER_ABI
