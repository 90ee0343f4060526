// SPDX-License-Identifier: BSL-1.0
#include "faults/rule_book.hpp"

#include "faults/parse_rule.hpp"

namespace provider_sim {
namespace {

json without_secrets(json source) {
    auto const match = source.find("match");
    if (match == source.end() || !match->contains("header")) return source;
    for (auto const& [name, value] : (*match)["header"].items()) {
        auto lower = name;
        for (auto& c : lower) c = static_cast<char>(c >= 'A' && c <= 'Z' ? c + 32 : c);
        if (is_secret_header(lower) && value.is_string()) value = "***";
    }
    return source;
}

}  // namespace

void rule_book::replace(json const& rules) {
    rule_book fresh{seed_};
    fresh.append(rules);
    *this = std::move(fresh);
}

void rule_book::append(json const& rules) {
    auto parsed = parse_rules(rules);
    for (std::size_t i = 0; i < parsed.size(); ++i) {
        auto added = std::make_shared<entry>();
        added->rule = std::move(parsed[i]);
        added->source = without_secrets(rules[i]);
        entries_.push_back(std::move(added));
    }
}

std::shared_ptr<rule_book::entry const> rule_book::choose(rule_stage stage, request_facts const& facts) {
    for (std::size_t index = 0; index < entries_.size(); ++index) {
        auto const& candidate = entries_[index];
        auto const& rule = candidate->rule;
        if (rule.stage != stage || (rule.times && candidate->fired >= *rule.times)) continue;
        if (!matches(rule.match, facts)) continue;
        if (rule.match.probability < 1 && draw(seed_, index, facts) >= rule.match.probability) continue;
        ++candidate->fired;
        return candidate;
    }
    return nullptr;
}

json rule_book::list() const {
    auto listed = json::array();
    for (auto const& one : entries_) {
        auto const& times = one->rule.times;
        listed.push_back({{"index", listed.size()},
                          {"name", one->rule.name},
                          {"fired", one->fired},
                          {"left", times ? json(*times - one->fired) : json(nullptr)},
                          {"rule", one->source}});
    }
    return listed;
}

}  // namespace provider_sim
