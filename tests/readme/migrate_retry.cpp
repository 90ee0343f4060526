// SPDX-License-Identifier: BSL-1.0
// docs/migrate.md: a retry loop written by hand, and what stands in its place. Both are run against a provider that keeps the bill.

#include <coffer/coffer.hpp>
#include <coffer/store/memory.hpp>
#include <coffer/testing/virtual_time.hpp>

#include <gtest/gtest.h>

#include <asio/io_context.hpp>
#include <asio/steady_timer.hpp>

#include <chrono>
#include <exception>
#include <string>
#include <utility>
#include <vector>

#include "support/http_kind.hpp"
#include "support/metered_provider.hpp"

using namespace std::chrono_literals;

namespace migrate_retry_page {
namespace {

using migrate_page::ending;
using migrate_page::http_error;
using migrate_page::kind_of;
using migrate_page::metered_provider;

metered_provider* provider = nullptr;

asio::awaitable<std::string> chat(std::string const& prompt) { co_return provider->answer(prompt); }

constexpr auto first_delay = 1ms;  // the page's readers have a second there

//! [before]
asio::awaitable<std::string> chat_with_retry(std::string const& prompt) {
    asio::steady_timer timer{co_await asio::this_coro::executor};
    for (int attempt = 0;; ++attempt) {
        std::exception_ptr error;
        try {
            co_return co_await chat(prompt);
        } catch (...) {  // whatever it was: an empty account, too
            error = std::current_exception();
        }
        if (attempt == 3) std::rethrow_exception(error);
        timer.expires_after(first_delay * (1 << attempt));  // everybody at the same moment
        co_await timer.async_wait(asio::use_awaitable);
    }
}
//! [before]

//! [rule]
coffer::fault meaning(http_error const& e) { return coffer::fault{kind_of(e.status, e.code)}.with_status(e.status); }
//! [rule]

//! [switch]
/// The same handle for callers, whatever stands behind it.
coffer::guarded<std::string(std::string const&)> make_ask(bool on, coffer::store const& db, coffer::observer watch) {
    auto const print = [](std::string const& prompt) { return coffer::fingerprint{}.with("prompt", prompt); };
    if (!on)  // as it was: the loop of old, watched
        return coffer::pipeline{}.observe(std::move(watch)).wrap(coffer::describe(&chat_with_retry).classify(&meaning));
    return coffer::pipeline{coffer::once{db, {.max_sends = 1}}, coffer::retry{}}
        .observe(std::move(watch))
        .wrap(coffer::describe(&chat).classify(&meaning).fingerprint(print));
}
//! [switch]

/// One run of the job, as its queue starts it.
template <class Work>
bool run(asio::io_context& io, Work work) {
    bool ended_well = false;
    auto running = work();
    asio::co_spawn(io, std::move(running), [&](std::exception_ptr e) { ended_well = !e; });
    io.restart();
    io.run();
    return ended_well;
}

int run_before(metered_provider& p, std::string const& prompt, int runs) {
    provider = &p;
    int good = 0;
    asio::io_context io;
    auto const work = [&]() -> asio::awaitable<void> { (void)co_await chat_with_retry(prompt); };
    for (int i = 0; i < runs; ++i) good += run(io, work);
    return good;
}

int run_after(metered_provider& p, std::string const& prompt, int runs) {
    provider = &p;
    int good = 0;
    asio::io_context io;
    coffer::testing::virtual_time time{io, 7};
    coffer::memory_store const db;
    //! [after]
    auto const described = coffer::describe(&chat).classify(&meaning).fingerprint(
        [](std::string const& text) { return coffer::fingerprint{}.with("prompt", text); });
    auto const ask = coffer::pipeline{coffer::once{db, {.max_sends = 1}}, coffer::retry{}}.wrap(described);
    //! [after]
    auto const work = [&]() -> asio::awaitable<void> {
        //! [after_call]
        coffer::call call{coffer::key{"summary", 42}, 2min};
        std::string const text = co_await ask(call, prompt);
        //! [after_call]
        good += text == "an answer to " + prompt;
    };
    for (int i = 0; i < runs; ++i) {
        auto running = work();
        asio::co_spawn(io, std::move(running), [](std::exception_ptr) {});
        io.restart();
        time.run();
    }
    return good;
}

TEST(migrate_from_a_retry_loop, a_lost_reply_is_paid_again_and_again) {
    metered_provider before{{ending::reply_lost, ending::reply_lost, ending::answered}};
    EXPECT_EQ(run_before(before, "why?", 1), 1);
    EXPECT_EQ(before.bills(), 3);
    metered_provider after{{ending::reply_lost, ending::reply_lost, ending::answered}};
    EXPECT_EQ(run_after(after, "why?", 1), 0);  // unresolved: an operator decides
    EXPECT_EQ(after.bills(), 1);
}

TEST(migrate_from_a_retry_loop, a_job_that_is_run_again_pays_again) {
    metered_provider before;
    EXPECT_EQ(run_before(before, "why?", 21), 21);
    EXPECT_EQ(before.bills(), 21);
    metered_provider after;
    EXPECT_EQ(run_after(after, "why?", 21), 21);
    EXPECT_EQ(after.bills(), 1);
}

TEST(migrate_from_a_retry_loop, an_empty_account_is_asked_again) {
    metered_provider before{{ending::no_quota}};
    EXPECT_EQ(run_before(before, "why?", 1), 0);
    EXPECT_EQ(before.requests(), 4U);
    metered_provider after{{ending::no_quota}};
    EXPECT_EQ(run_after(after, "why?", 1), 0);
    EXPECT_EQ(after.requests(), 1U);
}

TEST(migrate_from_a_retry_loop, a_status_that_proves_nothing_is_paid_once_however_often_the_job_is_run) {
    for (auto const how : {ending::gateway_503, ending::gateway_408, ending::status_201}) {
        metered_provider before{{how}};
        EXPECT_EQ(run_before(before, "why?", 21), 0);
        EXPECT_EQ(before.bills(), 84);
        metered_provider after{{how}};
        EXPECT_EQ(run_after(after, "why?", 21), 0);
        EXPECT_EQ(after.bills(), 1) << "the ending " << static_cast<int>(how);
    }
}

TEST(migrate_from_a_retry_loop, refused_credentials_are_not_kept_under_the_key) {
    metered_provider after{{ending::key_refused, ending::key_refused, ending::answered}};
    EXPECT_EQ(run_after(after, "why?", 4),
              2);  // two runs until somebody has mended the API key; the last one asks nobody
    EXPECT_EQ(after.requests(), 3U);
    EXPECT_EQ(after.bills(), 1);
}

/// What the observer was told of two runs of one job.
std::vector<std::string> watched(bool on, metered_provider& p) {
    provider = &p;
    std::vector<std::string> lines;
    asio::io_context io;
    coffer::memory_store const db;
    auto const ask = make_ask(on, db, [&lines](coffer::event const& e) {
        if (e.kind != coffer::event_kind::attempt_ended) return;
        lines.push_back(e.why != nullptr ? std::string{to_string(e.why->kind())} : "answered");
    });
    for (int i = 0; i < 2; ++i)
        (void)run(io, [&]() -> asio::awaitable<void> {
            coffer::call call{coffer::key{"summary", 42}, 2min};
            std::string const prompt = "why?";
            (void)co_await ask.try_call(call, prompt);
        });
    return lines;
}

TEST(migrate_from_a_retry_loop, it_is_watched_first_and_switched_on_and_off) {
    metered_provider off, on, empty{{ending::no_quota}};
    EXPECT_EQ(watched(false, off), (std::vector<std::string>{"answered", "answered"}));
    EXPECT_EQ(off.bills(), 2);
    EXPECT_EQ(watched(true, on), (std::vector<std::string>{"answered"}));
    EXPECT_EQ(on.bills(), 1);
    EXPECT_EQ(watched(false, empty), (std::vector<std::string>{"quota_exhausted", "quota_exhausted"}));
    EXPECT_EQ(empty.requests(), 8U);
}

TEST(migrate_from_a_retry_loop, what_a_retry_can_mend_is_mended_by_both) {
    metered_provider before{{ending::overloaded, ending::overloaded, ending::answered}};
    EXPECT_EQ(run_before(before, "why?", 1), 1);
    metered_provider after{{ending::overloaded, ending::overloaded, ending::answered}};
    EXPECT_EQ(run_after(after, "why?", 1), 1);
    EXPECT_EQ(after.requests(), 3U);
    EXPECT_EQ(after.bills(), 1);
}

}  // namespace
}  // namespace migrate_retry_page
