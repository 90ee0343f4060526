// SPDX-License-Identifier: BSL-1.0
// A limiter whose options are changed while calls wait and are under way, in virtual time; random worlds, and threads.
// (What becomes of the buckets: tests/state/gcra_test.cpp, tests/state/rate_test.cpp.)
#include <coffer/call/pipeline.hpp>
#include <coffer/policy/rate_limit.hpp>
#include <coffer/policy/retry.hpp>

#include <gtest/gtest.h>

#include <asio/thread_pool.hpp>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <cstdint>
#include <stdexcept>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "policy/support/contexts.hpp"
#include "policy/support/rated.hpp"
#include "support/seeds.hpp"

namespace rate_limit_change_test {
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
    explicit desk(rate_limit_options o) : limit{o} {}

    support::contexts world{1};
    support::rated_provider provider;
    rate_limit const limit;
    time_point start = world.now();

    caller ask(std::string prompt = "x 1 1", duration deadline = 1h, std::string tenant = "t") {
        guarded const asking = pipeline{limit}.wrap(provider.operation());
        return caller::begin(world.executor(0), asking,
                             call::unkeyed(deadline).tag("tenant", tenant).tag("team", tenant.substr(0, 1)),
                             request{std::move(prompt)});
    }
    std::vector<caller> ask_often(int n, std::string prompt = "x 1 1") {
        std::vector<caller> all;
        for (int i = 0; i < n; ++i) all.push_back(ask(prompt));
        return all;
    }
    times sent() { return provider.times(start); }
};

// Those who wait ---------------------------------------------------------------------------------------------------------

TEST(rate_limit_change, a_raised_limit_wakes_those_who_wait_as_early_as_it_says) {
    desk d{{.requests_per_minute = 6, .burst = 10s}};
    d.ask_often(4);
    d.world.run_for(5s);
    ASSERT_EQ(d.sent(), (times{0}));
    d.limit.change({.requests_per_minute = 30, .burst = 10s});
    d.world.run();
    EXPECT_EQ(d.sent(), (times{0, 5000, 5000, 6000}))
        << "half full stays half full, and that is room for two and a half";
    EXPECT_EQ(d.limit.waiting(), 0U);
}

TEST(rate_limit_change, a_lowered_limit_makes_them_wait_longer_and_lets_no_burst_in) {
    desk d{{.requests_per_minute = 60}};
    d.ask_often(62);
    d.world.run_ready();
    ASSERT_EQ(d.provider.count(), 60);
    d.limit.change({.requests_per_minute = 6});
    d.world.run();
    EXPECT_EQ(d.sent()[60], 10'000);
    EXPECT_EQ(d.sent()[61], 20'000);
}

TEST(rate_limit_change, to_and_fro_brings_nothing) {
    desk d{{.requests_per_minute = 60}};
    d.ask_often(100);
    for (int i = 0; i < 50; ++i) {
        d.world.run_for(100ms);
        d.limit.change({.requests_per_minute = i % 2 == 0 ? 6 : 60});
    }
    // Five seconds: at the higher limit they are five, at the lower one less than one.
    EXPECT_LE(d.provider.count(), 60 + 5);
    EXPECT_GE(d.provider.count(), 60 + 2) << "and nothing is taken away";
}

TEST(rate_limit_change, who_would_wait_in_vain_is_refused_at_once_and_the_others_go_on) {
    desk d{{.tokens_per_minute = 6000, .burst = 10s}};
    d.ask("first 1000 0");
    auto const large = d.ask("large 4000 0");
    auto const small = d.ask("small 500 0");
    auto const last = d.ask("last 3001 0");
    d.world.run_for(1s);
    d.limit.change({.tokens_per_minute = 3000, .burst = 20s});
    d.world.run_ready();
    for (auto const& c : {large, last}) {
        ASSERT_TRUE(c->failed(fault_kind::never_fits)) << c->text();
        EXPECT_NE(c->why().message().find("tokens_per_minute is 3000"), std::string_view::npos) << c->why().message();
    }
    EXPECT_EQ(d.limit.waiting(), 1U);
    d.world.run();
    EXPECT_TRUE(small->ok());
    EXPECT_EQ(d.provider.order(), "first small");
}

TEST(rate_limit_change, newcomers_are_weighed_by_the_new_options) {
    desk d{{.tokens_per_minute = 6000}};
    d.limit.change({.tokens_per_minute = 1000, .input_percent = 50});
    d.ask("fits 2000 0");
    auto const large = d.ask("large 2002 0");
    d.world.run();
    EXPECT_EQ(d.provider.order(), "fits");
    EXPECT_TRUE(large->failed(fault_kind::never_fits));
}

TEST(rate_limit_change, patience_and_places_are_those_of_newcomers) {
    desk d{{.requests_per_minute = 6, .burst = 10s}};
    d.ask_often(2);
    auto const before = d.ask();
    d.world.run_ready();
    d.limit.change({.requests_per_minute = 6, .burst = 10s, .max_wait = 5s});
    auto const impatient = d.ask();
    d.world.run_ready();
    EXPECT_TRUE(impatient->failed(fault_kind::queue_full)) << impatient->text();
    d.limit.change({.requests_per_minute = 6, .burst = 10s, .max_waiting = 2});
    auto const third = d.ask();
    d.world.run_ready();
    ASSERT_TRUE(third->failed(fault_kind::queue_full)) << third->text();
    EXPECT_EQ(third->why().code(), "max_waiting");
    d.world.run();
    EXPECT_TRUE(before->ok()) << "he has come when one could wait as long as one liked";
    EXPECT_EQ(d.sent(), (times{0, 10'000, 20'000}));
}

TEST(rate_limit_change, who_waits_stays_in_his_tenants_line_and_newcomers_are_told_apart_anew) {
    desk d{{.requests_per_minute = 6, .burst = 10s, .fair_by = "tenant"}};
    for (auto const* name : {"ax 1 1", "ax 1 1", "ax 1 1", "by 1 1"}) d.ask(name, 1h, std::string{name}.substr(0, 2));
    d.world.run_ready();
    std::string tag = "team";
    d.limit.change({.requests_per_minute = 6, .burst = 10s, .fair_by = tag});
    tag = "gone";
    EXPECT_EQ(d.limit.options().fair_by, "team") << "it is copied";
    d.ask("bz 1 1", 1h, "bz");
    d.world.run();
    EXPECT_EQ(d.provider.order(), "ax ax by bz ax");
}

TEST(rate_limit_change, a_block_by_the_provider_stays_and_pauses_are_those_of_the_new_options) {
    desk d{{.requests_per_minute = 600, .hint_spread = 0}};
    d.provider.fails(fault{fault_kind::throttled}.with_retry_after(20s), 0s).fails(fault{fault_kind::throttled}, 0s);
    d.ask();
    d.world.run_ready();
    d.limit.change({.requests_per_minute = 6000, .hint_spread = 0, .first_pause = 7s, .longest_pause = 7s});
    d.ask();
    d.world.run();
    EXPECT_EQ(d.sent(), (times{0, 20'000}));
    d.ask();
    d.world.run();
    EXPECT_EQ(d.sent()[2], 27'000);
}

// Those under way --------------------------------------------------------------------------------------------------------

TEST(rate_limit_change, what_an_attempt_has_not_used_comes_back_as_it_was_taken) {
    desk d{{.tokens_per_minute = 6000}};
    d.provider.then({.used = used(1000, 0), .after = 10s});
    auto const under_way = d.ask("a 6000 0");
    d.world.run_ready();
    d.limit.change({.tokens_per_minute = 600});
    // 5000 of 6000 are 50 s; ten more have passed: the minute is full when it ends. No more than that.
    d.world.run_for(10s);
    ASSERT_TRUE(under_way->ok());
    d.ask("b 600 0");
    d.ask("c 60 0");
    d.world.run();
    EXPECT_EQ(d.sent(), (times{0, 10'000, 16'000}));
}

TEST(rate_limit_change, who_waited_through_a_change_has_taken_his_part_as_it_was_when_he_was_served) {
    desk d{{.tokens_per_minute = 6000}};
    d.provider.then({.after = 10min}).then({.used = used(100, 0), .after = 1s});
    d.ask("a 6000 0");
    d.ask("b 500 0");
    d.world.run_ready();
    d.limit.change({.tokens_per_minute = 600});
    d.world.run_for(51s);
    d.ask("c 400 0");
    d.world.run();
    EXPECT_EQ(d.sent(), (times{0, 50'000, 51'000})) << "400 of 600 have come back";
}

TEST(rate_limit_change, a_limit_that_is_new_knows_nothing_of_attempts_under_way) {
    desk d{{.requests_per_minute = 60}};
    d.provider.then({.used = used(5000, 0), .after = 10s});
    d.ask("a 10 0");
    d.world.run_ready();
    d.limit.change({.requests_per_minute = 60, .tokens_per_minute = 600});
    d.ask("b 600 0");
    d.world.run_ready();
    EXPECT_EQ(d.provider.count(), 2) << "it begins full";
    d.ask("c 100 0");
    d.world.run();
    EXPECT_EQ(d.sent(), (times{0, 0, 10'000})) << "and what a has used is none of its business";
}

TEST(rate_limit_change, a_limit_that_is_gone_limits_nobody) {
    desk d{{.requests_per_minute = 1, .tokens_per_minute = 10}};
    d.ask_often(3, "x 5 5");
    d.world.run_ready();
    ASSERT_EQ(d.provider.count(), 1);
    d.limit.change({});
    d.world.run_ready();
    EXPECT_EQ(d.provider.count(), 3);
    d.ask("unknown");
    d.world.run();
    EXPECT_EQ(d.provider.count(), 4) << "nor is an estimate asked for";
}

TEST(rate_limit_change, what_a_provider_says_of_a_limit_that_has_not_changed_is_learned) {
    for (bool const same : {true, false}) {
        desk d{{.requests_per_minute = 60, .tokens_per_minute = 6000}};
        rated_end e{.used = used(10, 0), .after = 1s};
        e.said[rate_measure::requests].remaining = 0;
        d.provider.then(e);
        d.ask("a 10 0");
        d.world.run_ready();
        d.limit.change({.requests_per_minute = same ? 60 : 120, .tokens_per_minute = 600});
        d.world.run_for(1s);
        d.ask("b 10 0");
        d.ask("c 10 0");
        d.world.run();
        EXPECT_EQ(d.sent(), (same ? times{0, 1000, 2000} : times{0, 1000, 1000})) << "nothing was left at the start";
    }
}

// The handle -------------------------------------------------------------------------------------------------------------

TEST(rate_limit_change, copies_share_options_and_what_cannot_be_meant_changes_nothing) {
    rate_limit const limit{{.requests_per_minute = 60}};
    auto const copy = limit;
    copy.change({.tokens_per_minute = 5});
    EXPECT_EQ(limit.options().tokens_per_minute, 5);
    EXPECT_EQ(limit.options().requests_per_minute, rate_limit_options::unlimited);
    EXPECT_THROW(limit.change({.requests_per_minute = -1}), std::invalid_argument);
    EXPECT_THROW(limit.change({.requests_per_minute = 1, .burst = 0s}), std::invalid_argument);
    EXPECT_EQ(copy.options().tokens_per_minute, 5);
}

TEST(rate_limit_change, before_anybody_has_come_it_is_as_if_it_had_been_made_so) {
    desk d{{.requests_per_minute = 1}};
    d.limit.change({.requests_per_minute = 3});
    d.ask_often(4);
    d.world.run();
    EXPECT_EQ(d.sent(), (times{0, 0, 0, 20'000}));
}

TEST(rate_limit_change, who_leaves_while_he_is_refused_leaves_nothing_behind) {
    desk d{{.requests_per_minute = 6, .tokens_per_minute = 6000, .burst = 10s}};
    d.ask("a 10 0");
    auto const c = d.ask("b 5000 0");
    d.world.run_ready();
    ASSERT_EQ(d.limit.waiting(), 1U);
    d.limit.change({.requests_per_minute = 6, .tokens_per_minute = 60, .burst = 10s});
    c.cancel();
    d.world.run();
    EXPECT_TRUE(c->failed(fault_kind::cancelled) || c->failed(fault_kind::never_fits)) << c->text();
    EXPECT_EQ(d.limit.waiting(), 0U);
    EXPECT_EQ(d.provider.order(), "a");
}

// Random worlds ----------------------------------------------------------------------------------------------------------

TEST(rate_limit_change, whatever_changes_and_whoever_leaves_no_limit_is_exceeded_and_nobody_is_forgotten) {
    std::int64_t let_in = 0, refused = 0, changes = 0;
    for (auto const seed : support::each_seed(support::seeds(20))) {
        support::dice dice{seed};
        struct period {
            time_point from;
            rate_limit_options o;
        };
        auto const draw = [&] {
            constexpr std::int64_t limits[] = {6, 30, 60, 600};
            rate_limit_options o;
            o.requests_per_minute = limits[dice.below(4)];
            if (dice.one_in(2)) o.tokens_per_minute = limits[dice.below(4)] * 50;
            if (dice.one_in(2)) o.burst = 10s;
            if (dice.one_in(3)) o.fair_by = dice.one_in(2) ? "tenant" : "team";
            if (dice.one_in(4)) o.max_waiting = 1 + dice.below(20U);
            if (dice.one_in(4)) o.max_wait = std::chrono::seconds{1 + dice.below(60)};
            return o;
        };
        auto const first = draw();
        desk d{first};
        d.provider.otherwise([&](std::string const&) {
            rated_end e{.after = std::chrono::milliseconds{dice.below(20'000)}};
            if (dice.one_in(2)) e.used = used(dice.below(600), 0);
            if (dice.one_in(15)) e.why = fault{fault_kind::throttled};
            if (dice.one_in(15)) e.why = fault{fault_kind::not_sent};
            return e;
        });
        std::vector<period> periods{{d.start, first}};
        std::vector<caller> all;
        for (int step = 0; step < 80; ++step) {
            d.world.run_for(std::chrono::milliseconds{dice.below(dice.one_in(4) ? 8000 : 300)});
            if (dice.one_in(6)) {
                auto const o = draw();
                d.limit.change(o);
                periods.push_back({d.world.now(), o});
                ++changes;
            } else if (!all.empty() && dice.one_in(6)) {
                all[dice.below(all.size())].cancel();
            } else {
                all.push_back(d.ask("x " + std::to_string(1 + dice.below(500)) + " 0",
                                    std::chrono::seconds{1 + dice.below(120)},
                                    std::string(1, "ab"[dice.below(2)]) + std::string(1, "xy"[dice.below(2)])));
            }
        }
        d.world.run();
        for (auto const& c : all) {
            ASSERT_TRUE(c->over) << "seed " << seed;
            bool const said = c->ok() || c->failed(fault_kind::queue_full) || c->failed(fault_kind::never_fits) ||
                              c->failed(fault_kind::deadline_exceeded) || c->failed(fault_kind::cancelled) ||
                              c->failed(fault_kind::throttled) || c->failed(fault_kind::not_sent) ||
                              c->failed(fault_kind::timed_out);
            ASSERT_TRUE(said) << "seed " << seed << ": " << c->text();
            refused += c->failed(fault_kind::never_fits);
        }
        ASSERT_EQ(d.limit.waiting(), 0U) << "seed " << seed;
        // Requests that were sent count, whatever they end with; those not sent are given back when that is known.
        auto const sends = d.provider.sends();
        let_in += static_cast<std::int64_t>(sends.size());
        auto const unsent =
            std::count_if(all.begin(), all.end(), [](auto const& c) { return c->failed(fault_kind::not_sent); });
        for (std::size_t i = 0; i < sends.size(); ++i)
            for (auto j = i; j < sends.size(); ++j) {
                std::int64_t limit = 0;
                duration burst{};
                for (std::size_t p = 0; p < periods.size(); ++p)
                    if (periods[p].from <= sends[j].at &&
                        (p + 1 == periods.size() || periods[p + 1].from >= sends[i].at)) {
                        limit = std::max(limit, periods[p].o.requests_per_minute);
                        auto const one = duration{1min} / periods[p].o.requests_per_minute;
                        burst = std::max(burst, std::max(std::min<duration>(periods[p].o.burst, 1min), one));
                    }
                auto const most = coffer::detail::wide_int{limit} * (burst + (sends[j].at - sends[i].at)).count() /
                                  duration{1min}.count();
                ASSERT_LE(static_cast<std::int64_t>(j - i + 1), most + unsent) << "seed " << seed;
            }
    }
    EXPECT_TRUE(support::replaying() || (let_in > 0 && refused > 0 && changes > 0));
}

// Threads ----------------------------------------------------------------------------------------------------------------

awaitable<void> ask_often(guarded ask, int count, int which, std::atomic<int>& ok, std::atomic<int>& other) {
    for (int i = 0; i < count; ++i) {
        auto c = call::unkeyed(10s).tag("tenant", std::to_string(which % 3));
        request const r{"x 3 2"};
        auto const result = co_await ask.try_call(c, r);
        ++(result ? ok : other);
    }
}

TEST(rate_limit_change, on_many_threads_with_somebody_who_changes_all_the_time_no_part_is_lost) {
    rate_limit_options o{
        .requests_per_second = 20'000, .tokens_per_second = 100'000, .burst = 10ms, .fair_by = "tenant"};
    rate_limit const limit{o};
    support::rated_provider provider;
    provider.otherwise([](std::string const&) {
        rated_end e{.used = used(1, 1), .after = 0s};
        e.said[rate_measure::tokens] = {100'000, 100'000, 1s};
        return e;
    });
    guarded const ask = pipeline{limit}.wrap(provider.operation());
    std::atomic<int> ok{0}, other{0};
    std::atomic<bool> done{false};
    constexpr int each = 200, coroutines = 6;
    auto const begin = std::chrono::steady_clock::now();
    std::thread changer{[&] {
        for (int i = 0; !done; ++i) {
            o.requests_per_second = i % 2 == 0 ? 10'000 : 20'000;
            o.tokens_per_second = i % 3 == 0 ? rate_limit_options::unlimited : 100'000;
            limit.change(o);
            EXPECT_EQ(limit.options().requests_per_second, o.requests_per_second);
            std::this_thread::yield();
        }
    }};
    {
        asio::thread_pool one{1}, two{2};
        for (int i = 0; i < coroutines; ++i)
            asio::co_spawn(i % 2 == 0 ? one.get_executor() : two.get_executor(), ask_often(ask, each, i, ok, other),
                           asio::detached);
        one.join();
        two.join();
    }
    done = true;
    changer.join();
    auto const took = std::chrono::steady_clock::now() - begin;
    EXPECT_EQ(ok, each * coroutines);
    EXPECT_EQ(other, 0);
    EXPECT_EQ(provider.count(), ok);
    EXPECT_LE(provider.count() * 1s / 20'000, took + 10ms) << "faster than allowed";
    EXPECT_EQ(limit.waiting(), 0U);
}

}  // namespace
}  // namespace rate_limit_change_test
