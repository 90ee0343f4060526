// SPDX-License-Identifier: BSL-1.0
#pragma once
// One libcurl multi handle with the sockets it works on. libcurl calls back only into this file and into a transfer, and
// what is called back only writes down what it is told; acting on it is for the engine, when libcurl has returned.

#include <coffer/http/curl_handle.hpp>
#include <coffer/http/curl_options.hpp>
#include <coffer/http/curl_sockets.hpp>

#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <utility>

namespace coffer::inline COFFER_ABI::http::curl {

/// What is counted, for `client::stats` and to notice that nothing happens. Written on the strand, read anywhere.
struct counters {
    std::atomic<std::uint64_t> transfers{0}, connections{0}, resends_prevented{0}, spins{0}, rebuilds{0},
        socket_changes{0};
    std::uint64_t activity = 0;  ///< of libcurl: any call back. Strand only.
};

/// One strand, and never from inside libcurl.
class multi {
public:
    /// Throws `std::system_error` when descriptors run out. `count` must outlive this.
    multi(asio::any_io_executor const& executor, client_options const& options, counters& count)
        : options_{options}, count_{count}, watch_{executor, count.socket_changes} {
        (void)renew();
    }
    multi(multi const&) = delete;
    multi& operator=(multi const&) = delete;

    [[nodiscard]] socket_watch& watch() noexcept { return watch_; }
    [[nodiscard]] bool usable() const noexcept { return handle_ != nullptr; }
    /// libcurl has said that the handle itself is broken: everything must be removed, and `renew` called.
    [[nodiscard]] bool broken() const noexcept { return broken_; }
    /// libcurl wants to be called now. (Its documentation forbids doing so inside the callback that says it.)
    [[nodiscard]] bool due() const noexcept { return due_; }

    /// Prepares a handle for its first use here. A connection remembers from the transfer that opened it whom to call
    /// when it closes: that must not be a transfer.
    [[nodiscard]] CURLcode adopt(CURL* easy) noexcept {
        return option_writer{easy}
            .set(CURLOPT_SOCKOPTFUNCTION, &on_open)
            .set(CURLOPT_SOCKOPTDATA, static_cast<void*>(this))
            .set(CURLOPT_CLOSESOCKETFUNCTION, &on_close)
            .set(CURLOPT_CLOSESOCKETDATA, static_cast<void*>(this))
            .code();
    }
    [[nodiscard]] bool add(CURL* easy) noexcept {
        return usable() && curl_multi_add_handle(handle_.get(), easy) == CURLM_OK;
    }
    /// Closes its connection, if it is still at work.
    void remove(CURL* easy) noexcept { curl_multi_remove_handle(handle_.get(), easy); }

    /// So many transfers run. libcurl's limit of kept connections counts those at work too: with a fixed one, whatever
    /// runs above it would open a connection for each request and close it afterwards.
    void keep_connections_of(std::size_t running) noexcept {
        auto const limit = static_cast<long>(std::max<std::size_t>(options_.max_idle_connections, 1) + running);
        if (usable() && limit != std::exchange(connections_, limit))
            (curl_multi_setopt)(handle_.get(), CURLMOPT_MAXCONNECTS, limit);
    }
    void work_off_sockets() {
        if (watch_.poll([this](int fd, int bits) { act(fd, bits); })) due_ = true;
    }
    void work_off_timer() {
        if (std::exchange(due_, false)) act(CURL_SOCKET_TIMEOUT, 0);
    }
    /// Calls `ended(easy, code)` for every transfer that has ended. It may remove the handle.
    template <class Ended>
    void take_ended(Ended&& ended) {
        int left = 0;
        while (usable()) {
            auto const* const message = curl_multi_info_read(handle_.get(), &left);
            if (message == nullptr) return;
            if (message->msg != CURLMSG_DONE) continue;
            auto* const easy = message->easy_handle;  // the message is gone
            auto const code = message->data.result;  // when the handle is
            ended(easy, code);
        }
    }

    /// Begins anew, with no transfers and no connections. False if there is no memory; a later call may succeed.
    bool renew() noexcept {
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

private:
    void act(curl_socket_t fd, int bits) noexcept {
        int running = 0;
        if (!broken_ && usable()) broken_ = curl_multi_socket_action(handle_.get(), fd, bits, &running) != CURLM_OK;
    }

    static int on_socket(CURL*, curl_socket_t fd, int what, void* self, void*) noexcept {
        auto& m = *static_cast<multi*>(self);
        ++m.count_.activity;
        try {
            m.watch_.want(fd, what);
            return 0;
        } catch (...) {
            return -1;  // no memory: libcurl ends with an error
        }
    }
    static int on_timer(CURLM*, long milliseconds, void* self) noexcept {
        auto& m = *static_cast<multi*>(self);
        m.due_ = milliseconds == 0;  // one timer: each call replaces it
        if (milliseconds > 0) m.watch_.wake_at(socket_watch::clock::now() + std::chrono::milliseconds{milliseconds});
        else m.watch_.wake_never();
        return 0;
    }
    static int on_open(void* self, curl_socket_t fd, curlsocktype) noexcept {
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
    static int on_close(void* self, curl_socket_t fd) noexcept {
        auto& m = *static_cast<multi*>(self);
        ++m.count_.activity;
        m.watch_.closing(fd);
        return ::close(fd);
    }

    client_options const options_;
    counters& count_;
    bool due_ = false;
    bool broken_ = false;
    long connections_ = 0;  ///< that libcurl was told to keep
    socket_watch watch_;
    multi_handle handle_;  // last: going, it still calls back
};

}  // namespace coffer::inline COFFER_ABI::http::curl
