// SPDX-License-Identifier: BSL-1.0
#pragma once
// One libcurl multi handle with the sockets it works on. libcurl calls back only into this file and into a transfer, and
// what is called back only writes down what it is told; acting on it is for the engine, when libcurl has returned.

#include <coffer/http/curl_handle.hpp>
#include <coffer/http/curl_options.hpp>
#include <coffer/http/curl_sockets.hpp>

#include <unistd.h>

#include <atomic>
#include <chrono>
#include <cstddef>
#include <cstdint>

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
    multi(asio::any_io_executor const& executor, client_options const& options, counters& count);
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
    [[nodiscard]] CURLcode adopt(CURL* easy) noexcept;
    [[nodiscard]] bool add(CURL* easy) noexcept;
    /// Closes its connection, if it is still at work.
    void remove(CURL* easy) noexcept { curl_multi_remove_handle(handle_.get(), easy); }

    /// So many transfers run. libcurl's limit of kept connections counts those at work too: with a fixed one, whatever
    /// runs above it would open a connection for each request and close it afterwards.
    void keep_connections_of(std::size_t running) noexcept;
    void work_off_sockets();
    void work_off_timer();
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
    bool renew() noexcept;

private:
    void act(curl_socket_t fd, int bits) noexcept;

    static int on_socket(CURL*, curl_socket_t fd, int what, void* self, void*) noexcept;
    static int on_timer(CURLM*, long milliseconds, void* self) noexcept;
    static int on_open(void* self, curl_socket_t fd, curlsocktype) noexcept;
    static int on_close(void* self, curl_socket_t fd) noexcept;

    client_options const options_;
    counters& count_;
    bool due_ = false;
    bool broken_ = false;
    long connections_ = 0;  ///< that libcurl was told to keep
    socket_watch watch_;
    multi_handle handle_;  // last: going, it still calls back
};

}  // namespace coffer::inline COFFER_ABI::http::curl

#if !defined(COFFER_SEPARATE_COMPILATION)
#include <coffer/http/curl_multi.ipp>
#endif
