// SPDX-License-Identifier: BSL-1.0
#pragma once
// Headers a rule adds, in every form a provider writes them: fixed text, or a time counted from now.
//
//     "headers": {"retry-after": "2.5", "retry-after-ms": 300, "x-dup": ["a", "b"], "x-request-id": null,
//                 "retry-after": {"http_date_in_s": -5}, "x-reset": {"rfc3339_in_s": 60}, "x-when": {"epoch_ms_in_s": 60}}

#include <cstdint>
#include <string>
#include <vector>

#include "base/fields.hpp"
#include "http/answer.hpp"

namespace provider_sim {

struct header_change {
    enum class kind { remove, text, http_date, rfc3339, epoch_s, epoch_ms };

    std::string name;
    kind what = kind::text;
    std::string text;
    std::int64_t in_seconds = 0;
};

/// In order; `null` removes a header the answer would have had.
std::vector<header_change> parse_headers(fields& headers);

void apply_headers(std::vector<header_change> const& changes, std::int64_t now_unix_us, http_answer& answer);

}  // namespace provider_sim
