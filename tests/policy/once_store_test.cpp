// SPDX-License-Identifier: BSL-1.0
// The journal on a store with bad days, and next to other processes: fail closed, deliver what is paid, never get stuck.

#include <coffer/call/pipeline.hpp>
#include <coffer/policy/once.hpp>
#include <coffer/policy/retry.hpp>
#include <coffer/store/memory.hpp>

#include <gtest/gtest.h>

#include <algorithm>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "policy/support/contexts.hpp"
#include "policy/support/door.hpp"
#include "policy/support/provider.hpp"
#include "policy/support/scripted_store.hpp"

namespace once_store_test {
namespace {

using namespace coffer::literals;
using namespace std::chrono_literals;
using coffer::answer_origin;
using coffer::degrade;
using coffer::elsewhere;
using coffer::fault_kind;
using coffer::knowledge;
using coffer::once_options;
using coffer::record_state;
using support::caller;
using support::op;
using support::request;
using how = support::treatment::kind;

/// So many attempts, that far apart.
coffer::retry_options evenly(int attempts, coffer::duration apart) {
    return {.attempts = attempts,
            .schedule = coffer::backoff{coffer::growth::constant, coffer::jitter::none, apart, apart}};
}

struct once_store_test : testing::Test {
    support::contexts world{2};  // callers live in the first one, the store in the second
    coffer::memory_store records;
    support::scripted_store db{records, world.executor(1)};
    support::provider provider;
    support::door door;

    support::guarded asking(once_options o = {}, coffer::retry_options r = {.attempts = 1}) { return on(db, o, r); }
    support::guarded on(coffer::store const& where, once_options o = {}, coffer::retry_options r = {.attempts = 1}) {
        return coffer::pipeline{coffer::once{where, o}, coffer::retry{r}, door}.wrap(provider.operation());
    }
    caller begin(support::guarded const& ask, coffer::duration deadline = 15min, std::string prompt = "prompt") {
        return caller::begin(world.executor(0), ask, coffer::call{coffer::key{"test", "k"}, deadline},
                             request{std::move(prompt)});
    }
    support::asked run(support::guarded const& ask, coffer::duration deadline = 15min) {
        auto const c = begin(ask, deadline);
        world.run();
        return *c;
    }
    support::asked heal_and_run(once_options o = {}) {
        db.script().play({});
        return run(asking(o));
    }
    std::shared_ptr<coffer::record const> record() {
        return **records.backend()->peek(records.backend()->id_of(coffer::key{"test", "k"})).get();
    }
    record_state state() {
        auto const r = record();
        return r ? r->state : record_state::free;
    }
    bool given_back() {
        auto const r = record();
        return !r || !r->held;
    }
    int counted() {
        auto const r = record();
        return r ? r->counted_sends() : 0;
    }
};

// The record moves while this process is at work -------------------------------------------------------------------------

TEST_F(once_store_test, a_caller_who_leaves_while_a_send_is_given_back_uses_up_none) {
    provider.fail(fault_kind::throttled).answer("hello");
    db.once(op::unsend, how::carried_out, 10s);
    auto const ask = asking({.max_sends = 1}, {.attempts = 2});
    auto const c = begin(ask);
    world.run_for(2500ms);
    ASSERT_EQ(provider.count(), 1);
    c.cancel();
    world.run();
    EXPECT_TRUE(c->failed(fault_kind::cancelled)) << c->text();
    EXPECT_EQ(counted(), 0) << "not a byte of a second send has left";
    EXPECT_EQ(heal_and_run({.max_sends = 1}).text(), "hello");
}

TEST_F(once_store_test, an_owner_that_slept_beyond_its_lease_finds_what_another_has_paid_for) {
    provider.fail(fault_kind::transient).answer("paid elsewhere").answer("never");
    db.always(op::heartbeat, how::dropped);
    auto const sleepy = begin(asking({}, evenly(2, 100s)));
    world.run_for(70s);
    auto const elsewhere = records.another_process();
    auto const other = begin(on(elsewhere));
    world.run_for(10s);
    EXPECT_EQ(other->text(), "paid elsewhere");
    world.run();
    EXPECT_EQ(sleepy->text(), "paid elsewhere");
    EXPECT_EQ(sleepy->origin, answer_origin::replayed);
    EXPECT_EQ(provider.count(), 2);
}

TEST_F(once_store_test, an_owner_that_slept_beyond_its_lease_goes_on_if_nobody_came) {
    provider.fail(fault_kind::transient).answer("hello");
    db.always(op::heartbeat, how::dropped);
    auto const c = run(asking({}, evenly(2, 100s)));
    EXPECT_EQ(c.text(), "hello");
    EXPECT_EQ(provider.count(), 2);
}

TEST_F(once_store_test, a_stalled_owners_send_is_taken_over_after_its_time_and_a_grace) {
    for (auto const grace : {10s, 200s}) {
        provider.never();
        db.always(op::heartbeat, how::dropped);
        auto const name = static_cast<int>(grace.count());
        auto const mine = [&](support::guarded ask, coffer::duration deadline) {
            return caller::begin(world.executor(0), std::move(ask), coffer::call{coffer::key{"test", name}, deadline},
                                 request{});
        };
        once_options const stalls{.attempt_timeout = 60s, .finish_grace = 0s, .takeover_grace = grace};
        auto const owner = mine(asking(stalls), 15min);
        world.run_for(1s);
        db.script().play([](op, int) { return support::treatment{how::dropped}; });  // nothing more is heard of it
        provider.answer("taken over", 0s);
        auto const elsewhere = records.another_process();
        world.run_for(59s + grace - 2s);
        auto const early = mine(on(elsewhere, {.takeover_grace = grace}), 1s);
        world.run_for(1s);
        EXPECT_TRUE(early->failed(fault_kind::in_progress)) << early->text();
        world.run_for(2s);
        auto const late = mine(on(elsewhere, {.takeover_grace = grace}), 10s);
        world.run_for(1s);
        EXPECT_EQ(late->text(), "taken over") << grace.count();
        db.script().play({});
        world.run();
    }
}

TEST_F(once_store_test, attempts_do_not_multiply_where_a_claim_is_made_anew) {
    provider.otherwise([] { return coffer::failed(fault_kind::throttled); }, 0s);
    db.script().play([](op o, int n) {  // the lease runs out before the second and the third attempt
        return o == op::heartbeat && n < 7 ? support::treatment{how::dropped} : support::treatment{};
    });
    auto const c = run(asking({}, evenly(4, 70s)));
    EXPECT_TRUE(c.failed(fault_kind::throttled)) << c.text();
    EXPECT_EQ(provider.count(), 4);
    for (int i = 0; i < 4; ++i) EXPECT_EQ(c.log[static_cast<std::size_t>(i)].number, i + 1);
}

TEST_F(once_store_test, degraded_sends_are_not_forgotten_when_the_store_recovers) {
    provider.otherwise([] { return coffer::failed(fault_kind::ambiguous); }, 0s);
    db.script().play(
        [](op o, int n) { return o == op::permit && n < 2 ? support::treatment{how::fails} : support::treatment{}; });
    auto const c = run(asking({.max_sends = 2, .without_store = degrade::send_unjournaled}, {.attempts = 6}));
    EXPECT_FALSE(c.ok());
    EXPECT_LE(provider.count(), 2) << "the bound holds for this call all the same";
}

TEST_F(once_store_test, a_give_back_that_the_store_keeps_to_itself_holds_nobody_up) {
    provider.fail(fault_kind::not_sent).answer("hello");
    db.once(op::unsend, how::silent);
    auto const start = world.now();
    auto const c = run(asking({.max_sends = 2}, {.attempts = 2}));
    EXPECT_EQ(c.text(), "hello") << "there is a send left even if the first one counts";
    EXPECT_LT(c.ended - start, 10s);
}

TEST_F(once_store_test, a_give_back_that_takes_long_is_no_reason_to_call_an_operator) {
    provider.fail(fault_kind::throttled).answer("hello");
    db.once(op::unsend, how::carried_out, 30s);
    EXPECT_TRUE(run(asking({.max_sends = 1}, {.attempts = 2})).failed(fault_kind::store_unavailable));
    EXPECT_EQ(counted(), 0);
    EXPECT_EQ(heal_and_run({.max_sends = 1}).text(), "hello");
}

TEST_F(once_store_test, an_earlier_owners_answer_that_comes_in_between_two_attempts_is_taken) {
    auto const earlier = records.another_process();
    auto const id = earlier.backend()->id_of(coffer::key{"test", "k"});
    auto const print = coffer::fingerprint{}.with("model", "m").with("prompt", "prompt");
    coffer::claim_request claim;
    claim.id = {1};
    claim.print = print;
    coffer::claim_ref const ref{id, claim.id, std::make_shared<coffer::fingerprint const>(print)};
    coffer::permit_request permit;
    permit.longest = 1s;
    db.backend()->bind(coffer::clock_service::of(world.executor(0)).clock());
    (void)earlier.backend()->claim(id, claim);
    (void)earlier.backend()->permit(ref, permit, {});
    world.run_for(10min);  // it is stopped, and its send is over as far as anybody can tell

    provider.fail(fault_kind::transient).answer("paid again");
    auto const c = begin(asking({}, evenly(2, 20s)));
    world.run_for(10s);
    ASSERT_EQ(provider.count(), 1);
    (void)earlier.backend()->submit_answer(ref, 1,
                                           std::make_shared<coffer::answer const>(coffer::answer{"donated", 200}));
    world.run();
    EXPECT_EQ(c->text(), "donated");
    EXPECT_EQ(provider.count(), 1);
    EXPECT_EQ(state(), record_state::done);
}

// Claims ----------------------------------------------------------------------------------------------------------------

TEST_F(once_store_test, a_claim_that_cannot_be_made_sends_nothing) {
    provider.answer("hello");
    db.always(op::claim, how::fails);
    auto const first = run(asking());
    ASSERT_TRUE(first.failed(fault_kind::store_unavailable)) << first.text();
    EXPECT_EQ(first.why().billing(), knowledge::no);
    EXPECT_EQ(provider.count(), 0);
    EXPECT_EQ(heal_and_run().text(), "hello");
}

TEST_F(once_store_test, a_claim_is_asked_for_twice_because_its_reply_may_be_lost) {
    provider.answer("hello");
    db.once(op::claim, how::reply_lost);
    EXPECT_EQ(run(asking()).text(), "hello");
    EXPECT_EQ(record()->claims, 1);
    EXPECT_EQ(counted(), 1);
}

TEST_F(once_store_test, a_claim_that_nobody_hears_of_is_not_left_behind) {
    provider.answer("hello");
    db.always(op::claim, how::reply_lost);
    EXPECT_TRUE(run(asking()).failed(fault_kind::store_unavailable));
    EXPECT_TRUE(given_back());
    EXPECT_EQ(provider.count(), 0);
    EXPECT_EQ(heal_and_run().text(), "hello");
}

TEST_F(once_store_test, a_claim_that_never_answers_holds_nobody_past_the_deadline) {
    db.always(op::claim, how::dropped);
    auto const start = world.now();
    auto const first = run(asking(), 10s);
    EXPECT_TRUE(first.failed(fault_kind::deadline_exceeded)) << first.text();
    EXPECT_EQ(first.ended, start + 10s);
    auto const second = run(asking(), 10s);
    EXPECT_TRUE(second.failed(fault_kind::deadline_exceeded)) << second.text();
    EXPECT_EQ(second.ended, start + 20s);
    EXPECT_EQ(provider.count(), 0);
}

// Permits ---------------------------------------------------------------------------------------------------------------

TEST_F(once_store_test, a_permit_that_cannot_be_journaled_sends_nothing) {
    provider.answer("hello");
    db.always(op::permit, how::fails);
    auto const first = run(asking({}, {}));
    ASSERT_TRUE(first.failed(fault_kind::store_unavailable)) << first.text();
    EXPECT_EQ(first.why().billing(), knowledge::no);
    EXPECT_EQ(provider.count(), 0);
    EXPECT_EQ(state(), record_state::free);
    EXPECT_EQ(heal_and_run({.max_sends = 1}).text(), "hello");
}

TEST_F(once_store_test, a_lost_reply_to_a_permit_costs_no_send) {
    provider.answer("hello");
    db.once(op::permit, how::reply_lost);
    EXPECT_EQ(run(asking({.max_sends = 1})).text(), "hello");
    EXPECT_EQ(provider.count(), 1);
    EXPECT_EQ(counted(), 1);
}

TEST_F(once_store_test, two_lost_replies_to_a_permit_cost_one_send_and_nothing_is_sent) {
    provider.answer("hello");
    db.always(op::permit, how::reply_lost);
    EXPECT_TRUE(run(asking()).failed(fault_kind::store_unavailable));
    EXPECT_EQ(provider.count(), 0);
    EXPECT_TRUE(given_back());
    EXPECT_EQ(counted(), 1);  // the price of safety
    EXPECT_EQ(heal_and_run().text(), "hello");
}

TEST_F(once_store_test, leaving_while_the_permit_is_written_takes_it_back) {
    provider.answer("hello");
    db.always(op::permit, how::carried_out, 1s);
    auto const c = begin(asking({.max_sends = 1}));
    world.run_for(500ms);
    c.cancel();
    world.run();
    ASSERT_TRUE(c->failed(fault_kind::cancelled));
    EXPECT_EQ(c->why().billing(), knowledge::no);
    EXPECT_EQ(provider.count(), 0);
    EXPECT_EQ(db.script().count(op::unsend), 1);
    EXPECT_EQ(state(), record_state::free);
    EXPECT_EQ(door.inside(), 0);
    EXPECT_EQ(heal_and_run({.max_sends = 1}).text(), "hello");
}

TEST_F(once_store_test, who_comes_while_it_is_taken_back_is_served) {
    provider.answer("hello").answer("never");
    db.always(op::permit, how::carried_out, 1s);
    auto const ask = asking({.max_sends = 1});
    auto const first = begin(ask);
    world.run_for(500ms);
    first.cancel();
    world.run_for(100ms);
    auto const second = begin(ask);
    auto const third = begin(ask);
    world.run();
    EXPECT_EQ(second->text(), "hello");
    EXPECT_EQ(third->text(), "hello");
    EXPECT_EQ(provider.count(), 1);
}

TEST_F(once_store_test, a_permit_that_never_answers_holds_nobody_past_the_deadline) {
    provider.answer("hello");
    db.always(op::permit, how::silent);
    auto const start = world.now();
    auto const c = begin(asking(), 30s);
    world.run_for(1h);
    EXPECT_TRUE(c->failed(fault_kind::deadline_exceeded)) << c->text();
    EXPECT_EQ(c->ended, start + 30s);
    EXPECT_EQ(provider.count(), 0);
    // The flight cannot land; but it has let its lease go, so others are not kept from the key.
    auto const beats = db.script().count(op::heartbeat);
    EXPECT_LE(beats, 2);
    EXPECT_EQ(run(on(records.another_process())).text(), "hello");
}

TEST_F(once_store_test, a_context_that_goes_while_it_claims_leaves_no_claim_behind) {
    provider.answer("hello");
    db.always(op::claim, how::carried_out, 1s);
    (void)begin(asking());
    world.run_for(500ms);
    world.destroy(0);
    world.run();
    EXPECT_TRUE(given_back());
    EXPECT_EQ(state(), record_state::free);
}

TEST_F(once_store_test, a_lost_reply_to_an_unsend_costs_no_send) {
    provider.fail(fault_kind::throttled).answer("hello");
    db.once(op::unsend, how::reply_lost);
    EXPECT_EQ(run(asking({.max_sends = 1}, {})).text(), "hello");
    EXPECT_EQ(counted(), 1);
}

TEST_F(once_store_test, an_unsend_that_fails_counts) {
    provider.fail(fault_kind::throttled).answer("hello");
    db.always(op::unsend, how::fails);
    EXPECT_EQ(run(asking({.max_sends = 2}, {})).text(), "hello");
    EXPECT_EQ(counted(), 2);
    EXPECT_EQ(provider.count(), 2);
}

TEST_F(once_store_test, an_unsend_that_fails_may_leave_no_send) {
    provider.fail(fault_kind::throttled).answer("never");
    db.always(op::unsend, how::fails);
    auto const first = run(asking({.max_sends = 1}, {}));
    ASSERT_TRUE(first.failed(fault_kind::unresolved)) << first.text();
    EXPECT_EQ(first.why().stop(), coffer::stop_reason::sends_spent);
    EXPECT_EQ(provider.count(), 1);
}

// Without a journal -----------------------------------------------------------------------------------------------------

TEST_F(once_store_test, degraded_a_claim_that_cannot_be_made_sends_all_the_same) {
    provider.fail(fault_kind::ambiguous).answer("hello").answer("again");
    db.always(op::claim, how::fails);
    auto const ask = asking({.without_store = degrade::send_unjournaled}, {});
    auto const first = run(ask);
    EXPECT_EQ(first.text(), "hello");
    EXPECT_EQ(first.origin, answer_origin::sent);
    EXPECT_FALSE(first.stored);
    EXPECT_EQ(provider.count(), 2);
    EXPECT_EQ(db.script().count(op::heartbeat) + db.script().count(op::answer) + db.script().count(op::lost), 0);
    EXPECT_EQ(run(ask).text(), "again");  // nothing was kept
}

TEST_F(once_store_test, degraded_sends_are_bounded_for_the_call) {
    provider.fail(fault_kind::ambiguous).fail(fault_kind::ambiguous).answer("never");
    db.always(op::claim, how::fails);
    auto const first = run(asking({.without_store = degrade::send_unjournaled}, {}));
    EXPECT_TRUE(first.failed(fault_kind::ambiguous)) << first.text();
    EXPECT_EQ(provider.count(), 2);
}

TEST_F(once_store_test, degraded_a_permit_that_cannot_be_journaled_is_given_all_the_same) {
    provider.answer("hello");
    db.always(op::permit, how::fails);
    auto const first = run(asking({.without_store = degrade::send_unjournaled}));
    EXPECT_EQ(first.text(), "hello");
    EXPECT_FALSE(first.stored);
    EXPECT_EQ(db.script().count(op::answer), 0);
    EXPECT_TRUE(given_back());
}

TEST_F(once_store_test, degraded_a_claim_that_was_lost_still_sends_nothing) {
    provider.answer("hello", 1min);
    door.shut();
    db.always(op::heartbeat, how::dropped);
    auto const c = begin(asking({.without_store = degrade::send_unjournaled}));
    world.run_for(2min);
    auto const other = records.another_process();
    support::guarded const direct = coffer::pipeline{coffer::once{other}}.wrap(provider.operation());
    auto const owner = begin(direct);
    world.run_for(1s);
    ASSERT_EQ(provider.count(), 1);
    door.open();
    world.run_for(1s);
    EXPECT_TRUE(c->failed(fault_kind::in_progress)) << c->text();
    world.run();
    EXPECT_EQ(owner->text(), "hello");
    EXPECT_EQ(provider.count(), 1);
}

// Answers ---------------------------------------------------------------------------------------------------------------

TEST_F(once_store_test, an_answer_in_hand_is_delivered_when_the_time_is_up_before_it_is_stored) {
    provider.answer("hello", 2s);
    db.once(op::accept, how::carried_out, 10s);
    auto const start = world.now();
    auto const c = begin(asking(), 3s);
    auto const joiner = begin(asking(), 1min);
    world.run();
    EXPECT_EQ(c->text(), "hello");
    EXPECT_FALSE(c->stored);
    EXPECT_EQ(c->ended, start + 3s);
    EXPECT_EQ(c->cost, 0.01_usd);
    EXPECT_EQ(c->origin, answer_origin::sent);
    EXPECT_EQ(joiner->text(), "hello");
    EXPECT_EQ(state(), record_state::done);
    EXPECT_EQ(provider.count(), 1);
}

TEST_F(once_store_test, an_answer_that_is_not_stored_in_time_is_delivered_all_the_same) {
    for (auto const what : {how::dropped, how::silent}) {
        provider.answer("hello", 1s);
        auto const before = db.script().count(op::accept);
        db.script().play([=](op o, int n) {
            return o == op::accept && n == before ? support::treatment{what} : support::treatment{};
        });
        auto const start = world.now();
        auto const c = caller::begin(world.executor(0), asking(), coffer::call{coffer::key{"test", before}}, request{});
        world.run();
        EXPECT_EQ(c->text(), "hello");
        EXPECT_FALSE(c->stored);
        EXPECT_EQ(c->origin, answer_origin::sent);
        EXPECT_EQ(c->ended, start + 1s + 2s);
    }
}

TEST_F(once_store_test, a_slow_store_is_waited_for_a_little) {
    provider.answer("hello", 1s);
    db.always(op::accept, how::carried_out, 1500ms);
    auto const start = world.now();
    auto const first = run(asking());
    EXPECT_EQ(first.text(), "hello");
    EXPECT_TRUE(first.stored);
    EXPECT_EQ(first.ended, start + 1s + 1500ms);
}

TEST_F(once_store_test, how_long_is_an_option) {
    provider.answer("hello", 1s);
    db.always(op::accept, how::carried_out, 1500ms);
    auto const start = world.now();
    auto const first = run(asking({.store_wait = 500ms}));
    EXPECT_FALSE(first.stored);
    EXPECT_EQ(first.ended, start + 1s + 500ms);
    EXPECT_EQ(state(), record_state::done);  // in the end
    EXPECT_EQ(run(asking()).text(), "hello");
    EXPECT_EQ(provider.count(), 1);
}

TEST_F(once_store_test, an_acceptance_that_can_never_succeed_does_not_keep_the_key) {
    provider.answer("hello").answer("again");
    db.always(op::accept, how::fails);
    auto const first = run(asking());
    EXPECT_EQ(first.text(), "hello");
    EXPECT_FALSE(first.stored);
    EXPECT_TRUE(given_back());
    EXPECT_EQ(heal_and_run().text(), "hello");  // its answer was stored, and is judged again
    EXPECT_EQ(provider.count(), 1);
}

TEST_F(once_store_test, who_comes_while_the_answer_is_stored_gets_it) {
    provider.answer("hello", 1s);
    db.always(op::accept, how::carried_out, 1s);
    auto const ask = asking();
    auto const first = begin(ask, 500ms);  // it leaves while the send runs
    world.run_for(1500ms);
    auto const second = begin(ask);
    world.run();
    EXPECT_TRUE(first->failed(fault_kind::deadline_exceeded));
    EXPECT_EQ(second->text(), "hello");
    EXPECT_EQ(provider.count(), 1);
}

TEST_F(once_store_test, a_context_that_goes_while_the_answer_is_stored_takes_it_from_nobody_else) {
    provider.answer("hello", 1s);
    db.always(op::accept, how::carried_out, 1500ms);
    auto const ask = asking();
    auto const opener = begin(ask);
    world.run_ready();
    auto const joiner = caller::begin(world.executor(1), ask, coffer::call{coffer::key{"test", "k"}}, request{});
    world.run_for(2s);
    world.destroy(0);
    world.run();
    EXPECT_FALSE(opener->over);
    EXPECT_EQ(joiner->text(), "hello");
    EXPECT_EQ(state(), record_state::done);
    EXPECT_EQ(provider.count(), 1);
}

TEST_F(once_store_test, a_request_fault_that_cannot_be_stored_does_not_keep_the_key) {
    provider.fail(fault_kind::invalid_request).answer("hello");
    db.always(op::fail, how::fails);
    EXPECT_TRUE(run(asking()).failed(fault_kind::invalid_request));
    EXPECT_TRUE(given_back());
    EXPECT_EQ(run(asking()).text(), "hello");
}

TEST_F(once_store_test, a_release_that_fails_is_mended_by_the_lease) {
    provider.fail(fault_kind::throttled).answer("hello");
    db.always(op::release, how::fails);
    EXPECT_TRUE(run(asking()).failed(fault_kind::throttled));
    EXPECT_TRUE(run(asking()).failed(fault_kind::in_progress));
    world.run_for(1min);
    EXPECT_EQ(run(asking()).text(), "hello");
}

// Leases ----------------------------------------------------------------------------------------------------------------

TEST_F(once_store_test, the_lease_is_renewed_while_waiting_and_while_sending) {
    provider.answer("hello", 65s);
    door.shut();
    auto const start = world.now();
    auto const c = begin(asking());
    world.run_for(70s);
    door.open();
    world.run();
    EXPECT_EQ(c->text(), "hello");
    std::vector<coffer::duration> beats;
    for (auto const& e : db.script().log())
        if (e.what == op::heartbeat) beats.push_back(e.at - start);
    EXPECT_EQ(beats, (std::vector<coffer::duration>{20s, 40s, 60s, 80s, 100s, 120s}));  // and none after the landing
}

TEST_F(once_store_test, lease_and_heartbeat_are_options) {
    provider.answer("hello");
    door.shut();
    auto const start = world.now();
    auto const c = begin(asking({.lease = 12s, .heartbeat = 5s}));
    world.run_for(11s);
    EXPECT_EQ(db.script().count(op::heartbeat), 2);
    EXPECT_EQ(record()->lease_until, start + 10s + 12s);
    door.open();
    world.run();
    EXPECT_EQ(c->text(), "hello");
}

TEST_F(once_store_test, a_long_wait_does_not_lose_the_claim) {
    provider.answer("hello");
    door.shut();
    auto const c = begin(asking());
    world.run_for(10min);
    door.open();
    world.run();
    EXPECT_EQ(c->text(), "hello");
}

TEST_F(once_store_test, a_claim_that_was_taken_over_sends_no_more) {
    provider.answer("hello");
    door.shut();
    db.always(op::heartbeat, how::dropped);
    auto const stalled = begin(asking());
    world.run_for(61s);
    auto const other = records.another_process();
    support::guarded const direct = coffer::pipeline{coffer::once{other}}.wrap(provider.operation());
    auto const owner = begin(direct, 1min);
    world.run_for(10s);
    EXPECT_EQ(owner->text(), "hello");
    door.open();
    world.run();
    EXPECT_EQ(stalled->text(), "hello");
    EXPECT_EQ(stalled->origin, answer_origin::replayed);
    EXPECT_EQ(provider.count(), 1);
    EXPECT_EQ(counted(), 1);
}

// A stalled owner that was taken for dead finishes what it sent, and donates it. Whoever is accepted first, both callers
// see that answer.
TEST_F(once_store_test, a_send_that_outlives_its_claim_is_donated) {
    for (auto const first_takes : {10s, 60s}) {
        auto const name = first_takes.count();
        auto const begin_as = [&](coffer::store const& where) {
            return caller::begin(world.executor(0), on(where), coffer::call{coffer::key{"test", name}}, request{});
        };
        provider.answer("from the stalled one", first_takes).answer("from the other one", 30s);
        auto const stalled_store = records.another_process();
        auto const stalled = begin_as(stalled_store);
        world.run_for(1s);
        stalled_store.declare_dead();
        auto const other = begin_as(records.another_process());
        world.run();
        std::string const winner = first_takes < 30s ? "from the stalled one" : "from the other one";
        EXPECT_EQ(stalled->text(), winner);
        EXPECT_EQ(other->text(), winner);
        EXPECT_TRUE(stalled->stored);
        EXPECT_TRUE(other->stored);
        EXPECT_EQ(stalled->cost, 0.01_usd);  // each has paid for what it sent
        EXPECT_EQ(other->cost, 0.01_usd);
        auto const later = begin_as(records);
        world.run();
        EXPECT_EQ(later->text(), winner);
        EXPECT_EQ(later->cost, 0_usd);
    }
    EXPECT_EQ(provider.count(), 4);
}

// Other processes -------------------------------------------------------------------------------------------------------

TEST_F(once_store_test, a_key_in_progress_elsewhere_is_told_at_once_with_a_hint) {
    provider.answer("hello", 10s);
    door.shut();
    auto const first = begin(asking());
    world.run_for(10s);
    auto const other = begin(on(records.another_process()));
    world.run_ready();
    ASSERT_TRUE(other->failed(fault_kind::in_progress)) << other->text();
    EXPECT_EQ(other->why().retry_after(), coffer::duration{5s}) << "a queue should not wait for the worst";
    EXPECT_NE(other->why().message().find("for 51 s at the most"), std::string::npos) << "what is left of the lease";
    door.open();
    world.run();
    EXPECT_EQ(first->text(), "hello");
    EXPECT_EQ(provider.count(), 1);
}

TEST_F(once_store_test, or_waited_for) {
    provider.answer("hello", 10s);
    auto const start = world.now();
    auto const first = begin(asking());
    world.run_for(1s);
    auto const ask = on(records.another_process(), {.in_other_process = elsewhere::wait});
    auto const second = begin(ask);
    auto const third = begin(ask);
    world.run();
    EXPECT_EQ(first->text(), "hello");
    EXPECT_EQ(second->text(), "hello");
    EXPECT_EQ(third->text(), "hello");
    EXPECT_EQ(second->origin, answer_origin::replayed);
    EXPECT_LE(second->ended, start + 10s + 250ms);
    EXPECT_EQ(provider.count(), 1);
}

TEST_F(once_store_test, waiting_for_another_process_ends_with_the_latest_deadline) {
    provider.answer("hello");
    door.shut();
    auto const first = begin(asking());
    world.run_for(1s);
    auto const start = world.now();
    auto const ask = on(records.another_process(), {.in_other_process = elsewhere::wait});
    auto const second = begin(ask, 10s);
    world.run_for(5s);
    auto const third = begin(ask, 60s);
    world.run_for(2min);
    EXPECT_TRUE(second->failed(fault_kind::deadline_exceeded)) << second->text();
    EXPECT_EQ(second->ended, start + 10s);
    EXPECT_TRUE(third->failed(fault_kind::in_progress)) << third->text();
    EXPECT_LE(third->ended, start + 65s);
    EXPECT_GE(third->ended, start + 64s);
    door.open();
    world.run();
    EXPECT_EQ(first->text(), "hello");
}

TEST_F(once_store_test, the_other_process_may_die) {
    provider.answer("hello");
    door.shut();
    auto const dying = records.another_process();
    (void)begin(on(dying));
    world.run_for(1s);
    support::guarded const direct =
        coffer::pipeline{coffer::once{records, {.in_other_process = elsewhere::wait}}}.wrap(provider.operation());
    auto const second = begin(direct);
    world.run_for(10s);
    EXPECT_FALSE(second->over);
    dying.declare_dead();
    world.run_for(2s);
    EXPECT_EQ(second->text(), "hello");
}

TEST_F(once_store_test, who_leaves_while_another_process_is_asked_ends_the_asking) {
    auto const other = records.another_process();
    door.shut();
    auto const first = begin(on(other));
    world.run_for(1s);
    db.always(op::claim, how::carried_out, 100ms);
    auto const second = begin(asking({.in_other_process = elsewhere::wait}));
    world.run_for(50ms);  // the claim is on its way
    second.cancel();
    world.run_for(10s);
    EXPECT_TRUE(second->failed(fault_kind::cancelled));
    EXPECT_EQ(db.script().count(op::claim), 1);
    first.cancel();
    world.run();
}

// Handing over in one process -------------------------------------------------------------------------------------------

TEST_F(once_store_test, who_comes_while_a_claim_is_handed_back_is_served_after_it) {
    provider.answer("hello");
    door.shut();
    db.always(op::release, how::carried_out, 3s);
    auto const ask = asking();
    auto const first = begin(ask);
    world.run_for(1s);
    first.cancel();
    world.run_for(1s);
    door.open();
    auto const second = begin(ask);
    world.run();
    EXPECT_EQ(second->text(), "hello");
    EXPECT_EQ(provider.count(), 1);
}

TEST_F(once_store_test, another_request_too_if_nothing_was_paid) {
    provider.answer("hello");
    db.always(op::permit, how::carried_out, 3s);
    auto const ask = asking();
    auto const first = begin(ask);
    world.run_for(1s);
    first.cancel();
    world.run_for(1s);
    auto const second = begin(ask, 15min, "another prompt");  // the flight of the first is still in the table
    world.run();
    EXPECT_EQ(second->text(), "hello");
    EXPECT_EQ(provider.count(), 1);
}

TEST_F(once_store_test, a_queue_of_those_who_give_up_before_it_is_their_turn_moves_on) {
    provider.answer("hello");
    db.always(op::permit, how::carried_out, 30s);
    auto const ask = asking();
    for (int i = 0; i < 5; ++i) {
        auto const c = begin(ask);
        world.run_for(1s);
        c.cancel();
        world.run_for(1s);
    }
    auto const claims = db.script().count(op::claim);
    auto const last = begin(ask);
    world.run();
    EXPECT_EQ(last->text(), "hello");
    EXPECT_EQ(provider.count(), 1);
    EXPECT_EQ(db.script().count(op::claim), claims + 1);  // those in between asked for nothing
}

}  // namespace
}  // namespace once_store_test
