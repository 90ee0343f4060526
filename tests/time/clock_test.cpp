// SPDX-License-Identifier: BSL-1.0
// The clock of a context, found through any executor; real time.
#include <coffer/time/clock_service.hpp>
#include <coffer/time/sleep.hpp>

#include "support/simulation.hpp"

#include <asio/system_executor.hpp>
#include <asio/thread_pool.hpp>

#include <gtest/gtest.h>

#include <atomic>
#include <memory>
#include <optional>
#include <thread>
#include <vector>

namespace clock_test {
namespace {

using namespace coffer;
using namespace std::chrono_literals;

static_assert(later(time_point{}, 5s) == time_point{5s});
static_assert(later(time_point{1s}, duration::max()) == time_point::max());
static_assert(later(time_point::max(), 1ns) == time_point::max());
static_assert(later(time_point{1s}, duration{-2s}) == time_point{-1s});
static_assert(later(time_point{-1s}, duration::max()) == time_point{duration::max() - 1s});
static_assert(later(time_point{1s}, duration::min()) == time_point{duration::min() + 1s});

// The service --------------------------------------------------------------------------------------------------------------

TEST(clock_service, is_one_for_every_executor_of_a_context) {
    asio::io_context io;
    auto& service = clock_service::of(io.get_executor());
    EXPECT_EQ(&clock_service::of(asio::any_io_executor{io.get_executor()}), &service);
    EXPECT_EQ(&clock_service::of(asio::make_strand(io)), &service);
    EXPECT_EQ(&clock_service::of(asio::any_io_executor{asio::make_strand(io)}), &service);
    EXPECT_EQ(&clock_service::of(asio::make_strand(asio::any_io_executor{io.get_executor()})), &service);
    asio::thread_pool pool{1};
    EXPECT_NE(&clock_service::of(pool.get_executor()), &service);
    EXPECT_EQ(clock_service::of(pool.get_executor()).clock(), service.clock()) << "real time is one for the process";
    EXPECT_EQ(clock_service::of(asio::system_executor{}).clock(), real_clock::instance());
    EXPECT_EQ(service.clock().get(), &service.borrowed_clock());
}

TEST(clock_service, of_a_context_that_lies_where_another_one_did_is_its_own) {
    std::optional<asio::io_context> io;
    for (int i = 0; i < 10; ++i) {
        io.emplace();
        auto const its_own = std::make_shared<coffer::testing::virtual_clock>(1);
        clock_service::of(io->get_executor()).install(its_own);
        EXPECT_EQ(&clock_service::of(asio::make_strand(*io)).borrowed_clock(), its_own.get());
        EXPECT_EQ(&clock_service::of(io->get_executor()).borrowed_clock(), its_own.get());
    }
}

TEST(clock_service, gives_the_clock_that_was_installed) {
    asio::io_context io;
    auto& service = clock_service::of(io.get_executor());
    auto const virtual_one = std::make_shared<coffer::testing::virtual_clock>();
    service.install(virtual_one);
    EXPECT_EQ(service.clock(), virtual_one);
    EXPECT_EQ(&service.borrowed_clock(), virtual_one.get());
}

TEST(real_clock, is_the_systems) {
    auto& clock = *real_clock::instance();
    auto const before = std::chrono::steady_clock::now();
    auto const now = clock.now();
    auto const after = std::chrono::steady_clock::now();
    EXPECT_LE(before, now);
    EXPECT_LE(now, after);
    EXPECT_LT(std::chrono::abs(clock.wall_now() - std::chrono::system_clock::now()), 1min);
}

TEST(outside_work, counts_what_lives) {
    struct counting final : coffer::clock {
        counting() : clock{1} {}
        int at_work = 0;
        time_point now() const noexcept override { return {}; }
        wall_time_point wall_now() const noexcept override { return {}; }
        bool begin_wait(std::shared_ptr<pending_wait> const&, time_point) override { return false; }
        void begin_outside_work() noexcept override { ++at_work; }
        void end_outside_work() noexcept override { --at_work; }
    };
    auto const clock = std::make_shared<counting>();
    {
        outside_work one{clock};
        EXPECT_EQ(clock->at_work, 1);
        auto two = one;
        EXPECT_EQ(clock->at_work, 2);
        auto const three = std::move(two);
        EXPECT_EQ(clock->at_work, 2);
        two = one;
        EXPECT_EQ(clock->at_work, 3);
        one = outside_work{nullptr};
        EXPECT_EQ(clock->at_work, 2);
    }
    EXPECT_EQ(clock->at_work, 0);
}

// Real time ----------------------------------------------------------------------------------------------------------------

awaitable<duration> measure(duration d, std::atomic<int>& elapsed) {
    auto const begin = std::chrono::steady_clock::now();
    auto const why = co_await sleep_for(d);
    if (why == wake::elapsed) ++elapsed;
    co_return std::chrono::steady_clock::now() - begin;
}

TEST(real_time, sleeps_on_an_io_context_and_run_returns_when_nothing_sleeps) {
    asio::io_context io;
    std::atomic<int> elapsed{0};
    auto const r = support::start<duration, asio::any_io_executor>(io.get_executor(), measure(10ms, elapsed));
    io.run();
    EXPECT_GE(r.get(), 10ms);
    EXPECT_EQ(elapsed.load(), 1);
}

TEST(real_time, sleeps_on_a_thread_pool_and_on_strands_of_it) {
    asio::thread_pool pool{2};
    std::atomic<int> elapsed{0};
    std::vector<support::running<duration>> all;
    for (int i = 0; i < 10; ++i) {
        all.push_back(support::start<duration, asio::any_io_executor>(pool.get_executor(), measure(5ms, elapsed)));
        all.push_back(support::start<duration, asio::any_io_executor>(asio::make_strand(pool.get_executor()),
                                                                      measure(5ms, elapsed)));
    }
    pool.join();
    EXPECT_EQ(elapsed.load(), 20);
    for (auto const& r : all) EXPECT_GE(r.get(), 5ms);
}

TEST(real_time, a_wait_of_another_executor_type_resumes_on_it) {
    using executor_type = asio::io_context::executor_type;
    asio::io_context io;
    auto const sleep = [](clock_service& service) -> awaitable<bool, executor_type> {
        auto const why = co_await sleep_for<executor_type>(1ms);
        auto const again = co_await wait_until<executor_type>(service, service.clock()->now() + 1ms);
        auto const executor = co_await asio::this_coro::executor;
        co_return why == wake::elapsed&& again == wake::elapsed&& executor.running_in_this_thread();
    };
    auto const r = support::start<bool, executor_type>(io.get_executor(), sleep(clock_service::of(io.get_executor())));
    io.run();
    EXPECT_TRUE(r.get());
}

TEST(real_time, a_coroutine_on_a_strand_resumes_on_its_strand) {
    asio::thread_pool pool{3};
    auto const strand = asio::make_strand(pool.get_executor());
    std::atomic<int> inside{0};
    std::atomic<bool> overlapped{false};
    auto const work = [](std::atomic<int>& in, std::atomic<bool>& both) -> awaitable<void> {
        for (int i = 0; i < 20; ++i) {
            co_await sleep_for(100us);
            if (in.fetch_add(1) != 0) both = true;
            std::this_thread::yield();
            in.fetch_sub(1);
        }
    };
    for (int i = 0; i < 6; ++i) asio::co_spawn(strand, work(inside, overlapped), asio::detached);
    pool.join();
    EXPECT_FALSE(overlapped.load());
}

}  // namespace
}  // namespace clock_test
