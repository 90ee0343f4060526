// SPDX-License-Identifier: BSL-1.0
#pragma once
// Definitions of curl_handle.hpp.

#include <coffer/http/curl_handle.hpp>

#include <utility>

namespace coffer::inline COFFER_ABI::http::curl {

COFFER_INLINE bool initialise() noexcept {
    static bool const ok = curl_global_init(CURL_GLOBAL_DEFAULT) == CURLE_OK;
    return ok;
}

COFFER_INLINE easy_handle easy_pool::take() noexcept {
    if (idle_.empty()) return nullptr;
    auto handle = std::move(idle_.back());
    idle_.pop_back();
    return handle;
}

COFFER_INLINE void easy_pool::give_back(easy_handle handle, std::size_t running) {
    if (handle && idle_.size() < kept_ + running) idle_.push_back(std::move(handle));
}

}  // namespace coffer::inline COFFER_ABI::http::curl
