// SPDX-License-Identifier: BSL-1.0
#pragma once
// Definitions of stop_condition.hpp.

#include <coffer/state/stop_condition.hpp>

namespace coffer::inline COFFER_ABI {

COFFER_INLINE bool stop_condition::holds(stop_facts const& f) const noexcept {
    return parts_.evaluate<bool>(
        [&](std::size_t i) { return holds(parts_[i], f); },
        [](detail::joint how, bool a, bool b) { return how == detail::joint::both ? a && b : a || b; });
}

COFFER_INLINE std::string stop_condition::to_string() const {
    return parts_.evaluate<std::string>([&](std::size_t i) { return text_of(parts_[i]); },
                                        [](detail::joint how, std::string const& a, std::string const& b) {
                                            bool const both = how == detail::joint::both;
                                            if (a.empty() || b.empty()) return both ? std::string{} : a + b;
                                            return both ? "(" + a + " and " + b + ")" : a + " or " + b;
                                        });
}

COFFER_INLINE bool stop_condition::holds(leaf const& l, stop_facts const& f) noexcept {
    switch (l.about) {
        case what::never: return false;
        case what::attempts: return f.attempts >= l.number;
        case what::unproven: return f.unproven >= l.number;
        case what::same_fault: return f.same_fault >= l.number;
        case what::elapsed: return f.elapsed.count() > l.number;
        case what::kind: return static_cast<std::int64_t>(f.last) == l.number;
    }
    return false;
}

COFFER_INLINE std::string stop_condition::text_of(leaf const& l) {
    auto const n = std::to_string(l.number);
    switch (l.about) {
        case what::never: break;
        case what::attempts: return "after " + n + " attempts";
        case what::unproven: return "after " + n + " perhaps billed";
        case what::same_fault: return "after " + n + " of the same fault";
        case what::elapsed: return "after " + detail::duration_text(std::chrono::nanoseconds{l.number});
        case what::kind: return "at " + std::string{coffer::to_string(static_cast<fault_kind>(l.number))};
    }
    return {};
}

}  // namespace coffer::inline COFFER_ABI
