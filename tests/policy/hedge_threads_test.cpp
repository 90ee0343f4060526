// SPDX-License-Identifier: BSL-1.0
// One hedge on several threads, in real time: branches, callers that leave, and losers that end when nobody waits any more.
// For ThreadSanitizer as much as for what it asserts.
#include <coffer/call/pipeline.hpp>
#include <coffer/policy/budget.hpp>
#include <coffer/policy/circuit_breaker.hpp>
#include <coffer/policy/hedge.hpp>
#include <coffer/policy/once.hpp>
#include <coffer/policy/rate_limit.hpp>
#include <coffer/policy/retry.hpp>
#include <coffer/store/memory.hpp>

#include <gtest/gtest.h>

#include <asio/steady_timer.hpp>
#include <asio/thread_pool.hpp>

#include <atomic>
#include <chrono>
#include <cstdint>
#include <string>
#include <vector>

#include "policy/support/provider.hpp"
#include "policy/support/speaker.hpp"

namespace hedge_threads_test {
namespace {

using namespace coffer;
using namespace std::chrono_literals;
using support::caller;
using support::guarded;
using support::request;
using support::speaker;

constexpr hedge_options eager{.delay = 1ms,
                              .percentile = 50,
                              .least_delay = 100us,
                              .minimum = 5,
                              .hedges = 2,
                              .ratio = 1,
                              .burst = 1000,
                              .max_sends = 3};

/// Each answer takes a little, and some fail.
void play(speaker& s) {
    auto const n = std::make_shared<std::atomic<unsigned>>(0);
    s.script.otherwise(
        [n]() -> outcome<answer> {
            if (++*n % 11 == 0) return failed(fault_kind::overloaded);
            return answer{"hello", 200};
        },
        2ms);
}

struct tally {
    std::atomic<int> ok{0}, failed{0}, left{0}, attempts{0};
};

awaitable<void> ask_often(guarded ask, int times, int which, tally& all) {
    for (int i = 0; i < times; ++i) {
        auto c = call{key{"test", which, i}, (i + which) % 5 == 0 ? 3ms : 10s};
        request const r;
        auto const said = co_await ask.try_call(c, r);
        if (said) ++all.ok;
        else ++all.failed;
        all.attempts += static_cast<int>(c.log().size());
    }
}

awaitable<void> give_up(guarded ask, int which, tally& all) {
    auto c = call{key{"test", "left", which}, 10s};
    request const r;
    auto const said = co_await ask.try_call(c, r);
    if (!said && said.error().kind() == fault_kind::cancelled) ++all.left;
}

/// Asks from two contexts at once, and lets some callers leave.
void storm(guarded const& ask, tally& all) {
    asio::thread_pool one{3}, two{1};
    for (int i = 0; i < 6; ++i)
        asio::co_spawn(i % 2 == 0 ? one.get_executor() : two.get_executor(), ask_often(ask, 60, i, all),
                       asio::detached);
    // Each on a strand, on which it is cancelled.
    struct leaver {
        explicit leaver(asio::any_io_executor e) : strand{asio::make_strand(e)}, timer{strand} {}
        asio::any_io_executor strand;
        asio::steady_timer timer;
        asio::cancellation_signal signal;
    };
    std::vector<std::unique_ptr<leaver>> leavers;
    for (int i = 0; i < 40; ++i) {
        leavers.push_back(std::make_unique<leaver>(one.get_executor()));
        auto& l = *leavers.back();
        asio::co_spawn(l.strand, give_up(ask, i, all), asio::bind_cancellation_slot(l.signal.slot(), asio::detached));
        l.timer.expires_after(i * 100us);
        l.timer.async_wait([&l](auto) { l.signal.emit(asio::cancellation_type::terminal); });
    }
    one.join();
    two.join();
}

TEST(hedge_threads, calls_on_many_threads_share_window_ratio_and_quota) {
    speaker slow{"acme"}, fast{"zeta"};
    play(slow);
    play(fast);
    circuit_breaker const health{{.in_a_row = 1000}};
    rate_limit const pace{{.requests_per_second = 100'000}};
    retry_quota const quota{{.capacity = 1000}};
    std::atomic<int> told{0};
    hedge const h = hedge{eager, guarded{pipeline{retry{{.max_sends = 3}, quota}, health, pace}.wrap(slow.op())},
                          guarded{pipeline{pace}.wrap(fast.op())}}
                        .with(quota)
                        .observe([&](event const& e) { told += e.kind == event_kind::hedged ? 1 : 0; });
    tally all;
    storm(pipeline{}.wrap(h), all);
    EXPECT_EQ(all.ok + all.failed, 360);
    EXPECT_GT(all.ok, 200);
    EXPECT_GT(told, 0);
    EXPECT_EQ(pace.waiting(), 0U);
    EXPECT_LE(all.attempts, slow.script.count() + fast.script.count());
    auto const looked = h.look(std::chrono::steady_clock::now());
    EXPECT_GE(looked.calls, 360U);
    EXPECT_LE(looked.hedges, static_cast<std::uint64_t>(told));
    EXPECT_EQ(static_cast<std::uint64_t>(fast.script.count()), looked.hedges);
}

TEST(hedge_threads, losers_are_brought_home_under_a_journal_when_their_flight_has_landed) {
    speaker slow{"acme"}, fast{"zeta"};
    play(slow);
    play(fast);
    memory_store const db;
    guarded const ask = pipeline{once{db, {.max_sends = 3}}}.wrap(
        hedge{eager, guarded{pipeline{retry{}}.wrap(slow.op())}, guarded{pipeline{}.wrap(fast.op())}});
    tally all;
    storm(ask, all);
    EXPECT_EQ(all.ok + all.failed, 360);
    EXPECT_GT(all.ok, 200);
    // When all is over, no send is under way any more, and no key has more than it may.
    int sends = 0;
    for (int which = 0; which < 6; ++which) {
        for (int i = 0; i < 60; ++i) {
            auto const stored = **db.backend()->peek(db.backend()->id_of(key{"test", which, i})).get();
            if (!stored) continue;
            EXPECT_LE(stored->counted_sends(), 3);
            for (auto const& s : stored->sends) {
                EXPECT_NE(s.state, send_state::permitted);
                ++sends;
            }
        }
    }
    EXPECT_GT(sends, 360 / 2);
}

}  // namespace
}  // namespace hedge_threads_test
