// SPDX-License-Identifier: BSL-1.0
// Which requests a key stands for: the fields that count, what a mismatch comes to, and keys that requests complete.

#include <coffer/call/pipeline.hpp>
#include <coffer/policy/once.hpp>
#include <coffer/policy/retry.hpp>
#include <coffer/store/memory.hpp>

#include <gtest/gtest.h>

#include <memory>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

#include "policy/support/provider.hpp"
#include "support/simulation.hpp"

namespace once_keys_test {
namespace {

using namespace coffer::literals;
using namespace std::chrono_literals;
using coffer::answer_origin;
using coffer::fault_kind;
using coffer::fingerprint_fields;
using coffer::knowledge;
using coffer::mismatch_rule;
using coffer::record_state;
using support::caller;
using support::request;

struct once_keys_test : testing::Test {
    support::simulation sim;
    coffer::memory_store db;
    support::provider provider;
    std::vector<std::string> replays;  // what the events said that differs

    template <class... Journal>
    support::guarded with(Journal... j) {
        return coffer::pipeline{coffer::once{db, std::move(j)...}}
            .observe([this](coffer::event const& e) {
                if (e.kind != coffer::event_kind::replayed) return;
                replays.emplace_back(e.why != nullptr ? e.why->fields().at(0) : "");
            })
            .wrap(provider.operation());
    }
    caller begin(support::guarded const& ask, coffer::key k, std::string prompt) {
        return caller::begin(sim.executor(), ask, coffer::call{std::move(k)}, request{std::move(prompt)});
    }
    support::asked run(support::guarded const& ask, std::string prompt) {
        return run(ask, coffer::key{"test", "k"}, std::move(prompt));
    }
    support::asked run(support::guarded const& ask, coffer::key k, std::string prompt) {
        auto const c = begin(ask, std::move(k), std::move(prompt));
        sim.time.run();
        return *c;
    }
    void acknowledge(coffer::key const& k) {
        EXPECT_TRUE(db.backend()->acknowledge(db.backend()->id_of(k)).get()->has_value());
    }
    std::size_t rows() { return (*db.backend()->list({}).get())->size(); }
};

// The fields that count --------------------------------------------------------------------------------------------------

TEST_F(once_keys_test, fields_that_do_not_count_may_differ) {
    provider.answer("hello");
    auto const ask = with(fingerprint_fields::except("prompt"));
    EXPECT_EQ(run(ask, "one").text(), "hello");
    EXPECT_EQ(run(ask, "two").text(), "hello");
    EXPECT_EQ(provider.count(), 1);
    EXPECT_EQ(replays, std::vector<std::string>{"prompt"});
}

TEST_F(once_keys_test, the_choice_may_change_later_because_all_fields_are_kept) {
    provider.answer("hello");
    run(with(fingerprint_fields::only("model")), "one");
    EXPECT_TRUE(run(with(coffer::once_options{}), "two").failed(fault_kind::key_mismatch));
    EXPECT_EQ(run(with(coffer::once_options{}), "one").text(), "hello");
    EXPECT_TRUE(run(with(fingerprint_fields::only("prompt")), "two").failed(fault_kind::key_mismatch));
    EXPECT_EQ(run(with(fingerprint_fields::only("model")), "two").text(), "hello");
    EXPECT_EQ(provider.count(), 1);
}

TEST_F(once_keys_test, callers_whose_requests_differ_where_it_does_not_count_share_a_flight) {
    provider.answer("hello");
    auto const ask = with(fingerprint_fields::except("prompt"));
    auto const one = begin(ask, coffer::key{"test", "k"}, "one");
    auto const two = begin(ask, coffer::key{"test", "k"}, "two");
    sim.time.run();
    EXPECT_EQ(one->text(), "hello");
    EXPECT_EQ(two->text(), "hello");
    EXPECT_EQ(provider.count(), 1);
}

// What a mismatch comes to -----------------------------------------------------------------------------------------------

TEST_F(once_keys_test, replay_stored_lets_the_key_decide_and_says_what_differs) {
    provider.answer("hello").answer("never");
    auto const ask = with(coffer::once_options{.on_mismatch = mismatch_rule::replay_stored});
    EXPECT_EQ(run(ask, "one").text(), "hello");
    auto const two = run(ask, "two");
    EXPECT_EQ(two.text(), "hello");
    EXPECT_EQ(two.origin, answer_origin::replayed);
    EXPECT_EQ(run(ask, "one").text(), "hello");
    EXPECT_EQ(replays, (std::vector<std::string>{"prompt", ""}));
    EXPECT_EQ(provider.count(), 1);
}

TEST_F(once_keys_test, replay_stored_counts_the_sends_of_all_requests_under_the_key) {
    provider.fail(fault_kind::ambiguous).fail(fault_kind::ambiguous).answer("never");
    auto const ask = with(coffer::once_options{.on_mismatch = mismatch_rule::replay_stored});
    EXPECT_TRUE(run(ask, "one").failed(fault_kind::ambiguous));
    EXPECT_TRUE(run(ask, "two").failed(fault_kind::ambiguous));
    EXPECT_TRUE(run(ask, "three").failed(fault_kind::unresolved));
    EXPECT_EQ(provider.count(), 2);
}

TEST_F(once_keys_test, new_generation_pays_once_for_each_different_request) {
    provider.answer("first").answer("second").answer("never");
    auto const ask = with(coffer::once_options{.on_mismatch = mismatch_rule::new_generation});
    EXPECT_EQ(run(ask, "one").text(), "first");
    auto const second = run(ask, "two");
    EXPECT_EQ(second.text(), "second");
    EXPECT_EQ(second.origin, answer_origin::sent);
    // Neither replaces the other: two versions of a program that take turns do not pay each time.
    EXPECT_EQ(run(ask, "one").text(), "first");
    EXPECT_EQ(run(ask, "two").text(), "second");
    EXPECT_EQ(provider.count(), 2);
}

TEST_F(once_keys_test, each_generation_is_acknowledged_by_its_own_call) {
    provider.answer("first").answer("second").answer("never");
    auto const ask = with(coffer::once_options{.on_mismatch = mismatch_rule::new_generation});
    EXPECT_EQ(run(ask, "one").record_key, (coffer::key{"test", "k"}));
    auto const second = run(ask, "two");
    ASSERT_NE(second.record_key, (coffer::key{"test", "k"}));
    acknowledge(*second.record_key);
    EXPECT_TRUE(run(ask, "two").failed(fault_kind::already_done));
    EXPECT_EQ(run(ask, "one").text(), "first");
    EXPECT_EQ(provider.count(), 2);
}

TEST_F(once_keys_test, generations_have_their_own_flights_and_sends) {
    provider.fail(fault_kind::ambiguous, 10s).answer("second").answer("first");
    auto const ask = with(coffer::once_options{.max_sends = 2, .on_mismatch = mismatch_rule::new_generation});
    auto const one = begin(ask, coffer::key{"test", "k"}, "one");
    sim.time.run_for(1s);
    auto const two = begin(ask, coffer::key{"test", "k"}, "two");
    sim.time.run_for(2s);
    EXPECT_EQ(two->text(), "second") << "while the other one is still at work";
    sim.time.run();
    EXPECT_TRUE(one->failed(fault_kind::ambiguous));
    EXPECT_EQ(run(ask, "one").text(), "first");
    EXPECT_EQ(rows(), 2U);
}

// Keys made of the request -----------------------------------------------------------------------------------------------

coffer::key faq(std::string const& tenant = "acme", coffer::duration ttl = 10min) {
    return coffer::key::of_request(coffer::key{"faq", tenant}, ttl);
}

TEST_F(once_keys_test, of_request_equal_requests_share_an_answer_for_a_while) {
    provider.answer("first").answer("second");
    auto const ask = with(coffer::once_options{});
    EXPECT_EQ(run(ask, faq(), "what?").text(), "first");
    sim.time.run_for(9min);
    auto const again = run(ask, faq(), "what?");
    EXPECT_EQ(again.text(), "first");
    EXPECT_EQ(again.origin, answer_origin::replayed);
    EXPECT_EQ(again.cost, 0_usd);
    sim.time.run_for(2min);  // being asked again does not make it younger
    EXPECT_EQ(run(ask, faq(), "what?").text(), "second");
    EXPECT_EQ(provider.count(), 2);
}

TEST_F(once_keys_test, of_request_different_requests_share_nothing) {
    provider.answer("first").answer("second");
    auto const ask = with(coffer::once_options{});
    EXPECT_EQ(run(ask, faq(), "what?").text(), "first");
    EXPECT_EQ(run(ask, faq(), "who?").text(), "second");
}

TEST_F(once_keys_test, of_request_tenants_share_nothing) {
    provider.answer("acme's").answer("globex's");
    auto const ask = with(coffer::once_options{});
    EXPECT_EQ(run(ask, faq("acme"), "what?").text(), "acme's");
    EXPECT_EQ(run(ask, faq("globex"), "what?").text(), "globex's");
    EXPECT_EQ(provider.count(), 2);
}

TEST_F(once_keys_test, of_request_is_not_the_scopes_own_key) {
    provider.answer("cached").answer("kept");
    auto const ask = with(coffer::once_options{});
    EXPECT_EQ(run(ask, faq(), "what?").text(), "cached");
    EXPECT_EQ(run(ask, coffer::key{"faq", "acme"}, "what?").text(), "kept");
}

TEST_F(once_keys_test, of_request_callers_at_once_share_a_send) {
    provider.answer("first");
    auto const ask = with(coffer::once_options{});
    auto const one = begin(ask, faq(), "what?");
    auto const two = begin(ask, faq(), "what?");
    sim.time.run();
    EXPECT_EQ(one->text(), "first");
    EXPECT_EQ(two->text(), "first");
    EXPECT_EQ(two->origin, answer_origin::joined);
    EXPECT_EQ(provider.count(), 1);
}

TEST_F(once_keys_test, of_request_only_the_fields_that_count_make_the_key) {
    provider.answer("first");
    auto const ask = with(fingerprint_fields::only("model"));
    EXPECT_EQ(run(ask, faq(), "what?").text(), "first");
    EXPECT_EQ(run(ask, faq(), "who?").text(), "first");
    EXPECT_EQ(provider.count(), 1);
}

TEST_F(once_keys_test, of_request_sends_are_bounded_for_that_while_and_then_anew) {
    provider.fail(fault_kind::ambiguous).fail(fault_kind::ambiguous).answer("late");
    auto const ask = with(coffer::once_options{});
    run(ask, faq(), "what?");
    run(ask, faq(), "what?");
    EXPECT_TRUE(run(ask, faq(), "what?").failed(fault_kind::unresolved));
    EXPECT_EQ(provider.count(), 2);
    sim.time.run_for(11min);
    EXPECT_EQ(run(ask, faq(), "what?").text(), "late");
}

TEST_F(once_keys_test, of_request_time_does_not_run_out_under_who_is_at_work) {
    provider.answer("slow", 3min).answer("never");
    auto const ask = with(coffer::once_options{});
    auto const one = begin(ask, faq("acme", 1min), "what?");
    sim.time.run_for(2min);
    auto const two = begin(ask, faq("acme", 1min), "what?");
    sim.time.run_for(2min);
    EXPECT_EQ(one->text(), "slow");
    EXPECT_EQ(two->text(), "slow");
    EXPECT_EQ(provider.count(), 1);
}

TEST_F(once_keys_test, of_request_leaves_nothing_behind) {
    provider.answer("first").answer("bad").fail(fault_kind::invalid_request).fail(fault_kind::throttled);
    auto const ask = with(coffer::once_options{});
    for (auto const* const prompt : {"a", "b", "c", "d"}) run(ask, faq(), prompt);
    sim.time.run_for(31min);
    EXPECT_EQ(rows(), 0U);
}

TEST_F(once_keys_test, of_request_the_call_knows_the_key_that_the_answer_is_under) {
    provider.answer("first");
    auto const asked = run(with(coffer::once_options{}), faq(), "what?");
    ASSERT_TRUE(asked.record_key);
    EXPECT_FALSE(asked.record_key->ttl());
    auto const r = **db.backend()->peek(db.backend()->id_of(*asked.record_key)).get();
    ASSERT_NE(r, nullptr);
    EXPECT_EQ(r->state, record_state::done);
}

TEST_F(once_keys_test, of_request_needs_a_fingerprint_and_a_time) {
    support::guarded const ask = coffer::pipeline{coffer::once{db, coffer::unfingerprinted}}.wrap(provider.operation());
    EXPECT_TRUE(run(ask, faq(), "what?").threw<std::logic_error>());
    EXPECT_EQ(provider.count(), 0);
    EXPECT_THROW((void)faq("acme", 0s), std::invalid_argument);
}

TEST_F(once_keys_test, of_request_is_no_key_to_look_up) {
    auto const looks = [](coffer::store s) -> coffer::awaitable<void> { (void)co_await s.peek(faq()); };
    EXPECT_THROW(sim.run(looks(db)), coffer::misuse);
    auto const acknowledges = [](coffer::store s) -> coffer::awaitable<void> { co_await s.acknowledge(faq()); };
    EXPECT_THROW(sim.run(acknowledges(db)), coffer::misuse);
}

}  // namespace
}  // namespace once_keys_test
