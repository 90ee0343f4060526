// SPDX-License-Identifier: BSL-1.0
// Calls from outside of coroutines: callbacks, futures, tokens that begin later; where they run, and how they are cancelled.
#include <coffer/call/guarded.hpp>
#include <coffer/call/pipeline.hpp>
#include <coffer/policy/retry.hpp>
#include <coffer/time/sleep.hpp>

#include "support/simulation.hpp"

#include <asio/bind_executor.hpp>
#include <asio/io_context.hpp>
#include <asio/thread_pool.hpp>
#include <asio/use_future.hpp>
#if __has_include(<asio/deferred.hpp>)
#include <asio/deferred.hpp>
#else
#include <asio/experimental/deferred.hpp>
#endif

#include <gtest/gtest.h>

#include <chrono>
#include <future>
#include <memory>
#include <optional>
#include <string>
#include <thread>
#include <utility>
#include <vector>

namespace async_call_test {
namespace {

using namespace coffer;
using namespace std::chrono_literals;

/// Neither default-constructible nor an aggregate.
struct reply {
    explicit reply(std::string t) : text{std::move(t)} {}
    std::string text;
};

awaitable<reply> slow(std::string const& question) {
    auto const woke = co_await sleep_for(10s);
    if (woke == wake::cancelled) throw failure{fault{fault_kind::cancelled}};
    co_return reply{"answer to " + question};
}

class async_calls : public ::testing::Test {
protected:
    support::simulation sim;
    guarded<reply(std::string const&)> const ask = pipeline{retry{}}.wrap(&slow);
    call c = call::unkeyed(1h);
};

TEST_F(async_calls, a_callback_is_told) {
    std::optional<outcome<reply>> got;
    ask.async_call(c, std::string{"why"},
                   asio::bind_executor(sim.io, [&](outcome<reply> r) { got.emplace(std::move(r)); }));
    EXPECT_FALSE(got) << "never from within";
    sim.time.run();
    ASSERT_TRUE(got);
    EXPECT_EQ(got->value().text, "answer to why");
    EXPECT_EQ(c.log().size(), 1U);
}

TEST_F(async_calls, a_token_may_be_a_constant_and_is_used_again) {
    auto const later = asio::bind_executor(sim.io, asio::use_future);
    auto one = ask.async_call(c, "one", later);
    auto two = ask.async_call(call::unkeyed(1h), "two", later);
    sim.time.run();
    EXPECT_EQ(one.get().value().text, "answer to one");
    EXPECT_EQ(two.get().value().text, "answer to two");
}

TEST_F(async_calls, a_future_is_fulfilled) {
    auto got = ask.async_call(c, "why", asio::bind_executor(sim.io, asio::use_future));
    sim.time.run();
    EXPECT_EQ(got.get().value().text, "answer to why");
}

TEST_F(async_calls, the_call_and_the_arguments_may_be_handed_over) {
    std::optional<outcome<reply>> got;
    {
        std::string question = "why";
        ask.async_call(call::unkeyed(1h), question,
                       asio::bind_executor(sim.io, [&](outcome<reply> r) { got.emplace(std::move(r)); }));
        question = "something else";
    }
    sim.time.run();
    EXPECT_EQ(got.value().value().text, "answer to why");
}

TEST_F(async_calls, a_reference_is_not_copied) {
    std::string question = "why";
    std::optional<outcome<reply>> got;
    auto const typed = pipeline{}.wrap(&slow);
    typed.async_call(c, std::ref(question),
                     asio::bind_executor(sim.io, [&](outcome<reply> r) { got.emplace(std::move(r)); }));
    question = "what";
    sim.time.run();
    EXPECT_EQ(got.value().value().text, "answer to what");
}

TEST_F(async_calls, a_fault_is_an_outcome) {
    auto const broken = pipeline{retry{{.attempts = 2}}}.wrap(
        [](int) -> awaitable<outcome<int>> { co_return failed(fault_kind::overloaded); });
    std::optional<outcome<int>> got;
    broken.async_call(c, 1, asio::bind_executor(sim.io, [&](outcome<int> r) { got.emplace(std::move(r)); }));
    sim.time.run();
    EXPECT_EQ(got.value().error().kind(), fault_kind::overloaded);
    EXPECT_EQ(c.log().size(), 2U);
}

TEST_F(async_calls, misuse_is_thrown_from_the_context) {
    bool told = false;
    auto const handler = [&](outcome<reply> const&) { told = true; };
    ask.async_call(c, "one", asio::bind_executor(sim.io, handler));
    ask.async_call(c, "two, with the same call", asio::bind_executor(sim.io, handler));
    EXPECT_THROW(sim.time.run(), misuse);
    EXPECT_FALSE(told);
    sim.time.run();
    EXPECT_TRUE(told) << "the first goes on";
}

TEST_F(async_calls, a_slot_cancels) {
    asio::cancellation_signal leave;
    std::optional<outcome<reply>> got;
    ask.async_call(c, "why",
                   asio::bind_cancellation_slot(leave.slot(), asio::bind_executor(sim.io, [&](outcome<reply> r) {
                                                    got.emplace(std::move(r));
                                                })));
    sim.io.poll();
    leave.emit(asio::cancellation_type::terminal);
    sim.time.run();
    EXPECT_EQ(got.value().error().kind(), fault_kind::cancelled);
}

TEST_F(async_calls, one_that_is_cancelled_before_it_began_has_sent_nothing) {
    asio::cancellation_signal leave;
    std::optional<outcome<reply>> got;
    ask.async_call(c, "why",
                   asio::bind_cancellation_slot(leave.slot(), asio::bind_executor(sim.io, [&](outcome<reply> r) {
                                                    got.emplace(std::move(r));
                                                })));
    leave.emit(asio::cancellation_type::terminal);
    sim.time.run();
    EXPECT_EQ(got.value().error().kind(), fault_kind::cancelled);
    EXPECT_EQ(got.value().error().billing(), knowledge::no);
}

TEST_F(async_calls, a_token_may_begin_it_later) {
#if __has_include(<asio/deferred.hpp>)
    auto const later = asio::deferred;
#else
    auto const later = asio::experimental::deferred;
#endif
    auto begin = ask.async_call(c, std::string{"why"}, later);
    sim.time.run();
    EXPECT_TRUE(c.log().empty());
    std::optional<outcome<reply>> got;
    std::move(begin)(asio::bind_executor(sim.io, [&](outcome<reply> r) { got.emplace(std::move(r)); }));
    sim.time.run();
    EXPECT_EQ(got.value().value().text, "answer to why");
}

TEST(async_calls_of_threads, run_where_their_token_says) {
    asio::thread_pool threads{3};
    auto const ask = pipeline{}.wrap([](int x) -> awaitable<int> { co_return x + 1; });
    std::vector<std::future<outcome<int>>> all;
    for (int i = 0; i < 200; ++i)
        all.push_back(ask.async_call(call::unkeyed(), i, asio::bind_executor(threads, asio::use_future)));
    int sum = 0;
    for (auto& f : all) sum += f.get().value();
    EXPECT_EQ(sum, 200 * 199 / 2 + 200);
}

}  // namespace
}  // namespace async_call_test
