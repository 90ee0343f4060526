// SPDX-License-Identifier: BSL-1.0
// Gates with a layer between them and the operation: they know as much of the attempt as those that stand next to it.

#include <coffer/coffer.hpp>

#include "policy/support/rated.hpp"
#include "support/simulation.hpp"

#include <gtest/gtest.h>

#include <vector>

namespace outside_a_layer_test {
namespace {

using namespace coffer;
using namespace std::chrono_literals;
using support::rated_provider;
using support::request;
using support::simulation;

TEST(outside_a_layer, tokens_are_taken_by_the_estimate_and_given_back_by_the_usage) {
    simulation sim;
    rated_provider p;
    rate_limit const pace{{.tokens_per_minute = 1000, .max_wait = 0s}};
    auto const ask = pipeline{retry{}, pace, timeout{30s}}.wrap(p.operation());
    request const r{"a 100 100"};
    auto first = call::unkeyed();
    ASSERT_TRUE(sim.run(ask.try_call(first, r)));
    int more = 0;
    for (int i = 0; i < 20; ++i) {
        auto c = call::unkeyed();
        if (sim.run(ask.try_call(c, r))) ++more;
    }
    auto const next_to_it =
        pipeline{retry{}, timeout{30s}, rate_limit{{.tokens_per_minute = 1000, .max_wait = 0s}}}.wrap(p.operation());
    int as_many = -1;  // the first one
    for (int i = 0; i < 21; ++i) {
        auto c = call::unkeyed();
        if (sim.run(next_to_it.try_call(c, r))) ++as_many;
    }
    EXPECT_EQ(more, as_many);
    EXPECT_LT(more, 20) << "it does limit";
}

TEST(outside_a_layer, headers_are_learned_from) {
    auto const sent_before_refusal = [](auto const& stack) {
        simulation sim;
        rated_provider p;
        rate_facts said;
        said[rate_measure::requests].remaining = 0;
        said[rate_measure::requests].limit = 60;
        p.then({.said = said, .after = 0s});
        rate_limit const pace{{.requests_per_minute = 60, .max_wait = 0s}};
        auto const ask = stack(pace).wrap(p.operation());
        request const r{"a"};
        int sent = 0;
        for (int i = 0; i < 10; ++i) {
            auto c = call::unkeyed();
            if (sim.run(ask.try_call(c, r))) ++sent;
        }
        return sent;
    };
    auto const outside = sent_before_refusal([](rate_limit const& pace) { return pipeline{pace, timeout{30s}}; });
    auto const inside = sent_before_refusal([](rate_limit const& pace) { return pipeline{timeout{30s}, pace}; });
    EXPECT_EQ(inside, 1);
    EXPECT_EQ(outside, inside);
}

TEST(outside_a_layer, what_is_slow_is_the_answer_and_not_our_own_line) {
    simulation sim;
    rated_provider p;  // answers in 1 s
    circuit_breaker const health{{.window = breaker_window::calls(4), .minimum = 4, .slow_after = 5s}};
    rate_limit const pace{{.requests_per_minute = 6, .burst = 1s}};
    guarded<std::string(request const&)> const ask = pipeline{health, timeout{2min}, pace}.wrap(p.operation());
    std::vector<support::caller> all;
    for (int i = 0; i < 6; ++i)
        all.push_back(support::caller::begin(sim.executor(), ask, call::unkeyed(), request{"a"}));
    sim.time.run();
    EXPECT_EQ(health.status().opened, 0U);
}

TEST(outside_a_layer, what_is_slow_is_still_seen) {
    simulation sim;
    circuit_breaker const health{{.window = breaker_window::calls(4), .minimum = 4, .slow_after = 5s}};
    auto const slow = [](int x) -> awaitable<int> {
        co_await sleep_for(6s);
        co_return x;
    };
    auto const ask = pipeline{health, timeout{2min}}.wrap(slow);
    for (int i = 0; i < 4; ++i) {
        auto c = call::unkeyed();
        (void)sim.run(ask.try_call(c, i));
    }
    EXPECT_EQ(health.status().opened, 1U);
}

}  // namespace
}  // namespace outside_a_layer_test
