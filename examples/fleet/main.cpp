// SPDX-License-Identifier: BSL-1.0
// A fleet of processes and a provider in trouble, in virtual time: what naive loops, an SDK's backoff, coffer's defaults and
// settings of your own make of the same ten minutes. See docs/fleet.md.

#include "arguments.hpp"
#include "curves.hpp"
#include "picture.hpp"
#include "run.hpp"
#include "table.hpp"

#include <exception>
#include <fstream>
#include <iostream>
#include <stdexcept>

namespace {

using namespace fleet;

void write(std::string const& file, std::string const& text) {
    std::ofstream out{file, std::ios::binary};
    out << text;
    if (!out.flush()) throw std::runtime_error{"cannot write " + file};
}

int compare(arguments const& a) {
    std::cout << headline(a.given) << '\n';
    std::vector<std::pair<std::string, figures>> columns;
    std::vector<std::pair<std::string, curves>> drawn;
    for (auto const& p : a.presets) {
        auto const left = run(a.given, p);
        columns.emplace_back(p.name, measure(left, a.given.story));
        drawn.emplace_back(p.name, curves_of(left, a.given.story));
    }
    std::cout << table(columns);
    if (!a.svg.empty()) write(a.svg, picture(a.given, drawn));
    if (a.csv.empty()) return 0;
    std::string rows = csv_heading;
    for (auto const& [name, c] : drawn) rows += csv_rows(name, c);
    write(a.csv, rows);
    return 0;
}

}  // namespace

int main(int argc, char** argv) {
    try {
        return compare(read_arguments({argv + 1, argv + argc}));
    } catch (nothing_to_run const& n) {
        (n.code == 0 ? std::cout : std::cerr) << n.text;
        return n.code;
    } catch (std::exception const& e) {
        std::cerr << "fleet: " << e.what() << '\n';
        return 1;
    }
}
