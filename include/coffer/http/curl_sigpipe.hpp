// SPDX-License-Identifier: BSL-1.0
#pragma once
// A TLS library may write to a socket whose peer is gone without MSG_NOSIGNAL, and SIGPIPE would end the process. A
// library must not change the process's signal handling, so the signal is kept from this thread while libcurl works.

#include <coffer/config.hpp>

#include <pthread.h>
#include <signal.h>
#include <time.h>

namespace coffer::inline COFFER_ABI::http::curl {

/// Blocks SIGPIPE in this thread while it lives, and swallows one that came meanwhile.
class sigpipe_guard {
public:
    /// Does nothing unless `needed`: three system calls are spared for plain sockets, where libcurl uses MSG_NOSIGNAL.
    explicit sigpipe_guard(bool needed) noexcept {
        if (!needed) return;
        sigset_t pending;
        sigemptyset(&pipe_);
        sigaddset(&pipe_, SIGPIPE);
        sigemptyset(&pending);
        sigpending(&pending);
        if (sigismember(&pending, SIGPIPE) == 1) return;  // somebody else's, and blocked already
        active_ = pthread_sigmask(SIG_BLOCK, &pipe_, &before_) == 0;
    }
    sigpipe_guard(sigpipe_guard const&) = delete;
    sigpipe_guard& operator=(sigpipe_guard const&) = delete;
    ~sigpipe_guard() {
        if (!active_) return;
        timespec const now{};
        while (sigtimedwait(&pipe_, nullptr, &now) == SIGPIPE) {
        }
        pthread_sigmask(SIG_SETMASK, &before_, nullptr);
    }

private:
    bool active_ = false;
    sigset_t pipe_{};
    sigset_t before_{};
};

}  // namespace coffer::inline COFFER_ABI::http::curl
