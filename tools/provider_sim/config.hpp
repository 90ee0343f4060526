// SPDX-License-Identifier: BSL-1.0
#pragma once
// What can be set in a script's "config" or with POST /control/config, and its defaults.

#include <cstdint>
#include <string>
#include <vector>

#include "base/json.hpp"
#include "billing/price.hpp"

namespace provider_sim {

struct config {
    price_table prices;
    std::int64_t min_output_tokens = 24;     // a natural answer's length lies between these two
    std::int64_t max_output_tokens = 60;
    std::int64_t low_image_tokens = 85;      // what an image in the prompt counts for with detail "low"
    std::int64_t high_image_tokens = 765;    // and with any other, or none
    std::int64_t most_searches = 3;          // where the provider may search the web it does so 1 to so many times
    std::int64_t context_tokens = 128'000;   // more prompt tokens than this: 400 context_length_exceeded
    std::int64_t max_body_bytes = 64 << 20;  // more request body than this: 413
    std::int64_t requests_per_minute = 10'000;   // shown in x-ratelimit-*, not enforced
    std::int64_t tokens_per_minute = 2'000'000;  // likewise
    std::vector<std::string> models{"gpt-4o", "gpt-4o-mini"};  // what GET /v1/models lists
};

/// `base` changed by the fields of `object`; throws bad_input, and then nothing is changed.
config changed_config(config base, json const& object);

json to_json(config const& settings);

}  // namespace provider_sim
