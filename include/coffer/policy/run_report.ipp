// SPDX-License-Identifier: BSL-1.0
#pragma once
// Definitions of run_report.hpp.

#include <coffer/policy/run_report.hpp>

#include <utility>

namespace coffer::inline COFFER_ABI {

COFFER_INLINE int run_report::attempts() const noexcept {
    int sum = 0;
    for (auto const& s : steps) sum += s.attempts;
    return sum;
}

COFFER_INLINE money run_report::known_cost() const noexcept {
    money sum;
    for (auto const& s : steps) sum += s.cost.value_or(money{});
    return sum;
}

COFFER_INLINE int run_report::unknown_costs() const noexcept {
    int count = 0;
    for (auto const& s : steps) count += s.cost ? 0 : 1;
    return count;
}

COFFER_INLINE std::optional<money> run_report::cost() const noexcept {
    return unknown_costs() == 0 ? std::optional{known_cost()} : std::nullopt;
}

COFFER_INLINE std::ostream& operator<<(std::ostream& out, run_report const& r) {
    auto const cost = [](std::optional<money> c) { return c ? "$" + c->to_string() : std::string{"unknown"}; };
    std::vector<std::vector<std::string>> rows{{"step", "answer", "attempts", "cost"}};
    for (auto const& s : r.steps) {
        auto const answer = !s.over ? "under way" : s.why ? to_string(s.why->kind()) : to_string(s.origin);
        rows.push_back({s.name, std::string{answer}, std::to_string(s.attempts), cost(s.cost)});
    }
    auto total = "$" + r.known_cost().to_string();
    if (auto const unknown = r.unknown_costs(); unknown > 0)
        total +=
            " and what " + std::to_string(unknown) + (unknown == 1 ? " step" : " steps") + " of unknown cost came to";
    rows.push_back({"run " + std::to_string(r.number), "", std::to_string(r.attempts()), std::move(total)});
    detail::print_table(out, rows);
    return out;
}

}  // namespace coffer::inline COFFER_ABI
