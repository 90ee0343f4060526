// SPDX-License-Identifier: BSL-1.0
#pragma once
// Definitions of timeout.hpp.

#include <coffer/policy/timeout.hpp>

namespace coffer::inline COFFER_ABI {

COFFER_INLINE void timeout::describe(composition& to) const {
    to.name("timeout").with(detail::duration_text(limit_));
    if (!name_.empty()) to.with("called " + name_);
}

COFFER_INLINE fault timeout::said(timeout_facts facts, time_point until, call const& c) const {
    facts.over = c.clock().now() >= until;
    return timeout_fault(facts, name_, limit_);
}

}  // namespace coffer::inline COFFER_ABI
