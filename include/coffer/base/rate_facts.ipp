// SPDX-License-Identifier: BSL-1.0
#pragma once
// Definitions of rate_facts.hpp.

#include <coffer/base/rate_facts.hpp>

namespace coffer::inline COFFER_ABI {

COFFER_INLINE bool rate_facts::any() const noexcept {
    for (auto const& f : of_)
        if (f.known()) return true;
    return false;
}

}  // namespace coffer::inline COFFER_ABI
