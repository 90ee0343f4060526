// SPDX-License-Identifier: BSL-1.0
// Calls from threads that wait for them.
#include <coffer/call/blocking_client.hpp>
#include <coffer/call/pipeline.hpp>
#include <coffer/policy/once.hpp>
#include <coffer/policy/retry.hpp>
#include <coffer/store/memory.hpp>
#include <coffer/time/sleep.hpp>

#include <gtest/gtest.h>

#include <atomic>
#include <chrono>
#include <future>
#include <stdexcept>
#include <string>
#include <thread>
#include <vector>

namespace blocking_client_test {
namespace {

using namespace coffer;
using namespace std::chrono_literals;

awaitable<int> next(int x) {
    co_await sleep_for(1ms);
    co_return x + 1;
}
awaitable<outcome<int>> overloaded(int) { co_return failed(fault_kind::overloaded); }

TEST(blocking_client, waits_for_the_result) {
    blocking_client client;
    auto const ask = pipeline{retry{}}.wrap(&next);
    call c = call::unkeyed(1min);
    EXPECT_EQ(client.run(ask, c, 1), 2);
    EXPECT_EQ(c.log().size(), 1U);
    EXPECT_EQ(client.try_run(ask, call::unkeyed(1min), 2).value(), 3);
}

TEST(blocking_client, throws_what_a_call_throws) {
    blocking_client client;
    auto const ask = pipeline{}.wrap(&overloaded);
    EXPECT_THROW((void)client.run(ask, call::unkeyed(1min), 1), failure);
    EXPECT_EQ(client.try_run(ask, call::unkeyed(1min), 1).error().kind(), fault_kind::overloaded);

    auto const broken = []() -> awaitable<void> {
        throw std::out_of_range{"my own"};
        co_return;
    };
    EXPECT_THROW(client.wait_for(broken()), std::out_of_range);
}

TEST(blocking_client, serves_many_threads) {
    blocking_client client;
    auto const ask = pipeline{retry{}}.wrap(&next);
    std::atomic<int> sum{0};
    std::vector<std::thread> threads;
    for (int t = 0; t < 4; ++t)
        threads.emplace_back([&, t] {
            for (int i = 0; i < 25; ++i) sum += client.run(ask, call::unkeyed(1min), t);
        });
    for (auto& t : threads) t.join();
    EXPECT_EQ(sum, 25 * (1 + 2 + 3 + 4));
}

TEST(blocking_client, does_not_wait_for_itself) {
    blocking_client client;
    auto const ask = pipeline{}.wrap(&next);
    std::promise<bool> refused;
    asio::post(client.executor(), [&] {
        try {
            (void)client.run(ask, call::unkeyed(1min), 1);
            refused.set_value(false);
        } catch (misuse const&) {
            refused.set_value(true);
        }
    });
    EXPECT_TRUE(refused.get_future().get());
}

TEST(blocking_client, finishes_what_was_begun) {
    std::atomic<bool> ended{false};
    {
        blocking_client client;
        auto const slow = [&ended]() -> awaitable<void> {
            co_await sleep_for(20ms);
            ended = true;
        };
        asio::co_spawn(client.executor(), slow, asio::detached);
    }
    EXPECT_TRUE(ended);
}

TEST(blocking_client, runs_any_coroutine) {
    blocking_client client;
    memory_store const db;
    auto const ask = pipeline{once{db, unfingerprinted}}.wrap(&next);
    call c{key{"test", 1}, 1min};
    EXPECT_EQ(client.run(ask, c, 1), 2);
    client.wait_for(db.acknowledge(c.key()));
    EXPECT_EQ(client.try_run(ask, c, 1).error().kind(), fault_kind::already_done);
}

}  // namespace
}  // namespace blocking_client_test
