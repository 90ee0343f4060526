// SPDX-License-Identifier: BSL-1.0
#pragma once
// A server on loopback in a child process, so that its time and memory are not the measured one's.

#include <arpa/inet.h>
#include <netinet/tcp.h>
#include <signal.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstddef>
#include <cstdlib>
#include <string>
#include <unordered_map>

namespace bench {

/// Answers each whole request with 1 KiB at once, for ever; a request to `held` is not answered, and reported by a byte
/// on `reports`.
class http_server {
public:
    explicit http_server(std::size_t request_body) : request_body_{request_body} {
        int const listener = ::socket(AF_INET, SOCK_STREAM, 0);
        sockaddr_in address{};
        address.sin_family = AF_INET;
        address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
        socklen_t size = sizeof address;
        auto* const any = reinterpret_cast<sockaddr*>(&address);
        int pipe[2];
        if (::pipe(pipe) != 0 || ::bind(listener, any, size) != 0 || ::listen(listener, 1024) != 0 ||
            ::getsockname(listener, any, &size) != 0)
            std::abort();
        child_ = ::fork();
        if (child_ == 0) serve(listener, pipe[1]);
        ::close(listener);
        ::close(pipe[1]);
        reports = pipe[0];
        auto const base = "http://127.0.0.1:" + std::to_string(ntohs(address.sin_port));
        url = base + "/v1/chat";
        held = base + "/held";
    }
    http_server(http_server const&) = delete;
    http_server& operator=(http_server const&) = delete;
    ~http_server() {
        ::kill(child_, SIGKILL);
        ::waitpid(child_, nullptr, 0);
        ::close(reports);
    }

    std::string url;
    std::string held;
    int reports = -1;

private:
    [[noreturn]] void serve(int listener, int reports_to) const {
        std::string const answer = "HTTP/1.1 200 OK\r\nContent-Length: 1024\r\n\r\n" + std::string(1024, 'a');
        std::unordered_map<int, std::string> input;
        int const set = ::epoll_create1(0);
        epoll_event event{};
        event.events = EPOLLIN;
        event.data.fd = listener;
        ::epoll_ctl(set, EPOLL_CTL_ADD, listener, &event);
        for (;;) {
            epoll_event events[64];
            int const n = ::epoll_wait(set, events, 64, -1);
            for (int i = 0; i < n; ++i) {
                int const fd = events[i].data.fd;
                if (fd == listener) {
                    event.data.fd = ::accept(listener, nullptr, nullptr);
                    int const on = 1;
                    ::setsockopt(event.data.fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
                    ::epoll_ctl(set, EPOLL_CTL_ADD, event.data.fd, &event);
                    continue;
                }
                char buffer[16384];
                auto const got = ::read(fd, buffer, sizeof buffer);
                if (got <= 0) {
                    input.erase(fd);
                    ::close(fd);
                    continue;
                }
                auto& text = input[fd];
                text.append(buffer, static_cast<std::size_t>(got));
                auto const head = text.find("\r\n\r\n");
                if (head == text.npos || text.size() < head + 4 + request_body_) continue;
                bool const hold = text.compare(0, 10, "POST /held") == 0;
                text.clear();
                (void)!(hold ? ::write(reports_to, "h", 1) : ::write(fd, answer.data(), answer.size()));
            }
        }
    }

    std::size_t request_body_;
    pid_t child_ = -1;
};

}  // namespace bench
