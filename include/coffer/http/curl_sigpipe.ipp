// SPDX-License-Identifier: BSL-1.0
#pragma once
// Definitions of curl_sigpipe.hpp.

#include <coffer/http/curl_sigpipe.hpp>

namespace coffer::inline COFFER_ABI::http::curl {

COFFER_INLINE sigpipe_guard::sigpipe_guard(bool needed) noexcept {
    if (!needed) return;
    sigset_t pending;
    sigemptyset(&pipe_);
    sigaddset(&pipe_, SIGPIPE);
    sigemptyset(&pending);
    sigpending(&pending);
    if (sigismember(&pending, SIGPIPE) == 1) return;  // somebody else's, and blocked already
    active_ = pthread_sigmask(SIG_BLOCK, &pipe_, &before_) == 0;
}

COFFER_INLINE sigpipe_guard::~sigpipe_guard() {
    if (!active_) return;
    timespec const now{};
    while (sigtimedwait(&pipe_, nullptr, &now) == SIGPIPE) {
    }
    pthread_sigmask(SIG_SETMASK, &before_, nullptr);
}

}  // namespace coffer::inline COFFER_ABI::http::curl
