// SPDX-License-Identifier: BSL-1.0
// The snippets of docs/alarms.md, in tests that run them.

#include <coffer/coffer.hpp>
#include <coffer/http/curl_client.hpp>
#include <coffer/policy/alarms.hpp>
#include <coffer/store/memory.hpp>
#include <coffer/telemetry/webhook.hpp>
#include <coffer/testing/virtual_time.hpp>

#include <gtest/gtest.h>

#include <asio/io_context.hpp>

#include <chrono>
#include <iostream>
#include <string>

using namespace std::chrono_literals;
using namespace coffer::literals;

namespace alarms_page {
namespace {

struct docs_alarms : testing::Test {
    template <class Work>
    void run(Work work) {
        std::exception_ptr thrown;
        auto const ended = [&](std::exception_ptr e) { thrown = e; };
        asio::co_spawn(context, std::move(work), ended);
        time.run();
        if (thrown) std::rethrow_exception(thrown);
    }
    /// Nine of ten dollars of this day.
    void spend() {
        auto& ledger = *db.ledger().backend();
        ledger.bind(time.clock());
        coffer::ledger_lines lines;
        lines.emplace_back("team/search", coffer::daily, 10_usd);
        coffer::reserve_request q;
        q.lines = std::make_shared<coffer::ledger_lines const>(std::move(lines));
        q.bound = 9_usd;
        q.sent = true;
        q.held_for = q.longest = 1min;
        (void)ledger.reserve(q);
        (void)ledger.submit_settle(q.id, 9_usd, "req-1");
    }
    asio::io_context context;
    coffer::testing::virtual_time time{context};
    coffer::memory_store db;
};

TEST_F(docs_alarms, a_watch_beside_everything_else) {
    std::ostringstream log;
    std::string const hook_url = "https://hooks.example.com/services/T0/B0/x";
    //! [run]
    auto const to_log = coffer::on_alarm([&](coffer::alarm_report const& a) { log << a.sentence << '\n'; });
    coffer::alarms const watch{db, {.tell = {to_log}}};
    asio::co_spawn(context, watch.run(), asio::detached);
    //! [run]
    //! [webhook]
    coffer::webhook const to_chat{coffer::http::client{context.get_executor()}, hook_url};
    coffer::alarms const both{db, {.tell = {to_log, to_chat}}};
    //! [webhook]
    time.run_for(1s);
    spend();
    time.run_for(15s);
    EXPECT_NE(log.str().find("team/search has committed $9.00 of $10.00"), std::string::npos) << log.str();
}

TEST_F(docs_alarms, a_switch_that_an_alarm_throws) {
    std::ostringstream log;
    auto const to_log = coffer::on_alarm([&](coffer::alarm_report const& a) { log << a.sentence << '\n'; });
    //! [freeze]
    coffer::alarms_options options{.tell = {to_log}};
    options.watch.freeze = {
        {.kind = coffer::alarm_kind::anomaly, .within = "team"},
        {.kind = coffer::alarm_kind::threshold, .at_least = coffer::alarm_severity::critical},
    };
    coffer::alarms const watch{db, options};
    //! [freeze]
    spend();
    run([&]() -> coffer::awaitable<void> {
        //! [look]
        std::size_t const delivered = co_await watch.look();
        //! [look]
        EXPECT_GE(delivered, 1U);
    });
    auto const accounts = db.ledger().backend()->accounts("team/search");
    EXPECT_TRUE((*accounts.get())->at(0).frozen) << "nine dollars within two hours, in a new scope";
}

}  // namespace
}  // namespace alarms_page
