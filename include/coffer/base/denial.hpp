// SPDX-License-Identifier: BSL-1.0
#pragma once
// Why a budget said no: what was asked for, what is left, and when there will be more.

#include <coffer/base/money.hpp>

#include <chrono>
#include <cstddef>
#include <optional>
#include <string>
#include <string_view>

namespace coffer::inline COFFER_ABI {
namespace detail {

/// Somebody's words within a sentence of ours: in one line, and no longer than a sentence is.
[[nodiscard]] std::string in_passing(std::string_view words);

}  // namespace detail

/// What a refusal for want of money carries (`fault::denial`), so that a caller can choose something cheaper.
struct budget_denial {
    std::string scope;   ///< whose limit it is
    std::string window;  ///< over which time, for people: `day 2026-11-22 (UTC)`
    std::string window_text;  ///< the same as it is stored: `day@UTC`
    money limit;  ///< what may be spent in that window at the most
    money free;    ///< left of it; zero if it was lowered below what is spent
    money needed;  ///< what was to be held: the request's upper bound
    money held;    ///< of what is not free: held for sends that are under way and may come back
    /// When there is money again, if nothing is settled before: the window's end. None: never by itself.
    std::optional<std::chrono::system_clock::time_point> until;
    bool frozen = false;  ///< somebody has stopped the scope, whatever is left
    std::string reason;  ///< why it is frozen, in the words of who did it: one line, perhaps cut; empty: none was given
    std::string remedy;  ///< what thaws the scope or raises the limit, if the ledger knows a command for it

    /// Nothing may be spent there at all, whatever is asked for.
    [[nodiscard]] bool limit_is_zero() const noexcept { return !frozen && limit <= money{}; }
    /// More is needed than the whole limit: no time will help.
    [[nodiscard]] bool never_fits() const noexcept { return needed > limit; }
    /// It is only held: what calls under way give back may be enough, within the time that they take.
    [[nodiscard]] bool is_held() const noexcept;
    /// Not even what calls under way give back would be enough. (What is frozen is thawed some day.)
    [[nodiscard]] bool is_for_good() const noexcept;
    /// What an operator can do: a command, or the function to call.
    [[nodiscard]] std::string way_out() const;
    /// One sentence that says what to do.
    [[nodiscard]] std::string to_string() const;
};

}  // namespace coffer::inline COFFER_ABI

#if !defined(COFFER_SEPARATE_COMPILATION)
#include <coffer/base/denial.ipp>
#endif
