// SPDX-License-Identifier: BSL-1.0
// Random tenants who leave at any point: a per_key does as a gate for each of them would, and where it has to forget,
// forgetting lets nobody have more than his part.
#include <coffer/call/pipeline.hpp>
#include <coffer/policy/circuit_breaker.hpp>
#include <coffer/policy/per_key.hpp>
#include <coffer/policy/rate_limit.hpp>
#include <coffer/policy/retry.hpp>

#include <gtest/gtest.h>

#include <algorithm>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "policy/support/contexts.hpp"
#include "policy/support/rated.hpp"
#include "support/seeds.hpp"

namespace per_key_simulation_test {
namespace {

using namespace coffer;
using namespace std::chrono_literals;
using support::caller;
using support::dice;
using support::guarded;
using support::rated_end;
using support::request;

struct job {
    duration arrives{};
    std::string tenant;
    duration patience{};
    rated_end end;
    std::optional<duration> cancelled_at{};
};

std::vector<job> draw(dice& d, int tenants) {
    std::vector<job> jobs;
    auto const count = 5 + d.below(25);
    auto const ns = [&](std::int64_t seconds) { return duration{1 + d.below(seconds * 1'000'000'000)}; };
    for (int i = 0; i < count; ++i) {
        job j;
        j.arrives = ns(60);
        j.tenant = std::to_string(d.below(tenants));
        j.patience = ns(d.one_in(3) ? 10 : 300);
        j.end.after = ns(10);
        switch (d.below(6)) {
            case 0: j.end.why = fault{fault_kind::throttled}.with_retry_after(ns(20)); break;
            case 1: j.end.why = fault{fault_kind::overloaded}; break;
            case 2: j.end.why = fault{fault_kind::not_sent}; break;
            default: j.end.used = support::used(1, 1);
        }
        if (d.one_in(3)) j.cancelled_at = j.arrives + ns(30);
        jobs.push_back(std::move(j));
    }
    return jobs;
}

/// What became of each: how it ended, when, and after which attempts.
struct fate {
    std::string end;
    duration over{};
    std::vector<duration> attempts;
    friend bool operator==(fate const&, fate const&) = default;
};

/// Plays the jobs; `of` gives the pipeline that a tenant asks.
std::vector<fate> play(support::contexts& world, support::rated_provider const& provider, std::vector<job> const& jobs,
                       std::function<guarded const&(std::string const&)> const& of) {
    provider.otherwise([&](std::string const& name) { return jobs[std::stoul(name)].end; });
    auto const start = world.now();
    std::map<std::size_t, caller> callers;
    std::multimap<duration, std::function<void()>> agenda;
    for (std::size_t i = 0; i < jobs.size(); ++i) {
        auto const& j = jobs[i];
        agenda.emplace(j.arrives, [&, i] {
            auto const& mine = jobs[i];
            callers.emplace(i, caller::begin(world.executor(i % 2), of(mine.tenant),
                                             call::unkeyed(mine.patience).tag("tenant", mine.tenant),
                                             request{std::to_string(i) + " 1 1"}));
        });
        if (j.cancelled_at) agenda.emplace(*j.cancelled_at, [&, i] { callers.at(i).cancel(); });
    }
    for (auto const& [when, what] : agenda) {
        world.run_for(start + when - world.now());
        what();
    }
    world.run();
    std::vector<fate> fates(jobs.size());
    for (auto const& [i, c] : callers) {
        fates[i].over = c->ended - start;
        fates[i].end = !c->over ? "waits for ever" : c->ok() ? "ok" : std::string{to_string(c->why().kind())};
        for (auto const& a : c->log) fates[i].attempts.push_back(a.start);
    }
    return fates;
}

circuit_breaker a_breaker() { return circuit_breaker{{.in_a_row = 2}}; }
rate_limit a_limit() { return rate_limit{{.requests_per_minute = 12, .burst = 10s, .max_waiting = 3}}; }
retry a_retry() { return retry{{.attempts = 3}}; }

TEST(per_key_simulation, it_does_as_a_gate_for_each_tenant_would) {
    std::map<std::string, int> ends;
    for (auto const seed : support::each_seed(support::seeds(5))) {
        dice d{seed};
        auto const jobs = draw(d, 4);
        auto const by = by_tag{"tenant"};
        support::contexts one{2, seed}, other{2, seed};
        support::rated_provider first, second;
        guarded const ask =
            pipeline{per_key{by, &a_retry}, per_key{by, &a_breaker}, per_key{by, &a_limit}}.wrap(first.operation());
        auto const got = play(one, first, jobs, [&](std::string const&) -> guarded const& { return ask; });
        std::map<std::string, guarded> each;
        for (int i = 0; i < 4; ++i)
            each.emplace(std::to_string(i), pipeline{a_retry(), a_breaker(), a_limit()}.wrap(second.operation()));
        auto const expected =
            play(other, second, jobs, [&](std::string const& who) -> guarded const& { return each.at(who); });
        for (std::size_t i = 0; i < jobs.size(); ++i) {
            ASSERT_EQ(got[i].end, expected[i].end) << "job " << i;
            ASSERT_EQ(got[i], expected[i]) << "job " << i;
            ++ends[got[i].end];
        }
    }
    if (support::replaying()) return;
    auto const seeds = static_cast<int>(support::seeds(5));
    for (auto const* const end : {"ok", "queue_full", "circuit_open", "cancelled", "throttled"})
        EXPECT_GT(ends[end], seeds / 20) << end;
}

// Few partitions for many tenants, and contexts that die: they are forgotten and made anew all the time.
TEST(per_key_simulation, however_often_they_are_forgotten_nobody_has_more_than_his_part) {
    int sent = 0, crowded = 0, remade = 0;
    for (auto const seed : support::each_seed(support::seeds(20))) {
        dice d{seed};
        support::contexts world{3, seed};
        support::rated_provider provider;
        std::size_t const most = 1 + d.below(std::size_t{3});
        std::map<std::string, int> made;
        auto const make = [&](std::string_view who) {
            ++made[std::string{who}];
            return rate_limit{{.requests_per_minute = 6, .burst = 20s}};  // two at once, and one every 10 s
        };
        per_key const pace{by_tag{"tenant"}, make, {.max_keys = most, .forget_after = d.below(3) * 5s}};
        guarded const ask = pipeline{retry{{.attempts = 2}}, pace}.wrap(provider.operation());
        provider.otherwise([&](std::string const&) {
            rated_end e{.used = support::used(1, 1), .after = d.below(5000) * 1ms};
            if (d.one_in(6)) e.why = fault{fault_kind::ambiguous};
            if (d.one_in(8)) e.why = fault{fault_kind::throttled}.with_retry_after(d.below(10) * 1s);
            return e;
        });
        std::vector<caller> callers;
        std::vector<std::size_t> where;
        bool gone[3] = {};
        for (int step = 0; step < 100; ++step) {
            world.run_for(d.below(3000) * 1ms);
            auto const w = d.below(std::size_t{3});
            if (d.one_in(6) && !callers.empty()) {
                auto const i = d.below(callers.size());
                if (!gone[where[i]]) callers[i].cancel();
            } else if (d.one_in(80) && w != 0 && !gone[w]) {
                world.destroy(w);
                gone[w] = true;
            } else if (!gone[w]) {
                auto const who = std::to_string(d.below(5));
                callers.push_back(caller::begin(world.executor(w), ask,
                                                call::unkeyed((1 + d.below(60)) * 1s).tag("tenant", who),
                                                request{who + " 1 1"}));
                where.push_back(w);
            }
            ASSERT_LE(pace.size(), most);
        }
        world.run();
        std::map<std::string, std::vector<time_point>> times;
        for (auto const& s : provider.sends()) times[s.name].push_back(s.at), ++sent;
        for (auto const& [who, at] : times)
            for (std::size_t i = 0; i + 3 < at.size(); ++i)
                ASSERT_GE(at[i + 3] - at[i], 20s) << "four of " << who << " within a burst and two refills";
        for (std::size_t i = 0; i < callers.size(); ++i) {
            if (gone[where[i]]) continue;
            ASSERT_TRUE(callers[i]->over);
            ASSERT_TRUE(callers[i]->result.has_value());
            crowded += !callers[i]->ok() && callers[i]->why().code() == "max_keys";
        }
        for (auto const& [who, times_made] : made) remade += times_made > 1;
        pace.for_each([](std::string_view, rate_limit const& l) { ASSERT_EQ(l.waiting(), 0U); });

        // Nothing is held any more: when all is refilled, everybody gets in.
        provider.otherwise([](std::string const&) { return rated_end{.after = 0s}; });
        for (int i = 0; i < 5; ++i) {
            world.run_for(1h);
            auto const c = caller::begin(world.executor(0), ask, call::unkeyed(1s).tag("tenant", std::to_string(i)),
                                         request{"x 1 1"});
            world.run();
            ASSERT_TRUE(c->ok()) << "tenant " << i;
        }
    }
    if (support::replaying()) return;
    auto const seeds = static_cast<int>(support::seeds(20));
    EXPECT_GT(sent, 20 * seeds);
    EXPECT_GT(crowded, seeds);
    EXPECT_GT(2 * remade, seeds);
}

}  // namespace
}  // namespace per_key_simulation_test
