// SPDX-License-Identifier: BSL-1.0
// A process that is about to end: nothing more is sent, nothing that was paid is lost, and nobody waits for ever.

#include <coffer/call/pipeline.hpp>
#include <coffer/policy/once.hpp>
#include <coffer/policy/retry.hpp>
#include <coffer/store/drain.hpp>
#include <coffer/store/drain_on_signal.hpp>
#include <coffer/store/memory.hpp>

#include <gtest/gtest.h>

#include <asio/io_context.hpp>

#include <signal.h>

#include <memory>
#include <optional>
#include <string>
#include <utility>

#include "policy/support/contexts.hpp"
#include "policy/support/door.hpp"
#include "policy/support/provider.hpp"
#include "policy/support/scripted_store.hpp"

namespace drain_test {
namespace {

using namespace std::chrono_literals;
using coffer::fault_kind;
using coffer::record_state;
using support::caller;
using support::request;

struct drain_test : testing::Test {
    support::contexts world{2};
    coffer::memory_store db;
    support::provider provider;
    support::door door;

    struct draining {
        std::optional<coffer::drain_report> report;
        coffer::time_point at{};
        asio::cancellation_signal leave;
    };

    support::guarded ask(coffer::retry_options r = {.attempts = 1}) {
        return coffer::pipeline{coffer::once{db}, coffer::retry{r}, door}.wrap(provider.operation());
    }
    caller begin(std::string name = "k", coffer::retry_options r = {.attempts = 1}) {
        return caller::begin(world.executor(0), ask(r), coffer::call{coffer::key{"test", name}}, request{});
    }
    static coffer::awaitable<void> run(coffer::store s, coffer::duration within, std::shared_ptr<draining> result) {
        auto const executor = co_await asio::this_coro::executor;
        result->report = co_await coffer::drain(std::move(s), within);
        result->at = coffer::clock_service::of(executor).clock()->now();
    }
    std::shared_ptr<draining> drain(coffer::duration within = 30s) { return drain(db, within); }
    std::shared_ptr<draining> drain(coffer::store const& s, coffer::duration within) {
        auto result = std::make_shared<draining>();
        asio::co_spawn(world.executor(1), run(s, within, result),
                       asio::bind_cancellation_slot(result->leave.slot(), [result](std::exception_ptr) {}));
        return result;
    }
    record_state state(std::string const& name = "k") {
        auto const r = **db.backend()->peek(db.backend()->id_of(coffer::key{"test", name})).get();
        return r ? r->state : record_state::free;
    }
};

TEST_F(drain_test, of_a_store_at_rest_is_over_at_once) {
    auto const drained = drain();
    world.run_ready();
    ASSERT_TRUE(drained->report);
    EXPECT_TRUE(drained->report->clean());
}

TEST_F(drain_test, admits_nothing) {
    (void)drain();
    world.run_ready();
    auto const late = begin();
    world.run();
    ASSERT_TRUE(late->failed(fault_kind::draining)) << late->text();
    EXPECT_EQ(late->why().billing(), coffer::knowledge::no);
    EXPECT_EQ(provider.count(), 0);
    EXPECT_EQ(state(), record_state::free);
}

TEST_F(drain_test, finishes_and_stores_what_was_sent) {
    provider.answer("hello", 10s);
    auto const asked = begin();
    world.run_for(1s);
    auto const start = world.now();
    auto const drained = drain();
    world.run();
    EXPECT_EQ(asked->text(), "hello");
    ASSERT_TRUE(drained->report);
    EXPECT_TRUE(drained->report->clean());
    EXPECT_EQ(drained->at - start, 9s) << "no longer than needed";
    EXPECT_EQ(state(), record_state::done);
}

TEST_F(drain_test, gives_up_what_was_not_sent) {
    door.shut();
    auto const asked = begin();
    world.run_for(1s);
    auto const start = world.now();
    auto const drained = drain();
    world.run();
    ASSERT_TRUE(asked->failed(fault_kind::draining)) << asked->text();
    EXPECT_EQ(asked->why().billing(), coffer::knowledge::no);
    EXPECT_EQ(drained->at, start);
    EXPECT_EQ(provider.count(), 0);
    EXPECT_EQ(state(), record_state::free) << "another process may take it";
}

TEST_F(drain_test, gives_up_what_is_being_claimed) {
    support::scripted_store const slow{db, world.executor(0)};
    slow.always(support::op::claim, support::treatment::kind::carried_out, 1s);
    auto const ask = coffer::pipeline{coffer::once{slow}}.wrap(provider.operation());
    auto const asked =
        caller::begin(world.executor(0), ask, coffer::call{coffer::key{"test", std::string{"k"}}}, request{});
    world.run_ready();
    auto const drained = drain(slow, 30s);
    world.run();
    ASSERT_TRUE(asked->failed(fault_kind::draining)) << asked->text();
    EXPECT_EQ(asked->why().billing(), coffer::knowledge::no);
    EXPECT_EQ(provider.count(), 0);
    EXPECT_TRUE(drained->report->clean());
    EXPECT_EQ(state(), record_state::free) << "another process may take it";
}

TEST_F(drain_test, does_not_send_again) {
    provider.fail(fault_kind::ambiguous, 5s).answer("never");
    auto const asked = begin("k", {.attempts = 4});
    world.run_for(1s);
    auto const drained = drain();
    world.run();
    ASSERT_TRUE(asked->failed(fault_kind::draining)) << asked->text();
    EXPECT_EQ(asked->why().billing(), coffer::knowledge::maybe) << "its first send";
    EXPECT_EQ(provider.count(), 1);
    EXPECT_TRUE(drained->report->clean());
    EXPECT_EQ(state(), record_state::unknown);
}

TEST_F(drain_test, ends_a_sleep_between_attempts) {
    provider.fail(fault_kind::ambiguous, 0s).answer("never");
    auto const asked = begin("k", {.attempts = 4});
    world.run_for(1s);
    auto const start = world.now();
    auto const drained = drain();
    world.run();
    EXPECT_TRUE(asked->failed(fault_kind::draining)) << asked->text();
    EXPECT_EQ(drained->at, start);
}

TEST_F(drain_test, says_what_it_did_not_live_to_see) {
    provider.answer("slow", 1min).answer("quick", 5s);
    (void)begin("slow");
    world.run_ready();
    (void)begin("quick");
    world.run_for(1s);
    auto const start = world.now();
    auto const drained = drain();
    world.run_for(31s);
    ASSERT_TRUE(drained->report);
    EXPECT_EQ(drained->at - start, 30s);
    ASSERT_EQ(drained->report->sending.size(), 1U);
    EXPECT_EQ(drained->report->sending[0], db.backend()->id_of(coffer::key{"test", "slow"}));
    world.run();
    EXPECT_EQ(state("slow"), record_state::done) << "nothing was cut off";
}

TEST_F(drain_test, who_comes_to_a_send_that_is_under_way_gets_its_answer) {
    provider.answer("hello", 10s);
    (void)begin();
    world.run_for(1s);
    (void)drain();
    world.run_ready();
    auto const joined = begin();
    world.run();
    EXPECT_EQ(joined->text(), "hello");
    EXPECT_EQ(provider.count(), 1);
}

TEST_F(drain_test, may_be_left_and_stays_closed) {
    provider.answer("hello", 10s);
    auto const asked = begin();
    world.run_for(1s);
    auto const drained = drain();
    world.run_ready();
    drained->leave.emit(asio::cancellation_type::terminal);
    world.run_ready();
    ASSERT_TRUE(drained->report);
    EXPECT_EQ(drained->report->sending.size(), 1U);
    auto const other = begin("other");
    world.run();
    EXPECT_EQ(asked->text(), "hello");
    EXPECT_TRUE(other->failed(fault_kind::draining)) << other->text();
    EXPECT_EQ(provider.count(), 1);
}

TEST_F(drain_test, a_context_that_goes_meanwhile_moves_nothing_elsewhere) {
    provider.answer("never", 10s).answer("never");
    (void)begin();
    world.run_ready();
    auto const second = caller::begin(world.executor(1), ask(), coffer::call{coffer::key{"test", "k"}}, request{});
    world.run_for(1s);
    (void)drain();
    world.run_ready();
    world.destroy(0);
    world.run();
    ASSERT_TRUE(second->failed(fault_kind::draining)) << second->text();
    EXPECT_EQ(second->why().billing(), coffer::knowledge::maybe);
    EXPECT_EQ(provider.count(), 1);
}

// Signals ----------------------------------------------------------------------------------------------------------------

/// In real time, in a context of its own.
struct drain_on_signal_test : testing::Test {
    asio::io_context io;
    coffer::memory_store db;
    support::provider provider;
    std::optional<coffer::drain_report> report;

    asio::cancellation_signal leave;

    void wait_for_signals(coffer::duration within) {
        auto const ended = [this](std::exception_ptr e, coffer::drain_report r) {
            if (e) std::rethrow_exception(e);
            report = std::move(r);
            io.stop();
        };
        asio::co_spawn(io, coffer::drain_on_signal(db, within), asio::bind_cancellation_slot(leave.slot(), ended));
        io.poll();
        ASSERT_FALSE(report);
    }
    caller begin() {
        auto const ask = coffer::pipeline{coffer::once{db}}.wrap(provider.operation());
        return caller::begin(io.get_executor(), ask, coffer::call{coffer::key{"test", "k"}}, request{});
    }
};

TEST_F(drain_on_signal_test, a_signal_drains) {
    provider.answer("hello", 50ms);
    wait_for_signals(30s);
    auto const asked = begin();
    io.poll();
    ::raise(SIGTERM);
    io.run();
    ASSERT_TRUE(report);
    EXPECT_TRUE(report->clean());
    EXPECT_EQ(asked->text(), "hello");
}

TEST_F(drain_on_signal_test, a_second_one_ends_the_waiting) {
    provider.answer("never", 1h);
    wait_for_signals(1h);
    (void)begin();
    io.poll();
    ::raise(SIGINT);
    while (!db.backend()->flights().closed()) io.run_one();
    ::raise(SIGINT);
    io.run();
    ASSERT_TRUE(report);
    EXPECT_EQ(report->sending.size(), 1U);
}

TEST_F(drain_on_signal_test, who_stops_waiting_is_told_what_is_left) {
    provider.answer("never", 1h);
    wait_for_signals(1h);
    (void)begin();
    io.poll();
    ::raise(SIGINT);
    while (!db.backend()->flights().closed()) io.run_one();
    leave.emit(asio::cancellation_type::terminal);
    io.run();
    ASSERT_TRUE(report);
    EXPECT_FALSE(report->clean());
    EXPECT_EQ(report->sending.size(), 1U);
}

}  // namespace
}  // namespace drain_test
