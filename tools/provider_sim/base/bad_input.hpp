// SPDX-License-Identifier: BSL-1.0
#pragma once
// A mistake of whoever drives the simulator: exit code 2 on the command line, 400 on a control endpoint.
// The text names the place and says what would be right.

#include <stdexcept>

namespace provider_sim {

class bad_input : public std::runtime_error {
public:
    using std::runtime_error::runtime_error;
};

}  // namespace provider_sim
