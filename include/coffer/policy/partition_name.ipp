// SPDX-License-Identifier: BSL-1.0
#pragma once
// Definitions of partition_name.hpp.

#include <coffer/policy/partition_name.hpp>

#include <utility>

namespace coffer::inline COFFER_ABI {

COFFER_INLINE partition_name::partition_name(std::string own) noexcept : own_{std::move(own)}, owns_{true} {}

COFFER_INLINE std::string_view by_tag::operator()(attempt const& a) const noexcept {
    for (auto const& [name, value] : a.of().tags())
        if (name == tag_) return value;
    return {};
}

COFFER_INLINE std::string by_target::operator()(attempt const& a) const {
    auto const& t = a.target();
    if (t.provider.empty() && t.model.empty()) return {};
    std::string name;
    name.reserve(t.provider.size() + 1 + t.model.size());
    return name.append(t.provider).append("/").append(t.model);
}

}  // namespace coffer::inline COFFER_ABI
