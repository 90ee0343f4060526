// SPDX-License-Identifier: BSL-1.0
#include "picture.hpp"

#include "svg/svg.hpp"

#include <algorithm>
#include <cstdint>
#include <sstream>

namespace fleet {
namespace {

constexpr std::int64_t left = 60;
constexpr std::int64_t plot_width = 900;
constexpr std::int64_t width = left + plot_width + 20;
constexpr std::int64_t top = 70;
constexpr std::int64_t panel = 150;  // of one preset
constexpr std::int64_t gap = 40;

constexpr char const* style =
    ".offered{stroke:#e8c98f;stroke-width:4}.served{stroke:#1f5f8b}.rejected{stroke:#b03a2e}"
    ".trouble{fill:#f2eee6}.grid{stroke:#ccc}";

/// Where things stand in one preset's panel.
struct frame {
    std::int64_t base;
    std::int64_t seconds;
    std::int64_t scale;  // requests in a second at its top

    [[nodiscard]] std::int64_t x(std::int64_t second) const { return left + plot_width * second / seconds; }
    [[nodiscard]] std::int64_t y(std::int64_t value) const { return base - panel * value / scale; }
};

void draw_grid(svg::document& out, frame const& f, scenario const& story) {
    auto const from = f.x(story.begins() / 1s);
    out.bar("trouble", {from, f.base - panel}, f.x(story.ends() / 1s) - from, panel);
    for (int part = 0; part <= 2; ++part) {
        auto const y = f.base - panel * part / 2;
        out.line("grid", {left, y}, {left + plot_width, y});
        out.text({left - 8, y + 4}, svg::anchor::end, std::to_string(f.scale * part / 2));
    }
}

void draw_curve(svg::document& out, frame const& f, char const* what, std::vector<int> const& line) {
    std::vector<svg::point> points;
    points.reserve(line.size());
    for (std::size_t s = 0; s < line.size(); ++s) points.push_back({f.x(static_cast<std::int64_t>(s)), f.y(line[s])});
    out.curve(what, points);
}

}  // namespace

std::string headline(world const& w) {
    auto const& story = w.story;
    std::ostringstream out;
    out << story.row().name << ": " << w.clients << " clients, " << w.rate << " calls a minute each, seed " << w.seed
        << "; trouble from second " << story.begins() / 1s << " to " << story.ends() / 1s << " of "
        << story.whole() / 1s << '\n'
        << story.row().words << "; the provider takes " << w.concurrency() << " requests at a time and "
        << w.requests_per_minute() << " a minute\n";
    return out.str();
}

std::string picture(world const& w, std::vector<std::pair<std::string, curves>> const& of) {
    int most = 1;
    for (auto const& [name, c] : of)
        for (auto const* const line : {&c.offered, &c.served, &c.rejected})
            for (auto const value : *line) most = std::max(most, value);
    auto const scale = svg::round_scale(most);
    auto const seconds = std::max<std::int64_t>(std::chrono::ceil<std::chrono::seconds>(w.story.whole()).count(), 1);
    auto const count = static_cast<std::int64_t>(of.size());

    svg::document out{width, top + count * (panel + gap), style};
    auto const words = headline(w);
    auto const end = words.find('\n');
    out.headline({left, 24}, words.substr(0, end));
    out.text({left, 44}, svg::anchor::start, std::string_view{words}.substr(end + 1, words.size() - end - 2));
    for (std::int64_t i = 0; i < count; ++i) {
        auto const& [name, c] = of[static_cast<std::size_t>(i)];
        frame const f{top + i * (panel + gap) + panel, seconds, scale};
        draw_grid(out, f, w.story);
        draw_curve(out, f, "offered", c.offered);
        draw_curve(out, f, "rejected", c.rejected);
        draw_curve(out, f, "served", c.served);
        auto const peak = *std::max_element(c.offered.begin(), c.offered.end());
        out.text({left + 6, f.base - panel + 14}, svg::anchor::start,
                 name + ": at most " + std::to_string(peak) + " requests in a second");
        if (i + 1 == count) {
            out.text({left, f.base + 22}, svg::anchor::start,
                     "a second: yellow: requests that arrive; red: turned away; blue: answers told");
            out.text({left + plot_width, f.base + 22}, svg::anchor::end, std::to_string(seconds) + " s");
        }
    }
    return std::move(out).finish();
}

}  // namespace fleet
