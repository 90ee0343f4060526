// SPDX-License-Identifier: BSL-1.0
#pragma once
// Definitions of fault_kind.hpp.

#include <coffer/base/fault_kind.hpp>

namespace coffer::inline COFFER_ABI {

COFFER_INLINE std::ostream& operator<<(std::ostream& out, fault_kind kind) { return out << to_string(kind); }

COFFER_INLINE std::ostream& operator<<(std::ostream& out, knowledge k) { return out << to_string(k); }

}  // namespace coffer::inline COFFER_ABI
