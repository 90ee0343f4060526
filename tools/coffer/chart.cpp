// SPDX-License-Identifier: BSL-1.0
#include "chart.hpp"

#include <algorithm>
#include <sstream>

namespace coffer_command {
namespace {

constexpr std::int64_t width = 960;
constexpr std::int64_t height = 400;
constexpr std::int64_t left = 110;
constexpr std::int64_t right = 20;
constexpr std::int64_t top = 50;
constexpr std::int64_t bottom = 60;
constexpr std::int64_t plot_width = width - left - right;
constexpr std::int64_t plot_height = height - top - bottom;

std::string escaped(std::string_view text) {
    std::string out;
    for (auto const c : text) {
        if (c == '<') out += "&lt;";
        else if (c == '>') out += "&gt;";
        else if (c == '&') out += "&amp;";
        else if (c == '"') out += "&quot;";
        else out += c;
    }
    return out;
}

/// 1, 2 or 5 times a power of ten: the least that `amount` does not exceed.
coffer::money round_number(coffer::money amount) {
    for (std::int64_t power = 1;; power *= 10)
        for (std::int64_t const digit : {1, 2, 5})
            if (digit * power >= amount.nano() || power > coffer::money::max().nano() / 100)
                return coffer::money::from_nano(digit * power);
}

/// Dollars without trailing zeros, but two decimals at the least.
std::string dollars(coffer::money m) {
    auto text = m.to_string();
    while (text.ends_with('0') && text.size() - text.find('.') > 3) text.pop_back();
    return "$" + text;
}

std::int64_t pixels(coffer::money amount, coffer::money scale) {
    auto const exact = coffer::detail::wide_int{amount.nano()} * plot_height / std::max<std::int64_t>(scale.nano(), 1);
    return static_cast<std::int64_t>(exact);
}

}  // namespace

std::string chart(spend_table const& rows, std::string const& title) {
    coffer::money most;
    for (auto const& [name, s] : rows) most = std::max(most, s.spent());
    auto const scale = round_number(std::max(most, coffer::money::from_nano(1)));
    auto const count = std::max<std::int64_t>(static_cast<std::int64_t>(rows.size()), 1);
    auto const base = height - bottom;

    std::ostringstream out;
    auto const text = [&](std::int64_t x, std::int64_t y, char const* anchor, std::string_view what) {
        out << "  <text x=\"" << x << "\" y=\"" << y << "\" text-anchor=\"" << anchor << "\">" << escaped(what)
            << "</text>\n";
    };
    auto const bar = [&](char const* kind, std::int64_t x, std::int64_t y, std::int64_t w, std::int64_t h) {
        if (h > 0)
            out << "    <rect class=\"" << kind << "\" x=\"" << x << "\" y=\"" << y << "\" width=\"" << w
                << "\" height=\"" << h << "\"/>\n";
    };
    out << "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 " << width << " " << height
        << "\" font-family=\"sans-serif\" font-size=\"12\">\n"
           "  <style>.settled{fill:#1f5f8b}.presumed{fill:#d9a441}.grid{stroke:#ccc}</style>\n"
           "  <rect width=\"100%\" height=\"100%\" fill=\"#fff\"/>\n"
           "  <text x=\""
        << left << "\" y=\"24\" font-size=\"16\">" << escaped(title) << "</text>\n";
    for (int line = 0; line <= 4; ++line) {
        auto const y = base - plot_height * line / 4;
        out << "  <line class=\"grid\" x1=\"" << left << "\" x2=\"" << width - right << "\" y1=\"" << y << "\" y2=\""
            << y << "\"/>\n";
        text(left - 8, y + 4, "end", dollars(coffer::money::from_nano(scale.nano() / 4 * line)));
    }
    auto const labels = (count + 9) / 10;  // every so many rows
    for (std::int64_t i = 0; i < count && !rows.empty(); ++i) {
        auto const& [name, s] = rows[static_cast<std::size_t>(i)];
        auto const x = left + plot_width * i / count;
        auto const w = std::max<std::int64_t>(plot_width * (i + 1) / count - plot_width * i / count - 1, 1);
        auto const settled = pixels(s.settled, scale);
        auto const all = pixels(s.spent(), scale);
        out << "  <g><title>" << escaped(name) << ": " << dollars(s.settled) << " settled, " << dollars(s.presumed)
            << " presumed, " << s.sends << " sends</title>\n";
        bar("settled", x, base - settled, w, settled);
        bar("presumed", x, base - all, w, all - settled);
        out << "  </g>\n";
        if (i % labels == 0) text(x + w / 2, base + 18, "middle", name);
        if (s.spent() == most && most > coffer::money{}) {
            auto const place = std::clamp(x + w / 2, left + 80, width - right - 80);
            text(place, base - all - 6, "middle", name + ": " + dollars(most));
            most = coffer::money::max();  // the first one of the dearest is enough
        }
    }
    text(left, height - 14, "start", "blue: settled; yellow: presumed spent, nobody knows");
    out << "</svg>\n";
    return out.str();
}

}  // namespace coffer_command
