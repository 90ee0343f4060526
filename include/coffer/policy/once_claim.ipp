// SPDX-License-Identifier: BSL-1.0
#pragma once
// Definitions of once_claim.hpp.

#include <coffer/policy/once_claim.hpp>

namespace coffer::inline COFFER_ABI::detail {

COFFER_INLINE claim_request request_for(flight const& f, flight_plan const& plan) {
    auto const& options = plan.options;
    claim_request request;
    request.id = entropy<sizeof(claim_id)>();
    request.print = f.print();
    request.counting = plan.counting;
    request.cached = plan.cached;
    request.max_sends = options.max_sends;
    request.lease = options.lease;
    request.takeover_grace = options.takeover_grace;
    request.acknowledged_kept = options.acknowledged_kept;
    request.unacknowledged_kept = options.unacknowledged_kept;
    return request;
}

}  // namespace coffer::inline COFFER_ABI::detail
