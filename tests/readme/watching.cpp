// SPDX-License-Identifier: BSL-1.0
// The snippets of docs/watching.md, each in a test that runs it.

#include <coffer/coffer.hpp>
#include <coffer/testing/virtual_time.hpp>

#include <gtest/gtest.h>

#include <asio/io_context.hpp>

#include <cstdint>
#include <map>
#include <mutex>
#include <string>
#include <utility>
#include <vector>

namespace watching_page {
namespace {

using namespace std::chrono_literals;

//! [metrics]
/// Attempts by model and end, and how long they took: what a metrics library is fed with.
struct metrics {
    struct row {
        int attempts = 0;
        coffer::duration took{};
    };
    std::mutex mutex;
    std::map<std::pair<std::string, std::string>, row> rows;

    void operator()(coffer::event const& e) {
        if (e.kind != coffer::event_kind::attempt_ended) return;
        std::string const model = e.target != nullptr ? e.target->model : "?";
        std::string const end = e.why != nullptr ? std::string{to_string(e.why->kind())} : "answered";
        std::lock_guard const lock{mutex};
        auto& r = rows[{model, end}];
        ++r.attempts;
        r.took += e.took;
    }
};
//! [metrics]

TEST(watching, attempts_are_counted_by_model) {
    asio::io_context io;
    coffer::testing::virtual_time time{io};
    metrics seen;
    int asked = 0;
    auto const slow = [&asked](int x) -> coffer::awaitable<coffer::outcome<int>> {
        co_await coffer::sleep_for(2s);
        if (++asked == 1) co_return coffer::failed(coffer::fault_kind::overloaded);
        co_return x;
    };
    auto const chat = coffer::describe(slow).target([](int) { return coffer::target{"somebody", "large"}; });
    //! [observe]
    auto const ask = coffer::pipeline{coffer::retry{}}.observe([&seen](coffer::event const& e) { seen(e); }).wrap(chat);
    //! [observe]
    auto const work = [&]() -> coffer::awaitable<void> {
        auto call = coffer::call::unkeyed();
        (void)co_await ask.try_call(call, 1);
    };
    asio::co_spawn(io, work, asio::detached);
    time.run();
    using key = std::pair<std::string, std::string>;
    ASSERT_EQ(seen.rows.size(), 2U);
    EXPECT_EQ((seen.rows[key{"large", "overloaded"}].attempts), 1);
    EXPECT_EQ((seen.rows[key{"large", "answered"}].attempts), 1);
    EXPECT_EQ((seen.rows[key{"large", "answered"}].took), 2s);
}

TEST(watching, the_events_of_one_call_have_one_number) {
    asio::io_context io;
    coffer::testing::virtual_time time{io};
    std::map<std::uint64_t, std::vector<std::string>> calls;
    auto const watch = [&calls](coffer::event const& e) { calls[e.call].emplace_back(to_string(e.kind)); };
    auto const slow = [](int x) -> coffer::awaitable<int> {
        co_await coffer::sleep_for(2s);
        co_return x;
    };
    auto const ask = coffer::pipeline{coffer::retry{}, coffer::timeout{1min}}.observe(watch).wrap(slow);
    auto const work = [&](int x) -> coffer::awaitable<void> {
        auto call = coffer::call::unkeyed();
        for (int i = 0; i < 2; ++i) (void)co_await ask.try_call(call, x);
    };
    asio::co_spawn(io, work(1), asio::detached);
    asio::co_spawn(io, work(2), asio::detached);
    time.run();
    EXPECT_EQ(calls.size(), 4U) << "used again it is another request";
    EXPECT_FALSE(calls.contains(0));
    for (auto const& [number, kinds] : calls)
        EXPECT_EQ(kinds, (std::vector<std::string>{"attempt_started", "attempt_ended"})) << number;
}

TEST(watching, also_those_of_a_hedge) {
    asio::io_context io;
    coffer::testing::virtual_time time{io};
    std::map<std::string, std::uint64_t> calls;
    auto const watch = [&calls](coffer::event const& e) { calls[std::string{to_string(e.kind)}] = e.call; };
    auto const slow = [](int x) -> coffer::awaitable<int> {
        co_await coffer::sleep_for(10s);
        co_return x;
    };
    auto const primary = coffer::pipeline{}.observe(watch).wrap(slow);
    auto const ask = coffer::pipeline{}.wrap(coffer::hedge{{.delay = 1s, .percentile = 0}, primary}.observe(watch));
    auto const work = [&]() -> coffer::awaitable<void> {
        auto call = coffer::call::unkeyed();
        (void)co_await ask.try_call(call, 1);
    };
    asio::co_spawn(io, work, asio::detached);
    time.run();
    ASSERT_TRUE(calls.contains("hedged"));
    EXPECT_NE(calls["hedged"], 0U);
    EXPECT_EQ(calls["hedged"], calls["attempt_started"]);
}

}  // namespace
}  // namespace watching_page
