// SPDX-License-Identifier: BSL-1.0
// docs/migrate.md: a client with callbacks on an io_context, its retries by a steady_timer, and what stands in its place. Both
// are run against a provider that keeps the bill.

#include <coffer/call/from_callback.hpp>
#include <coffer/coffer.hpp>
#include <coffer/store/memory.hpp>

#include <gtest/gtest.h>

#include <asio/bind_executor.hpp>
#include <asio/io_context.hpp>
#include <asio/post.hpp>
#include <asio/steady_timer.hpp>

#include <chrono>
#include <exception>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <system_error>
#include <utility>

#include "support/metered_provider.hpp"

using namespace std::chrono_literals;

namespace migrate_asio_page {
namespace {

using migrate_page::ending;
using migrate_page::metered_provider;

constexpr auto first_delay = 1ms;  // the page's readers have a second there

/// The program's own client: one request, one callback on the context.
class chat_client {
public:
    using handler = std::function<void(std::error_code, int status, std::string body)>;

    chat_client(asio::io_context& io, metered_provider& p) : io_{&io}, provider_{&p} {}
    void async_send(std::string const& prompt, handler done) const {
        auto const how = provider_->next();
        asio::post(*io_, [how, prompt, done = std::move(done)] {
            if (how == ending::reply_lost) done(std::make_error_code(std::errc::connection_reset), 0, "");
            else if (how == ending::no_quota) done({}, 429, R"({"error":{"code":"insufficient_quota"}})");
            else if (how == ending::overloaded) done({}, 503, "");
            else done({}, 200, "an answer to " + prompt);
        });
    }
    void cancel() const {}

private:
    asio::io_context* io_;
    metered_provider* provider_;
};

//! [before]
class chat_with_retry : public std::enable_shared_from_this<chat_with_retry> {
public:
    using handler = std::function<void(std::string answer)>;  // empty: it failed

    chat_with_retry(asio::io_context& io, chat_client client, std::string prompt, handler done)
        : timer_{io}, client_{client}, prompt_{std::move(prompt)}, done_{std::move(done)} {}

    void start() {
        client_.async_send(prompt_, [self = shared_from_this()](std::error_code e, int status, std::string body) {
            if (!e && status == 200) return self->done_(std::move(body));
            if (++self->failures_ == 4) return self->done_("");
            self->timer_.expires_after(first_delay * (1 << self->failures_));
            self->timer_.async_wait([self](std::error_code) { self->start(); });
        });
    }

private:
    asio::steady_timer timer_;
    chat_client client_;
    std::string prompt_;
    handler done_;
    int failures_ = 0;
};
//! [before]

//! [after]
coffer::outcome<std::string> meaning(std::error_code e, int status, std::string body) {
    using enum coffer::fault_kind;
    if (e)
        return coffer::failed(coffer::classify_error(e),
                              e.message());  // a refused connection cost nothing, a reset one may have
    if (status == 200) return body;
    if (status == 429 && body.find("insufficient_quota") != std::string::npos) return coffer::failed(quota_exhausted);
    if (status == 429) return coffer::failed(throttled);
    if (status == 503) return coffer::failed(overloaded);
    return coffer::failed(status >= 500 ? ambiguous : invalid_request, "HTTP " + std::to_string(status));
}

coffer::guarded<std::string(std::string const&)> guard(chat_client client, coffer::store const& db) {
    auto operation =
        coffer::from_callback<std::string>([client](std::string const& prompt, coffer::callback<std::string> done) {
            client.async_send(prompt, [done](std::error_code e, int status, std::string body) {
                done(meaning(e, status, std::move(body)));
            });
            done.on_stop([client] { client.cancel(); });
        });
    auto const print = [](std::string const& prompt) { return coffer::fingerprint{}.with("prompt", prompt); };
    return coffer::pipeline{coffer::once{db, {.max_sends = 1}}, coffer::retry{}, coffer::circuit_breaker{}}.wrap(
        coffer::describe(std::move(operation)).fingerprint(print));
}
//! [after]

std::string run_before(metered_provider& p, int runs = 1) {
    std::string got;
    asio::io_context io;
    chat_client const client{io, p};
    for (int i = 0; i < runs; ++i) {
        //! [before_call]
        std::make_shared<chat_with_retry>(io, client, "why?", [&got](std::string answer) { got = answer; })->start();
        //! [before_call]
        io.restart();
        io.run();
    }
    return got;
}

std::string run_after(metered_provider& p, int runs = 1) {
    std::string got;
    asio::io_context io;
    coffer::memory_store const db;
    auto const ask = guard(chat_client{io, p}, db);
    for (int i = 0; i < runs; ++i) {
        got.clear();
        //! [after_call]
        coffer::call call{coffer::key{"summary", 42}, 2min};
        ask.async_call(std::move(call), std::string{"why?"},
                       asio::bind_executor(io, [&got](coffer::outcome<std::string> answer) {
                           if (answer) got = *std::move(answer);
                       }));
        //! [after_call]
        io.restart();
        io.run();
    }
    return got;
}

TEST(migrate_from_callbacks, a_job_that_is_run_again_pays_again) {
    metered_provider before;
    EXPECT_EQ(run_before(before, 3), "an answer to why?");
    EXPECT_EQ(before.bills(), 3);
    metered_provider after;
    EXPECT_EQ(run_after(after, 3), "an answer to why?");
    EXPECT_EQ(after.bills(), 1);
}

TEST(migrate_from_callbacks, a_lost_reply_is_paid_again) {
    metered_provider before{{ending::reply_lost, ending::reply_lost, ending::answered}};
    EXPECT_EQ(run_before(before), "an answer to why?");
    EXPECT_EQ(before.bills(), 3);
    metered_provider after{{ending::reply_lost, ending::reply_lost, ending::answered}};
    EXPECT_EQ(run_after(after), "");
    EXPECT_EQ(after.bills(), 1);
}

TEST(migrate_from_callbacks, an_empty_account_is_asked_again) {
    metered_provider before{{ending::no_quota}};
    EXPECT_EQ(run_before(before), "");
    EXPECT_EQ(before.requests(), 4U);
    metered_provider after{{ending::no_quota}};
    EXPECT_EQ(run_after(after), "");
    EXPECT_EQ(after.requests(), 1U);
}

TEST(migrate_from_callbacks, what_a_retry_can_mend_is_mended_by_both) {
    metered_provider before{{ending::overloaded, ending::answered}};
    EXPECT_EQ(run_before(before), "an answer to why?");
    metered_provider after{{ending::overloaded, ending::answered}};
    EXPECT_EQ(run_after(after), "an answer to why?");
    EXPECT_EQ(after.requests(), 2U);
}

}  // namespace
}  // namespace migrate_asio_page
