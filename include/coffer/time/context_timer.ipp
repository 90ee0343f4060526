// SPDX-License-Identifier: BSL-1.0
#pragma once
// Definitions of context_timer.hpp.

#include <coffer/time/context_timer.hpp>

namespace coffer::inline COFFER_ABI::detail {

COFFER_INLINE context_timer::context_timer(asio::execution_context& context)
    : timer_{in_place_executor{context}}, context_{&asio::use_service<asio::detail::io_context_impl>(context)} {}

}  // namespace coffer::inline COFFER_ABI::detail
