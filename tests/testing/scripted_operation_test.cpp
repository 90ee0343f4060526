// SPDX-License-Identifier: BSL-1.0
#include <coffer/testing/scripted_operation.hpp>

#include <coffer/call/pipeline.hpp>
#include <coffer/policy/retry.hpp>

#include "support/simulation.hpp"

#include <gtest/gtest.h>

#include <asio/thread_pool.hpp>

#include <memory>
#include <stdexcept>
#include <string>

namespace scripted_operation_test {
namespace {

using namespace coffer;
using namespace coffer::literals;
using namespace std::chrono_literals;
using coffer::testing::scripted_operation;
using support::simulation;

call a_call(duration deadline = 1h) { return call{key{"test", 1}, deadline}; }

TEST(scripted_operation, plays_its_script_and_counts_what_was_sent_and_billed) {
    simulation sim;
    scripted_operation<std::string> provider;
    provider.fails(fault_kind::overloaded).after(2s);
    provider.fails(fault_kind::ambiguous).costing(0.02_usd);
    provider.gives("hello").after(20s).costing(0.01_usd);
    auto const ask = pipeline{retry{{.max_sends = 3}}}.wrap(provider);
    auto c = a_call();
    EXPECT_EQ(sim.run(ask(c, 1)), "hello");
    EXPECT_EQ(provider.sends(), 3);
    EXPECT_EQ(provider.bills(), 2);
    EXPECT_EQ(provider.billed_amount(), 0.03_usd);
    EXPECT_TRUE(provider.finished());
    EXPECT_EQ(c.cost(), 0.03_usd) << "reported to the attempts";
    EXPECT_EQ(c.log()[0].duration, 2s);
    EXPECT_EQ(c.log()[2].duration, 20s);
    auto const seen = provider.seen();
    for (std::size_t i = 0; i < seen.size(); ++i) {
        EXPECT_EQ(seen[i].attempt, static_cast<int>(i) + 1);
        EXPECT_EQ(seen[i].provider_key, seen[0].provider_key);
        EXPECT_TRUE(seen[i].ended);
    }
}

TEST(scripted_operation, a_send_beyond_the_script_fails_the_test) {
    simulation sim;
    scripted_operation<int> provider;
    provider.fails(fault_kind::throttled);
    auto const ask = pipeline{retry{}}.wrap(provider);
    auto c = a_call();
    EXPECT_THROW(sim.run(ask.try_call(c)), misuse);
    EXPECT_EQ(provider.sends(), 1);
    EXPECT_THROW(scripted_operation<int>{}.after(1s), misuse);
}

TEST(scripted_operation, repeats_a_step_or_plays_it_for_ever) {
    simulation sim;
    scripted_operation<int> provider;
    provider.gives(1).times(2).gives(2).times(0);
    auto const ask = pipeline{}.wrap(provider);
    auto c = a_call();
    std::vector<int> got;
    for (int i = 0; i < 5; ++i) got.push_back(sim.run(ask(c)));
    EXPECT_EQ(got, (std::vector{1, 1, 2, 2, 2}));
    EXPECT_TRUE(provider.finished());
}

TEST(scripted_operation, throws_what_it_is_told_to) {
    simulation sim;
    scripted_operation<int> provider;
    provider.throws(std::runtime_error{"broken"});
    auto c = a_call();
    auto const result = sim.run(pipeline{}.wrap(provider).try_call(c));
    EXPECT_EQ(result.error().kind(), fault_kind::permanent);
    EXPECT_EQ(result.error().message(), "broken");
    EXPECT_EQ(provider.bills(), 1);
}

TEST(scripted_operation, ends_at_the_attempts_deadline_unless_it_is_stubborn) {
    simulation sim;
    scripted_operation<int> provider;
    provider.never();
    provider.gives(1).after(10min).stubborn();
    auto const ask = pipeline{}.wrap(provider);
    auto c = a_call(1min);
    auto const begin = sim.time.now();
    EXPECT_EQ(sim.run(ask.try_call(c)).error().kind(), fault_kind::timed_out);
    EXPECT_EQ(sim.time.now(), begin + 1min);
    EXPECT_EQ(sim.run(ask.try_call(c)), 1);
    EXPECT_EQ(sim.time.now(), begin + 11min);
}

TEST(scripted_operation, cancelled_it_is_billed_all_the_same) {
    simulation sim;
    scripted_operation<int> provider;
    provider.never();
    auto const ask = pipeline{}.wrap(provider);
    auto c = a_call();
    auto const r = sim.start(ask.try_call(c));
    sim.time.run_for(1s);
    EXPECT_EQ(provider.in_flight(), 1);
    r.cancel();
    sim.time.run();
    EXPECT_EQ(r.get().error().kind(), fault_kind::cancelled);
    EXPECT_EQ(provider.in_flight(), 0);
    EXPECT_EQ(provider.bills(), 1);
    EXPECT_TRUE(provider.seen()[0].cancelled);
}

TEST(scripted_operation, bills_what_a_fault_admits_or_the_script_says) {
    simulation sim;
    scripted_operation<int> provider;
    provider.fails(fault_kind::throttled);                                             // no
    provider.fails(fault_kind::ambiguous);                                             // maybe: yes
    provider.fails(fault_kind::ambiguous).billed(false).costing(1_usd);                // the script knows better
    provider.fails(fault{fault_kind::throttled}.with_billing(knowledge::yes));         // yes
    auto const ask = pipeline{}.wrap(provider);
    auto c = a_call();
    std::vector<int> bills;
    for (int i = 0; i < 4; ++i) {
        (void)sim.run(ask.try_call(c));
        bills.push_back(provider.bills());
    }
    EXPECT_EQ(bills, (std::vector{0, 1, 1, 2}));
    EXPECT_EQ(provider.billed_amount(), money{});
}

TEST(scripted_operation, results_may_be_nothing_or_only_movable) {
    simulation sim;
    scripted_operation<void> nothing;
    nothing.succeeds().after(1s);
    auto c = a_call();
    EXPECT_NO_THROW(sim.run(pipeline{}.wrap(nothing)(c)));
    scripted_operation<std::unique_ptr<int>> unique;
    unique.gives(std::make_unique<int>(5));
    EXPECT_EQ(*sim.run(pipeline{}.wrap(unique)(c)), 5);
}

TEST(scripted_operation, counts_from_many_threads) {
    scripted_operation<int> provider;
    provider.gives(1).times(0);
    auto const ask = pipeline{}.wrap(provider);
    asio::thread_pool pool{4};
    auto const many = [](auto wrapped) -> awaitable<void> {
        for (int i = 0; i < 50; ++i) {
            call c{key{"test", i}};
            co_await wrapped(c);
        }
    };
    for (int i = 0; i < 8; ++i) asio::co_spawn(pool, many(ask), asio::detached);
    pool.join();
    EXPECT_EQ(provider.sends(), 400);
    EXPECT_EQ(provider.in_flight(), 0);
    EXPECT_GE(provider.most_in_flight(), 1);
}

}  // namespace
}  // namespace scripted_operation_test
