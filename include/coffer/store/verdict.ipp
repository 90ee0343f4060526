// SPDX-License-Identifier: BSL-1.0
#pragma once
// Definitions of verdict.hpp.

#include <coffer/store/verdict.hpp>

#include <utility>

namespace coffer::inline COFFER_ABI {

COFFER_INLINE record_filter::record_filter(std::string ns, bool only_unresolved)
    : name_space{std::move(ns)}, unresolved_only{only_unresolved} {}

}  // namespace coffer::inline COFFER_ABI
