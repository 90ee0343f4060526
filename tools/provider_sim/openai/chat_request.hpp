// SPDX-License-Identifier: BSL-1.0
#pragma once
// The part of a chat completion request that the simulator heeds, checked as OpenAI checks it.

#include <cstdint>
#include <optional>
#include <string>

#include "api/endpoint.hpp"

namespace provider_sim::openai {

struct chat_request {
    std::string model;
    std::int64_t prompt_tokens = 0;
    std::int64_t choices = 1;
    std::optional<std::int64_t> max_tokens;
    std::optional<std::int64_t> natural_tokens;  // metadata.sim_output_tokens
    bool may_search = false;                     // web_search_options, or a tool that is a web search
    std::optional<std::int64_t> searches;        // metadata.sim_searches
};

/// Throws api_error as the provider would refuse.
chat_request parse_chat_request(json const& body, config const& settings);

}  // namespace provider_sim::openai
