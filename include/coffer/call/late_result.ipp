// SPDX-License-Identifier: BSL-1.0
#pragma once
// Definitions of late_result.hpp.

#include <coffer/call/late_result.hpp>

#include <algorithm>

namespace coffer::inline COFFER_ABI {

COFFER_INLINE send_terms::send_terms(attempt const& a, std::shared_ptr<std::atomic<bool> const> stop)
    : number_{a.number()},
      clock_{a.of().shared_clock()},
      deadline_{a.deadline()},
      provider_key_{a.provider_key()},
      output_limit_{a.output_limit()},
      stop_{std::move(stop)} {}

COFFER_INLINE duration send_terms::timeout() const noexcept {
    return std::max(deadline_ - clock_->now(), duration::zero());
}

namespace detail {

COFFER_INLINE fault left_unknown(fault_kind why, std::string text) {
    return fault{why, std::move(text)}.with_execution(knowledge::maybe).with_billing(knowledge::maybe);
}

}  // namespace detail

}  // namespace coffer::inline COFFER_ABI
