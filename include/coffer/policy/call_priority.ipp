// SPDX-License-Identifier: BSL-1.0
#pragma once
// Definitions of call_priority.hpp.

#include <coffer/policy/call_priority.hpp>

#include <charconv>
#include <system_error>

namespace coffer::inline COFFER_ABI::detail {

COFFER_INLINE int priority_tag::operator()(call const& c) const {
    for (auto const& [name, value] : c.tags()) {
        if (name != name_) continue;
        int priority = 0;
        auto const* const end = value.data() + value.size();
        auto const read = std::from_chars(value.data(), end, priority);
        if (read.ec != std::errc{} || read.ptr != end)
            throw misuse{"coffer::bulkhead: the tag \"" + name_ + "\" of this call is \"" + value +
                         "\": it says how important the call is, a whole number from -100 to 100"};
        return priority;
    }
    return 0;
}

}  // namespace coffer::inline COFFER_ABI::detail
