// SPDX-License-Identifier: BSL-1.0
// Many waits in real time behind the one timer of their context: never early, none lost, and none that keeps run().
#include <coffer/time/sleep.hpp>

#include "support/seeds.hpp"
#include "support/simulation.hpp"

#include <gtest/gtest.h>

#include <asio/io_context.hpp>
#include <asio/thread_pool.hpp>

#if defined(__linux__)
#include <sys/syscall.h>
#include <sys/timerfd.h>
#include <unistd.h>
#endif

#include <algorithm>
#include <atomic>
#include <chrono>
#include <memory>
#include <mutex>
#include <optional>
#include <thread>
#include <vector>

namespace {

std::atomic<long> timers_set{0};

}  // namespace

#if defined(__linux__)
// Asio's call of it is this one.
extern "C" int timerfd_settime(int fd, int flags, itimerspec const* to, itimerspec* before) noexcept {
    timers_set.fetch_add(1, std::memory_order_relaxed);
    return static_cast<int>(::syscall(SYS_timerfd_settime, fd, flags, to, before));
}
#endif

namespace timers_test {
namespace {

using namespace coffer;
using namespace std::chrono_literals;
using clock = std::chrono::steady_clock;

struct ended {
    std::optional<wake> why;
    clock::time_point at;
    int times = 0;
};

awaitable<void> wait_and_note(time_point until, wait_list* event, ended& e) {
    auto const executor = co_await asio::this_coro::executor;
    auto const why = co_await wait_until(clock_service::of(executor), until, event);
    e = {why, clock::now(), e.times + 1};
}

template <class Executor>
support::running<void> start(Executor const& executor, time_point until, ended& e, wait_list* event = nullptr) {
    return support::start<void, asio::any_io_executor>(executor, wait_and_note(until, event, e));
}

template <class Work>
clock::duration took(Work const& work) {
    auto const begin = clock::now();
    work();
    return clock::now() - begin;
}

// Far below any timer of these tests, far above what a busy machine needs.
constexpr auto at_once = 30s;

TEST(timers, a_far_one_that_was_cancelled_keeps_no_run) {
    asio::io_context io;
    ended e;
    auto const r = start(io.get_executor(), clock::now() + 5min, e);
    asio::post(io, [&] { r.cancel(); });
    EXPECT_LT(took([&] { io.run(); }), at_once);
    EXPECT_EQ(e.why, wake::cancelled);
}

TEST(timers, a_far_one_that_was_notified_keeps_no_run) {
    asio::io_context io;
    wait_list event;
    ended e;
    start(io.get_executor(), clock::now() + 5min, e, &event);
    asio::post(io, [&] { event.notify_all(); });
    EXPECT_LT(took([&] { io.run(); }), at_once);
    EXPECT_EQ(e.why, wake::notified);
}

TEST(timers, a_thread_pool_joins_when_nobody_waits_any_more) {
    asio::thread_pool pool{2};
    wait_list event;
    std::vector<ended> all(20);
    for (auto& e : all) start(asio::make_strand(pool.get_executor()), clock::now() + 5min, e, &event);
    std::thread teller{[&] { event.notify_all(); }};
    EXPECT_LT(took([&] { pool.join(); }), at_once);
    teller.join();
    for (auto const& e : all) EXPECT_EQ(e.why, wake::notified);
}

TEST(timers, a_wait_keeps_run_until_its_time) {
    asio::io_context io;
    ended e;
    auto const until = clock::now() + 20ms;
    start(io.get_executor(), until, e);
    io.run();
    EXPECT_EQ(e.why, wake::elapsed);
    EXPECT_GE(e.at, until);
}

TEST(timers, a_timer_that_nobody_needs_any_more_harms_no_later_run) {
    asio::io_context io;
    for (auto const next : {clock::duration{2ms}, clock::duration{40ms}, clock::duration{1ms}}) {
        ended abandoned, e;
        auto const r = start(io.get_executor(), clock::now() + 20ms, abandoned);
        asio::post(io, [&] { r.cancel(); });
        io.run();
        io.restart();
        EXPECT_EQ(abandoned.why, wake::cancelled);
        auto const until = clock::now() + next;
        start(io.get_executor(), until, e);
        io.run();
        io.restart();
        EXPECT_EQ(e.why, wake::elapsed);
        EXPECT_GE(e.at, until);
    }
    EXPECT_EQ(io.run(), 0U);
}

TEST(timers, an_earlier_one_is_not_held_up_by_a_later_one) {
    asio::io_context io;
    ended late, early;
    auto const r = start(io.get_executor(), clock::now() + 1h, late);
    io.poll();
    auto const until = clock::now() + 5ms;
    start(io.get_executor(), until, early);
    EXPECT_LT(took([&] {
                  while (early.times == 0) io.run_one();
              }),
              at_once);
    EXPECT_GE(early.at, until);
    r.cancel();
    io.run();
    EXPECT_EQ(late.why, wake::cancelled);
}

TEST(timers, a_time_that_has_passed_ends_at_once_but_not_in_place) {
    asio::io_context io;
    bool begun = false;
    bool over = false;
    auto const wait = [](bool& first, bool& last) -> awaitable<void> {
        auto const executor = co_await asio::this_coro::executor;
        asio::post(executor, [&] { first = !last; });
        for (auto const past : {time_point{}, time_point::min(), clock::now() - 1h, clock::now()})
            co_await wait_until(clock_service::of(executor), past);
        last = true;
    };
    asio::co_spawn(io, wait(begun, over), asio::detached);
    EXPECT_LT(took([&] { io.run(); }), at_once);
    EXPECT_TRUE(begun) << "what was posted before came before";
    EXPECT_TRUE(over);
}

TEST(timers, end_in_the_order_of_their_ticks_and_of_arrival) {
    asio::io_context io;
    std::vector<int> order;
    auto const wait = [](time_point until, int id, std::vector<int>& list) -> awaitable<void> {
        co_await sleep_until(until);
        list.push_back(id);
    };
    auto const base = std::chrono::ceil<std::chrono::milliseconds>(clock::now()) + 500ms;
    for (int id = 0; id < 100; ++id)
        asio::co_spawn(io, wait(base + std::chrono::milliseconds{id % 10}, (id % 10) * 100 + id, order),
                       asio::detached);
    io.run();
    EXPECT_EQ(order.size(), 100U);
    EXPECT_TRUE(std::is_sorted(order.begin(), order.end()));
}

TEST(timers, a_strand_that_is_busy_keeps_nobody_else_waiting) {
    asio::thread_pool pool{2};
    auto const strand = asio::make_strand(pool.get_executor());
    ended on_strand;
    std::atomic<bool> told{false};
    std::atomic<bool> gave_up{false};
    // The context's timer is set by a wait on the strand, and then the strand is blocked until the other one has ended.
    start(strand, clock::now() + 1ms, on_strand);
    asio::post(strand, [&] {
        for (auto const until = clock::now() + at_once; !told && !gave_up; std::this_thread::yield())
            gave_up = clock::now() > until;
    });
    auto const other = [](std::atomic<bool>& t) -> awaitable<void> {
        co_await sleep_for(5ms);
        t = true;
    };
    asio::co_spawn(pool, other(told), asio::detached);
    pool.join();
    EXPECT_FALSE(gave_up.load());
    EXPECT_EQ(on_strand.times, 1);
}

TEST(timers, a_context_that_goes_takes_all_waits_and_its_timer_along) {
    for (auto const seed : support::each_seed(support::seeds(50))) {
        support::dice dice{seed};
        wait_list event;
        std::vector<ended> all(static_cast<std::size_t>(dice.below(20)) + 1);
        {
            asio::io_context io;
            for (auto& e : all)
                start(io.get_executor(), dice.one_in(3) ? time_point::max() : clock::now() + 1us * dice.below(3000), e,
                      &event);
            for (auto n = dice.below(30); n > 0; --n) io.poll_one();
        }
        event.notify_all();
        for (auto const& e : all) ASSERT_LE(e.times, 1);
    }
}

// A new context may lie where the one before did, whose timer was set.
TEST(timers, contexts_one_after_the_other_in_one_place_know_nothing_of_each_other) {
    std::optional<asio::io_context> io;
    for (int i = 0; i < 50; ++i) {
        io.emplace();
        ended abandoned, e;
        auto const r = start(io->get_executor(), clock::now() + (i % 2 == 0 ? 5min : 1ms), abandoned);
        io->poll();
        io->restart();  // the first may have ended by now, and all work with it
        auto const until = clock::now() + 1ms;
        start(io->get_executor(), until, e);
        while (e.times == 0) io->run_one();
        ASSERT_GE(e.at, until);
        io.reset();
    }
}

#if defined(__linux__)
TEST(timers, thousands_cost_a_system_call_or_two_for_a_tick) {
    asio::io_context io;
    std::vector<ended> all(20'000);
    auto const begin = clock::now();
    auto const before = timers_set.load();
    for (std::size_t i = 0; i < all.size(); ++i)
        start(io.get_executor(), begin + 1us * (200'000 - static_cast<std::int64_t>(i) * 10), all[i]);  // ever earlier
    io.run();
    for (auto const& e : all) ASSERT_EQ(e.why, wake::elapsed);
    auto const ticks = (clock::now() - begin) / 1ms + 1;
    // Asio sets the timer once when it fires, and once when it is asked to. In the worst case it is set anew once besides.
    EXPECT_LE(timers_set.load() - before, 3 * ticks);
    EXPECT_LT(timers_set.load() - before, 10'000) << "of twenty thousand timers";
}

TEST(timers, setting_and_cancelling_costs_no_system_call) {
    asio::io_context io;
    auto const work = [](long& calls) -> awaitable<void> {
        auto const executor = co_await asio::this_coro::executor;
        auto& service = clock_service::of(executor);
        wait_list over;
        over.notify_all();
        co_await wait_until(service, clock::now() + 5min, &over);
        auto const before = timers_set.load();
        for (int i = 0; i < 10'000; ++i) co_await wait_until(service, clock::now() + 5min, &over);
        calls = timers_set.load() - before;
    };
    long calls = -1;
    asio::co_spawn(io, work(calls), asio::detached);
    EXPECT_LT(took([&] { io.run(); }), at_once);
    EXPECT_EQ(calls, 0);
}
#endif

// Threads: waits begin, are notified, elapse and are cancelled in several contexts at once, by anybody.
TEST(timers_threads, none_is_early_lost_or_ended_twice) {
    constexpr int coroutines = 40, each = 100;
    std::atomic<int> ends[3] = {};
    std::atomic<int> early{0};
    wait_list events[64];
    auto const work = [](int id, wait_list* all, std::atomic<int>* count,
                         std::atomic<int>& too_early) -> awaitable<void> {
        support::dice dice{static_cast<std::uint64_t>(id) + 1};
        auto const executor = co_await asio::this_coro::executor;
        auto& service = clock_service::of(executor);
        for (int i = 0; i < each; ++i) {
            auto const until = dice.one_in(10) ? time_point::max() : clock::now() + 1us * dice.below(2500);
            auto& event = all[until == time_point::max() ? dice.below(8) : dice.below(64)];
            auto const why = co_await wait_until(service, until, &event);
            if (why == wake::elapsed && clock::now() < until) ++too_early;
            ++count[static_cast<int>(why)];
        }
    };
    {
        asio::thread_pool one{2}, two{1};
        for (int i = 0; i < coroutines; ++i) {
            auto const executor = i % 3 == 0   ? asio::any_io_executor{one.get_executor()}
                                  : i % 3 == 1 ? asio::any_io_executor{asio::make_strand(one.get_executor())}
                                               : asio::any_io_executor{two.get_executor()};
            asio::co_spawn(executor, work(i, events, ends, early), asio::detached);
        }
        std::thread teller{[&] {
            // One after the other, as the others get on, or do not because they wait for this.
            int i = 0;
            for (auto& event : events) {
                auto const begin = clock::now();
                while (ends[0] + ends[1] < 50 * i && clock::now() < begin + 3ms) std::this_thread::yield();
                event.notify_all();
                ++i;
            }
        }};
        teller.join();
        one.join();
        two.join();
    }
    EXPECT_EQ(ends[0] + ends[1], coroutines * each);
    EXPECT_GT(ends[0].load(), 0);
    EXPECT_GT(ends[1].load(), 0);
    EXPECT_EQ(early.load(), 0);
}

TEST(timers_threads, a_context_may_go_while_others_notify) {
    for (auto const seed : support::each_seed(support::seeds(100))) {
        support::dice dice{seed};
        wait_list event;
        std::vector<ended> all(30);
        std::optional<asio::thread_pool> pool{std::in_place, 2};
        for (auto& e : all)
            start(asio::make_strand(pool->get_executor()), clock::now() + 1us * dice.below(3000), e, &event);
        std::thread teller{[&] { event.notify_all(); }};
        pool->stop();
        pool.reset();
        teller.join();
        for (auto const& e : all) ASSERT_LE(e.times, 1);
    }
}

}  // namespace
}  // namespace timers_test
