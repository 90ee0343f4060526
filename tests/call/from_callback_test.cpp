// SPDX-License-Identifier: BSL-1.0
// Functions with a callback as operations: who may answer, when, from where, and what is left if nobody does.
#include <coffer/call/from_callback.hpp>
#include <coffer/call/guarded.hpp>
#include <coffer/call/pipeline.hpp>
#include <coffer/policy/once.hpp>
#include <coffer/policy/retry.hpp>
#include <coffer/store/memory.hpp>

#include "support/simulation.hpp"

#include <asio/io_context.hpp>

#include <gtest/gtest.h>

#include <atomic>
#include <memory>
#include <stdexcept>
#include <string>
#include <system_error>
#include <thread>
#include <vector>

namespace from_callback_test {
namespace {

using namespace coffer;
using namespace std::chrono_literals;

struct question {
    explicit question(std::string t) : text{std::move(t)} {}
    std::string text;
};

/// A library that answers when it is told to.
struct library {
    struct asked {
        std::string const* text;  // not copied: it lives as long as the callback
        callback<std::string> done;
    };
    std::vector<asked> open;
    int stopped = 0;

    auto operation() {
        return from_callback<std::string>([this](question const& q, callback<std::string> const& done) {
            done.on_stop([this] { ++stopped; });
            open.push_back({&q.text, done});
        });
    }
    void answer_all() {
        for (auto const& a : std::exchange(open, {})) a.done("answer to " + *a.text);
    }
};

class callbacks : public ::testing::Test {
protected:
    support::simulation sim;
    library lib;
    call c{key{"test", 1}, 1h};
    question const q{"why"};
};

TEST_F(callbacks, a_later_answer_is_the_calls) {
    auto const ask = pipeline{}.wrap(lib.operation());
    auto const running = sim.start(ask.try_call(c, q));
    sim.io.poll();
    ASSERT_EQ(lib.open.size(), 1U);
    EXPECT_FALSE(running.over());
    lib.answer_all();
    sim.time.run();
    EXPECT_EQ(running.get().value(), "answer to why");
    EXPECT_EQ(lib.stopped, 0);
    EXPECT_EQ(c.log().size(), 1U);
}

TEST_F(callbacks, an_answer_at_once_is_the_calls) {
    auto const at_once = from_callback<int>([](int x, callback<int> const& done) {
        EXPECT_TRUE(done(x + 1));
        EXPECT_FALSE(done(x + 2)) << "the first one counts";
    });
    auto const got = sim.run(pipeline{}.wrap(at_once).try_call(c, 1));
    EXPECT_EQ(got.value(), 2);
}

TEST_F(callbacks, nothing_to_tell_is_an_answer_too) {
    auto const signal = from_callback<void>([](callback<void> const& done) { done(); });
    EXPECT_TRUE(sim.run(pipeline{}.wrap(signal).try_call(c)));
}

TEST_F(callbacks, a_fault_and_an_exception_are_understood) {
    auto const throttles = from_callback<int>([](callback<int> const& done) { done(fault{fault_kind::throttled}); });
    EXPECT_EQ(sim.run(pipeline{}.wrap(throttles).try_call(c)).error().kind(), fault_kind::throttled);

    auto const refused = from_callback<int>([](callback<int> const& done) {
        done.fail(std::make_exception_ptr(coffer::detail::asio_system_error{asio::error::connection_refused}));
    });
    EXPECT_EQ(sim.run(pipeline{}.wrap(refused).try_call(c)).error().kind(), fault_kind::not_sent);

    auto const throws = from_callback<int>([](callback<int> const&) { throw std::runtime_error{"no such model"}; });
    auto const got = sim.run(pipeline{}.wrap(throws).try_call(c));
    EXPECT_EQ(got.error().kind(), fault_kind::permanent);
    EXPECT_EQ(got.error().message(), "no such model");
}

TEST_F(callbacks, a_callback_that_is_dropped_ends_the_attempt_and_nothing_is_known_of_it) {
    auto const ask = pipeline{}.wrap(lib.operation());
    auto const running = sim.start(ask.try_call(c, q));
    sim.io.poll();
    lib.open.clear();
    sim.time.run();
    auto const got = running.get();
    EXPECT_EQ(got.error().kind(), fault_kind::aborted);
    EXPECT_EQ(got.error().billing(), knowledge::maybe);
    EXPECT_EQ(got.error().execution(), knowledge::maybe);
}

TEST_F(callbacks, an_attempt_whose_time_is_over_is_stopped_and_its_late_answer_is_dropped) {
    auto const ask = pipeline{retry{{.attempts = 1, .attempt_timeout = 30s}}}.wrap(lib.operation());
    auto const began = sim.time.now();
    auto const got = sim.run(ask.try_call(c, q));
    EXPECT_EQ(got.error().kind(), fault_kind::timed_out);
    EXPECT_EQ(got.error().billing(), knowledge::maybe);
    EXPECT_EQ(sim.time.now() - began, 30s);
    EXPECT_EQ(lib.stopped, 1);
    ASSERT_EQ(lib.open.size(), 1U);
    EXPECT_EQ(*lib.open.front().text, "why") << "its arguments are still there";
    lib.open.front().done.on_stop([this] { lib.stopped += 10; });
    EXPECT_EQ(lib.stopped, 11) << "who asks later is told at once";
    lib.answer_all();
    sim.time.run();
}

TEST_F(callbacks, a_caller_who_leaves_stops_it) {
    auto const ask = pipeline{}.wrap(lib.operation());
    auto const running = sim.start(ask.try_call(c, q));
    sim.io.poll();
    running.cancel();
    sim.time.run();
    EXPECT_EQ(running.get().error().kind(), fault_kind::cancelled);
    EXPECT_EQ(running.get().error().billing(), knowledge::maybe);
    EXPECT_EQ(lib.stopped, 1);
}

TEST_F(callbacks, what_stops_it_may_throw_and_may_answer) {
    auto const odd = from_callback<int>([](callback<int> const& done) {
        done.on_stop([weak = std::make_shared<callback<int>>(done)] {
            EXPECT_TRUE((*weak)(7)) << "nobody is told";
            throw std::runtime_error{"not your business"};
        });
    });
    auto const running = sim.start(pipeline{}.wrap(odd).try_call(c));
    sim.io.poll();
    running.cancel();
    sim.time.run();
    EXPECT_EQ(running.get().error().kind(), fault_kind::cancelled);
}

TEST_F(callbacks, it_is_told_what_the_attempt_is) {
    std::vector<std::string> keys;
    std::vector<int> numbers;
    auto const told = from_callback<int>([&](send_terms const& terms, callback<int> const& done) {
        keys.push_back(terms.provider_key());
        numbers.push_back(terms.number());
        EXPECT_EQ(terms.timeout(), 30s);
        EXPECT_FALSE(terms.stop_requested());
        done(fault{fault_kind::overloaded});
    });
    (void)sim.run(pipeline{retry{{.attempts = 2, .attempt_timeout = 30s}}}.wrap(told).try_call(c));
    EXPECT_EQ(numbers, (std::vector{1, 2}));
    ASSERT_EQ(keys.size(), 2U);
    EXPECT_FALSE(keys[0].empty());
    EXPECT_EQ(keys[0], keys[1]);
}

TEST_F(callbacks, under_a_journal_its_answer_is_kept) {
    memory_store const db;
    auto const described = describe(lib.operation()).fingerprint([](question const& asked) {
        return fingerprint{}.with("text", asked.text);
    });
    auto const ask = pipeline{once{db}}.wrap(described);
    auto const first = sim.start(ask.try_call(c, q));
    sim.io.poll();
    lib.answer_all();
    sim.time.run();
    EXPECT_EQ(first.get().value(), "answer to why");
    EXPECT_EQ(sim.run(ask.try_call(c, q)).value(), "answer to why");
    EXPECT_EQ(c.origin(), answer_origin::replayed);
    EXPECT_TRUE(lib.open.empty());
}

TEST(callbacks_of_other_threads, find_the_caller) {
    asio::io_context io;
    auto const ask = pipeline{}.wrap(from_callback<int>(
        [](int x, callback<int> done) { std::thread{[x, done = std::move(done)] { done(x * 2); }}.detach(); }));
    std::atomic<int> sum{0};
    auto const work = [&](int x) -> awaitable<void> {
        auto own = call::unkeyed(1min);
        auto const got = co_await ask.try_call(own, x);
        sum += got.value();
    };
    for (int i = 0; i < 50; ++i) asio::co_spawn(io, work(i), asio::detached);
    std::vector<std::thread> threads;
    for (int i = 0; i < 3; ++i) threads.emplace_back([&io] { io.run(); });
    for (auto& t : threads) t.join();
    EXPECT_EQ(sum, 49 * 50);
}

TEST(callbacks_of_other_threads, race_with_callers_who_leave) {
    std::atomic<int> ended{0};
    std::atomic<int> answered{0};
    for (int round = 0; round < 200; ++round) {
        asio::io_context io;
        std::vector<std::thread> answers;
        auto const ask = pipeline{}.wrap(from_callback<int>([&](callback<int> const& done) {
            done.on_stop([] {});
            answers.emplace_back([done] { done(1); });
        }));
        asio::cancellation_signal leave;
        auto const work = [&]() -> awaitable<void> {
            auto own = call::unkeyed(1min);
            auto const got = co_await ask.try_call(own);
            if (got) ++answered;
            ++ended;
        };
        asio::co_spawn(io, work(), asio::bind_cancellation_slot(leave.slot(), asio::detached));
        asio::post(io, [&leave] { leave.emit(asio::cancellation_type::terminal); });
        io.run();
        for (auto& t : answers) t.join();
    }
    EXPECT_EQ(ended, 200);
    EXPECT_LE(answered, 200);
}

}  // namespace
}  // namespace from_callback_test
