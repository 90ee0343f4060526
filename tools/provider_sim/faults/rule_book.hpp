// SPDX-License-Identifier: BSL-1.0
#pragma once
// The rules in force, in order, with how often each has fired. The first matching one with times left wins.

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "base/json.hpp"
#include "faults/match.hpp"
#include "faults/rule.hpp"

namespace provider_sim {

class rule_book {
public:
    struct entry {
        provider_sim::rule rule;
        json source;  // as given, secrets struck out
        std::uint64_t fired = 0;
    };

    explicit rule_book(std::uint64_t seed) : seed_{seed} {}

    /// All rules or none: throws bad_input and changes nothing.
    void replace(json const& rules);
    void append(json const& rules);
    void clear() { entries_.clear(); }

    /// The rule that fires, its firing counted; null if none does. The entry outlives a replacement of the rules.
    std::shared_ptr<entry const> choose(rule_stage stage, request_facts const& facts);

    /// [{"index", "name", "fired", "left" (null: without end), "rule"}]
    [[nodiscard]] json list() const;
    [[nodiscard]] std::size_t size() const noexcept { return entries_.size(); }

private:
    std::uint64_t seed_;
    std::vector<std::shared_ptr<entry>> entries_;
};

}  // namespace provider_sim
