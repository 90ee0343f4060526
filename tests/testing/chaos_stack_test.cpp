// SPDX-License-Identifier: BSL-1.0
// Whole stacks in bad weather, thousands of times: one seed is one run, no key is billed more often than it may be, and
// when it is calm again everything that may still be paid for is.
#include <coffer/testing/chaos.hpp>

#include <coffer/call/pipeline.hpp>
#include <coffer/policy/circuit_breaker.hpp>
#include <coffer/policy/once.hpp>
#include <coffer/policy/rate_limit.hpp>
#include <coffer/policy/retry.hpp>
#include <coffer/store/memory.hpp>

#include <gtest/gtest.h>

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <map>
#include <memory>
#include <sstream>
#include <string>
#include <system_error>
#include <utility>
#include <vector>

#include "support/seeds.hpp"
#include "support/simulation.hpp"

namespace chaos_stack_test {
namespace {

using namespace coffer;
using namespace coffer::testing;
using namespace std::chrono_literals;
using support::dice;
using support::simulation;

/// A good provider that takes its time and bills each send when it comes in; what goes wrong is chaos.
class good_chat {
public:
    explicit good_chat(duration takes = 2s) : takes_{takes} {}

    awaitable<outcome<answer>> operator()(attempt&, std::string const& prompt) const {
        return run(bills_, takes_, prompt);
    }
    [[nodiscard]] outcome<std::string> decode(answer const& a) const {
        if (!a.body.starts_with("re: ")) return failed(fault_kind::defective_answer);
        return a.body;
    }
    [[nodiscard]] coffer::fingerprint fingerprint(std::string const& p) const {
        return coffer::fingerprint{}.with("prompt", p);
    }
    [[nodiscard]] int bills(std::string const& prompt) const { return (*bills_)[prompt]; }
    [[nodiscard]] int bills() const {
        int sum = 0;
        for (auto const& [prompt, count] : *bills_) sum += count;
        return sum;
    }

private:
    static awaitable<outcome<answer>> run(std::shared_ptr<std::map<std::string, int>> bills, duration takes,
                                          std::string prompt) {
        ++(*bills)[prompt];
        (void)co_await sleep_for(takes);
        co_return answer{"re: " + prompt, 200};
    }
    duration takes_;
    std::shared_ptr<std::map<std::string, int>> bills_ = std::make_shared<std::map<std::string, int>>();
};

chaos_plan storm(dice& d) {
    chaos_plan plan;
    auto const part = [&] { return d.unit() / 7; };
    plan.sometimes(part(), injection::loses_reply())
        .sometimes(part(), injection::loses_reply(fault{fault_kind::broken_stream}).after(1s))
        .sometimes(part(), injection::fails(fault{fault_kind::throttled}.with_retry_after(3s)))
        .sometimes(part(), injection::fails(fault_kind::overloaded))
        .sometimes(part(), injection::spoils_answer())
        .sometimes(part(), injection::hangs())
        .sometimes(part(), injection::throws(std::system_error{make_error_code(asio::error::connection_reset)}))
        .slows(d.unit(), 0s, 20s);
    return plan;
}

/// Some callers of some keys, some of whom leave; what became of all of it, as a text.
std::string run_storm(std::uint64_t seed, int max_sends, int& injected, int& done, int& unresolved) {
    dice d{seed};
    simulation sim{seed};
    good_chat const chat;
    memory_store db;
    chaos const weather{storm(d)};
    circuit_breaker const health{{.in_a_row = 5}};
    auto const ask =
        pipeline{once{db, {.max_sends = max_sends}}, retry{{.attempt_timeout = 60s}}, health}.wrap(weather.wrap(chat));
    constexpr int keys = 3, callers = 8;
    std::vector<std::string> prompts;
    for (int k = 0; k < keys; ++k) prompts.push_back("prompt " + std::to_string(k));
    std::vector<call> calls;
    calls.reserve(callers);
    std::vector<support::running<outcome<std::string>>> all;
    for (int i = 0; i < callers; ++i) {
        auto const k = d.below(std::size_t{keys});
        calls.emplace_back(key{"storm", static_cast<int>(k)}, (1 + d.below(300)) * 1s);
        all.push_back(sim.start(ask.try_call(calls.back(), prompts[k])));
        if (d.one_in(3)) sim.cancel_after(d.below(60'000) * 1ms, all.back());
        sim.time.run_for(d.below(20'000) * 1ms);
    }
    sim.time.run();
    std::ostringstream text;
    for (std::size_t i = 0; i < all.size(); ++i) {
        EXPECT_TRUE(all[i].over()) << "somebody waits for ever";
        auto const result = all[i].get();
        if (result) text << *result;
        else text << result.error();
        text << '\n' << calls[i].log() << '\n';
    }
    for (auto const& p : prompts) EXPECT_LE(chat.bills(p), max_sends) << p;
    injected += weather.injected();

    // It is calm again: what may still be sent is, and what was paid for is there.
    weather.off();
    sim.time.run_for(1h);
    for (int k = 0; k < keys; ++k) {
        auto c = call{key{"storm", k}, 1h};
        auto const before = chat.bills(prompts[static_cast<std::size_t>(k)]);
        auto const result = sim.run(ask.try_call(c, prompts[static_cast<std::size_t>(k)]));
        auto const after = chat.bills(prompts[static_cast<std::size_t>(k)]);
        if (result) {
            ++done;
            EXPECT_EQ(*result, "re: " + prompts[static_cast<std::size_t>(k)]);
            EXPECT_EQ(after, before + (c.origin() == answer_origin::sent ? 1 : 0));
        } else {
            ++unresolved;
            EXPECT_EQ(before, after);
            EXPECT_TRUE(result.error().kind() == fault_kind::unresolved ||
                        result.error().kind() == fault_kind::defective_answer)
                << result.error();
        }
        EXPECT_LE(after, max_sends);
        text << after << '\n';
    }
    return text.str();
}

TEST(chaos_stack, one_bill_per_key_is_kept_whatever_replies_are_lost) {
    int injected = 0, done = 0, unresolved = 0;
    for (auto const seed : support::each_seed(support::seeds(5))) {
        (void)run_storm(seed, 1 + static_cast<int>(seed % 3), injected, done, unresolved);
    }
    if (support::replaying()) return;
    auto const seeds = static_cast<int>(support::seeds(5));
    EXPECT_GT(injected, 3 * seeds) << "a storm that is none proves nothing";
    EXPECT_GT(done, seeds) << "refusing everything must not pass";
    EXPECT_GT(unresolved, seeds / 10) << "nor may sends be bounded by luck alone";
}

TEST(chaos_stack, one_seed_is_one_run) {
    int injected = 0, done = 0, unresolved = 0;
    for (auto const seed : support::each_seed(support::seeds(100))) {
        auto const once_run = run_storm(seed, 2, injected, done, unresolved);
        ASSERT_EQ(once_run, run_storm(seed, 2, injected, done, unresolved));
        ASSERT_NE(once_run, run_storm(seed + 1'000'000, 2, injected, done, unresolved));
    }
}

// The plan's own seed: what else draws from the clock (here the jitter of a retry) changes nothing.
TEST(chaos_stack, a_plan_with_a_seed_of_its_own_does_the_same_to_every_run) {
    auto const fates = [](std::uint64_t world, retry_options const& o) {
        simulation sim{world};
        chaos const weather{chaos_plan{}.sometimes(0.5, injection::fails(fault_kind::overloaded)).seeded(42)};
        auto const ask = pipeline{retry{o, retry_quota::unlimited()}}.wrap(weather.wrap(good_chat{}));
        std::string text;
        for (int i = 0; i < 50; ++i) {
            auto c = call::unkeyed();
            std::string const prompt = "p";
            (void)sim.run(ask.try_call(c, prompt));
            for (auto const& a : c.log()) text += a.fault ? 'x' : '.';
        }
        return text;
    };
    auto const one = fates(1, {.attempts = 9});
    EXPECT_EQ(one, fates(2, {.attempts = 9}));
    EXPECT_NE(one.find("x."), std::string::npos);
}

TEST(chaos_stack, a_breaker_opens_in_an_outage_and_closes_after_it) {
    simulation sim;
    good_chat const chat;
    chaos const weather{chaos_plan{}.sometimes(0.95, injection::fails(fault_kind::overloaded))};
    circuit_breaker const health{{.in_a_row = 5}};
    auto const ask = pipeline{retry{{}, retry_quota::unlimited()}, health}.wrap(weather.wrap(chat));
    std::string const prompt = "p";
    int refused = 0;
    for (int i = 0; i < 100; ++i) {
        auto c = call::unkeyed();
        auto const result = sim.run(ask.try_call(c, prompt));
        refused += !result && result.error().kind() == fault_kind::circuit_open;
        sim.time.run_for(500ms);
    }
    EXPECT_GT(refused, 50);
    EXPECT_LT(weather.injected(chaos_effect::fault), 100) << "most of the outage meets an open breaker";
    EXPECT_GT(health.status().opened, 0U);

    weather.off();
    sim.time.run_for(5min);
    for (int i = 0; i < 10; ++i) {
        auto c = call::unkeyed();
        EXPECT_TRUE(sim.run(ask.try_call(c, prompt)));
    }
    EXPECT_EQ(health.status().state, circuit_state::closed);
}

// The caller leaves at each moment of a run: in a latency, in a hang, in the send, between attempts, and exactly where one of
// them ends.
TEST(chaos_stack, whoever_leaves_at_any_suspension_point_leaves_nothing_behind) {
    for (bool const journaled : {false, true}) {
        for (int tenths = 0; tenths <= 700; ++tenths) {
            simulation sim;
            good_chat const chat;
            memory_store db;
            auto const weather = chaos{chaos_plan{}
                                           .then(injection::fails(fault{fault_kind::overloaded}).after(2s))
                                           .then(injection::hangs())
                                           .then(injection::loses_reply().after(1s))
                                           .then(injection::spoils_answer())};
            rate_limit const pace{{.requests_per_minute = 100}};
            retry const tries{{.attempts = 5, .max_sends = 9, .attempt_timeout = 20s}};
            std::string const prompt = "p";
            auto c = call{key{"leaves", 1}, 10min};
            auto const go = [&](auto const& ask) {
                auto const r = sim.start(ask.try_call(c, prompt));
                sim.cancel_after(tenths * 100ms, r);
                sim.time.run();
                ASSERT_TRUE(r.over());
                auto const result = r.get();
                ASSERT_TRUE(!result) << "the fourth is defective";
                ASSERT_EQ(pace.waiting(), 0U);
                ASSERT_LE(chat.bills(), 2);
                weather.off();
                auto again = call{key{"leaves", 1}, 10min};
                auto const calm = sim.run(ask.try_call(again, prompt));
                ASSERT_TRUE(calm) << calm.error();
                ASSERT_LE(chat.bills(), 3);
            };
            if (journaled) go(pipeline{once{db, {.max_sends = 4}}, tries, pace}.wrap(weather.wrap(chat)));
            else go(pipeline{tries, pace}.wrap(weather.wrap(chat)));
            if (HasFatalFailure() || HasNonfatalFailure()) {
                std::printf("left after %d00 ms, %s\n", tenths, journaled ? "with a journal" : "without");
                return;
            }
        }
    }
}

}  // namespace
}  // namespace chaos_stack_test
