// SPDX-License-Identifier: BSL-1.0
// What a whole process retries, in virtual time.
#include <coffer/call/pipeline.hpp>
#include <coffer/policy/circuit_breaker.hpp>
#include <coffer/policy/retry.hpp>
#include <coffer/testing/scripted_operation.hpp>

#include "support/simulation.hpp"

#include <gtest/gtest.h>

#include <asio/co_spawn.hpp>
#include <asio/detached.hpp>

#include <chrono>
#include <stdexcept>
#include <thread>
#include <utility>
#include <vector>

namespace retry_quota_test {
namespace {

using namespace coffer;
using namespace std::chrono_literals;
using coffer::testing::scripted_operation;
using support::simulation;

/// A service of which calls are made at a steady pace, and what became of them.
struct service {
    simulation sim;
    scripted_operation<int> provider;
    retry policy;
    int calls = 0;
    int answered = 0;
    std::vector<fault> faults;

    explicit service(retry p) : policy{std::move(p)} {}

    void begin_one() {
        ++calls;
        asio::co_spawn(sim.executor(), one(this), asio::detached);
    }
    void run_for(duration length, duration pace) {
        for (duration t{}; t < length; t += pace) {
            begin_one();
            sim.time.run_for(pace);
        }
        sim.time.run();
    }
    static awaitable<void> one(service* s) {
        call c{call::unkeyed(1min)};
        auto const ask = pipeline{s->policy}.wrap(s->provider);
        auto const r = co_await ask.try_call(c);
        if (r) ++s->answered;
        else s->faults.push_back(r.error());
    }
    [[nodiscard]] double amplification() const {
        return static_cast<double>(provider.sends()) / static_cast<double>(calls);
    }
};

TEST(retry_quota, keeps_an_outage_from_being_met_with_more_traffic) {
    for (auto const pace : {500ms, 100ms}) {
        service s{retry{}};
        s.provider.fails(fault_kind::overloaded).times(0);
        s.run_for(10min, pace);
        EXPECT_LE(s.amplification(), 1.2);
        EXPECT_GT(s.amplification(), 1.01) << "it retries as much as it may";
        EXPECT_EQ(s.faults.back().kind(), fault_kind::overloaded) << "the real fault";
        EXPECT_EQ(s.faults.back().stop(), stop_reason::quota_spent);
    }
    service unbounded{retry{{}, retry_quota::unlimited()}};
    unbounded.provider.fails(fault_kind::overloaded).times(0);
    unbounded.run_for(10min, 500ms);
    EXPECT_EQ(unbounded.amplification(), 4) << "so it would be without";
}

TEST(retry_quota, is_there_again_when_the_outage_is_over) {
    service s{retry{}};
    s.provider.fails(fault_kind::overloaded).times(2000).gives(7).times(0);
    s.run_for(15min, 500ms);
    EXPECT_EQ(s.calls - s.answered, static_cast<int>(s.faults.size()));
    scripted_operation<int> hiccup;
    hiccup.fails(fault_kind::overloaded).times(3).gives(7).times(0);
    s.provider = hiccup;
    auto const before = s.answered;
    s.run_for(1min, 500ms);
    EXPECT_EQ(s.answered - before, 120) << "nobody has noticed it";
}

TEST(retry_quota, is_not_felt_by_a_traffic_that_mostly_succeeds) {
    service s{retry{}};
    for (int i = 0; i < 600; ++i) s.provider.fails(fault_kind::overloaded).gives(7).times(6);
    s.provider.gives(7).times(0);
    s.run_for(10min, 200ms);
    EXPECT_EQ(s.answered, 3000);
}

TEST(retry_quota, is_taken_before_the_sleep) {
    retry_quota const quota{{.capacity = 1, .per_second = 0.001}};
    service s{retry{{.schedule = backoff::fixed(10s)}, quota}};
    s.provider.fails(fault_kind::overloaded).times(0);
    s.begin_one();
    s.sim.time.run_for(1s);
    EXPECT_LT(quota.look(s.sim.time.now()).left, 1) << "while the first still sleeps";
    s.begin_one();
    s.sim.time.run_for(1s);
    ASSERT_EQ(s.faults.size(), 1U);
    EXPECT_EQ(s.faults[0].stop(), stop_reason::quota_spent);
    s.sim.time.run();
    EXPECT_EQ(quota.look(s.sim.time.now()).taken, 1U);
    EXPECT_EQ(quota.look(s.sim.time.now()).refused, 2U);
}

TEST(retry_quota, is_shared_where_it_is_given_and_apart_where_it_is_not) {
    simulation sim;
    auto const spend = [&](retry const& p) {
        scripted_operation<int> op;
        op.fails(fault_kind::overloaded).gives(7);
        call c{call::unkeyed(1h)};
        return sim.run(pipeline{p}.wrap(op).try_call(c));
    };
    retry_quota const one{{.capacity = 1, .per_second = 1e-6}};
    EXPECT_EQ(spend(retry{{}, one}), 7);
    EXPECT_EQ(spend(retry{{.attempts = 2}, one}).error().stop(), stop_reason::quota_spent);
    EXPECT_EQ(spend(retry{}), 7);
    retry const own{{}, retry_quota{{.capacity = 1, .per_second = 1e-6}}};
    retry const copy = own;
    EXPECT_EQ(spend(own), 7);
    EXPECT_EQ(spend(copy).error().stop(), stop_reason::quota_spent);
}

TEST(retry_quota, nothing_is_taken_for_what_is_not_tried_again) {
    retry_quota const quota;
    simulation sim;
    for (auto const kind : {fault_kind::invalid_request, fault_kind::quota_exhausted}) {
        scripted_operation<int> op;
        op.fails(kind);
        call c{call::unkeyed(1h)};
        (void)sim.run(pipeline{retry{{}, quota}}.wrap(op).try_call(c));
    }
    EXPECT_EQ(quota.look(sim.time.now()).taken, 0U);
}

TEST(retry_quota, goes_by_one_clock) {
    retry const policy;
    simulation first, second;
    scripted_operation<int> op;
    op.gives(7).times(0);
    call a{call::unkeyed(1h)}, b{call::unkeyed(1h)};
    EXPECT_EQ(first.run(pipeline{policy}.wrap(op).try_call(a)), 7);
    EXPECT_THROW((void)second.run(pipeline{policy}.wrap(op).try_call(b)), std::logic_error);
}

TEST(retry_quota, is_used_from_many_threads) {
    retry_quota const quota{{.capacity = 1000, .per_second = 0.001, .per_success = 0.1}};
    auto const now = std::chrono::steady_clock::now();
    auto const use = [&] {
        for (int i = 0; i < 2000; ++i) {
            (void)quota.withdraw(now);
            quota.succeeded(now);
        }
    };
    std::thread other{use};
    use();
    other.join();
    auto const s = quota.look(now);
    EXPECT_EQ(s.taken + s.refused, 4000U);
    EXPECT_GE(s.taken, 1000U);
    EXPECT_LE(s.taken, 1400U) << "what was saved up, and a tenth for each success";
}

// What was not sent has cost nothing ------------------------------------------------------------------------------------

constexpr retry_quota_options ten{.capacity = 10, .per_second = 0.0001, .per_success = 0};

TEST(retry_quota, gets_back_what_callers_have_taken_who_leave_before_their_retry) {
    simulation sim;
    retry_quota const quota{ten};
    scripted_operation<int> op;
    op.fails(fault_kind::overloaded).times(10).fails(fault_kind::overloaded).gives(7);
    auto const ask = pipeline{retry{{.schedule = backoff::fixed(1min)}, quota}}.wrap(op);
    for (int i = 0; i < 10; ++i) {
        auto c = call::unkeyed();
        auto const running = sim.start(ask.try_call(c));
        sim.cancel_after(1s, running);
        sim.time.run();
        EXPECT_EQ(running.get().error().kind(), fault_kind::cancelled);
    }
    EXPECT_EQ(op.sends(), 10);
    auto c = call::unkeyed();
    EXPECT_EQ(sim.run(ask.try_call(c)).value(), 7);
}

TEST(retry_quota, gets_back_what_was_taken_for_attempts_that_a_breaker_refused) {
    simulation sim;
    retry_quota const quota{ten};
    scripted_operation<int> op;
    op.fails(fault_kind::overloaded).times(0);
    for (int i = 0; i < 10; ++i) {
        circuit_breaker const health{{.in_a_row = 1}};
        auto const ask = pipeline{retry{{.schedule = backoff::fixed(1s)}, quota}, health}.wrap(op);
        auto c = call::unkeyed();
        (void)sim.run(ask.try_call(c));
    }
    EXPECT_EQ(op.sends(), 10);
    EXPECT_EQ(quota.look(sim.service().clock()->now()).taken, 0U);
}

TEST(retry_quota, is_not_changed_by_who_looks_at_it) {
    time_point const now{1h};
    retry_quota const quota{{.capacity = 10, .per_second = 0.01, .per_success = 0}};
    for (int i = 0; i < 10; ++i) EXPECT_TRUE(quota.withdraw(now));
    EXPECT_GT(quota.look(now + 10min).left, 1) << "there will be";
    EXPECT_FALSE(quota.withdraw(now)) << "there is not yet";
    EXPECT_GT(retry_quota::unlimited().look(now).left, 1e9);
}

}  // namespace
}  // namespace retry_quota_test
