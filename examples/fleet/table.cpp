// SPDX-License-Identifier: BSL-1.0
#include "table.hpp"

#include <iomanip>
#include <sstream>

namespace fleet {
namespace {

std::string decimals(double value, int places) {
    std::ostringstream out;
    out << std::fixed << std::setprecision(places) << value;
    return out.str();
}
std::string percent(share const& s) { return decimals(100 * s.value(), 1) + " %"; }
std::string seconds(duration d, int places) {
    return decimals(std::chrono::duration<double>{d}.count(), places) + " s";
}
std::string dollars(coffer::money m) { return "$" + decimals(static_cast<double>(m.nano()) / 1e9, 2); }

struct line {
    char const* name;
    std::string (*of)(figures const&);
};

constexpr line lines[] = {
    {"requests per call, in the trouble", [](figures const& f) { return decimals(f.amplification, 2); }},
    {"largest burst, of the mean", [](figures const& f) { return decimals(f.burst, 1) + " x"; }},
    {"  in the second", [](figures const& f) { return std::to_string(f.burst_at / 1s); }},
    {"time to recover", [](figures const& f) { return f.recovery ? seconds(*f.recovery, 0) : std::string{"never"}; }},
    {"answered, of calls asked before", [](figures const& f) { return percent(f.before); }},
    {"  during the trouble", [](figures const& f) { return percent(f.during); }},
    {"  after it", [](figures const& f) { return percent(f.after); }},
    {"  in the last minute", [](figures const& f) { return percent(f.last_minute); }},
    {"calls failed", [](figures const& f) { return std::to_string(f.failed); }},
    {"requests", [](figures const& f) { return std::to_string(f.requests); }},
    {"billed requests", [](figures const& f) { return std::to_string(f.bills); }},
    {"  without an answer for it", [](figures const& f) { return std::to_string(f.wasted_bills); }},
    {"spent", [](figures const& f) { return dollars(f.spent); }},
    {"  wasted", [](figures const& f) { return dollars(f.wasted); }},
    {"median time to an answer", [](figures const& f) { return seconds(f.p50, 1); }},
    {"  99th of 100", [](figures const& f) { return seconds(f.p99, 1); }},
};

}  // namespace

std::string table(std::vector<std::pair<std::string, figures>> const& columns) {
    std::ostringstream out;
    auto const begin = [&](std::string_view name) { out << std::left << std::setw(35) << name << std::right; };
    begin("");
    for (auto const& [name, f] : columns) out << std::setw(12) << name;
    out << '\n';
    for (auto const& l : lines) {
        begin(l.name);
        for (auto const& [name, f] : columns) out << std::setw(12) << l.of(f);
        out << '\n';
    }
    return out.str();
}

}  // namespace fleet
