// SPDX-License-Identifier: BSL-1.0
// What a call may not spend: more than two readings of the clock for an attempt, and turns of the scheduler of coffer's own.
#include <coffer/call/pipeline.hpp>
#include <coffer/policy/budget.hpp>
#include <coffer/policy/circuit_breaker.hpp>
#include <coffer/policy/rate_limit.hpp>
#include <coffer/policy/retry.hpp>
#include <coffer/store/ledger_memory.hpp>

#include <asio/io_context.hpp>

#include <gtest/gtest.h>

#include <exception>
#include <memory>
#include <optional>

namespace frugality_test {
namespace {

using namespace coffer;
using namespace coffer::literals;
using namespace std::chrono_literals;

/// Stands still, ends every wait at once, and counts how often it is read.
class counting_clock final : public clock {
public:
    counting_clock() : clock{1} {}
    [[nodiscard]] time_point now() const noexcept override {
        ++readings;
        return time_point{1h};
    }
    [[nodiscard]] wall_time_point wall_now() const noexcept override { return wall_time_point{500'000h}; }
    [[nodiscard]] bool begin_wait(std::shared_ptr<pending_wait> const& wait, time_point) override {
        return wait->begin(std::nullopt) && wait->finish(wake::elapsed);
    }
    mutable int readings = 0;
};

struct spent {
    int readings = 0;  ///< of the clock, by the second of two calls
    std::size_t turns = 0;  ///< handlers that the context has run, for both
};

/// Two calls through `policies`, the second of which fails so often before it succeeds.
template <class... Policies>
spent by(int failures, Policies const&... policies) {
    asio::io_context io;
    auto const clock = std::make_shared<counting_clock>();
    clock_service::of(io.get_executor()).install(clock);
    int left = 0;
    auto const op = [&left](attempt&) -> awaitable<outcome<int>> {
        if (left-- > 0) co_return failed(fault_kind::overloaded);
        co_return 7;
    };
    auto const sized = describe(op).estimate([] {
        estimate e;
        e.input_tokens = e.output_tokens = 10;
        e.cost = 0.01_usd;
        return e;
    });
    auto const ask = pipeline{policies...}.wrap(sized);
    spent s;
    auto const work = [&]() -> awaitable<void> {
        auto c = call::unkeyed();
        (void)co_await ask(c);
        clock->readings = 0;
        left = failures;
        (void)co_await ask(c);
        s.readings = clock->readings;
    };
    std::exception_ptr thrown;
    asio::co_spawn(io, work, [&](std::exception_ptr e) { thrown = e; });
    s.turns = io.run();
    if (thrown) std::rethrow_exception(thrown);
    return s;
}

TEST(frugality, the_clock_is_read_twice_for_an_attempt) {
    in_memory_ledger const ledger;
    budget const money{ledger, {.scope = "team", .limit = 100_usd}};
    auto const pace = [] { return rate_limit{{.requests_per_minute = 1000, .tokens_per_minute = 100'000}}; };
    EXPECT_EQ(by(0).readings, 2);
    EXPECT_EQ(by(0, retry{}).readings, 2);
    EXPECT_EQ(by(0, retry{}, circuit_breaker{}).readings, 2);
    EXPECT_LE(by(3, retry{}, circuit_breaker{}).readings, 2 * 4);
    EXPECT_EQ(by(0, retry{}, circuit_breaker{}, pace()).readings, 2);
    EXPECT_LE(by(0, retry{}, circuit_breaker{}, pace(), money).readings, 4)
        << "a ledger reads it for each of its two steps";
}

TEST(frugality, no_turn_of_the_scheduler_but_for_a_sleep) {
    asio::io_context io;
    auto const nothing = []() -> awaitable<void> { co_return; };
    asio::co_spawn(io, nothing, asio::detached);
    auto const bare = io.run();
    EXPECT_EQ(by(0, retry{}, circuit_breaker{}, rate_limit{{.requests_per_minute = 1000}}).turns, bare);
    EXPECT_EQ(by(3, retry{}).turns, by(2, retry{}).turns + 1) << "one for each backoff";
}

}  // namespace
}  // namespace frugality_test
