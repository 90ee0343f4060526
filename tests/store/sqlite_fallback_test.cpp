// SPDX-License-Identifier: BSL-1.0
// A fallback's answers in a file: a process that is killed before it has read one leaves it to the alternative that gave it.

#include <coffer/call/guarded.hpp>
#include <coffer/call/pipeline.hpp>
#include <coffer/policy/budget.hpp>
#include <coffer/policy/fallback.hpp>
#include <coffer/policy/once.hpp>
#include <coffer/policy/retry.hpp>

#include "store/child_process.hpp"
#include "store/sqlite_world.hpp"

#include <gtest/gtest.h>

#include <asio/io_context.hpp>

#include <signal.h>
#include <unistd.h>

#include <filesystem>
#include <functional>
#include <string>
#include <thread>
#include <utility>
#include <vector>

namespace store_test::sqlite_fallback_test {
namespace {

namespace sqlite = coffer::sqlite;
using namespace coffer::literals;
using coffer::fault_kind;

struct question {
    explicit question(std::string t) : text{std::move(t)} {}
    std::string text;
};
using guarded = coffer::guarded<std::string(question const&)>;

int sends = 0;
std::function<void()> on_decode;

/// A provider whose answers only it can read; one that is down refuses, unbilled.
struct provider {
    provider(std::string n, bool d, coffer::money c = 0.01_usd) : name{std::move(n)}, down{d}, cost{c} {}
    std::string name;
    bool down;
    coffer::money cost;

    coffer::awaitable<coffer::outcome<coffer::answer>> operator()(coffer::attempt& a, question const& q) const {
        ++sends;
        if (down) co_return coffer::failed(fault_kind::overloaded);
        a.report_cost(cost);
        co_return coffer::answer{name + "|an answer to " + q.text, 200};
    }
    [[nodiscard]] coffer::target target(question const&) const { return {name, "model of " + name}; }
    [[nodiscard]] coffer::fingerprint fingerprint(question const& q) const {
        return coffer::fingerprint{}.with("text", q.text);
    }
    [[nodiscard]] coffer::estimate estimate(question const&) const {
        coffer::estimate e;
        e.cost = cost;
        return e;
    }
    [[nodiscard]] coffer::outcome<std::string> decode(coffer::answer const& a) const {
        if (on_decode) on_decode();
        if (!a.body.starts_with(name + "|")) return coffer::failed(fault_kind::defective_answer, "not " + name + "'s");
        return a.body.substr(name.size() + 1) + ", read by " + name;
    }
};
guarded asking(provider p) { return coffer::pipeline{coffer::retry{{.attempts = 1}}}.wrap(std::move(p)); }

/// Asks in real time: the answer, or the fault's code or kind.
std::string run(std::filesystem::path const& file, std::vector<guarded> alternatives, coffer::target* who = nullptr) {
    asio::io_context io;
    sqlite::store const db{file};
    guarded const ask = coffer::pipeline{coffer::once{db}}.wrap(coffer::fallback{std::move(alternatives)});
    std::string said = "nothing";
    auto const body = [&]() -> coffer::awaitable<void> {
        coffer::call call{coffer::key{"report", 1}};
        question const q{"why"};
        auto const reply = co_await ask.try_call(call, q);
        said = reply                          ? *reply
               : reply.error().code().empty() ? std::string{to_string(reply.error().kind())}
                                              : std::string{reply.error().code()};
        if (who != nullptr && call.answered_by()) *who = *call.answered_by();
    };
    asio::co_spawn(io, body, asio::detached);
    io.run();
    return said;
}

register_role const reader{"is answered by the second one and stops before it has read it",
                           [](child_arguments const& a) {
                               std::filesystem::path const file = a.at(0);
                               on_decode = [&] {
                                   intruder look{file};
                                   while (look.number("SELECT count(*) FROM sends WHERE answer IS NOT NULL") == 0)
                                       std::this_thread::yield();
                                   tell("answered");
                                   ::pause();
                               };
                               (void)run(file, {asking({"acme", true}), asking({"zeta", false})});
                               return 0;
                           }};

TEST(sqlite_fallback, an_answer_that_a_killed_process_has_not_read_is_read_by_the_alternative_that_gave_it) {
    temporary_directory const dir;
    auto const file = dir / "coffer.db";
    sends = 0;
    {
        child other{"is answered by the second one and stops before it has read it", {file.string()}};
        ASSERT_EQ(other.listen(), "answered");
        other.kill(SIGKILL);
        EXPECT_EQ(other.wait(), -SIGKILL);
    }
    EXPECT_EQ(intruder{file}.text("SELECT provider || '/' || model FROM sends WHERE state='answered'"),
              "zeta/model of zeta");
    // Without that alternative: nothing is sent, nothing is lost.
    EXPECT_EQ(run(file, {asking({"acme", false}), asking({"omega", false})}), "no_reader");
    EXPECT_EQ(intruder{file}.number("SELECT count(*) FROM sends WHERE state='answered'"), 1);
    // With it, at another place.
    coffer::target who;
    EXPECT_EQ(run(file, {asking({"omega", false}), asking({"acme", false}), asking({"zeta", true})}, &who),
              "an answer to why, read by zeta");
    EXPECT_EQ(who.provider, "zeta");
    EXPECT_EQ(run(file, {asking({"zeta", true}), asking({"acme", false})}, &who), "an answer to why, read by zeta");
    EXPECT_EQ(who.model, "model of zeta") << "a replay says who answered";
    EXPECT_EQ(sends, 0) << "all of it was paid for by the killed process";
    EXPECT_EQ(intruder{file}.number("PRAGMA user_version"), sqlite::detail::format_version);
}

TEST(sqlite_fallback, a_denied_budget_falls_back_to_what_is_cheaper_in_the_transactions_of_one_file) {
    temporary_directory const dir;
    auto const file = dir / "coffer.db";
    sends = 0;
    std::vector<std::string> said;
    {
        asio::io_context io;
        sqlite::store const db{file};
        auto const within = [&](provider p) {
            return coffer::pipeline{coffer::budget{db, {.scope = "team", .limit = 1_usd}}}.wrap(std::move(p));
        };
        auto const ask = coffer::pipeline{coffer::once{db}}.wrap(
            coffer::fallback{within({"dear", false, 0.60_usd}), within({"cheap", false, 0.05_usd})});
        auto const body = [&]() -> coffer::awaitable<void> {
            for (int i = 0; i < 3; ++i) {
                coffer::call call{coffer::key{"report", i}};
                question const q{"why"};
                auto const reply = co_await ask.try_call(call, q);
                said.push_back(reply ? call.answered_by()->provider : "nobody");
            }
        };
        asio::co_spawn(io, body, asio::detached);
        io.run();
    }
    EXPECT_EQ(said, (std::vector<std::string>{"dear", "cheap", "cheap"}));
    EXPECT_EQ(sends, 3);
    intruder look{file};
    EXPECT_EQ(look.number("SELECT settled FROM ledger_accounts"), (0.70_usd).nano());
    EXPECT_EQ(
        look.number("SELECT count(*) FROM ledger_entries WHERE state='settled' AND model='model of cheap' AND send=1"),
        2)
        << "what was denied left no entry, and used up no send";
}

}  // namespace
}  // namespace store_test::sqlite_fallback_test
