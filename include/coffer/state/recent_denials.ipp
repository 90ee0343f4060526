// SPDX-License-Identifier: BSL-1.0
#pragma once
// Definitions of recent_denials.hpp.

#include <coffer/state/recent_denials.hpp>

namespace coffer::inline COFFER_ABI {

COFFER_INLINE void recent_denials::note(budget_denial const& d, time_point now) {
    if (!d.is_for_good()) return;
    if (all_.size() >= most) all_.erase(all_.begin());
    all_.insert_or_assign(denial_rule::id_of(d, now), noted{d, now});
}

}  // namespace coffer::inline COFFER_ABI
