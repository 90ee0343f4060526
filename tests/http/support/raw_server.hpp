// SPDX-License-Identifier: BSL-1.0
#pragma once
// A server whose every byte is written by the test: what it sends, when, and how the connection ends.

#include <arpa/inet.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <condition_variable>
#include <cstdint>
#include <functional>
#include <memory>
#include <mutex>
#include <stdexcept>
#include <string>
#include <string_view>
#include <thread>
#include <utility>
#include <vector>

namespace coffer::inline COFFER_ABI::http::tests {

using namespace std::chrono_literals;

/// A test that hangs says nothing: whatever waits here gives up after this, and the test fails.
inline constexpr auto patience = 20s;

/// Something that happens once, on one thread, and that another waits for.
class event {
public:
    void set() {
        std::lock_guard const lock{mutex_};
        happened_ = true;
        changed_.notify_all();
    }
    [[nodiscard]] bool wait() {
        std::unique_lock lock{mutex_};
        return changed_.wait_for(lock, patience, [this] { return happened_; });
    }

private:
    std::mutex mutex_;
    std::condition_variable changed_;
    bool happened_ = false;
};

/// One accepted connection, blocking.
class peer {
public:
    peer(int fd, int number) : fd_{fd}, number_{number} {
        int const on = 1;
        ::setsockopt(fd_, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    }
    peer(peer const&) = delete;
    peer& operator=(peer const&) = delete;
    ~peer() { fin(); }

    /// Which connection of the server this is, from 0.
    [[nodiscard]] int number() const noexcept { return number_; }

    /// One whole request, by Content-Length; empty when the client has closed.
    std::string read_request() {
        auto end = std::string::npos;
        while ((end = input_.find("\r\n\r\n")) == std::string::npos)
            if (!read_some()) return {};
        std::size_t length = 0;
        auto const field = input_.find("Content-Length: ");
        if (field != std::string::npos && field < end) length = std::stoul(input_.substr(field + 16));
        return read_exactly(end + 4 + length);
    }
    /// So many bytes, or fewer when the client has closed.
    std::string read_exactly(std::size_t size) {
        while (input_.size() < size && read_some()) {
        }
        auto const cut = std::min(size, input_.size());
        auto taken = input_.substr(0, cut);
        input_.erase(0, cut);
        return taken;
    }
    void write(std::string_view text) {
        while (!text.empty()) {
            auto const n = ::send(fd_, text.data(), text.size(), MSG_NOSIGNAL);
            if (n <= 0) return;
            text.remove_prefix(static_cast<std::size_t>(n));
        }
    }
    /// True once the client has closed, whether by FIN or by RST; false if it does not.
    bool wait_for_close() {
        while (read_some()) {
        }
        return closed_;
    }
    /// Ends the connection in order, or with everything unread lost.
    void fin() {
        std::lock_guard const lock{closing_};
        if (fd_ >= 0) ::close(std::exchange(fd_, -1));
    }
    /// From another thread: whatever waits for the client goes on as if it had closed.
    void interrupt() {
        std::lock_guard const lock{closing_};
        if (fd_ >= 0) ::shutdown(fd_, SHUT_RDWR);
    }
    void half_close() { ::shutdown(fd_, SHUT_WR); }
    void rst() {
        linger const now{1, 0};
        ::setsockopt(fd_, SOL_SOCKET, SO_LINGER, &now, sizeof now);
        fin();
    }

private:
    bool read_some() {
        if (fd_ < 0 || closed_) return false;
        pollfd wait{fd_, POLLIN, 0};
        if (::poll(&wait, 1, static_cast<int>(std::chrono::milliseconds{patience}.count())) <= 0) return false;
        char buffer[16384];
        auto const n = ::recv(fd_, buffer, sizeof buffer, 0);
        if (n <= 0) {
            closed_ = true;
            return false;
        }
        input_.append(buffer, static_cast<std::size_t>(n));
        return true;
    }

    std::mutex closing_;
    int fd_;
    int number_;
    bool closed_ = false;
    std::string input_;
};

/// Listens on 127.0.0.1 and gives each connection to `serve`, on a thread of its own.
class raw_server {
public:
    using script = std::function<void(peer&)>;

    explicit raw_server(script serve, int backlog = 1024) : serve_{std::move(serve)} {
        fd_ = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
        sockaddr_in address{};
        address.sin_family = AF_INET;
        address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
        socklen_t size = sizeof address;
        auto* const any = reinterpret_cast<sockaddr*>(&address);
        if (::bind(fd_, any, size) != 0 || ::listen(fd_, backlog) != 0 || ::getsockname(fd_, any, &size) != 0)
            throw std::runtime_error{"no server socket"};
        port_ = ntohs(address.sin_port);
        if (serve_) accepting_ = std::thread{[this] { accept_all(); }};
    }
    raw_server(raw_server const&) = delete;
    raw_server& operator=(raw_server const&) = delete;
    ~raw_server() {
        ::shutdown(fd_, SHUT_RDWR);
        if (accepting_.joinable()) accepting_.join();
        for (auto& s : serving_) s.connection->interrupt();
        for (auto& s : serving_) s.thread.join();
        ::close(fd_);
    }

    [[nodiscard]] std::uint16_t port() const noexcept { return port_; }
    [[nodiscard]] std::string url(std::string_view path = "/") const {
        return "http://127.0.0.1:" + std::to_string(port_) + std::string{path};
    }
    [[nodiscard]] int accepted() const noexcept { return accepted_; }

private:
    void accept_all() {
        for (;;) {
            int const fd = ::accept4(fd_, nullptr, nullptr, SOCK_CLOEXEC);
            if (fd < 0) return;
            int const number = accepted_++;
            auto connection = std::make_unique<peer>(fd, number);
            auto& p = *connection;
            serving_.push_back({std::move(connection), std::thread{[this, &p] {
                                    serve_(p);
                                    p.fin();
                                }}});
        }
    }

    struct service {
        std::unique_ptr<peer> connection;
        std::thread thread;
    };

    script serve_;
    int fd_ = -1;
    std::uint16_t port_ = 0;
    std::atomic<int> accepted_{0};
    std::thread accepting_;
    std::vector<service> serving_;
};

/// Requests that a server has read. A send that libcurl hides shows up here.
class request_log {
public:
    void add(std::string request) {
        std::lock_guard const lock{mutex_};
        requests_.push_back(std::move(request));
    }
    [[nodiscard]] std::size_t count() const {
        std::lock_guard const lock{mutex_};
        return requests_.size();
    }
    [[nodiscard]] std::vector<std::string> all() const {
        std::lock_guard const lock{mutex_};
        return requests_;
    }

private:
    mutable std::mutex mutex_;
    std::vector<std::string> requests_;
};

/// Answers every request of every connection with the same bytes.
[[nodiscard]] inline raw_server::script always(std::string answer, request_log& log) {
    return [answer = std::move(answer), &log](peer& p) {
        for (;;) {
            auto request = p.read_request();
            if (request.empty()) return;
            log.add(std::move(request));
            p.write(answer);
        }
    };
}

inline constexpr std::string_view ok = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok";

}  // namespace coffer::inline COFFER_ABI::http::tests
