// SPDX-License-Identifier: BSL-1.0
#pragma once
// The JSON library under two names: `json` for what is read, `record` (keeps the order) for what is written.

#include <nlohmann/json.hpp>
#include <string>

namespace provider_sim {

using json = nlohmann::json;
using record = nlohmann::ordered_json;

/// One line of JSON. Bytes that are no UTF-8 (a path, a header) become U+FFFD instead of an exception.
template <class Json>
std::string to_line(Json const& value) {
    return value.dump(-1, ' ', false, Json::error_handler_t::replace);
}

}  // namespace provider_sim
