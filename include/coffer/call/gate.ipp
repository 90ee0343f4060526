// SPDX-License-Identifier: BSL-1.0
#pragma once
// Definitions of gate.hpp.

#include <coffer/call/gate.hpp>

namespace coffer::inline COFFER_ABI {

COFFER_INLINE admission admission::refused(fault why) noexcept {
    admission a{state::refused};
    a.why_.emplace(std::move(why));
    return a;
}

}  // namespace coffer::inline COFFER_ABI
