// SPDX-License-Identifier: BSL-1.0
#pragma once
// Why a budget said no: what was asked for, what is left, and when there will be more.

#include <coffer/base/money.hpp>

#include <chrono>
#include <optional>
#include <string>

namespace coffer::inline v0 {

/// What a refusal for want of money carries (`fault::denial`), so that a caller can choose something cheaper.
struct budget_denial {
    std::string scope;   ///< whose limit it is
    std::string window;  ///< over which time, for people: `day 2026-11-22 (UTC)`
    std::string window_text;  ///< the same as it is stored: `day@UTC`
    money limit;
    money free;    ///< left of it; zero if it was lowered below what is spent
    money needed;  ///< what was to be held: the request's upper bound
    money held;    ///< of what is not free: held for sends that are under way and may come back
    /// When there is money again, if nothing is settled before: the window's end. None: never by itself.
    std::optional<std::chrono::system_clock::time_point> until;
    bool frozen = false;  ///< somebody has stopped the scope, whatever is left

    /// One sentence that says what to do.
    [[nodiscard]] std::string to_string() const {
        auto const named = "budget " + (scope.empty() ? std::string{"of everything"} : scope);
        if (frozen) return named + " is frozen; thaw it when it is clear why";
        return named + ", " + window + ": $" + needed.to_string() + " may be needed and $" + free.to_string() +
               " of $" + limit.to_string() + " are free" +
               (held > money{} ? " ($" + held.to_string() + " are held for calls under way)" : "");
    }
};

}  // namespace coffer::inline v0
