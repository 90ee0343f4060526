// SPDX-License-Identifier: BSL-1.0
// Random stacks with timeouts around operations of all manners; callers leave, deadlines come, contexts go, at any moment and
// often at the very same.
#include <coffer/call/guarded.hpp>
#include <coffer/call/pipeline.hpp>
#include <coffer/policy/circuit_breaker.hpp>
#include <coffer/policy/once.hpp>
#include <coffer/policy/rate_limit.hpp>
#include <coffer/policy/retry.hpp>
#include <coffer/policy/timeout.hpp>
#include <coffer/store/memory.hpp>

#include "policy/support/foreign.hpp"
#include "support/scripted_gate.hpp"
#include "support/seeds.hpp"
#include "support/simulation.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace timeout_simulation_test {
namespace {

using namespace coffer;
using namespace std::chrono_literals;
using support::asks_foreign;
using support::foreign;
using support::manners;

enum class stack : int { each_attempt, all_attempts, both, nested, guarded_inside, inside_once, around_once };
constexpr int stacks = 7;

struct plan {
    stack shape;
    duration limit;  // the one that bounds the call, where one does
    duration each;  // of an attempt
    duration deadline;
    std::optional<duration> leaves;
    manners how;  // of the first send
    duration takes;
    bool fails = false;

    [[nodiscard]] bool journaled() const { return shape == stack::inside_once || shape == stack::around_once; }
    /// The whole call is inside a timeout.
    [[nodiscard]] bool bounded() const { return shape != stack::each_attempt && shape != stack::inside_once; }
};

/// Few different times, so that they often are the same.
duration some_time(support::dice& dice) {
    if (dice.one_in(4)) return std::chrono::milliseconds(dice.below(20'000));
    return std::chrono::seconds(dice.below(12)) * 5;
}

asks_foreign make(plan const& p, foreign const& op, support::tape const& t, memory_store const& db) {
    retry const again{{.attempts = 4, .max_sends = 3, .ambiguous_delay = 1s}};
    support::plain_gate const outer{t, "outer"}, inner{t, "inner"};
    switch (p.shape) {
        case stack::each_attempt: return pipeline{outer, again, timeout{p.each}, inner}.wrap(op);
        case stack::all_attempts: return pipeline{outer, timeout{p.limit}, again, inner}.wrap(op);
        case stack::both:
            return pipeline{timeout{p.limit}, again, rate_limit{{.requests_per_minute = 20}}, outer,
                            timeout{p.each},  inner}
                .wrap(op);
        case stack::nested: return pipeline{timeout{p.limit}, outer, timeout{p.each}, timeout{p.limit}, inner}.wrap(op);
        case stack::guarded_inside: {
            asks_foreign const inside = pipeline{again, timeout{p.each}, inner}.wrap(op);
            return pipeline{outer, timeout{p.limit}, circuit_breaker{}}.wrap(inside);
        }
        case stack::inside_once:
            return pipeline{once{db, {.max_sends = 3}}, outer, timeout{p.each}, again, inner}.wrap(op);
        case stack::around_once: return pipeline{timeout{p.limit}, once{db, {.max_sends = 3}}, again, inner}.wrap(op);
    }
    return pipeline{}.wrap(op);
}

awaitable<void> let_go(support::running<outcome<std::string>> r, duration after) {
    co_await sleep_for(after);
    r.cancel();
}

TEST(timeout_simulation, every_call_ends_in_time_and_says_what_is_known) {
    int succeeded = 0, timed = 0, left = 0, late = 0, abandoned = 0;
    for (auto const seed : support::each_seed()) {
        support::dice dice{seed};
        auto const any = [&] { return static_cast<manners>(dice.below(7)); };
        plan p{};
        p.shape = static_cast<stack>(dice.below(stacks));
        p.limit = some_time(dice) + 1ms;
        p.each = some_time(dice) + 1ms;
        p.deadline = dice.one_in(3) ? some_time(dice) : duration{10min};
        if (dice.one_in(3)) p.leaves = some_time(dice);
        p.how = any();
        p.takes = some_time(dice);
        p.fails = dice.one_in(4);
        bool const destroyed = dice.one_in(10);

        foreign op;
        support::tape t;
        memory_store db;
        std::optional<fault> why;
        if (p.fails) why.emplace(dice.one_in(2) ? fault_kind::overloaded : fault_kind::ambiguous);
        op.then(p.how, p.takes, why);
        for (int i = 0; i < 4; ++i) op.then(any(), some_time(dice));
        auto sim = std::make_unique<support::simulation>(seed);
        auto const begin = sim->time.now();
        std::string prompt = "hello";
        call c{key{"test", 1}, p.deadline};
        std::optional<time_point> ended;
        std::optional<outcome<std::string>> said;
        {
            auto const wrapped = make(p, op, t, db);
            auto const whole = [](asks_foreign ask, call& mine, std::string const& text,
                                  std::optional<time_point>& at) -> awaitable<outcome<std::string>> {
                auto r = co_await ask.try_call(mine, text);
                at = mine.clock().now();
                co_return r;
            };
            auto const r = sim->start(whole(wrapped, c, prompt, ended));
            if (p.leaves) sim->start(let_go(r, *p.leaves));
            if (destroyed) {
                sim->time.run_for(some_time(dice));
                ++abandoned;
            } else {
                sim->time.run();
                ASSERT_TRUE(r.over()) << "seed " << seed;
                if (!p.leaves || *p.leaves > 0s || ended) said = r.get();
            }
        }
        if (destroyed) {
            sim.reset();  // ASan would tell of what is used or left afterwards
            continue;
        }

        // By its deadline at the latest, and when its caller leaves, and by the timeout around all of it.
        if (!said || !ended) continue;  // it was cancelled before it began
        auto latest = begin + p.deadline;
        if (p.leaves) latest = std::min(latest, begin + *p.leaves);
        if (p.bounded()) latest = std::min(latest, begin + p.limit);
        ASSERT_LE(*ended, std::max(latest, begin)) << "seed " << seed << ", stack " << static_cast<int>(p.shape);
        auto const took = *ended - begin;

        // Everything that was sent is told, and nothing else; and it was bounded.
        auto const sends = op.sends();
        if (!p.journaled()) {
            ASSERT_EQ(c.log().size(), sends.size()) << "seed " << seed;
            int unproven = 0;
            for (std::size_t i = 0; i < sends.size(); ++i) {
                ASSERT_EQ(c.log()[i].number, static_cast<int>(i) + 1) << "seed " << seed;
                ASSERT_EQ(begin + c.log()[i].start, sends[i].at) << "seed " << seed;
                ASSERT_LE(sends[i].deadline, latest == begin + p.deadline ? latest : begin + p.deadline);
                unproven += c.log()[i].billing != knowledge::no ? 1 : 0;
            }
            ASSERT_EQ(c.unproven_sends(), unproven) << "seed " << seed;
            ASSERT_EQ(c.attempts(), static_cast<int>(sends.size()));
        }
        ASSERT_LE(c.unproven_sends(), 3) << "seed " << seed;
        for (auto const& s : sends) ASSERT_EQ(s.provider_key, sends[0].provider_key) << "seed " << seed;
        for (auto const& s : sends) ASSERT_TRUE(s.ended && s.prompt_at_end == "hello") << "seed " << seed;
        ASSERT_EQ(t.tickets_out(), 0) << "seed " << seed;
        ASSERT_EQ(t.defects(), 0) << "seed " << seed;

        // Who it was.
        if (*said) {
            ++succeeded;
            ASSERT_EQ(**said, "answer to hello");
        } else {
            auto const& f = said->error();
            if (sends.empty()) {
                ASSERT_EQ(f.billing(), knowledge::no) << "seed " << seed << ": " << f;
                ASSERT_EQ(f.execution(), knowledge::no) << "seed " << seed << ": " << f;
            }
            if (f.kind() == fault_kind::cancelled) {
                ++left;
                ASSERT_TRUE(p.leaves && took >= *p.leaves) << "seed " << seed << ": " << f;
            }
            if (f.kind() == fault_kind::deadline_exceeded) {
                ++late;
                ASSERT_GE(took, p.deadline) << "seed " << seed << ": " << f;
            }
            if (f.code() == "timeout") {
                ++timed;
                ASSERT_EQ(f.kind(), fault_kind::timed_out);
                ASSERT_GE(took, std::min(p.limit, p.each)) << "seed " << seed << ": " << f;
            }
            if (p.leaves && took >= *p.leaves && took > 0s && f.kind() != fault_kind::cancelled) {
                ASSERT_EQ(took, *p.leaves) << "seed " << seed << ": " << f;
            }
        }

        // Liveness: what had all the time that it needed was answered.
        auto const least = std::min({p.limit, p.each, p.deadline, p.leaves.value_or(duration::max())});
        if (!p.fails && p.how != manners::deaf_throws && p.takes < least) {
            ASSERT_TRUE(*said) << "seed " << seed << ": " << said->error();
            ASSERT_EQ(took, p.takes) << "seed " << seed;
        }

        // Under a journal nobody pays again for what was brought home.
        if (p.journaled() &&
            (*said || std::any_of(sends.begin(), sends.end(), [](auto const& s) { return !s.cancelled; }))) {
            call again{key{"test", 1}, 1h};
            auto const before = op.count();
            auto const wrapped = make(p, op, t, db);
            auto const r = sim->start(wrapped.try_call(again, prompt));
            sim->time.run();
            if (*said) {
                ASSERT_TRUE(r.get().has_value()) << "seed " << seed;
                ASSERT_EQ(op.count(), before) << "seed " << seed;
            }
        }
    }
    EXPECT_TRUE(support::replaying() || (succeeded > 10 && timed > 10 && left > 10 && late > 5 && abandoned > 5))
        << succeeded << ' ' << timed << ' ' << left << ' ' << late << ' ' << abandoned;
}

// Left at every moment: after so many turns of the context, wherever the call stands then.
TEST(timeout_simulation, left_at_every_suspension_it_ends_at_once) {
    for (auto const shape :
         {stack::each_attempt, stack::all_attempts, stack::both, stack::nested, stack::guarded_inside})
        for (auto const how :
             {manners::polite, manners::listens, manners::honest, manners::slow, manners::deaf, manners::deaf_throws})
            for (int steps = 1; steps < 120; ++steps) {
                plan p{shape, 30s, 10s, 10min, {}, how, 3s};
                foreign op;
                op.then(manners::listens, 2s, fault{fault_kind::overloaded});
                op.otherwise(how, 12s);
                support::tape t;
                memory_store db;
                support::simulation sim;
                std::string prompt = "hello";
                call c{key{"test", 1}, 10min};
                auto const r = sim.start(make(p, op, t, db).try_call(c, prompt));
                int done = 0;
                auto const clock = sim.time.clock();
                for (; done < steps && !r.over(); ++done)
                    if (sim.io.stopped()) sim.io.restart();
                    else if (sim.io.poll_one() == 0 && !clock->advance(time_point::max())) break;
                if (r.over()) break;
                auto const at = sim.time.now();
                r.cancel();
                sim.time.run_for(0s);
                ASSERT_TRUE(r.over()) << "stack " << static_cast<int>(shape) << ", manners " << static_cast<int>(how)
                                      << ", after " << steps;
                ASSERT_EQ(sim.time.now(), at);
                try {
                    auto const said = r.get();
                    ASSERT_TRUE(said || said.error().kind() == fault_kind::cancelled) << said.error();
                } catch (std::system_error const& e) {  // before it began
                    ASSERT_EQ(e.code(), asio::error::operation_aborted);
                    ASSERT_EQ(op.count(), 0);
                }
                sim.time.run();
                ASSERT_EQ(op.running(), 0);
                ASSERT_EQ(t.tickets_out(), 0);
            }
}

}  // namespace
}  // namespace timeout_simulation_test
