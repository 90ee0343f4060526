// SPDX-License-Identifier: BSL-1.0
#pragma once
// Definitions of table.hpp.

#include <coffer/base/table.hpp>

#include <algorithm>

namespace coffer::inline COFFER_ABI::detail {

COFFER_INLINE void print_table(std::ostream& out, std::vector<std::vector<std::string>> const& rows) {
    std::vector<std::size_t> widths;
    for (auto const& row : rows) {
        widths.resize(std::max(widths.size(), row.size()));
        for (std::size_t i = 0; i < row.size(); ++i) widths[i] = std::max(widths[i], row[i].size());
    }
    for (auto const& row : rows) {
        std::string line;
        for (std::size_t i = 0; i < row.size(); ++i) {
            line += row[i];
            if (i + 1 < row.size()) line.append(widths[i] - row[i].size() + 2, ' ');
        }
        out << line << '\n';
    }
}

}  // namespace coffer::inline COFFER_ABI::detail
