// SPDX-License-Identifier: BSL-1.0
#pragma once
// What stands in a store, as text for a terminal.

#include <coffer/base/money.hpp>

#include <chrono>
#include <cstddef>
#include <optional>
#include <string>
#include <string_view>

namespace coffer_command {

/// A namespace, a model's name, a provider's message are anybody's text: they must not be able to forge lines or paint the
/// terminal.
std::string printable(std::string_view text);

/// UTC, to the second: `2026-11-22T03:04:05Z`; `-` for a moment that has not come.
std::string iso_time(std::chrono::system_clock::time_point when);

/// `$1.000000000`, `-$1.000000000`.
std::string dollars(coffer::money m);

/// `$0.000150000`; `unknown`, or `none` if nothing was sent.
std::string cost_text(std::optional<coffer::money> const& cost, int sends);

/// Dollars written as a decimal, rounded up to a nano-dollar; nothing for anything else.
std::optional<coffer::money> dollars_rounded_up(std::string_view text);

/// `1 key`, `2 keys`, `2 entries`.
std::string counted(std::size_t n, std::string const& noun);

}  // namespace coffer_command
