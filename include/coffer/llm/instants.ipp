// SPDX-License-Identifier: BSL-1.0
#pragma once
// Definitions of instants.hpp.

#include <coffer/llm/instants.hpp>

namespace coffer::inline COFFER_ABI::llm {

COFFER_INLINE std::optional<wall_time_point> parse_http_date(std::string_view text, wall_time_point now) noexcept {
    using detail::digits;
    text = detail::trim(text);
    auto const comma = text.find(',');
    if (comma == text.npos) {  // asctime
        if (text.size() != 24 || text[3] != ' ' || text[7] != ' ' || text[10] != ' ' || text[19] != ' ')
            return std::nullopt;
        return detail::moment(digits(text.substr(20, 4)), detail::month_of(text.substr(4, 3)),
                              digits(detail::trim(text.substr(8, 2))), text.substr(11, 8));
    }
    auto const rest = detail::trim(text.substr(comma + 1));
    if (!rest.ends_with(" GMT")) return std::nullopt;
    if (rest.size() == 24 && rest[2] == ' ' && rest[6] == ' ' && rest[11] == ' ')  // IMF-fixdate
        return detail::moment(digits(rest.substr(7, 4)), detail::month_of(rest.substr(3, 3)), digits(rest.substr(0, 2)),
                              rest.substr(12, 8));
    if (rest.size() != 22 || rest[2] != '-' || rest[6] != '-' || rest[9] != ' ') return std::nullopt;  // RFC 850
    auto year = digits(rest.substr(7, 2));
    if (year) {
        // Two digits that seem more than 50 years ahead are in the past.
        std::chrono::year_month_day const today{std::chrono::floor<std::chrono::days>(now)};
        auto const this_year = static_cast<int>(today.year());
        *year += this_year - this_year % 100;
        if (*year > this_year + 50) *year -= 100;
    }
    return detail::moment(year, detail::month_of(rest.substr(3, 3)), digits(rest.substr(0, 2)), rest.substr(10, 8));
}

COFFER_INLINE std::optional<wall_time_point> parse_rfc3339(std::string_view text) noexcept {
    using detail::digits;
    text = detail::trim(text);
    if (text.size() < 20 || text[4] != '-' || text[7] != '-' || (text[10] != 'T' && text[10] != 't' && text[10] != ' '))
        return std::nullopt;
    auto const month = digits(text.substr(5, 2));
    auto const second =
        detail::moment(digits(text.substr(0, 4)), month ? std::optional{static_cast<unsigned>(*month)} : std::nullopt,
                       digits(text.substr(8, 2)), text.substr(11, 8));
    if (!second) return std::nullopt;
    auto rest = text.substr(19);
    std::int64_t fraction = 0;
    if (rest.front() == '.') {
        auto const part = detail::take_decimal(rest);
        if (!part) return std::nullopt;
        fraction = *part;
    }
    auto const exact = *second + std::chrono::duration_cast<wall_time_point::duration>(duration{fraction});
    if (rest == "Z" || rest == "z") return exact;
    if (rest.size() != 6 || (rest[0] != '+' && rest[0] != '-') || rest[3] != ':') return std::nullopt;
    auto const hours = digits(rest.substr(1, 2)), minutes = digits(rest.substr(4, 2));
    if (!hours || !minutes || *hours > 23 || *minutes > 59) return std::nullopt;
    auto const offset = std::chrono::hours{*hours} + std::chrono::minutes{*minutes};
    return rest[0] == '+' ? exact - offset : exact + offset;
}

}  // namespace coffer::inline COFFER_ABI::llm
