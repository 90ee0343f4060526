// SPDX-License-Identifier: BSL-1.0
// docs/migrate.md: a client with callbacks on an io_context, its retries by a steady_timer, and what stands in its place. Both
// are run against a provider that keeps the bill.

#include <coffer/call/from_callback.hpp>
#include <coffer/coffer.hpp>
#include <coffer/store/memory.hpp>

#include <gtest/gtest.h>

#include <asio/bind_cancellation_slot.hpp>
#include <asio/bind_executor.hpp>
#include <asio/cancellation_signal.hpp>
#include <asio/io_context.hpp>
#include <asio/post.hpp>
#include <asio/steady_timer.hpp>

#include <chrono>
#include <cstddef>
#include <exception>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <system_error>
#include <utility>

#include "support/http_kind.hpp"
#include "support/metered_provider.hpp"

using namespace std::chrono_literals;

namespace migrate_asio_page {
namespace {

using migrate_page::code_of;
using migrate_page::ending;
using migrate_page::kind_of;
using migrate_page::metered_provider;

constexpr auto first_delay = 1ms;  // the page's readers have a second there

/// The program's own client, shared by all its copies: one request, one callback on the context.
class chat_client {
public:
    using handler = std::function<void(std::error_code, int status, std::string body)>;

    chat_client(asio::io_context& io, metered_provider& p) : shared_{std::make_shared<shared>(&io, &p)} {}

    /// Gives the request's id.
    int async_send(std::string const& prompt, handler done) const {
        int const id = ++shared_->last_id;
        shared_->under_way[id] = [how = shared_->provider->next(), prompt, done](bool cancelled) {
            if (cancelled) done(std::make_error_code(std::errc::operation_canceled), 0, "");
            else if (how == ending::reply_lost) done(std::make_error_code(std::errc::connection_reset), 0, "");
            else if (how == ending::no_quota) done({}, 429, R"({"error":{"code":"insufficient_quota"}})");
            else if (how == ending::overloaded) done({}, 503, R"({"error":{"code":"server_is_overloaded"}})");
            else if (how == ending::gateway_503) done({}, 503, "<html><h1>503 Service Unavailable</h1></html>");
            else done({}, 200, "an answer to " + prompt);
        };
        if (!shared_->slow) reply(id);
        return id;
    }
    void cancel(int id) const { end(id, true); }
    [[nodiscard]] std::size_t under_way() const { return shared_->under_way.size(); }

    /// From here on nothing is answered, until `answer_all`.
    void be_slow() const { shared_->slow = true; }
    void answer_all() const {
        for (int id = 1; id <= shared_->last_id; ++id) reply(id);
    }

private:
    struct shared {
        shared(asio::io_context* i, metered_provider* p) : io{i}, provider{p} {}
        asio::io_context* io;
        metered_provider* provider;
        std::map<int, std::function<void(bool cancelled)>> under_way;
        int last_id = 0;
        bool slow = false;
    };

    void reply(int id) const {
        asio::post(*shared_->io, [self = *this, id] { self.end(id, false); });
    }
    void end(int id, bool cancelled) const {
        if (auto const ended = shared_->under_way.extract(id)) ended.mapped()(cancelled);
    }

    std::shared_ptr<shared> shared_;
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
    if (e)
        return coffer::failed(coffer::classify_error(e),
                              e.message());  // a refused connection cost nothing, a reset one may have
    if (status == 200) return body;
    return coffer::failed(coffer::fault{kind_of(status, code_of(body))}.with_status(status));
}

auto chat_operation(chat_client client) {
    return coffer::from_callback<std::string>([client](std::string const& prompt, coffer::callback<std::string> done) {
        int const id = client.async_send(prompt, [done](std::error_code e, int status, std::string body) {
            done(meaning(e, status, std::move(body)));
        });
        done.on_stop([client, id] { client.cancel(id); });  // this request, and not what others wait for
    });
}

coffer::guarded<std::string(std::string const&)> guard(chat_client client, coffer::store const& db) {
    auto const print = [](std::string const& prompt) { return coffer::fingerprint{}.with("prompt", prompt); };
    return coffer::pipeline{coffer::once{db, {.max_sends = 1}}, coffer::retry{}}.wrap(
        coffer::describe(chat_operation(client)).fingerprint(print));
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

TEST(migrate_from_callbacks, a_gateway_gives_up_on_what_is_executed) {
    metered_provider before{{ending::gateway_503}};
    EXPECT_EQ(run_before(before), "");
    EXPECT_EQ(before.bills(), 4);
    metered_provider after{{ending::gateway_503}};
    EXPECT_EQ(run_after(after, 21), "");
    EXPECT_EQ(after.bills(), 1);
}

TEST(migrate_from_callbacks, who_leaves_cancels_his_own_request_only) {
    metered_provider bill;
    asio::io_context io;
    chat_client const client{io, bill};
    client.be_slow();
    coffer::guarded<std::string(std::string const&)> const ask =
        coffer::pipeline{coffer::retry{}}.wrap(chat_operation(client));
    coffer::outcome<std::string> left, stayed;
    asio::cancellation_signal leave;
    ask.async_call(coffer::call::unkeyed(2min), std::string{"who?"},
                   asio::bind_executor(io, asio::bind_cancellation_slot(
                                               leave.slot(), [&](coffer::outcome<std::string> o) { left = o; })));
    ask.async_call(coffer::call::unkeyed(2min), std::string{"why?"},
                   asio::bind_executor(io, [&](coffer::outcome<std::string> o) { stayed = o; }));
    io.poll();
    ASSERT_EQ(bill.requests(), 2U);
    leave.emit(asio::cancellation_type::terminal);
    io.poll();
    EXPECT_EQ(client.under_way(), 1U);
    client.answer_all();
    io.run();
    ASSERT_FALSE(left.has_value());
    EXPECT_EQ(left.error().kind(), coffer::fault_kind::cancelled);
    EXPECT_EQ(stayed.value_or("cancelled, too"), "an answer to why?");
    EXPECT_EQ(bill.requests(), 2U);
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
