// SPDX-License-Identifier: BSL-1.0
#pragma once
// Definitions of blocking_client.hpp.

#include <coffer/call/blocking_client.hpp>

namespace coffer::inline COFFER_ABI {

COFFER_INLINE blocking_client::blocking_client() : thread_{[this] { io_.run(); }} {}

}  // namespace coffer::inline COFFER_ABI
