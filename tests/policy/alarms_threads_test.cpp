// SPDX-License-Identifier: BSL-1.0
#include <coffer/policy/alarms.hpp>
#include <coffer/store/memory.hpp>

#include <gtest/gtest.h>

#include <asio/post.hpp>
#include <asio/thread_pool.hpp>

#include <chrono>
#include <cstdint>
#include <map>
#include <memory>
#include <mutex>
#include <string>

namespace alarms_threads_test {
namespace {

using namespace coffer;
using namespace coffer::literals;
using namespace std::chrono_literals;

awaitable<void> look_often(coffer::alarms watch, int times) {
    for (int i = 0; i < times; ++i) {
        auto once = watch.look();
        (void)co_await std::move(once);
    }
}

/// A hundred cents of a dollar.
awaitable<void> spend(memory_store db) {
    auto const executor = co_await asio::this_coro::executor;
    auto& ledger = *db.ledger().backend();
    ledger.bind(clock_service::of(executor).clock());
    ledger_lines lines;
    lines.emplace_back("team", lifetime, 1_usd);
    auto const shared = std::make_shared<ledger_lines const>(std::move(lines));
    for (int i = 1; i <= 100; ++i) {
        reserve_request q;
        q.id[0] = static_cast<std::uint8_t>(i);
        q.lines = shared;
        q.bound = 0.01_usd;
        q.sent = true;
        q.longest = 1min;
        (void)ledger.reserve(q);
        (void)ledger.submit_settle(q.id, 0.01_usd, {});
        co_await asio::post(executor, asio::use_awaitable);
    }
}

TEST(alarms_threads, an_alarm_is_told_once_however_many_look) {
    memory_store const db;
    std::mutex mutex;
    std::map<std::string, int> told;
    auto const count = on_alarm([&](alarm_report const& a) {
        std::lock_guard const lock{mutex};
        ++told[a.id];
    });
    alarms_options o{.tell = {count, count}};
    o.watch.rules.threshold.percents = {10, 20, 30, 40, 50, 60, 70, 80, 90, 100};
    coffer::alarms const watch{db, o};
    coffer::alarms const other{db, o};
    {
        asio::thread_pool threads{3};
        for (auto const& w : {watch, watch, other}) asio::co_spawn(threads, look_often(w, 100), asio::detached);
        asio::co_spawn(threads, spend(db), asio::detached);
        threads.join();
        asio::thread_pool last{1};
        asio::co_spawn(last, look_often(watch, 1), asio::detached);
        last.join();
    }
    EXPECT_FALSE(told.empty());
    for (auto const& [id, times] : told) EXPECT_EQ(times, 2) << id << ": once by each of two sinks";
    auto const rung = db.ledger().backend()->alarms({});
    EXPECT_EQ((*rung.get())->size(), told.size());
}

}  // namespace
}  // namespace alarms_threads_test
