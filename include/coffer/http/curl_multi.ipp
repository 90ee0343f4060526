// SPDX-License-Identifier: BSL-1.0
#pragma once
// Definitions of curl_multi.hpp.

#include <coffer/http/curl_multi.hpp>

#include <algorithm>
#include <utility>

namespace coffer::inline COFFER_ABI::http::curl {

COFFER_INLINE multi::multi(asio::any_io_executor const& executor, client_options const& options, counters& count)
    : options_{options}, count_{count}, watch_{executor, count.socket_changes} {
    (void)renew();
}

COFFER_INLINE CURLcode multi::adopt(CURL* easy) noexcept {
    return option_writer{easy}
        .set(CURLOPT_SOCKOPTFUNCTION, &on_open)
        .set(CURLOPT_SOCKOPTDATA, static_cast<void*>(this))
        .set(CURLOPT_CLOSESOCKETFUNCTION, &on_close)
        .set(CURLOPT_CLOSESOCKETDATA, static_cast<void*>(this))
        .code();
}

COFFER_INLINE bool multi::add(CURL* easy) noexcept {
    return usable() && curl_multi_add_handle(handle_.get(), easy) == CURLM_OK;
}

COFFER_INLINE void multi::keep_connections_of(std::size_t running) noexcept {
    auto const limit = static_cast<long>(std::max<std::size_t>(options_.max_idle_connections, 1) + running);
    if (usable() && limit != std::exchange(connections_, limit))
        (curl_multi_setopt)(handle_.get(), CURLMOPT_MAXCONNECTS, limit);
}

COFFER_INLINE void multi::work_off_sockets() {
    if (watch_.poll([this](int fd, int bits) { act(fd, bits); })) due_ = true;
}

COFFER_INLINE void multi::work_off_timer() {
    if (std::exchange(due_, false)) act(CURL_SOCKET_TIMEOUT, 0);
}

COFFER_INLINE bool multi::renew() noexcept {
    handle_.reset();  // closes its sockets, through the watch
    broken_ = due_ = false;
    connections_ = 0;
    watch_.wake_never();
    multi_handle handle{curl_multi_init()};
    if (!handle) return false;
    (curl_multi_setopt)(handle.get(), CURLMOPT_SOCKETFUNCTION, &on_socket);
    (curl_multi_setopt)(handle.get(), CURLMOPT_SOCKETDATA, static_cast<void*>(this));
    (curl_multi_setopt)(handle.get(), CURLMOPT_TIMERFUNCTION, &on_timer);
    (curl_multi_setopt)(handle.get(), CURLMOPT_TIMERDATA, static_cast<void*>(this));
    configure_multi(handle.get(), options_);
    handle_ = std::move(handle);
    return true;
}

COFFER_INLINE void multi::act(curl_socket_t fd, int bits) noexcept {
    int running = 0;
    if (!broken_ && usable()) broken_ = curl_multi_socket_action(handle_.get(), fd, bits, &running) != CURLM_OK;
}

COFFER_INLINE int multi::on_socket(CURL*, curl_socket_t fd, int what, void* self, void*) noexcept {
    auto& m = *static_cast<multi*>(self);
    ++m.count_.activity;
    try {
        m.watch_.want(fd, what);
        return 0;
    } catch (...) {
        return -1;  // no memory: libcurl ends with an error
    }
}

COFFER_INLINE int multi::on_timer(CURLM*, long milliseconds, void* self) noexcept {
    auto& m = *static_cast<multi*>(self);
    m.due_ = milliseconds == 0;  // one timer: each call replaces it
    if (milliseconds > 0) m.watch_.wake_at(socket_watch::clock::now() + std::chrono::milliseconds{milliseconds});
    else m.watch_.wake_never();
    return 0;
}

COFFER_INLINE int multi::on_open(void* self, curl_socket_t fd, curlsocktype) noexcept {
    auto& m = *static_cast<multi*>(self);
    ++m.count_.activity;
    m.count_.connections.fetch_add(1, std::memory_order_relaxed);
    try {
        m.watch_.opened(fd);
        return CURL_SOCKOPT_OK;
    } catch (...) {
        return CURL_SOCKOPT_ERROR;
    }
}

COFFER_INLINE int multi::on_close(void* self, curl_socket_t fd) noexcept {
    auto& m = *static_cast<multi*>(self);
    ++m.count_.activity;
    m.watch_.closing(fd);
    return ::close(fd);
}

}  // namespace coffer::inline COFFER_ABI::http::curl
