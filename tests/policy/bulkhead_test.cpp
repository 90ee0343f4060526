// SPDX-License-Identifier: BSL-1.0
#include <coffer/base/disposition.hpp>
#include <coffer/call/pipeline.hpp>
#include <coffer/policy/bulkhead.hpp>
#include <coffer/policy/once.hpp>
#include <coffer/policy/rate_limit.hpp>
#include <coffer/policy/retry.hpp>
#include <coffer/store/memory.hpp>

#include <gtest/gtest.h>

#include <chrono>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <stdexcept>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "policy/support/contexts.hpp"
#include "policy/support/door.hpp"
#include "policy/support/provider.hpp"
#include "policy/support/rated.hpp"
#include "support/scripted_gate.hpp"

namespace bulkhead_test {
namespace {

using namespace coffer;
using namespace std::chrono_literals;
using support::caller;
using support::guarded;
using support::rated_end;
using support::request;
using times = std::vector<std::int64_t>;

/// A bulkhead before a provider whose answers take a second, and callers.
struct desk {
    explicit desk(bulkhead_options o = {.limit = 2}) : gate{o} {}
    desk(bulkhead_options o, std::function<int(call const&)> priority) : gate{o, std::move(priority)} {}

    support::contexts world{2};
    support::rated_provider provider;
    bulkhead gate;
    time_point start = world.now();

    guarded asking() { return pipeline{gate}.wrap(provider.operation()); }
    caller ask(std::string name = "x", duration deadline = 1h) { return ask(call::unkeyed(deadline), std::move(name)); }
    caller ask(call c, std::string name, std::size_t where = 0) {
        return caller::begin(world.executor(where), asking(), std::move(c), request{std::move(name)});
    }
    caller ask(std::string name, int priority, duration deadline = 1h) {
        return ask(call::unkeyed(deadline).tag("priority", std::to_string(priority)), std::move(name));
    }
    times sent() { return provider.times(start); }
    /// Nobody is in, nobody waits.
    void expect_empty() {
        EXPECT_EQ(gate.in_flight(), 0);
        EXPECT_EQ(gate.waiting(), 0U);
    }
};

// Places -----------------------------------------------------------------------------------------------------------------------

TEST(bulkhead, lets_so_many_be_under_way_and_the_others_wait_their_turn) {
    desk d;
    std::vector<caller> all;
    for (auto const* const name : {"a", "b", "c", "d", "e"}) all.push_back(d.ask(name));
    d.world.run_ready();
    EXPECT_EQ(d.gate.in_flight(), 2);
    EXPECT_EQ(d.gate.waiting(), 3U);
    EXPECT_EQ(d.gate.limit(), 2);
    d.world.run();
    EXPECT_EQ(d.sent(), (times{0, 0, 1000, 1000, 2000}));
    EXPECT_EQ(d.provider.order(), "a b c d e");
    for (auto const& c : all) ASSERT_TRUE(c->ok()) << c->text();
    EXPECT_EQ(all[4]->log[0].waited, 2s);
    EXPECT_EQ(all[4]->log[0].why_waited, wait_reason::admission);
    d.expect_empty();
}

TEST(bulkhead, copies_share_the_places_in_any_pipeline_and_context) {
    desk d{{.limit = 1}};
    guarded const other = pipeline{retry{}, bulkhead{d.gate}}.wrap(d.provider.operation());
    d.ask("a");
    d.world.run_ready();
    caller::begin(d.world.executor(1), other, call::unkeyed(), request{"b"});
    d.world.run_ready();
    d.ask("c");
    d.world.run();
    EXPECT_EQ(d.sent(), (times{0, 1000, 2000}));
    EXPECT_EQ(d.provider.order(), "a b c");
}

TEST(bulkhead, however_an_attempt_ends_its_place_comes_free) {
    for (auto const kind : {fault_kind::not_sent, fault_kind::throttled, fault_kind::ambiguous, fault_kind::timed_out,
                            fault_kind::invalid_request, fault_kind::defective_answer, fault_kind::permanent}) {
        desk d{{.limit = 1}};
        d.provider.fails(fault{kind});
        d.ask("a");
        auto const next = d.ask("b");
        d.world.run();
        EXPECT_TRUE(next->ok()) << kind;
        EXPECT_EQ(d.sent(), (times{0, 1000}));
        d.expect_empty();
    }
}

TEST(bulkhead, an_operation_that_throws_gives_its_place_back) {
    for (bool const misused : {false, true}) {
        desk d{{.limit = 1}};
        auto const fall_over = [&](std::string const&) -> rated_end {
            if (misused) throw misuse{"not a fault"};
            throw std::runtime_error{"it fell over"};
        };
        d.provider.otherwise(fall_over);
        auto const c = d.ask("a");
        d.world.run();
        EXPECT_EQ(c->threw<misuse>(), misused);
        d.expect_empty();
    }
}

TEST(bulkhead, a_refusal_further_in_gives_the_place_back_at_once) {
    desk d{{.limit = 1}};
    support::tape tape;
    support::gate_script refuses;
    refuses.entries.push_back({support::entry::kind::refuse, {}, fault_kind::circuit_open});
    support::plain_gate const closed{tape, "gate", refuses};
    guarded const ask = pipeline{d.gate, closed}.wrap(d.provider.operation());
    auto const refused = caller::begin(d.world.executor(0), ask, call::unkeyed(), request{"a"});
    auto const next = caller::begin(d.world.executor(0), ask, call::unkeyed(1s), request{"b"});
    d.world.run();
    EXPECT_TRUE(refused->failed(fault_kind::circuit_open));
    EXPECT_TRUE(next->ok()) << next->text();
    EXPECT_EQ(d.sent(), (times{0}));
}

TEST(bulkhead, no_place_is_held_while_retry_sleeps) {
    desk d{{.limit = 1}};
    d.provider.fails(fault{fault_kind::overloaded}.with_retry_after(10s));
    guarded const ask = pipeline{retry{{.hint_spread = 0}}, d.gate}.wrap(d.provider.operation());
    auto const first = caller::begin(d.world.executor(0), ask, call::unkeyed(), request{"a"});
    auto const second = caller::begin(d.world.executor(0), ask, call::unkeyed(), request{"b"});
    d.world.run();
    EXPECT_TRUE(first->ok() && second->ok());
    EXPECT_EQ(d.provider.order(), "a b a");
    EXPECT_EQ(d.sent(), (times{0, 1000, 11'000}));
}

TEST(bulkhead, stands_inside_what_multiplies_sends) {
    static_assert(traits_of<bulkhead>().per_send, "or a pipeline with a retry inside it would compile");
    static_assert(gate<bulkhead> && waiting_gate<bulkhead>);
    bulkhead const b{{.limit = 1}};
    bulkhead const copy = b;
    support::rated_provider provider;
    pipeline const twice{b, copy};
    EXPECT_THROW((void)twice.wrap(provider.operation()), misuse) << "its place would wait for itself";
}

// Why it stands there.
TEST(bulkhead, before_a_rate_limit_the_providers_pace_is_kept_and_behind_it_not) {
    for (bool const before : {true, false}) {
        desk d{{.limit = 1}};
        d.provider.then({.after = 30s});
        d.provider.otherwise([](std::string const&) { return rated_end{.after = 10ms}; });
        rate_limit const pace{{.requests_per_minute = 60, .burst = 1s}};
        guarded const ask = before ? guarded{pipeline{d.gate, pace}.wrap(d.provider.operation())}
                                   : guarded{pipeline{pace, d.gate}.wrap(d.provider.operation())};
        for (int i = 0; i < 20; ++i) caller::begin(d.world.executor(0), ask, call::unkeyed(), request{"x"});
        d.world.run();
        auto const sent = d.sent();
        ASSERT_EQ(sent.size(), 20U);
        EXPECT_EQ(sent[1], 30'000);
        EXPECT_EQ(sent[2] - sent[1], before ? 1000 : 10) << "in line for a place, tokens go stale";
        d.expect_empty();
    }
}

TEST(bulkhead, places_that_are_held_in_a_rate_limits_line_cost_no_throughput) {
    std::vector<duration> took;
    for (bool const with : {true, false}) {
        desk d{{.limit = 3}};  // two would do: a request a second, which takes a second
        rate_limit const pace{{.requests_per_minute = 60, .burst = 1s}};
        guarded const ask = with ? guarded{pipeline{d.gate, pace}.wrap(d.provider.operation())}
                                 : guarded{pipeline{pace}.wrap(d.provider.operation())};
        for (int i = 0; i < 20; ++i) caller::begin(d.world.executor(0), ask, call::unkeyed(), request{"x"});
        d.world.run();
        took.push_back(d.world.now() - d.start);
    }
    EXPECT_EQ(took[0], took[1]);
}

// Waiting ----------------------------------------------------------------------------------------------------------------------

TEST(bulkhead, a_full_line_turns_away_at_once_and_another_target_may_be_tried) {
    desk d{{.limit = 1, .max_waiting = 2}};
    for (auto const* const name : {"a", "b", "c"}) d.ask(name);
    auto const refused = d.ask("d");
    d.world.run_ready();
    ASSERT_TRUE(refused->failed(fault_kind::queue_full)) << refused->text();
    EXPECT_EQ(refused->why().code(), "max_waiting");
    EXPECT_EQ(refused->why().execution(), knowledge::no);
    EXPECT_EQ(refused->why().billing(), knowledge::no);
    EXPECT_EQ(refused->log.size(), 0U);
    EXPECT_EQ(row(refused->why().kind()).try_other, other_target::yes);
    EXPECT_EQ(disposition(refused->why()).action, queue_action::retry_after);
    EXPECT_NE(refused->text().find("and 2 wait already (max_waiting)"), std::string::npos) << refused->text();
    d.world.run_for(1s);
    auto const next = d.ask("e");
    d.world.run();
    EXPECT_TRUE(next->ok()) << "there was room in line again";
    EXPECT_EQ(d.provider.order(), "a b c e");
}

TEST(bulkhead, where_nobody_may_wait_whoever_finds_no_place_is_turned_away) {
    desk d{{.limit = 2, .max_waiting = 0}};
    d.ask("a"), d.ask("b");
    auto const refused = d.ask("c");
    d.world.run_for(1s);
    ASSERT_TRUE(refused->failed(fault_kind::queue_full));
    EXPECT_EQ(refused->why().code(), "no_place");
    EXPECT_EQ(refused->ended, d.start);
    auto const next = d.ask("d");
    d.world.run();
    EXPECT_TRUE(next->ok());
}

TEST(bulkhead, nobody_waits_longer_than_max_wait) {
    desk d{{.limit = 1, .max_wait = 2500ms}};
    std::vector<caller> all;
    for (int i = 0; i < 5; ++i) all.push_back(d.ask());
    d.world.run();
    EXPECT_EQ(d.sent(), (times{0, 1000, 2000}));
    for (int i = 3; i < 5; ++i) {
        auto const& late = all[static_cast<std::size_t>(i)];
        ASSERT_TRUE(late->failed(fault_kind::queue_full)) << late->text();
        EXPECT_EQ(late->why().code(), "wait_too_long");
        EXPECT_EQ(late->why().billing(), knowledge::no);
        EXPECT_EQ(late->ended, d.start + 2500ms);
    }
    d.expect_empty();

    desk impatient{{.limit = 1, .max_wait = 0s}};
    impatient.ask();
    auto const c = impatient.ask();
    impatient.world.run_ready();
    ASSERT_TRUE(c->failed(fault_kind::queue_full));
    EXPECT_EQ(c->why().code(), "wait_too_long");
    impatient.world.run();
    impatient.expect_empty();
}

TEST(bulkhead, nobody_waits_past_his_deadline_and_those_behind_move_up) {
    desk d{{.limit = 1}};
    d.provider.then({.after = 10s});
    d.ask("a");
    auto const late = d.ask("late", 5s);
    auto const next = d.ask("b", 60s);
    d.world.run_for(6s);
    ASSERT_TRUE(late->failed(fault_kind::deadline_exceeded)) << late->text();
    EXPECT_EQ(late->ended, d.start + 5s);
    EXPECT_EQ(late->why().billing(), knowledge::no);
    EXPECT_EQ(d.gate.waiting(), 1U);
    d.world.run();
    EXPECT_TRUE(next->ok());
    EXPECT_EQ(d.provider.order(), "a b");
}

TEST(bulkhead, a_place_that_comes_free_at_the_deadline_goes_to_the_next_one) {
    desk d{{.limit = 1}};
    d.provider.then({.after = 5s});
    d.ask("a");
    auto const late = d.ask("late", 5s);
    auto const next = d.ask("b");
    d.world.run();
    EXPECT_TRUE(late->failed(fault_kind::deadline_exceeded));
    EXPECT_TRUE(next->ok());
    EXPECT_EQ(d.sent(), (times{0, 5000}));
    d.expect_empty();
}

TEST(bulkhead, who_has_run_out_of_time_in_a_context_that_stands_still_is_passed_over) {
    desk d{{.limit = 1}};
    d.provider.then({.after = 10s});
    d.ask("a");
    d.ask(call::unkeyed(5s), "still", 1);
    auto const next = d.ask("b");
    d.world.run_ready();
    d.world.stop(1);
    d.world.run_for(20s);
    EXPECT_TRUE(next->ok());
    EXPECT_EQ(d.provider.order(), "a b");
    EXPECT_EQ(d.gate.in_flight(), 0);
}

// Importance -------------------------------------------------------------------------------------------------------------------

TEST(bulkhead, the_more_important_go_first_and_equals_in_the_order_in_which_they_came) {
    desk d{{.limit = 1, .priority_by = "priority"}};
    d.ask("first", -100);
    d.ask("low1", -1), d.ask("none1"), d.ask("high1", 5), d.ask("low2", -1), d.ask("none2", 0), d.ask("high2", 5);
    d.world.run();
    EXPECT_EQ(d.provider.order(), "first high1 high2 none1 none2 low1 low2");

    desk equal{{.limit = 1}};
    equal.ask("a", 1), equal.ask("b", 2), equal.ask("c", 3);
    equal.world.run();
    EXPECT_EQ(equal.provider.order(), "a b c") << "unless it is asked for";
}

TEST(bulkhead, a_function_may_say_who_is_more_important) {
    desk d{{.limit = 1}, [](call const& c) { return c.keyed() && c.key().name_space() == "chat" ? 10 : 0; }};
    d.ask("first");
    d.ask(call{key{"batch", 1}}, "batch");
    d.ask(call{key{"chat", 1}}, "chat");
    d.world.run();
    EXPECT_EQ(d.provider.order(), "first chat batch");
}

TEST(bulkhead, the_function_may_look_at_the_bulkhead) {
    std::optional<bulkhead> itself;
    std::vector<std::size_t> seen;
    bulkhead const gate{{.limit = 1}, [&](call const&) {
                            seen.push_back(itself->waiting());
                            itself->set_limit(1);
                            return 0;
                        }};
    itself.emplace(gate);
    desk d;
    guarded const ask = pipeline{gate}.wrap(d.provider.operation());
    for (int i = 0; i < 3; ++i) caller::begin(d.world.executor(0), ask, call::unkeyed(), request{"x"});
    d.world.run();
    EXPECT_EQ(seen, (std::vector<std::size_t>{0, 0, 1})) << "it is called under no lock";
}

TEST(bulkhead, a_priority_that_is_none_is_misuse_also_where_there_is_a_place) {
    for (std::string const text : {"high", "", "1.5", "7 ", "+1", "101", "-101", "99999999999"}) {
        desk d{{.limit = 1, .priority_by = "priority"}};
        auto const c = d.ask(call::unkeyed().tag("priority", text), "x");
        d.world.run();
        EXPECT_TRUE(c->threw<misuse>()) << text << ": " << c->text();
        EXPECT_EQ(d.provider.count(), 0);
        d.expect_empty();
    }
    desk d{{.limit = 1}, [](call const&) { return 101; }};
    auto const c = d.ask("x");
    d.world.run();
    EXPECT_TRUE(c->threw<misuse>());
}

TEST(bulkhead, what_a_priority_function_throws_ends_the_attempt_unsent) {
    desk d{{.limit = 1}, [](call const&) -> int { throw std::runtime_error{"nobody knows"}; }};
    auto const c = d.ask("x");
    d.world.run();
    ASSERT_TRUE(c->failed(fault_kind::permanent)) << c->text();
    EXPECT_EQ(c->why().billing(), knowledge::no);
    d.expect_empty();
}

TEST(bulkhead, in_a_full_line_the_more_important_displaces_the_youngest_of_the_least_important) {
    desk d{{.limit = 1, .max_waiting = 3, .priority_by = "priority"}};
    d.ask("first");
    auto const old = d.ask("old", 0), young = d.ask("young", 0), mid = d.ask("mid", 3);
    d.world.run_for(100ms);
    auto const equal = d.ask("equal", 0), less = d.ask("less", -1);
    auto const high = d.ask("high", 5);
    d.world.run_ready();
    EXPECT_TRUE(equal->failed(fault_kind::queue_full) && less->failed(fault_kind::queue_full));
    ASSERT_TRUE(young->failed(fault_kind::queue_full)) << young->text();
    EXPECT_EQ(young->why().code(), "displaced");
    EXPECT_EQ(young->why().billing(), knowledge::no);
    EXPECT_EQ(young->ended, d.start + 100ms);
    EXPECT_EQ(young->log.size(), 0U);
    EXPECT_EQ(d.gate.waiting(), 3U);
    d.world.run();
    EXPECT_EQ(d.provider.order(), "first high mid old");
    d.expect_empty();
}

TEST(bulkhead, who_has_displaced_somebody_may_be_displaced_himself) {
    desk d{{.limit = 1, .max_waiting = 1, .priority_by = "priority"}};
    d.ask("first");
    std::vector<caller> all;
    for (int i = 0; i <= 5; ++i) all.push_back(d.ask(std::to_string(i), i));
    d.world.run_ready();
    for (std::size_t i = 0; i < 5; ++i) EXPECT_TRUE(all[i]->failed(fault_kind::queue_full)) << i;
    d.world.run();
    EXPECT_EQ(d.provider.order(), "first 5");
    d.expect_empty();
}

TEST(bulkhead, who_is_displaced_while_he_leaves_has_left) {
    desk d{{.limit = 1, .max_waiting = 1, .priority_by = "priority"}};
    d.ask("first");
    auto const low = d.ask("low", 0);
    d.world.run_ready();
    auto const high = d.ask("high", 1);
    d.world[0].restart();
    ASSERT_EQ(d.world[0].poll_one(), 1U);
    low.cancel();
    d.world.run();
    EXPECT_TRUE(low->failed(fault_kind::cancelled)) << low->text();
    EXPECT_TRUE(high->ok());
    d.expect_empty();
}

TEST(bulkhead, with_ageing_the_less_important_have_their_turn) {
    for (bool const ages : {true, false}) {
        desk d{{.limit = 1, .priority_by = "priority", .ages_after = ages ? duration{3500ms} : duration::max()}};
        d.ask("0", 1);
        auto const low = d.ask("low", 0);
        std::string before;
        for (int i = 1; i < 20; ++i) {
            d.world.run_for(500ms);
            d.ask("h", 1);
            d.world.run_for(500ms);
        }
        EXPECT_EQ(low->ok(), ages);
        d.world.run();
        EXPECT_EQ(d.provider.order().find("low") == 10, ages) << d.provider.order();
        EXPECT_TRUE(low->ok()) << "when nobody comes any more";
    }
}

// Leaving ----------------------------------------------------------------------------------------------------------------------

TEST(bulkhead, a_cancelled_waiter_leaves_nothing_behind) {
    for (std::size_t who = 1; who < 5; ++who) {
        desk d{{.limit = 1}};
        std::vector<caller> all;
        for (int i = 0; i < 5; ++i) all.push_back(d.ask(std::to_string(i)));
        d.world.run_for(500ms);
        all[who].cancel();
        d.world.run_ready();
        EXPECT_TRUE(all[who]->failed(fault_kind::cancelled));
        EXPECT_EQ(all[who]->why().billing(), knowledge::no);
        EXPECT_EQ(d.gate.waiting(), 3U);
        d.world.run();
        EXPECT_EQ(d.sent(), (times{0, 1000, 2000, 3000})) << "as if it had never been; " << who;
        d.expect_empty();
    }
}

TEST(bulkhead, who_leaves_while_he_is_under_way_gives_his_place_to_the_next) {
    desk d{{.limit = 1}};
    auto const first = d.ask("a");
    d.ask("b");
    d.world.run_for(300ms);
    first.cancel();
    d.world.run();
    EXPECT_TRUE(first->failed(fault_kind::cancelled));
    EXPECT_EQ(d.sent(), (times{0, 300}));
    d.expect_empty();
}

TEST(bulkhead, a_place_that_is_given_while_the_caller_leaves_goes_to_the_next) {
    desk d{{.limit = 1}};
    d.ask("first");
    auto const second = d.ask("second");
    auto const third = d.ask("third");
    d.world.run_ready();
    ASSERT_EQ(d.gate.waiting(), 2U);
    ASSERT_TRUE(d.world.clock().advance(d.start + 1s));
    // The first one's end gives the place to the second, who has not yet woken up.
    while (d.gate.waiting() > 1) {
        d.world[0].restart();
        ASSERT_EQ(d.world[0].poll_one(), 1U);
    }
    EXPECT_EQ(d.gate.in_flight(), 1) << "it is his";
    second.cancel();
    d.world.run();
    EXPECT_TRUE(second->failed(fault_kind::cancelled)) << second->text();
    EXPECT_TRUE(third->ok());
    EXPECT_EQ(d.provider.order(), "first third");
    EXPECT_EQ(d.sent(), (times{0, 1000}));
    d.expect_empty();
}

TEST(bulkhead, a_place_that_is_given_to_a_caller_who_has_just_left_goes_to_the_next) {
    desk d{{.limit = 1}};
    d.ask("first");
    d.world.run_ready();
    auto const second = d.ask(call::unkeyed(), "second", 1);
    d.world.run_ready();
    auto const third = d.ask("third");
    d.world.run_ready();
    ASSERT_EQ(d.gate.waiting(), 2U);
    second.cancel();  // its context is told, and has other things to do
    ASSERT_TRUE(d.world.clock().advance(d.start + 1s));
    d.world[0].restart();
    d.world[0].poll();
    ASSERT_EQ(d.gate.waiting(), 1U) << "it has got the place all the same";
    EXPECT_EQ(d.provider.count(), 1);
    d.world.run();
    EXPECT_TRUE(second->failed(fault_kind::cancelled)) << second->text();
    EXPECT_TRUE(third->ok());
    EXPECT_EQ(d.sent(), (times{0, 1000}));
    d.expect_empty();
}

TEST(bulkhead, when_nobody_waits_any_more_it_is_as_if_nobody_ever_had) {
    desk d{{.limit = 1}};
    d.ask("a"), d.ask("b");
    d.world.run();
    auto const c = d.ask("c");
    d.world.run();
    ASSERT_TRUE(c->ok());
    EXPECT_EQ(c->log[0].why_waited, wait_reason::none) << "it was let in at once, and not by way of the line";
    d.ask("d");
    auto const left = d.ask("e");
    d.world.run_for(100ms);
    left.cancel();
    d.world.run();
    auto const f = d.ask("f");
    d.world.run();
    EXPECT_EQ(f->log[0].why_waited, wait_reason::none);
}

TEST(bulkhead, a_context_that_goes_takes_its_waiters_with_it_and_gives_its_places_back) {
    desk d{{.limit = 2}};
    d.provider.then({.after = 10s}).then({.after = 20s});
    d.ask("a");
    d.ask(call::unkeyed(), "gone while it is sent", 1);
    d.ask(call::unkeyed(), "gone while it waits", 1);
    d.world.run_ready();
    d.ask("b");
    d.world.run_for(500ms);
    EXPECT_EQ(d.gate.waiting(), 2U);
    d.world.destroy(1);
    EXPECT_EQ(d.gate.waiting(), 0U);
    EXPECT_EQ(d.gate.in_flight(), 2);
    d.world.run();
    EXPECT_EQ(d.provider.order(), "a gone b");
    EXPECT_EQ(d.sent(), (times{0, 0, 500}));
    d.expect_empty();
}

TEST(bulkhead, a_context_that_goes_after_its_turn_has_come_gives_it_to_the_next) {
    desk d{{.limit = 1}};
    d.ask("a");
    d.ask(call::unkeyed(), "gone", 1);
    d.ask("b");
    d.world.run_ready();
    d.world.stop(1);
    d.world.run_for(5s);
    EXPECT_EQ(d.gate.in_flight(), 1) << "its turn has come, and it does not run";
    d.world.destroy(1);
    d.world.run();
    EXPECT_EQ(d.provider.order(), "a b");
    d.expect_empty();
}

// Under a journal --------------------------------------------------------------------------------------------------------------

struct journaled {
    explicit journaled(int limit) : gate{{.limit = limit}} {}
    support::contexts world{2};
    memory_store db;
    support::provider provider;
    bulkhead gate;
    time_point start = world.now();

    caller ask(std::string const& name, duration deadline = 15min) {
        guarded const asking = pipeline{once{db}, retry{{.attempts = 1}}, gate}.wrap(provider.operation());
        return caller::begin(world.executor(0), asking, call{key{"test", name}, deadline}, request{name});
    }
};

TEST(bulkhead, under_once_a_place_is_held_until_the_send_ends_also_when_every_caller_has_left) {
    journaled j{1};
    j.provider.answer("a", 60s).answer("b", 1s);
    auto const first = j.ask("a");
    j.world.run_for(1s);
    first.cancel();
    j.world.run_for(1s);
    EXPECT_TRUE(first->failed(fault_kind::cancelled));
    EXPECT_EQ(j.gate.in_flight(), 1) << "the send goes on";
    auto const second = j.ask("b");
    j.world.run();
    EXPECT_TRUE(second->ok()) << second->text();
    ASSERT_EQ(j.provider.count(), 2);
    EXPECT_EQ(j.provider.sends()[1].at - j.start, 60s);
    EXPECT_EQ(j.gate.in_flight(), 0);
}

TEST(bulkhead, under_once_the_line_waits_for_the_latest_of_those_who_share_the_flight) {
    journaled j{1};
    j.provider.answer("a", 20s).answer("b", 1s);
    j.ask("a");
    auto const hurried = j.ask("b", 10s);
    auto const patient = j.ask("b", 60s);
    j.world.run();
    EXPECT_TRUE(hurried->failed(fault_kind::deadline_exceeded)) << hurried->text();
    EXPECT_EQ(hurried->ended, j.start + 10s);
    EXPECT_TRUE(patient->ok()) << patient->text();
    EXPECT_EQ(j.provider.count(), 2);
    EXPECT_EQ(j.gate.in_flight(), 0);
}

TEST(bulkhead, a_replay_needs_no_place) {
    journaled j{1};
    j.provider.answer("a", 1s).answer("b", 60s);
    j.ask("a");
    j.world.run();
    j.ask("b");
    j.world.run_for(1s);
    auto const again = j.ask("a");
    j.world.run_ready();
    EXPECT_TRUE(again->ok());
    EXPECT_EQ(again->origin, answer_origin::replayed);
    j.world.run();
}

// The limit --------------------------------------------------------------------------------------------------------------------

TEST(bulkhead, the_limit_can_be_changed_by_hand_and_those_who_wait_profit_at_once) {
    desk d{{.limit = 1}};
    std::vector<caller> all;
    for (int i = 0; i < 6; ++i) all.push_back(d.ask());
    d.world.run_for(500ms);
    d.gate.set_limit(3);
    d.world.run_ready();
    EXPECT_EQ(d.sent(), (times{0, 500, 500}));
    d.gate.set_limit(1);
    EXPECT_EQ(d.gate.in_flight(), 3) << "what is under way goes on";
    d.world.run();
    EXPECT_EQ(d.sent(), (times{0, 500, 500, 1500, 2500, 3500})) << "and no place is given until enough are back";
    for (int const bad : {0, -1, 1'000'001}) EXPECT_THROW(d.gate.set_limit(bad), std::invalid_argument);
    EXPECT_EQ(d.gate.limit(), 1);
}

TEST(bulkhead, which_ends_raise_the_limit_and_which_ones_lower_it) {
    auto const limit_after = [](std::optional<fault_kind> end) {
        desk d{{.limit = 10, .rule = limit_rule::aimd}};
        d.provider.otherwise([&](std::string const&) {
            rated_end e;
            if (end) e.why.emplace(*end);
            return e;
        });
        for (int i = 0; i < 30; ++i) d.ask();
        d.world.run();
        d.expect_empty();
        return d.gate.limit();
    };
    EXPECT_GT(limit_after(std::nullopt), 10);
    for (auto const& row : fault_table) {
        if (is_coffers_own(row.kind)) continue;
        bool const overload = row.kind == fault_kind::throttled || row.kind == fault_kind::overloaded ||
                              row.kind == fault_kind::timed_out;
        EXPECT_EQ(limit_after(row.kind) < 10, overload) << row.kind;
        if (overload) continue;
        EXPECT_EQ(limit_after(row.kind), 10) << row.kind << " says nothing";
    }
}

TEST(bulkhead, a_refusal_further_in_and_a_caller_who_leaves_say_nothing_of_the_limit) {
    desk d{{.limit = 4, .rule = limit_rule::aimd}};
    support::tape tape;
    support::gate_script refuses;
    for (int i = 0; i < 50; ++i) refuses.entries.push_back({support::entry::kind::refuse, {}, fault_kind::throttled});
    support::plain_gate const inner{tape, "gate", refuses};
    guarded const ask = pipeline{d.gate, inner}.wrap(d.provider.operation());
    for (int i = 0; i < 50; ++i) caller::begin(d.world.executor(0), ask, call::unkeyed(), request{"x"});
    d.world.run();
    EXPECT_EQ(d.gate.limit(), 4);
    for (int i = 0; i < 50; ++i) {
        auto const c = d.ask();
        d.world.run_for(100ms);
        c.cancel();
        d.world.run();
    }
    EXPECT_EQ(d.gate.limit(), 4);
    d.expect_empty();
}

TEST(bulkhead, a_limit_that_nobody_reaches_is_not_raised) {
    desk d{{.limit = 10, .rule = limit_rule::aimd}};
    for (int round = 0; round < 50; ++round) {
        for (int i = 0; i < 5; ++i) d.ask();
        d.world.run();
    }
    EXPECT_EQ(d.gate.limit(), 10);
}

TEST(bulkhead, a_limit_that_was_reached_is_raised_by_all_who_were_under_way_then) {
    desk d{{.limit = 10, .rule = limit_rule::aimd}};
    for (int round = 0; round < 50; ++round) {
        for (int i = 0; i < 10; ++i) d.ask();  // at its end the last of them is alone
        d.world.run();
    }
    EXPECT_EQ(d.gate.limit(), 12) << "of which ten are not nearly all";
}

TEST(bulkhead, a_risen_limit_serves_those_who_wait) {
    desk d{{.limit = 1, .rule = limit_rule::aimd, .most = 8}};
    for (int i = 0; i < 40; ++i) d.ask();
    d.world.run();
    EXPECT_EQ(d.gate.limit(), 8);
    EXPECT_LE(d.sent().back(), 10'000) << "40 seconds if it had not risen";
    d.expect_empty();
}

TEST(bulkhead, by_the_gradient_slow_answers_lower_the_limit) {
    for (auto const rule : {limit_rule::aimd, limit_rule::gradient}) {
        bulkhead_options o{.limit = 20, .rule = rule, .most = 20};
        if (rule == limit_rule::gradient) o.window = 10;
        desk d{o};
        for (int i = 0; i < 100; ++i) d.ask();
        d.world.run();
        EXPECT_EQ(d.gate.limit(), 20);
        d.provider.otherwise([](std::string const&) { return rated_end{.after = 10s}; });
        for (int i = 0; i < 20; ++i) d.ask();  // all at once: the last of them is alone at its end
        d.world.run();
        EXPECT_EQ(d.gate.limit() < 20, rule == limit_rule::gradient);
    }
}

TEST(bulkhead, the_time_in_line_and_at_gates_further_in_is_no_latency) {
    desk d{{.limit = 2, .rule = limit_rule::aimd, .slow_after = 1500ms}};
    support::door inner;
    guarded const ask = pipeline{d.gate, inner}.wrap(d.provider.operation());
    inner.shut();
    for (int i = 0; i < 12; ++i) caller::begin(d.world.executor(0), ask, call::unkeyed(), request{"x"});
    d.world.run_for(60s);
    inner.open();
    d.world.run();
    EXPECT_GT(d.gate.limit(), 2) << "each was sent a second before it ended";
}

// Misuse -----------------------------------------------------------------------------------------------------------------------

TEST(bulkhead, one_bulkhead_under_two_clocks_is_misuse) {
    desk d;
    d.ask();
    d.world.run();
    support::contexts other{1};
    auto const c = caller::begin(other.executor(0), d.asking(), call::unkeyed(), request{"x"});
    other.run();
    EXPECT_TRUE(c->threw<misuse>());
    d.expect_empty();
}

TEST(bulkhead, options_that_cannot_be_meant_are_refused) {
    auto const none = [](call const&) { return 0; };
    EXPECT_THROW(bulkhead{{}}, std::invalid_argument) << "how many?";
    EXPECT_THROW((bulkhead{{.limit = 1, .priority_by = "p"}, none}), std::invalid_argument);
    EXPECT_THROW((bulkhead{{.limit = 1, .ages_after = 1s}}), std::invalid_argument) << "without effect";
    EXPECT_THROW((bulkhead{{.limit = 1, .max_waiting = 0, .priority_by = "p"}}), std::invalid_argument);
    EXPECT_THROW((bulkhead{{.limit = 1, .least = 2}}), std::invalid_argument);
    try {
        bulkhead const b{{.limit = 500, .rule = limit_rule::aimd}};
        ADD_FAILURE() << to_string(pipeline{b});
    } catch (std::invalid_argument const& e) {
        EXPECT_NE(std::string_view{e.what()}.find("at most at `most`, which is 200 unless"), std::string_view::npos);
    }
    EXPECT_NO_THROW((bulkhead{{.limit = 1, .ages_after = 1s}, none}));
    std::string name = "priority";
    desk d{{.limit = 1, .priority_by = name}};
    name = "--------";
    d.ask("first"), d.ask("low", 0), d.ask("high", 1);
    d.world.run();
    EXPECT_EQ(d.provider.order(), "first high low") << "the name is copied";
}

}  // namespace
}  // namespace bulkhead_test
