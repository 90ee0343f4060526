// SPDX-License-Identifier: BSL-1.0
// Partitions that several threads use, forget, make and look at, in real time.
#include <coffer/call/guarded.hpp>
#include <coffer/call/pipeline.hpp>
#include <coffer/policy/circuit_breaker.hpp>
#include <coffer/policy/per_key.hpp>
#include <coffer/policy/rate_limit.hpp>

#include <gtest/gtest.h>

#include <asio/thread_pool.hpp>

#include <atomic>
#include <chrono>
#include <memory>
#include <string>
#include <string_view>
#include <thread>

namespace per_key_threads_test {
namespace {

using namespace coffer;
using namespace std::chrono_literals;

using guarded_int = guarded<int(int)>;

struct tally {
    std::atomic<int> ok{0}, crowded{0}, other{0};
};

awaitable<outcome<int>> at_once(attempt&, int const& x) { co_return x; }

awaitable<void> ask_often(guarded_int ask, int times, int which, int names, tally& all) {
    for (int i = 0; i < times; ++i) {
        auto c = call::unkeyed(10s).tag("tenant", std::to_string((i * 7 + which) % names));
        int const x = i;
        auto const result = co_await ask.try_call(c, x);
        if (result) ++all.ok;
        else if (result.error().code() == "max_keys") ++all.crowded;
        else ++all.other;
    }
}

TEST(per_key_threads, one_name_has_one_gate_however_many_make_it_at_once) {
    for (int round = 0; round < 30; ++round) {
        std::atomic<int> made{0};
        per_key const pace{by_tag{"tenant"}, [&] {
                               ++made;
                               return rate_limit{{.requests_per_day = 10}};
                           }};
        guarded_int const ask = pipeline{pace}.wrap(&at_once);
        tally all;
        {
            asio::thread_pool pool{3};
            for (int i = 0; i < 6; ++i) asio::co_spawn(pool, ask_often(ask, 5, 0, 1, all), asio::detached);
            pool.join();
        }
        ASSERT_EQ(all.ok, 10) << "of 30: a second gate would have let more in";
        ASSERT_EQ(all.other, 20);
        ASSERT_EQ(pace.size(), 1U);
        ASSERT_GE(made, 1);
    }
}

TEST(per_key_threads, they_are_forgotten_and_made_anew_under_everybodys_hands) {
    per_key const health{by_tag{"tenant"}, [] { return circuit_breaker{}; }, {.max_keys = 3, .forget_after = 0s}};
    guarded_int const ask = pipeline{health}.wrap(&at_once);
    tally all;
    std::atomic<bool> over{false};
    std::atomic<int> looks{0};
    std::thread operating{[&] {
        while (!over) {
            health.for_each([&](std::string_view, circuit_breaker const& b) { looks += b.status().in_a_row == 0; });
            if (auto const one = health.find("1")) one->close();
            EXPECT_LE(health.size(), 3U);
        }
    }};
    constexpr int each = 2000, coroutines = 4;
    {
        asio::thread_pool pool{2};
        for (int i = 0; i < coroutines; ++i) asio::co_spawn(pool, ask_often(ask, each, i, 6, all), asio::detached);
        pool.join();
    }
    over = true;
    operating.join();
    EXPECT_EQ(all.ok + all.crowded, each * coroutines);
    EXPECT_EQ(all.other, 0);
    EXPECT_GT(all.ok, each);
    EXPECT_GT(looks, 0);
    EXPECT_LE(health.size(), 3U);
}

}  // namespace
}  // namespace per_key_threads_test
