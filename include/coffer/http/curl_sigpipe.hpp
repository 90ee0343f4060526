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
    explicit sigpipe_guard(bool needed) noexcept;
    sigpipe_guard(sigpipe_guard const&) = delete;
    sigpipe_guard& operator=(sigpipe_guard const&) = delete;
    ~sigpipe_guard();

private:
    bool active_ = false;
    sigset_t pipe_{};
    sigset_t before_{};
};

}  // namespace coffer::inline COFFER_ABI::http::curl

#if !defined(COFFER_SEPARATE_COMPILATION)
#include <coffer/http/curl_sigpipe.ipp>
#endif
