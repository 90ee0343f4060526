// SPDX-License-Identifier: BSL-1.0
#pragma once
// Durations and moments as HTTP headers write them. Strict: what is not surely one of the forms is none.

#include <coffer/time/clock.hpp>

#include <algorithm>
#include <array>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string_view>

namespace coffer::inline COFFER_ABI::llm {

namespace detail {

/// Longer than anybody waits, and far from overflowing when a little is added.
inline constexpr duration longest_wait = std::chrono::hours{24 * 365 * 50};

[[nodiscard]] constexpr bool is_digit(char c) noexcept { return c >= '0' && c <= '9'; }

/// Reads `12`, `12.5`, `.5` from the front of `text`, in units of 10^-9; saturates. Nothing if there is no digit.
[[nodiscard]] constexpr std::optional<std::int64_t> take_decimal(std::string_view& text) noexcept {
    constexpr std::int64_t most = 4'000'000'000;  // * 10^9 still fits
    std::int64_t whole = 0;
    std::int64_t fraction = 0;
    bool any = false;
    while (!text.empty() && is_digit(text.front())) {
        whole = std::min(whole * 10 + (text.front() - '0'), most);
        any = true;
        text.remove_prefix(1);
    }
    if (!text.empty() && text.front() == '.') {
        auto rest = text.substr(1);
        for (std::int64_t unit = 100'000'000; !rest.empty() && is_digit(rest.front()); unit /= 10) {
            fraction += unit * (rest.front() - '0');
            any = true;
            rest.remove_prefix(1);
        }
        if (any) text = rest;
    }
    if (!any) return std::nullopt;
    return whole * 1'000'000'000 + fraction;
}

[[nodiscard]] constexpr std::string_view trim(std::string_view text) noexcept {
    while (!text.empty() && (text.front() == ' ' || text.front() == '\t')) text.remove_prefix(1);
    while (!text.empty() && (text.back() == ' ' || text.back() == '\t')) text.remove_suffix(1);
    return text;
}

}  // namespace detail

/// The time from `now` to `then`; zero if that has passed.
[[nodiscard]] constexpr duration until(wall_time_point then, wall_time_point now) noexcept {
    if (then <= now) return duration::zero();
    auto const gap = std::chrono::duration_cast<std::chrono::seconds>(then - now);
    return gap >= detail::longest_wait ? detail::longest_wait : std::chrono::duration_cast<duration>(then - now);
}

/// `20`, `0.5`. No sign, no exponent, no `nan`; absurdly much is cut to decades.
[[nodiscard]] constexpr std::optional<duration> parse_seconds(std::string_view text) noexcept {
    text = detail::trim(text);
    auto const value = detail::take_decimal(text);
    if (!value || !text.empty()) return std::nullopt;
    return std::min(duration{*value}, detail::longest_wait);
}

/// A duration as Go prints one: `6m0s`, `12ms`, `1h2m3.5s`, `850µs`, `0s`. Not a bare number.
[[nodiscard]] constexpr std::optional<duration> parse_go_duration(std::string_view text) noexcept {
    struct unit {
        std::string_view name;
        std::int64_t nanoseconds;
    };
    // Longer names first: "m" is the beginning of "ms".
    constexpr std::array<unit, 8> units{{{"ns", 1},
                                         {"us", 1'000},
                                         {"\xC2\xB5s", 1'000},
                                         {"\xCE\xBCs", 1'000},
                                         {"ms", 1'000'000},
                                         {"h", 3'600'000'000'000},
                                         {"m", 60'000'000'000},
                                         {"s", 1'000'000'000}}};
    text = detail::trim(text);
    if (text.empty()) return std::nullopt;
    double total = 0;  // nanoseconds; only to see whether it is too much
    std::int64_t exact = 0;
    while (!text.empty()) {
        auto const value = detail::take_decimal(text);
        if (!value) return std::nullopt;
        auto const which = std::ranges::find_if(units, [&](unit const& u) { return text.starts_with(u.name); });
        if (which == units.end()) return std::nullopt;
        text.remove_prefix(which->name.size());
        total += static_cast<double>(*value) / 1e9 * static_cast<double>(which->nanoseconds);
        if (total >= static_cast<double>(detail::longest_wait.count())) {
            exact = detail::longest_wait.count();
            continue;
        }
        auto const whole = *value / 1'000'000'000;
        auto const fraction = *value % 1'000'000'000;
        exact += whole * which->nanoseconds + fraction * (which->nanoseconds / 1'000) / 1'000'000;
    }
    return duration{std::min(exact, detail::longest_wait.count())};
}

namespace detail {

[[nodiscard]] constexpr std::optional<unsigned> month_of(std::string_view name) noexcept {
    constexpr std::string_view names = "JanFebMarAprMayJunJulAugSepOctNovDec";
    auto const at = name.size() == 3 ? names.find(name) : names.npos;
    if (at == names.npos || at % 3 != 0) return std::nullopt;
    return static_cast<unsigned>(at / 3 + 1);
}

/// Exactly the digits of `text`, as a number.
[[nodiscard]] constexpr std::optional<int> digits(std::string_view text) noexcept {
    int value = 0;
    for (char const c : text) {
        if (!is_digit(c)) return std::nullopt;
        value = value * 10 + (c - '0');
    }
    return text.empty() ? std::nullopt : std::optional{value};
}

/// `08:49:37`; a leap second is taken for the last one before it.
[[nodiscard]] constexpr std::optional<std::chrono::seconds> time_of_day(std::string_view t) noexcept {
    if (t.size() != 8 || t[2] != ':' || t[5] != ':') return std::nullopt;
    auto const h = digits(t.substr(0, 2)), m = digits(t.substr(3, 2)), s = digits(t.substr(6, 2));
    if (!h || !m || !s || *h > 23 || *m > 59 || *s > 60) return std::nullopt;
    return std::chrono::hours{*h} + std::chrono::minutes{*m} + std::chrono::seconds{std::min(*s, 59)};
}

[[nodiscard]] constexpr std::optional<wall_time_point> moment(std::optional<int> year, std::optional<unsigned> month,
                                                              std::optional<int> day, std::string_view time) noexcept {
    auto const seconds = time_of_day(time);
    if (!year || !month || !day || !seconds) return std::nullopt;
    std::chrono::year_month_day const date{std::chrono::year{*year}, std::chrono::month{*month},
                                           std::chrono::day{static_cast<unsigned>(*day)}};
    if (!date.ok() || *year < 1970) return std::nullopt;
    // system_clock counts nanoseconds and ends in 2262.
    if (*year > 2200) return wall_time_point{std::chrono::sys_days{std::chrono::year{2200} / 1 / 1}};
    return wall_time_point{std::chrono::sys_days{date} + *seconds};
}

}  // namespace detail

/// A date in any of the three forms that RFC 9110 §5.6.7 wants read: `Sun, 06 Nov 1994 08:49:37 GMT`,
/// `Sunday, 06-Nov-94 08:49:37 GMT`, `Sun Nov  6 08:49:37 1994`. The name of the day is not checked.
[[nodiscard]] std::optional<wall_time_point> parse_http_date(std::string_view text, wall_time_point now) noexcept;

/// A moment as RFC 3339 writes it: `2025-08-21T12:41:00Z`, with a fraction of a second or an offset if it likes.
[[nodiscard]] std::optional<wall_time_point> parse_rfc3339(std::string_view text) noexcept;

}  // namespace coffer::inline COFFER_ABI::llm

#if !defined(COFFER_SEPARATE_COMPILATION)
#include <coffer/llm/instants.ipp>
#endif
