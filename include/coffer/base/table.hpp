// SPDX-License-Identifier: BSL-1.0
#pragma once
// Rows of text as a table, for people.

#include <coffer/config.hpp>

#include <cstddef>
#include <ostream>
#include <string>
#include <vector>

namespace coffer::inline COFFER_ABI::detail {

/// Prints rows of equally many cells, the columns as wide as they need be, two spaces apart.
void print_table(std::ostream& out, std::vector<std::vector<std::string>> const& rows);

}  // namespace coffer::inline COFFER_ABI::detail

#if !defined(COFFER_SEPARATE_COMPILATION)
#include <coffer/base/table.ipp>
#endif
