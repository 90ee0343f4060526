// SPDX-License-Identifier: BSL-1.0
#pragma once
// OpenAI's error bodies, headers and credentials.

#include "api/endpoint.hpp"

namespace provider_sim::openai {

extern provider_shape const shape;

}  // namespace provider_sim::openai
