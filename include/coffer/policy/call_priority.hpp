// SPDX-License-Identifier: BSL-1.0
#pragma once
// How important a call is to a policy that lets some wait, as the user's function or a tag of the call says.

#include <coffer/call/call.hpp>

#include <functional>
#include <string>
#include <string_view>

namespace coffer::inline COFFER_ABI::detail {

/// How important a call is.
using call_priority = std::function<int(call const&)>;

/// What a call's tag says of its importance. Throws `misuse` for what is no number.
class priority_tag {
public:
    explicit priority_tag(std::string_view name) : name_{name} {}
    [[nodiscard]] int operator()(call const& c) const;

private:
    std::string name_;
};

}  // namespace coffer::inline COFFER_ABI::detail

#if !defined(COFFER_SEPARATE_COMPILATION)
#include <coffer/policy/call_priority.ipp>
#endif
