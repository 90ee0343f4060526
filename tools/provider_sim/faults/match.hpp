// SPDX-License-Identifier: BSL-1.0
#pragma once
// Does a rule speak of this request?

#include <cstdint>
#include <optional>
#include <string_view>

#include "faults/rule.hpp"
#include "http/request.hpp"

namespace provider_sim {

/// What is known of a request at the stage where rules are asked; what is not known yet is empty.
struct request_facts {
    http_request const* request = nullptr;  // null on accept; without its body until that has been read
    std::uint64_t index = 0;                // 1-based, of all requests since start or reset
    std::string_view model;
    std::string_view key;
    std::uint64_t nth = 0;
    std::optional<std::int64_t> pid;
    std::optional<std::int64_t> run;
    std::uint64_t conn_id = 0;
};

/// Everything but the probability.
bool matches(rule_match const& match, request_facts const& facts);

/// A draw in [0, 1) that depends on the seed, the rule and the request only: a request that comes in another order
/// meets the same luck. Sent again, the same body draws anew (its nth differs).
double draw(std::uint64_t seed, std::uint64_t rule_index, request_facts const& facts);

}  // namespace provider_sim
