// SPDX-License-Identifier: BSL-1.0
#include "curves.hpp"

#include <cstddef>

namespace fleet {

curves curves_of(records const& r, scenario const& story) {
    auto const seconds = static_cast<std::size_t>(std::chrono::ceil<std::chrono::seconds>(story.whole()).count());
    curves c;
    for (auto* const line : {&c.asked, &c.offered, &c.served, &c.rejected}) line->resize(seconds);
    auto const count = [seconds](std::vector<int>& line, duration when) {
        auto const second = static_cast<std::size_t>(when / 1s);
        if (second < seconds) ++line[second];
    };
    for (auto const& one : r.calls) count(c.asked, one.asked);
    for (auto const& e : r.requests) {
        count(c.offered, e.arrived);
        if (e.what == fate::answered) count(c.served, e.ended);
        if (e.turned_away()) count(c.rejected, e.arrived);
    }
    return c;
}

std::string csv_rows(std::string const& preset, curves const& c) {
    std::string out;
    for (std::size_t s = 0; s < c.asked.size(); ++s) {
        out += preset + ',' + std::to_string(s);
        for (auto const* const line : {&c.asked, &c.offered, &c.served, &c.rejected})
            out += ',' + std::to_string((*line)[s]);
        out += '\n';
    }
    return out;
}

}  // namespace fleet
