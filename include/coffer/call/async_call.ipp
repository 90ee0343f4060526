// SPDX-License-Identifier: BSL-1.0
#pragma once
// Definitions of async_call.hpp.

#include <coffer/call/async_call.hpp>

namespace coffer::inline COFFER_ABI::detail {

COFFER_INLINE called_by_value::called_by_value(call&& c) : call_{std::make_unique<call>(std::move(c))} {}

}  // namespace coffer::inline COFFER_ABI::detail
