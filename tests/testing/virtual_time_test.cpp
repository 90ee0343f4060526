// SPDX-License-Identifier: BSL-1.0
#include <coffer/testing/virtual_time.hpp>
#include <coffer/time/completion.hpp>

#include "support/simulation.hpp"

#include <asio/steady_timer.hpp>

#include <gtest/gtest.h>

#include <atomic>
#include <chrono>
#include <semaphore>
#include <thread>
#include <vector>

namespace virtual_time_test {
namespace {

using namespace coffer;
using namespace std::chrono_literals;
using support::simulation;

awaitable<void> sleep_and_note(duration d, simulation& sim, std::vector<duration>& times) {
    auto const begin = sim.time.now();
    co_await sleep_for(d);
    times.push_back(sim.time.now() - begin);
}

TEST(virtual_time, hours_pass_in_no_time) {
    simulation sim;
    auto const real = std::chrono::steady_clock::now();
    std::vector<duration> times;
    sim.run(sleep_and_note(1000h, sim, times));
    EXPECT_EQ(times, std::vector<duration>{1000h});
    EXPECT_LT(std::chrono::steady_clock::now() - real, 10s);
}

TEST(virtual_time, stands_still_while_something_is_ready) {
    simulation sim;
    auto const begin = sim.time.now();
    auto const busy = [](simulation& s) -> awaitable<time_point> {
        auto const executor = co_await asio::this_coro::executor;
        for (int i = 0; i < 100; ++i) co_await asio::post(executor, asio::use_awaitable);
        co_return s.time.now();
    };
    std::vector<duration> times;
    sim.start(sleep_and_note(1s, sim, times));
    auto const r = sim.start(busy(sim));
    sim.time.run();
    EXPECT_EQ(r.get(), begin);
    EXPECT_EQ(times, std::vector<duration>{1s});
}

TEST(virtual_time, goes_from_one_wait_to_the_next_in_order) {
    simulation sim;
    auto const begin = sim.time.now();
    std::vector<duration> ends;
    auto const note = [](duration d, simulation& s, time_point from, std::vector<duration>& list) -> awaitable<void> {
        co_await sleep_for(d);
        list.push_back(s.time.now() - from);
    };
    for (auto const d : {5s, 1s, 3s, 1s}) sim.start(note(d, sim, begin, ends));
    sim.time.run();
    EXPECT_EQ(ends, (std::vector<duration>{1s, 1s, 3s, 5s}));
    EXPECT_EQ(sim.time.now(), begin + 5s);
}

TEST(virtual_time, run_for_does_what_is_due_and_moves_the_clock_by_that_much) {
    simulation sim;
    auto const begin = sim.time.now();
    std::vector<duration> times;
    sim.start(sleep_and_note(1s, sim, times));
    sim.start(sleep_and_note(2s, sim, times));
    sim.start(sleep_and_note(2001ms, sim, times));
    sim.time.run_for(2s);
    EXPECT_EQ(times, (std::vector<duration>{1s, 2s})) << "what is due at the end is due";
    EXPECT_EQ(sim.time.now(), begin + 2s);
    sim.time.run_for(0s);
    EXPECT_EQ(times.size(), 2U);
    sim.time.run_for(1h);
    EXPECT_EQ(times.size(), 3U);
    EXPECT_EQ(sim.time.now(), begin + 1h + 2s);
    sim.time.run_for(duration::max());
    EXPECT_EQ(sim.time.now(), time_point::max());
}

TEST(virtual_time, a_wait_that_was_notified_does_not_pull_the_clock_along) {
    simulation sim;
    auto const begin = sim.time.now();
    completion<int> const done;
    auto const wait = [](simulation& s, completion<int> c) -> awaitable<wake> {
        co_return co_await c.wait(s.service(), s.time.now() + 1h);
    };
    auto const r = sim.start(wait(sim, done));
    sim.io.poll();
    done.set(1);
    sim.time.run();
    EXPECT_EQ(r.get(), wake::notified);
    EXPECT_EQ(sim.time.now(), begin);
}

TEST(virtual_time, the_wall_clock_goes_with_it) {
    simulation sim;
    auto const wall = sim.time.clock()->wall_now();
    sim.time.run_for(36h);
    EXPECT_EQ(sim.time.clock()->wall_now() - wall, 36h);
}

TEST(virtual_time, waits_for_what_works_outside) {
    simulation sim;
    auto const begin = sim.time.now();
    completion<int> const done;
    std::binary_semaphore may_finish{0};
    outside_work work{sim.time.clock()};
    std::thread outside{[&, held = std::move(work)]() mutable {
        may_finish.acquire();
        done.set(7);
        auto const last = std::move(held);  // given back after the result
    }};
    auto const wait = [](simulation& s, completion<int> c, std::binary_semaphore& go) -> awaitable<wake> {
        go.release();
        co_return co_await c.wait(s.service(), s.time.now() + 1s);
    };
    auto const r = sim.start(wait(sim, done, may_finish));
    sim.time.run();
    outside.join();
    EXPECT_EQ(r.get(), wake::notified) << "time passed a commit";
    EXPECT_EQ(sim.time.now(), begin);
}

TEST(virtual_time, many_outside_workers_hold_it_together) {
    for (int round = 0; round < 50; ++round) {
        simulation sim;
        auto const begin = sim.time.now();
        constexpr int n = 4;
        std::vector<completion<int>> done(n);
        std::vector<std::thread> threads;
        std::vector<support::running<wake>> waits;
        auto const wait = [](simulation& s, completion<int> c) -> awaitable<wake> {
            co_return co_await c.wait(s.service(), s.time.now() + 1s);
        };
        for (auto const& d : done) {
            waits.push_back(sim.start(wait(sim, d)));
            threads.emplace_back([d, held = outside_work{sim.time.clock()}]() mutable {
                std::this_thread::yield();
                d.set(1);
                auto const last = std::move(held);
            });
        }
        sim.time.run();
        for (auto& t : threads) t.join();
        for (auto const& w : waits) ASSERT_EQ(w.get(), wake::notified);
        ASSERT_EQ(sim.time.now(), begin);
    }
}

TEST(virtual_time, runs_again_after_it_has_run_dry) {
    simulation sim;
    std::vector<duration> times;
    sim.time.run();
    sim.run(sleep_and_note(1s, sim, times));
    sim.run(sleep_and_note(2s, sim, times));
    EXPECT_EQ(times, (std::vector<duration>{1s, 2s}));
}

// One seed is one run: who draws what, and when everything happens.
std::vector<std::pair<std::uint64_t, time_point>> one_run(std::uint64_t seed) {
    simulation sim{seed};
    std::vector<std::pair<std::uint64_t, time_point>> drawn;
    auto const wander = [](simulation& s, std::vector<std::pair<std::uint64_t, time_point>>& list) -> awaitable<void> {
        for (int i = 0; i < 20; ++i) {
            auto const bits = s.time.clock()->random().next();
            list.emplace_back(bits, s.time.now());
            co_await sleep_for(std::chrono::milliseconds(bits % 1000));
        }
    };
    for (int i = 0; i < 5; ++i) sim.start(wander(sim, drawn));
    sim.time.run();
    return drawn;
}

TEST(virtual_time, one_seed_is_one_run) {
    EXPECT_EQ(one_run(1), one_run(1));
    EXPECT_EQ(one_run(77), one_run(77));
    EXPECT_NE(one_run(1), one_run(2));
    EXPECT_EQ(one_run(1).size(), 100U);
}

}  // namespace
}  // namespace virtual_time_test
