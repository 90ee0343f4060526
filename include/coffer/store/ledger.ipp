// SPDX-License-Identifier: BSL-1.0
#pragma once
// Definitions of ledger.hpp.

#include <coffer/store/ledger.hpp>

#include <stdexcept>

namespace coffer::inline COFFER_ABI::detail {

COFFER_INLINE std::string scope_named(std::string scope) {
    bool const empty_part = scope.starts_with('/') || scope.ends_with('/') || scope.find("//") != std::string::npos;
    if (empty_part)
        throw std::invalid_argument{"coffer::ledger: the scope \"" + scope +
                                    "\" has an empty part; write it as \"team/search\", or \"\" for everything"};
    return scope;
}

}  // namespace coffer::inline COFFER_ABI::detail
