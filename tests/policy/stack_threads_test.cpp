// SPDX-License-Identifier: BSL-1.0
// The whole stack under one context that several threads run, without a strand of the user's: coroutines, callbacks and
// threads that block, at once. For ThreadSanitizer as much as for what it asserts.
#include <coffer/call/async_call.hpp>
#include <coffer/call/blocking_client.hpp>
#include <coffer/call/guarded.hpp>
#include <coffer/call/pipeline.hpp>
#include <coffer/policy/budget.hpp>
#include <coffer/policy/bulkhead.hpp>
#include <coffer/policy/circuit_breaker.hpp>
#include <coffer/policy/hedge.hpp>
#include <coffer/policy/once.hpp>
#include <coffer/policy/rate_limit.hpp>
#include <coffer/policy/retry.hpp>
#include <coffer/policy/timeout.hpp>
#include <coffer/store/memory.hpp>

#include <gtest/gtest.h>

#include <asio/bind_executor.hpp>
#include <asio/io_context.hpp>

#include <array>
#include <atomic>
#include <chrono>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "support/seeds.hpp"

namespace stack_threads_test {
namespace {

using namespace coffer;
using namespace coffer::literals;
using namespace std::chrono_literals;

constexpr int keys = 40;

struct provider {
    std::atomic<int> sends{0};
    std::array<std::atomic<int>, keys> bills{};
};

awaitable<outcome<std::string>> chat(std::shared_ptr<provider> p, std::string const& question) {
    int const number = ++p->sends;
    if (number % 7 == 3) co_return failed(fault{fault_kind::overloaded}.with_billing(knowledge::no));
    ++p->bills[static_cast<std::size_t>(std::stoi(question))];
    co_await sleep_for(number % 5 == 0 ? 4ms : 200us);
    if (number % 11 == 5) co_return failed(fault_kind::ambiguous);
    co_return "answer to " + question;
}

struct tally {
    std::atomic<int> answered{0}, refused{0}, wrong{0}, ended{0};
    void add(outcome<std::string> const& r, std::string const& question) {
        ++ended;
        if (!r) ++refused;
        else if (++answered; *r != "answer to " + question) ++wrong;
    }
};

call call_of(int which, duration deadline) { return call{key{"test", which % keys}, deadline}; }

template <class Ask>
awaitable<void> ask_once(Ask ask, int which, duration deadline, tally& all) {
    std::string const question = std::to_string(which % keys);
    auto c = call_of(which, deadline);
    auto const r = co_await ask.try_call(c, question);
    all.add(r, question);
}

awaitable<void> leave(std::shared_ptr<asio::cancellation_signal> signal, duration after) {
    co_await sleep_for(after);
    signal->emit(asio::cancellation_type::terminal);
}

TEST(stack_threads, everything_at_once_without_a_strand) {
    auto const provider_of_all = std::make_shared<provider>();
    auto const operation =
        describe([p = provider_of_all](std::string const& question) {
            return chat(p, question);
        }).fingerprint([](std::string const& question) {
              return fingerprint{}.with("question", question);
          }).estimate([](std::string const&) { return estimate{.cost = 0.01_usd}; });
    memory_store const db;
    coffer::guarded<std::string(std::string const&)> const ask = pipeline{once{db, {.max_sends = 2}}}.wrap(
        hedge{hedge_options{.delay = 2ms, .ratio = 1, .burst = 1000},
              pipeline{retry{{.attempts = 6, .schedule = backoff{.base = 100us, .cap = 1ms}, .ambiguous_delay = 1ms}},
                       timeout{50ms}, circuit_breaker{}, bulkhead{{.limit = 16}},
                       rate_limit{{.requests_per_minute = 6'000'000}}, budget{db, {.scope = "team", .limit = 100_usd}}}
                  .wrap(operation)});

    tally all;
    int begun = 0;
    support::dice dice{7};
    {
        blocking_client blocking;
        asio::io_context io;
        for (int i = 0; i < 400; ++i, ++begun) {
            switch (i % 4) {
                case 0:  // patient, on the context's own executor
                    asio::co_spawn(io, ask_once(ask, i / 4, 30s, all), asio::detached);
                    break;
                case 1:  // in a hurry
                    asio::co_spawn(io, ask_once(ask, i / 4, 1us * dice.below(4000) + 1us, all), asio::detached);
                    break;
                case 2: {  // it leaves: a signal and what it cancels need one strand, by Asio's rule
                    asio::any_io_executor const home = asio::make_strand(io);
                    auto const signal = std::make_shared<asio::cancellation_signal>();
                    auto const keep = [signal](std::exception_ptr const&) {};
                    asio::co_spawn(home, ask_once(ask, i / 4, 30s, all),
                                   asio::bind_cancellation_slot(signal->slot(), keep));
                    asio::co_spawn(home, leave(signal, 1us * dice.below(4000)), asio::detached);
                    break;
                }
                default: {
                    std::string const question = std::to_string(i / 4 % keys);
                    ask.async_call(
                        call_of(i / 4, 30s), question,
                        asio::bind_executor(io, [&all, question](outcome<std::string> r) { all.add(r, question); }));
                }
            }
        }
        std::vector<std::thread> threads;
        for (int t = 0; t < 4; ++t) threads.emplace_back([&io] { io.run(); });
        for (int t = 0; t < 2; ++t)
            threads.emplace_back([&, t] {
                for (int i = 0; i < 20; ++i) {
                    std::string const question = std::to_string((2 * i + t) % keys);
                    all.add(blocking.try_run(ask, call_of(2 * i + t, 30s), question), question);
                }
            });
        begun += 40;
        for (auto& t : threads) t.join();
    }
    EXPECT_EQ(all.ended, begun);
    EXPECT_EQ(all.wrong, 0);
    EXPECT_GT(all.answered, begun / 4);  // the patient are answered
    for (auto const& bills : provider_of_all->bills) EXPECT_LE(bills, 2);
}

}  // namespace
}  // namespace stack_threads_test
