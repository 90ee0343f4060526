// SPDX-License-Identifier: BSL-1.0
#pragma once
// Definitions of answer.hpp.

#include <coffer/base/answer.hpp>

#include <utility>

namespace coffer::inline COFFER_ABI {

COFFER_INLINE answer::answer(std::string body_bytes, int http_status)
    : body{std::move(body_bytes)}, status{http_status} {}

}  // namespace coffer::inline COFFER_ABI
