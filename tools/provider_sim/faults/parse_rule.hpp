// SPDX-License-Identifier: BSL-1.0
#pragma once
// JSON to rules. All of them or none: one mistake anywhere throws bad_input that names the rule's index and the field.

#include <vector>

#include "base/json.hpp"
#include "faults/rule.hpp"

namespace provider_sim {

std::vector<rule> parse_rules(json const& rules);

rule_match parse_match(fields& f);
fault parse_fault(fields& f);

/// Combinations that would not do what they say; throws bad_input.
void check_rule(fields const& f, rule const& r);

}  // namespace provider_sim
