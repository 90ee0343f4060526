// SPDX-License-Identifier: BSL-1.0
// Functions that block, and futures, as operations: on threads of their own, and never waited for beyond the attempt's time.
#include <coffer/call/from_blocking.hpp>
#include <coffer/call/pipeline.hpp>
#include <coffer/policy/retry.hpp>

#include <asio/io_context.hpp>
#include <asio/thread_pool.hpp>

#include <gtest/gtest.h>

#include <atomic>
#include <chrono>
#include <future>
#include <memory>
#include <optional>
#include <stdexcept>
#include <string>
#include <thread>
#include <utility>
#include <vector>

namespace from_blocking_test {
namespace {

using namespace coffer;
using namespace std::chrono_literals;

struct question {
    explicit question(std::string t) : text{std::move(t)} {}
    std::string text;
};

template <class T>
outcome<T> value_of(awaitable<outcome<T>>);

/// Calls it in real time, in this thread.
template <class Ask, class... Args>
auto call_once(Ask const& ask, duration within, Args const&... args) {
    asio::io_context io;
    std::optional<decltype(value_of(ask.try_call(std::declval<call&>(), args...)))> got;
    auto const work = [&]() -> awaitable<void> {
        auto own = call::unkeyed(within);
        auto result = co_await ask.try_call(own, args...);
        got.emplace(std::move(result));
    };
    asio::co_spawn(io, work(), asio::detached);
    io.run();
    return *std::move(got);
}

/// Takes one of its threads until `go`.
void occupy(asio::thread_pool& threads, std::promise<void>& go) {
    asio::post(threads, [&go] { go.get_future().wait(); });
}

/// Begins it on `io`, and leaves in `got` what comes of it.
template <class Ask>
void begin(asio::io_context& io, Ask const& ask, std::optional<outcome<int>>& got,
           asio::cancellation_slot leaves = {}) {
    auto const work = [](Ask one, std::optional<outcome<int>>& to) -> awaitable<void> {
        auto own = call::unkeyed(1min);
        auto result = co_await one.try_call(own);
        to.emplace(std::move(result));
    };
    asio::co_spawn(io, work(ask, got), asio::bind_cancellation_slot(leaves, asio::detached));
    io.poll();
    EXPECT_FALSE(got);
}

TEST(blocking, runs_on_its_own_threads_and_its_result_comes_back) {
    asio::thread_pool threads{2};
    auto const here = std::this_thread::get_id();
    auto const ask = pipeline{}.wrap(from_blocking(threads.get_executor(), [here](question const& q) {
        EXPECT_NE(std::this_thread::get_id(), here);
        return "answer to " + q.text;
    }));
    question const q{"why"};
    EXPECT_EQ(call_once(ask, 1min, q).value(), "answer to why");
}

TEST(blocking, exceptions_and_expected_values_are_understood) {
    asio::thread_pool threads{1};
    auto const throws =
        from_blocking(threads.get_executor(), []() -> int { throw std::runtime_error{"no such model"}; });
    auto const got = call_once(pipeline{}.wrap(throws), 1min);
    EXPECT_EQ(got.error().kind(), fault_kind::permanent);
    EXPECT_EQ(got.error().message(), "no such model");

    auto const fails =
        from_blocking(threads.get_executor(), []() -> outcome<int> { return failed(fault_kind::overloaded); });
    EXPECT_EQ(call_once(pipeline{}.wrap(fails), 1min).error().kind(), fault_kind::overloaded);
}

TEST(blocking, is_not_waited_for_beyond_the_attempts_time_and_is_told_to_stop) {
    asio::thread_pool threads{1};
    std::promise<void> stopped;
    auto const slow =
        from_blocking(threads.get_executor(), [&stopped](send_terms const& terms, std::string const& text) {
            EXPECT_LE(terms.timeout(), 1s);
            while (!terms.stop_requested()) std::this_thread::yield();
            EXPECT_EQ(terms.timeout(), 0ms);
            EXPECT_EQ(text, "still here");
            stopped.set_value();
            return 1;
        });
    auto const ask = pipeline{retry{{.attempts = 1, .attempt_timeout = 1s}}}.wrap(slow);
    auto const got = call_once(ask, 1min, std::string{"still here"});
    EXPECT_EQ(got.error().kind(), fault_kind::timed_out);
    EXPECT_EQ(got.error().billing(), knowledge::maybe);
    stopped.get_future().wait();
}

TEST(blocking, what_no_thread_has_begun_with_in_the_attempts_time_is_never_sent) {
    asio::thread_pool threads{1};
    std::promise<void> go;
    occupy(threads, go);
    std::atomic<int> ran{0};
    auto const ask = pipeline{retry{{.attempts = 1, .attempt_timeout = 20ms}}}.wrap(
        from_blocking(threads.get_executor(), [&ran] { return ++ran; }));
    auto const got = call_once(ask, 1min);
    EXPECT_EQ(got.error().kind(), fault_kind::queue_full);
    EXPECT_EQ(got.error().execution(), knowledge::no);
    EXPECT_EQ(got.error().billing(), knowledge::no);
    go.set_value();
    threads.join();
    EXPECT_EQ(ran, 0) << "it was sent for nobody";
}

TEST(blocking, nor_is_what_a_caller_has_left_before) {
    asio::thread_pool threads{1};
    std::promise<void> go;
    occupy(threads, go);
    std::atomic<int> ran{0};
    auto const ask =
        pipeline{retry{{.attempts = 1}}}.wrap(from_blocking(threads.get_executor(), [&ran] { return ++ran; }));
    asio::io_context io;
    asio::cancellation_signal leave;
    std::optional<outcome<int>> got;
    begin(io, ask, got, leave.slot());
    leave.emit(asio::cancellation_type::terminal);
    io.run();
    ASSERT_TRUE(got);
    EXPECT_EQ(got->error().kind(), fault_kind::cancelled);
    EXPECT_EQ(got->error().billing(), knowledge::no);
    go.set_value();
    threads.join();
    EXPECT_EQ(ran, 0) << "it was sent for nobody";
}

TEST(blocking, work_that_a_stopped_pool_drops_was_not_sent) {
    auto threads = std::make_unique<asio::thread_pool>(1);
    auto const ask = pipeline{retry{{.attempts = 1}}}.wrap(from_blocking(threads->get_executor(), [] { return 1; }));
    std::promise<void> go;
    occupy(*threads, go);
    asio::io_context io;
    std::optional<outcome<int>> got;
    begin(io, ask, got);
    threads->stop();
    go.set_value();
    threads.reset();
    io.run();
    ASSERT_TRUE(got);
    EXPECT_EQ(got->error().kind(), fault_kind::not_sent);
    EXPECT_EQ(got->error().billing(), knowledge::no);
}

TEST(blocking, a_pool_of_n_threads_sends_n_at_a_time) {
    asio::thread_pool threads{3};
    std::atomic<int> at_once{0};
    std::atomic<int> most{0};
    auto const ask = pipeline{}.wrap(from_blocking(threads.get_executor(), [&](int x) {
        auto const now = ++at_once;
        for (auto seen = most.load(); seen < now && !most.compare_exchange_weak(seen, now);) {
        }
        std::this_thread::yield();
        --at_once;
        return x;
    }));
    asio::io_context io;
    std::atomic<int> sum{0};
    auto const work = [&](int x) -> awaitable<void> {
        auto own = call::unkeyed(1min);
        auto const got = co_await ask.try_call(own, x);
        sum += got.value();
    };
    for (int i = 0; i < 60; ++i) asio::co_spawn(io, work(i), asio::detached);
    std::thread second{[&io] { io.run(); }};
    io.run();
    second.join();
    EXPECT_EQ(sum, 59 * 60 / 2);
    EXPECT_LE(most, 3);
}

TEST(futures, are_waited_for) {
    asio::thread_pool threads{2};
    auto const ask = pipeline{}.wrap(from_future(
        threads.get_executor(), [](int x) { return std::async(std::launch::async, [x] { return x + 1; }); }));
    EXPECT_EQ(call_once(ask, 1min, 41).value(), 42);
    auto const broken = pipeline{}.wrap(from_future(threads.get_executor(), [] {
        std::promise<int> dropped;
        return dropped.get_future();
    }));
    EXPECT_EQ(call_once(broken, 1min).error().kind(), fault_kind::permanent) << "a broken promise";
    auto const terms = pipeline{}.wrap(from_future(threads.get_executor(), [](send_terms const& t, int x) {
        return std::async(std::launch::deferred, [x, number = t.number()] { return x + number; });
    }));
    EXPECT_EQ(call_once(terms, 1min, 1).value(), 2);
}

}  // namespace
}  // namespace from_blocking_test
