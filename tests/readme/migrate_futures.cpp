// SPDX-License-Identifier: BSL-1.0
// docs/migrate.md: a client with futures, and the same callers after it. Both are run against a provider that keeps the bill.

#include <coffer/call/blocking_client.hpp>
#include <coffer/call/from_blocking.hpp>
#include <coffer/coffer.hpp>
#include <coffer/store/memory.hpp>

#include <gtest/gtest.h>

#include <asio/bind_executor.hpp>
#include <asio/thread_pool.hpp>
#include <asio/use_future.hpp>

#include <chrono>
#include <future>
#include <mutex>
#include <string>
#include <thread>

#include "support/http_kind.hpp"
#include "support/metered_provider.hpp"

using namespace std::chrono_literals;

namespace migrate_futures_page {
namespace {

using migrate_page::ending;
using migrate_page::http_error;
using migrate_page::kind_of;
using migrate_page::metered_provider;

/// The program's own client: one request, one future.
class chat_client {
public:
    explicit chat_client(metered_provider& p) : provider_{&p} {}
    std::future<std::string> send(std::string prompt) const {
        return std::async(std::launch::async,
                          [p = provider_, prompt = std::move(prompt)] { return p->answer(prompt); });
    }

private:
    metered_provider* provider_;
};

coffer::fault meaning(http_error const& e) { return coffer::fault{kind_of(e.status, e.code)}.with_status(e.status); }

//! [before]
class summaries_before {
public:
    explicit summaries_before(chat_client client) : client_{client} {}

    std::future<std::string> summarise(std::string text) {
        {
            std::lock_guard const lock{mutex_};
            if (++this_minute_ > 500) throw std::runtime_error{"too many requests"};  // who sets it back?
        }
        return std::async(std::launch::async, [this, text = std::move(text)] {
            for (int attempt = 1;; ++attempt) {
                try {
                    return client_.send(text).get();
                } catch (std::exception const&) {
                    if (attempt == 3) throw;
                }
            }
        });
    }

private:
    chat_client client_;
    std::mutex mutex_;
    int this_minute_ = 0;
};
//! [before]

//! [after]
class summaries {
public:
    summaries(chat_client client, coffer::store const& db)
        : ask_{coffer::pipeline{
              coffer::once{db, {.max_sends = 1}},
              coffer::retry{},
              coffer::bulkhead{{.limit = 16}},  // as many as there are threads that wait for futures
              coffer::rate_limit{{.requests_per_minute = 500}},
          }
                   .wrap(coffer::describe(
                             coffer::from_future(threads_.get_executor(),
                                                 [client](std::string const& text) { return client.send(text); }))
                             .classify(&meaning)
                             .fingerprint(
                                 [](std::string const& text) { return coffer::fingerprint{}.with("text", text); }))} {}

    std::future<coffer::outcome<std::string>> summarise(coffer::key id, std::string text) {
        return ask_.async_call(coffer::call{std::move(id), 2min}, std::move(text),
                               asio::bind_executor(client_.executor(), asio::use_future));
    }

private:
    asio::thread_pool threads_{16};
    coffer::blocking_client client_;  // a context and its thread: the calls run there
    coffer::guarded<std::string(std::string const&)> ask_;
};
//! [after]

TEST(migrate_from_futures, a_job_that_is_run_again_pays_again) {
    metered_provider bill_before;
    summaries_before before{chat_client{bill_before}};
    for (int run = 0; run < 3; ++run) EXPECT_EQ(before.summarise("a text").get(), "an answer to a text");
    EXPECT_EQ(bill_before.bills(), 3);

    metered_provider bill_after;
    coffer::memory_store const db;
    summaries after{chat_client{bill_after}, db};
    for (int run = 0; run < 3; ++run) {
        auto got = after.summarise(coffer::key{"summary", 42}, "a text").get();
        ASSERT_TRUE(got.has_value());
        EXPECT_EQ(*got, "an answer to a text");
    }
    EXPECT_EQ(bill_after.bills(), 1);
}

TEST(migrate_from_futures, a_lost_reply_is_paid_again) {
    metered_provider bill_before{{ending::reply_lost, ending::reply_lost, ending::answered}};
    summaries_before before{chat_client{bill_before}};
    EXPECT_EQ(before.summarise("a text").get(), "an answer to a text");
    EXPECT_EQ(bill_before.bills(), 3);

    metered_provider bill_after{{ending::reply_lost, ending::reply_lost, ending::answered}};
    coffer::memory_store const db;
    summaries after{chat_client{bill_after}, db};
    auto const got = after.summarise(coffer::key{"summary", 42}, "a text").get();
    ASSERT_FALSE(got.has_value());
    EXPECT_EQ(got.error().billing(), coffer::knowledge::maybe);
    EXPECT_EQ(bill_after.bills(), 1);
}

TEST(migrate_from_futures, a_gateway_gives_up_on_what_is_executed) {
    metered_provider bill{{ending::gateway_503}};
    coffer::memory_store const db;
    summaries after{chat_client{bill}, db};
    for (int run = 0; run < 3; ++run)
        EXPECT_FALSE(after.summarise(coffer::key{"summary", 42}, "a text").get().has_value());
    EXPECT_EQ(bill.bills(), 1);
}

TEST(migrate_from_futures, two_who_want_the_same_at_once_pay_once) {
    metered_provider bill;
    coffer::memory_store const db;
    summaries after{chat_client{bill}, db};
    auto one = after.summarise(coffer::key{"summary", 42}, "a text");
    auto other = after.summarise(coffer::key{"summary", 42}, "a text");
    EXPECT_EQ(one.get().value(), "an answer to a text");
    EXPECT_EQ(other.get().value(), "an answer to a text");
    EXPECT_EQ(bill.bills(), 1);
}

}  // namespace
}  // namespace migrate_futures_page
