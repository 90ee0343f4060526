// SPDX-License-Identifier: BSL-1.0
#include "text.hpp"

#include <coffer/base/decimal.hpp>

#include <time.h>

#include <array>

namespace coffer_command {

std::string printable(std::string_view raw) {
    std::string text{raw};
    for (std::size_t i = 0; i < text.size(); ++i) {
        auto const c = static_cast<unsigned char>(text[i]);
        bool const c1 = c >= 0x80 && c < 0xa0 && i > 0 && static_cast<unsigned char>(text[i - 1]) == 0xc2;  // in UTF-8
        if (c < 0x20 || c == 0x7f || c1) text[i] = '?';
    }
    return text;
}

std::string iso_time(std::chrono::system_clock::time_point when) {
    using clock = std::chrono::system_clock;
    if (when == clock::time_point{} || when == clock::time_point::max()) return "-";
    auto const seconds = clock::to_time_t(std::chrono::floor<std::chrono::seconds>(when));
    std::tm parts{};
    std::array<char, 32> text{};
    if (::gmtime_r(&seconds, &parts) == nullptr) return "-";
    return {text.data(), std::strftime(text.data(), text.size(), "%Y-%m-%dT%H:%M:%SZ", &parts)};
}

std::string dollars(coffer::money m) {
    return m < coffer::money{} ? "-$" + (coffer::money{} - m).to_string() : "$" + m.to_string();
}

std::string cost_text(std::optional<coffer::money> const& cost, int sends) {
    if (cost) return "$" + cost->to_string();
    return sends == 0 ? "none" : "unknown";
}

std::optional<coffer::money> dollars_rounded_up(std::string_view text) {
    auto const read = coffer::detail::read_decimal(text, 9);
    return read ? std::optional{coffer::money::from_nano(read->units)} : std::nullopt;
}

std::string counted(std::size_t n, std::string const& noun) {
    if (n != 1 && noun.ends_with('y') && !noun.ends_with("ey"))
        return std::to_string(n) + " " + noun.substr(0, noun.size() - 1) + "ies";
    return std::to_string(n) + " " + noun + (n == 1 ? "" : "s");
}

}  // namespace coffer_command
