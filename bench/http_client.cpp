// SPDX-License-Identifier: BSL-1.0
// What coffer adds to an HTTP request on loopback, next to bare libcurl in the same run: CPU time of this process per
// request, and memory per request that waits for its answer. See support/modes.hpp for how it is run, and
//
//     bench_http_client memory [held requests = 1000] [rounds = 3]

#include <coffer/coffer.hpp>
#include <coffer/http/curl_client.hpp>
#include <coffer/store/ledger_memory.hpp>

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
#include "support/modes.hpp"

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
                                  std::shared_ptr<std::string const> content, long& left) {
    while (left-- > 0) co_await ask(client, url, content);
}

// The same through the usual policies.

coffer::awaitable<coffer::outcome<int>> post(coffer::attempt& a, http::client client, std::string const& url,
                                             std::shared_ptr<std::string const> content) {
    http::request r{"POST", url, std::move(content)};
    r.headers.add("Content-Type", "application/json").add("Authorization", "Bearer sk-0123456789abcdef");
    auto const answer = co_await client.send(std::move(r), a.deadline());
    if (!answer) co_return coffer::failed(answer.error());
    co_return answer->status;
}

auto guarded_post() {
    using namespace coffer::literals;
    static coffer::in_memory_ledger const ledger;
    auto const bounded = coffer::describe(&post).estimate([](auto const&...) {
        coffer::estimate e;
        e.input_tokens = e.output_tokens = 100;
        e.cost = 0.000001_usd;
        return e;
    });
    return coffer::pipeline{coffer::retry{}, coffer::circuit_breaker{},
                            coffer::rate_limit{{.requests_per_minute = coffer::gcra::most}},
                            coffer::budget{ledger, {.scope = "bench", .limit = 1'000'000'000_usd}}}
        .wrap(bounded);
}

template <class Guarded>
coffer::awaitable<void> ask_guarded(Guarded guarded, http::client client, std::string const& url,
                                    std::shared_ptr<std::string const> content, long& left) {
    auto call = coffer::call::unkeyed();
    while (left-- > 0) {
        auto const status = co_await guarded.try_call(call, client, url, content);
        if (!status || *status != 200) std::abort();
    }
}

std::string const& server_url() {
    static bench::http_server const server{body.size()};
    return server.url;
}

template <int Concurrency>
void bare_requests(long requests) {
    bench::bare_curl{body}.run(server_url(), Concurrency, static_cast<int>(requests));
}
template <int Concurrency>
void client_requests(long requests) {
    auto const content = std::make_shared<std::string const>(body);
    asio::io_context io{1};
    http::client const client{io.get_executor()};
    for (int i = 0; i < Concurrency; ++i)
        asio::co_spawn(io, ask_again(client, server_url(), content, requests), asio::detached);
    io.run();
}
template <int Concurrency>
void guarded_requests(long requests) {
    static auto const guarded = guarded_post();
    auto const content = std::make_shared<std::string const>(body);
    asio::io_context io{1};
    http::client const client{io.get_executor()};
    for (int i = 0; i < Concurrency; ++i)
        asio::co_spawn(io, ask_guarded(guarded, client, server_url(), content, requests), asio::detached);
    io.run();
}

constexpr bench::mode modes[]{
    {"bare_1", bare_requests<1>},
    {"client_1", client_requests<1>},
    {"bare_64", bare_requests<64>},
    {"client_64", client_requests<64>},
    {"guarded_64", guarded_requests<64>},
    {"bare_512", bare_requests<512>, 2000},
    {"client_512", client_requests<512>, 2000},
};

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
    rlimit files{};  // 1,000 connections
    getrlimit(RLIMIT_NOFILE, &files);
    files.rlim_cur = files.rlim_max;
    setrlimit(RLIMIT_NOFILE, &files);
    if (count > 1 && std::string_view{arguments[1]} == "memory") {
        auto const number = [&](int i, int otherwise) { return count > i ? std::atoi(arguments[i]) : otherwise; };
        compare_memory(number(2, 1000), number(3, 3));
        return 0;
    }
    curl_global_init(CURL_GLOBAL_DEFAULT);
    return bench::run(count, arguments, modes);
}
