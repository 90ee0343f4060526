// SPDX-License-Identifier: BSL-1.0
// Handles are copied where they are moved: what was moved from is one of the same thing, and not a trap.
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
#include <coffer/store/memory.hpp>
#include <coffer/testing/chaos.hpp>
#include <coffer/testing/scripted_operation.hpp>

#include <gtest/gtest.h>

#include <chrono>
#include <functional>
#include <string>
#include <type_traits>
#include <utility>

#include "support/simulation.hpp"

namespace handles_test {
namespace {

using namespace coffer;
using namespace coffer::literals;
using namespace std::chrono_literals;
using coffer::testing::scripted_operation;
using support::simulation;
using operation = scripted_operation<int>;

call a_call() { return call{key{"handles", 1}, 1h}; }

/// Two of one: `first` is what `p` was moved to, and `p` is used, printed and assigned to all the same.
template <class Policy>
void moves(Policy p) {
    static_assert(std::is_copy_assignable_v<Policy> && std::is_nothrow_destructible_v<Policy>);
    auto const printed = to_string(pipeline{p});
    Policy first{std::move(p)};
    EXPECT_EQ(to_string(pipeline{p}), printed);  // NOLINT(bugprone-use-after-move): that is what this is about
    EXPECT_EQ(to_string(pipeline{first}), printed);
    simulation sim;
    operation op;
    op.gives(7).times(0);
    auto const ask = pipeline{p}.wrap(describe(op).fingerprint([] { return fingerprint{}; }));
    auto c = a_call();
    EXPECT_EQ(sim.run(ask.try_call(c)), 7) << printed;
    first = std::move(p);
    EXPECT_EQ(to_string(pipeline{p}), to_string(pipeline{first}));
}

TEST(handles, of_policies_may_be_moved_from) {
    moves(retry{});
    moves(circuit_breaker{});
    moves(rate_limit{{.requests_per_minute = 1}});
    moves(bulkhead{{.limit = 1}});
    moves(per_key{by_model{}, [] { return circuit_breaker{}; }});
    moves(timeout{1s, "of a name that does not fit into a short string"});
    moves(coffer::testing::chaos{});
    memory_store const db;
    moves(once{db});
}

TEST(handles, that_wrap_may_be_moved_from) {
    simulation sim;
    operation op;
    op.gives(7).times(0);
    auto const again = [&](auto& ask) {
        auto c = a_call();
        return sim.run(ask.try_call(c));
    };
    guarded<int()> ask = pipeline{retry{}}.wrap(op);
    guarded<int()> to = std::move(ask);
    EXPECT_EQ(again(ask), 7);  // NOLINT(bugprone-use-after-move)
    to = std::move(ask);
    EXPECT_EQ(again(ask), 7);
    EXPECT_EQ(again(to), 7);
    auto whole = pipeline{retry{}}.wrap(op);
    auto const whole_to = std::move(whole);
    EXPECT_EQ(again(whole), 7);  // NOLINT(bugprone-use-after-move)
    EXPECT_EQ(again(whole_to), 7);
}

TEST(handles, of_alternatives_may_be_moved_from) {
    simulation sim;
    operation op;
    op.gives(7).times(0);
    auto const one = pipeline{}.wrap(describe(op).target([] { return target{"one", "m"}; }));
    auto const two = pipeline{}.wrap(describe(op).target([] { return target{"two", "m"}; }));
    fallback either{one, two};
    auto const first = pipeline{}.wrap(std::move(either));
    auto const second = pipeline{}.wrap(either);  // NOLINT(bugprone-use-after-move)
    hedge both{hedge_options{}, one, two};
    auto const third = pipeline{}.wrap(std::move(both));
    auto const fourth = pipeline{}.wrap(both);  // NOLINT(bugprone-use-after-move)
    auto const again = [&](auto const& ask) {
        auto c = a_call();
        return sim.run(ask.try_call(c));
    };
    EXPECT_EQ(again(first), 7);
    EXPECT_EQ(again(second), 7);
    EXPECT_EQ(again(third), 7);
    EXPECT_EQ(again(fourth), 7);
}

TEST(handles, a_quota_that_was_moved_from_still_refuses) {
    retry_quota quota{{.capacity = 1, .per_second = 0.001}};
    retry_quota const taken = std::move(quota);
    simulation sim;
    operation op;
    op.fails(fault_kind::overloaded).times(0);
    auto c = a_call();
    auto const ended = sim.run(pipeline{retry{{.attempts = 5}, quota}}.wrap(op).try_call(c));  // NOLINT
    EXPECT_EQ(ended.error().stop(), stop_reason::quota_spent);
    EXPECT_EQ(taken.look(sim.time.now()).taken, 1U);
}

TEST(handles, a_budget_may_be_moved_from) {
    in_memory_ledger const money;
    budget limit{money, {.scope = "tenant", .limit = 1_usd}};
    auto const first = std::move(limit);
    EXPECT_EQ(to_string(pipeline{limit}), to_string(pipeline{first}));  // NOLINT(bugprone-use-after-move)
}

}  // namespace
}  // namespace handles_test
