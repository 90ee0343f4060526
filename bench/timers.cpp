// SPDX-License-Identifier: BSL-1.0
// What timers, timeouts and sleeping calls cost, beside Asio's own.
//
//     bench_timers MODE N   runs MODE N times; prints allocations and timerfd_settime calls for each, over the second half
//     bench_timers          lists the modes
//
// Instructions are counted from outside, as for bench_walk: valgrind --tool=callgrind for N and for 2N, the difference
// divided by N. The modes `sleeping` and `sleeping_bare` print the bytes of one sleeping call instead; `wheel` its nanoseconds.

#include <coffer/coffer.hpp>

#include <asio/experimental/awaitable_operators.hpp>
#include <asio/io_context.hpp>

#include <sys/syscall.h>
#include <sys/timerfd.h>
#include <unistd.h>

#include <array>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <memory>
#include <string_view>
#include <vector>

#include "support/allocations.hpp"

namespace {

long timers_set = 0;

}  // namespace

// Asio's call of it is this one.
extern "C" int timerfd_settime(int fd, int flags, itimerspec const* to, itimerspec* before) noexcept {
    ++timers_set;
    return static_cast<int>(::syscall(SYS_timerfd_settime, fd, flags, to, before));
}

namespace {

using namespace std::chrono_literals;
using coffer::awaitable;
using clock = std::chrono::steady_clock;

/// An operation that takes a turn of the context.
awaitable<int> operation(int const& x) {
    auto const executor = co_await asio::this_coro::executor;
    co_await asio::post(executor, asio::use_awaitable);
    co_return x + 1;
}

/// Allocations and system calls over the second half of `n` repetitions; printed at the end.
class counted {
public:
    explicit counted(long n) noexcept : half_{static_cast<double>(n - n / 2)} {}
    counted(counted const&) = delete;
    ~counted() {
        std::printf("%.2f allocations, %.4f timerfd_settime\n",
                    static_cast<double>(allocations.load() - before_) / half_,
                    static_cast<double>(timers_set - set_before_) / half_);
    }
    void begin() noexcept { before_ = allocations.load(), set_before_ = timers_set; }

private:
    double half_;
    long before_ = 0;
    long set_before_ = 0;
};

/// `n` repetitions of `once`.
template <class Once>
awaitable<void> repeat(long n, Once once) {
    counted count{n};
    for (long i = 0; i < n; ++i) {
        if (i == n / 2) count.begin();
        co_await once();
    }
}

awaitable<void> bare(long n) {
    auto const once = []() -> awaitable<void> {
        int const x = 3;
        (void)co_await operation(x);
    };
    co_await repeat(n, once);
}

/// The user's own way: the operation or a timer, whichever is first.
awaitable<void> or_timer(long n) {
    using namespace asio::experimental::awaitable_operators;
    asio::steady_timer timer{co_await asio::this_coro::executor};
    auto const once = [&timer]() -> awaitable<void> {
        int const x = 3;
        timer.expires_after(5min);
        (void)co_await (operation(x) || timer.async_wait(asio::use_awaitable));
    };
    co_await repeat(n, once);
}

template <class Wrapped>
awaitable<void> through(long n, Wrapped ask) {
    auto call = coffer::call::unkeyed();
    auto const once = [&]() -> awaitable<void> {
        int const x = 3;
        (void)co_await ask.try_call(call, x);
    };
    co_await repeat(n, once);
}

/// A wait that resumes nobody: what arming and cancelling costs by itself.
class bare_wait final : public coffer::pending_wait {
public:
    using pending_wait::pending_wait;

private:
    void resume(coffer::wake) noexcept override {}
    void discard() noexcept override {}
};

awaitable<void> arm_and_cancel(long n) {
    auto const executor = co_await asio::this_coro::executor;
    auto& service = coffer::clock_service::of(executor);
    auto& time = service.borrowed_clock();
    counted count{n};
    for (long i = 0; i < n; ++i) {
        if (i == n / 2) count.begin();
        auto const wait = std::make_shared<bare_wait>(service.waits());
        (void)time.begin_wait(wait, time.now() + 5min);
        wait->finish(coffer::wake::cancelled);
    }
}

/// By hand: a timer that is set and cancelled, and its handler runs.
awaitable<void> asio_arm_and_cancel(long n) {
    auto const executor = co_await asio::this_coro::executor;
    asio::steady_timer timer{executor};
    auto const once = [&]() -> awaitable<void> {
        timer.expires_after(5min);
        timer.async_wait([](std::error_code const&) {});
        timer.cancel();
        co_await asio::post(executor, asio::use_awaitable);
    };
    co_await repeat(n, once);
}

/// A coroutine's wait that is notified, and the coroutine goes on.
awaitable<void> wait_notified(long n) {
    auto const executor = co_await asio::this_coro::executor;
    auto& service = coffer::clock_service::of(executor);
    auto const once = [&]() -> awaitable<void> {
        coffer::wait_list over{coffer::wait_list::already_notified};
        co_await coffer::wait_until(service, clock::now() + 5min, &over);
    };
    co_await repeat(n, once);
}

// Sleeping calls --------------------------------------------------------------------------------------------------------------

long resident_bytes() {
    std::ifstream statm{"/proc/self/statm"};
    long total = 0;
    long resident = 0;
    statm >> total >> resident;
    return resident * ::sysconf(_SC_PAGESIZE);
}

awaitable<void> sleeper_bare() {
    asio::steady_timer timer{co_await asio::this_coro::executor, 1h};
    co_await timer.async_wait(asio::use_awaitable);
}

awaitable<coffer::outcome<int>> overloaded(int const&) { co_return coffer::failed(coffer::fault_kind::overloaded); }

template <class Start>
void sleeping(long n, Start start) {
    asio::io_context io{1};
    start(io, 100);  // what is there only once
    io.poll();
    auto const before = resident_bytes();
    start(io, n);
    io.poll();
    auto const after = resident_bytes();
    std::printf("%.0f bytes for each of %ld\n", static_cast<double>(after - before) / static_cast<double>(n), n);
    std::fflush(stdout);
    std::_Exit(0);
}

void sleeping_bare(long n) {
    sleeping(n, [](asio::io_context& io, long count) {
        for (long i = 0; i < count; ++i) asio::co_spawn(io, sleeper_bare(), asio::detached);
    });
}

/// A call asleep in the backoff of `retry`.
template <class Ask>
awaitable<void> sleeper(Ask const& ask) {
    auto call = coffer::call::unkeyed(5h);
    int const x = 3;
    (void)co_await ask.try_call(call, x);
}
void sleeping_calls(long n) {
    static coffer::retry const patient{
        {.schedule = coffer::backoff{coffer::growth::constant, coffer::jitter::none, 1h, 1h}}};
    static auto const ask = coffer::pipeline{patient}.wrap(&overloaded);
    sleeping(n, [](asio::io_context& io, long count) {
        for (long i = 0; i < count; ++i) asio::co_spawn(io, sleeper(ask), asio::detached);
    });
}

/// The wheel alone, with a million others in it.
void wheel(long n) {
    struct entry final : coffer::timer_entry {};
    coffer::timer_wheel all;
    std::vector<entry> others(1'000'000);
    for (std::size_t i = 0; i < others.size(); ++i) all.add(others[i], i * 7919 % 1'000'000);
    entry mine;
    for (int hot = 1; hot >= 0; --hot) {
        auto const begin = clock::now();
        for (long i = 0; i < n; ++i) {
            auto& e = hot == 1 ? mine : others[static_cast<std::size_t>(i) * 7919 % others.size()];
            if (e.in_wheel()) all.remove(e);
            all.add(e, static_cast<std::uint64_t>(i) * 7919 % 1'000'000);
        }
        auto const took = clock::now() - begin;
        std::printf("%.1f ns %s\n", std::chrono::duration<double, std::nano>(took).count() / static_cast<double>(n),
                    hot == 1 ? "the same one" : "any one");
    }
}

struct mode {
    std::string_view name;
    void (*run)(long);
};

template <awaitable<void> (*Work)(long)>
void in_context(long n) {
    asio::io_context io{1};
    asio::co_spawn(io, Work(n), asio::detached);
    io.run();
}

awaitable<void> timeout_of_operation(long n) {
    return through(n, coffer::pipeline{coffer::timeout{5min}}.wrap(&operation));
}
awaitable<void> without_timeout(long n) { return through(n, coffer::pipeline{}.wrap(&operation)); }

constexpr std::array modes{
    mode{"bare", &in_context<bare>},
    mode{"or_timer", &in_context<or_timer>},
    mode{"without_timeout", &in_context<without_timeout>},
    mode{"timeout", &in_context<timeout_of_operation>},
    mode{"arm_and_cancel", &in_context<arm_and_cancel>},
    mode{"asio_arm_and_cancel", &in_context<asio_arm_and_cancel>},
    mode{"wait_notified", &in_context<wait_notified>},
    mode{"sleeping_bare", &sleeping_bare},
    mode{"sleeping", &sleeping_calls},
    mode{"wheel", &wheel},
};

}  // namespace

int main(int argc, char** argv) {
    if (argc == 3) {
        for (auto const& m : modes) {
            if (m.name != argv[1]) continue;
            m.run(std::atol(argv[2]));
            return 0;
        }
    }
    for (auto const& m : modes) std::printf("%.*s\n", static_cast<int>(m.name.size()), m.name.data());
    return argc == 1 ? 0 : 2;
}
