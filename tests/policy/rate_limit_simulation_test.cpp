// SPDX-License-Identifier: BSL-1.0
// Random callers, who leave at any point, before a provider that ends in every way: against an oracle that knows no
// coroutines, and in worlds whose contexts die.
#include <coffer/call/pipeline.hpp>
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
#include <ostream>
#include <string>
#include <utility>
#include <vector>

#include "policy/support/contexts.hpp"
#include "policy/support/rated.hpp"
#include "support/seeds.hpp"

namespace rate_limit_simulation_test {
namespace {

using namespace coffer;
using namespace std::chrono_literals;
using support::caller;
using support::dice;
using support::guarded;
using support::rated_end;
using support::request;

// What is tried ----------------------------------------------------------------------------------------------------------

struct job {
    duration arrives{};
    std::int64_t tokens = 1;
    duration patience{};
    duration takes{};
    enum class ending { used, unknown, throttled, throttled_without_hint, not_sent } ends = ending::used;
    std::int64_t used = 0;
    duration hint{};
    std::optional<duration> cancelled_at{};
};

struct plan {
    std::int64_t requests = 60;
    std::int64_t tokens = 1000;
    duration burst = 1min;
    std::size_t places = 1000;
    std::vector<job> jobs;

    [[nodiscard]] rate_limit_options options() const {
        rate_limit_options o;
        o.requests_per_minute = requests;
        o.tokens_per_minute = tokens;
        o.burst = burst;
        o.max_waiting = places;
        o.hint_spread = 0;
        return o;
    }
};

/// What became of one.
struct fate {
    std::optional<duration> sent;
    std::string end;
    duration over{};
    friend bool operator==(fate const&, fate const&) = default;
    friend std::ostream& operator<<(std::ostream& out, fate const& f) {
        return out << "sent " << (f.sent ? std::to_string(f.sent->count()) : "never") << ", " << f.end << " at "
                   << f.over.count();
    }
};

// The oracle -------------------------------------------------------------------------------------------------------------

class oracle {
public:
    explicit oracle(plan const& p) : plan_{p}, bucket_{coffer::detail::rules_of(p.options())}, fates_(p.jobs.size()) {
        for (std::size_t i = 0; i < p.jobs.size(); ++i) {
            auto const& j = p.jobs[i];
            at(j.arrives, [this, i] { arrive(i); });
            if (j.cancelled_at) at(*j.cancelled_at, [this, i] { cancel(i); });
        }
    }

    std::vector<fate> run() {
        for (;;) {
            auto const next = events_.empty() ? time_point::max() : events_.begin()->first;
            auto const turn = line_.empty() ? time_point::max() : ready(line_.front());
            if (std::min(next, turn) == time_point::max()) return fates_;
            now_ = std::max(now_, std::min(next, turn));
            if (next <= turn) {
                auto const what = events_.begin()->second;
                events_.erase(events_.begin());
                what();
            }
            while (!line_.empty() && ready(line_.front()) <= now_) {
                auto const i = line_.front();
                line_.erase(line_.begin());
                send(i);
            }
        }
    }

private:
    static constexpr time_point start{1000h};
    [[nodiscard]] rate_weight weight(std::size_t i) const { return {1, plan_.jobs[i].tokens, 0}; }
    [[nodiscard]] time_point deadline(std::size_t i) const {
        return start + plan_.jobs[i].arrives + plan_.jobs[i].patience;
    }
    [[nodiscard]] time_point ready(std::size_t i) const {
        return std::max(throttle_.until(), bucket_.earliest(weight(i)));
    }
    void at(duration d, std::function<void()> what) { events_.emplace(start + d, std::move(what)); }
    void over(std::size_t i, std::string how) {
        fates_[i].end = std::move(how);
        fates_[i].over = now_ - start;
        done_[i] = true;
    }

    void arrive(std::size_t i) {
        if (line_.empty() && ready(i) <= now_) return send(i);
        rate_weight ahead;
        for (auto const other : line_) ahead += weight(other);
        auto const turn = bucket_.earliest_behind(ahead, weight(i), std::max(now_, throttle_.until())).first;
        if (line_.size() >= plan_.places || turn >= deadline(i)) return over(i, "queue_full");
        line_.push_back(i);
        events_.emplace(deadline(i), [this, i] {
            if (std::erase(line_, i) > 0) over(i, "deadline_exceeded");
        });
    }
    void cancel(std::size_t i) {
        if (done_[i]) return;
        if (!fates_[i].sent && std::erase(line_, i) == 0) return;  // it has not come yet
        over(i, "cancelled");  // what was sent stays counted
    }
    void send(std::size_t i) {
        fates_[i].sent = now_ - start;
        EXPECT_EQ(bucket_.try_take(weight(i), now_, marks_), rate_bucket::took::all);
        events_.emplace(now_ + plan_.jobs[i].takes, [this, i, began = now_] { end(i, began); });
    }
    void end(std::size_t i, time_point began) {
        if (done_[i]) return;
        auto const& j = plan_.jobs[i];
        switch (j.ends) {
            case job::ending::used:
                bucket_.correct(weight(i), {1, j.used, 0}, now_);
                throttle_.passed(began);
                return over(i, "ok");
            case job::ending::unknown: throttle_.passed(began); return over(i, "ok");
            case job::ending::not_sent: bucket_.correct(weight(i), {}, now_); return over(i, "not_sent");
            case job::ending::throttled:
            case job::ending::throttled_without_hint: break;
        }
        bucket_.correct(weight(i), {1, 0, 0}, now_);
        auto const before = throttle_.until();
        throttle_.throttled(began, now_, j.ends == job::ending::throttled ? std::optional{j.hint} : std::nullopt);
        over(i, "throttled");
        if (throttle_.until() > before) send_away();
    }
    void send_away() {
        rate_weight ahead;
        std::erase_if(line_, [&](std::size_t i) {
            auto const turn = bucket_.earliest_behind(ahead, weight(i), std::max(now_, throttle_.until())).first;
            if (turn < deadline(i)) return ahead += weight(i), false;
            return over(i, "queue_full"), true;
        });
    }

    plan const& plan_;
    rate_bucket bucket_;
    rate_bucket::marks marks_{};
    throttle throttle_{1s, 30s};
    std::vector<fate> fates_;
    std::map<std::size_t, bool> done_;
    std::vector<std::size_t> line_;
    std::multimap<time_point, std::function<void()>> events_;
    time_point now_ = start;
};

// The real thing -----------------------------------------------------------------------------------------------------------

std::vector<fate> really(plan const& p, std::size_t contexts) {
    support::contexts world{contexts};
    support::rated_provider provider;
    rate_limit const limit{p.options()};
    guarded const ask = pipeline{limit}.wrap(provider.operation());
    provider.otherwise([&](std::string const& name) {
        auto const& j = p.jobs[std::stoul(name)];
        rated_end e{.after = j.takes};
        if (j.ends == job::ending::used) e.used = support::used(j.used, 0);
        if (j.ends == job::ending::throttled) e.why = fault{fault_kind::throttled}.with_retry_after(j.hint);
        if (j.ends == job::ending::throttled_without_hint) e.why = fault{fault_kind::throttled};
        if (j.ends == job::ending::not_sent) e.why = fault{fault_kind::not_sent};
        return e;
    });
    auto const start = world.now();
    std::map<std::size_t, caller> callers;
    std::multimap<duration, std::function<void()>> agenda;
    for (std::size_t i = 0; i < p.jobs.size(); ++i) {
        auto const& j = p.jobs[i];
        agenda.emplace(j.arrives, [&, i] {
            auto const prompt = std::to_string(i) + " " + std::to_string(j.tokens) + " 0";
            callers.emplace(i, caller::begin(world.executor(i % contexts), ask, call::unkeyed(p.jobs[i].patience),
                                             request{prompt}));
        });
        if (j.cancelled_at)
            agenda.emplace(*j.cancelled_at, [&, i] {
                if (callers.contains(i)) callers.at(i).cancel();
            });
    }
    for (auto const& [when, what] : agenda) {
        world.run_for(start + when - world.now());
        what();
    }
    world.run();
    std::vector<fate> fates(p.jobs.size());
    for (auto const& s : provider.sends()) fates[std::stoul(s.name)].sent = s.at - start;
    for (auto const& [i, c] : callers) {
        fates[i].over = c->ended - start;
        fates[i].end = !c->over ? "waits for ever" : c->ok() ? "ok" : std::string{to_string(c->why().kind())};
    }
    EXPECT_EQ(limit.waiting(), 0U);
    return fates;
}

plan draw(std::uint64_t seed) {
    dice dice{seed};
    plan p;
    p.requests = 1 + dice.below(std::int64_t{120});
    p.tokens = 100 + dice.below(std::int64_t{10'000});
    if (dice.one_in(2)) p.burst = (1 + dice.below(20)) * 1s;
    if (dice.one_in(4)) p.places = 1 + dice.below(std::size_t{5});
    auto const count = 3 + dice.below(15);
    auto const span = 1 + dice.below(60);
    auto const ns = [&](std::int64_t seconds) { return duration{1 + dice.below(seconds * 1'000'000'000)}; };
    for (int i = 0; i < count; ++i) {
        job j;
        j.arrives = ns(span);
        j.tokens = 1 + dice.below(p.tokens / (1 + dice.below(std::int64_t{8})));
        j.patience = ns(dice.one_in(3) ? 20 : 400);
        j.takes = ns(1 + dice.below(30));
        auto const how = dice.below(12);
        j.ends = how < 6   ? job::ending::used
                 : how < 9 ? job::ending::unknown
                           : static_cast<job::ending>(how - 9 + static_cast<int>(job::ending::throttled));
        j.used = dice.below((dice.one_in(2) ? 8 : 1) * j.tokens + j.tokens / 4 + 1);
        j.hint = ns(30);
        if (dice.one_in(3)) j.cancelled_at = j.arrives + ns(40);
        p.jobs.push_back(j);
    }
    return p;
}

TEST(rate_limit_model, random_callers_fare_as_the_oracle_says) {
    std::map<std::string, int> ends;
    int waited = 0;
    for (auto const seed : support::each_seed(support::seeds(2))) {
        auto const p = draw(seed);
        auto const expected = oracle{p}.run();
        auto const got = really(p, 1 + seed % 3);
        for (std::size_t i = 0; i < got.size(); ++i) {
            ASSERT_EQ(got[i], expected[i]) << "job " << i << ", seed " << seed;
            ++ends[got[i].end];
            waited += got[i].sent && *got[i].sent > p.jobs[i].arrives;
        }
    }
    if (support::replaying()) return;
    auto const seeds = static_cast<int>(support::seeds(2));
    EXPECT_GT(waited, seeds);
    for (auto const* const end : {"ok", "queue_full", "cancelled", "throttled", "not_sent", "deadline_exceeded"})
        EXPECT_GT(ends[end], seeds / 100) << end;
}

// Each of them leaves in the middle of everything that it waits for, and at the very moment at which that ends.
TEST(rate_limit_model, whoever_leaves_at_any_suspension_point_leaves_nothing_behind) {
    for (auto const seed : support::each_seed(support::seeds(50))) {
        auto p = draw(seed);
        for (auto& j : p.jobs) j.cancelled_at.reset();
        auto const undisturbed = oracle{p}.run();
        for (std::size_t i = 0; i < p.jobs.size(); ++i) {
            auto& j = p.jobs[i];
            std::vector<duration> points;
            auto const from = j.arrives;
            auto const sent = undisturbed[i].sent.value_or(undisturbed[i].over);
            if (sent > from + 2ns) points.insert(points.end(), {from + 1ns, from + (sent - from) / 2, sent - 1ns});
            if (undisturbed[i].over > sent + 2ns) points.push_back(sent + (undisturbed[i].over - sent) / 2);
            for (auto const when : points) {
                j.cancelled_at = when;
                auto const expected = oracle{p}.run();
                auto const got = really(p, 2);
                for (std::size_t k = 0; k < got.size(); ++k)
                    ASSERT_EQ(got[k], expected[k]) << "job " << k << ", " << i << " cancelled at " << when.count();
            }
            j.cancelled_at.reset();
        }
    }
}

// Whole worlds -------------------------------------------------------------------------------------------------------------

TEST(rate_limit_simulation, whatever_happens_the_limits_hold_and_everybody_comes_to_an_end) {
    int sent = 0, refused = 0, died = 0;
    for (auto const seed : support::each_seed(support::seeds(10))) {
        dice dice{seed};
        support::contexts world{4, seed};
        support::rated_provider provider;
        rate_limit_options o;
        o.requests_per_minute = 20 + dice.below(std::int64_t{100});
        o.tokens_per_minute = 1000 + dice.below(std::int64_t{10'000});
        o.burst = dice.one_in(2) ? duration{1min} : duration{10s};
        o.give_back = false;  // what is let in can then be added up
        o.max_waiting = 10 + dice.below(std::size_t{50});
        if (dice.one_in(2)) o.fair_by = "tenant";
        rate_limit const limit{o};
        guarded const ask = pipeline{retry{{.attempts = 2}}, limit}.wrap(provider.operation());
        provider.otherwise([&](std::string const&) {
            rated_end e{.after = dice.below(20'000) * 1ms};
            auto const how = dice.below(8);
            if (how == 0) e.why = fault{fault_kind::throttled}.with_retry_after(dice.below(20) * 1s);
            if (how == 1) e.why = fault{fault_kind::throttled};
            if (how == 2) e.why = fault{fault_kind::ambiguous};
            if (how == 3) e.said[rate_measure::tokens] = {dice.below(o.tokens_per_minute), o.tokens_per_minute, 30s};
            return e;
        });
        struct one {
            caller who;
            std::size_t where;
            time_point deadline;
        };
        std::vector<one> callers;
        std::map<std::string, std::int64_t> tokens;
        bool gone[4] = {};
        for (int step = 0; step < 120; ++step) {
            world.run_for(dice.below(2000) * 1ms);
            auto const where = dice.below(std::size_t{4});
            if (dice.one_in(5) && !callers.empty()) {
                auto const& c = callers[dice.below(callers.size())];
                if (!gone[c.where]) c.who.cancel();
            } else if (dice.one_in(60) && where != 0 && !gone[where]) {
                world.destroy(where);
                gone[where] = true;
                ++died;
            } else if (!gone[where]) {
                auto const name = std::to_string(step);
                tokens[name] = 1 + dice.below(std::max<std::int64_t>(o.tokens_per_minute / 8, 1));
                auto const patience = (1 + dice.below(120)) * 1s;
                callers.push_back({caller::begin(world.executor(where), ask,
                                                 call::unkeyed(patience).tag("tenant", std::to_string(dice.below(3))),
                                                 request{name + " " + std::to_string(tokens[name]) + " 0"}),
                                   where, world.now() + patience});
            }
        }
        world.run();
        for (auto const& c : callers) {
            if (gone[c.where]) continue;
            ASSERT_TRUE(c.who->over) << "somebody waits for ever";
            ASSERT_TRUE(c.who->result.has_value()) << "thrown out of try_call";
            if (c.who->log.empty()) {
                ASSERT_LE(c.who->ended, c.deadline);
            }
            refused += c.who->failed(fault_kind::queue_full);
        }
        ASSERT_EQ(limit.waiting(), 0U);

        auto const sends = provider.sends();
        sent += static_cast<int>(sends.size());
        auto const minute = [](std::int64_t l, duration d) {
            return coffer::detail::wide_int{l} * d.count() / 60'000'000'000;
        };
        for (std::size_t from = 0; from < sends.size(); ++from) {
            std::int64_t requests = 0, sum = 0;
            for (std::size_t to = from; to < sends.size(); ++to) {
                auto const allowed = o.burst + (sends[to].at - sends[from].at);
                ++requests, sum += tokens[sends[to].name];
                ASSERT_LE(requests, minute(o.requests_per_minute, allowed));
                // One larger than what lies in the bucket may leave a debt.
                ASSERT_LE(sum, minute(o.tokens_per_minute, allowed) + o.tokens_per_minute / 8);
            }
        }

        // And when all is quiet, everything is there again.
        world.run_for(2 * 60min);
        provider.otherwise([](std::string const&) { return rated_end{}; });
        auto const before = provider.sends().size();
        auto const burst = static_cast<std::size_t>(minute(o.requests_per_minute, o.burst));
        for (std::size_t i = 0; i < burst; ++i)
            caller::begin(world.executor(0), ask, call::unkeyed(1ms), request{"x 1 0"});
        world.run();
        ASSERT_EQ(provider.sends().size() - before, burst);
    }
    if (support::replaying()) return;
    auto const worlds = static_cast<int>(support::seeds(10));
    EXPECT_GT(sent, 20 * worlds) << "refusing everything would pass too";
    EXPECT_GT(refused, worlds / 2);
    EXPECT_GT(died, worlds / 2);
}

// The liveness twin: whoever is patient is served, and the limits are used.
TEST(rate_limit_simulation, patient_callers_are_all_served_at_the_limits_pace) {
    for (auto const seed : support::each_seed(support::seeds(50))) {
        dice dice{seed};
        support::contexts world{3, seed};
        support::rated_provider provider;
        rate_limit_options o;
        o.tokens_per_minute = 10'000 + dice.below(std::int64_t{100'000});
        if (dice.one_in(2)) o.burst = 5s;
        if (dice.one_in(2)) o.fair_by = "tenant";
        rate_limit const limit{o};
        guarded const ask = pipeline{limit}.wrap(provider.operation());
        std::map<std::string, std::int64_t> asked;
        provider.otherwise([&](std::string const& name) {  // a quarter of what was asked for
            return rated_end{.used = support::used(asked[name] / 4, 0), .after = 20s};
        });
        std::vector<caller> callers;
        std::int64_t all = 0;
        for (int i = 0; i < 300; ++i) {
            auto const name = std::to_string(i);
            asked[name] = 4 * (1 + dice.below(o.tokens_per_minute / 100));
            all += asked[name] / 4;
            callers.push_back(caller::begin(world.executor(dice.below(std::size_t{3})), ask,
                                            call::unkeyed(24h).tag("tenant", std::to_string(dice.below(4))),
                                            request{name + " " + std::to_string(asked[name]) + " 0"}));
        }
        auto const start = world.now();
        world.run();
        for (auto const& c : callers) ASSERT_TRUE(c->ok()) << c->text();
        auto const took = world.now() - start;
        auto const least = duration{all * 60'000'000'000 / o.tokens_per_minute};
        ASSERT_LE(took, least * 105 / 100 + 80s) << "the limit was not used";
    }
}

}  // namespace
}  // namespace rate_limit_simulation_test
