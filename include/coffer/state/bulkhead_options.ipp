// SPDX-License-Identifier: BSL-1.0
#pragma once
// Definitions of bulkhead_options.hpp.

#include <coffer/state/bulkhead_options.hpp>

#include <stdexcept>

namespace coffer::inline COFFER_ABI {

COFFER_INLINE void bulkhead_options::check() const {
    auto const require = [](bool right, char const* what) {
        if (!right) throw std::invalid_argument{what};
    };
    require(limit >= 1, "coffer::bulkhead: say how many attempts may be under way at a time: .limit = 20");
    require(limit <= largest, "coffer::bulkhead: a limit of more than a million is none, leave the bulkhead out");
    require(max_waiting <= largest, "coffer::bulkhead: max_waiting is more than a million");
    require(max_wait >= duration::zero(), "coffer::bulkhead: max_wait cannot be negative");
    require(max_waiting > 0 || (max_wait == duration::max() && ages_after == duration::max()),
            "coffer::bulkhead: where nobody may wait (max_waiting = 0), max_wait and ages_after have no effect");
    require(ages_after > duration::zero(), "coffer::bulkhead: ages_after must be longer than zero");
    check_adaptive(require);
}

}  // namespace coffer::inline COFFER_ABI
