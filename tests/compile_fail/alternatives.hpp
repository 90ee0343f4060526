// SPDX-License-Identifier: BSL-1.0
#pragma once
// Operations to make alternatives of.

#include <coffer/policy/fallback.hpp>

#include "policies.hpp"

inline coffer::awaitable<int> operation(int n) { co_return n; }

/// It says where it goes.
inline auto aimed() {
    return coffer::describe(operation).target([](int) { return coffer::target{"somebody", "m"}; });
}
