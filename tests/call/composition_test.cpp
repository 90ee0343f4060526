// SPDX-License-Identifier: BSL-1.0
// What pipelines print of themselves: exactly, at rest and while calls run.
#include <coffer/call/composition.hpp>
#include <coffer/call/guarded.hpp>
#include <coffer/call/pipeline.hpp>
#include <coffer/policy/budget.hpp>
#include <coffer/policy/bulkhead.hpp>
#include <coffer/policy/circuit_breaker.hpp>
#include <coffer/policy/fallback.hpp>
#include <coffer/policy/hedge.hpp>
#include <coffer/policy/once.hpp>
#include <coffer/policy/per_key.hpp>
#include <coffer/policy/rate_limit.hpp>
#include <coffer/policy/retry.hpp>
#include <coffer/policy/timeout.hpp>
#include <coffer/store/ledger_memory.hpp>
#include <coffer/store/memory.hpp>
#include <coffer/testing/scripted_operation.hpp>

#include <gtest/gtest.h>

#include <asio/thread_pool.hpp>

#include <atomic>
#include <sstream>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "policy/support/contexts.hpp"
#include "policy/support/priced.hpp"
#include "policy/support/rated.hpp"
#include "policy/support/speaker.hpp"
#include "support/simulation.hpp"

namespace composition_test {
namespace {

using namespace coffer;
using namespace coffer::literals;
using namespace std::chrono_literals;
using coffer::testing::scripted_operation;
using support::guarded;
using support::request;

/// An operation with a name.
struct chat {
    awaitable<std::string> operator()(request const& r) const { co_return r.prompt; }
    [[nodiscard]] coffer::target target(request const&) const { return {"acme", "m"}; }
    [[nodiscard]] coffer::fingerprint fingerprint(request const& r) const {
        return coffer::fingerprint{}.with("prompt", r.prompt);
    }
    void describe(composition& to) const { to.name("acme").with("m"); }
};

/// Policies of a user, who says much, little, or nothing.
struct plain {
    struct ticket {
        verdict settle(attempt_end const&, attempt&) noexcept { return verdict::done(); }
    };
    admission try_enter(attempt&, slot<ticket>& s) const {
        s.emplace();
        return admission::in();
    }
};
struct eloquent : plain {
    int most = 20;
    void describe(composition& to) const {
        to.name("parachute").with("at most", most).with("after", 1500ms).with("0.5 of all").now("packed").now("dry");
    }
};
struct named : plain {
    static constexpr std::string_view name = "safety net";
};
struct named_by_function : plain {
    [[nodiscard]] std::string name() const { return "rope " + std::to_string(number); }
    int number = 7;
};
struct unnamed : plain {
    void describe(composition& to) const { to.with("depth", 0.25); }
};
struct silent : plain {
    void describe(composition&) const {}
};
template <class T>
struct generic : plain {};
struct layer {
    template <class Next>
    awaitable<outcome<typename Next::value_type>> operator()(call& c, Next next) const {
        co_return co_await next(c);
    }
};

TEST(composition, of_the_usual_stack) {
    memory_store const db;
    auto const ask =
        pipeline{
            once{db, {.max_sends = 2}},
            retry{},
            circuit_breaker{},
            rate_limit{{.requests_per_minute = 500, .tokens_per_minute = 200'000}},
            budget{db, {.scope = "team/search", .limit = 25_usd, .window = daily}},
        }
            .wrap(chat{});
    std::string const text =
        "once(store in memory, max_sends 2)\n"
        "retry(4 attempts)\n"
        "circuit_breaker(closed)\n"
        "rate_limit(500 requests/min, 200000 tokens/min)\n"
        "budget(team/search $25.00 daily)\n"
        "-> acme(m)";
    EXPECT_EQ(to_string(ask), text);
    std::ostringstream out;
    out << ask;
    EXPECT_EQ(out.str(), text);
    guarded const handle = ask;
    EXPECT_EQ(to_string(handle), text) << "the type need not be known";
}

TEST(composition, of_policies_without_an_operation_and_of_one_alone) {
    EXPECT_EQ(to_string(pipeline{retry{{.attempts = 1}}, circuit_breaker{}}),
              "retry(1 attempt)\ncircuit_breaker(closed)");
    EXPECT_EQ(to_string(pipeline{}), "");
    EXPECT_EQ(to_string(pipeline{}.wrap(chat{})), "-> acme(m)");
    EXPECT_EQ(to_string(retry{}), "retry(4 attempts)");
}

TEST(composition, of_what_users_have_made) {
    auto const ask =
        pipeline{eloquent{}, named{}, named_by_function{}, unnamed{}, silent{}, generic<std::vector<int>>{},
                 plain{},    layer{}}
            .wrap(chat{});
    EXPECT_EQ(to_string(ask),
              "parachute(at most 20, after 1500 ms, 0.5 of all; packed, dry)\n"
              "safety net\n"
              "rope 7\n"
              "unnamed(depth 0.25)\n"
              "silent\n"
              "generic\n"
              "plain\n"
              "layer\n"
              "-> acme(m)");
}

awaitable<int> function(int const& x) { co_return x; }

TEST(composition, of_operations_that_say_nothing_of_themselves) {
    EXPECT_EQ(to_string(pipeline{}.wrap(&function)), "-> a function");
    EXPECT_EQ(to_string(pipeline{}.wrap(scripted_operation<int>{})), "-> scripted_operation");
    auto const closure = [](int const& x) { return function(x); };
    EXPECT_EQ(to_string(pipeline{}.wrap(closure)), "-> a lambda");
    EXPECT_EQ(to_string(pipeline{}.wrap(describe(closure).target([](int const&) { return target{"a", "b"}; }))),
              "-> a lambda");
    EXPECT_EQ(to_string(pipeline{}.wrap(describe(chat{}))), "-> acme(m)");
    auto const to_a = [](int const&) { return target{"a", "b"}; };
    EXPECT_EQ(to_string(pipeline{}.wrap(describe(closure).name("embeddings").target(to_a))), "-> embeddings");
}

TEST(composition, of_pipelines_in_pipelines_and_behind_handles) {
    memory_store const db;
    guarded const inner = pipeline{retry{{.attempts = 2}}}.wrap(pipeline{named{}}.wrap(chat{}));
    EXPECT_EQ(to_string(pipeline{once{db}}.wrap(inner)),
              "once(store in memory, max_sends 2)\nretry(2 attempts)\nsafety net\n-> acme(m)");
}

TEST(composition, of_alternatives_one_below_the_other) {
    memory_store const db;
    guarded const cheap = pipeline{retry{{.attempts = 6}}}.wrap(chat{});
    auto const inner = fallback{{.max_sends = 3, .larger_context = true}, guarded{pipeline{}.wrap(chat{})}, cheap};
    auto const all =
        fallback{pipeline{retry{}, circuit_breaker{}}.wrap(chat{}), guarded{pipeline{named{}}.wrap(inner)}}.when(
            [](fault const&, int) { return true; });
    EXPECT_EQ(to_string(pipeline{once{db}}.wrap(all)),
              "once(store in memory, max_sends 2)\n"
              "fallback(a rule)\n"
              "  1: retry(4 attempts)\n"
              "     circuit_breaker(closed)\n"
              "     -> acme(m)\n"
              "  2: safety net\n"
              "     fallback(max_sends 3, larger_context)\n"
              "       1: -> acme(m)\n"
              "       2: retry(6 attempts)\n"
              "          -> acme(m)");
    EXPECT_EQ(to_string(fallback{std::vector<guarded>(2, cheap)}),
              "fallback\n  1: retry(6 attempts)\n     -> acme(m)\n  2: retry(6 attempts)\n     -> acme(m)");
}

TEST(composition, shows_options_that_are_not_as_usual_with_their_units) {
    EXPECT_EQ(to_string(retry{{.attempts = 10,
                               .max_sends = 3,
                               .schedule = backoff::fixed(1s) + backoff::up_to(500ms),
                               .schedule_for = {{fault_kind::overloaded, backoff{} | backoff::fixed(2min)}},
                               .stop = stop_after(2min) | stop_after_same_fault(3),
                               .ambiguous_delay = 10s,
                               .hint_ceiling = 1h,
                               .hint_spread = 0.5,
                               .attempt_timeout = 90s},
                              [](fault const&, int) { return retry_decision::no(); },
                              retry_quota{{.capacity = 10}}}),
              "retry(10 attempts, max_sends 3, 1 s + up to 500 ms, "
              "after overloaded the longer of (full jitter 500 ms doubling to 30 s, 2 min), "
              "stop after 2 min or after 3 of the same fault, ambiguous_delay 10 s, hint_ceiling 1 h, hint_spread 0.5, "
              "attempt_timeout 90 s, a rule, quota of 10)");
    EXPECT_EQ(to_string(retry{{.schedule = backoff{growth::linear, jitter::equal, 1s, 10s}}, retry_quota::unlimited()}),
              "retry(4 attempts, equal jitter 1 s growing to 10 s, no quota)");
    EXPECT_EQ(
        to_string(retry{{.schedule = backoff{growth::exponential, jitter::decorrelated, 1s, 10s},
                         .stop = stop_after_attempts(2) & (stop_at(fault_kind::throttled) | stop_after_unproven(1))}}),
        "retry(4 attempts, decorrelated jitter 1 s to 10 s, "
        "stop (after 2 attempts and at throttled or after 1 perhaps billed))");

    EXPECT_EQ(
        to_string(circuit_breaker{{.in_a_row = 5,
                                   .window = breaker_window::calls(50),
                                   .minimum = 10,
                                   .failure_ratio = 0.3,
                                   .slow_after = 90s,
                                   .slow_ratio = 0.8,
                                   .probes = 2,
                                   .breaks = {.first = 30s, .longest = 10min, .factor = 3, .jittered = false},
                                   .hint_ceiling = 1min}}),
        "circuit_breaker(in_a_row 5, window of 50 calls, minimum 10, failure_ratio 0.3, slow_after 90 s, slow_ratio "
        "0.8, probes 2, breaks 30 s to 10 min, breaks' factor 3, breaks not jittered, hint_ceiling 1 min; closed)");
    EXPECT_EQ(to_string(circuit_breaker{{.window = breaker_window::time(5min)}}),
              "circuit_breaker(window of 5 min; closed)");
    EXPECT_EQ(to_string(circuit_breaker{{.window = breaker_window::none()}}), "circuit_breaker(no window; closed)");

    EXPECT_EQ(
        to_string(rate_limit{{.requests_per_second = 5,
                              .input_tokens_per_day = 1'000'000,
                              .burst = 1s,
                              .give_back = false,
                              .output = output_counted::at_end,
                              .cache_reads = false,
                              .input_percent = 30,
                              .unestimated_tokens = 100,
                              .max_wait = 1min,
                              .max_waiting = 10,
                              .fair_by = "tenant",
                              .first_pause = 2s,
                              .longest_pause = 1min}}),
        "rate_limit(5 requests/s, 1000000 input tokens/day, burst 1 s, nothing given back, output counted at the end, "
        "cache reads not counted, input_percent 30, unestimated_tokens 100, max_wait 1 min, max_waiting 10, fair_by "
        "tenant, first_pause 2 s, longest_pause 1 min)");
    EXPECT_EQ(to_string(rate_limit{{}}), "rate_limit");

    in_memory_ledger const money;
    EXPECT_EQ(
        to_string(budget{money,
                         {.scope = "team/{team}/user/{user}",
                          .limit = 0.0015_usd,
                          .window = rolling(24h),
                          .also = {{"org", 1000_usd, monthly, limit_kind::soft}, {"model/{model}"}, {"all", 5_usd}},
                          .max_wait = 10s,
                          .unbounded_at_most = 2_usd,
                          .shrink_to = 100}}),
        "budget(team/{team}/user/{user} $0.0015 in 1 d, org $1000.00 monthly, soft, model/{model} without a limit, all "
        "$5.00 for ever, max_wait 10 s, unbounded_at_most $2.00, shrink_to 100)");

    memory_store const db;
    EXPECT_EQ(to_string(once{db, unfingerprinted}), "once(store in memory, max_sends 2, unfingerprinted)");
    EXPECT_EQ(
        to_string(once{db,
                       {.max_sends = 1,
                        .lease = 2min,
                        .heartbeat = 30s,
                        .attempt_timeout = 1min,
                        .finish_grace = 1min,
                        .takeover_grace = 1min,
                        .store_wait = 5s,
                        .request_fault_kept = 0s,
                        .acknowledged_kept = 1h,
                        .unacknowledged_kept = 2h,
                        .in_other_process = elsewhere::wait,
                        .without_store = degrade::send_unjournaled,
                        .on_mismatch = mismatch_rule::new_generation}}),
        "once(store in memory, max_sends 1, lease 2 min, heartbeat 30 s, attempt_timeout 1 min, finish_grace 1 min, "
        "takeover_grace 1 min, store_wait 5 s, request_fault_kept 0 s, acknowledged_kept 1 h, unacknowledged_kept 2 h, "
        "waits for other processes, sends unjournaled without its store, a new generation for each request)");
}

TEST(composition, of_a_bulkhead_of_partitions_and_of_a_hedge) {
    EXPECT_EQ(to_string(bulkhead{{.limit = 20}}), "bulkhead(20 at a time; 0 under way)");
    EXPECT_EQ(to_string(bulkhead{{.limit = 20,
                                  .max_waiting = 7,
                                  .max_wait = 10s,
                                  .priority_by = "rank",
                                  .ages_after = 1min,
                                  .rule = limit_rule::gradient,
                                  .most = 50,
                                  .tolerance = 3}}),
              "bulkhead(20 at a time, gradient, 1 to 50, tolerance 3, max_waiting 7, max_wait 10 s, the more important "
              "first, ages_after 1 min; 0 under way)");
    auto const one_each = [] { return circuit_breaker{}; };
    per_key const each{by_tag("tenant"), one_each, {.max_keys = 5, .when_full = when_full::share}};
    (void)each.at("acme, a secret name");
    EXPECT_EQ(to_string(each), "per_key(circuit_breaker, max_keys 5, shares when full; partitions: 1)");
    EXPECT_EQ(to_string(timeout{30s, "outer"}), "timeout(30 s, called outer)");
    scripted_operation<int> const op;
    EXPECT_EQ(to_string(pipeline{retry{}}.wrap(
                  hedge{hedge_options{.delay = 3s, .percentile = 0}, pipeline{retry{}}.wrap(op)})),
              "retry(4 attempts)\nhedge(after 3 s)\n  1: retry(4 attempts)\n     -> scripted_operation");
}

TEST(composition, shows_how_it_is_right_now) {
    support::simulation sim;
    scripted_operation<int> op;
    op.fails(fault{fault_kind::overloaded}.with_status(503)).times(5);
    circuit_breaker const health{{.in_a_row = 2, .breaks = {.first = 10s, .longest = 10min, .jittered = false}}};
    auto const ask = pipeline{retry{{.attempts = 2, .schedule = backoff::fixed(1s)}}, health}.wrap(op);
    auto c = call::unkeyed();
    auto const running = sim.start(ask.try_call(c));
    sim.time.run_for(500ms);
    std::string const options = "in_a_row 2, breaks 10 s to 10 min, breaks not jittered; ";
    EXPECT_EQ(to_string(ask), "retry(2 attempts, 1 s; 49 retries of the quota left)\ncircuit_breaker(" + options +
                                  "closed, failures in a row: 1)\n-> scripted_operation");
    sim.time.run_for(750ms);
    EXPECT_EQ(to_string(health),
              "circuit_breaker(" + options +
                  "the circuit is open: 2 failures in a row, the last one overloaded, status 503, for "
                  "9.8 s)");
    sim.time.run_for(20s);
    EXPECT_EQ(to_string(health), "circuit_breaker(" + options +
                                     "the circuit is open: 2 failures in a row, the last one overloaded, status 503, a "
                                     "probe is next)");
    health.isolate("maintenance\nuntil noon");
    EXPECT_EQ(to_string(health),
              "circuit_breaker(" + options +
                  "the circuit was isolated by hand: maintenance?until noon; close() or reset() ends "
                  "that)");
    health.change({});
    health.reset();
    EXPECT_EQ(to_string(health), "circuit_breaker(closed)") << "options that were changed";

    support::contexts world{1};
    support::rated_provider provider;
    provider.fails(fault{fault_kind::throttled}.with_retry_after(20s));
    rate_limit const limit{{.requests_per_minute = 6, .burst = 10s, .hint_spread = 0}};
    guarded const rated = pipeline{limit}.wrap(provider.operation());
    for (int i = 0; i < 3; ++i)
        (void)support::caller::begin(world.executor(0), rated, call::unkeyed(), request{"x 1 1"});
    world.run_for(500ms);
    EXPECT_EQ(to_string(limit), "rate_limit(6 requests/min, burst 10 s, hint_spread 0; 2 waiting)");
    world.run_for(750ms);
    EXPECT_EQ(to_string(limit),
              "rate_limit(6 requests/min, burst 10 s, hint_spread 0; 2 waiting, blocked by the provider for 19.8 s)");
    world.run();
    EXPECT_EQ(to_string(limit), "rate_limit(6 requests/min, burst 10 s, hint_spread 0)");
}

TEST(composition, says_nothing_of_what_calls_and_providers_say) {
    support::simulation sim;
    support::speaker teller{"acme"};
    teller.script.fail(fault{fault_kind::overloaded, "sk-secret"}.with_code("sk-secret"));
    in_memory_ledger const money;
    circuit_breaker const health{{.in_a_row = 1}};
    guarded const ask =
        pipeline{retry{{.attempts = 1}}, health, rate_limit{{.requests_per_minute = 6, .fair_by = "tenant"}},
                 budget{money, {.scope = "tenant/{tenant}"}}}
            .wrap(teller.op());
    auto const c = support::caller::begin(
        sim.executor(), ask, call{key{"sk-secret", "sk-secret"}}.tag("tenant", "sk-secret"), request{"sk-secret"});
    sim.time.run();
    ASSERT_TRUE(c->failed(fault_kind::overloaded));
    auto const text = to_string(ask);
    EXPECT_EQ(text.find("sk-secret"), std::string::npos) << text;
    EXPECT_NE(text.find("is open"), std::string::npos) << text;
    EXPECT_NE(text.find("tenant/{tenant}"), std::string::npos) << text;
}

TEST(composition, may_be_printed_while_calls_run_and_options_change) {
    support::rated_provider provider;
    provider.otherwise([](std::string const&) {
        support::rated_end e{.after = 0s};
        e.why = fault{fault_kind::overloaded};
        return e;
    });
    retry const again{{.attempts = 3, .schedule = backoff::fixed(1us)}};
    circuit_breaker const health{{.in_a_row = 50, .breaks = {.first = 1ms, .longest = 1ms}}};
    rate_limit const limit{{.requests_per_second = 100'000, .burst = 1ms}};
    guarded const one = pipeline{again, health, limit}.wrap(provider.operation());
    std::atomic<bool> done{false};
    long printed = 0;
    std::thread printer{[&] {
        for (std::int64_t i = 0; !done; ++i) {
            auto const text = to_string(one);
            EXPECT_TRUE(text.starts_with("retry(3 attempts, 1 us")) << text;
            EXPECT_NE(text.find("\n-> "), std::string::npos) << text;
            limit.change({.requests_per_second = 100'000 + i % 2, .burst = 1ms, .fair_by = "t"});
            ++printed;
        }
    }};
    {
        asio::thread_pool pool{2};
        for (int i = 0; i < 300; ++i)
            (void)support::caller::begin(pool.get_executor(), one, call::unkeyed(10s), request{"x 1 1"});
        pool.join();
    }
    done = true;
    printer.join();
    EXPECT_GT(printed, 0);
}

}  // namespace
}  // namespace composition_test
