// SPDX-License-Identifier: BSL-1.0
// The README's snippets about operations of one's own, each in a test that runs it.

#include <coffer/coffer.hpp>
#include <coffer/store/ledger_memory.hpp>
#include <coffer/store/memory.hpp>
#include <coffer/testing/virtual_time.hpp>

#include <gtest/gtest.h>

#include <asio/io_context.hpp>

#include <stdexcept>
#include <string>
#include <system_error>
#include <utility>
#include <vector>

using namespace std::chrono_literals;
using namespace coffer::literals;

namespace own_operation_page {
namespace {

int sent = 0;

//! [operation]
struct question {
    explicit question(std::string t) : text{std::move(t)} {}
    std::string text;
};

// Any awaitable callable: (attempt&, args...) or (args...), giving a value, an expected, or throwing.
coffer::awaitable<std::string> ask_somebody(question const& q);

auto const described = coffer::describe(&ask_somebody)
                           .target([](question const&) { return coffer::target{"somebody", "v1"}; })
                           .fingerprint([](question const& q) { return coffer::fingerprint{}.with("text", q.text); });
//! [operation]

coffer::awaitable<std::string> ask_somebody(question const& q) {
    if (++sent == 1) throw std::system_error{std::make_error_code(std::errc::connection_refused)};
    co_return "an answer to " + q.text;
}

//! [errors]
/// What your client throws.
struct http_error : std::runtime_error {
    http_error(int s, std::string c) : std::runtime_error{"HTTP " + std::to_string(s)}, status{s}, code{std::move(c)} {}
    int status;
    std::string code;  // the provider's own, from the body; empty if there is none
};

/// What that means. "Not billed" only where it is proven.
coffer::fault meaning(http_error const& e) {
    using coffer::fault;
    using enum coffer::fault_kind;
    switch (e.status) {
        case 429: return fault{e.code == "insufficient_quota" ? quota_exhausted : throttled}.with_status(429);
        case 503:
            return fault{e.code.empty() ? ambiguous : overloaded}.with_status(503);  // an edge's page proves nothing
        case 401: return fault{unauthorized}.with_status(401);
        case 403: return fault{forbidden}.with_status(403);
        case 404: return fault{not_found}.with_status(404);
        case 413: return fault{too_large}.with_status(413);
        case 400: return fault{invalid_request}.with_status(400);  // kept under the key for ten minutes
        default: return fault{ambiguous}.with_status(e.status);  // 408, other 5xx, a 2xx that is not 200
    }
}

auto known(coffer::awaitable<std::string> (*client)(question const&)) {
    return coffer::describe(client).classify(&meaning);
}
//! [errors]

//! [money]
struct counted_reply {
    explicit counted_reply(std::string t) : text{std::move(t)} {}
    std::string text;
    coffer::usage used;
};
coffer::awaitable<counted_reply> ask_and_count(question const& q);

coffer::money price(std::int64_t input, std::int64_t output) {
    return coffer::cost_sum{}.add(input, 0.15_usd_per_mtok).add(output, 0.60_usd_per_mtok).round_up();
}

auto const priced =
    coffer::describe(&ask_and_count)
        // At most: a token has a byte at least, and the client asks for no more than 200 of them.
        .estimate([](question const& q) {
            auto const input = std::ssize(q.text) + 50;
            return coffer::estimate{input, 200, price(input, 200)};
        })
        // What it came to.
        .bill([](counted_reply const& r) { return coffer::billed{r.used, price(r.used.input(), r.used.output)}; });
//! [money]

coffer::awaitable<counted_reply> ask_and_count(question const& q) {
    counted_reply r{"an answer to " + q.text};
    r.used.input_fresh = 10;
    r.used.output = 20;
    co_return r;
}

coffer::awaitable<std::string> busy_client(question const&) {
    ++sent;
    throw http_error{503, "server_is_overloaded"};
    co_return "";
}

int status = 0;

/// What is sent is executed, and something on the way answers in the provider's place.
coffer::awaitable<std::string> client_behind_a_gateway(question const&) {
    ++sent;
    throw http_error{status, ""};
    co_return "";
}

//! [outcome]
coffer::awaitable<bool> run_job(coffer::guarded<std::string(question const&)> ask, coffer::store db, std::string id) {
    coffer::call call{coffer::key{"job", id}, 2min};
    question const q{"what is " + id + "?"};
    auto const answer = co_await ask.try_call(call, q);  // outcome<std::string>: every failure as a value
    if (!answer) {
        switch (coffer::disposition(answer.error()).action) {  // what to tell the queue
            case coffer::queue_action::done: co_return true;  // a run before this one saved the result
            case coffer::queue_action::retry_after: co_return false;
            default: throw coffer::failure{answer.error()};  // to the dead letters, or to an operator
        }
    }
    // ... save *answer where it belongs, and then:
    co_await db.acknowledge(call.key());
    co_return true;
}
//! [outcome]

//! [observe]
auto watched(std::vector<std::string>& lines) {
    return coffer::pipeline{coffer::retry{}}.observe([&lines](coffer::event const& e) {
        auto line = std::string{to_string(e.kind)} + " " + std::to_string(e.attempt);
        if (e.why != nullptr) line += " " + std::string{to_string(e.why->kind())};
        lines.push_back(line);  // called from whichever thread the call runs on
    });
}
//! [observe]

TEST(readme, events_are_seen) {
    asio::io_context io;
    coffer::testing::virtual_time time{io};
    sent = 0;
    std::vector<std::string> lines;
    auto const ask = watched(lines).wrap(described);
    auto const work = [&]() -> coffer::awaitable<void> {
        auto call = coffer::call::unkeyed();
        question const q{"why?"};
        (void)co_await ask.try_call(call, q);
    };
    asio::co_spawn(io, work, asio::detached);
    time.run();
    EXPECT_EQ(lines, (std::vector<std::string>{"attempt_started 1", "attempt_ended 1 not_sent",
                                               "retry_scheduled 1 not_sent", "attempt_started 2", "attempt_ended 2"}));
}

TEST(readme, the_errors_of_a_client_are_understood) {
    asio::io_context io;
    coffer::testing::virtual_time time{io};
    sent = 0;
    auto const ask = coffer::pipeline{coffer::retry{}}.wrap(known(&busy_client));
    auto const work = [&]() -> coffer::awaitable<void> {
        auto call = coffer::call::unkeyed();
        question const q{"why?"};
        auto const got = co_await ask.try_call(call, q);
        EXPECT_EQ(got.error().kind(), coffer::fault_kind::overloaded);
        EXPECT_EQ(got.error().billing(), coffer::knowledge::no);
    };
    asio::co_spawn(io, work, asio::detached);
    time.run();
    EXPECT_EQ(sent, 4);
}

/// How the last of `runs` of one job ends that may be sent once.
coffer::fault last_of(int runs) {
    asio::io_context io;
    coffer::testing::virtual_time time{io};
    coffer::memory_store const db;
    auto const print = [](question const& q) { return coffer::fingerprint{}.with("text", q.text); };
    auto const ask = coffer::pipeline{coffer::once{db, {.max_sends = 1}}, coffer::retry{}}.wrap(
        known(&client_behind_a_gateway).fingerprint(print));
    coffer::fault last{coffer::fault_kind::permanent};
    auto const work = [&]() -> coffer::awaitable<void> {
        coffer::call call{coffer::key{"job", 42}, 2min};
        question const q{"why?"};
        auto const got = co_await ask.try_call(call, q);
        if (!got) last = got.error();
    };
    for (int run = 0; run < runs; ++run) {
        asio::co_spawn(io, work, asio::detached);
        time.run();
    }
    return last;
}

TEST(readme, what_may_have_been_executed_is_sent_once_in_21_runs) {
    for (int const answered : {503, 408, 500, 201}) {
        status = answered;
        sent = 0;
        auto const first = last_of(1);
        EXPECT_EQ(first.status(), answered);
        EXPECT_EQ(first.billing(), coffer::knowledge::maybe) << answered;
        sent = 0;
        EXPECT_EQ(coffer::disposition(last_of(21)).action, coffer::queue_action::ask_operator) << answered;
        EXPECT_EQ(sent, 1) << answered;
    }
}

TEST(readme, refused_credentials_are_an_operator_s_and_not_the_job_s) {
    status = 401;
    sent = 0;
    EXPECT_EQ(coffer::disposition(last_of(2)).action, coffer::queue_action::ask_operator);
    EXPECT_EQ(sent, 2) << "not kept under the key: with a new API key the job goes on";
}

TEST(readme, a_client_of_ones_own_has_a_budget) {
    asio::io_context io;
    coffer::testing::virtual_time time{io};
    coffer::in_memory_ledger money;
    coffer::guarded<counted_reply(question const&)> ask =
        coffer::pipeline{coffer::retry{}, coffer::budget{money, {.scope = "team", .limit = 1_usd}}}.wrap(priced);
    auto call = coffer::call::unkeyed();
    auto const once = [&]() -> coffer::awaitable<void> {
        question const q{"why?"};
        auto const got = co_await ask.try_call(call, q);
        EXPECT_TRUE(got);
    };
    asio::co_spawn(io, once(), [](std::exception_ptr e) { EXPECT_EQ(e, nullptr); });
    time.run();
    EXPECT_EQ(call.cost(), price(10, 20));
    auto const team = **money.backend()->accounts("team").get();
    ASSERT_EQ(team.size(), 1U);
    EXPECT_EQ(team[0].money_in.settled, price(10, 20));
}

TEST(readme, own_operation_is_retried_and_paid_once) {
    asio::io_context io;
    coffer::testing::virtual_time time{io};
    coffer::memory_store db;
    sent = 0;
    coffer::guarded<std::string(question const&)> ask =
        coffer::pipeline{coffer::once{db}, coffer::retry{}}.wrap(described);
    int done = 0;
    for (int run = 0; run < 3; ++run) {
        asio::co_spawn(io, run_job(ask, db, "42"), [&](std::exception_ptr e, bool ok) { done += !e && ok ? 1 : 0; });
        time.run();
    }
    EXPECT_EQ(done, 3);
    EXPECT_EQ(sent, 2) << "refused once, which costs no send, then answered once for three runs";
}

}  // namespace
}  // namespace own_operation_page
