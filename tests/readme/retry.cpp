// SPDX-License-Identifier: BSL-1.0
// The snippets of docs/retry.md, in tests that run them.

#include <coffer/coffer.hpp>
#include <coffer/testing/scripted_operation.hpp>
#include <coffer/testing/virtual_time.hpp>

#include <gtest/gtest.h>

#include <asio/io_context.hpp>

#include <optional>
#include <string>
#include <utility>
#include <vector>

using namespace std::chrono_literals;

namespace retry_page {
namespace {

//! [rule]
auto const patient =
    coffer::retry{{.attempts = 6, .ambiguous_delay = 10s}, [](coffer::fault const& f, int /* attempts made */) {
                      return f.code() == "engine_warming" ? coffer::retry_decision::yes_after(20s)
                                                          : coffer::retry_decision::by_table();
                  }};
//! [rule]

//! [combined]
using coffer::backoff;
coffer::retry const considerate{{
    .attempts = 8,
    .schedule = backoff{.cap = 1min} | backoff::fixed(1s),  // never less than a second
    .schedule_for = {{coffer::fault_kind::overloaded, backoff::fixed(10s) + backoff::up_to(5s)}},
    .stop = coffer::stop_after(3min) | coffer::stop_after_same_fault(4),
}};
//! [combined]

/// What comes of a call, and how long it takes, when the provider fails for ever.
struct ended {
    coffer::fault why;
    coffer::duration took;
    int sends;
};
template <class... Policies>
ended in_an_outage(Policies const&... policies) {
    asio::io_context io;
    coffer::testing::virtual_time time{io};
    coffer::testing::scripted_operation<int> provider;
    provider.fails(coffer::fault_kind::overloaded).times(0);
    auto const ask = coffer::pipeline{policies...}.wrap(provider);
    std::optional<coffer::fault> why;
    auto const work = [&]() -> coffer::awaitable<void> {
        auto call = coffer::call::unkeyed();
        auto const r = co_await ask.try_call(call);
        why = r.error();
    };
    auto const start = time.now();
    asio::co_spawn(io, work, asio::detached);
    time.run();
    return {why.value(), time.now() - start, provider.sends()};
}

TEST(docs_retry, schedules_and_conditions_are_combined) {
    auto const e = in_an_outage(considerate);
    EXPECT_EQ(e.sends, 4);
    EXPECT_EQ(e.why.stop(), coffer::stop_reason::condition);
    EXPECT_GE(e.took, 30s);
    EXPECT_LT(e.took, 45s);
}

TEST(docs_retry, changed_in_an_outage) {
    //! [change]
    coffer::retry const policy;  // its copies stand in the pipelines
    auto calmer = policy.options();
    calmer.attempts = 2;
    calmer.schedule = coffer::backoff{.base = 5s};
    policy.change(calmer);
    //! [change]
    EXPECT_EQ(in_an_outage(policy).sends, 2);
}

TEST(docs_retry, one_quota_for_a_provider) {
    coffer::testing::scripted_operation<int> chat_operation, embed_operation;
    auto const outage = [&](auto const& chat, auto const& embed) {
        asio::io_context io;
        coffer::testing::virtual_time time{io};
        std::vector<coffer::stop_reason> why;
        auto const work = [&]() -> coffer::awaitable<void> {
            for (int i = 0; i < 10; ++i) {
                auto one = coffer::call::unkeyed();
                auto const a = co_await chat.try_call(one);
                auto other = coffer::call::unkeyed();
                auto const b = co_await embed.try_call(other);
                why = {a.error().stop(), b.error().stop()};
            }
        };
        asio::co_spawn(io, work, asio::detached);
        time.run();
        return why;
    };
    chat_operation.fails(coffer::fault_kind::overloaded).times(0);
    embed_operation.fails(coffer::fault_kind::overloaded).times(0);
    //! [quota]
    coffer::retry_quota const quota;
    auto const chat = coffer::pipeline{coffer::retry{{}, quota}}.wrap(chat_operation);
    auto const embed = coffer::pipeline{coffer::retry{{}, quota}}.wrap(embed_operation);
    //! [quota]
    EXPECT_EQ(outage(chat, embed).back(), coffer::stop_reason::quota_spent)
        << "60 retries were wanted in a minute or so";
    EXPECT_LT(chat_operation.sends() + embed_operation.sends(), 20 + 60);
}

struct question {
    explicit question(std::string t) : text{std::move(t)} {}
    std::string text;
};
std::vector<std::string> asked;
coffer::awaitable<coffer::outcome<coffer::answer>> ask_model(question const& q) {
    asked.push_back(q.text);
    co_return coffer::answer{asked.size() == 1 ? "It has about forty." : "41", 200};
}

TEST(docs_retry, a_repair) {
    //! [repair]
    auto const counted =
        coffer::describe(ask_model)
            .decode([](coffer::answer const& a) -> coffer::outcome<int> {
                if (a.body.empty() || a.body.find_first_not_of("0123456789") != std::string::npos)
                    return coffer::failed(coffer::fault_kind::defective_answer, "this is not a number");
                return std::stoi(a.body);
            })
            .repair([](coffer::defect const& d, question& q) {  // a copy of the question
                q.text += "\nYou answered: " + d.raw->body + "\nAnswer with a number, and nothing else.";
                return true;
            });
    auto const ask = coffer::pipeline{coffer::retry{}}.wrap(counted);
    //! [repair]
    asio::io_context io;
    coffer::testing::virtual_time time{io};
    asked.clear();
    int result = 0;
    auto const work = [&]() -> coffer::awaitable<void> {
        auto call = coffer::call::unkeyed();
        question const q{"How many rooms has the house?"};
        result = co_await ask(call, q);
    };
    asio::co_spawn(io, work, asio::detached);
    time.run();
    EXPECT_EQ(result, 41);
    ASSERT_EQ(asked.size(), 2U);
    EXPECT_EQ(
        asked[1],
        "How many rooms has the house?\nYou answered: It has about forty.\nAnswer with a number, and nothing else.");
}

TEST(docs_retry, a_rule_of_ones_own) {
    asio::io_context io;
    coffer::testing::virtual_time time{io};
    coffer::testing::scripted_operation<int> provider;
    provider
        .fails(coffer::fault{coffer::fault_kind::permanent}
                   .with_code("engine_warming")
                   .with_billing(coffer::knowledge::no))
        .gives(7);
    auto const ask = coffer::pipeline{patient}.wrap(provider);
    int result = 0;
    auto const work = [&]() -> coffer::awaitable<void> {
        auto call = coffer::call::unkeyed();
        result = co_await ask(call);
    };
    auto const start = time.now();
    asio::co_spawn(io, work, asio::detached);
    time.run();
    EXPECT_EQ(result, 7);
    EXPECT_GE(time.now() - start, 20s);
}

}  // namespace
}  // namespace retry_page
