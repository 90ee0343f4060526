// SPDX-License-Identifier: BSL-1.0
// One bulkhead, several threads and contexts, in real time.
#include <coffer/call/pipeline.hpp>
#include <coffer/policy/bulkhead.hpp>

#include <gtest/gtest.h>

#include <asio/thread_pool.hpp>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <memory>
#include <string>
#include <vector>

#include "policy/support/rated.hpp"

namespace bulkhead_threads_test {
namespace {

using namespace coffer;
using namespace std::chrono_literals;
using support::guarded;
using support::request;

/// An operation that knows how many of it are under way.
class counted_operation {
    struct state {
        std::atomic<int> in{0}, most{0}, times{0};
    };
    class inside {
    public:
        explicit inside(state& s) noexcept : state_{s} {
            auto const now = ++state_.in;
            auto seen = state_.most.load();
            while (seen < now && !state_.most.compare_exchange_weak(seen, now)) {
            }
            ++state_.times;
        }
        inside(inside const&) = delete;
        inside& operator=(inside const&) = delete;
        ~inside() { --state_.in; }

    private:
        state& state_;
    };

public:
    [[nodiscard]] int most() const { return state_->most; }
    [[nodiscard]] int times() const { return state_->times; }
    [[nodiscard]] int in() const { return state_->in; }

    coffer::awaitable<outcome<std::string>> operator()(request const& r) const { return run(state_, r.prompt); }

private:
    static coffer::awaitable<outcome<std::string>> run(std::shared_ptr<state> s, std::string prompt) {
        inside const here{*s};
        if (prompt != "quick") (void)co_await sleep_for(prompt == "slow" ? 500us : 50us);
        if (prompt == "fails") co_return failed(fault_kind::overloaded);
        co_return prompt;
    }
    std::shared_ptr<state> state_ = std::make_shared<state>();
};

struct tally {
    std::atomic<int> ok{0}, refused{0}, cancelled{0}, overloaded{0}, other{0};

    void add(outcome<std::string> const& result) {
        if (result) return void(++ok);
        switch (result.error().kind()) {
            case fault_kind::queue_full:
            case fault_kind::deadline_exceeded: return void(++refused);
            case fault_kind::cancelled: return void(++cancelled);
            case fault_kind::overloaded: return void(++overloaded);
            default: return void(++other);
        }
    }
    [[nodiscard]] int sum() const { return ok + refused + cancelled + overloaded + other; }
};

awaitable<void> ask_often(guarded ask, int times, int which, tally& all) {
    for (int i = 0; i < times; ++i) {
        auto c = call::unkeyed((i + which) % 7 == 0 ? 1ms : 60s).tag("priority", std::to_string((i + which) % 3));
        request const r{i % 11 == 0 ? "fails" : i % 3 == 0 ? "quick" : "short"};
        auto const result = co_await ask.try_call(c, r);
        all.add(result);
    }
}

TEST(bulkhead_threads, no_place_is_lost_and_none_is_taken_twice) {
    constexpr int each = 150, coroutines = 24;
    for (int const limit : {1, 3}) {
        for (bool const adapts : {false, true}) {
            bulkhead_options o{.limit = limit, .max_waiting = 10, .priority_by = "priority"};
            if (adapts) o.rule = limit_rule::aimd, o.most = 6;
            bulkhead const gate{o};
            counted_operation const operation;
            guarded const ask = pipeline{gate}.wrap(operation);
            tally all;
            {
                asio::thread_pool one{1}, two{2};
                for (int i = 0; i < coroutines; ++i)
                    asio::co_spawn(i % 2 == 0 ? one.get_executor() : two.get_executor(), ask_often(ask, each, i, all),
                                   asio::detached);
                one.join();
                two.join();
            }
            EXPECT_EQ(all.sum(), each * coroutines);
            EXPECT_EQ(all.other + all.cancelled, 0);
            EXPECT_GT(all.ok, each) << "refusing everything would pass too";
            EXPECT_LE(operation.most(), adapts ? 6 : limit);
            EXPECT_EQ(operation.times(), all.ok + all.overloaded);
            EXPECT_EQ(gate.in_flight(), 0);
            EXPECT_EQ(gate.waiting(), 0U);
        }
    }
}

awaitable<void> ask_patiently(guarded ask, int times, tally& all) {
    for (int i = 0; i < times && all.refused == 0; ++i) {
        auto c = call::unkeyed(10s);
        request const r{"quick"};
        auto const result = co_await ask.try_call(c, r);
        all.add(result);
    }
}

// The liveness twin: whoever is patient is served. With one place for a few threads, one comes free again and again in the very
// moment in which somebody begins to wait for it: if that were missed once, all would wait for ever.
TEST(bulkhead_threads, whoever_is_patient_is_served) {
    for (int const limit : {1, 2}) {
        bulkhead const gate{{.limit = limit}};
        counted_operation const operation;
        guarded const ask = pipeline{gate}.wrap(operation);
        tally all;
        constexpr int each = 30'000;
        auto const coroutines = limit + 1;  // whoever waits is alone
        {
            asio::thread_pool one{1}, two{1}, three{1};
            for (auto* const pool : {&one, &two, &three})
                if (pool != &three || coroutines == 3)
                    asio::co_spawn(*pool, ask_patiently(ask, each, all), asio::detached);
            for (auto* const pool : {&one, &two, &three}) pool->join();
        }
        EXPECT_EQ(all.ok, each * coroutines);
        EXPECT_LE(operation.most(), limit);
        EXPECT_EQ(gate.in_flight(), 0);
    }
}

awaitable<void> give_up(guarded ask, tally& all) {
    auto c = call::unkeyed(60s);
    request const r{"slow"};
    auto const result = co_await ask.try_call(c, r);
    all.add(result);
}

// Whoever is given a place by one thread while another one cancels him either goes or leaves everything as it was.
TEST(bulkhead_threads, grants_race_cancellations_and_nothing_is_lost) {
    bulkhead const gate{{.limit = 2}};
    counted_operation const operation;
    guarded const ask = pipeline{gate}.wrap(operation);
    tally all;
    constexpr int rounds = 300;
    {
        asio::thread_pool pool{3};
        std::vector<asio::cancellation_signal> signals(rounds);
        std::vector<asio::strand<asio::any_io_executor>> strands;
        for (int i = 0; i < rounds; ++i) {
            strands.push_back(asio::make_strand(asio::any_io_executor{pool.get_executor()}));
            auto& signal = signals[static_cast<std::size_t>(i)];
            asio::co_spawn(strands.back(), give_up(ask, all),
                           asio::bind_cancellation_slot(signal.slot(), asio::detached));
        }
        for (int i = 0; i < rounds; i += 2)
            asio::post(strands[static_cast<std::size_t>(i)],
                       [&signals, i] { signals[static_cast<std::size_t>(i)].emit(asio::cancellation_type::terminal); });
        pool.join();
    }
    EXPECT_EQ(all.ok + all.cancelled, rounds);
    EXPECT_GE(all.ok, rounds / 2);
    EXPECT_LE(operation.most(), 2);
    EXPECT_EQ(gate.waiting(), 0U);
    EXPECT_EQ(gate.in_flight(), 0) << "a place was lost";
}

// Limits that change by hand while others enter, wait and leave.
TEST(bulkhead_threads, the_limit_may_be_changed_at_any_time) {
    bulkhead const gate{{.limit = 4}};
    counted_operation const operation;
    guarded const ask = pipeline{gate}.wrap(operation);
    tally all;
    constexpr int each = 200, coroutines = 16;
    {
        asio::thread_pool pool{3};
        for (int i = 0; i < coroutines; ++i) asio::co_spawn(pool, ask_often(ask, each, i, all), asio::detached);
        for (int i = 0; i < 2000; ++i) asio::post(pool, [&gate, i] { gate.set_limit(1 + i % 6); });
        pool.join();
    }
    EXPECT_EQ(all.sum(), each * coroutines);
    EXPECT_EQ(all.other + all.cancelled, 0);
    EXPECT_GE(all.ok, each * coroutines / 2);
    EXPECT_LE(operation.most(), 6);
    EXPECT_EQ(gate.in_flight(), 0);
    EXPECT_EQ(gate.waiting(), 0U);
}

}  // namespace
}  // namespace bulkhead_threads_test
