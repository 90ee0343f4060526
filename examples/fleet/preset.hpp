// SPDX-License-Identifier: BSL-1.0
#pragma once
// What is compared: ways to make a call, by name.

#include "guarded_client.hpp"
#include "hand_written.hpp"

#include <memory>
#include <string>
#include <variant>
#include <vector>

namespace fleet {

struct preset {
    std::string name;
    std::variant<loop_options, pipeline_options> how;
};

/// naive, backoff, coffer: what users have without a setting of their own.
[[nodiscard]] std::vector<preset> usual_presets();

/// Client number `number` of the fleet. Throws `std::invalid_argument` for options that cannot be meant.
[[nodiscard]] std::unique_ptr<client> make_client(preset const& how, provider& p, world const& w, int number);

}  // namespace fleet
