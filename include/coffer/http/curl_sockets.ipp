// SPDX-License-Identifier: BSL-1.0
#pragma once
// Definitions of curl_sockets.hpp.

#include <coffer/http/curl_sockets.hpp>

#include <algorithm>
#include <system_error>

namespace coffer::inline COFFER_ABI::http::curl {

COFFER_INLINE socket_watch::socket_watch(asio::any_io_executor const& executor, std::atomic<std::uint64_t>& changes)
    : descriptor_{executor}, changes_{changes} {
    int const set = ::epoll_create1(EPOLL_CLOEXEC);
    if (set < 0) throw std::system_error{errno, std::system_category(), "epoll_create1"};
    descriptor_.assign(set);
    timer_ = ::timerfd_create(CLOCK_MONOTONIC, TFD_NONBLOCK | TFD_CLOEXEC);
    if (timer_ < 0) throw std::system_error{errno, std::system_category(), "timerfd_create"};
    control(EPOLL_CTL_ADD, timer_, EPOLLIN, timer_event);
}

COFFER_INLINE void socket_watch::opened(int fd) {
    auto& s = at(fd);
    s = socket{.generation = s.generation + 1, .kept = true, .listed = s.listed};
}

COFFER_INLINE void socket_watch::want(int fd, int what) {
    auto& s = at(fd);
    s.wanted = 0;
    if (what == CURL_POLL_IN || what == CURL_POLL_INOUT) s.wanted |= EPOLLIN;
    if (what == CURL_POLL_OUT || what == CURL_POLL_INOUT) s.wanted |= EPOLLOUT;
    if (s.wanted == 0 && !s.kept) return forget(fd, s);  // a resolver's: closed right after, by nobody knows whom
    if (s.wanted != 0 && s.wanted != s.registered && !s.listed) {
        s.listed = true;
        changed_.push_back(fd);
    }
}

COFFER_INLINE void socket_watch::closing(int fd) noexcept {
    if (static_cast<std::size_t>(fd) >= sockets_.size()) return;
    auto& s = sockets_[static_cast<std::size_t>(fd)];
    forget(fd, s);  // by hand: the kernel does it only when no forked child holds the socket
    s.wanted = 0;
    s.kept = false;
    ++s.generation;
}

COFFER_INLINE void socket_watch::flush() noexcept {
    for (int const fd : changed_) {
        auto& s = sockets_[static_cast<std::size_t>(fd)];
        s.listed = false;
        if (s.wanted == 0 || s.wanted == s.registered) continue;
        auto const event = pack(fd, s.generation);
        if (control(s.registered != 0 ? EPOLL_CTL_MOD : EPOLL_CTL_ADD, fd, s.wanted, event) ||
            (errno == EEXIST && control(EPOLL_CTL_MOD, fd, s.wanted, event)) ||
            (errno == ENOENT && control(EPOLL_CTL_ADD, fd, s.wanted, event)))
            s.registered = s.wanted;
    }
    changed_.clear();
    if (due_ >= armed_) return;  // an earlier alarm is on its way, and sees then that it is early
    armed_ = due_;
    auto const left = std::max<clock::duration>(due_ - clock::now(), std::chrono::nanoseconds{1});
    auto const seconds = std::chrono::duration_cast<std::chrono::seconds>(left);
    itimerspec at{};
    at.it_value.tv_sec = static_cast<time_t>(seconds.count());
    at.it_value.tv_nsec = static_cast<long>(std::chrono::nanoseconds{left - seconds}.count());
    ::timerfd_settime(timer_, 0, &at, nullptr);
}

COFFER_INLINE std::uint64_t socket_watch::pack(int fd, std::uint32_t generation) noexcept {
    return (std::uint64_t{generation} << 32) | static_cast<std::uint32_t>(fd);
}

COFFER_INLINE socket_watch::socket& socket_watch::at(int fd) {
    auto const i = static_cast<std::size_t>(fd);
    if (i >= sockets_.size()) sockets_.resize(i + 16);
    return sockets_[i];
}

COFFER_INLINE bool socket_watch::control(int operation, int fd, std::uint32_t what, std::uint64_t data) noexcept {
    changes_.fetch_add(1, std::memory_order_relaxed);
    epoll_event event{};
    event.events = what;
    event.data.u64 = data;
    return ::epoll_ctl(descriptor_.native_handle(), operation, fd, &event) == 0;
}

COFFER_INLINE void socket_watch::forget(int fd, socket& s) noexcept {
    if (s.registered != 0) control(EPOLL_CTL_DEL, fd, 0, 0);
    s.registered = 0;
}

}  // namespace coffer::inline COFFER_ABI::http::curl
