// SPDX-License-Identifier: BSL-1.0
// Results that many await, from many threads, on many contexts, some of which go before or after the result.
#include <coffer/time/completion.hpp>

#include "support/seeds.hpp"
#include "support/simulation.hpp"

#include <asio/thread_pool.hpp>

#include <gtest/gtest.h>

#include <algorithm>
#include <atomic>
#include <latch>
#include <memory>
#include <string>
#include <thread>
#include <vector>

namespace completion_test {
namespace {

using namespace coffer;
using namespace std::chrono_literals;
using support::simulation;

template <class T>
awaitable<wake> await(completion<T> done, time_point until) {
    auto const executor = co_await asio::this_coro::executor;
    co_return co_await done.wait(clock_service::of(executor), until);
}

// The value --------------------------------------------------------------------------------------------------------------

TEST(completion, the_first_result_stands) {
    completion<std::string> const done;
    EXPECT_EQ(done.get(), nullptr);
    EXPECT_TRUE(done.set("first"));
    EXPECT_FALSE(done.set("second"));
    ASSERT_NE(done.get(), nullptr);
    EXPECT_EQ(*done.get(), "first");
    auto const copy = done;
    EXPECT_EQ(copy.get(), done.get()) << "copies are handles of one result";
}

TEST(completion, may_be_ready_from_the_beginning) {
    simulation sim;
    auto const done = completion<int>::ready(7);
    EXPECT_EQ(sim.run(await(done, time_point::max())), wake::notified);
    EXPECT_EQ(*done.get(), 7);
}

TEST(completion, takes_values_that_can_only_be_moved) {
    completion<std::unique_ptr<int>> const done;
    EXPECT_TRUE(done.set(std::make_unique<int>(3)));
    EXPECT_EQ(**done.get(), 3);
}

TEST(completion, a_wait_may_end_before_the_result_and_the_next_one_gets_it) {
    simulation sim;
    completion<int> const done;
    EXPECT_EQ(sim.run(await(done, sim.time.now() + 1s)), wake::elapsed);
    EXPECT_EQ(done.get(), nullptr);
    auto const r = sim.start(await(done, time_point::max()));
    sim.io.poll();
    done.set(1);
    sim.time.run();
    EXPECT_EQ(r.get(), wake::notified);
}

// Many waiters on several contexts -----------------------------------------------------------------------------------------

TEST(completion, wakes_everybody_on_their_own_contexts) {
    completion<int> const done;
    std::vector<std::unique_ptr<simulation>> sims;
    std::vector<support::running<wake>> waits;
    for (int s = 0; s < 3; ++s) {
        sims.push_back(std::make_unique<simulation>());
        for (int i = 0; i < 10; ++i) waits.push_back(sims.back()->start(await(done, time_point::max())));
        sims.back()->io.poll();
    }
    done.set(1);
    for (auto const& w : waits) EXPECT_FALSE(w.over()) << "resumed by the setter, and not by its own context";
    for (auto const& s : sims) s->time.run();
    for (auto const& w : waits) EXPECT_EQ(w.get(), wake::notified);
}

TEST(completion, outlives_a_context_that_waited_for_it) {
    completion<int> const done;
    simulation stays;
    auto const lasting = stays.start(await(done, time_point::max()));
    stays.io.poll();
    auto going = std::make_unique<simulation>();
    auto const gone = going->start(await(done, going->time.now() + 1h));
    going->io.poll();
    going.reset();
    done.set(1);
    stays.time.run();
    EXPECT_EQ(lasting.get(), wake::notified);
    EXPECT_FALSE(gone.over());
}

TEST(completion, may_go_before_its_waiters) {
    simulation sim;
    auto done = std::make_unique<completion<int>>();
    auto const until = sim.time.now() + 1s;
    auto const r = sim.start(done->wait(sim.service(), until));  // the handle is not kept by the wait
    sim.io.poll();
    done.reset();
    sim.time.run();
    EXPECT_EQ(r.get(), wake::elapsed);
}

// Random orders of: set, shut a context down, drop the last handle, let time pass, cancel.
TEST(completion, random_lifetimes_touch_nothing_that_is_gone) {
    for (auto const seed : support::each_seed(support::seeds(2))) {
        support::dice dice{seed};
        auto done = std::make_unique<completion<int>>();
        std::vector<std::unique_ptr<simulation>> sims;
        std::vector<support::running<wake>> waits;
        for (int s = 0; s < 2; ++s) {
            sims.push_back(std::make_unique<simulation>(seed));
            for (auto n = dice.below(4); n > 0; --n) {
                auto const until =
                    dice.one_in(2) ? time_point::max() : sims.back()->time.now() + std::chrono::seconds(dice.below(3));
                waits.push_back(sims.back()->start(await(*done, until)));
            }
        }
        for (int step = 0; step < 6; ++step) {
            auto& sim = sims[dice.below(sims.size())];
            switch (dice.below(6)) {
                case 0:
                    if (done) done->set(1);
                    break;
                case 1: sim.reset(); break;
                case 2: done.reset(); break;
                case 3:
                    if (sim) sim->time.run_for(1s);
                    break;
                case 4:
                    if (sim) sim->io.poll();
                    break;
                case 5:
                    // A cancellation is emitted in its coroutine's context: while that exists, and between its handlers.
                    if (std::all_of(sims.begin(), sims.end(), [](auto const& s) { return s != nullptr; }) &&
                        !waits.empty())
                        waits[dice.below(waits.size())].cancel();
                    break;
            }
        }
    }
}

// Threads ----------------------------------------------------------------------------------------------------------------

// The waits end at once, by the clock, on another thread, while the thread that began them is still beginning: nothing
// of the coroutine may be touched by then. (The completion lives in the coroutine's frame.)
TEST(completion, a_wait_that_ends_while_it_begins_harms_nobody) {
    asio::thread_pool pool{4};
    std::atomic<int> ended{0};
    constexpr int coroutines = 8;
    constexpr int rounds = 300;
    auto const work = [](std::atomic<int>& count, int n) -> awaitable<void> {
        auto const executor = co_await asio::this_coro::executor;
        auto& service = clock_service::of(executor);
        for (int i = 0; i < n; ++i) {
            completion<int> const done;
            if (i % 3 == 0) done.set(i);
            auto const until = i % 3 == 1 ? service.clock()->now() + 5us : time_point{};
            co_await done.wait(service, until);
            count.fetch_add(1, std::memory_order_relaxed);
        }
    };
    // (`start` connects a cancellation slot, which is part of what could be touched too late.)
    for (int c = 0; c < coroutines; ++c)
        support::start<void, asio::any_io_executor>(pool.get_executor(), work(ended, rounds));
    pool.join();
    EXPECT_EQ(ended.load(), coroutines * rounds);
}

TEST(completion, is_set_by_one_of_many_threads_and_wakes_everybody_once) {
    for (int round = 0; round < 60; ++round) {
        asio::thread_pool pool{2};
        asio::io_context io;
        completion<int> const done;
        std::atomic<int> woken{0};
        std::atomic<int> won{0};
        auto const wait = [](completion<int> c, std::atomic<int>& count, time_point until) -> awaitable<void> {
            auto const executor = co_await asio::this_coro::executor;
            auto& service = clock_service::of(executor);
            auto const why = co_await c.wait(service, until);
            if (why == wake::notified && c.get() == nullptr) count.fetch_add(1000);
            count.fetch_add(1);
        };
        auto const soon = real_clock::instance()->now() + 200us;
        for (int i = 0; i < 10; ++i) {
            auto const until = i % 2 == 0 ? time_point::max() : soon;
            asio::co_spawn(pool, wait(done, woken, until), asio::detached);
            asio::co_spawn(asio::make_strand(pool.get_executor()), wait(done, woken, until), asio::detached);
            asio::co_spawn(io, wait(done, woken, until), asio::detached);
        }
        std::latch start{4};
        std::vector<std::thread> threads;
        for (int t = 0; t < 3; ++t)
            threads.emplace_back([&, t] {
                start.arrive_and_wait();
                won += done.set(t) ? 1 : 0;
            });
        start.arrive_and_wait();
        io.run();
        for (auto& t : threads) t.join();
        pool.join();
        ASSERT_EQ(woken.load(), 30);
        ASSERT_EQ(won.load(), 1);
    }
}

TEST(completion, a_context_may_go_while_another_thread_notifies) {
    for (int round = 0; round < 200; ++round) {
        completion<int> const done;
        auto io = std::make_unique<asio::io_context>();
        for (int i = 0; i < 4; ++i)
            asio::co_spawn(
                *io, [](completion<int> c) -> awaitable<void> { co_await await(c, time_point::max()); }(done),
                asio::detached);
        io->poll();
        std::latch start{2};
        std::thread notifier{[&] {
            start.arrive_and_wait();
            done.set(1);
        }};
        start.arrive_and_wait();
        io.reset();
        notifier.join();
    }
}

// The coroutine is on a strand of a pool, and cancelled there, while another thread notifies and the clock runs out.
TEST(completion, elapsed_notified_and_cancelled_race_and_one_wins) {
    asio::thread_pool pool{3};
    int seen[3] = {};
    for (int round = 0; round < 300; ++round) {
        auto const strand = asio::make_strand(pool.get_executor());
        completion<int> const done;
        auto const until = real_clock::instance()->now() + 50us;
        completion<wake> const result;
        auto const wait = [](completion<int> c, time_point when, completion<wake> out) -> awaitable<void> {
            out.set(co_await await(c, when));
        };
        auto const signal = std::make_shared<asio::cancellation_signal>();
        asio::co_spawn(strand, wait(done, until, result), asio::bind_cancellation_slot(signal->slot(), asio::detached));
        asio::post(strand, [signal] { signal->emit(asio::cancellation_type::terminal); });
        done.set(1);
        asio::io_context here;
        asio::co_spawn(
            here, [](completion<wake> r) -> awaitable<void> { co_await await(r, time_point::max()); }(result),
            asio::detached);
        here.run();
        ASSERT_NE(result.get(), nullptr);
        ++seen[static_cast<int>(*result.get())];
    }
    pool.join();
    EXPECT_EQ(seen[0] + seen[1] + seen[2], 300);
}

}  // namespace
}  // namespace completion_test
