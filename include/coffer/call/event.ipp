// SPDX-License-Identifier: BSL-1.0
#pragma once
// Definitions of event.hpp.

#include <coffer/call/event.hpp>

#include <utility>

namespace coffer::inline COFFER_ABI {

COFFER_INLINE void observers::add(observer o) { list_.push_back(std::move(o)); }

COFFER_INLINE void observers::tell(event const& e) const noexcept {
    for (auto const& o : list_) {
        try {
            o(e);
        } catch (...) {
        }
    }
}

COFFER_INLINE observers::observers() noexcept = default;
COFFER_INLINE observers::observers(observers const&) = default;
COFFER_INLINE observers::observers(observers&&) noexcept = default;
COFFER_INLINE observers& observers::operator=(observers const&) = default;
COFFER_INLINE observers& observers::operator=(observers&&) noexcept = default;
COFFER_INLINE observers::~observers() = default;

}  // namespace coffer::inline COFFER_ABI
