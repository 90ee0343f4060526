// SPDX-License-Identifier: BSL-1.0
#pragma once
// Which sockets libcurl waits for, and until when: all of it behind one descriptor that Asio watches.
//
// An epoll set of our own, level-triggered, with a timer in it. A socket stays in the set from its first use until it is
// closed, so that a request on a kept-alive connection changes nothing in the set; an Asio descriptor for each socket
// costs about half of libcurl's whole work more. Linux only; a portable one would offer the same members.

#include <coffer/asio.hpp>
#include <coffer/http/curl_handle.hpp>

#include COFFER_ASIO_HEADER(posix/stream_descriptor.hpp)

#include <sys/epoll.h>
#include <sys/timerfd.h>
#include <unistd.h>

#include <array>
#include <atomic>
#include <cerrno>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <utility>
#include <vector>

namespace coffer::inline COFFER_ABI::http::curl {

/// The sockets and the timer of one multi handle. One strand. Must outlive the multi, which closes its sockets through
/// it.
class socket_watch {
public:
    using clock = std::chrono::steady_clock;

    /// Throws `std::system_error` when the process is out of descriptors. `changes` counts calls to epoll_ctl.
    socket_watch(asio::any_io_executor const& executor, std::atomic<std::uint64_t>& changes);
    socket_watch(socket_watch const&) = delete;
    socket_watch& operator=(socket_watch const&) = delete;
    ~socket_watch() { ::close(timer_); }

    /// Calls `handler(error)` once when a socket is ready or the timer's time has come.
    template <class Handler>
    void async_ready(Handler&& handler) {
        descriptor_.async_wait(asio::posix::stream_descriptor::wait_read, std::forward<Handler>(handler));
    }
    void cancel() noexcept {
        coffer::detail::asio_error_code ignored;
        descriptor_.cancel(ignored);
    }

    // From libcurl's callbacks.

    /// A new socket of a connection, which will be closed through `closing`.
    void opened(int fd);
    /// libcurl waits for CURL_POLL_IN, _OUT, both, or with CURL_POLL_REMOVE for nothing any more.
    void want(int fd, int what);
    void closing(int fd) noexcept;
    void wake_at(clock::time_point when) noexcept { due_ = when; }
    void wake_never() noexcept { due_ = clock::time_point::max(); }

    // From the engine, outside of libcurl.

    /// Tells the kernel what has changed since, net: what libcurl took back meanwhile costs nothing.
    void flush() noexcept;

    /// Calls `act(fd, CURL_CSELECT_... bits)` for each socket that is ready now. True if the timer's time has come.
    template <class Act>
    bool poll(Act&& act) {
        std::array<epoll_event, 64> events;  // what does not fit is still ready at the next wait
        int const count = ::epoll_wait(descriptor_.native_handle(), events.data(), static_cast<int>(events.size()), 0);
        for (int i = 0; i < count; ++i) {
            auto const& event = events[static_cast<std::size_t>(i)];
            if (event.data.u64 == timer_event) {
                std::uint64_t times = 0;
                (void)!::read(timer_, &times, sizeof times);
                armed_ = clock::time_point::max();
                continue;
            }
            auto const fd = static_cast<int>(event.data.u64 & 0xffff'ffffU);
            auto& s = sockets_[static_cast<std::size_t>(fd)];
            if (static_cast<std::uint32_t>(event.data.u64 >> 32) != s.generation) continue;  // of an earlier socket
            if (s.wanted == 0) {  // an idle connection that was closed or spoken to: libcurl will see when it uses it
                forget(fd, s);
                continue;
            }
            int const bits = ((event.events & (EPOLLIN | EPOLLHUP)) != 0 ? CURL_CSELECT_IN : 0) |
                             ((event.events & EPOLLOUT) != 0 ? CURL_CSELECT_OUT : 0) |
                             ((event.events & EPOLLERR) != 0 ? CURL_CSELECT_ERR : 0);
            act(fd, bits);
        }
        if (due_ > clock::now()) return false;
        wake_never();
        return true;
    }

private:
    struct socket {
        std::uint32_t generation = 0;  ///< of the descriptor's number, which the system uses again
        std::uint32_t wanted = 0;
        std::uint32_t registered = 0;
        bool kept = false;  ///< stays in the set while nothing is wanted
        bool listed = false;  ///< stands in `changed_`
    };
    static constexpr std::uint64_t timer_event = std::numeric_limits<std::uint64_t>::max();

    static std::uint64_t pack(int fd, std::uint32_t generation) noexcept;
    socket& at(int fd);
    bool control(int operation, int fd, std::uint32_t what, std::uint64_t data) noexcept;
    void forget(int fd, socket& s) noexcept;

    asio::posix::stream_descriptor descriptor_;
    std::atomic<std::uint64_t>& changes_;
    int timer_ = -1;
    clock::time_point due_ = clock::time_point::max();  ///< what libcurl wants
    clock::time_point armed_ = clock::time_point::max();  ///< what the timer is set to
    std::vector<socket> sockets_;
    std::vector<int> changed_;
};

}  // namespace coffer::inline COFFER_ABI::http::curl

#if !defined(COFFER_SEPARATE_COMPILATION)
#include <coffer/http/curl_sockets.ipp>
#endif
