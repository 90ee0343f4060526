// SPDX-License-Identifier: BSL-1.0
#pragma once
// What one run of a job did and cost, step by step.

#include <coffer/base/fault.hpp>
#include <coffer/base/money.hpp>
#include <coffer/base/table.hpp>
#include <coffer/call/call.hpp>

#include <optional>
#include <ostream>
#include <string>
#include <string_view>
#include <vector>

namespace coffer::inline COFFER_ABI {

/// One step of a run.
struct step_report {
    std::string name;  ///< as the job's body calls it
    bool over = false;  ///< false: it is under way, and nothing else is known of it
    answer_origin origin = answer_origin::none;  ///< `sent`: paid by this run; `replayed`: by an earlier one
    int attempts = 0;              ///< of this run's own; none for what was replayed
    std::optional<money> cost;     ///< to this run; none: unknown, which is not zero
    std::optional<fault> why;      ///< why there is no answer
};

/// What a run did and cost. Prints as a table.
struct run_report {
    int number = 0;  ///< the job's how manyth run; 0 before its first step
    std::vector<step_report> steps;  ///< in the order in which they began

    /// Of this run, in all its steps.
    [[nodiscard]] int attempts() const noexcept;
    /// What is known of the cost.
    [[nodiscard]] money known_cost() const noexcept;
    /// Steps whose cost is not known.
    [[nodiscard]] int unknown_costs() const noexcept;
    /// The cost, if all of it is known.
    [[nodiscard]] std::optional<money> cost() const noexcept;
};

/// A word for reports: `replayed`.
[[nodiscard]] constexpr std::string_view to_string(answer_origin o) noexcept {
    switch (o) {
        case answer_origin::none: return "none";
        case answer_origin::sent: return "sent";
        case answer_origin::joined: return "joined";
        case answer_origin::replayed: return "replayed";
    }
    return "unknown";
}

/// A table, a line for each step, and a sum.
std::ostream& operator<<(std::ostream& out, run_report const& r);

}  // namespace coffer::inline COFFER_ABI

#if !defined(COFFER_SEPARATE_COMPILATION)
#include <coffer/policy/run_report.ipp>
#endif
