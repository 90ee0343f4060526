// SPDX-License-Identifier: BSL-1.0
#include "faults/parse_rule.hpp"

#include "base/bad_input.hpp"

namespace provider_sim {
namespace {

rule_stage stage_of(fault const& f) {
    if (f.read == read_extent::nothing) return rule_stage::accept;
    if (f.read != read_extent::whole || f.delay.reading.count() > 0) return rule_stage::head;
    return rule_stage::body;
}

rule parse_one(json const& object, std::size_t index) {
    fields f{object, "rule " + std::to_string(index)};
    rule r;
    r.name = f.text("name").value_or("rule-" + std::to_string(index));
    if (auto const times = f.integer("times", 1, INT64_MAX)) r.times = static_cast<std::uint64_t>(*times);
    if (auto match = f.object("match")) r.match = parse_match(*match);
    r.fault = parse_fault(f);
    f.finish();
    r.stage = stage_of(r.fault);
    check_rule(f, r);
    return r;
}

}  // namespace

std::vector<rule> parse_rules(json const& rules) {
    if (!rules.is_array()) throw bad_input{"the rules must be a JSON array of objects"};
    std::vector<rule> parsed;
    parsed.reserve(rules.size());
    for (auto const& object : rules) parsed.push_back(parse_one(object, parsed.size()));
    return parsed;
}

}  // namespace provider_sim
