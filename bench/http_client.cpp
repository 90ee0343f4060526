// SPDX-License-Identifier: BSL-1.0
// What coffer adds to an HTTP request on loopback, next to bare libcurl in the same run: CPU time of this process per
// request, and memory per request that waits for its answer. Ratios are what counts.
//
//     bench_http_client                                            both
//     bench_http_client cpu [requests = 20000] [rounds = 5]
//     bench_http_client memory [held requests = 1000] [rounds = 3]
//     bench_http_client bare|coffer <concurrency> <requests>       one of the two, for a profiler or strace -c

#include <coffer/http/curl_client.hpp>

#include <asio/io_context.hpp>
#include <asio/posix/stream_descriptor.hpp>

#include <malloc.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "support/bare_curl.hpp"
#include "support/http_server.hpp"

namespace http = coffer::http;
using namespace std::chrono_literals;

namespace {

std::string const body(1024, 'p');

double median(std::vector<double> v) {
    std::sort(v.begin(), v.end());
    return v[v.size() / 2];
}

// One request as a program of ours sends it.

coffer::awaitable<void> ask(http::client client, std::string const& url, std::shared_ptr<std::string const> content) {
    http::request r{"POST", url, content};
    r.headers.add("Content-Type", "application/json").add("Authorization", "Bearer sk-0123456789abcdef");
    auto const answer = co_await client.send(std::move(r), std::chrono::steady_clock::now() + 60s);
    if (!answer || answer->status != 200) std::abort();
}

coffer::awaitable<void> ask_again(http::client client, std::string const& url,
                                  std::shared_ptr<std::string const> content, int& left) {
    while (left-- > 0) co_await ask(client, url, content);
}

// CPU time.

double cpu_microseconds() {
    rusage u{};
    getrusage(RUSAGE_SELF, &u);
    auto const us = [](timeval const& t) {
        return static_cast<double>(t.tv_sec) * 1e6 + static_cast<double>(t.tv_usec);
    };
    return us(u.ru_utime) + us(u.ru_stime);
}

double bare_cpu(std::string const& url, int concurrency, int requests) {
    auto const before = cpu_microseconds();
    bench::bare_curl{body}.run(url, concurrency, requests);
    return (cpu_microseconds() - before) / requests;
}

double coffer_cpu(std::string const& url, int concurrency, int requests, double& socket_changes) {
    auto const content = std::make_shared<std::string const>(body);
    asio::io_context io{1};
    http::client const client{io.get_executor()};
    int left = requests;
    auto const before = cpu_microseconds();
    for (int i = 0; i < concurrency; ++i) asio::co_spawn(io, ask_again(client, url, content, left), asio::detached);
    io.run();
    auto const spent = cpu_microseconds() - before;
    socket_changes = static_cast<double>(client.stats().socket_changes) / requests;
    return spent / requests;
}

void compare_cpu(int requests, int rounds) {
    bench::http_server const server{body.size()};
    for (int const concurrency : {1, 64, 512}) {
        std::vector<double> bare;
        std::vector<double> ours;
        std::vector<double> ratios;
        double changes = 0;
        for (int i = 0; i < rounds; ++i) {
            bare.push_back(bare_cpu(server.url, concurrency, requests));
            ours.push_back(coffer_cpu(server.url, concurrency, requests, changes));
            ratios.push_back(ours.back() / bare.back());
        }
        std::printf(
            "%3d at a time: curl_multi_poll %5.1f us, coffer %5.1f us of CPU per request, ratio %.2f (aim 1.20); "
            "%.4f epoll_ctl for sockets per request\n",
            concurrency, median(bare), median(ours), median(ratios), changes);
    }
}

// Memory: each measured in a process of its own, which nothing was freed in before.

struct footprint {
    double resident = 0;  ///< bytes
    double heap = 0;      ///< bytes that malloc has given out
};
footprint now() {
    long pages = 0;
    long resident = 0;
    std::ifstream{"/proc/self/statm"} >> pages >> resident;
    auto const m = mallinfo2();
    return {static_cast<double>(resident * sysconf(_SC_PAGESIZE)), static_cast<double>(m.uordblks + m.hblkhd)};
}

/// Runs `work(begin)` in a child; `begin()` is to be called before what counts. What came on top of that, per request.
template <class Work>
footprint grown_by(int count, Work work) {
    int pipe[2];
    if (::pipe(pipe) != 0) std::abort();
    pid_t const child = ::fork();
    if (child == 0) {
        footprint before;
        auto const begin = [&] { before = now(); };
        work(begin);
        auto const after = now();
        footprint const per_request{(after.resident - before.resident) / count, (after.heap - before.heap) / count};
        (void)!::write(pipe[1], &per_request, sizeof per_request);
        ::_exit(0);
    }
    footprint f;
    if (::read(pipe[0], &f, sizeof f) != sizeof f) std::abort();
    ::waitpid(child, nullptr, 0);
    ::close(pipe[0]);
    ::close(pipe[1]);
    return f;
}

footprint bare_memory(int count) {
    return grown_by(count, [count](auto begin) {
        bench::http_server const server{body.size()};
        auto* const bare = new bench::bare_curl{body};  // the process ends with it at work
        bare->run(server.url, 1, 1);
        begin();
        bare->hold(server.held, count, server.reports);
    });
}

footprint coffer_memory(int count) {
    return grown_by(count, [count](auto begin) {
        bench::http_server const server{body.size()};
        auto const content = std::make_shared<std::string const>(body);
        auto* const io = new asio::io_context{1};  // as above
        http::client const client{io->get_executor()};
        asio::co_spawn(*io, ask(client, server.url, content), asio::detached);
        io->run();
        io->restart();
        asio::posix::stream_descriptor reports{*io, server.reports};
        begin();
        for (int i = 0; i < count; ++i) asio::co_spawn(*io, ask(client, server.held, content), asio::detached);
        char bytes[256];
        int reported = 0;
        while (reported < count) {
            bool came = false;
            reports.async_wait(asio::posix::stream_descriptor::wait_read, [&](std::error_code) { came = true; });
            while (!came) io->run_one();
            reported += static_cast<int>(::read(server.reports, bytes, sizeof bytes));
        }
    });
}

void compare_memory(int count, int rounds) {
    std::vector<double> bare;
    std::vector<double> ours;
    std::vector<double> ratios;
    footprint b;
    footprint c;
    for (int i = 0; i < rounds; ++i) {
        b = bare_memory(count);
        c = coffer_memory(count);
        bare.push_back(b.resident);
        ours.push_back(c.resident);
        ratios.push_back(c.resident / b.resident);
    }
    std::printf(
        "%d held open: libcurl %.1f KB, coffer %.1f KB resident per request, ratio %.2f (aim 1.15); of malloc %.0f and "
        "%.0f bytes\n",
        count, median(bare) / 1024, median(ours) / 1024, median(ratios), b.heap, c.heap);
}

}  // namespace

int main(int count, char** arguments) {
    std::string_view const mode = count > 1 ? arguments[1] : "";
    auto const number = [&](int i, int otherwise) { return count > i ? std::atoi(arguments[i]) : otherwise; };
    if (mode == "bare" || mode == "coffer") {
        bench::http_server const server{body.size()};
        double changes = 0;
        curl_global_init(CURL_GLOBAL_DEFAULT);
        auto const spent = mode == "bare" ? bare_cpu(server.url, number(2, 64), number(3, 2000))
                                          : coffer_cpu(server.url, number(2, 64), number(3, 2000), changes);
        std::printf("%.1f us of CPU per request\n", spent);
        return 0;
    }
    if (!mode.empty() && mode != "cpu" && mode != "memory") {
        std::fprintf(stderr,
                     "bench_http_client [cpu [requests] [rounds] | memory [count] [rounds] | "
                     "bare|coffer <concurrency> <requests>]\n");
        return 2;
    }
    rlimit files{};  // 1,000 connections
    getrlimit(RLIMIT_NOFILE, &files);
    files.rlim_cur = files.rlim_max;
    setrlimit(RLIMIT_NOFILE, &files);
    if (mode != "cpu") compare_memory(mode == "memory" ? number(2, 1000) : 1000, mode == "memory" ? number(3, 3) : 3);
    curl_global_init(CURL_GLOBAL_DEFAULT);
    if (mode != "memory") compare_cpu(mode == "cpu" ? number(2, 20'000) : 20'000, mode == "cpu" ? number(3, 5) : 5);
}
