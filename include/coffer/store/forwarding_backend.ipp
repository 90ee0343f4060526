// SPDX-License-Identifier: BSL-1.0
#pragma once
// Definitions of forwarding_backend.hpp.

#include <coffer/store/forwarding_backend.hpp>

#include <utility>

namespace coffer::inline COFFER_ABI {

COFFER_INLINE forwarding_backend::forwarding_backend(std::shared_ptr<store_backend> to) : to_{std::move(to)} {
    if (to_ == nullptr) throw misuse{"coffer::forwarding_backend: there is no store to hand anything on to"};
}

}  // namespace coffer::inline COFFER_ABI
