// SPDX-License-Identifier: BSL-1.0
#pragma once
// POST /v1/chat/completions, not streamed.

#include "api/endpoint.hpp"

namespace provider_sim::openai {

served serve_chat(api_call const& call);

}  // namespace provider_sim::openai
