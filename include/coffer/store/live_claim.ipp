// SPDX-License-Identifier: BSL-1.0
#pragma once
// Definitions of live_claim.hpp.

#include <coffer/store/live_claim.hpp>

namespace coffer::inline COFFER_ABI {

COFFER_INLINE bool record_has_moved(fault const& why) {
    if (why.kind() != fault_kind::store_unavailable) return false;
    auto const code = why.code();  // see record_machine.hpp
    return code == "claim_lost" || code == "claim_over" || code == "lease_over" || code == "sends_moved" ||
           code == "answer_stored";
}

COFFER_INLINE bool reply_may_be_lost(fault const& why) {
    return why.kind() == fault_kind::store_unavailable && !record_has_moved(why);
}

}  // namespace coffer::inline COFFER_ABI
