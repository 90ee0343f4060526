// SPDX-License-Identifier: BSL-1.0
// Callers of one key share a flight: joining, leaving, its time limits, what is thrown in it, and contexts that go.

#include <coffer/call/call_access.hpp>
#include <coffer/call/pipeline.hpp>
#include <coffer/policy/once.hpp>
#include <coffer/policy/retry.hpp>
#include <coffer/store/memory.hpp>

#include <gtest/gtest.h>

#include <algorithm>
#include <functional>
#include <memory>
#include <new>
#include <optional>
#include <stdexcept>
#include <string>
#include <system_error>
#include <utility>
#include <vector>

#include "policy/support/contexts.hpp"
#include "policy/support/door.hpp"
#include "policy/support/provider.hpp"

namespace once_flight_test {
namespace {

using namespace coffer::literals;
using namespace std::chrono_literals;
using coffer::answer_origin;
using coffer::fault_kind;
using coffer::knowledge;
using coffer::record_state;
using coffer::stop_reason;
using support::caller;
using support::request;

struct settings {
    coffer::once_options once{};
    coffer::retry_options retry{.attempts = 1};
};

struct flight_world {
    support::contexts world{3};
    coffer::memory_store db;
    support::provider provider;
    support::door door;
    std::vector<coffer::event_kind> events;
    std::function<void(coffer::event_kind)> on_event;

    support::guarded asking(settings s = {}) {
        return coffer::pipeline{coffer::once{db, s.once}, coffer::retry{s.retry}, door}
            .observe([this](coffer::event const& e) {
                events.push_back(e.kind);
                if (on_event) on_event(e.kind);
            })
            .wrap(provider.operation());
    }
    caller begin(support::guarded const& ask, coffer::duration deadline = 15min, std::size_t where = 0,
                 std::string prompt = "prompt") {
        return caller::begin(world.executor(where), ask, coffer::call{coffer::key{"test", "k"}, deadline},
                             request{std::move(prompt)});
    }
    support::asked run(support::guarded const& ask) {
        auto const c = begin(ask, 15min, 1);
        world.run();
        return *c;
    }
    std::shared_ptr<coffer::record const> record() {
        return **db.backend()->peek(db.backend()->id_of(coffer::key{"test", "k"})).get();
    }
    record_state state() {
        auto const r = record();
        return r ? r->state : record_state::free;
    }
    /// Nobody works on the key.
    bool given_back() {
        auto const r = record();
        return !r || !r->held;
    }
    int counted() {
        auto const r = record();
        return r ? r->counted_sends() : 0;
    }
    bool saw(coffer::event_kind k) const { return std::find(events.begin(), events.end(), k) != events.end(); }
};

struct once_flight_test : testing::Test, flight_world {};

// Joining ---------------------------------------------------------------------------------------------------------------

TEST_F(once_flight_test, callers_of_one_key_share_one_send_wherever_they_wait) {
    provider.answer("hello", 10s);
    auto const ask = asking();
    auto const start = world.now();
    std::vector<caller> callers;
    for (std::size_t i = 0; i < 12; ++i) callers.push_back(begin(ask, 15min, i % 3));
    world.run_for(5s);
    for (std::size_t i = 0; i < 3; ++i)
        callers.push_back(begin(asking(), 15min, i));  // another pipeline, the same store
    world.run();

    int opened = 0;
    for (auto const& c : callers) {
        EXPECT_EQ(c->text(), "hello");
        EXPECT_TRUE(c->at_home);
        EXPECT_TRUE(c->stored);
        EXPECT_EQ(c->ended, start + 10s);
        EXPECT_EQ(c->log.size(), 1U);
        bool const sent = c->origin == answer_origin::sent;
        opened += sent ? 1 : 0;
        EXPECT_EQ(c->origin, sent ? answer_origin::sent : answer_origin::joined);
        EXPECT_EQ(c->cost, sent ? 0.01_usd : 0_usd);
    }
    EXPECT_EQ(opened, 1);
    EXPECT_EQ(provider.count(), 1);
    EXPECT_TRUE(saw(coffer::event_kind::joined));
}

TEST_F(once_flight_test, all_share_a_fault_too) {
    provider.fail(fault_kind::ambiguous, 10s);
    auto const ask = asking();
    std::vector<caller> callers;
    for (std::size_t i = 0; i < 3; ++i) callers.push_back(begin(ask, 15min, i));
    world.run();
    for (auto const& c : callers) EXPECT_TRUE(c->failed(fault_kind::ambiguous)) << c->text();
    EXPECT_EQ(callers[0]->cost, std::nullopt);
    EXPECT_EQ(callers[1]->cost, 0_usd);
    EXPECT_EQ(callers[1]->origin, answer_origin::none);
    EXPECT_EQ(provider.count(), 1);
}

TEST_F(once_flight_test, each_decodes_for_itself) {
    provider.answer("hello", 10s);
    int decoded = 0;
    provider.on_decode() = [&] {
        if (++decoded == 3) throw std::runtime_error{"the third one cannot read"};
    };
    auto const ask = asking();
    std::vector<caller> callers;
    for (int i = 0; i < 4; ++i) callers.push_back(begin(ask));
    world.run();
    EXPECT_EQ(decoded, 5);  // the flight's own look, and one each
    int ok = 0;
    for (auto const& c : callers) ok += c->ok() ? 1 : 0;
    EXPECT_EQ(ok, 3);
    EXPECT_EQ(state(), record_state::done);
}

TEST_F(once_flight_test, another_request_under_the_key_is_refused_at_once) {
    provider.answer("hello", 10s);
    auto const ask = asking();
    auto const first = begin(ask);
    world.run_for(1s);
    auto const other = begin(ask, 15min, 1, "another prompt");
    world.run_ready();
    ASSERT_TRUE(other->failed(fault_kind::key_mismatch)) << other->text();
    EXPECT_EQ(other->why().fields(), std::vector<std::string>{"prompt"});
    world.run();
    EXPECT_EQ(first->text(), "hello");
    EXPECT_EQ(provider.count(), 1);
}

TEST_F(once_flight_test, who_leaves_harms_no_other) {
    provider.answer("hello", 10s);
    auto const ask = asking();
    auto const opener = begin(ask, 15min, 0);
    auto const joiner = begin(ask, 15min, 1);
    auto const hasty = begin(ask, 3s, 2);
    auto const last = begin(ask, 15min, 2);
    world.run_for(2s);
    opener.cancel();
    world.run_for(2s);
    ASSERT_TRUE(opener->failed(fault_kind::cancelled)) << opener->text();
    EXPECT_EQ(opener->why().billing(), knowledge::maybe);
    EXPECT_EQ(opener->cost, std::nullopt);
    ASSERT_TRUE(hasty->failed(fault_kind::deadline_exceeded)) << hasty->text();
    EXPECT_EQ(hasty->why().billing(), knowledge::maybe);
    EXPECT_EQ(hasty->cost, 0_usd);
    joiner.cancel();
    world.run();
    EXPECT_TRUE(joiner->failed(fault_kind::cancelled));
    EXPECT_EQ(last->text(), "hello");
    EXPECT_EQ(provider.count(), 1);
    EXPECT_TRUE(saw(coffer::event_kind::left));
}

TEST_F(once_flight_test, the_opener_may_leave_before_the_permit_while_another_waits) {
    provider.answer("hello");
    door.shut();
    auto const ask = asking();
    auto const opener = begin(ask, 15min, 0);
    auto const joiner = begin(ask, 15min, 1);
    world.run_for(1s);
    opener.cancel();
    world.run_for(1s);
    EXPECT_TRUE(opener->failed(fault_kind::cancelled));
    EXPECT_EQ(opener->why().billing(), knowledge::no);
    door.open();
    world.run();
    EXPECT_EQ(joiner->text(), "hello");
}

TEST_F(once_flight_test, a_later_deadline_extends_the_flight) {
    provider.fail(fault_kind::transient).answer("hello", 1min);
    auto const ask = asking({.retry = {.attempts = 2}});
    auto const opener = begin(ask, 30s);
    auto const joiner = begin(ask, 10min, 1);
    auto const start = world.now();
    world.run();
    EXPECT_TRUE(opener->failed(fault_kind::deadline_exceeded)) << opener->text();
    EXPECT_EQ(opener->ended, start + 30s);
    EXPECT_EQ(opener->log.size(), 1U);  // a copy of the log so far
    EXPECT_EQ(joiner->text(), "hello");
}

TEST_F(once_flight_test, a_later_deadline_extends_a_wait_that_began_under_an_earlier_one) {
    provider.answer("hello");
    door.shut();
    auto const ask = asking();
    auto const opener = begin(ask, 10s);
    world.run_for(5s);
    auto const joiner = begin(ask, 10min, 1);
    world.run_for(1min);
    EXPECT_TRUE(opener->failed(fault_kind::deadline_exceeded));
    EXPECT_FALSE(joiner->over);
    EXPECT_EQ(door.waiting(), 1);
    door.open();
    world.run();
    EXPECT_EQ(joiner->text(), "hello");
    EXPECT_EQ(provider.count(), 1);
}

TEST_F(once_flight_test, who_boards_a_flight_that_has_just_run_out_of_time_opens_another) {
    provider.answer("hello");
    auto const ask = asking();
    // As a limiter refuses who cannot be let in before the deadline.
    door.on_try() = [] { coffer::throw_failure(coffer::fault{fault_kind::deadline_exceeded}); };
    auto const opener = begin(ask, 20s);
    std::optional<caller> joiner;
    on_event = [&](coffer::event_kind k) {
        if (joiner || k != coffer::event_kind::attempt_refused) return;
        // The attempt is refused for good, but its flight has not landed yet: another thread would come in between here.
        door.on_try() = nullptr;
        joiner = begin(ask, 10min, 1);
        world[1].poll();
    };
    world.run();
    EXPECT_TRUE(opener->failed(fault_kind::deadline_exceeded)) << opener->text();
    ASSERT_TRUE(joiner);
    EXPECT_EQ((*joiner)->text(), "hello");
    EXPECT_TRUE(saw(coffer::event_kind::joined));
    EXPECT_EQ(provider.count(), 1);
}

TEST_F(once_flight_test, an_operation_that_says_deadline_exceeded_is_not_asked_by_one_caller_twice) {
    provider.otherwise([] { return coffer::failed(fault_kind::deadline_exceeded); });
    auto const ask = asking();
    std::vector<caller> callers;
    for (std::size_t i = 0; i < 3; ++i) callers.push_back(begin(ask, 15min, i));
    world.run();
    for (auto const& c : callers) EXPECT_TRUE(c->failed(fault_kind::deadline_exceeded)) << c->text();
    EXPECT_LE(provider.count(), 3);
    EXPECT_TRUE(given_back());
}

TEST_F(once_flight_test, every_call_ends_by_its_deadline_and_leaves_the_key) {
    door.shut();
    auto const ask = asking();
    auto const start = world.now();
    std::vector<caller> callers;
    for (int i = 1; i <= 5; ++i) callers.push_back(begin(ask, i * 10s, static_cast<std::size_t>(i % 3)));
    world.run();
    for (int i = 1; i <= 5; ++i) {
        auto const& c = callers[static_cast<std::size_t>(i - 1)];
        EXPECT_TRUE(c->failed(fault_kind::deadline_exceeded)) << c->text();
        EXPECT_EQ(c->ended, start + i * 10s);
    }
    EXPECT_EQ(door.waiting() + door.inside(), 0);
    EXPECT_TRUE(given_back());
    EXPECT_EQ(state(), record_state::free);
}

// Leaving ---------------------------------------------------------------------------------------------------------------

TEST_F(once_flight_test, leaving_before_the_permit_gives_the_key_back_at_once_and_sends_nothing) {
    door.shut();
    auto const c = begin(asking());
    world.run_for(1s);
    EXPECT_EQ(state(), record_state::claimed);
    EXPECT_EQ(door.waiting(), 1);
    c.cancel();
    world.run_ready();
    EXPECT_TRUE(c->failed(fault_kind::cancelled)) << c->text();
    EXPECT_EQ(c->why().execution(), knowledge::no);
    EXPECT_EQ(c->why().billing(), knowledge::no);
    EXPECT_EQ(c->cost, 0_usd);
    EXPECT_EQ(state(), record_state::free);
    EXPECT_TRUE(given_back());
    EXPECT_EQ(door.waiting() + door.inside(), 0);
    door.open();
    world.run();
    EXPECT_EQ(provider.count(), 0);
}

TEST_F(once_flight_test, leaving_after_the_permit_detaches_and_the_answer_is_kept) {
    provider.answer("hello", 10s).answer("never");
    auto const ask = asking();
    auto const c = begin(ask);
    world.run_for(1s);
    c.cancel();
    world.run_ready();
    ASSERT_TRUE(c->failed(fault_kind::cancelled));
    EXPECT_EQ(c->why().execution(), knowledge::maybe);
    EXPECT_EQ(c->why().billing(), knowledge::maybe);
    EXPECT_TRUE(c->log.empty());
    EXPECT_EQ(state(), record_state::sent);
    auto const second = begin(ask, 15min, 1);  // joins what goes on
    world.run_for(1s);
    second.cancel();
    world.run();
    EXPECT_EQ(state(), record_state::done);
    EXPECT_EQ(run(ask).text(), "hello");
    EXPECT_EQ(run(ask).origin, answer_origin::replayed);
    EXPECT_EQ(provider.count(), 1);
}

TEST_F(once_flight_test, the_answer_is_kept_even_if_its_context_has_nothing_else_to_do) {
    provider.answer("hello", 10s);
    auto const c = begin(asking(), 2s);
    world.run();  // returns when no context has work left
    EXPECT_TRUE(c->failed(fault_kind::deadline_exceeded));
    EXPECT_EQ(state(), record_state::done);
}

TEST_F(once_flight_test, leaving_between_two_attempts_ends_the_flight) {
    provider.fail(fault_kind::ambiguous).answer("never");
    auto const c = begin(asking({.retry = {}}));
    world.run_for(2s);  // the first has failed, the second waits for its five seconds
    c.cancel();
    world.run();
    ASSERT_TRUE(c->failed(fault_kind::cancelled));
    EXPECT_EQ(c->why().billing(), knowledge::maybe);
    EXPECT_EQ(c->log.size(), 1U);
    EXPECT_EQ(c->cost, std::nullopt);
    EXPECT_EQ(provider.count(), 1);
    EXPECT_EQ(state(), record_state::unknown);
    EXPECT_TRUE(given_back());
}

TEST_F(once_flight_test, who_comes_after_that_is_served) {
    provider.fail(fault_kind::ambiguous).answer("hello");
    auto const ask = asking({.retry = {}});
    auto const first = begin(ask);
    world.run_for(2s);
    first.cancel();
    auto const second = begin(ask, 15min, 1);  // in the same moment: the flight is not even told yet
    world.run();
    EXPECT_TRUE(first->failed(fault_kind::cancelled));
    EXPECT_EQ(second->text(), "hello");
    EXPECT_EQ(provider.count(), 2);
}

// Time limits of a send -------------------------------------------------------------------------------------------------

TEST_F(once_flight_test, while_anybody_waits_a_send_lasts_as_long_as_an_attempt_may) {
    struct {
        settings how;
        coffer::duration limit;
    } const cases[] = {
        {{}, 5min},
        {{.once = {.attempt_timeout = 30s}}, 30s},
        {{.retry = {.attempts = 1, .attempt_timeout = 1min}}, 1min},
        {{.once = {.attempt_timeout = 30s}, .retry = {.attempts = 1, .attempt_timeout = 1min}}, 30s},
        {{.retry = {.attempts = 1, .attempt_timeout = 20min}}, 20min},
    };
    for (auto const& [how, limit] : cases) {
        provider.never();
        auto const before = provider.sends().size();
        auto const c = caller::begin(world.executor(0), asking(how),
                                     coffer::call{coffer::key{"test", static_cast<int>(before)}, 1h}, request{});
        world.run();
        ASSERT_TRUE(c->failed(fault_kind::timed_out)) << c->text();
        EXPECT_EQ(c->why().execution(), knowledge::maybe);
        EXPECT_EQ(c->why().billing(), knowledge::maybe);
        auto const send = provider.sends().at(before);
        EXPECT_EQ(send.cut_at, send.at + limit);
        EXPECT_EQ(send.deadline, send.at + limit + how.once.finish_grace);  // what the operation is told
    }
}

TEST_F(once_flight_test, by_default_a_send_that_nobody_waits_for_goes_on_for_five_minutes) {
    provider.never();
    auto const c = begin(asking(), 10s);
    world.run();
    EXPECT_TRUE(c->failed(fault_kind::deadline_exceeded));
    auto const send = provider.sends().at(0);
    EXPECT_EQ(send.cut_at, send.at + 10s + 5min);
}

TEST_F(once_flight_test, then_the_flight_goes_on_if_anybody_waits) {
    provider.never().answer("hello");
    auto const c = begin(asking({.once = {.attempt_timeout = 30s}, .retry = {}}));
    world.run();
    EXPECT_EQ(c->text(), "hello");
    auto const sends = provider.sends();
    ASSERT_EQ(sends.size(), 2U);
    EXPECT_EQ(sends[0].cut_at, sends[0].at + 30s);
    EXPECT_GE(sends[1].at - *sends[0].cut_at, 5s);
    ASSERT_EQ(c->log.size(), 2U);
    EXPECT_EQ(c->log[0].fault->kind(), fault_kind::timed_out);
    EXPECT_EQ(counted(), 2);
}

TEST_F(once_flight_test, a_send_that_nobody_waits_for_has_the_grace_from_then_on) {
    provider.never().answer("never");
    auto const c = begin(asking({.once = {.attempt_timeout = 5min, .finish_grace = 1min}, .retry = {}}));
    world.run_for(10s);
    c.cancel();
    world.run();
    auto const sends = provider.sends();
    ASSERT_EQ(sends.size(), 1U);  // and no other one is made for nobody
    EXPECT_EQ(sends[0].cut_at, sends[0].at + 70s);
    EXPECT_EQ(state(), record_state::unknown);
    EXPECT_TRUE(given_back());
}

TEST_F(once_flight_test, the_grace_may_be_longer_than_the_attempts_own_time) {
    provider.answer("hello", 3min);
    auto const ask = asking({.once = {.attempt_timeout = 30s, .finish_grace = 5min}});
    auto const c = begin(ask, 29s);
    world.run();
    EXPECT_TRUE(c->failed(fault_kind::deadline_exceeded));
    EXPECT_EQ(state(), record_state::done);
    EXPECT_EQ(run(ask).text(), "hello");
}

TEST_F(once_flight_test, who_comes_while_there_is_time_brings_the_limit_back) {
    provider.never();
    auto const ask = asking({.once = {.attempt_timeout = 30s, .finish_grace = 5min}});
    auto const first = begin(ask, 5s);
    world.run_for(10s);
    auto const second = begin(ask, 15min, 1);
    world.run();
    EXPECT_TRUE(second->failed(fault_kind::timed_out)) << second->text();
    auto const sends = provider.sends();
    ASSERT_EQ(sends.size(), 1U);
    EXPECT_EQ(sends[0].cut_at, sends[0].at + 30s);
}

TEST_F(once_flight_test, who_comes_later_does_not_cut_off_what_went_on_without_him) {
    provider.answer("hello", 50s).answer("never");
    auto const ask = asking({.once = {.attempt_timeout = 30s, .finish_grace = 1min}});
    auto const first = begin(ask, 10s);
    world.run_for(40s);
    auto const second = begin(ask, 15min, 1);
    world.run();
    EXPECT_EQ(second->text(), "hello");
    EXPECT_EQ(second->origin, answer_origin::joined);
    EXPECT_EQ(provider.count(), 1);
}

TEST_F(once_flight_test, but_nothing_goes_on_longer_than_the_attempts_time_and_the_grace) {
    provider.never();
    auto const ask = asking({.once = {.attempt_timeout = 30s, .finish_grace = 1min}});
    auto const first = begin(ask, 20s);
    world.run_for(40s);  // it goes on until 80 s
    auto const second = begin(ask, 39s, 1);
    world.run_for(39s + 500ms);  // 79.5 s: left again, it would go on until 139 s
    EXPECT_TRUE(second->failed(fault_kind::deadline_exceeded));
    world.run();
    auto const sends = provider.sends();
    ASSERT_EQ(sends.size(), 1U);
    EXPECT_EQ(sends[0].cut_at, sends[0].at + 90s);
}

TEST_F(once_flight_test, without_a_grace_leaving_drops_the_send) {
    provider.never();
    auto const c = begin(asking({.once = {.finish_grace = 0s}}), 10s);
    world.run();
    auto const sends = provider.sends();
    ASSERT_EQ(sends.size(), 1U);
    EXPECT_EQ(sends[0].cut_at, sends[0].at + 10s);
    EXPECT_EQ(state(), record_state::unknown);
}

// Exceptions ------------------------------------------------------------------------------------------------------------

struct once_throw_test : once_flight_test {
    /// Two callers meet an exception; then it is gone, and a third call must be served: nothing is stuck.
    std::pair<caller, caller> meet(std::function<void(std::function<void()>)> const& set,
                                   std::function<void()> thrower) {
        auto const ask = asking({.once = {.max_sends = 9}});
        provider.otherwise([] { return coffer::answer{"hello", 200}; });
        set(std::move(thrower));
        auto const first = begin(ask, 15min, 0);
        auto const second = begin(ask, 15min, 1);
        world.run();
        EXPECT_TRUE(first->over);
        EXPECT_TRUE(second->over);
        EXPECT_TRUE(given_back());
        EXPECT_EQ(door.inside() + door.waiting(), 0);
        set(nullptr);
        auto const third = run(ask);
        EXPECT_EQ(third.text(), "hello");
        return {first, second};
    }
    static void plain() { throw std::runtime_error{"on purpose"}; }
    static void memory() { throw std::bad_alloc{}; }
};

TEST_F(once_throw_test, from_the_operation_before_it_begins) {
    auto const set = [this](auto f) {
        if (f) provider.on_start() = [f](request const&) { f(); };
        else provider.on_start() = nullptr;
    };
    auto const [a, b] = meet(set, plain);
    EXPECT_TRUE(a->failed(fault_kind::permanent)) << a->text();
    EXPECT_TRUE(b->failed(fault_kind::permanent)) << b->text();
}

TEST_F(once_throw_test, bad_alloc_from_the_operation_reaches_everybody) {
    auto const set = [this](auto f) {
        if (f) provider.on_start() = [f](request const&) { f(); };
        else provider.on_start() = nullptr;
    };
    auto const [a, b] = meet(set, memory);
    EXPECT_TRUE(a->threw<std::bad_alloc>()) << a->text();
    EXPECT_TRUE(b->threw<std::bad_alloc>()) << b->text();
    EXPECT_EQ(counted(), 3);  // each may have been sent, for all that is known
}

TEST_F(once_throw_test, bad_alloc_from_a_running_operation_reaches_all_who_joined) {
    provider.throws(std::bad_alloc{}, 5s).answer("hello");
    auto const ask = asking();
    auto const opener = begin(ask, 15min, 0);
    auto const joiner = begin(ask, 15min, 1);
    world.run();
    EXPECT_TRUE(opener->threw<std::bad_alloc>()) << opener->text();
    EXPECT_TRUE(joiner->threw<std::bad_alloc>()) << joiner->text();
    EXPECT_TRUE(given_back());
    EXPECT_EQ(run(ask).text(), "hello");
    EXPECT_EQ(counted(), 2);
}

TEST_F(once_throw_test, from_the_target) {
    auto const [a, b] = meet([this](auto f) { provider.on_target() = f; }, plain);
    EXPECT_TRUE(a->failed(fault_kind::permanent)) << a->text();
    EXPECT_EQ(counted(), 1);
}

TEST_F(once_throw_test, from_the_fingerprint) {
    auto const [a, b] = meet([this](auto f) { provider.on_fingerprint() = f; }, plain);
    EXPECT_TRUE(a->failed(fault_kind::permanent)) << a->text();
    EXPECT_TRUE(b->failed(fault_kind::permanent)) << b->text();
    EXPECT_EQ(counted(), 1);
}

TEST_F(once_throw_test, from_the_decoder) {
    auto const [a, b] = meet([this](auto f) { provider.on_decode() = f; }, plain);
    EXPECT_TRUE(a->failed(fault_kind::defective_answer)) << a->text();
    EXPECT_EQ(counted(), 1) << "the third call read what was stored";
}

TEST_F(once_throw_test, bad_alloc_from_the_decoder_does_not_lose_the_answer) {
    auto const [a, b] = meet([this](auto f) { provider.on_decode() = f; }, memory);
    EXPECT_TRUE(a->threw<std::bad_alloc>()) << a->text();
    EXPECT_TRUE(b->threw<std::bad_alloc>()) << b->text();
    EXPECT_EQ(provider.count(), 1);  // the third call found it stored, and read it
    EXPECT_EQ(counted(), 1);
}

TEST_F(once_throw_test, from_the_bill) {
    auto const [a, b] = meet([this](auto f) { provider.on_bill() = f; }, plain);
    EXPECT_TRUE(a->ok()) << a->text();
    EXPECT_EQ(provider.count(), 1);
}

TEST_F(once_throw_test, from_a_gate) {
    auto const [a, b] = meet([this](auto f) { door.on_try() = f; }, plain);
    EXPECT_TRUE(a->failed(fault_kind::permanent)) << a->text();
    EXPECT_EQ(counted(), 1);
}

TEST_F(once_throw_test, bad_alloc_from_a_gate) {
    auto const [a, b] = meet([this](auto f) { door.on_try() = f; }, memory);
    EXPECT_TRUE(a->threw<std::bad_alloc>()) << a->text();
    EXPECT_TRUE(b->threw<std::bad_alloc>()) << b->text();
    EXPECT_EQ(counted(), 1);
}

TEST_F(once_throw_test, from_the_operation_while_it_runs) {
    provider.throws(std::runtime_error{"on purpose"})
        .throws(std::system_error{std::make_error_code(std::errc::operation_canceled)})
        .throws(std::system_error{std::make_error_code(std::errc::connection_refused)})
        .throws(coffer::failure{coffer::fault{fault_kind::throttled}})
        .throws(42)
        .answer("hello");
    auto const ask = asking({.once = {.max_sends = 9}});
    for (auto const kind : {fault_kind::permanent, fault_kind::aborted, fault_kind::not_sent, fault_kind::throttled,
                            fault_kind::permanent}) {
        auto const c = run(ask);
        EXPECT_TRUE(c.failed(kind)) << c.text();
        EXPECT_TRUE(given_back());
    }
    EXPECT_EQ(run(ask).text(), "hello");
    EXPECT_EQ(counted(), 4);
}

TEST_F(once_throw_test, from_a_copy_of_the_arguments) {
    provider.otherwise([] { return coffer::answer{"hello", 200}; });
    door.shut();
    auto const ask = asking();
    for (auto const thrower : {plain, memory}) {
        auto copies = std::make_shared<int>(0);
        request r;
        r.on_copy = [copies, thrower] {
            if (*copies > 0 && --*copies == 0) thrower();
        };
        *copies = 1;
        coffer::call c{coffer::key{"test", "k"}};
        std::optional<coffer::outcome<std::string>> got;
        bool threw = false;
        auto const job = [&]() -> coffer::awaitable<void> {
            try {
                auto result = co_await ask.try_call(c, r);
                got.emplace(std::move(result));
            } catch (std::bad_alloc const&) {
                threw = true;
            }
        };
        asio::co_spawn(world[0], job(), asio::detached);
        auto const second = begin(ask, 15min, 1);
        world.run_ready();
        EXPECT_TRUE(threw || (got && !*got && got->error().kind() == fault_kind::permanent));
        EXPECT_EQ(threw, thrower == memory);
        EXPECT_FALSE(second->over);  // on its own flight
        second.cancel();
        world.run();
        EXPECT_TRUE(given_back());
    }
    door.open();
    EXPECT_EQ(run(ask).text(), "hello");
}

TEST_F(once_flight_test, observers_that_throw_change_nothing) {
    provider.answer("hello");
    support::guarded const ask = coffer::pipeline{coffer::once{db}, coffer::retry{}, door}
                                     .observe([](coffer::event const&) { throw std::runtime_error{"on purpose"}; })
                                     .wrap(provider.operation());
    auto const first = begin(ask);
    auto const second = begin(ask, 15min, 1);
    world.run();
    EXPECT_EQ(first->text(), "hello");
    EXPECT_EQ(second->text(), "hello");
    EXPECT_EQ(run(ask).text(), "hello");
}

// Contexts that go ------------------------------------------------------------------------------------------------------

TEST_F(once_flight_test, a_flight_whose_context_goes_before_the_permit_is_taken_over_by_who_still_waits) {
    provider.answer("hello");
    door.shut();
    auto const ask = asking();
    auto const opener = begin(ask, 15min, 0);
    world.run_ready();
    auto const second = begin(ask, 15min, 1);
    auto const third = begin(ask, 15min, 2);
    world.run_for(1s);
    world.destroy(0);
    EXPECT_EQ(door.waiting(), 0);
    world.run_for(1s);
    EXPECT_EQ(door.waiting(), 1);
    door.open();
    world.run();
    EXPECT_FALSE(opener->over);
    EXPECT_EQ(second->text(), "hello");
    EXPECT_EQ(third->text(), "hello");
    EXPECT_EQ(provider.count(), 1);
    EXPECT_EQ(state(), record_state::done);
}

TEST_F(once_flight_test, a_flight_whose_context_goes_during_a_send_is_taken_over_if_a_send_is_left) {
    provider.answer("never", 10s).answer("hello");
    auto const ask = asking({.retry = {}});
    auto const opener = begin(ask, 15min, 0);
    world.run_ready();
    auto const second = begin(ask, 15min, 1);
    auto const third = begin(ask, 15min, 2);
    world.run_for(1s);
    world.destroy(0);
    world.run();
    EXPECT_FALSE(opener->over);
    EXPECT_EQ(second->text(), "hello");
    EXPECT_EQ(third->text(), "hello");
    EXPECT_EQ(provider.count(), 2);
    EXPECT_EQ(counted(), 2);
    EXPECT_FALSE(second->cost.has_value()) << "what the send that nobody heard of has cost is not known";
    EXPECT_TRUE(given_back());
    EXPECT_EQ(state(), record_state::done);
}

TEST_F(once_flight_test, or_else_those_who_wait_are_told_that_an_operator_must_decide) {
    provider.answer("never", 10s).answer("hello");
    auto const ask = asking({.once = {.max_sends = 1}, .retry = {}});
    (void)begin(ask, 15min, 0);
    world.run_ready();
    auto const second = begin(ask, 15min, 1);
    world.run_for(1s);
    world.destroy(0);
    world.run();
    ASSERT_TRUE(second->failed(fault_kind::unresolved)) << second->text();
    EXPECT_EQ(second->why().billing(), knowledge::maybe);
    EXPECT_EQ(counted(), 1);
    EXPECT_EQ(state(), record_state::unknown);
}

TEST_F(once_flight_test, between_two_attempts_a_send_that_may_be_billed_is_not_forgotten) {
    provider.fail(fault_kind::ambiguous).answer("hello");
    auto const ask = asking({.retry = {}});
    (void)begin(ask, 15min, 0);
    world.run_ready();
    auto const second = begin(ask, 15min, 1);
    world.run_for(3s);
    world.destroy(0);
    world.run();
    EXPECT_EQ(second->text(), "hello");
    ASSERT_EQ(second->log.size(), 2U);
    EXPECT_EQ(second->log.back().number, 2);
    EXPECT_EQ(counted(), 2);
}

TEST_F(once_flight_test, who_leaves_what_was_taken_over_knows_of_the_send_that_nobody_heard_of) {
    provider.answer("never", 10s).answer("never", 10min);
    door.open();
    auto const ask = asking({.retry = {}});
    (void)begin(ask, 15min, 0);
    world.run_ready();
    door.shut();
    auto const second = begin(ask, 5s, 1);
    world.run_for(1s);
    world.destroy(0);
    world.run_for(10s);
    ASSERT_TRUE(second->failed(fault_kind::deadline_exceeded)) << second->text();
    EXPECT_EQ(second->why().billing(), knowledge::maybe);
    EXPECT_EQ(provider.count(), 1);
}

TEST_F(once_flight_test, a_context_that_is_stopped_holds_nobody_past_the_deadline_and_then_goes_before_the_permit) {
    provider.answer("hello");
    door.shut();
    auto const ask = asking();
    auto const opener = begin(ask, 15min, 0);
    world.run_ready();
    auto const patient = begin(ask, 15min, 1);
    auto const hurried = begin(ask, 30s, 2);
    world.run_ready();
    world.stop(0);
    door.open();
    world.run_for(1min);
    ASSERT_TRUE(hurried->failed(fault_kind::deadline_exceeded)) << hurried->text();
    EXPECT_FALSE(patient->over);
    EXPECT_EQ(provider.count(), 0);
    world.destroy(0);
    world.run();
    EXPECT_FALSE(opener->over);
    EXPECT_EQ(patient->text(), "hello");
    EXPECT_EQ(provider.count(), 1);
}

TEST_F(once_flight_test, a_context_that_is_stopped_and_goes_after_the_permit_leaves_its_key_to_the_others) {
    provider.answer("never", 10s).answer("hello");
    auto const ask = asking();
    (void)begin(ask, 15min, 0);
    world.run_ready();
    auto const second = begin(ask, 15min, 1);
    world.run_ready();
    world.stop(0);
    world.run_for(1min);
    EXPECT_FALSE(second->over) << "its answer may have come: nobody sends again while its context lives";
    EXPECT_EQ(provider.count(), 1);
    world.destroy(0);
    world.run();
    EXPECT_EQ(second->text(), "hello");
    EXPECT_EQ(counted(), 2);
}

TEST_F(once_flight_test, a_joiners_context_may_go) {
    provider.answer("hello", 10s);
    auto const ask = asking();
    auto const opener = begin(ask, 15min, 0);
    world.run_ready();
    auto const joiner = begin(ask, 15min, 1);
    world.run_for(1s);
    world.destroy(1);
    world.run();
    EXPECT_FALSE(joiner->over);
    EXPECT_EQ(opener->text(), "hello");
}

TEST_F(once_flight_test, everything_may_go_at_any_time) {
    for (auto const when : {0ms, 500ms, 1500ms, 3000ms}) {
        for (auto const shut : {false, true}) {
            flight_world other;
            other.provider.fail(fault_kind::ambiguous).answer("hello", 10s);
            if (shut) other.door.shut();
            auto const ask = other.asking({.retry = {}});
            for (std::size_t i = 0; i < 9; ++i) (void)other.begin(ask, 2s * (i + 1), i % 3);
            other.world.run_for(when);
            for (std::size_t i : {1U, 0U, 2U}) other.world.destroy(i);
            EXPECT_TRUE(other.given_back());
            EXPECT_EQ(other.door.inside() + other.door.waiting(), 0);
        }
    }
}

TEST_F(once_flight_test, a_flight_keeps_its_store) {
    provider.answer("hello", 10s);
    std::optional<coffer::memory_store> mine{std::in_place};
    auto const keeper = mine->another_process();  // looks at the same records
    std::optional<support::guarded> ask{
        coffer::pipeline{coffer::once{*mine}, coffer::retry{}, door}.wrap(provider.operation())};
    auto const c = begin(*ask, 2s);
    world.run_for(3s);
    ask.reset();
    mine.reset();
    world.run();
    auto const r = **keeper.backend()->peek(keeper.backend()->id_of(coffer::key{"test", "k"})).get();
    ASSERT_NE(r, nullptr);
    EXPECT_EQ(r->state, record_state::done);
}

// A flight that never begins, as when its context goes before its first step.
struct nothing {
    using value_type = std::string;
    coffer::awaitable<coffer::outcome<std::string>> operator()(coffer::call&) { co_return "never"; }
    coffer::outcome<std::string> decode(coffer::answer const& a, coffer::target const&) const { return a.body; }
    bool reads_anew(coffer::answer const&, coffer::target const&) const { return true; }
};

TEST_F(once_flight_test, a_flight_that_never_begins_lands_all_the_same) {
    coffer::call const mine{coffer::key{"test", "k"}};
    coffer::record_id const id{"test", "k"};
    std::shared_ptr<coffer::flight> opened;
    std::optional<coffer::detail::flight_guard> guard;
    auto const f = db.backend()->flights().board_or_open(
        id, [](coffer::flight&) { return false; },
        [&](std::shared_ptr<coffer::flight> before) {
            opened = std::make_shared<coffer::flight>(asio::make_strand(world.executor(0)), coffer::fingerprint{},
                                                      coffer::call_access::fork(mine), std::move(before));
            guard.emplace(opened, coffer::detail::flight_plan{db.backend(), id, {}, {}});
            return opened;
        });
    ASSERT_EQ(f, opened);
    {
        auto const never = coffer::detail::fly(*std::move(guard), nothing{});
    }
    ASSERT_NE(f->landed().get(), nullptr);
    EXPECT_TRUE(f->landed().get()->begin_anew);
    EXPECT_EQ(db.backend()->flights().board(id, [](coffer::flight&) { return true; }), nullptr);
}

}  // namespace
}  // namespace once_flight_test
