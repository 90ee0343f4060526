// SPDX-License-Identifier: BSL-1.0
#pragma once
// Definitions of any_transport.hpp.

#include <coffer/llm/any_transport.hpp>

namespace coffer::inline COFFER_ABI::llm {

COFFER_INLINE awaitable<outcome<http::response>> any_transport::send(http::request r, time_point deadline) const {
    return self_->send(std::move(r), deadline);
}

}  // namespace coffer::inline COFFER_ABI::llm
