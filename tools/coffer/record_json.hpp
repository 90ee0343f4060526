// SPDX-License-Identifier: BSL-1.0
#pragma once
// A record as JSON: its key's HMAC, states, times and money; never what was asked or answered.

#include <coffer/store/sqlite_reader.hpp>

#include <nlohmann/json.hpp>

#include <string>

namespace coffer_command {

/// What `list` shows of a record.
nlohmann::ordered_json summary_json(coffer::sqlite::seen_record const& seen);
/// What `show` shows.
nlohmann::ordered_json details_json(coffer::sqlite::seen_record const& seen);

/// One line; text that is not UTF-8 is replaced.
std::string line_of(nlohmann::ordered_json const& json);

}  // namespace coffer_command
