// SPDX-License-Identifier: BSL-1.0
#pragma once
// A provider's usage export: what it has charged, request by request.

#include <coffer/base/money.hpp>

#include <cstddef>
#include <filesystem>
#include <map>
#include <set>
#include <string>

namespace coffer_command {

/// What an export says.
struct usage_export {
    std::map<std::string, coffer::money> cost;  ///< by request id; several lines of one are added up
    std::size_t lines = 0;
    std::size_t without_id = 0;    ///< lines that cannot be matched
    std::size_t without_cost = 0;  ///< lines whose cost is missing, or no amount of dollars
    std::set<std::string> without_amount;  ///< requests of such lines
};

/// Reads CSV with a line of headings, or a JSON object per line. The columns are found by their usual names, or named.
///
/// Throws `std::runtime_error`, which says what is missing, for a file that cannot be read or has no such columns.
usage_export read_export(std::filesystem::path const& file, std::string id_column, std::string cost_column);

}  // namespace coffer_command
