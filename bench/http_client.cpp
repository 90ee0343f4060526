// SPDX-License-Identifier: BSL-1.0
// What coffer adds to an HTTP request: CPU time of this process per request on loopback, next to a bare curl_multi_poll loop
// in the same run. The server is a child process, so that its time is not ours. Ratios are what counts.
//
//     bench_http_client [requests = 20000] [rounds = 3]

#include <coffer/http/curl_client.hpp>

#include <asio/io_context.hpp>

#include <arpa/inet.h>
#include <netinet/tcp.h>
#include <signal.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <memory>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

namespace http = coffer::http;
using namespace std::chrono_literals;

namespace {

std::string const body(1024, 'p');

double cpu_microseconds() {
    rusage u{};
    getrusage(RUSAGE_SELF, &u);
    auto const us = [](timeval const& t) {
        return static_cast<double>(t.tv_sec) * 1e6 + static_cast<double>(t.tv_usec);
    };
    return us(u.ru_utime) + us(u.ru_stime);
}

/// Answers each whole request with 1 KiB, for ever.
[[noreturn]] void serve(int listener) {
    std::string const answer = "HTTP/1.1 200 OK\r\nContent-Length: 1024\r\n\r\n" + std::string(1024, 'a');
    std::unordered_map<int, std::string> input;
    int const set = epoll_create1(0);
    epoll_event event{};
    event.events = EPOLLIN;
    event.data.fd = listener;
    epoll_ctl(set, EPOLL_CTL_ADD, listener, &event);
    for (;;) {
        epoll_event events[64];
        int const n = epoll_wait(set, events, 64, -1);
        for (int i = 0; i < n; ++i) {
            int const fd = events[i].data.fd;
            if (fd == listener) {
                event.data.fd = accept(listener, nullptr, nullptr);
                int const on = 1;
                setsockopt(event.data.fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
                epoll_ctl(set, EPOLL_CTL_ADD, event.data.fd, &event);
                continue;
            }
            char buffer[16384];
            auto const got = read(fd, buffer, sizeof buffer);
            if (got <= 0) {
                input.erase(fd);
                close(fd);
                continue;
            }
            auto& text = input[fd];
            text.append(buffer, static_cast<std::size_t>(got));
            auto const head = text.find("\r\n\r\n");
            if (head == text.npos || text.size() < head + 4 + body.size()) continue;
            text.clear();
            (void)!write(fd, answer.data(), answer.size());
        }
    }
}

class server {
public:
    server() {
        int const fd = socket(AF_INET, SOCK_STREAM, 0);
        sockaddr_in address{};
        address.sin_family = AF_INET;
        address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
        socklen_t size = sizeof address;
        auto* const any = reinterpret_cast<sockaddr*>(&address);
        if (bind(fd, any, size) != 0 || listen(fd, 1024) != 0 || getsockname(fd, any, &size) != 0) std::abort();
        child_ = fork();
        if (child_ == 0) serve(fd);
        close(fd);
        url = "http://127.0.0.1:" + std::to_string(ntohs(address.sin_port)) + "/v1/chat";
    }
    ~server() {
        kill(child_, SIGKILL);
        waitpid(child_, nullptr, 0);
    }
    std::string url;

private:
    pid_t child_;
};

std::size_t collect(char* data, std::size_t, std::size_t size, void* to) {
    static_cast<std::string*>(to)->append(data, size);
    return size;
}

/// The bare thing: handles that are used again, curl_multi_poll.
double bare(std::string const& url, int concurrency, int requests) {
    struct one {
        CURL* easy;
        std::string answer;
    };
    curl_slist* headers = nullptr;
    for (auto const* line : {"Content-Type: application/json", "Authorization: Bearer sk-0123456789abcdef", "Expect:"})
        headers = curl_slist_append(headers, line);
    CURLM* const multi = curl_multi_init();
    curl_multi_setopt(multi, CURLMOPT_MAXCONNECTS, static_cast<long>(concurrency));
    std::vector<std::unique_ptr<one>> all;
    int started = 0;
    int finished = 0;
    auto const start = [&](one& o) {
        o.answer.clear();
        ++started;
        curl_multi_add_handle(multi, o.easy);
    };
    auto const before = cpu_microseconds();
    for (int i = 0; i < concurrency; ++i) {
        auto& o = *all.emplace_back(std::make_unique<one>());
        o.easy = curl_easy_init();
        curl_easy_setopt(o.easy, CURLOPT_URL, url.c_str());
        curl_easy_setopt(o.easy, CURLOPT_NOSIGNAL, 1L);
        curl_easy_setopt(o.easy, CURLOPT_HTTPHEADER, headers);
        curl_easy_setopt(o.easy, CURLOPT_POSTFIELDSIZE, static_cast<long>(body.size()));
        curl_easy_setopt(o.easy, CURLOPT_POSTFIELDS, body.c_str());
        curl_easy_setopt(o.easy, CURLOPT_WRITEFUNCTION, &collect);
        curl_easy_setopt(o.easy, CURLOPT_WRITEDATA, &o.answer);
        curl_easy_setopt(o.easy, CURLOPT_PRIVATE, &o);
        start(o);
    }
    while (finished < requests) {
        int running = 0;
        curl_multi_perform(multi, &running);
        bool any = false;
        int left = 0;
        while (auto* const message = curl_multi_info_read(multi, &left)) {
            one* o = nullptr;
            curl_easy_getinfo(message->easy_handle, CURLINFO_PRIVATE, &o);
            curl_multi_remove_handle(multi, o->easy);
            any = true;
            ++finished;
            if (started < requests) start(*o);
        }
        if (!any) curl_multi_poll(multi, nullptr, 0, 1000, nullptr);
    }
    auto const spent = cpu_microseconds() - before;
    for (auto const& o : all) curl_easy_cleanup(o->easy);
    curl_multi_cleanup(multi);
    curl_slist_free_all(headers);
    return spent / requests;
}

coffer::awaitable<void> work(http::client client, std::string const& url, std::shared_ptr<std::string const> content,
                             int& left) {
    while (left-- > 0) {
        http::request r{"POST", url, content};
        r.headers.add("Content-Type", "application/json").add("Authorization", "Bearer sk-0123456789abcdef");
        auto const answer = co_await client.send(std::move(r), std::chrono::steady_clock::now() + 60s);
        if (!answer || answer->status != 200) std::abort();
    }
}

double ours(std::string const& url, int concurrency, int requests, double& socket_changes) {
    auto const content = std::make_shared<std::string const>(body);
    asio::io_context io{1};
    http::client const client{io.get_executor()};
    int left = requests;
    auto const before = cpu_microseconds();
    for (int i = 0; i < concurrency; ++i) asio::co_spawn(io, work(client, url, content, left), asio::detached);
    io.run();
    auto const spent = cpu_microseconds() - before;
    socket_changes = static_cast<double>(client.stats().socket_changes) / requests;
    return spent / requests;
}

double median(std::vector<double> v) {
    std::sort(v.begin(), v.end());
    return v[v.size() / 2];
}

}  // namespace

int main(int count, char** arguments) {
    int const requests = count > 1 ? std::atoi(arguments[1]) : 20'000;
    int const rounds = count > 2 ? std::atoi(arguments[2]) : 3;
    server const s;
    curl_global_init(CURL_GLOBAL_DEFAULT);
    for (int const concurrency : {1, 64}) {
        std::vector<double> bare_us;
        std::vector<double> ours_us;
        std::vector<double> ratios;
        double changes = 0;
        for (int i = 0; i < rounds; ++i) {
            bare_us.push_back(bare(s.url, concurrency, requests));
            ours_us.push_back(ours(s.url, concurrency, requests, changes));
            ratios.push_back(ours_us.back() / bare_us.back());
        }
        std::printf(
            "concurrency %2d: curl_multi_poll %6.1f us, coffer %6.1f us per request, ratio %.2f, epoll_ctl on sockets "
            "%.4f\n",
            concurrency, median(bare_us), median(ours_us), median(ratios), changes);
    }
}
