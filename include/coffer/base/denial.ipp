// SPDX-License-Identifier: BSL-1.0
#pragma once
// Definitions of denial.hpp.

#include <coffer/base/denial.hpp>

namespace coffer::inline COFFER_ABI {

namespace detail {

COFFER_INLINE std::string in_passing(std::string_view words) {
    constexpr std::size_t longest = 200;
    auto most = words.size();
    if (most > longest) {
        most = longest;
        while (most > 0 && (static_cast<unsigned char>(words[most]) & 0xC0U) == 0x80U) --most;  // within a character
    }
    std::string shown;
    for (auto const c : words.substr(0, most)) shown += static_cast<unsigned char>(c) < 0x20 || c == 0x7f ? ' ' : c;
    return most < words.size() ? shown + "..." : shown;
}

}  // namespace detail

COFFER_INLINE bool budget_denial::is_for_good() const noexcept {
    return !frozen && detail::wide_int{needed.nano()} > detail::wide_int{free.nano()} + held.nano();
}

COFFER_INLINE bool budget_denial::is_held() const noexcept {
    return !frozen && !limit_is_zero() && !never_fits() && held > money{} && !is_for_good();
}

COFFER_INLINE std::string budget_denial::way_out() const {
    if (!remedy.empty()) return remedy;
    return frozen ? "ledger::thaw" : "ledger::set_limit, or in the program's budget_options";
}

COFFER_INLINE std::string budget_denial::to_string() const {
    auto const named = "budget " + (scope.empty() ? std::string{"of everything"} : scope);
    if (frozen)
        return named + " is frozen" + (reason.empty() ? "" : " (" + reason + ")") +
               "; see to the cause, then thaw it with " + way_out();
    auto const there = named + ", " + window + ": ";
    if (limit_is_zero()) return there + "its limit is zero, so nothing may be spent there; raise it with " + way_out();
    return there + "$" + needed.to_string() + " may be needed and $" + free.to_string() + " of $" + limit.to_string() +
           " are free" + (held > money{} ? " ($" + held.to_string() + " are held for calls under way)" : "");
}

}  // namespace coffer::inline COFFER_ABI
