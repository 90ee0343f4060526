// SPDX-License-Identifier: BSL-1.0
// What the journal promises about one key, one call after another: sends are counted, answers are replayed, and nothing
// is paid twice.

#include <coffer/base/disposition.hpp>
#include <coffer/call/describe.hpp>
#include <coffer/call/pipeline.hpp>
#include <coffer/policy/once.hpp>
#include <coffer/policy/retry.hpp>
#include <coffer/store/memory.hpp>

#include <gtest/gtest.h>

#include <cstddef>
#include <map>
#include <memory>
#include <new>
#include <stdexcept>
#include <string>
#include <tuple>
#include <utility>
#include <variant>
#include <vector>

#include "policy/support/provider.hpp"
#include "support/simulation.hpp"

namespace once_test {
namespace {

using namespace coffer::literals;
using namespace std::chrono_literals;
using coffer::answer_origin;
using coffer::fault;
using coffer::fault_kind;
using coffer::knowledge;
using coffer::once_options;
using coffer::record_state;
using coffer::stop_reason;
using support::caller;
using support::request;

struct once_test : testing::Test {
    support::simulation sim;
    coffer::memory_store db;
    support::provider provider;
    std::vector<std::pair<coffer::event_kind, std::string>> events;

    support::guarded plain(once_options o = {}) {
        return coffer::pipeline{coffer::once{db, o}}
            .observe([this](coffer::event const& e) { events.emplace_back(e.kind, std::string{e.name_space}); })
            .wrap(provider.operation());
    }
    support::guarded retrying(once_options o = {}) {
        return coffer::pipeline{coffer::once{db, o}, coffer::retry{}}.wrap(provider.operation());
    }
    /// A program whose decode takes any text, where the others' takes none that begins with "bad".
    support::guarded lenient() {
        return coffer::pipeline{coffer::once{db}}.wrap(
            coffer::describe(provider.operation()).decode([](coffer::answer const& a) {
                return coffer::outcome<std::string>{a.body};
            }));
    }
    caller begin(support::guarded const& ask, std::string prompt = "prompt", std::string name = "k",
                 coffer::duration deadline = 15min) {
        return caller::begin(sim.executor(), ask, coffer::call{coffer::key{"test", name}, deadline},
                             request{std::move(prompt)});
    }
    support::asked run(support::guarded const& ask, std::string prompt = "prompt", std::string name = "k") {
        auto const c = begin(ask, std::move(prompt), std::move(name));
        sim.time.run();
        return *c;
    }

    coffer::record_id id(std::string const& name = "k") { return db.backend()->id_of(coffer::key{"test", name}); }
    std::shared_ptr<coffer::record const> record(std::string const& name = "k") {
        db.backend()->bind(sim.time.clock());
        return **db.backend()->peek(id(name)).get();
    }
    /// The state of a key; FREE without a row.
    record_state state(std::string const& name = "k") {
        auto const r = record(name);
        return r ? r->state : record_state::free;
    }
    int counted(std::string const& name = "k") {
        auto const r = record(name);
        return r ? r->counted_sends() : 0;
    }
    std::size_t unresolved() { return (*db.backend()->list(coffer::record_filter::unresolved()).get())->size(); }
    bool resolve(coffer::resolution const& how) { return db.backend()->resolve(id(), how).get()->has_value(); }
};

// Replays ---------------------------------------------------------------------------------------------------------------

TEST_F(once_test, a_job_that_is_run_21_times_pays_once) {
    std::string const body{"good \0\xff\x01 bytes", 14};
    provider.answer(body);
    auto const ask = plain();

    auto const first = run(ask);
    EXPECT_EQ(first.text(), body);
    EXPECT_EQ(first.origin, answer_origin::sent);
    EXPECT_EQ(first.cost, 0.01_usd);
    EXPECT_TRUE(first.stored);
    ASSERT_EQ(first.log.size(), 1U);
    EXPECT_EQ(first.log[0].send, 1);
    EXPECT_EQ(first.log[0].cost, 0.01_usd);

    for (int again = 0; again < 20; ++again) {
        auto const repeat = run(ask);
        EXPECT_EQ(repeat.text(), body);
        EXPECT_EQ(repeat.origin, answer_origin::replayed);
        EXPECT_EQ(repeat.cost, 0_usd);
        EXPECT_TRUE(repeat.stored);
        EXPECT_TRUE(repeat.log.empty());
    }
    EXPECT_EQ(provider.count(), 1);
    EXPECT_EQ(state(), record_state::done);
    EXPECT_EQ(record()->accepted()->reply->body, body);
    EXPECT_EQ(record()->known_cost(), 0.01_usd);
}

TEST_F(once_test, a_queue_that_runs_a_job_for_three_weeks_pays_once) {
    provider.answer("hello").answer("never");
    auto const ask = retrying();
    auto const start = sim.time.clock()->now();
    for (int attempt = 1; attempt <= 25; ++attempt) {  // as River and Sidekiq do: attempt^4 seconds later
        EXPECT_EQ(run(ask).text(), "hello") << "run " << attempt;
        sim.time.run_for(std::chrono::seconds{attempt * attempt * attempt * attempt});
    }
    EXPECT_GT(sim.time.clock()->now() - start, 20 * 24h);
    EXPECT_EQ(provider.count(), 1);

    // At last the result is where it belongs. Runs that come all the same end as successes.
    EXPECT_TRUE(db.backend()->acknowledge(id()).get()->has_value());
    auto const done = run(ask);
    ASSERT_TRUE(done.failed(fault_kind::already_done)) << done.text();
    EXPECT_EQ(coffer::disposition(done.why()).action, coffer::queue_action::done);
    EXPECT_EQ(provider.count(), 1);
}

TEST_F(once_test, keys_do_not_share) {
    provider.answer("one").answer("two");
    auto const ask = plain();
    EXPECT_EQ(run(ask, "prompt", "a").text(), "one");
    EXPECT_EQ(run(ask, "prompt", "b").text(), "two");
    EXPECT_EQ(run(ask, "prompt", "a").text(), "one");
    EXPECT_EQ(provider.count(), 2);
}

TEST_F(once_test, results_without_decode_are_kept_by_their_codec) {
    int made = 0;
    auto const op = coffer::describe([&made](int n) -> coffer::awaitable<int> {
                        ++made;
                        co_return n * 2;
                    }).fingerprint([](int n) { return coffer::fingerprint{}.with("n", std::to_string(n)); });
    auto const twice = coffer::pipeline{coffer::once{db}}.wrap(op);
    std::vector<int> values;
    std::vector<answer_origin> origins;
    auto const job = [&]() -> coffer::awaitable<void> {
        int n = 21;
        for (int i = 0; i < 3; ++i) {
            coffer::call c{coffer::key{"double", n}};
            auto const value = co_await twice(c, n);
            values.push_back(value);
            origins.push_back(c.origin());
        }
    };
    sim.run(job());
    EXPECT_EQ(values, (std::vector{42, 42, 42}));
    EXPECT_EQ(origins, (std::vector{answer_origin::sent, answer_origin::replayed, answer_origin::replayed}));
    EXPECT_EQ(made, 1);
}

TEST_F(once_test, a_call_may_be_used_again_for_a_repeat) {
    provider.answer("hello");
    auto const ask = plain();
    std::vector<std::string> said;
    coffer::call c{coffer::key{"test", "k"}};
    auto const job = [&]() -> coffer::awaitable<void> {
        request r;
        for (int i = 0; i < 2; ++i) {
            auto const text = co_await ask(c, r);
            said.push_back(text);
        }
    };
    sim.run(job());
    EXPECT_EQ(said, (std::vector<std::string>{"hello", "hello"}));
    EXPECT_EQ(provider.count(), 1);
    EXPECT_TRUE(c.log().empty());
    EXPECT_EQ(c.cost(), 0_usd);
    EXPECT_EQ(c.origin(), answer_origin::replayed);
}

TEST_F(once_test, observers_hear_of_replays) {
    provider.answer("hello");
    auto const ask = plain();
    run(ask);
    events.clear();
    run(ask);
    ASSERT_EQ(events.size(), 1U);
    EXPECT_EQ(events[0], std::pair(coffer::event_kind::replayed, std::string{"test"}));
}

TEST_F(once_test, after_the_acknowledgement_nothing_is_sent_and_nothing_returned) {
    provider.answer("hello").answer("again");
    auto const ask = plain({.acknowledged_kept = 24h});
    run(ask);
    sim.run(db.acknowledge(coffer::key{"test", "k"}));
    EXPECT_TRUE(run(ask).failed(fault_kind::already_done));
    sim.time.run_for(24h + 1s);
    EXPECT_EQ(run(ask).text(), "again");  // the row is dropped in the end
    EXPECT_EQ(provider.count(), 2);
}

TEST_F(once_test, an_unacknowledged_answer_expires_into_a_fault_and_never_into_a_bill) {
    provider.answer("hello").answer("again");
    auto const ask = plain({.unacknowledged_kept = 24h});
    run(ask);
    sim.time.run_for(23h);
    EXPECT_EQ(run(ask).text(), "hello");
    sim.time.run_for(2h);
    EXPECT_TRUE(run(ask).failed(fault_kind::result_expired));
    sim.time.run_for(24h * 365);
    EXPECT_TRUE(run(ask).failed(fault_kind::result_expired));
    EXPECT_EQ(provider.count(), 1);
}

TEST_F(once_test, a_kept_answer_that_this_program_cannot_read_says_what_to_do) {
    provider.answer("bad").answer("again");
    auto const before = lenient();
    EXPECT_EQ(run(before).text(), "bad");
    auto const now = run(plain());
    ASSERT_TRUE(now.failed(fault_kind::defective_answer)) << now.text();
    auto const text = std::string{now.why().message()};
    EXPECT_NE(text.find("accepted before, by a program that could read it"), std::string::npos) << text;
    EXPECT_NE(text.find("this answer of test:"), std::string::npos) << text;
    EXPECT_EQ(provider.count(), 1);
}

// Sends are counted -----------------------------------------------------------------------------------------------------

TEST_F(once_test, strict_means_one_send_that_may_be_billed) {
    provider.fail(fault_kind::ambiguous).answer("too late");
    auto const ask = plain({.max_sends = 1});
    auto const first = run(ask);
    ASSERT_TRUE(first.failed(fault_kind::ambiguous)) << first.text();
    EXPECT_EQ(first.why().billing(), knowledge::maybe);
    EXPECT_EQ(first.cost, std::nullopt);
    EXPECT_EQ(state(), record_state::unknown);
    for (int i = 0; i < 3; ++i) EXPECT_TRUE(run(ask).failed(fault_kind::unresolved));
    EXPECT_EQ(provider.count(), 1);
    EXPECT_EQ(unresolved(), 1U);
}

TEST_F(once_test, two_sends_over_two_calls_without_retry) {
    provider.fail(fault_kind::ambiguous).fail(fault_kind::timed_out).answer("too late");
    auto const ask = plain();
    EXPECT_TRUE(run(ask).failed(fault_kind::ambiguous));
    EXPECT_EQ(unresolved(), 0U);
    EXPECT_TRUE(run(ask).failed(fault_kind::timed_out));
    EXPECT_TRUE(run(ask).failed(fault_kind::unresolved));
    EXPECT_EQ(provider.count(), 2);
    EXPECT_EQ(counted(), 2);
    EXPECT_EQ(unresolved(), 1U);
}

TEST_F(once_test, the_second_send_may_bring_the_answer) {
    provider.fail(fault_kind::ambiguous).answer("hello");
    auto const ask = plain();
    EXPECT_TRUE(run(ask).failed(fault_kind::ambiguous));
    EXPECT_EQ(run(ask).text(), "hello");
    EXPECT_EQ(run(ask).origin, answer_origin::replayed);
    EXPECT_EQ(provider.count(), 2);
}

TEST_F(once_test, retry_returns_the_last_real_fault_when_sends_are_spent) {
    provider.fail(fault_kind::ambiguous).fail(fault_kind::timed_out).answer("too late");
    auto const ask = retrying();
    auto const first = run(ask);
    ASSERT_TRUE(first.failed(fault_kind::timed_out)) << first.text();
    EXPECT_EQ(first.why().stop(), stop_reason::sends_spent);
    EXPECT_EQ(first.log.size(), 2U);
    auto const sends = provider.sends();
    ASSERT_EQ(sends.size(), 2U);
    EXPECT_GE(sends[1].at - sends[0].at, 1s + 5s);  // a brown-out must not eat both
    EXPECT_TRUE(run(ask).failed(fault_kind::unresolved));
    EXPECT_EQ(provider.count(), 2);
}

TEST_F(once_test, strict_retry_never_sends_an_ambiguous_one_again) {
    provider.fail(fault_kind::ambiguous).answer("too late");
    auto const first = run(retrying({.max_sends = 1}));
    ASSERT_TRUE(first.failed(fault_kind::ambiguous));
    EXPECT_EQ(first.why().stop(), stop_reason::sends_spent);
    EXPECT_EQ(provider.count(), 1);
}

TEST_F(once_test, retry_gets_the_answer_with_the_second_send) {
    provider.fail(fault_kind::ambiguous).answer("hello");
    auto const ask = retrying();
    auto const first = run(ask);
    EXPECT_EQ(first.text(), "hello");
    EXPECT_EQ(first.cost, std::nullopt);  // the first may have been billed, and nobody knows how much
    ASSERT_EQ(first.log.size(), 2U);
    EXPECT_EQ(first.log[0].send, 1);
    EXPECT_EQ(first.log[1].send, 2);
    EXPECT_EQ(run(ask).text(), "hello");
    EXPECT_EQ(provider.count(), 2);
}

TEST_F(once_test, attempts_proven_unbilled_cost_no_send) {
    provider.fail(fault_kind::not_sent).fail(fault_kind::throttled).fail(fault_kind::overloaded).answer("hello");
    auto const ask = retrying({.max_sends = 1});
    auto const first = run(ask);
    EXPECT_EQ(first.text(), "hello");
    EXPECT_EQ(first.cost, 0.01_usd);
    EXPECT_EQ(provider.count(), 4);
    EXPECT_EQ(counted(), 1);
}

TEST_F(once_test, nothing_billed_leaves_the_key_free) {
    provider.fail(fault_kind::throttled);
    run(plain());
    EXPECT_EQ(state(), record_state::free);
    EXPECT_EQ(counted(), 0);
}

TEST_F(once_test, every_send_of_a_key_bears_one_provider_key) {
    provider.fail(fault_kind::not_sent).fail(fault_kind::ambiguous).answer("hello").answer("other");
    auto const ask = retrying();
    run(ask, "prompt", "a");
    run(ask, "prompt", "b");
    auto const sends = provider.sends();
    ASSERT_EQ(sends.size(), 4U);
    EXPECT_FALSE(sends[0].provider_key.empty());
    EXPECT_EQ(sends[0].provider_key, sends[1].provider_key);
    EXPECT_EQ(sends[0].provider_key, sends[2].provider_key);
    EXPECT_NE(sends[0].provider_key, sends[3].provider_key);
}

// An operator decides ---------------------------------------------------------------------------------------------------

TEST_F(once_test, an_operator_grants_a_send) {
    provider.fail(fault_kind::ambiguous).fail(fault_kind::ambiguous).answer("hello");
    auto const ask = plain({.max_sends = 1});
    run(ask);
    EXPECT_TRUE(run(ask).failed(fault_kind::unresolved));
    ASSERT_TRUE(resolve(coffer::grant_send{}));
    EXPECT_TRUE(run(ask).failed(fault_kind::ambiguous));
    EXPECT_TRUE(run(ask).failed(fault_kind::unresolved));
    EXPECT_EQ(provider.count(), 2);
    ASSERT_TRUE(resolve(coffer::grant_send{}));
    EXPECT_EQ(run(ask).text(), "hello");
    EXPECT_EQ(run(ask).text(), "hello");
    EXPECT_EQ(provider.count(), 3);
}

TEST_F(once_test, an_operator_abandons_a_key) {
    provider.fail(fault_kind::ambiguous);
    auto const ask = plain({.max_sends = 1});
    run(ask);
    ASSERT_TRUE(resolve(coffer::abandon{}));
    EXPECT_TRUE(run(ask).failed(fault_kind::already_done));
    EXPECT_EQ(provider.count(), 1);
}

TEST_F(once_test, an_operator_supplies_the_answer) {
    provider.fail(fault_kind::ambiguous);
    auto const ask = plain({.max_sends = 1});
    run(ask);
    ASSERT_TRUE(resolve(coffer::supply_answer{coffer::answer{"found in the console"}}));
    auto const next = run(ask);
    EXPECT_EQ(next.text(), "found in the console");
    EXPECT_EQ(next.origin, answer_origin::replayed);
    EXPECT_EQ(next.cost, 0_usd);
    EXPECT_EQ(provider.count(), 1);
}

TEST_F(once_test, an_operators_wrong_file_is_judged_like_any_answer) {
    provider.fail(fault_kind::ambiguous);
    auto const ask = plain({.max_sends = 1});
    run(ask);
    ASSERT_TRUE(resolve(coffer::supply_answer{coffer::answer{"bad: the wrong file"}}));
    auto const next = run(ask);
    ASSERT_TRUE(next.failed(fault_kind::defective_answer)) << next.text();
    EXPECT_EQ(unresolved(), 1U);
    EXPECT_TRUE(run(ask).failed(fault_kind::unresolved));
    ASSERT_TRUE(resolve(coffer::supply_answer{coffer::answer{"found in the console"}}));
    EXPECT_EQ(run(ask).text(), "found in the console");
    EXPECT_EQ(provider.count(), 1);
}

TEST_F(once_test, an_unresolved_key_says_what_is_known_and_what_to_do) {
    provider.fail(fault_kind::ambiguous);
    auto const ask = plain({.max_sends = 1});
    run(ask);
    auto const next = run(ask);
    ASSERT_TRUE(next.failed(fault_kind::unresolved)) << next.text();
    EXPECT_EQ(next.why().billing(), knowledge::maybe);
    EXPECT_NE(std::string{next.why().message()}.find("store::resolve"), std::string::npos);
}

// Same key, same request ------------------------------------------------------------------------------------------------

TEST_F(once_test, a_mismatch_names_the_fields_and_never_bills) {
    provider.answer("hello").answer("never");
    auto const ask = plain();
    run(ask, "prompt");
    auto const other = run(ask, "a secret");
    ASSERT_TRUE(other.failed(fault_kind::key_mismatch)) << other.text();
    EXPECT_EQ(other.why().fields(), std::vector<std::string>{"prompt"});
    EXPECT_NE(std::string{other.why().message()}.find("prompt"), std::string::npos);
    EXPECT_EQ(std::string{other.why().message()}.find("secret"), std::string::npos);  // names, not values
    EXPECT_EQ(other.cost, 0_usd);
    EXPECT_EQ(provider.count(), 1);
    EXPECT_EQ(run(ask, "prompt").text(), "hello");
}

TEST_F(once_test, a_key_under_which_nothing_was_paid_may_be_given_to_another_request) {
    provider.fail(fault_kind::throttled).answer("hello");
    auto const ask = plain();
    run(ask, "prompt");
    EXPECT_EQ(run(ask, "another prompt").text(), "hello");
}

TEST_F(once_test, a_lost_send_binds_the_key_to_its_request) {
    provider.fail(fault_kind::ambiguous).answer("never");
    auto const ask = plain();
    run(ask, "prompt");
    EXPECT_TRUE(run(ask, "another prompt").failed(fault_kind::key_mismatch));
    EXPECT_EQ(provider.count(), 1);
}

TEST_F(once_test, unfingerprinted_requests_are_all_the_same) {
    provider.answer("hello");
    support::guarded const ask = coffer::pipeline{coffer::once{db, coffer::unfingerprinted}}.wrap(provider.operation());
    EXPECT_EQ(run(ask, "prompt").text(), "hello");
    EXPECT_EQ(run(ask, "another prompt").text(), "hello");
    EXPECT_EQ(provider.count(), 1);
}

// Faults ----------------------------------------------------------------------------------------------------------------

TEST_F(once_test, faults_of_the_request_itself_are_kept_for_ten_minutes_and_no_longer) {
    auto const ask = plain();
    for (auto const kind :
         {fault_kind::invalid_request, fault_kind::context_length, fault_kind::too_large, fault_kind::content_policy}) {
        auto const name = std::string{to_string(kind)};
        auto const before = provider.count();
        provider.fail(fault{kind, "no good"}.with_status(400)).answer("better now");
        auto const first = run(ask, "prompt", name);
        ASSERT_TRUE(first.failed(kind)) << first.text();
        sim.time.run_for(10min - 2s);
        auto const again = run(ask, "prompt", name);
        EXPECT_TRUE(again.failed(kind)) << again.text();
        EXPECT_EQ(again.why().message(), "no good");
        EXPECT_EQ(again.why().status(), 400);
        EXPECT_EQ(provider.count(), before + 1);
        sim.time.run_for(4s);
        EXPECT_EQ(run(ask, "prompt", name).text(), "better now");
        EXPECT_EQ(provider.count(), before + 2);
    }
}

TEST_F(once_test, how_long_they_are_kept_is_an_option) {
    provider.fail(fault_kind::invalid_request).answer("better now");
    auto const ask = plain({.request_fault_kept = 1min});
    run(ask);
    sim.time.run_for(50s);
    EXPECT_TRUE(run(ask).failed(fault_kind::invalid_request));
    sim.time.run_for(20s);
    EXPECT_EQ(run(ask).text(), "better now");
}

TEST_F(once_test, a_billed_fault_of_the_request_counts) {
    provider.fail(fault{fault_kind::content_policy}.with_execution(knowledge::yes).with_billing(knowledge::yes))
        .answer("never");
    auto const ask = plain({.max_sends = 1});
    EXPECT_TRUE(run(ask).failed(fault_kind::content_policy));
    EXPECT_EQ(counted(), 1);
    sim.time.run_for(11min);
    EXPECT_TRUE(run(ask).failed(fault_kind::unresolved));
    EXPECT_EQ(provider.count(), 1);
}

TEST_F(once_test, faults_of_the_moment_are_never_kept) {
    auto const ask = plain({.max_sends = 1});
    for (auto const kind :
         {fault_kind::not_sent, fault_kind::throttled, fault_kind::overloaded, fault_kind::transient,
          fault_kind::quota_exhausted, fault_kind::unauthorized, fault_kind::forbidden, fault_kind::not_found}) {
        auto const name = std::string{to_string(kind)};
        provider.fail(kind).fail(kind).answer("hello");
        EXPECT_TRUE(run(ask, "prompt", name).failed(kind)) << name;
        EXPECT_TRUE(run(ask, "prompt", name).failed(kind)) << name;
        EXPECT_EQ(run(ask, "prompt", name).text(), "hello") << name;
    }
    auto const lenient = plain();
    for (auto const kind : {fault_kind::ambiguous, fault_kind::timed_out, fault_kind::broken_stream,
                            fault_kind::aborted, fault_kind::permanent}) {
        auto const name = std::string{to_string(kind)};
        provider.fail(kind).answer("hello");
        EXPECT_TRUE(run(lenient, "prompt", name).failed(kind)) << name;
        EXPECT_EQ(run(lenient, "prompt", name).text(), "hello") << name;
    }
}

TEST_F(once_test, a_fingerprint_that_throws_sends_nothing) {
    auto const op = coffer::describe(provider.operation()).fingerprint([](request const&) -> coffer::fingerprint {
        throw std::runtime_error{"no such field"};
    });
    support::guarded const ask = coffer::pipeline{coffer::once{db}}.wrap(op);
    auto const c = run(ask);
    ASSERT_TRUE(c.failed(fault_kind::permanent)) << c.text();
    EXPECT_EQ(c.why().message(), "no such field");
    EXPECT_EQ(c.why().execution(), knowledge::no);
    EXPECT_EQ(c.why().billing(), knowledge::no);
    EXPECT_EQ(provider.count(), 0);
    EXPECT_EQ(record(), nullptr);
}

// Defective answers -----------------------------------------------------------------------------------------------------

TEST_F(once_test, a_defective_answer_is_billed_and_kept_and_a_later_good_one_wins) {
    provider.answer("bad: truncated").answer("hello");
    auto const ask = retrying();
    auto const first = run(ask);
    ASSERT_TRUE(first.failed(fault_kind::defective_answer)) << first.text();
    EXPECT_EQ(first.why().billing(), knowledge::yes);
    EXPECT_EQ(first.why().stop(), stop_reason::not_retryable);
    EXPECT_EQ(first.cost, 0.01_usd);
    EXPECT_EQ(state(), record_state::answered);
    EXPECT_EQ(counted(), 1);
    EXPECT_EQ(record()->sends[0].state, coffer::send_state::defective);
    EXPECT_EQ(record()->sends[0].reply->body, "bad: truncated");
    EXPECT_EQ(unresolved(), 0U);

    EXPECT_EQ(run(ask).text(), "hello");
    for (int i = 0; i < 3; ++i) EXPECT_EQ(run(ask).text(), "hello");
    EXPECT_EQ(provider.count(), 2);
    EXPECT_EQ(record()->known_cost(), 0.02_usd);
}

TEST_F(once_test, with_no_send_left_the_stored_defect_is_returned_until_an_operator_grants_one) {
    provider.answer("bad: one").answer("bad: two").answer("hello");
    auto const ask = plain();
    run(ask);
    run(ask);
    for (int i = 0; i < 3; ++i) {
        auto const again = run(ask);
        ASSERT_TRUE(again.failed(fault_kind::defective_answer)) << again.text();
        EXPECT_EQ(again.why().message(),
                  "it says bad: two; every permitted send is spent: resolve it with store::resolve (grant a send, "
                  "abandon it, or supply the answer)");
        EXPECT_EQ(again.why().stop(), stop_reason::sends_spent);
        EXPECT_EQ(again.cost, 0_usd);
    }
    EXPECT_EQ(provider.count(), 2);
    EXPECT_EQ(unresolved(), 1U);
    ASSERT_TRUE(resolve(coffer::grant_send{}));
    EXPECT_EQ(run(ask).text(), "hello");
}

TEST_F(once_test, a_mended_program_reads_what_was_paid_for_and_sends_nothing) {
    for (int const runs : {1, 2, 5}) {  // sends are left after the first, and none after the second
        auto const name = std::to_string(runs);
        provider.answer("bad: but readable").answer("bad, too");
        auto const sent = provider.count();
        for (int i = 0; i < runs; ++i) EXPECT_TRUE(run(plain(), "prompt", name).failed(fault_kind::defective_answer));
        auto const paid = provider.count() - sent;
        EXPECT_EQ(paid, std::min(runs, 2));
        auto const ask = lenient();
        for (int i = 0; i < 2; ++i) {
            auto const read = run(ask, "prompt", name);
            EXPECT_EQ(read.text(), "bad: but readable");
            EXPECT_EQ(read.cost, 0_usd);
            EXPECT_EQ(read.origin, coffer::answer_origin::replayed);
        }
        EXPECT_EQ(provider.count() - sent, paid);
        if (paid == 1) (void)run(plain(), "prompt", "drains what the provider would have said");
    }
    EXPECT_EQ(unresolved(), 0U);
}

TEST_F(once_test, a_mended_program_reads_what_was_paid_for_beside_a_lost_reply) {
    provider.answer("bad: but readable").fail(fault_kind::ambiguous);
    run(plain());
    run(plain());
    EXPECT_TRUE(run(plain()).failed(fault_kind::unresolved));
    auto const ask = lenient();
    EXPECT_EQ(run(ask).text(), "bad: but readable");
    EXPECT_EQ(provider.count(), 2);
    EXPECT_EQ(state(), record_state::done);
}

TEST_F(once_test, the_run_that_spends_the_last_send_on_an_unusable_answer_tells_the_operator) {
    for (auto const& ask : {plain(), retrying()}) {
        auto const name = std::to_string(provider.count());
        provider.answer("bad").answer("bad");
        EXPECT_EQ(disposition(run(ask, "prompt", name).why()).action, coffer::queue_action::abort);
        EXPECT_EQ(disposition(run(ask, "prompt", name).why()).action, coffer::queue_action::ask_operator);
        EXPECT_EQ(counted(name), 2);
    }
    EXPECT_EQ(unresolved(), 2U);
}

TEST_F(once_test, what_an_operator_has_supplied_comes_before_what_was_no_use) {
    provider.answer("bad: but readable");
    run(plain({.max_sends = 1}));
    ASSERT_TRUE(resolve(coffer::supply_answer{coffer::answer{"found in the console"}}));
    auto const ask = lenient();
    EXPECT_EQ(run(ask).text(), "found in the console");
    EXPECT_EQ(provider.count(), 1);
}

TEST_F(once_test, one_provider_s_unusable_answer_is_not_read_by_another_one) {
    provider.answer("bad: but readable").answer("hello");
    EXPECT_TRUE(run(plain()).failed(fault_kind::defective_answer));
    auto const elsewhere =
        coffer::describe(provider.operation()).target({"elsewhere", "m"}).decode([](coffer::answer const& a) {
            return coffer::outcome<std::string>{a.body};
        });
    support::guarded const ask = coffer::pipeline{coffer::once{db}}.wrap(elsewhere);
    EXPECT_EQ(run(ask).text(), "hello");
    EXPECT_EQ(provider.count(), 2);
}

TEST_F(once_test, an_unbilled_error_inside_a_200_costs_no_send) {
    provider.answer("busy").answer("hello");
    auto const ask = retrying({.max_sends = 1});
    EXPECT_EQ(run(ask).text(), "hello");
    EXPECT_EQ(counted(), 1);
    EXPECT_EQ(run(ask).text(), "hello");
    EXPECT_EQ(provider.count(), 2);
}

TEST_F(once_test, an_unbilled_error_inside_a_200_leaves_the_key_free) {
    provider.answer("busy").answer("hello");
    auto const ask = plain({.max_sends = 1});
    EXPECT_TRUE(run(ask).failed(fault_kind::overloaded));
    EXPECT_EQ(run(ask).text(), "hello");
    EXPECT_EQ(provider.count(), 2);
}

// What a dead owner left behind -----------------------------------------------------------------------------------------

struct legacy_test : once_test {
    /// Another process claims the key, sends, stores what it was answered, and dies before it has judged it.
    void leave(std::vector<std::string> const& answers, int max_sends = 2) {
        auto const dead = db.another_process();
        auto const backend = dead.backend();
        backend->bind(sim.time.clock());
        coffer::claim_request q;
        q.id[0] = 7;
        q.print = provider.operation().fingerprint(request{});
        q.max_sends = max_sends;
        ASSERT_TRUE(backend->claim(id(), q).get()->has_value());
        coffer::claim_ref const ref{id(), q.id};
        int sends = 0;
        for (auto const& body : answers) {
            coffer::permit_request p;
            p.expected_sends = sends++;
            p.max_sends = max_sends;
            p.longest = 10min;
            ASSERT_TRUE(backend->permit(ref, p, {}).get()->has_value());
            auto const a = std::make_shared<coffer::answer const>(coffer::answer{body, 200});
            if (body.empty()) continue;
            ASSERT_TRUE(backend->submit_answer(ref, sends, a).get()->has_value());
        }
        dead.declare_dead();
    }
};

TEST_F(legacy_test, an_answer_that_nobody_judged_is_judged_before_any_send) {
    leave({"left behind"});
    EXPECT_EQ(state(), record_state::answered);
    auto const next = run(plain());
    EXPECT_EQ(next.text(), "left behind");
    EXPECT_EQ(next.origin, answer_origin::replayed);
    EXPECT_EQ(next.cost, 0_usd);
    EXPECT_TRUE(next.stored);
    EXPECT_EQ(provider.count(), 0);
    EXPECT_EQ(state(), record_state::done);
}

TEST_F(legacy_test, a_defective_one_is_kept_as_such_and_another_send_is_made) {
    provider.answer("hello");
    leave({"bad: left behind"});
    EXPECT_EQ(run(plain()).text(), "hello");
    EXPECT_EQ(provider.count(), 1);
    EXPECT_EQ(counted(), 2);
    EXPECT_EQ(record()->sends[0].state, coffer::send_state::defective);
}

TEST_F(legacy_test, a_refusal_of_the_request_is_not_bought_again) {
    provider.answer("never");
    leave({"refused: left behind"});
    EXPECT_TRUE(run(plain()).failed(fault_kind::content_policy));
    EXPECT_EQ(state(), record_state::failed);
    EXPECT_TRUE(run(plain()).failed(fault_kind::content_policy));
    EXPECT_EQ(provider.count(), 0);
    EXPECT_EQ(counted(), 1);
}

TEST_F(legacy_test, the_first_good_one_of_several_is_the_keys) {
    leave({"bad: one", "good"});
    EXPECT_EQ(run(plain()).text(), "good");
    EXPECT_EQ(provider.count(), 0);
    EXPECT_EQ(record()->accepted()->number, 2);
}

TEST_F(legacy_test, a_defective_one_with_no_send_left_is_what_the_caller_is_told) {
    leave({"bad: left behind"}, 1);
    auto const ask = retrying({.max_sends = 1});
    auto const next = run(ask);
    ASSERT_TRUE(next.failed(fault_kind::defective_answer)) << next.text();
    EXPECT_EQ(next.why().stop(), stop_reason::sends_spent);
    EXPECT_TRUE(next.log.empty());
    EXPECT_TRUE(run(ask).failed(fault_kind::defective_answer));
    EXPECT_EQ(provider.count(), 0);
    EXPECT_EQ(unresolved(), 1U);
}

TEST_F(legacy_test, an_unbilled_error_that_a_dead_owner_left_costs_no_send) {
    provider.answer("hello");
    leave({"busy"}, 1);
    EXPECT_EQ(run(plain({.max_sends = 1})).text(), "hello");
    EXPECT_EQ(counted(), 1);
}

TEST_F(legacy_test, a_send_without_an_answer_counts) {
    provider.fail(fault_kind::ambiguous).answer("never");
    leave({""});
    EXPECT_TRUE(run(plain()).failed(fault_kind::ambiguous));
    EXPECT_TRUE(run(plain()).failed(fault_kind::unresolved));
    EXPECT_EQ(provider.count(), 1);
}

// Misuse and nesting ----------------------------------------------------------------------------------------------------

TEST_F(once_test, an_unkeyed_call_is_not_journaled) {
    provider.answer("one").answer("two");
    auto const ask = plain();
    std::vector<std::string> said;
    for (int i = 0; i < 2; ++i) {
        auto const c = caller::begin(sim.executor(), ask, coffer::call::unkeyed(1min), request{});
        sim.time.run();
        said.push_back(c->text());
        EXPECT_FALSE(c->stored);
    }
    EXPECT_EQ(said, (std::vector<std::string>{"one", "two"}));
    EXPECT_TRUE((*db.backend()->list({}).get())->empty());
}

/// Hands the call down by itself.
struct go_elsewhere {
    template <class Next>
    coffer::awaitable<coffer::outcome<typename Next::value_type>> operator()(coffer::call& c, Next) const {
        request const r;
        auto running = inner.descend(c, r);
        co_return co_await std::move(running);
    }
    support::guarded inner;
};

TEST_F(once_test, a_journal_inside_a_journal_is_seen_by_wrap_or_through_the_call) {
    coffer::memory_store other;
    support::guarded const inner = coffer::pipeline{coffer::once{other}}.wrap(provider.operation());
    EXPECT_THROW((void)(coffer::pipeline{coffer::once{db, coffer::unfingerprinted}}.wrap(inner)), coffer::misuse);
    support::guarded const outer = coffer::pipeline{coffer::once{db}, go_elsewhere{inner}}.wrap(provider.operation());
    auto const c = begin(outer);
    sim.time.run();
    EXPECT_TRUE(c->threw<coffer::misuse>()) << c->text();
    EXPECT_EQ(provider.count(), 0);
    EXPECT_EQ(state(), record_state::free);
}

TEST_F(once_test, a_pipeline_inside_is_part_of_the_flight) {
    provider.fail(fault_kind::not_sent).answer("hello");
    auto const inner = coffer::pipeline{coffer::retry{}}.wrap(provider.operation());
    support::guarded const outer = coffer::pipeline{coffer::once{db, {.max_sends = 1}}}.wrap(inner);
    auto const first = run(outer);
    EXPECT_EQ(first.text(), "hello");
    EXPECT_EQ(first.log.size(), 2U);
    EXPECT_EQ(run(outer).text(), "hello");
    EXPECT_EQ(provider.count(), 2);
}

TEST_F(once_test, replays_of_a_pipeline_behind_a_handle_are_what_its_sends_were) {
    provider.answer("hello").answer("never");
    auto const op = coffer::describe(provider.operation()).decode([](coffer::answer const& a) {
        return coffer::outcome<std::string>{"decoded " + a.body};
    });
    support::guarded const inner = coffer::pipeline{coffer::retry{}}.wrap(op);
    support::guarded const outer = coffer::pipeline{coffer::once{db, coffer::unfingerprinted}}.wrap(inner);
    EXPECT_EQ(run(outer).text(), "decoded hello");
    EXPECT_EQ(run(outer).text(), "decoded hello");
    EXPECT_EQ(provider.count(), 1);
}

TEST_F(once_test, one_call_carries_one_request_at_a_time) {
    provider.answer("hello", 10s);
    auto const ask = plain();
    coffer::call c{coffer::key{"test", "k"}};
    request r;
    auto const first = sim.start(ask.try_call(c, r));
    auto const second = sim.start(ask.try_call(c, r));
    sim.time.run();
    EXPECT_EQ(first.get().value(), "hello");
    EXPECT_THROW((void)second.get(), coffer::misuse);
}

TEST_F(once_test, another_clock_is_misuse) {
    provider.answer("hello");
    auto const ask = plain();
    run(ask);
    support::simulation elsewhere;
    auto const c = caller::begin(elsewhere.executor(), ask, coffer::call{coffer::key{"test", "k"}}, request{});
    elsewhere.time.run();
    EXPECT_TRUE(c->threw<coffer::misuse>()) << c->text();
}

struct fabricate {
    template <class Next>
    coffer::awaitable<coffer::outcome<typename Next::value_type>> operator()(coffer::call&, Next) const {
        co_return typename Next::value_type{};
    }
};

struct discard {
    template <class Next>
    coffer::awaitable<coffer::outcome<typename Next::value_type>> operator()(coffer::call& c, Next next) const {
        auto running = next(c);
        auto const result = co_await std::move(running);
        (void)result;
        co_return coffer::failed(fault_kind::permanent, "the layer does not like it");
    }
};

TEST_F(once_test, a_result_that_no_send_brought_cannot_be_kept) {
    support::guarded const ask = coffer::pipeline{coffer::once{db}, fabricate{}}.wrap(provider.operation());
    auto const first = run(ask);
    ASSERT_TRUE(first.failed(fault_kind::permanent)) << first.text();
    EXPECT_NE(std::string{first.why().message()}.find("layer"), std::string::npos);
    EXPECT_EQ(state(), record_state::free);
}

TEST_F(once_test, a_layer_cannot_throw_away_what_was_paid) {
    provider.answer("hello").answer("never");
    support::guarded const ask = coffer::pipeline{coffer::once{db}, discard{}}.wrap(provider.operation());
    EXPECT_EQ(run(ask).text(), "hello");
    EXPECT_EQ(run(ask).text(), "hello");
    EXPECT_EQ(provider.count(), 1);
}

/// Asks with a call of its own.
struct make_a_call {
    template <class Next>
    coffer::awaitable<coffer::outcome<typename Next::value_type>> operator()(coffer::call&, Next next) const {
        auto own = coffer::call::unkeyed();
        auto running = next(own);
        co_return co_await std::move(running);
    }
};

TEST_F(once_test, a_layer_cannot_send_past_the_journal_with_a_call_of_its_own) {
    provider.answer("hello");
    support::guarded const ask = coffer::pipeline{coffer::once{db}, make_a_call{}}.wrap(provider.operation());
    auto const c = run(ask);
    EXPECT_TRUE(c.threw<coffer::misuse>()) << c.text();
    EXPECT_EQ(provider.count(), 0);
    EXPECT_EQ(state(), record_state::free);
}

struct no_codec {
    explicit no_codec(std::string t) : text{std::move(t)} {}
    std::string text;
};

TEST_F(once_test, results_behind_a_handle_that_cannot_be_written_down_are_not_paid_for) {
    int sends = 0;
    auto const operation = [&sends](request const& r) -> coffer::awaitable<no_codec> {
        ++sends;
        co_return no_codec{r.prompt};
    };
    coffer::guarded<no_codec(request const&)> const inner = coffer::pipeline{coffer::retry{}}.wrap(operation);
    auto const ask = coffer::pipeline{coffer::once{db, coffer::unfingerprinted}}.wrap(inner);
    coffer::call c{coffer::key{"test", "k"}};
    request const r;
    auto const result = sim.start(ask.try_call(c, r));
    sim.time.run();
    EXPECT_THROW((void)result.get(), coffer::misuse);
    EXPECT_EQ(sends, 0);
    EXPECT_EQ(state(), record_state::free);
}

}  // namespace
}  // namespace once_test

/// It cannot be written down today.
struct unwritable {
    explicit unwritable(std::string t) : text{std::move(t)} {}
    std::string text;
};
template <>
struct coffer::codec<unwritable> {
    static std::string encode(unwritable const&) { throw std::runtime_error{"the disk for drafts is full"}; }
    static coffer::outcome<unwritable> decode(std::string_view bytes) { return unwritable{std::string{bytes}}; }
};

namespace once_test {
namespace {

TEST_F(once_test, a_result_whose_codec_throws_is_billed_and_not_asked_for_again) {
    int sends = 0;
    auto const operation = [&sends](request const& r) -> coffer::awaitable<unwritable> {
        ++sends;
        co_return unwritable{r.prompt};
    };
    coffer::retry const stubborn{{}, [](fault const&, int) { return coffer::retry_decision::by_table(); }};
    auto const ask = coffer::pipeline{coffer::once{db, coffer::unfingerprinted}, stubborn}.wrap(operation);
    coffer::call c{coffer::key{"test", "k"}};
    request const r;
    auto const result = sim.start(ask.try_call(c, r));
    sim.time.run();
    auto const answer = result.get();
    ASSERT_FALSE(answer);
    EXPECT_EQ(answer.error().kind(), fault_kind::defective_answer);
    EXPECT_EQ(answer.error().billing(), knowledge::yes);
    EXPECT_THROW(std::rethrow_exception(answer.error().cause()), std::runtime_error);
    EXPECT_EQ(sends, 1);
    EXPECT_EQ(record()->counted_sends(), 1);
}

TEST_F(once_test, options_that_cannot_be_meant_are_refused) {
    using bad = std::invalid_argument;
    EXPECT_THROW((coffer::once{db, {.max_sends = 0}}), bad);
    EXPECT_THROW((coffer::once{db, {.lease = 0s}}), bad);
    EXPECT_THROW((coffer::once{db, {.heartbeat = 0s}}), bad);
    EXPECT_THROW((coffer::once{db, {.lease = 60s, .heartbeat = 31s}}), bad);
    EXPECT_THROW((coffer::once{db, {.lease = 60s, .heartbeat = coffer::duration::max()}}), bad);
    EXPECT_THROW((coffer::once{db, {.unacknowledged_kept = -1s}}), bad);
    EXPECT_THROW((coffer::once{db, {.unacknowledged_kept = 59min}}), bad);
    EXPECT_THROW((coffer::once{db, {.acknowledged_kept = 0s}}), bad) << "acknowledging would be forgetting";
    EXPECT_THROW((coffer::once{db, {.attempt_timeout = 0s}}), bad);
    EXPECT_THROW((coffer::once{db, {.finish_grace = -1s}}), bad);
    EXPECT_THROW((coffer::once{db, {.takeover_grace = -1s}}), bad);
    EXPECT_THROW((coffer::once{db, {.store_wait = -1s}}), bad);
    EXPECT_NO_THROW((coffer::once{db, {.max_sends = 1, .finish_grace = 0s, .takeover_grace = 0s, .store_wait = 0s}}));
}

}  // namespace
}  // namespace once_test
