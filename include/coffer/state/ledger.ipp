// SPDX-License-Identifier: BSL-1.0
#pragma once
// Definitions of ledger.hpp.

#include <coffer/state/ledger.hpp>

#include <utility>

namespace coffer::inline COFFER_ABI {

COFFER_INLINE ledger_line::ledger_line(std::string named, coffer::window over, money most, limit_kind k)
    : scope{std::move(named)}, window{std::move(over)}, window_text{window.text()}, limit{most}, kind{k} {}

}  // namespace coffer::inline COFFER_ABI
