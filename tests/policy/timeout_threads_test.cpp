// SPDX-License-Identifier: BSL-1.0
// Timeouts on several threads and contexts, in real time: answers, limits and leaving race each other.
#include <coffer/call/guarded.hpp>
#include <coffer/call/pipeline.hpp>
#include <coffer/policy/retry.hpp>
#include <coffer/policy/timeout.hpp>

#include "policy/support/foreign.hpp"
#include "support/seeds.hpp"

#include <gtest/gtest.h>

#include <asio/io_context.hpp>
#include <asio/thread_pool.hpp>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <memory>
#include <optional>
#include <string>
#include <thread>
#include <vector>

namespace timeout_threads_test {
namespace {

using namespace coffer;
using namespace std::chrono_literals;
using support::asks_foreign;
using support::foreign;
using support::manners;

struct tally {
    std::atomic<int> answered{0}, timed{0}, left{0}, other{0}, wrong{0};

    void add(outcome<std::string> const& r, call const& c, std::string const& expected) {
        if (r) {
            ++answered;
            if (*r != expected) ++wrong;
        } else if (r.error().code() == "timeout") {
            ++timed;
        } else if (r.error().kind() == fault_kind::cancelled) {
            ++left;
        } else {
            ++other;
        }
        if (static_cast<int>(c.log().size()) != c.attempts()) ++wrong;
        if (!r && !c.log().empty() && c.log().back().billing != r.error().billing()) ++wrong;
    }
};

manners manners_of(std::uint64_t n) { return static_cast<manners>(n % 7); }

awaitable<void> ask_often(asks_foreign ask, int times, int which, tally& all) {
    for (int i = 0; i < times; ++i) {
        std::string const text = std::to_string(which) + "/" + std::to_string(i);
        auto c = call::unkeyed(10s);
        auto const r = co_await ask.try_call(c, text);
        all.add(r, c, "answer to " + text);
    }
}

/// The caller's own time is up: it is cancelled in the middle.
awaitable<void> ask_and_leave(asks_foreign ask, std::string text, tally& all) {
    auto c = call::unkeyed(10s);
    auto const r = co_await ask.try_call(c, text);
    all.add(r, c, "answer to " + text);
}
awaitable<void> leave_often(asks_foreign ask, int times, int which, tally& all, std::atomic<int>& ended) {
    auto const executor = co_await asio::this_coro::executor;
    support::dice dice{static_cast<std::uint64_t>(which) + 77};
    for (int i = 0; i < times; ++i) {
        struct signal_and_end {
            asio::cancellation_signal signal;
            wait_list over;
        };
        auto const kept = std::make_shared<signal_and_end>();
        auto const end = [kept, &ended](std::exception_ptr const&) {
            ++ended;
            kept->over.notify_all();
        };
        asio::co_spawn(executor, ask_and_leave(ask, "leaver " + std::to_string(i), all),
                       asio::bind_cancellation_slot(kept->signal.slot(), end));
        co_await sleep_for(1us * dice.below(3000));
        kept->signal.emit(asio::cancellation_type::terminal);
        co_await wait_until(clock_service::of(executor), time_point::max(), &kept->over);
    }
}

TEST(timeout_threads, answers_limits_and_leaving_race_and_every_call_ends_once) {
    constexpr int coroutines = 12, each = 60, leavers = 4;
    foreign op;
    support::dice dice{4711};
    for (int i = 0; i < 4 * coroutines * each; ++i) op.then(manners_of(dice.bits()), 1us * dice.below(4000));
    asks_foreign const plain = pipeline{timeout{2ms}}.wrap(op);
    asks_foreign const deep =
        pipeline{timeout{3ms}, retry{{.max_sends = 2, .ambiguous_delay = 0s}}, timeout{1ms}}.wrap(op);
    tally all;
    std::atomic<int> leavers_ended{0};
    auto const begin = std::chrono::steady_clock::now();
    {
        asio::thread_pool one{3}, two{1};
        for (int i = 0; i < coroutines; ++i) {
            auto const executor = i % 3 == 0   ? asio::any_io_executor{one.get_executor()}
                                  : i % 3 == 1 ? asio::any_io_executor{asio::make_strand(one.get_executor())}
                                               : asio::any_io_executor{two.get_executor()};
            asio::co_spawn(executor, ask_often(i % 2 == 0 ? plain : deep, each, i, all), asio::detached);
        }
        for (int i = 0; i < leavers; ++i)
            // Cancellation is emitted on the executor of whom it is for.
            asio::co_spawn(asio::any_io_executor{asio::make_strand(one.get_executor())},
                           leave_often(i % 2 == 0 ? plain : deep, each, i, all, leavers_ended), asio::detached);
        one.join();
        two.join();
    }
    auto const took = std::chrono::steady_clock::now() - begin;
    EXPECT_EQ(leavers_ended.load(), leavers * each);
    EXPECT_GE(all.answered + all.timed + all.left + all.other, coroutines * each);
    EXPECT_GT(all.answered.load(), 0);
    EXPECT_GT(all.timed.load(), 0);
    EXPECT_EQ(all.wrong.load(), 0);
    EXPECT_EQ(op.running(), 0) << "what was left behind has ended, too";
    EXPECT_LT(took, 5min);
}

/// A client of one's own, which keeps its thread for some ms at a time and listens in between.
struct parser {
    std::atomic<int>* sent;
    awaitable<std::string> operator()(std::string const& text) const { return run(sent, text); }
    static awaitable<std::string> run(std::atomic<int>* sent, std::string text) {
        ++*sent;
        for (int i = 0; i < 60; ++i) {
            auto const until = std::chrono::steady_clock::now() + 2ms;
            while (std::chrono::steady_clock::now() < until) {
            }
            co_await sleep_for(100us);
        }
        co_return text;
    }
};
struct denials {
    int calls = 0, sent_and_denied = 0, without_entry = 0, most_sends = 0;
};
awaitable<void> look_for_denials(asks_foreign ask, std::atomic<int>& sent, int times, denials& d) {
    for (int i = 0; i < times; ++i) {
        int const before = sent;
        std::string const text = "q";
        auto c = call::unkeyed(10s);
        auto const r = co_await ask.try_call(c, text);
        int const made = sent - before;
        ++d.calls;
        d.most_sends = std::max(d.most_sends, made);
        if (r || made == 0) continue;
        if (r.error().billing() == knowledge::no || c.cost()) ++d.sent_and_denied;
        if (c.log().empty()) ++d.without_entry;
    }
}

TEST(timeout_threads, one_around_another_does_not_deny_a_send_that_is_under_way) {
    std::atomic<int> sent{0};
    denials twice, retried;
    {
        asio::thread_pool pool{2};
        asks_foreign const ask = pipeline{timeout{15ms, "all"}, timeout{10s, "each"}}.wrap(parser{&sent});
        asio::co_spawn(pool, look_for_denials(ask, sent, 20, twice), asio::detached);
        pool.join();
    }
    {
        asio::thread_pool pool{2};
        retry const once_more{{.attempts = 4, .max_sends = 1, .ambiguous_delay = 0s}, retry_quota::unlimited()};
        asks_foreign const ask = pipeline{once_more, timeout{15ms, "all"}, timeout{10s, "each"}}.wrap(parser{&sent});
        asio::co_spawn(pool, look_for_denials(ask, sent, 20, retried), asio::detached);
        pool.join();
    }
    EXPECT_EQ(twice.calls + retried.calls, 40);
    EXPECT_EQ(twice.sent_and_denied + retried.sent_and_denied, 0);
    EXPECT_EQ(twice.without_entry + retried.without_entry, 0);
    EXPECT_LE(retried.most_sends, 1) << "so a retry sends no more than it may";
}

TEST(timeout_threads, a_context_may_go_while_much_is_under_way) {
    for (auto const seed : support::each_seed(support::seeds(100))) {
        support::dice dice{seed};
        foreign op;
        for (int i = 0; i < 200; ++i) op.then(manners_of(dice.bits()), 1us * dice.below(3000));
        op.otherwise(manners::listens, 1ms);
        tally all;
        {
            asks_foreign const ask = pipeline{timeout{1ms}}.wrap(op);
            asio::thread_pool pool{2};
            for (int i = 0; i < 10; ++i)
                asio::co_spawn(asio::any_io_executor{asio::make_strand(pool.get_executor())},
                               ask_often(ask, 20, i, all), asio::detached);
            auto const until = std::chrono::steady_clock::now() + 1us * dice.below(5000);
            while (std::chrono::steady_clock::now() < until) std::this_thread::yield();
            pool.stop();
        }
        ASSERT_EQ(all.wrong.load(), 0) << "seed " << seed;
    }
}

}  // namespace
}  // namespace timeout_threads_test
