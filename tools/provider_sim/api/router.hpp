// SPDX-License-Identifier: BSL-1.0
#pragma once
// Which endpoint serves a path, and in whose shape; and serving it.

#include <string_view>

#include "api/endpoint.hpp"

namespace provider_sim {

/// The provider whose paths these are. A path of nobody is refused in OpenAI's shape.
provider_shape const& provider_of(std::string_view path);

/// The endpoint's answer, or the provider's refusal: key, path, method, then what the endpoint finds wrong.
served serve(api_call const& call, std::string_view required_key_prefix);

}  // namespace provider_sim
