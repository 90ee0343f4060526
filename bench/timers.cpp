// SPDX-License-Identifier: BSL-1.0
// What timers, timeouts and sleeping calls cost, beside Asio's own.
// See support/modes.hpp for how it is run, and
//
//     bench_timers sleeping N         bytes of memory of a call that sleeps in the backoff of `retry`, N of them
//     bench_timers sleeping_bare N    the same of a coroutine with a timer

#include <coffer/coffer.hpp>

#include <asio/experimental/awaitable_operators.hpp>
#include <asio/io_context.hpp>

#include <sys/syscall.h>
#include <sys/timerfd.h>
#include <unistd.h>

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <memory>
#include <string_view>
#include <vector>

#include "support/modes.hpp"

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

/// `n` repetitions of `once`.
template <class Once>
awaitable<void> repeat(long n, Once once) {
    for (long i = 0; i < n; ++i) co_await once();
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
    for (long i = 0; i < n; ++i) {
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

/// The wheel alone, with a million others in it; `hot`: always the same entry.
template <bool Hot>
void wheel(long n) {
    struct entry final : coffer::timer_entry {};
    struct full {
        coffer::timer_wheel all;
        std::vector<entry> others{1'000'000};
        entry mine;
        full() {
            for (std::size_t i = 0; i < others.size(); ++i) all.add(others[i], i * 7919 % others.size());
        }
    };
    static full one;
    for (long i = 0; i < n; ++i) {
        auto& e = Hot ? one.mine : one.others[static_cast<std::size_t>(i) * 7919 % one.others.size()];
        if (e.in_wheel()) one.all.remove(e);
        one.all.add(e, static_cast<std::uint64_t>(i) * 7919 % one.others.size());
    }
}

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

constexpr bench::mode modes[]{
    {"bare", &in_context<bare>},
    {"or_timer", &in_context<or_timer>},
    {"without_timeout", &in_context<without_timeout>},
    {"timeout", &in_context<timeout_of_operation>},
    {"arm_and_cancel", &in_context<arm_and_cancel>},
    {"asio_arm_and_cancel", &in_context<asio_arm_and_cancel>},
    {"wait_notified", &in_context<wait_notified>},
    {"wheel_same_one", &wheel<true>},
    {"wheel_any_one", &wheel<false>},
};

}  // namespace

int main(int argc, char** argv) {
    std::string_view const mode = argc == 3 ? argv[1] : "";
    if (mode == "sleeping") sleeping_calls(std::atol(argv[2]));
    if (mode == "sleeping_bare") sleeping_bare(std::atol(argv[2]));
    auto const status = bench::run(argc, argv, modes);
    if (!mode.empty() && status == 0)
        std::printf("%.2f timerfd_settime\n",
                    static_cast<double>(timers_set) / static_cast<double>(2 * std::atol(argv[2])));
    return status;
}
