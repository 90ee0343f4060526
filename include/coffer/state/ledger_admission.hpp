// SPDX-License-Identifier: BSL-1.0
#pragma once
// Does one line of a reservation have the money? If not, what the caller is told.

#include <coffer/base/later.hpp>
#include <coffer/state/ledger.hpp>
#include <coffer/state/ledger_rules.hpp>

#include <chrono>
#include <optional>
#include <span>
#include <string>
#include <utility>

namespace coffer::inline COFFER_ABI {

/// What a line has to hold.
[[nodiscard]] money amount_of(reserve_request const& q, ledger_line const& line) noexcept;

/// What has to be free in its account. An operator may have set a limit where the program has none, and did not need to
/// know a bound: then no amount is enough.
[[nodiscard]] money needed_of(reserve_request const& q, ledger_line const& line, money limit) noexcept;

/// The reservation that `q` asks for, before it holds anything.
[[nodiscard]] reservation reservation_for(reserve_request const& q, std::string owner, ledger_moment at);

/// A part of a window's money: an account and when its part of the window began.
using window_part = std::pair<std::chrono::system_clock::time_point, account>;

/// Why `line` has not got the money for `q`, if so. `limit` is the one that holds now, `parts` are the accounts that count
/// in the window at `wall`, by age; `frozen` is the frozen scope that it is in, if there is one.
[[nodiscard]] std::optional<budget_denial> denial_of(reserve_request const& q, ledger_line const& line, money limit,
                                                     std::optional<frozen_scope> const& frozen,
                                                     std::span<window_part const> parts,
                                                     std::chrono::system_clock::time_point wall);

}  // namespace coffer::inline COFFER_ABI

#if !defined(COFFER_SEPARATE_COMPILATION)
#include <coffer/state/ledger_admission.ipp>
#endif
