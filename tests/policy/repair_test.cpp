// SPDX-License-Identifier: BSL-1.0
// Another request after a defective answer: what is asked, what it costs, and every ceiling that holds for it.
#include <coffer/call/guarded.hpp>
#include <coffer/call/pipeline.hpp>
#include <coffer/policy/budget.hpp>
#include <coffer/policy/circuit_breaker.hpp>
#include <coffer/policy/fallback.hpp>
#include <coffer/policy/hedge.hpp>
#include <coffer/policy/once.hpp>
#include <coffer/policy/retry.hpp>
#include <coffer/policy/timeout.hpp>
#include <coffer/store/ledger_memory.hpp>
#include <coffer/store/memory.hpp>

#include <gtest/gtest.h>

#include <algorithm>
#include <new>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

#include "policy/support/provider.hpp"
#include "support/seeds.hpp"
#include "support/simulation.hpp"

namespace repair_test {
namespace {

using namespace coffer::literals;
using namespace std::chrono_literals;
using coffer::defect;
using coffer::fault_kind;
using coffer::pipeline;
using coffer::retry;
using coffer::retry_options;
using coffer::stop_reason;
using coffer::wait_reason;
using support::asked;
using support::caller;
using support::guarded;
using support::request;

using strings = std::vector<std::string>;

/// Says in the prompt what was wrong.
bool more_precisely(defect const& d, request& r) {
    r.prompt += "; not '" + d.raw->body + "'";
    return true;
}

struct repair_test : testing::Test {
    support::simulation sim;
    support::provider provider;
    coffer::memory_store db;
    coffer::key const key{"test", "k"};

    template <class Hook>
    auto chat(Hook hook) {
        return coffer::describe(provider.operation()).repair(hook);
    }
    asked run(guarded const& ask, std::string prompt = "prompt") {
        auto const c = caller::begin(sim.executor(), ask, coffer::call{key, 15min}, request{std::move(prompt)});
        sim.time.run();
        return *c;
    }
    template <class Hook>
    asked run_with(Hook hook, retry const& policy = retry{}) {
        return run(pipeline{policy}.wrap(chat(hook)));
    }
    [[nodiscard]] strings prompts() const {
        strings list;
        for (auto const& s : provider.sends()) list.push_back(s.prompt);
        return list;
    }
};

TEST_F(repair_test, the_next_attempt_asks_what_the_hook_has_made_of_the_request) {
    provider.answer("bad json").answer("good");
    auto const said = run_with(more_precisely);
    EXPECT_EQ(said.text(), "good");
    EXPECT_EQ(prompts(), (strings{"prompt", "prompt; not 'bad json'"}));
}

TEST_F(repair_test, at_once_and_the_log_says_why) {
    provider.answer("bad").answer("good");
    auto const said = run_with(more_precisely);
    ASSERT_EQ(said.log.size(), 2U);
    EXPECT_EQ(said.log[0].fault->kind(), fault_kind::defective_answer);
    EXPECT_EQ(said.log[1].start, said.log[0].duration) << "neither backoff nor the wait before an ambiguous send";
    EXPECT_EQ(said.log[1].why_waited, wait_reason::repair);
    EXPECT_EQ(said.cost, 0.02_usd) << "both were paid for";
}

TEST_F(repair_test, without_a_hook_a_defective_answer_is_the_end) {
    provider.answer("bad").answer("good");
    auto const said = run(pipeline{retry{}}.wrap(provider.operation()));
    EXPECT_TRUE(said.failed(fault_kind::defective_answer));
    EXPECT_EQ(said.why().stop(), stop_reason::not_retryable);
    EXPECT_EQ(provider.count(), 1);
}

TEST_F(repair_test, without_a_retry_nothing_asks_again) {
    provider.answer("bad").answer("good");
    auto const said = run(pipeline{}.wrap(chat(more_precisely)));
    EXPECT_TRUE(said.failed(fault_kind::defective_answer));
    EXPECT_EQ(provider.count(), 1);
}

TEST_F(repair_test, a_hook_that_declines_or_throws_leaves_the_fault_as_it_is) {
    provider.answer("bad one").answer("bad two");
    auto const declined = run_with([](defect const&, request&) { return false; });
    EXPECT_EQ(declined.why().message(), "it says bad one");
    EXPECT_EQ(declined.why().stop(), stop_reason::not_retryable);
    auto const threw = run_with([](defect const&, request&) -> bool { throw std::runtime_error{"the hook broke"}; });
    EXPECT_EQ(threw.why().message(), "it says bad two");
    EXPECT_EQ(provider.count(), 2);
}

TEST_F(repair_test, the_hook_is_told_the_answer_the_fault_and_how_many_there_were) {
    provider.answer("bad 1").answer("bad 2").answer("bad 3").answer("good");
    strings told;
    auto const note = [&](defect const& d, request& r) {
        told.push_back(std::to_string(d.repairs) + " " + d.raw->body + ", " + std::string{d.why.message()});
        r.prompt += "!";
        return true;
    };
    EXPECT_EQ(run_with(note, retry{{.max_sends = 4}}).text(), "good");
    EXPECT_EQ(told, (strings{"0 bad 1, it says bad 1", "1 bad 2, it says bad 2", "2 bad 3, it says bad 3"}));
    EXPECT_EQ(prompts(), (strings{"prompt", "prompt!", "prompt!!", "prompt!!!"})) << "a repair goes on from the last";
}

TEST_F(repair_test, other_faults_are_none_of_its_business) {
    provider.fail(fault_kind::overloaded).answer("busy").answer("refused").answer("good");
    int called = 0;
    auto const said = run_with([&](defect const&, request&) { return ++called, true; });
    EXPECT_TRUE(said.failed(fault_kind::content_policy));
    EXPECT_EQ(called, 0);
    EXPECT_EQ(provider.count(), 3);
}

TEST_F(repair_test, a_repaired_request_is_retried_as_it_is) {
    provider.answer("bad").fail(fault_kind::overloaded).answer("good");
    auto const said = run_with(more_precisely);
    EXPECT_EQ(said.text(), "good");
    EXPECT_EQ(prompts(), (strings{"prompt", "prompt; not 'bad'", "prompt; not 'bad'"}));
    EXPECT_EQ(said.log[2].why_waited, wait_reason::backoff);
}

// The ceilings ------------------------------------------------------------------------------------------------------------

TEST_F(repair_test, sends_are_counted) {
    provider.answer("bad").answer("bad").answer("good");
    auto const said = run_with(more_precisely, retry{{.attempts = 9, .max_sends = 2}});
    EXPECT_TRUE(said.failed(fault_kind::defective_answer));
    EXPECT_EQ(said.why().stop(), stop_reason::sends_spent);
    EXPECT_EQ(provider.count(), 2);
}

TEST_F(repair_test, attempts_are_counted) {
    provider.answer("bad").answer("bad").answer("bad").answer("good");
    auto const said = run_with(more_precisely, retry{{.attempts = 3, .max_sends = 9}});
    EXPECT_EQ(said.why().stop(), stop_reason::attempts_spent);
    EXPECT_EQ(provider.count(), 3);
}

TEST_F(repair_test, it_is_taken_from_the_quota) {
    provider.answer("bad 1").answer("bad 2").answer("good");
    coffer::retry_quota const one{{.capacity = 1, .per_second = 0.001, .per_success = 0}};
    auto const said = run_with(more_precisely, retry{{.max_sends = 4}, one});
    EXPECT_EQ(said.why().stop(), stop_reason::quota_spent);
    EXPECT_EQ(said.why().message(), "it says bad 2");
    EXPECT_EQ(provider.count(), 2);
}

TEST_F(repair_test, the_users_rule_has_the_last_word) {
    provider.answer("bad").answer("good");
    auto const never = [](coffer::fault const&, int) { return coffer::retry_decision::no(); };
    EXPECT_TRUE(run_with(more_precisely, retry{{}, never}).failed(fault_kind::defective_answer));
    EXPECT_EQ(provider.count(), 1);
}

TEST_F(repair_test, a_key_is_billed_at_most_max_sends_times) {
    provider.answer("bad").answer("bad").answer("good");
    guarded const ask = pipeline{coffer::once{db, {.max_sends = 2}}, retry{{.attempts = 9}}}.wrap(chat(more_precisely));
    EXPECT_TRUE(run(ask).failed(fault_kind::defective_answer));
    EXPECT_EQ(provider.count(), 2);
    EXPECT_TRUE(run(ask).failed(fault_kind::defective_answer)) << "the next run, too";
    EXPECT_EQ(provider.count(), 2);
}

TEST_F(repair_test, what_a_repair_brought_is_the_keys_answer) {
    provider.answer("bad").answer("good");
    guarded const ask = pipeline{coffer::once{db}, retry{}}.wrap(chat(more_precisely));
    EXPECT_EQ(run(ask).text(), "good");
    auto const again = run(ask);
    EXPECT_EQ(again.text(), "good");
    EXPECT_EQ(again.origin, coffer::answer_origin::replayed);
    EXPECT_EQ(provider.count(), 2);
    EXPECT_TRUE(run(ask, "another prompt").failed(fault_kind::key_mismatch)) << "the key is the first request's";
}

TEST_F(repair_test, the_budget_is_asked_for_the_repaired_request) {
    coffer::in_memory_ledger ledger;
    auto const sized = [this](auto hook) {
        return coffer::describe(provider.operation()).repair(hook).estimate([](request const& r) {
            coffer::estimate e;
            e.cost = r.prompt.size() > 20 ? 0.50_usd : 0.10_usd;
            return e;
        });
    };
    auto const longer = [](defect const&, request& r) { return r.prompt.append(30, '?'), true; };
    provider.answer("bad").answer("good");
    guarded const ask =
        pipeline{retry{}, coffer::budget{ledger, {.scope = "team", .limit = 0.30_usd}}}.wrap(sized(longer));
    auto const said = run(ask);
    EXPECT_TRUE(said.failed(fault_kind::never_fits)) << said.text();
    EXPECT_EQ(said.why().billing(), coffer::knowledge::yes) << "the first answer was paid for";
    EXPECT_EQ(provider.count(), 1);
}

TEST_F(repair_test, the_target_is_the_repaired_requests) {
    provider.answer("bad").answer("good");
    auto const op =
        coffer::describe(provider.operation())
            .target([](request const& r) { return coffer::target{"fake", r.prompt == "prompt" ? "small" : "large"}; })
            .repair(more_precisely);
    auto const said = run(pipeline{retry{}}.wrap(op));
    ASSERT_EQ(said.log.size(), 2U);
    EXPECT_EQ(said.log[0].target.model, "small");
    EXPECT_EQ(said.log[1].target.model, "large");
}

TEST_F(repair_test, the_breaker_does_not_mind) {
    coffer::circuit_breaker const health{{.in_a_row = 1}};
    provider.answer("bad").answer("good");
    EXPECT_EQ(run(pipeline{retry{}, health}.wrap(chat(more_precisely))).text(), "good");
    EXPECT_EQ(health.status().state, coffer::circuit_state::closed);
}

// Where it stands ---------------------------------------------------------------------------------------------------------

/// A layer between the retry and the operation: the operation is in another segment.
struct through {
    template <class Next>
    coffer::awaitable<coffer::outcome<typename Next::value_type>> operator()(coffer::call& c, Next next) const {
        co_return co_await next(c);
    }
};

TEST_F(repair_test, the_retry_may_stand_further_out) {
    provider.answer("bad").answer("good");
    EXPECT_EQ(run(pipeline{retry{}, through{}}.wrap(chat(more_precisely))).text(), "good");
    provider.answer("bad").answer("good");
    guarded const inner = pipeline{}.wrap(chat(more_precisely));
    EXPECT_EQ(run(pipeline{retry{}}.wrap(inner)).text(), "good");
    EXPECT_EQ(prompts()[3], "prompt; not 'bad'");
    provider.answer("bad").answer("good");
    EXPECT_EQ(run(pipeline{retry{}, coffer::timeout{1min}}.wrap(chat(more_precisely))).text(), "good");
    EXPECT_EQ(prompts()[5], "prompt; not 'bad'");
}

TEST_F(repair_test, also_outside_a_hedge) {
    provider.answer("bad one").answer("good").answer("bad two").answer("bad three").answer("fine");
    auto const hedged = coffer::hedge{{.delay = 10s}, guarded{pipeline{}.wrap(chat(more_precisely))}};
    EXPECT_EQ(run(pipeline{retry{}}.wrap(hedged)).text(), "good");
    EXPECT_EQ(run(pipeline{coffer::once{db, {.max_sends = 4}}, retry{{.max_sends = 4}}}.wrap(hedged)).text(), "fine");
    auto const sends = provider.sends();
    ASSERT_EQ(sends.size(), 5U);
    EXPECT_EQ(sends[1].prompt, "prompt; not 'bad one'");
    EXPECT_EQ(sends[4].prompt, "prompt; not 'bad two'; not 'bad three'") << "one builds on the other";
}

TEST_F(repair_test, another_alternative_is_asked_what_was_given) {
    support::provider other;
    provider.answer("bad").answer("bad");
    other.answer("good");
    guarded const ask = pipeline{}.wrap(coffer::fallback{coffer::fallback_options{.max_sends = 9},
                                                         pipeline{retry{}}.wrap(chat(more_precisely)),
                                                         pipeline{retry{}}.wrap(other.operation())});
    EXPECT_EQ(run(ask).text(), "good");
    EXPECT_EQ(other.sends()[0].prompt, "prompt");
}

TEST_F(repair_test, a_call_that_is_used_again_asks_what_it_is_given) {
    provider.answer("bad").answer("good").answer("third");
    auto const ask = pipeline{retry{}}.wrap(chat(more_precisely));
    auto const both = [&]() -> coffer::awaitable<void> {
        coffer::call c{key, 15min};
        request const r{"prompt"};
        (void)co_await ask.try_call(c, r);
        (void)co_await ask.try_call(c, r);
    };
    asio::co_spawn(sim.executor(), both, asio::detached);
    sim.time.run();
    EXPECT_EQ(prompts(), (strings{"prompt", "prompt; not 'bad'", "prompt"}));
}

TEST_F(repair_test, an_operation_may_have_it_as_a_member_and_no_decode) {
    struct counts {
        coffer::awaitable<coffer::outcome<int>> operator()(int n) const {
            if (n < 3) co_return coffer::failed(fault_kind::defective_answer, "too small");
            co_return n;
        }
        bool repair(defect const& d, int& n) const { return d.raw == nullptr && ++n > 0; }
    };
    auto const work = [&]() -> coffer::awaitable<void> {
        auto const ask = pipeline{retry{{.max_sends = 4}}}.wrap(counts{});
        auto c = coffer::call::unkeyed();
        auto const said = co_await ask.try_call(c, 1);
        EXPECT_EQ(said, 3);
    };
    bool over = false;
    asio::co_spawn(sim.executor(), work, [&](std::exception_ptr const& e) { over = !e; });
    sim.time.run();
    EXPECT_TRUE(over);
}

TEST_F(repair_test, arguments_that_cannot_be_copied_now_are_no_repair) {
    provider.answer("bad").answer("good");
    auto const c = [&] {
        request r{"prompt"};
        r.on_copy = [] { throw std::bad_alloc{}; };
        return caller::begin(sim.executor(), pipeline{retry{}}.wrap(chat(more_precisely)), coffer::call{key, 15min},
                             std::move(r));
    }();
    sim.time.run();
    EXPECT_TRUE(c->failed(fault_kind::defective_answer)) << c->text();
    EXPECT_EQ(provider.count(), 1);
}

// Any order of ends, cancelled at any time: bills <= max_sends, and what is asked follows from what was answered.
TEST_F(repair_test, under_any_schedule) {
    int repaired = 0, cancelled = 0;
    for (auto const seed : support::each_seed(support::seeds(5))) {
        support::simulation home{seed};
        coffer::memory_store store;
        support::provider p;
        coffer::random_source draw{seed};
        auto const below = [&](std::uint64_t n) { return static_cast<int>(draw.next() % n); };
        strings script;
        for (int i = 0; i < 6; ++i) {
            auto const after = 100ms * below(50);
            switch (below(4)) {
                case 0: p.fail(fault_kind::overloaded, after), script.emplace_back(); break;
                case 1: p.answer("good", after), script.emplace_back("good"); break;
                default: p.answer("bad", after), script.emplace_back("bad");
            }
        }
        auto const max_sends = 1 + below(3);
        bool const journaled = below(2) == 0;
        auto const op = coffer::describe(p.operation()).repair(more_precisely);
        auto const policy = retry{{.attempts = 5, .max_sends = max_sends}};
        guarded const ask = journaled
                                ? guarded{pipeline{coffer::once{store, {.max_sends = max_sends}}, policy}.wrap(op)}
                                : guarded{pipeline{policy}.wrap(op)};
        auto const c = caller::begin(home.executor(), ask, coffer::call{coffer::key{"test", 1}, 1min}, request{"p"});
        if (below(3) == 0) {
            home.time.run_for(100ms * below(100));
            c.cancel();
        }
        home.time.run();
        ASSERT_TRUE(c->over);
        cancelled += c->failed(fault_kind::cancelled) ? 1 : 0;

        int paid = 0;
        std::string expected = "p";
        auto const sends = p.sends();
        for (std::size_t i = 0; i < sends.size(); ++i) {
            EXPECT_EQ(sends[i].prompt, expected);
            paid += script[i].empty() ? 0 : 1;
            if (script[i] == "bad") expected += "; not 'bad'";
        }
        repaired += expected != "p" && c->ok() ? 1 : 0;
        EXPECT_LE(paid, max_sends);
        EXPECT_TRUE(!c->ok() || script[sends.size() - 1] == "good");
    }
    if (support::replaying()) return;
    EXPECT_GT(repaired, 0) << "a repair must be reached";
    EXPECT_GT(cancelled, 0);
}

}  // namespace
}  // namespace repair_test
