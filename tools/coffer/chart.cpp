// SPDX-License-Identifier: BSL-1.0
#include "chart.hpp"

#include "svg/svg.hpp"

#include <algorithm>
#include <utility>

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
    auto const scale = coffer::money::from_nano(svg::round_scale(std::max<std::int64_t>(most.nano(), 1)));
    auto const count = std::max<std::int64_t>(static_cast<std::int64_t>(rows.size()), 1);
    auto const base = height - bottom;

    svg::document out{width, height, ".settled{fill:#1f5f8b}.presumed{fill:#d9a441}.grid{stroke:#ccc}"};
    out.headline({left, 24}, title);
    for (int line = 0; line <= 4; ++line) {
        auto const y = base - plot_height * line / 4;
        out.line("grid", {left, y}, {width - right, y});
        out.text({left - 8, y + 4}, svg::anchor::end, dollars(coffer::money::from_nano(scale.nano() / 4 * line)));
    }
    auto const labels = (count + 9) / 10;  // every so many rows
    for (std::int64_t i = 0; i < count && !rows.empty(); ++i) {
        auto const& [name, s] = rows[static_cast<std::size_t>(i)];
        auto const x = left + plot_width * i / count;
        auto const w = std::max<std::int64_t>(plot_width * (i + 1) / count - plot_width * i / count - 1, 1);
        auto const settled = pixels(s.settled, scale);
        auto const all = pixels(s.spent(), scale);
        out.begin_group(name + ": " + dollars(s.settled) + " settled, " + dollars(s.presumed) + " presumed, " +
                        std::to_string(s.sends) + " sends");
        out.bar("settled", {x, base - settled}, w, settled);
        out.bar("presumed", {x, base - all}, w, all - settled);
        out.end_group();
        if (i % labels == 0) out.text({x + w / 2, base + 18}, svg::anchor::middle, name);
        if (s.spent() == most && most > coffer::money{}) {
            auto const place = std::clamp(x + w / 2, left + 80, width - right - 80);
            out.text({place, base - all - 6}, svg::anchor::middle, name + ": " + dollars(most));
            most = coffer::money::max();  // the first one of the dearest is enough
        }
    }
    out.text({left, height - 14}, svg::anchor::start, "blue: settled; yellow: presumed spent, nobody knows");
    return std::move(out).finish();
}

}  // namespace coffer_command
