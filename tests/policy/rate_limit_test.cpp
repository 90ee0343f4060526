// SPDX-License-Identifier: BSL-1.0
#include <coffer/base/disposition.hpp>
#include <coffer/call/pipeline.hpp>
#include <coffer/policy/fallback.hpp>
#include <coffer/policy/once.hpp>
#include <coffer/policy/rate_limit.hpp>
#include <coffer/policy/retry.hpp>
#include <coffer/store/memory.hpp>

#include <gtest/gtest.h>

#include <chrono>
#include <cstdint>
#include <deque>
#include <memory>
#include <optional>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

#include "policy/support/contexts.hpp"
#include "policy/support/door.hpp"
#include "policy/support/rated.hpp"
#include "support/scripted_gate.hpp"

namespace rate_limit_test {
namespace {

using namespace coffer;
using namespace std::chrono_literals;
using support::caller;
using support::guarded;
using support::rated_end;
using support::request;
using support::used;
using times = std::vector<std::int64_t>;

/// A limiter before a provider, and callers.
struct desk {
    explicit desk(rate_limit_options o = {.requests_per_minute = 60, .burst = 2s}, std::uint64_t seed = 1)
        : world{2, seed}, limit{o} {}

    support::contexts world;
    support::rated_provider provider;
    rate_limit limit;
    time_point start = world.now();

    guarded asking() { return pipeline{limit}.wrap(provider.operation()); }
    caller ask(std::string prompt = "x 1 1", duration deadline = 1h) {
        return ask(call::unkeyed(deadline), std::move(prompt));
    }
    caller ask(call c, std::string prompt, std::size_t where = 0) {
        return caller::begin(world.executor(where), asking(), std::move(c), request{std::move(prompt)});
    }
    caller ask_of(std::string tenant, duration deadline = 1h) {
        return ask(call::unkeyed(deadline).tag("tenant", tenant), tenant + " 1 1");
    }
    times sent() { return provider.times(start); }
};

// Pace -----------------------------------------------------------------------------------------------------------------------

TEST(rate_limit, lets_a_burst_in_at_once_and_then_keeps_the_pace) {
    desk d;
    std::vector<caller> all;
    for (int i = 0; i < 5; ++i) all.push_back(d.ask());
    d.world.run();
    EXPECT_EQ(d.sent(), (times{0, 0, 1000, 2000, 3000}));
    for (auto const& c : all) ASSERT_TRUE(c->ok()) << c->text();
    EXPECT_EQ(all[4]->log[0].waited, 3s);
    EXPECT_EQ(all[4]->log[0].why_waited, wait_reason::admission);
    EXPECT_EQ(d.limit.waiting(), 0U);
}

TEST(rate_limit, by_default_a_minutes_limit_may_be_used_at_once_and_a_days_always) {
    desk d{{.requests_per_minute = 3, .requests_per_day = 5}};
    for (int i = 0; i < 6; ++i) d.ask("x 1 1", 12h);
    d.world.run();
    EXPECT_EQ(d.sent(), (times{0, 0, 0, 20'000, 40'000, 17'280'000}));

    desk e{{.requests_per_day = 5, .burst = 1s}};
    for (int i = 0; i < 5; ++i) e.ask();
    e.world.run();
    EXPECT_EQ(e.sent(), (times{0, 0, 0, 0, 0}));
}

TEST(rate_limit, every_limit_limits) {
    using o = rate_limit_options;
    struct one {
        std::int64_t o::* limit;
        std::int64_t value;
        duration second_at;
    };
    // Each has room for one "x 300 100", and then for another after so long.
    for (auto const& [limit, value, second_at] :
         {one{&o::requests_per_second, 1, 1s}, one{&o::requests_per_minute, 1, 1min}, one{&o::requests_per_day, 1, 24h},
          one{&o::input_tokens_per_second, 300, 1s}, one{&o::input_tokens_per_minute, 300, 1min},
          one{&o::input_tokens_per_day, 300, 24h}, one{&o::output_tokens_per_second, 100, 1s},
          one{&o::output_tokens_per_minute, 100, 1min}, one{&o::output_tokens_per_day, 100, 24h},
          one{&o::tokens_per_second, 400, 1s}, one{&o::tokens_per_minute, 400, 1min},
          one{&o::tokens_per_day, 400, 24h}}) {
        rate_limit_options options;
        options.*limit = value;
        desk d{options};
        d.ask("x 300 100", 48h);
        d.ask("x 300 100", 48h);
        d.world.run();
        EXPECT_EQ(d.sent(), (times{0, second_at / 1ms}));
    }
}

TEST(rate_limit, all_limits_at_once_or_none) {
    desk d{{.requests_per_minute = 60, .tokens_per_minute = 6000, .burst = 1min}};
    d.ask("big 5000 1000");
    auto const waits = d.ask("waits 50 50");
    d.world.run_ready();
    EXPECT_EQ(d.provider.order(), "big");
    EXPECT_EQ(d.limit.waiting(), 1U);
    d.world.run();
    EXPECT_EQ(d.sent(), (times{0, 1000}));
    EXPECT_TRUE(waits->ok());
}

TEST(rate_limit, larger_than_a_burst_waits_for_a_full_bucket_and_leaves_a_debt) {
    desk d{{.tokens_per_minute = 6000, .burst = 10s}};
    d.ask("small 100 0");
    d.ask("large 3000 0");
    d.ask("next 100 0");
    d.world.run();
    EXPECT_EQ(d.sent(), (times{0, 1000, 22'000}));
}

TEST(rate_limit, first_come_first_served_however_little_the_next_one_needs) {
    desk d{{.tokens_per_minute = 6000, .burst = 10s}};
    d.ask("a 1000 0");
    d.ask("large 1000 0");
    std::vector<caller> small;
    for (int i = 0; i < 3; ++i) small.push_back(d.ask("small 10 0"));
    d.world.run_for(1s);
    for (int i = 0; i < 3; ++i) small.push_back(d.ask("late 10 0"));
    d.world.run();
    EXPECT_EQ(d.provider.order(), "a large small small small late late late");
    EXPECT_EQ(d.sent()[1], 10'000);
}

TEST(rate_limit, copies_share_the_limits) {
    desk d;
    auto const copy = d.limit;
    guarded const other = pipeline{retry{}, copy}.wrap(d.provider.operation());
    for (int i = 0; i < 2; ++i) d.ask();
    caller::begin(d.world.executor(1), other, call::unkeyed(), request{"other 1 1"});
    d.world.run();
    EXPECT_EQ(d.sent(), (times{0, 0, 1000}));
}

TEST(rate_limit, every_attempt_takes_its_part) {
    desk d{{.requests_per_minute = 6, .burst = 10s}};
    d.provider.fails(fault{fault_kind::overloaded}).fails(fault{fault_kind::overloaded});
    guarded const ask = pipeline{retry{}, d.limit}.wrap(d.provider.operation());
    auto const c = caller::begin(d.world.executor(0), ask, call::unkeyed(), request{"x 1 1"});
    d.world.run();
    EXPECT_TRUE(c->ok());
    EXPECT_EQ(d.sent(), (times{0, 10'000, 20'000}));
}

// Refused at once --------------------------------------------------------------------------------------------------------------

TEST(rate_limit, what_never_fits_is_refused_at_once) {
    desk d{{.requests_per_minute = 60, .tokens_per_minute = 1000}};
    auto const c = d.ask("x 900 200");
    auto const fits = d.ask("x 900 100");
    d.world.run();
    ASSERT_TRUE(c->failed(fault_kind::never_fits)) << c->text();
    EXPECT_NE(c->text().find("tokens_per_minute is 1000"), std::string::npos) << c->text();
    EXPECT_EQ(c->ended, d.start);
    EXPECT_EQ(c->log.size(), 0U);
    EXPECT_TRUE(fits->ok());
    EXPECT_EQ(d.sent(), (times{0})) << "it has taken nothing";
}

TEST(rate_limit, a_wait_past_the_deadline_is_refused_at_once_and_may_go_elsewhere) {
    desk d{{.requests_per_minute = 1}};
    d.ask();
    auto const late = d.ask("x 1 1", 59s);
    auto const in_time = d.ask("x 1 1", 61s);
    d.world.run();
    ASSERT_TRUE(late->failed(fault_kind::queue_full)) << late->text();
    EXPECT_EQ(late->why().code(), "wait_too_long");
    EXPECT_EQ(late->why().retry_after(), 60s);
    EXPECT_EQ(late->ended, d.start) << "not a moment of waiting";
    EXPECT_EQ(row(late->why().kind()).try_other, other_target::yes);
    auto const advice = disposition(late->why());
    EXPECT_EQ(advice.action, queue_action::retry_after);
    EXPECT_EQ(advice.delay, 60s);
    EXPECT_TRUE(in_time->ok()) << in_time->text();
}

TEST(rate_limit, those_who_wait_already_count_too) {
    desk d{{.requests_per_minute = 1}};
    d.ask();
    for (int i = 0; i < 3; ++i) d.ask();
    auto const late = d.ask("x 1 1", 4min);
    auto const in_time = d.ask("x 1 1", 4min + 1s);
    d.world.run_ready();
    EXPECT_TRUE(late->failed(fault_kind::queue_full)) << late->text();
    d.world.run();
    EXPECT_TRUE(in_time->ok()) << in_time->text();
}

TEST(rate_limit, nobody_waits_longer_than_max_wait) {
    desk d{{.requests_per_minute = 60, .burst = 1s, .max_wait = 2s}};
    std::vector<caller> all;
    for (int i = 0; i < 4; ++i) all.push_back(d.ask());
    d.world.run();
    EXPECT_EQ(d.sent(), (times{0, 1000, 2000}));
    ASSERT_TRUE(all[3]->failed(fault_kind::queue_full));
    EXPECT_EQ(all[3]->why().retry_after(), 3s);
    EXPECT_EQ(all[3]->ended, d.start);

    desk impatient{{.requests_per_minute = 60, .burst = 1s, .max_wait = 0s}};
    impatient.ask();
    auto const c = impatient.ask();
    impatient.world.run();
    EXPECT_TRUE(c->failed(fault_kind::queue_full));
    EXPECT_EQ(impatient.provider.count(), 1);
}

TEST(rate_limit, the_line_is_bounded) {
    desk d{{.requests_per_minute = 60, .burst = 1s, .max_waiting = 2}};
    std::vector<caller> all;
    for (int i = 0; i < 4; ++i) all.push_back(d.ask());
    d.world.run_ready();
    ASSERT_TRUE(all[3]->failed(fault_kind::queue_full));
    EXPECT_EQ(all[3]->why().code(), "max_waiting");
    EXPECT_EQ(all[3]->why().retry_after(), 3s);
    d.world.run_for(1s);
    auto const next = d.ask();
    d.world.run();
    EXPECT_TRUE(next->ok()) << "there was a place again";
    EXPECT_EQ(d.sent(), (times{0, 1000, 2000, 3000}));
}

TEST(rate_limit, limited_tokens_that_nobody_knows_are_refused_unless_it_is_said_how_many) {
    desk d{{.tokens_per_minute = 1000}};
    auto const c = d.ask("x");
    d.world.run();
    ASSERT_TRUE(c->failed(fault_kind::never_fits));
    EXPECT_EQ(c->why().code(), "no_estimate");
    EXPECT_EQ(d.provider.count(), 0);

    desk e{{.input_tokens_per_minute = 400, .tokens_per_minute = 800, .unestimated_tokens = 400}};
    e.ask("x");
    e.ask("x");
    e.world.run();
    EXPECT_EQ(e.sent(), (times{0, 60'000}));

    desk requests_only{{.requests_per_minute = 10}};
    auto const fine = requests_only.ask("x");
    requests_only.world.run();
    EXPECT_TRUE(fine->ok());
}

// What comes back ----------------------------------------------------------------------------------------------------------------

TEST(rate_limit, what_an_answer_did_not_use_is_given_back_and_wakes_whoever_waits) {
    desk d{{.tokens_per_minute = 1000}};
    d.provider.then({.used = used(100, 100), .after = 5s});
    d.ask("a 500 500");
    auto const b = d.ask("b 500 300");
    d.world.run();
    EXPECT_EQ(d.sent(), (times{0, 5000})) << "at the end of the first, and not 43 s later";
    EXPECT_TRUE(b->ok());
}

TEST(rate_limit, what_was_used_beyond_the_estimate_is_a_debt) {
    desk d{{.tokens_per_minute = 60}};
    d.provider.then({.used = used(60, 30), .after = 1s});
    d.ask("a 1 9");
    d.world.run();
    d.ask("b 1 0");
    d.world.run();
    EXPECT_EQ(d.sent(), (times{0, 31'000 + 0}));
}

TEST(rate_limit, without_give_back_what_was_asked_for_stays_counted) {
    desk d{{.tokens_per_minute = 1000, .give_back = false}};
    d.provider.then({.used = used(100, 100), .after = 5s});
    d.provider.fails(fault{fault_kind::not_sent});
    d.ask("a 500 500");
    d.ask("b 1000 0");
    d.ask("c 1000 0");
    d.world.run();
    EXPECT_EQ(d.sent(), (times{0, 60'000, 61'000})) << "what was never sent comes back all the same";
}

TEST(rate_limit, output_that_counts_at_the_end_is_not_waited_for) {
    for (auto const how : {output_counted::at_most, output_counted::at_end}) {
        desk d{{.output_tokens_per_minute = 1000, .output = how}};
        d.provider.then({.used = used(1, 100), .after = 5s});
        d.ask("a 1 900");
        d.ask("b 1 900");
        d.world.run();
        EXPECT_EQ(d.sent(), (how == output_counted::at_end ? times{0, 0} : times{0, 5000}));
    }
    desk d{{.output_tokens_per_minute = 60, .output = output_counted::at_end}};
    d.provider.then({.used = used(1, 90), .after = 1s});
    d.ask("a 1 900");
    d.world.run();
    d.provider.then({.used = used(1, 1)});
    d.ask("b 1 900");
    d.world.run();
    EXPECT_EQ(d.provider.count(), 2) << "what counts at the end fits any limit";
    d.ask("c 1 1");
    d.world.run();
    EXPECT_EQ(d.provider.count(), 3);
}

TEST(rate_limit, what_is_read_from_the_cache_counts_or_does_not) {
    for (bool const counts : {true, false}) {
        desk d{{.input_tokens_per_minute = 1000, .cache_reads = counts}};
        auto cached = used(100, 1);
        cached.input_cache_read = 900;
        d.provider.then({.used = cached, .after = 0s});
        d.ask("a 1000 1");
        d.world.run();
        auto const b = d.ask("b 600 1", 10s);
        d.world.run();
        EXPECT_EQ(b->ok(), !counts);
    }
}

TEST(rate_limit, of_the_inputs_bound_as_much_counts_as_was_said) {
    desk d{{.input_tokens_per_minute = 1000, .input_percent = 25}};
    for (int i = 0; i < 4; ++i) d.ask("a 1000 1");
    auto const fifth = d.ask("b 1000 1", 10s);
    d.world.run();
    EXPECT_EQ(d.sent(), (times{0, 0, 0, 0}));
    EXPECT_FALSE(fifth->ok());
}

TEST(rate_limit, how_an_attempt_ended_says_what_it_has_taken) {
    struct end {
        fault why;
        bool request;  // stays counted
        bool tokens;
    };
    for (auto const& [why, request_stays, tokens_stay] :
         {end{fault{fault_kind::not_sent}, false, false}, end{fault{fault_kind::overloaded}, true, false},
          end{fault{fault_kind::invalid_request}, true, false}, end{fault{fault_kind::ambiguous}, true, true},
          end{fault{fault_kind::defective_answer}, true, true},
          end{fault{fault_kind::cancelled}, false, false}}) {  // the transport's, before it had connected
        for (bool const tokens : {false, true}) {
            desk d{tokens ? rate_limit_options{.tokens_per_minute = 100}
                          : rate_limit_options{.requests_per_minute = 1}};
            d.provider.fails(why, 0s);
            d.ask("a 50 50");
            d.world.run();
            auto const next = d.ask("b 50 50", 30s);
            d.world.run();
            EXPECT_EQ(next->ok(), !(tokens ? tokens_stay : request_stays)) << why << ", " << tokens;
        }
    }
}

TEST(rate_limit, a_failure_that_says_what_it_used_is_counted_so) {
    desk d{{.tokens_per_minute = 100}};
    d.provider.then({.used = used(10, 10), .why = fault{fault_kind::defective_answer}, .after = 0s});
    d.ask("a 50 50");
    d.world.run();
    auto const fits = d.ask("b 50 30", 1s);
    auto const not_any_more = d.ask("b 50 30", 1s);
    d.world.run();
    EXPECT_TRUE(fits->ok());
    EXPECT_FALSE(not_any_more->ok());
}

TEST(rate_limit, a_refusal_further_in_gives_everything_back) {
    desk d{{.requests_per_minute = 1, .tokens_per_minute = 100}};
    support::tape tape;
    support::gate_script refuses;
    refuses.entries.push_back({support::entry::kind::refuse, {}, fault_kind::queue_full});
    support::plain_gate const closed{tape, "gate", refuses};
    guarded const ask = pipeline{d.limit, closed}.wrap(d.provider.operation());
    auto const refused = caller::begin(d.world.executor(0), ask, call::unkeyed(), request{"x 50 50"});
    auto const next = caller::begin(d.world.executor(0), ask, call::unkeyed(1s), request{"x 50 50"});
    d.world.run();
    EXPECT_TRUE(refused->failed(fault_kind::queue_full));
    EXPECT_TRUE(next->ok()) << next->text();
}

// Leaving ------------------------------------------------------------------------------------------------------------------------

TEST(rate_limit, a_cancelled_waiter_leaves_nothing_behind) {
    for (int who = 1; who < 5; ++who) {
        desk d{{.requests_per_minute = 60, .burst = 1s}};
        std::vector<caller> all;
        for (int i = 0; i < 5; ++i) all.push_back(d.ask(std::to_string(i) + " 1 1"));
        d.world.run_for(500ms);
        all[static_cast<std::size_t>(who)].cancel();
        d.world.run_ready();
        EXPECT_TRUE(all[static_cast<std::size_t>(who)]->failed(fault_kind::cancelled));
        EXPECT_EQ(d.limit.waiting(), 3U);
        d.world.run();
        EXPECT_EQ(d.sent(), (times{0, 1000, 2000, 3000})) << "as if it had never been; " << who;
        EXPECT_EQ(d.limit.waiting(), 0U);
    }
}

TEST(rate_limit, whoever_waits_behind_a_large_one_goes_as_soon_as_that_leaves) {
    desk d{{.tokens_per_minute = 60, .burst = 1min}};
    d.ask("a 50 0");
    auto const large = d.ask("large 60 0");
    d.ask("small 10 0");
    d.world.run_for(3s);
    EXPECT_EQ(d.provider.count(), 1);
    large.cancel();
    d.world.run();
    EXPECT_EQ(d.provider.order(), "a small");
    EXPECT_EQ(d.sent(), (times{0, 3000}));
}

TEST(rate_limit, a_part_that_was_taken_while_the_caller_left_comes_back) {
    desk d{{.requests_per_minute = 3, .tokens_per_minute = 100}};
    d.provider.then({.used = used(0, 0), .after = 1s});
    d.ask("first 100 0");
    auto const second = d.ask("second 100 0");
    d.world.run_ready();
    ASSERT_EQ(d.limit.waiting(), 1U);
    ASSERT_TRUE(d.world.clock().advance(d.start + 1s));
    // The first one's end serves the second, which has not yet woken up.
    while (d.limit.waiting() > 0) {
        d.world[0].restart();
        ASSERT_EQ(d.world[0].poll_one(), 1U);
    }
    second.cancel();
    d.world.run();
    EXPECT_TRUE(second->failed(fault_kind::cancelled)) << second->text();
    EXPECT_EQ(d.provider.order(), "first");
    auto const third = d.ask("third 100 0", 1ms);
    d.world.run();
    EXPECT_TRUE(third->ok()) << "all of it is there again: " << third->text();
}

TEST(rate_limit, a_context_that_goes_takes_its_waiters_with_it) {
    desk d{{.requests_per_minute = 60, .burst = 1s}};
    d.ask("a 1 1");
    d.ask(call::unkeyed(), "gone 1 1", 1);
    d.ask("b 1 1");
    d.world.run_for(500ms);
    EXPECT_EQ(d.limit.waiting(), 2U);
    d.world.destroy(1);
    EXPECT_EQ(d.limit.waiting(), 1U);
    d.world.run();
    EXPECT_EQ(d.provider.order(), "a b");
    EXPECT_EQ(d.sent(), (times{0, 1000}));
}

TEST(rate_limit, a_context_that_goes_gives_back_what_had_not_begun) {
    for (bool const begun : {false, true}) {
        desk d{{.requests_per_day = 1}};
        support::door inner;
        if (!begun) inner.shut();
        guarded const ask = pipeline{d.limit, inner}.wrap(d.provider.operation());
        caller::begin(d.world.executor(1), ask, call::unkeyed(), request{"gone 1 1"});
        d.world.run_ready();
        d.world.destroy(1);
        inner.open();
        auto const next = d.ask("next 1 1");
        d.world.run();
        EXPECT_EQ(next->ok(), !begun) << "what has begun may have been sent";
    }
}

TEST(rate_limit, a_context_that_stands_still_does_not_hold_up_the_others) {
    desk d{{.requests_per_minute = 60, .burst = 1s}};
    d.ask("a 1 1");
    d.ask(call::unkeyed(), "still 1 1", 1);
    d.ask("b 1 1");
    d.world.run_ready();
    d.world.stop(1);
    d.world.run_for(2500ms);
    auto const c = d.ask("c 1 1");  // whoever comes by serves those whose turn it is
    d.world.run_for(10s);
    EXPECT_EQ(d.provider.order(), "a b c");
    EXPECT_TRUE(c->ok());
}

TEST(rate_limit, a_first_one_in_a_context_that_stands_still_does_not_hold_up_those_behind) {
    desk d;
    d.ask("a 1 1");
    d.ask("a 1 1");
    d.world.run_ready();
    d.ask(call::unkeyed(), "still 1 1", 1);
    d.world.run_ready();
    auto const b = d.ask("b 1 1", 30s);
    auto const c = d.ask("c 1 1", 30s);
    d.world.run_ready();
    ASSERT_EQ(d.limit.waiting(), 3U);
    d.world.stop(1);
    d.world.run();
    EXPECT_TRUE(b->ok()) << b->text();
    EXPECT_TRUE(c->ok()) << c->text();
    EXPECT_EQ(d.provider.order(), "a a b c");
    EXPECT_EQ(d.sent(), (times{0, 0, 2000, 3000})) << "nobody came by";
}

TEST(rate_limit, nor_when_their_turn_has_become_later_than_it_looked) {
    desk d{{.requests_per_minute = 60, .burst = 1s, .hint_spread = 0}};
    d.provider.fails(fault{fault_kind::throttled}.with_retry_after(20s), 500ms);
    d.ask("a 1 1");
    d.world.run_ready();
    d.ask(call::unkeyed(), "still 1 1", 1);
    d.world.run_ready();
    d.ask("b 1 1");
    d.ask("c 1 1");
    d.world.run_ready();
    d.world.stop(1);
    d.world.run();
    EXPECT_EQ(d.provider.order(), "a b c");
    EXPECT_EQ(d.sent(), (times{0, 21'500, 22'500}));
}

TEST(rate_limit, the_deadline_of_those_behind_is_kept) {
    desk d{{.tokens_per_minute = 60}};
    d.provider.then({.used = used(120, 0), .after = 5s});  // it takes 60 more than anybody thought
    d.ask("a 60 0");
    auto const first = d.ask("b 10 0", 2min);
    auto const second = d.ask("c 10 0", 30s);
    d.world.run();
    EXPECT_TRUE(first->ok()) << first->text();
    EXPECT_TRUE(second->failed(fault_kind::deadline_exceeded)) << second->text();
    EXPECT_EQ(second->ended, d.start + 30s);
    EXPECT_EQ(d.sent(), (times{0, 70'000}));
}

TEST(rate_limit, whoever_is_first_and_runs_out_of_time_makes_way) {
    desk d{{.tokens_per_minute = 60}};
    d.provider.then({.used = used(80, 0), .after = 5s});  // so that the next one's turn comes too late
    d.ask("a 60 0");
    auto const first = d.ask("large 60 0", 70s);
    auto const second = d.ask("small 10 0");
    d.world.run();
    EXPECT_TRUE(first->failed(fault_kind::deadline_exceeded)) << first->text();
    EXPECT_TRUE(second->ok());
    EXPECT_EQ(d.sent(), (times{0, 70'000}));
}

// The provider's word ------------------------------------------------------------------------------------------------------------

fault throttled(std::optional<duration> hint = {}) {
    fault f{fault_kind::throttled};
    if (hint) f.with_retry_after(*hint);
    return f;
}

TEST(rate_limit, a_429_blocks_everybody_until_its_hint_has_passed) {
    desk d{{.requests_per_minute = 600, .hint_spread = 0}};
    d.provider.fails(throttled(20s));
    d.ask("a 1 1");
    d.world.run();
    auto const late = d.ask("late 1 1", 19s);
    auto const waits = d.ask("b 1 1");
    auto const also = d.ask("c 1 1");
    d.world.run();
    ASSERT_TRUE(late->failed(fault_kind::queue_full)) << late->text();
    EXPECT_EQ(late->why().retry_after(), 20s);
    EXPECT_TRUE(waits->ok() && also->ok());
    EXPECT_EQ(d.sent(), (times{0, 21'000, 21'000}));
}

TEST(rate_limit, processes_that_were_told_the_same_moment_do_not_come_back_as_one) {
    std::vector<std::int64_t> back;
    for (std::uint64_t process = 1; process <= 40; ++process) {
        desk d{{}, process};
        for (int i = 0; i < 30; ++i) d.provider.fails(throttled(40s), 1s);  // however often it is told
        for (int i = 0; i < 30; ++i) d.ask();
        d.world.run();
        d.ask();
        d.world.run();
        back.push_back(d.sent().back());
    }
    std::sort(back.begin(), back.end());
    EXPECT_GE(back.front(), 41'000) << "a hint is a floor";
    EXPECT_LT(back.back(), 51'001);
    for (std::size_t i = 8; i < back.size(); ++i)
        EXPECT_GT(back[i] - back[i - 8], 200) << "eight of forty in a moment, at " << back[i];
}

TEST(rate_limit, a_429_also_holds_up_those_who_wait_already) {
    desk d{{.requests_per_minute = 60, .burst = 1s, .hint_spread = 0}};
    d.provider.fails(throttled(20s), 500ms);
    for (int i = 0; i < 3; ++i) d.ask();
    d.world.run();
    EXPECT_EQ(d.sent(), (times{0, 20'500, 21'500}));
}

TEST(rate_limit, who_waits_when_a_hint_beyond_his_deadline_comes_may_go_elsewhere_at_once) {
    desk d{{.requests_per_minute = 6, .burst = 10s, .hint_spread = 0}};
    d.provider.fails(throttled(120s), 2s);
    support::rated_provider backup;
    d.ask("a 1 1");
    auto const at = [](char const* who) { return [who](request const&) { return target{who, "m"}; }; };
    guarded const asks =
        pipeline{}.wrap(fallback{pipeline{d.limit}.wrap(describe(d.provider.operation()).target(at("first"))),
                                 pipeline{}.wrap(describe(backup.operation()).target(at("second")))});
    auto const moves = caller::begin(d.world.executor(0), asks, call::unkeyed(60s), request{"b 1 1"});
    auto const alone = d.ask("c 1 1", 61s);
    auto const patient = d.ask("d 1 1");
    d.world.run_for(2s);
    EXPECT_EQ(backup.times(d.start), (times{2000})) << "not a moment later than it was known";
    ASSERT_TRUE(alone->failed(fault_kind::queue_full)) << alone->text();
    EXPECT_EQ(alone->why().code(), "wait_too_long");
    EXPECT_EQ(alone->why().retry_after(), 120s) << "b has gone";
    EXPECT_EQ(alone->ended, d.start + 2s);
    EXPECT_EQ(d.limit.waiting(), 1U);
    d.world.run();
    EXPECT_TRUE(moves->ok() && patient->ok());
    EXPECT_EQ(d.sent(), (times{0, 122'000})) << "as if they had not been there";
}

TEST(rate_limit, a_hint_within_the_deadline_sends_nobody_away) {
    desk d{{.requests_per_minute = 60, .burst = 20s, .hint_spread = 0}};
    for (int i = 0; i < 20; ++i) d.provider.fails(throttled(10s), 500ms);
    for (int i = 0; i < 20; ++i) d.ask("x 1 1");
    std::vector<caller> waiting;
    for (int i = 0; i < 15; ++i) waiting.push_back(d.ask("y 1 1", 15'000ms + 1ns));
    d.world.run();
    for (auto const& c : waiting) EXPECT_TRUE(c->ok()) << c->text() << ": what is refilled meanwhile may go at once";
    EXPECT_EQ(d.sent()[20], 10'500);
    EXPECT_EQ(d.sent()[34], 15'000);
}

TEST(rate_limit, one_who_waits_is_judged_by_the_place_that_he_has_after_the_block) {
    desk d{{.requests_per_minute = 6, .burst = 10s, .hint_spread = 0}};
    d.provider.fails(throttled(20s), 1s);
    d.ask("a 1 1");
    auto const first = d.ask("b 1 1", 25s);  // at 21 s
    auto const second = d.ask("c 1 1", 30s);  // at 31 s
    auto const third = d.ask("d 1 1", 35s);  // at 31 s, since that one goes
    d.world.run();
    EXPECT_TRUE(first->ok()) << first->text();
    ASSERT_TRUE(second->failed(fault_kind::queue_full)) << second->text();
    EXPECT_EQ(second->ended, d.start + 1s);
    EXPECT_EQ(second->why().retry_after(), 30s);
    EXPECT_TRUE(third->ok()) << third->text();
}

TEST(rate_limit, a_block_longer_than_max_wait_sends_away_who_waits_and_says_why) {
    desk d{{.requests_per_minute = 6, .burst = 10s, .max_wait = 20s, .hint_spread = 0}};
    d.provider.fails(throttled(120s), 2s);
    d.ask("a 1 1");
    auto const b = d.ask("b 1 1");
    d.world.run();
    ASSERT_TRUE(b->failed(fault_kind::queue_full)) << b->text();
    EXPECT_EQ(b->ended, d.start + 2s);
    EXPECT_NE(b->text().find("the provider asks to wait), after max_wait"), std::string::npos) << b->text();
}

TEST(rate_limit, who_has_waited_for_max_wait_is_told_what_for) {
    desk d{{.tokens_per_minute = 60, .max_wait = 80s}};
    d.provider.then({.used = used(90, 0), .after = 5s});  // half a minute more than anybody thought
    d.ask("a 60 0");
    auto const first = d.ask("b 60 0");
    d.world.run_ready();
    d.limit.change({.tokens_per_minute = 60, .max_wait = 62s});
    auto const second = d.ask("c 1 0");
    d.world.run();
    ASSERT_TRUE(first->failed(fault_kind::queue_full)) << first->text();
    EXPECT_NE(first->text().find("(tokens_per_minute), after max_wait"), std::string::npos) << first->text();
    ASSERT_TRUE(second->failed(fault_kind::queue_full)) << second->text();
    EXPECT_NE(second->text().find("(others come before it), after max_wait"), std::string::npos) << second->text();
}

TEST(rate_limit, a_flight_is_judged_by_the_deadline_of_whoever_has_joined_it_last) {
    desk d{{.requests_per_minute = 6, .burst = 10s, .hint_spread = 0}};
    d.provider.fails(throttled(100s), 2s);
    d.ask("a 1 1");
    memory_store db;
    guarded const ask =
        pipeline{once{db}, d.limit}.wrap(describe(d.provider.operation()).fingerprint([](request const& r) {
            return fingerprint{}.with("prompt", r.prompt);
        }));
    auto const begin = [&](duration deadline) {
        return caller::begin(d.world.executor(0), ask, call{key{"k", 1}, deadline}, request{"b 1 1"});
    };
    auto const hasty = begin(30s);
    d.world.run_for(1s);
    auto const patient = begin(1h);
    d.world.run_ready();
    ASSERT_EQ(d.limit.waiting(), 1U);
    d.world.run();
    EXPECT_TRUE(hasty->failed(fault_kind::deadline_exceeded)) << hasty->text();
    EXPECT_TRUE(patient->ok()) << patient->text();
}

TEST(rate_limit, without_a_hint_everybody_pauses_longer_and_longer) {
    desk d{{.first_pause = 2s, .longest_pause = 5s}};
    for (int i = 0; i < 4; ++i) d.provider.fails(throttled(), 0s);
    for (int i = 0; i < 6; ++i) {
        d.ask();
        d.world.run();
    }
    EXPECT_EQ(d.sent(), (times{0, 2000, 6000, 11'000, 16'000, 17'000}));
    d.provider.fails(throttled(), 0s);
    d.ask(), d.world.run();
    d.ask(), d.world.run();
    EXPECT_EQ(d.sent()[7] - d.sent()[6], 2000) << "after a success the pause is short again";
}

TEST(rate_limit, a_hint_of_zero_does_not_switch_the_pauses_off) {
    desk d{{.first_pause = 2s, .longest_pause = 5s}};
    for (int i = 0; i < 3; ++i) d.provider.fails(throttled(0s), 0s);
    for (int i = 0; i < 4; ++i) d.ask(), d.world.run();
    EXPECT_EQ(d.sent(), (times{0, 2000, 6000, 11'000}));
}

TEST(rate_limit, of_an_absurd_hint_only_so_much_is_believed) {
    for (auto const ceiling : {duration{1min}, duration{10min}}) {
        desk d{{.requests_per_minute = 600, .hint_spread = 0, .hint_ceiling = ceiling}};
        d.provider.fails(throttled(999'999s), 0s);
        d.ask(), d.world.run();
        d.ask(), d.world.run();
        EXPECT_EQ(d.sent(), (times{0, ceiling / 1ms}));
    }
    EXPECT_EQ(rate_limit{{}}.options().hint_ceiling, 10min);
}

TEST(rate_limit, a_block_can_be_lifted_by_hand) {
    rate_limit{{}}.unblock();  // nobody has been there yet
    desk d{{.requests_per_minute = 60, .burst = 1s, .first_pause = 9s, .longest_pause = 100s}};
    d.provider.fails(throttled(), 0s).fails(throttled(), 0s).fails(throttled(8min), 0s).fails(throttled(), 0s);
    for (int i = 0; i < 3; ++i) d.ask(), d.world.run();
    auto const blocked = d.world.now();
    std::vector<caller> waiting;
    for (int i = 0; i < 3; ++i) waiting.push_back(d.ask());
    d.world.run_for(10s);
    EXPECT_EQ(d.provider.count(), 3);
    auto const copy = d.limit;
    copy.unblock();
    d.world.run_ready();
    EXPECT_EQ(d.provider.sends().back().at, blocked + 10s) << "at once";
    d.world.run();
    for (std::size_t i = 1; i < 3; ++i) EXPECT_TRUE(waiting[i]->ok());
    EXPECT_EQ(d.provider.sends()[4].at, blocked + 19s) << "refused again: a first pause, and not a third";
    EXPECT_EQ(d.provider.sends()[5].at, blocked + 20s) << "the limit holds as before";
}

TEST(rate_limit, whoever_waits_in_a_busy_context_is_not_sent_away_by_a_block_that_was_lifted) {
    desk d{{.requests_per_minute = 6, .burst = 10s}};
    d.provider.fails(throttled(5min), 1s);
    d.ask("a 1 1");
    d.world.run_ready();
    auto const busy = d.ask(call::unkeyed(1min), "busy 1 1", 1);
    d.world.run_ready();
    ASSERT_EQ(d.limit.waiting(), 1U);
    ASSERT_TRUE(d.world.clock().advance(d.start + 1s));
    d.world[0].restart();
    d.world[0].poll();  // the block is there, and the other context has not heard of it
    d.limit.unblock();
    d.world.run();
    EXPECT_TRUE(busy->ok()) << busy->text();
}

TEST(rate_limit, a_pause_for_ever_is_one) {
    desk d{{.hint_ceiling = duration::max(), .first_pause = duration::max(), .longest_pause = duration::max()}};
    d.provider.fails(throttled(), 0s);
    d.ask(), d.world.run();
    auto const refused = d.ask();
    d.world.run();
    EXPECT_TRUE(refused->failed(fault_kind::queue_full)) << refused->text();
    d.limit.unblock();
    d.provider.fails(throttled(duration::max()), 0s);
    d.ask(), d.world.run();
    auto const again = d.ask();
    d.world.run();
    EXPECT_TRUE(again->failed(fault_kind::queue_full)) << again->text();
}

TEST(rate_limit, an_absurd_reset_of_a_header_is_none) {
    for (auto const reset : {duration::max(), duration::min()}) {
        desk d{{.requests_per_minute = 60}};
        rate_facts said;
        said[rate_measure::requests] = {.remaining = 0, .limit = 60, .reset = reset};
        d.provider.then({.said = said, .after = 0s});
        d.ask(), d.world.run();
        auto const next = d.ask("x 1 1", 30s);
        d.world.run();
        EXPECT_TRUE(next->ok()) << next->text();
        EXPECT_EQ(d.sent(), (reset > 0s ? times{0, 1000} : times{0, 0}));
    }
}

TEST(rate_limit, an_empty_account_does_not_block) {
    desk d{{.requests_per_minute = 600}};
    d.provider.fails(fault{fault_kind::quota_exhausted}.with_retry_after(1h));
    d.ask("a 1 1");
    d.world.run();
    auto const next = d.ask("b 1 1", 1s + 1ms);
    d.world.run();
    EXPECT_TRUE(next->ok()) << "waiting does not help there";
}

TEST(rate_limit, retry_and_limiter_wait_for_one_hint_together) {
    desk d{{.requests_per_minute = 600, .hint_spread = 0}};
    d.provider.fails(throttled(10s), 0s);
    guarded const ask = pipeline{retry{{.hint_spread = 0}}, d.limit}.wrap(d.provider.operation());
    auto const c = caller::begin(d.world.executor(0), ask, call::unkeyed(), request{"x 1 1"});
    d.world.run();
    EXPECT_TRUE(c->ok());
    EXPECT_EQ(d.sent(), (times{0, 10'000}));
}

TEST(rate_limit, a_hint_is_waited_for_in_vain_by_nobody_whom_only_its_spread_makes_late) {
    int in_time = 0;
    for (std::uint64_t seed = 1; seed <= 200; ++seed) {
        desk d{{}, seed};
        d.provider.fails(throttled(60s), 0s);
        guarded const ask = pipeline{retry{}, d.limit}.wrap(d.provider.operation());
        auto const c = caller::begin(d.world.executor(0), ask, call::unkeyed(67s), request{"x"});
        d.world.run();
        in_time += c->ok();
        EXPECT_TRUE(c->ok() || c->ended == d.start) << "slept, and for nothing: " << c->text();
        if (c->ok()) {
            EXPECT_GE(d.sent().back(), 60'000) << "a hint is a floor";
        }
    }
    EXPECT_GT(in_time, 50);
}

TEST(rate_limit, the_spread_sends_nobody_away_who_is_first_in_line) {
    for (std::uint64_t seed = 1; seed <= 40; ++seed) {
        desk d{{.requests_per_minute = 60, .burst = 1s}, seed};
        d.provider.fails(throttled(40s), 500ms);
        d.ask();
        auto const b = d.ask("b 1 1", 41s);
        auto const c = d.ask("c 1 1", 1h);
        d.world.run();
        EXPECT_TRUE(b->ok()) << b->text();
        EXPECT_TRUE(c->ok()) << c->text();
        EXPECT_GE(d.sent()[1], 40'500);
        EXPECT_GE(d.sent()[2], d.sent()[1] + 1000);
    }
}

rate_facts left(rate_measure m, std::int64_t remaining, std::int64_t limit, duration reset) {
    rate_facts f;
    f[m] = {remaining, limit, reset};
    return f;
}

TEST(rate_limit, what_the_provider_says_is_left_lowers_the_count_of_answers_and_of_refusals) {
    for (bool const answered : {true, false}) {
        desk d{{.requests_per_minute = 60}};
        d.provider.then({.why = answered ? std::nullopt : std::optional{fault{fault_kind::invalid_request}},
                         .said = left(rate_measure::requests, 2, 60, 58s),
                         .after = 0s});
        d.ask();
        d.world.run();
        for (int i = 0; i < 4; ++i) d.ask();
        d.world.run();
        EXPECT_EQ(d.sent(), (times{0, 0, 0, 1000, 2000}));
    }
}

TEST(rate_limit, what_the_provider_says_is_left_never_puts_the_count_up) {
    desk d{{.requests_per_minute = 2}};
    d.provider.otherwise([](std::string const&) {
        return rated_end{.said = left(rate_measure::requests, 4999, 5000, 12ms), .after = 0s};
    });
    for (int i = 0; i < 3; ++i) d.ask();
    d.world.run();
    EXPECT_EQ(d.sent(), (times{0, 0, 30'000}));
}

TEST(rate_limit, limits_may_be_left_to_the_provider) {
    desk d{{}};
    for (int i = 0; i < 100; ++i) d.ask("x");
    d.world.run();
    EXPECT_EQ(d.provider.count(), 100);
    d.provider.fails(throttled(5s), 0s);
    d.ask(), d.world.run();
    auto const before = d.world.now();
    d.ask(), d.world.run();
    auto const waited = d.provider.sends().back().at - before;
    EXPECT_GE(waited, 5s);
    EXPECT_LT(waited, 6250ms) << "a hint is spread upwards";
}

// Tenants ------------------------------------------------------------------------------------------------------------------------

TEST(rate_limit, tenants_share_evenly_and_each_is_served_in_its_order) {
    desk d{{.requests_per_minute = 60, .burst = 1s, .fair_by = "tenant"}};
    d.ask_of("a");
    for (int i = 0; i < 6; ++i) d.ask_of("a");
    for (int i = 0; i < 3; ++i) d.ask_of("b");
    d.world.run();
    EXPECT_EQ(d.provider.order(), "a a b a b a b a a a");

    desk unfair{{.requests_per_minute = 60, .burst = 1s}};
    for (int i = 0; i < 4; ++i) unfair.ask_of("a");
    for (int i = 0; i < 2; ++i) unfair.ask_of("b");
    unfair.world.run();
    EXPECT_EQ(unfair.provider.order(), "a a a a b b");
}

TEST(rate_limit, a_tenant_alone_gets_everything) {
    desk d{{.requests_per_minute = 60, .burst = 1s, .fair_by = "tenant"}};
    for (int i = 0; i < 20; ++i) d.ask_of("a");
    d.world.run();
    EXPECT_EQ(d.sent().back(), 19'000);
}

TEST(rate_limit, one_tenants_line_does_not_close_the_door_on_another) {
    desk d{{.requests_per_minute = 60, .burst = 1s, .max_waiting = 3, .fair_by = "tenant"}};
    for (int i = 0; i < 4; ++i) d.ask_of("a");
    auto const full = d.ask_of("a");
    auto const b = d.ask_of("b", 3s);  // in its turn, and not behind all of a's
    d.world.run();
    EXPECT_TRUE(full->failed(fault_kind::queue_full));
    EXPECT_TRUE(b->ok()) << b->text();
}

TEST(rate_limit, all_tenants_together_are_bounded_too) {
    desk d{{.requests_per_minute = 60, .burst = 1s, .max_waiting = 3, .max_waiting_in_all = 5, .fair_by = "tenant"}};
    d.ask_of("0");
    std::vector<caller> waiting;
    for (int i = 0; i < 5; ++i) waiting.push_back(d.ask_of(std::to_string(i)));
    auto const full = d.ask_of("another");
    d.world.run();
    ASSERT_TRUE(full->failed(fault_kind::queue_full)) << full->text();
    EXPECT_EQ(full->why().code(), "max_waiting_in_all");
    EXPECT_EQ(full->ended, d.start);
    for (auto const& c : waiting) EXPECT_TRUE(c->ok()) << c->text();

    desk one_line{{.requests_per_minute = 60, .burst = 1s, .max_waiting_in_all = 5}};
    for (int i = 0; i < 9; ++i) one_line.ask_of(std::to_string(i));
    one_line.world.run();
    EXPECT_EQ(one_line.provider.count(), 9) << "without tenants it is max_waiting that counts";
}

TEST(rate_limit, calls_without_the_tag_are_one_tenant) {
    desk d{{.requests_per_minute = 60, .burst = 1s, .fair_by = "tenant"}};
    for (int i = 0; i < 4; ++i) d.ask("none 1 1");
    d.ask_of("b");
    d.world.run();
    EXPECT_EQ(d.provider.order(), "none none b none none");
}

// Cost of waiting ------------------------------------------------------------------------------------------------------------------

TEST(rate_limit, whoever_is_not_first_sleeps) {
    constexpr std::size_t callers = 200;
    desk d{{.requests_per_minute = 60, .burst = 1s}};
    for (std::size_t i = 0; i < callers; ++i) d.ask();
    while (d.world[0].poll() > 0) d.world[0].restart();
    std::size_t handlers = 0;
    for (bool more = true; more; more = d.world.clock().advance(time_point::max())) {
        d.world[0].restart();
        handlers += d.world[0].poll();
    }
    EXPECT_EQ(d.provider.count(), static_cast<int>(callers));
    EXPECT_LT(handlers, 6 * callers) << "a herd would be 200 times as many";
}

TEST(rate_limit, whoever_is_late_looks_seldom) {
    constexpr std::size_t callers = 200;
    desk d{{.requests_per_minute = 60, .burst = 1s, .hint_spread = 0}};
    d.provider.fails(fault{fault_kind::throttled}.with_retry_after(10min), 500ms);
    for (std::size_t i = 0; i < callers; ++i) d.ask();
    std::size_t handlers = 0;
    for (bool more = true; more; more = d.world.clock().advance(time_point::max())) {
        d.world[0].restart();
        handlers += d.world[0].poll();
    }
    EXPECT_EQ(d.provider.count(), static_cast<int>(callers));
    EXPECT_LT(handlers, 12 * callers) << "each looks once at his turn as it was, and then at the block's end";
}

// Misuse -----------------------------------------------------------------------------------------------------------------------------

TEST(rate_limit, one_limiter_keeps_to_one_clock) {
    desk d;
    d.ask();
    d.world.run();
    support::contexts other{1};
    auto const c = caller::begin(other.executor(0), d.asking(), call::unkeyed(), request{"x 1 1"});
    other.run();
    EXPECT_TRUE(c->threw<misuse>());
}

TEST(rate_limit, copies_must_not_stand_in_one_pipeline_twice) {
    rate_limit const one{{.requests_per_minute = 5}};
    support::rated_provider provider;
    EXPECT_THROW((void)(pipeline{one, one}.wrap(provider.operation())), misuse);
    EXPECT_NO_THROW((void)(pipeline{one, rate_limit{{.requests_per_minute = 5}}}.wrap(provider.operation())));
}

TEST(rate_limit, options_that_cannot_be_meant_are_refused) {
    auto const refused = [](rate_limit_options o) { EXPECT_THROW(rate_limit{o}, std::invalid_argument); };
    refused({.requests_per_minute = -1});
    refused({.requests_per_minute = 0});
    refused({.tokens_per_day = 0});
    rate_limit const pace{{.requests_per_minute = 60}};
    EXPECT_THROW(pace.change({.requests_per_minute = 0}), std::invalid_argument) << "nor does it open the gates";
    EXPECT_EQ(pace.options().requests_per_minute, 60);
    refused({.tokens_per_day = 2'000'000'000'000});
    refused({.burst = 0s});
    refused({.tokens_per_minute = 1, .input_percent = 0});
    refused({.tokens_per_minute = 1, .unestimated_tokens = -1});
    refused({.requests_per_minute = 1, .unestimated_tokens = 1});
    refused({.max_wait = -1s});
    refused({.max_waiting = 2'000'000});
    refused({.max_waiting_in_all = 2'000'000});
    refused({.hint_spread = -0.1});
    refused({.hint_ceiling = -1s});
    refused({.first_pause = -1s});
    refused({.first_pause = 2s, .longest_pause = 1s});
    EXPECT_NO_THROW((rate_limit{{.requests_per_minute = 500, .tokens_per_minute = 200'000}}));
}

}  // namespace
}  // namespace rate_limit_test
