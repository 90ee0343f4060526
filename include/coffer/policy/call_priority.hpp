// SPDX-License-Identifier: BSL-1.0
#pragma once
// How important a call is to a policy that lets some wait, as the user's function or a tag of the call says.

#include <coffer/call/call.hpp>

#include <charconv>
#include <functional>
#include <string>
#include <string_view>
#include <system_error>

namespace coffer::inline COFFER_ABI::detail {

/// How important a call is.
using call_priority = std::function<int(call const&)>;

/// What a call's tag says of its importance. Throws `misuse` for what is no number.
class priority_tag {
public:
    explicit priority_tag(std::string_view name) : name_{name} {}
    [[nodiscard]] int operator()(call const& c) const {
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

private:
    std::string name_;
};

}  // namespace coffer::inline COFFER_ABI::detail
