// SPDX-License-Identifier: BSL-1.0
#pragma once
// A rule: when it fires, how often, and the fault it causes.

#include <cstdint>
#include <limits>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "faults/fault.hpp"

namespace provider_sim {

/// Numbers given as 3, [1, 4] or {"from": 2, "to": 5}.
struct number_set {
    std::vector<std::uint64_t> listed;
    std::uint64_t from = 0;
    std::uint64_t to = std::numeric_limits<std::uint64_t>::max();

    [[nodiscard]] bool contains(std::uint64_t n) const noexcept;
};

struct header_match {
    std::string name;                  // lower case
    std::optional<std::string> value;  // exactly this; none: see `present`
    bool present = true;
};

struct rule_match {
    std::optional<std::string> method;
    std::optional<std::string> path;   // exact, or a prefix with * at its end; so is model
    std::optional<std::string> model;
    std::optional<std::string> key;    // a prefix of the hex digits
    std::optional<std::string> body_contains;
    std::vector<header_match> headers;
    std::optional<number_set> nth;
    std::optional<number_set> index;
    std::optional<number_set> run;
    std::optional<std::int64_t> pid;
    double probability = 1;

    /// True if it asks for something that is known only when the body has been read.
    [[nodiscard]] bool needs_body() const noexcept { return model || key || body_contains || nth; }
    /// True if it asks for something that is known only when the head has been read.
    [[nodiscard]] bool needs_head() const noexcept { return method || path || !headers.empty() || index; }
};

/// When a rule is decided: on accept, with the head, or with the whole request.
enum class rule_stage { accept, head, body };

struct rule {
    std::string name;
    std::optional<std::uint64_t> times;
    rule_match match;
    provider_sim::fault fault;
    rule_stage stage = rule_stage::body;
};

}  // namespace provider_sim
