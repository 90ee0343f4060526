// SPDX-License-Identifier: BSL-1.0
#pragma once
// Definitions of alarm_outbox.hpp.

#include <coffer/store/alarm_outbox.hpp>

namespace coffer::inline COFFER_ABI {

COFFER_INLINE bool alarm_filter::wants(kept_alarm const& a) const {
    return is_within(a.what.scope, scope) && a.state != alarm_state::covered && a.what.when >= from &&
           (!undelivered_only || a.state == alarm_state::due);
}

}  // namespace coffer::inline COFFER_ABI
