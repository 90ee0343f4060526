// SPDX-License-Identifier: BSL-1.0
#pragma once
// Definitions of response.hpp.

#include <coffer/http/response.hpp>

#include <utility>

namespace coffer::inline COFFER_ABI::http {

COFFER_INLINE response::response(int code, std::string content) : status{code}, body{std::move(content)} {}

}  // namespace coffer::inline COFFER_ABI::http
