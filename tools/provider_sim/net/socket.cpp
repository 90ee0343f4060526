// SPDX-License-Identifier: BSL-1.0
#include "net/socket.hpp"

#include <linux/sockios.h>
#include <sys/ioctl.h>
#include <sys/socket.h>

#include <array>
#include <asio/buffer.hpp>
#include <asio/redirect_error.hpp>
#include <asio/steady_timer.hpp>
#include <asio/this_coro.hpp>
#include <asio/use_awaitable.hpp>
#include <asio/write.hpp>
#include <cerrno>
#include <chrono>
#include <memory>

namespace provider_sim {
namespace {

constexpr std::chrono::seconds ack_patience{5};
constexpr std::chrono::seconds fin_patience{2};
constexpr std::size_t read_size = 16 * 1024;

}  // namespace

void reset(tcp_socket& socket) {
    std::error_code ignored;
    socket.set_option(asio::socket_base::linger{true, 0}, ignored);
    socket.close(ignored);
}

asio::awaitable<void> finish(tcp_socket& socket) {
    std::error_code ignored;
    socket.shutdown(asio::socket_base::shutdown_send, ignored);
    asio::steady_timer limit{socket.get_executor(), fin_patience};
    // An expiry may be queued already when the peer's FIN ends this frame: then the flag says that the socket is gone.
    auto const waiting = std::make_shared<bool>(true);
    auto const give_up = [waiting, &socket](std::error_code error) {
        std::error_code unused;
        if (!error && *waiting) socket.close(unused);
    };
    limit.async_wait(give_up);
    co_await hang(socket);
    *waiting = false;
    socket.close(ignored);
}

asio::awaitable<void> hang(tcp_socket& socket) {
    std::array<char, 4096> dropped{};
    std::error_code error;
    while (!error)
        co_await socket.async_read_some(asio::buffer(dropped), asio::redirect_error(asio::use_awaitable, error));
}

bool peer_gone(tcp_socket& socket) {
    char byte = 0;
    auto const n = ::recv(socket.native_handle(), &byte, 1, MSG_PEEK | MSG_DONTWAIT);
    return n == 0 || (n < 0 && errno != EAGAIN && errno != EWOULDBLOCK && errno != EINTR);
}

asio::awaitable<bool> wait_acknowledged(tcp_socket& socket) {
    asio::steady_timer timer{socket.get_executor()};
    auto const deadline = std::chrono::steady_clock::now() + ack_patience;
    int unacknowledged = 0;
    while (::ioctl(socket.native_handle(), SIOCOUTQ, &unacknowledged) == 0 && unacknowledged > 0) {
        if (std::chrono::steady_clock::now() > deadline) co_return false;
        timer.expires_after(std::chrono::microseconds{200});
        co_await timer.async_wait(asio::use_awaitable);
    }
    co_return true;
}

asio::awaitable<bool> send(tcp_socket& socket, std::string_view bytes, std::size_t& sent) {
    std::error_code error;
    auto const buffer = asio::buffer(bytes.data(), bytes.size());
    auto const taken = co_await asio::async_write(socket, buffer, asio::redirect_error(asio::use_awaitable, error));
    sent += taken;
    co_return !error;
}

asio::awaitable<bool> receive(tcp_socket& socket, std::string& buffer) {
    auto const had = buffer.size();
    buffer.resize(had + read_size);
    std::error_code error;
    auto const space = asio::buffer(buffer.data() + had, read_size);
    auto const got = co_await socket.async_read_some(space, asio::redirect_error(asio::use_awaitable, error));
    buffer.resize(had + got);
    co_return !error && got > 0;
}

}  // namespace provider_sim
