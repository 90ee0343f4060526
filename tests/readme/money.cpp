// SPDX-License-Identifier: BSL-1.0
// The snippets of docs/money.md, in tests that run them.

#include <coffer/coffer.hpp>
#include <coffer/store/memory.hpp>
#include <coffer/testing/virtual_time.hpp>

#include <gtest/gtest.h>

#include <asio/io_context.hpp>

#include <chrono>
#include <iostream>
#include <string>

using namespace std::chrono_literals;
using namespace coffer::literals;

namespace money_page {
namespace {

/// What a page's snippets talk about: an operation that says what it costs at the most, and what it has cost.
struct priced {
    coffer::awaitable<std::string> operator()(coffer::attempt& a, std::string const& question) const {
        a.report_cost(0.10_usd);
        co_return "an answer to " + question;
    }
    [[nodiscard]] coffer::target target(std::string const&) const { return {"somebody", "gpt-x"}; }
    [[nodiscard]] coffer::fingerprint fingerprint(std::string const& question) const {
        return coffer::fingerprint{}.with("question", question);
    }
    [[nodiscard]] coffer::estimate estimate(std::string const&) const {
        coffer::estimate e;
        e.cost = 0.40_usd;
        return e;
    }
};

struct docs_money : testing::Test {
    template <class Work>
    void run(Work work) {
        std::exception_ptr thrown;
        auto const ended = [&](std::exception_ptr e) { thrown = e; };
        asio::co_spawn(io, std::move(work), ended);
        time.run();
        if (thrown) std::rethrow_exception(thrown);
    }
    asio::io_context io;
    coffer::testing::virtual_time time{io};
    coffer::memory_store db;
    priced chat;
};

TEST_F(docs_money, a_day_and_a_month) {
    //! [budget]
    auto const ask =
        coffer::pipeline{
            coffer::once{db},
            coffer::retry{},
            coffer::budget{db,
                           {.scope = "org/team/search",
                            .limit = 25_usd,
                            .window = coffer::daily,
                            .also = {{"org", 2000_usd, coffer::monthly},
                                     {"org/user/{user}", 1_usd, coffer::rolling(1h)},
                                     {"model/{model}", 100_usd, coffer::daily, coffer::limit_kind::soft}}}},
        }
            .wrap(chat);
    //! [budget]
    std::string text;
    run([&]() -> coffer::awaitable<void> {
        auto call = coffer::call{coffer::key{"search", "q1"}}.tag("user", "ann");
        std::string const question = "why?";
        text = co_await ask(call, question);
    });
    EXPECT_EQ(text, "an answer to why?");
}

TEST_F(docs_money, a_denial_says_what_is_left) {
    auto const ask =
        coffer::pipeline{coffer::budget{db, {.scope = "team", .limit = 0.45_usd, .window = coffer::daily}}}.wrap(chat);
    std::string cheaper;
    run([&]() -> coffer::awaitable<void> {
        std::string const question = "why?";
        auto first = coffer::call::unkeyed();
        (void)co_await ask(first, question);
        //! [denial]
        auto call = coffer::call::unkeyed();
        auto const reply = co_await ask.try_call(call, question);
        if (!reply && reply.error().denial()) {
            auto const& denied = *reply.error().denial();
            std::cerr << denied.scope << ": " << denied.free << " of " << denied.limit << " are left\n";
            if (denied.free >= 0.05_usd) cheaper = "a smaller model will do";
        }
        //! [denial]
        EXPECT_EQ(reply ? coffer::fault_kind::permanent : reply.error().kind(), coffer::fault_kind::over_budget);
    });
    EXPECT_EQ(cheaper, "a smaller model will do");
}

/// The same, for less.
struct frugal : priced {
    coffer::awaitable<std::string> operator()(coffer::attempt& a, std::string const& question) const {
        a.report_cost(0.01_usd);
        co_return "a cheap answer to " + question;
    }
    [[nodiscard]] coffer::target target(std::string const&) const { return {"somebody", "gpt-x-mini"}; }
    [[nodiscard]] coffer::estimate estimate(std::string const&) const {
        coffer::estimate e;
        e.cost = 0.02_usd;
        return e;
    }
};

TEST_F(docs_money, a_denial_falls_back_to_a_cheaper_model) {
    frugal const cheap_chat;
    //! [cheaper]
    coffer::budget const team{db, {.scope = "team", .limit = 0.45_usd, .window = coffer::daily}};
    auto const ask = coffer::pipeline{coffer::once{db}}.wrap(coffer::fallback{
        coffer::pipeline{coffer::retry{}, team}.wrap(chat),
        coffer::pipeline{coffer::retry{}, team}.wrap(cheap_chat),
    });
    //! [cheaper]
    std::string texts;
    run([&]() -> coffer::awaitable<void> {
        std::string const question = "why?";
        for (int i = 0; i < 3; ++i) {
            coffer::call call{coffer::key{"search", i}};
            texts += co_await ask(call, question) + ". ";
        }
    });
    EXPECT_EQ(texts, "an answer to why?. a cheap answer to why?. a cheap answer to why?. ");
}

TEST_F(docs_money, the_kill_switch) {
    auto const ask = coffer::pipeline{coffer::budget{db, {.scope = "org/team"}}}.wrap(chat);
    std::string code;
    run([&]() -> coffer::awaitable<void> {
        //! [freeze]
        coffer::ledger const money = db.ledger();
        auto const under_way = co_await money.freeze("org", "the report job runs wild");
        std::cerr << under_way << " sends are under way and may still be billed\n";
        //! [freeze]
        auto call = coffer::call::unkeyed();
        std::string const question = "why?";
        auto const reply = co_await ask.try_call(call, question);
        if (!reply) code = reply.error().code();
        //! [thaw]
        co_await money.thaw("org");
        //! [thaw]
        (void)co_await ask(call, question);
    });
    EXPECT_EQ(code, "frozen");
}

TEST_F(docs_money, accounts_and_entries) {
    auto const ask =
        coffer::pipeline{coffer::budget{db, {.scope = "team", .limit = 1_usd, .window = coffer::daily}}}.wrap(chat);
    coffer::money spent;
    run([&]() -> coffer::awaitable<void> {
        auto call = coffer::call::unkeyed();
        std::string const question = "why?";
        (void)co_await ask(call, question);
        //! [look]
        coffer::ledger const money = db.ledger();
        std::vector<coffer::account_status> const accounts = co_await money.accounts("team");
        for (auto const& a : accounts) std::cout << a.scope << ", " << a.window << ": " << a.money_in << '\n';

        coffer::entry_filter presumed;
        presumed.state = coffer::reservation_state::presumed;
        std::vector<coffer::ledger_entry> const unknown = co_await money.entries(presumed);
        //! [look]
        EXPECT_TRUE(unknown.empty());
        spent = accounts.at(0).money_in.settled;
    });
    EXPECT_EQ(spent, 0.10_usd);
}

}  // namespace
}  // namespace money_page
