// SPDX-License-Identifier: BSL-1.0
// All policies together, as they stand in production: whatever operations, callers and deadlines do, the books balance, limits
// hold, every call ends in time, and nothing is left behind. (Each policy's own simulation looks closer.)
#include <coffer/call/guarded.hpp>
#include <coffer/call/pipeline.hpp>
#include <coffer/policy/budget.hpp>
#include <coffer/policy/bulkhead.hpp>
#include <coffer/policy/circuit_breaker.hpp>
#include <coffer/policy/fallback.hpp>
#include <coffer/policy/hedge.hpp>
#include <coffer/policy/once.hpp>
#include <coffer/policy/rate_limit.hpp>
#include <coffer/policy/retry.hpp>
#include <coffer/policy/timeout.hpp>
#include <coffer/store/ledger_memory.hpp>
#include <coffer/store/memory.hpp>

#include <gtest/gtest.h>

#include <algorithm>
#include <exception>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "policy/support/foreign.hpp"
#include "policy/support/priced.hpp"
#include "support/seeds.hpp"
#include "support/simulation.hpp"

namespace stack_simulation_test {
namespace {

using namespace coffer;
using namespace coffer::literals;
using namespace std::chrono_literals;
using support::asks_foreign;
using support::foreign;
using support::manners;

constexpr auto each_send = 0.10_usd;
constexpr int at_a_time = 3;

/// One provider with everything that stands around it.
struct provider_stack {
    foreign op;
    circuit_breaker health{{.in_a_row = 4, .breaks = {.first = 5s, .longest = 20s}}};
    bulkhead places{{.limit = at_a_time, .max_wait = 30s}};
    rate_limit pace{{.requests_per_minute = 30, .max_wait = 40s}};
    in_memory_ledger money_of;
    budget money{money_of, {.scope = "team", .limit = 2_usd, .max_wait = 20s}};
    int most_under_way = 0;

    std::map<std::string, int> perhaps_billed;  // by prompt

    /// One send; how it ended is counted by the provider, not by what the policies make of it.
    static awaitable<outcome<std::string>> send(provider_stack* p, attempt& a, std::string const& prompt) {
        p->most_under_way = std::max(p->most_under_way, p->op.running() + 1);
        auto const whose = prompt;
        std::exception_ptr thrown;
        try {
            auto running = p->op(a, prompt);
            auto said = co_await std::move(running);
            if (said || said.error().billing() != knowledge::no) ++p->perhaps_billed[whose];
            co_return said;
        } catch (...) {
            thrown = std::current_exception();
        }
        ++p->perhaps_billed[whose];
        std::rethrow_exception(thrown);
    }

    /// The gates, and around them a timeout if `limited`.
    asks_foreign guarded(bool limited, int max_sends, duration limit) {
        auto const counted = describe([this](attempt& a, std::string const& prompt) { return send(this, a, prompt); })
                                 .target([this](std::string const& p) { return op.target(p); })
                                 .fingerprint([this](std::string const& p) { return op.fingerprint(p); })
                                 .estimate([](std::string const&) {
                                     estimate e;
                                     e.cost = each_send;
                                     return e;
                                 });
        retry const again{{.attempts = 4, .max_sends = max_sends, .ambiguous_delay = 1s}};
        if (limited) return pipeline{again, timeout{limit}, health, places, pace, money}.wrap(counted);
        return pipeline{again, health, places, pace, money}.wrap(counted);
    }
    account spent() { return support::account_of(*money_of.backend(), "team"); }
};

struct asked {
    int number = 0;
    time_point deadline{};
    std::optional<time_point> ended{};
    bool ok = false;
    std::optional<fault> why{};
};

awaitable<void> ask(asks_foreign with, asked& mine, duration allowed) {
    auto const executor = co_await asio::this_coro::executor;
    auto& service = clock_service::of(executor);
    auto const prompt = "prompt " + std::to_string(mine.number);
    call c{key{"stack", mine.number}, allowed};
    mine.deadline = service.clock()->now() + allowed;
    auto const said = co_await with.try_call(c, prompt);
    mine.ended = service.clock()->now();
    mine.ok = said.has_value();
    if (!said) mine.why = said.error();
}

enum class shape { plain, journal, fallback, hedge, journal_and_fallback, journal_and_hedge };
constexpr int shapes = 6;

struct totals {
    int asked = 0, answered = 0, cancelled = 0, late = 0, sends = 0;
};

void run_world(std::uint64_t seed, totals& all) {
    support::simulation sim{seed};
    random_source draw{seed * 977 + 5};
    auto const below = [&](int n) { return static_cast<int>(draw.next() % static_cast<std::uint64_t>(n)); };
    provider_stack first, second;
    memory_store db;

    auto const kind = static_cast<shape>(below(shapes));
    int const max_sends = 1 + below(3);
    bool const limited = below(2) == 0;
    auto const limit = 1s * (5 + below(30));
    bool const journaled =
        kind == shape::journal || kind == shape::journal_and_fallback || kind == shape::journal_and_hedge;

    // Nothing but a timeout or a journal leaves an operation behind that does not listen.
    bool const left_alone = !limited && !journaled;

    static constexpr fault_kind faults[] = {fault_kind::overloaded, fault_kind::throttled, fault_kind::ambiguous,
                                            fault_kind::invalid_request, fault_kind::transient};
    for (auto* const p : {&first, &second}) {
        p->money_of.backend()->bind(sim.service().clock());
        for (int i = 0; i < 20; ++i) {
            auto const how = left_alone ? manners::polite : static_cast<manners>(below(7));
            std::optional<fault> why;
            if (below(3) == 0) why = fault{faults[below(5)]};
            p->op.then(how, 100ms * below(400), why);
        }
        p->op.otherwise(manners::listens, 1s);
    }
    auto const one = first.guarded(limited, max_sends, limit);
    auto const other = second.guarded(limited, max_sends, limit);
    auto const with_journal = [&](auto op) -> asks_foreign {
        if (journaled) return pipeline{once{db, {.max_sends = max_sends}}}.wrap(op);
        return pipeline{}.wrap(op);
    };
    fallback_options const on_failure{.max_sends = max_sends};
    hedge_options const after_a_while{.delay = 3s, .percentile = 0, .ratio = 1, .max_sends = max_sends};
    bool const falls = kind == shape::fallback || kind == shape::journal_and_fallback;
    bool const hedges = kind == shape::hedge || kind == shape::journal_and_hedge;
    auto const stack = falls    ? with_journal(fallback{on_failure, one, other})
                       : hedges ? with_journal(hedge{after_a_while, one, other})
                                : with_journal(one);

    int const calls = 3 + below(8);
    std::vector<std::unique_ptr<asked>> said;
    std::vector<support::running<void>> running;
    for (int i = 0; i < calls; ++i) {
        said.push_back(std::make_unique<asked>());
        said.back()->number = i;
        running.push_back(sim.start(ask(stack, *said.back(), 1s * (5 + below(120)))));
        if (below(5) == 0) sim.cancel_after(100ms * below(300), running.back());
        sim.time.run_for(100ms * below(60));
    }
    sim.time.run();

    // Every call ended, and no later than it said.
    SCOPED_TRACE("shape " + std::to_string(static_cast<int>(kind)) + (limited ? ", limited" : "") + ", max_sends " +
                 std::to_string(max_sends));
    for (auto const& one_call : said) {
        ++all.asked;
        ASSERT_TRUE(one_call->ended) << "call " << one_call->number;
        EXPECT_LE(*one_call->ended, one_call->deadline)
            << "call " << one_call->number << " "
            << (one_call->why ? std::string{to_string(one_call->why->kind())} : std::string{"answered"});
        all.answered += one_call->ok ? 1 : 0;
        all.cancelled += one_call->why && one_call->why->kind() == fault_kind::cancelled ? 1 : 0;
        all.late += one_call->why && one_call->why->kind() == fault_kind::deadline_exceeded ? 1 : 0;
    }
    for (auto const& r : running) EXPECT_TRUE(r.over());

    // No call was sent, and perhaps billed, more often than allowed.
    std::map<std::string, int> perhaps_billed;
    for (auto* const p : {&first, &second}) {
        for (auto const& s : p->op.sends()) {
            ++all.sends;
            EXPECT_TRUE(s.ended.has_value()) << "the simulation ends when everything has ended";
        }
        for (auto const& [prompt, times] : p->perhaps_billed) perhaps_billed[prompt] += times;
    }
    for (auto const& [prompt, times] : perhaps_billed) EXPECT_LE(times, max_sends) << prompt;

    // Nothing is held any more, and no limit was passed.
    for (auto* const p : {&first, &second}) {
        EXPECT_LE(p->most_under_way, at_a_time);
        EXPECT_EQ(p->places.in_flight(), 0);
        EXPECT_EQ(p->places.waiting(), 0U);
        EXPECT_EQ(p->pace.waiting(), 0U);
        EXPECT_EQ(p->health.status().probes_under_way, 0);
        auto const spent = p->spent();
        EXPECT_EQ(spent.held, money{});
        EXPECT_LE(spent.committed(), 2_usd);
        EXPECT_TRUE((*p->money_of.backend()->audit().get())->empty());
        // The ledger counts no less than may be billed, and nothing that was not sent.
        money billed, sent;
        for (auto const& [prompt, times] : p->perhaps_billed)
            for (int i = 0; i < times; ++i) billed += each_send;
        for (int i = 0; i < p->op.count(); ++i) sent += each_send;
        EXPECT_GE(spent.committed(), billed);
        EXPECT_LE(spent.committed(), sent);
    }
}

TEST(stack_simulation, books_balance_limits_hold_and_every_call_ends) {
    totals all;
    for (auto const seed : support::each_seed(support::seeds(3))) run_world(seed, all);
    if (support::replaying()) return;
    EXPECT_GT(all.answered, all.asked / 4) << "refusing everything would pass, too";
    EXPECT_GT(all.cancelled, 0);
    EXPECT_GT(all.late, 0);
    EXPECT_GT(all.sends, all.asked / 2);
}

}  // namespace
}  // namespace stack_simulation_test
