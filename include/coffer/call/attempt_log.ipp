// SPDX-License-Identifier: BSL-1.0
#pragma once
// Definitions of attempt_log.hpp.

#include <coffer/call/attempt_log.hpp>

#include <iomanip>
#include <sstream>
#include <utility>

namespace coffer::inline COFFER_ABI {

COFFER_INLINE target::target(std::string provider_name, std::string model_name)
    : provider{std::move(provider_name)}, model{std::move(model_name)} {}

COFFER_INLINE void attempt_log::add(attempt_record const& record) { records_.push_back(record); }

COFFER_INLINE attempt_record& attempt_log::begin_entry() { return records_.emplace_back(); }

namespace detail {

COFFER_INLINE std::string seconds(std::chrono::nanoseconds d) {
    std::ostringstream out;
    out << std::fixed << std::setprecision(3) << std::chrono::duration<double>(d).count() << "s";
    return out.str();
}

}  // namespace detail

COFFER_INLINE std::ostream& operator<<(std::ostream& out, attempt_log const& log) {
    if (log.empty()) return out << "no attempts\n";
    std::vector<std::vector<std::string>> rows{
        {"#", "target", "start", "waited", "why", "took", "end", "executed", "billed", "cost"}};
    for (auto const& r : log) {
        auto where = r.target.provider;
        if (!r.target.model.empty()) where += (where.empty() ? "" : "/") + r.target.model;
        auto end = r.fault ? std::string{to_string(r.fault->kind())} : std::string{"succeeded"};
        if (r.fault && r.fault->status() != 0) end += " " + std::to_string(r.fault->status());
        rows.push_back({std::to_string(r.number), where, detail::seconds(r.start), detail::seconds(r.waited),
                        std::string{to_string(r.why_waited)}, detail::seconds(r.duration), end,
                        std::string{to_string(r.execution)}, std::string{to_string(r.billing)},
                        r.cost                       ? "$" + r.cost->to_string()
                        : r.billing == knowledge::no ? "none"
                                                     : "unknown"});
    }
    detail::print_table(out, rows);
    return out;
}

}  // namespace coffer::inline COFFER_ABI
