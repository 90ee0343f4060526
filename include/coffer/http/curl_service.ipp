// SPDX-License-Identifier: BSL-1.0
#pragma once
// Definitions of curl_service.hpp.

#include <coffer/http/curl_service.hpp>

namespace coffer::inline COFFER_ABI::http::curl {

COFFER_INLINE bool engine_base::join() noexcept {
    std::lock_guard const lock{list_->mutex_};
    if (list_->closed_) return false;
    next_ = list_->first_;
    if (next_ != nullptr) next_->previous_ = this;
    list_->first_ = this;
    joined_ = true;
    return true;
}

COFFER_INLINE void engine_base::depart() noexcept {
    std::lock_guard const lock{list_->mutex_};
    if (!joined_) return;
    unlink();
    close();
}

COFFER_INLINE void engine_base::unlink() noexcept {
    (previous_ != nullptr ? previous_->next_ : list_->first_) = next_;
    if (next_ != nullptr) next_->previous_ = previous_;
    joined_ = false;
}

COFFER_INLINE void engine_list::close() noexcept {
    std::lock_guard const lock{mutex_};
    closed_ = true;
    while (first_ != nullptr) {
        auto* const engine = first_;
        engine->unlink();
        engine->close();
    }
}

}  // namespace coffer::inline COFFER_ABI::http::curl
