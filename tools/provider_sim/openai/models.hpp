// SPDX-License-Identifier: BSL-1.0
#pragma once
// GET /v1/models

#include "api/endpoint.hpp"

namespace provider_sim::openai {

served serve_models(api_call const& call);

}  // namespace provider_sim::openai
