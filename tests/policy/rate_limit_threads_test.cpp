// SPDX-License-Identifier: BSL-1.0
// One limiter, several threads and contexts, in real time.
#include <coffer/call/pipeline.hpp>
#include <coffer/policy/rate_limit.hpp>

#include <gtest/gtest.h>

#include <asio/thread_pool.hpp>

#include <atomic>
#include <chrono>
#include <cstdint>
#include <string>
#include <vector>

#include "policy/support/rated.hpp"

namespace rate_limit_threads_test {
namespace {

using namespace coffer;
using namespace std::chrono_literals;
using support::guarded;
using support::rated_end;
using support::request;

struct tally {
    std::atomic<int> ok{0}, refused{0}, cancelled{0}, other{0};
};

awaitable<void> ask_often(guarded ask, int times, int which, tally& all) {
    for (int i = 0; i < times; ++i) {
        auto c = call::unkeyed((i + which) % 7 == 0 ? 1ms : 10s).tag("tenant", std::to_string(which % 3));
        request const r{"x 3 2"};
        auto const result = co_await ask.try_call(c, r);
        if (result) ++all.ok;
        else if (result.error().kind() == fault_kind::queue_full ||
                 result.error().kind() == fault_kind::deadline_exceeded)
            ++all.refused;
        else ++all.other;
    }
}

awaitable<void> give_up(guarded ask, tally& all) {
    auto c = call::unkeyed(10s);
    request const r{"x 50 50"};
    auto const result = co_await ask.try_call(c, r);
    if (!result && result.error().kind() == fault_kind::cancelled) ++all.cancelled;
    else if (result) ++all.ok;
    else ++all.other;
}

TEST(rate_limit_threads, no_part_is_lost_and_none_is_taken_twice) {
    rate_limit const limit{
        {.requests_per_second = 20'000, .tokens_per_second = 100'000, .burst = 10ms, .fair_by = "tenant"}};
    support::rated_provider provider;
    provider.otherwise([](std::string const&) {
        rated_end e{.used = support::used(1, 1), .after = 0s};
        e.said[rate_measure::tokens] = {100'000, 100'000, 1s};
        return e;
    });
    guarded const ask = pipeline{limit}.wrap(provider.operation());
    tally all;
    constexpr int each = 200, coroutines = 6;
    auto const start = std::chrono::steady_clock::now();
    {
        asio::thread_pool one{1}, two{2};
        for (int i = 0; i < coroutines; ++i)
            asio::co_spawn(i % 2 == 0 ? one.get_executor() : two.get_executor(), ask_often(ask, each, i, all),
                           asio::detached);
        one.join();
        two.join();
    }
    auto const took = std::chrono::steady_clock::now() - start;
    EXPECT_EQ(all.ok + all.refused, each * coroutines);
    EXPECT_EQ(all.other, 0);
    EXPECT_EQ(all.ok, provider.count());
    EXPECT_GE(all.ok, each * coroutines * 6 / 7) << "only the impatient ones may be turned away";
    EXPECT_LE(provider.count() * 1s / 20'000, took + 10ms) << "faster than allowed";
    EXPECT_EQ(limit.waiting(), 0U);
}

// Whoever is served by one thread while another one cancels him either goes or leaves everything as it was.
TEST(rate_limit_threads, grants_race_cancellations_and_nothing_is_lost) {
    rate_limit const limit{{.tokens_per_second = 10'000, .burst = 10ms}};  // 100 at once: one of these after the other
    support::rated_provider provider;
    provider.otherwise([](std::string const&) { return rated_end{.used = support::used(0, 0), .after = 0s}; });
    guarded const ask = pipeline{limit}.wrap(provider.operation());
    tally all;
    constexpr int rounds = 300;
    {
        asio::thread_pool pool{3};
        std::vector<asio::cancellation_signal> signals(rounds);
        std::vector<asio::strand<asio::any_io_executor>> strands;
        for (int i = 0; i < rounds; ++i) {
            strands.push_back(asio::make_strand(asio::any_io_executor{pool.get_executor()}));
            auto& signal = signals[static_cast<std::size_t>(i)];
            asio::co_spawn(strands.back(), give_up(ask, all),
                           asio::bind_cancellation_slot(signal.slot(), asio::detached));
        }
        for (int i = 0; i < rounds; i += 2)
            asio::post(strands[static_cast<std::size_t>(i)],
                       [&signals, i] { signals[static_cast<std::size_t>(i)].emit(asio::cancellation_type::terminal); });
        pool.join();
    }
    EXPECT_EQ(all.ok + all.cancelled, rounds);
    EXPECT_EQ(all.other, 0);
    EXPECT_GE(all.ok, rounds / 2);
    EXPECT_EQ(limit.waiting(), 0U);

    // All that was given back is there: at once, or after the 10 ms in which the bucket is full anyway.
    asio::thread_pool last{1};
    tally one;
    asio::co_spawn(last, give_up(ask, one), asio::detached);
    last.join();
    EXPECT_EQ(one.ok, 1);
}

}  // namespace
}  // namespace rate_limit_threads_test
