// SPDX-License-Identifier: BSL-1.0
#pragma once
// Definitions of once_flight.hpp.

#include <coffer/policy/once_flight.hpp>

namespace coffer::inline COFFER_ABI::detail {

COFFER_INLINE claim_scope::claim_scope(call& c, permit_source& claim) noexcept : call_{c} {
    call_access::set_claim(c, &claim);
}

}  // namespace coffer::inline COFFER_ABI::detail
