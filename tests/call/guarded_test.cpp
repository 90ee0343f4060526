// SPDX-License-Identifier: BSL-1.0
// The handles of a wrapped operation: `auto`, and `guarded` with a name; their executors and threads.
#include <coffer/call/guarded.hpp>
#include <coffer/call/pipeline.hpp>
#include <coffer/policy/retry.hpp>
#include <coffer/testing/scripted_operation.hpp>

#include "support/scripted_gate.hpp"
#include "support/simulation.hpp"

#include <asio/thread_pool.hpp>

#include <gtest/gtest.h>

#include <atomic>
#include <memory>
#include <string>
#include <thread>
#include <type_traits>
#include <vector>

namespace guarded_test {
namespace {

using namespace coffer;
using namespace std::chrono_literals;
using coffer::testing::scripted_operation;
using support::simulation;

// The handle -----------------------------------------------------------------------------------------------------------------

using text_handle = guarded<std::string(std::string const&)>;

static_assert(std::is_copy_constructible_v<text_handle> && std::is_copy_assignable_v<text_handle>);
static_assert(
    std::is_same_v<decltype(std::declval<text_handle const&>()(std::declval<call&>(), "")), awaitable<std::string>>);
static_assert(std::is_same_v<decltype(std::declval<text_handle const&>().try_call(std::declval<call&>(), "")),
                             awaitable<outcome<std::string>>>);

template <class Handle, class... Args>
concept callable_with =
    requires(Handle const& h, call& c, Args&&... args) { h.try_call(c, static_cast<Args&&>(args)...); };
static_assert(callable_with<text_handle, char const*> && callable_with<text_handle, std::string&>);
static_assert(!callable_with<text_handle, int> && !callable_with<text_handle> &&
              !callable_with<text_handle, std::string, int>);

awaitable<std::string> twice(std::string const& s) { co_return s + s; }

TEST(guarded, owns_what_it_was_made_of_and_shares_it_with_its_copies) {
    simulation sim;
    auto const alive = std::make_shared<int>(3);
    std::weak_ptr<int> const watch = alive;
    auto handle = [&] {
        auto const op = [kept = std::make_shared<int>(3)](int n) -> awaitable<int> {
            return [](int a, int b) -> awaitable<int> { co_return a* b; }(n, *kept);
        };
        return guarded<int(int)>{pipeline{retry{}}.wrap(op)};
    }();
    auto const copy = handle;
    handle = guarded<int(int)>{pipeline{}.wrap([](int n) -> awaitable<int> { co_return -n; })};
    EXPECT_EQ(sim.run(copy(call{key{"k"}}, 5)), 15);
    EXPECT_EQ(sim.run(handle(call{key{"k"}}, 5)), -5);
}

TEST(guarded, holds_any_pipeline_of_the_signature) {
    simulation sim;
    std::vector<text_handle> const handles{
        pipeline{}.wrap(twice),
        pipeline{retry{}, support::scripted_layer{1}}.wrap(twice),
        pipeline{retry{}}.wrap(pipeline{}.wrap(twice)),
        pipeline{}.wrap(text_handle{pipeline{}.wrap(twice)}),
    };
    for (auto const& handle : handles) {
        call c{key{"k"}};
        EXPECT_EQ(sim.run(handle(c, "ab")), "abab");
        EXPECT_EQ(*sim.run(handle.try_call(c, "ab")), "abab");
        EXPECT_EQ(*sim.run(handle.try_call(call{key{"k"}}, "ab")), "abab");
        EXPECT_EQ(c.log().size(), 1U);
    }
}

TEST(guarded, is_a_class_member_like_any_other) {
    struct client {
        guarded<std::string(std::string const&)> ask;
        guarded<void()> ping;
    };
    simulation sim;
    client const c{pipeline{}.wrap(twice), pipeline{}.wrap([]() -> awaitable<void> { co_return; })};
    EXPECT_EQ(sim.run(c.ask(call{key{"k"}}, "x")), "xx");
    EXPECT_NO_THROW(sim.run(c.ping(call{key{"k"}})));
}

TEST(guarded, gives_errors_as_values_or_throws_them) {
    simulation sim;
    guarded<int()> const ask =
        pipeline{}.wrap([]() -> awaitable<outcome<int>> { co_return failed(fault_kind::forbidden); });
    call c{key{"k"}};
    EXPECT_EQ(sim.run(ask.try_call(c)).error().kind(), fault_kind::forbidden);
    EXPECT_THROW(sim.run(ask(c)), failure);
    EXPECT_THROW(sim.run(ask(call{key{"k"}})), failure);
}

// Executors ------------------------------------------------------------------------------------------------------------------

template <class Executor>
Executor executor_of(asio::io_context& io) {
    if constexpr (std::same_as<Executor, asio::strand<asio::io_context::executor_type>>) return asio::make_strand(io);
    else return io.get_executor();
}

/// A pipeline of gates around an operation on an executor type of its own, in virtual time.
template <class Executor>
void runs_on() {
    asio::io_context io;
    coffer::testing::virtual_time time{io};
    support::tape t;
    auto const failures = std::make_shared<int>(2);
    auto const op = [failures](attempt& a, int n) -> awaitable<outcome<int>, Executor> {
        return [](attempt& at, int m, std::shared_ptr<int> left) -> awaitable<outcome<int>, Executor> {
            co_await wait_until<Executor>(at.of().service(), at.now() + 1s);
            if ((*left)-- > 0) co_return failed(fault_kind::throttled);
            co_return m * 2;
        }(a, n, failures);
    };
    auto const ask = pipeline{support::plain_gate{t, "a"}, retry{}}.wrap(op);
    guarded<int(int), Executor> const erased = pipeline{}.wrap(ask);
    auto const executor = executor_of<Executor>(io);
    call c{key{"k"}};
    auto const first = support::start<int, Executor>(executor, ask(c, 4));
    time.run();
    EXPECT_EQ(first.get(), 8);
    EXPECT_EQ(c.log().size(), 3U);
    *failures = 1;
    auto const second = support::start<outcome<int>, Executor>(executor, erased.try_call(c, 5));
    time.run();
    EXPECT_EQ(second.get(), 10);
    auto const third = support::start<int, Executor>(executor, erased(call{key{"k"}}, 6));
    time.run();
    EXPECT_EQ(third.get(), 12);

    *failures = 100;
    auto const left = support::start<outcome<int>, Executor>(executor, erased.try_call(c, 5));
    time.run_for(500ms);
    left.cancel();
    time.run();
    EXPECT_EQ(left.get().error().kind(), fault_kind::cancelled);
}

TEST(executors, the_general_one) { runs_on<asio::any_io_executor>(); }
TEST(executors, that_of_an_io_context) { runs_on<asio::io_context::executor_type>(); }
TEST(executors, a_strand_with_a_type) { runs_on<asio::strand<asio::io_context::executor_type>>(); }

// Threads --------------------------------------------------------------------------------------------------------------------

TEST(threads, one_handle_serves_many_of_them) {
    asio::thread_pool pool{4};
    asio::io_context other;
    support::tape unused;
    scripted_operation<int> provider;
    provider.gives(1).times(0);
    retry const quick{{.schedule = coffer::backoff{growth::constant, jitter::full, 10us, 10us}},
                      retry_quota::unlimited()};
    auto const failures = std::make_shared<std::atomic<int>>(0);
    auto const flaky = [failures, provider](attempt& a, std::string const& s) -> awaitable<outcome<int>> {
        return [](attempt& at, std::string const& text, std::shared_ptr<std::atomic<int>> n,
                  scripted_operation<int> p) -> awaitable<outcome<int>> {
            if (n->fetch_add(1) % 3 == 0) co_return failed(fault_kind::throttled);
            co_await asio::post(co_await asio::this_coro::executor, asio::use_awaitable);
            co_return co_await p(at, text);
        }(a, s, failures, provider);
    };
    std::atomic<int> events{0};
    auto watched = pipeline{quick, support::scripted_layer{1}}.observe(
        [&events](event const&) { events.fetch_add(1, std::memory_order_relaxed); });
    guarded<int(std::string const&)> const ask = watched.wrap(flaky);
    std::atomic<int> sum{0};
    auto const many = [](guarded<int(std::string const&)> handle, std::atomic<int>& total, int n) -> awaitable<void> {
        for (int i = 0; i < n; ++i) {
            call c{key{"test", i}};
            auto const got = co_await handle.try_call(c, "some text or other that is converted to a string");
            total.fetch_add(got.value_or(0), std::memory_order_relaxed);
        }
    };
    for (int i = 0; i < 4; ++i) {
        asio::co_spawn(pool, many(ask, sum, 100), asio::detached);
        asio::co_spawn(asio::make_strand(pool.get_executor()), many(ask, sum, 100), asio::detached);
        asio::co_spawn(other, many(ask, sum, 100), asio::detached);
    }
    std::thread runs_other{[&] { other.run(); }};
    pool.join();
    runs_other.join();
    EXPECT_GT(sum.load(), 1100) << "a few may have run out of attempts";
    EXPECT_EQ(provider.sends(), sum.load());
    EXPECT_GT(events.load(), 2 * sum.load());
}

}  // namespace
}  // namespace guarded_test
