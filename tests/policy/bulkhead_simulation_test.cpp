// SPDX-License-Identifier: BSL-1.0
// Random callers, who leave at any point, before a provider that ends in every way: against an oracle that knows no
// coroutines, and in worlds whose contexts die.
#include <coffer/call/pipeline.hpp>
#include <coffer/policy/bulkhead.hpp>
#include <coffer/policy/retry.hpp>

#include <gtest/gtest.h>

#include <algorithm>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <ostream>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "policy/support/contexts.hpp"
#include "policy/support/rated.hpp"
#include "support/seeds.hpp"

namespace bulkhead_simulation_test {
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
    int priority = 0;
    duration patience{};
    duration takes{};
    std::optional<fault_kind> fails{};
    std::optional<duration> cancelled_at{};
};

struct plan {
    bulkhead_options options;
    std::vector<job> jobs;
    std::vector<std::pair<duration, int>> limits;  // by hand
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

/// Everything in plain lists that are searched anew each time. Only the limit itself is the real machine.
class oracle {
public:
    explicit oracle(plan const& p) : plan_{p}, limit_{p.options}, fates_(p.jobs.size()) {
        for (std::size_t i = 0; i < p.jobs.size(); ++i) {
            auto const& j = p.jobs[i];
            at(j.arrives, [this, i] { arrive(i); });
            if (j.cancelled_at) at(*j.cancelled_at, [this, i] { cancel(i); });
        }
        for (auto const& change : p.limits)
            at(change.first, [this, &change] {
                limit_.set(change.second);
                serve();
            });
    }

    std::vector<fate> run() {
        while (!events_.empty()) {
            now_ = events_.begin()->first;
            auto const what = std::move(events_.begin()->second);
            events_.erase(events_.begin());
            what();
        }
        return fates_;
    }
    [[nodiscard]] int limit() const { return limit_.now(); }

private:
    static constexpr time_point start{1000h};
    void at(duration d, std::function<void()> what) { events_.emplace(start + d, std::move(what)); }
    [[nodiscard]] job const& of(std::size_t i) const { return plan_.jobs[i]; }
    [[nodiscard]] duration gives_up(std::size_t i) const {
        return of(i).arrives + std::min(of(i).patience, plan_.options.max_wait);
    }
    void over(std::size_t i, std::string how) {
        fates_[i].end = std::move(how);
        fates_[i].over = now_ - start;
        done_.insert(i);
    }
    /// Does `a` come before `b`?
    [[nodiscard]] bool before(std::size_t a, std::size_t b) const {
        auto const importance = [&](std::size_t i) {
            if (plan_.options.ages_after == duration::max()) return duration{of(i).priority};
            return of(i).priority * plan_.options.ages_after - of(i).arrives;
        };
        return importance(a) != importance(b) ? importance(a) > importance(b) : of(a).arrives < of(b).arrives;
    }

    void arrive(std::size_t i) {
        if (static_cast<int>(in_.size()) < limit_.now() && line_.empty()) return send(i);
        if (plan_.options.max_waiting == 0) return over(i, "queue_full");
        if (line_.size() >= plan_.options.max_waiting) {
            auto const last = std::ranges::max_element(line_, [&](auto a, auto b) { return before(a, b); });
            if (!before(i, *last)) return over(i, "queue_full");
            over(*last, "queue_full");
            line_.erase(last);
        }
        line_.push_back(i);
        at(gives_up(i), [this, i] {
            if (std::erase(line_, i) > 0)
                over(i, of(i).patience <= plan_.options.max_wait ? "deadline_exceeded" : "queue_full");
        });
    }
    void cancel(std::size_t i) {
        if (done_.contains(i)) return;
        if (std::erase(line_, i) > 0) return over(i, "cancelled");
        if (in_.erase(i) == 0) return;  // it has not come yet
        over(i, "cancelled");
        serve();
    }
    void serve() {
        while (!line_.empty() && static_cast<int>(in_.size()) < limit_.now()) {
            auto const first = std::ranges::min_element(line_, [&](auto a, auto b) { return before(a, b); });
            auto const i = *first;
            line_.erase(first);
            send(i);
        }
    }
    void send(std::size_t i) {
        fates_[i].sent = now_ - start;
        in_.emplace(i, now_);
        if (nearly_full()) full_at_ = now_;
        events_.emplace(now_ + of(i).takes, [this, i] { end(i); });
    }
    [[nodiscard]] bool nearly_full() const { return 10 * static_cast<int>(in_.size()) >= 9 * limit_.now(); }
    void end(std::size_t i) {
        if (done_.contains(i)) return;
        auto const began = in_.at(i);
        auto const& why = of(i).fails;
        bool const used = nearly_full() || full_at_ >= began;
        bool const overload = why && (why == fault_kind::throttled || why == fault_kind::overloaded);
        using kind = concurrency_limit::end::kind;
        if (!why || overload) limit_.ended({why ? kind::overload : kind::success, began, now_, used});
        in_.erase(i);
        over(i, why ? std::string{to_string(*why)} : "ok");
        serve();
    }

    plan const& plan_;
    concurrency_limit limit_;
    std::vector<fate> fates_;
    std::set<std::size_t> done_;
    std::vector<std::size_t> line_;
    std::map<std::size_t, time_point> in_;
    time_point full_at_ = time_point::min();
    std::multimap<time_point, std::function<void()>> events_;
    time_point now_ = start;
};

// The real thing -----------------------------------------------------------------------------------------------------------

std::vector<fate> really(plan const& p, std::size_t contexts, int* limit = nullptr) {
    support::contexts world{contexts};
    support::rated_provider provider;
    bulkhead const gate{p.options};
    guarded const ask = pipeline{gate}.wrap(provider.operation());
    provider.otherwise([&](std::string const& name) {
        auto const& j = p.jobs[std::stoul(name)];
        bool const fixed = p.limits.empty() && !p.options.adapts();
        EXPECT_LE(gate.in_flight(), fixed ? p.options.limit : bulkhead_options::largest);
        rated_end e{.after = j.takes};
        if (j.fails) e.why.emplace(*j.fails);
        return e;
    });
    auto const start = world.now();
    std::map<std::size_t, caller> callers;
    std::multimap<duration, std::function<void()>> agenda;
    for (std::size_t i = 0; i < p.jobs.size(); ++i) {
        auto const& j = p.jobs[i];
        agenda.emplace(j.arrives, [&, i] {
            callers.emplace(
                i, caller::begin(world.executor(i % contexts), ask,
                                 call::unkeyed(p.jobs[i].patience).tag("priority", std::to_string(p.jobs[i].priority)),
                                 request{std::to_string(i)}));
        });
        if (j.cancelled_at)
            agenda.emplace(*j.cancelled_at, [&, i] {
                if (callers.contains(i)) callers.at(i).cancel();
            });
    }
    for (auto const& change : p.limits) agenda.emplace(change.first, [&] { gate.set_limit(change.second); });
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
    EXPECT_EQ(gate.waiting(), 0U);
    EXPECT_EQ(gate.in_flight(), 0);
    if (limit != nullptr) *limit = gate.limit();
    return fates;
}

plan draw(std::uint64_t seed) {
    dice dice{seed};
    plan p;
    auto& o = p.options;
    o.limit = 1 + dice.below(5);
    o.priority_by = "priority";
    o.max_waiting = dice.one_in(3) ? 1 + dice.below(std::size_t{4}) : 1000;
    auto const ns = [&](std::int64_t seconds) { return duration{1 + dice.below(seconds * 1'000'000'000)}; };
    if (dice.one_in(3)) o.max_wait = ns(40);
    if (dice.one_in(3)) o.ages_after = ns(20);
    if (dice.one_in(2)) {
        o.rule = dice.one_in(2) ? limit_rule::aimd : limit_rule::gradient;
        o.most = o.limit + dice.below(10);
        if (o.rule == limit_rule::gradient) o.window = 1 + dice.below(4);
    }
    auto const count = 3 + dice.below(25);
    auto const span = 1 + dice.below(60);
    auto const levels = 1 + dice.below(4);
    for (int i = 0; i < count; ++i) {
        job j;
        j.arrives = ns(span);
        j.priority = dice.below(levels) - levels / 2;
        j.patience = ns(dice.one_in(3) ? 20 : 400);
        j.takes = ns(1 + dice.below(30));
        auto const how = dice.below(10);
        if (how == 0) j.fails = fault_kind::throttled;
        if (how == 1) j.fails = fault_kind::overloaded;
        if (how == 2) j.fails = fault_kind::ambiguous;
        if (how == 3) j.fails = fault_kind::invalid_request;
        if (dice.one_in(3)) j.cancelled_at = j.arrives + ns(40);
        p.jobs.push_back(j);
    }
    if (dice.one_in(3))
        for (int i = 0; i < 3; ++i) p.limits.emplace_back(ns(span + 20), 1 + dice.below(6));
    return p;
}

TEST(bulkhead_model, random_callers_fare_as_the_oracle_says) {
    std::map<std::string, int> ends;
    int waited = 0, overtook = 0, moved = 0;
    for (auto const seed : support::each_seed(support::seeds(2))) {
        auto const p = draw(seed);
        oracle expects{p};
        auto const expected = expects.run();
        int limit = 0;
        auto const got = really(p, 1 + seed % 3, &limit);
        ASSERT_EQ(limit, expects.limit());
        moved += limit != p.options.limit;
        for (std::size_t i = 0; i < got.size(); ++i) {
            ASSERT_EQ(got[i], expected[i]) << "job " << i << ", seed " << seed;
            ++ends[got[i].end];
            waited += got[i].sent && *got[i].sent > p.jobs[i].arrives;
            for (std::size_t k = 0; k < i; ++k)
                overtook +=
                    got[i].sent && got[k].sent && *got[i].sent < *got[k].sent && p.jobs[i].arrives > p.jobs[k].arrives;
        }
    }
    if (support::replaying()) return;
    auto const seeds = static_cast<int>(support::seeds(2));
    EXPECT_GT(waited, 2 * seeds);
    EXPECT_GT(overtook, seeds / 4);
    EXPECT_GT(moved, seeds / 10);
    for (auto const* const end : {"ok", "queue_full", "cancelled", "throttled", "overloaded", "deadline_exceeded"})
        EXPECT_GT(ends[end], seeds / 10) << end;
}

// Each of them leaves in the middle of everything that it waits for, and just before that ends.
TEST(bulkhead_model, whoever_leaves_at_any_suspension_point_leaves_nothing_behind) {
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

/// What is under way at the provider, by what it has seen itself.
struct watch {
    struct one {
        time_point from;
        time_point to;
    };
    std::vector<one> sends;
    /// At each beginning: so many were under way, that one too.
    [[nodiscard]] int most() const {
        int most = 0;
        for (auto const& a : sends)
            most = std::max(most, static_cast<int>(std::ranges::count_if(
                                      sends, [&](auto const& b) { return b.from <= a.from && a.from < b.to; })));
        return most;
    }
};

TEST(bulkhead_simulation, whatever_happens_the_limit_holds_and_everybody_comes_to_an_end) {
    int sent = 0, refused = 0, died = 0, displaced = 0;
    for (auto const seed : support::each_seed(support::seeds(5))) {
        dice dice{seed};
        support::contexts world{4, seed};
        support::rated_provider provider;
        bulkhead_options o;
        o.limit = 1 + dice.below(8);
        o.max_waiting = 3 + dice.below(std::size_t{30});
        o.priority_by = "priority";
        if (dice.one_in(3)) o.max_wait = (1 + dice.below(30)) * 1s;
        if (dice.one_in(3)) o.ages_after = 5s;
        if (dice.one_in(3)) o.rule = limit_rule::aimd, o.most = o.limit + 4;
        auto const most = o.adapts() ? o.most : o.limit;
        bulkhead const gate{o};
        guarded const ask = pipeline{retry{{.attempts = 2}}, gate}.wrap(provider.operation());
        provider.otherwise([&](std::string const&) {
            EXPECT_LE(gate.in_flight(), most);
            EXPECT_LE(gate.waiting(), o.max_waiting);
            rated_end e{.after = dice.below(20'000) * 1ms};
            auto const how = dice.below(8);
            if (how == 0) e.why = fault{fault_kind::throttled}.with_retry_after(dice.below(20) * 1s);
            if (how == 1) e.why = fault{fault_kind::overloaded};
            if (how == 2) e.why = fault{fault_kind::ambiguous};
            return e;
        });
        struct one {
            caller who;
            std::size_t where;
            time_point deadline;
        };
        std::vector<one> callers;
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
                auto const patience = (1 + dice.below(120)) * 1s;
                auto c = call::unkeyed(patience).tag("priority", std::to_string(dice.below(4)));
                callers.push_back(
                    {caller::begin(world.executor(where), ask, std::move(c), request{std::to_string(step)}), where,
                     world.now() + patience});
            }
            ASSERT_LE(gate.in_flight(), most);
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
            displaced += c.who->failed(fault_kind::queue_full) && c.who->why().code() == "displaced";
        }
        ASSERT_EQ(gate.waiting(), 0U);
        ASSERT_EQ(gate.in_flight(), 0) << "a place was lost";
        sent += provider.count();

        // And when all is quiet, every place is there again.
        provider.otherwise([](std::string const&) { return rated_end{.after = 500ms}; });
        auto const before = provider.sends().size();
        auto const start = world.now();
        auto const places = static_cast<std::size_t>(gate.limit());
        for (std::size_t i = 0; i < places + 1; ++i)
            caller::begin(world.executor(0), ask, call::unkeyed(), request{"x"});
        world.run();
        auto const again = provider.sends();
        ASSERT_EQ(again.size() - before, places + 1);
        for (std::size_t i = 0; i < places; ++i) ASSERT_EQ(again[before + i].at, start);
        ASSERT_GT(again.back().at, start);
    }
    if (support::replaying()) return;
    auto const worlds = static_cast<int>(support::seeds(5));
    EXPECT_GT(sent, 20 * worlds) << "refusing everything would pass too";
    EXPECT_GT(refused, worlds);
    EXPECT_GT(displaced, worlds / 4);
    EXPECT_GT(died, worlds / 2);
}

// The liveness twin: whoever is patient is served, of equals in order, and no place is idle while somebody waits.
TEST(bulkhead_simulation, patient_callers_are_all_served_and_the_places_are_used) {
    for (auto const seed : support::each_seed(support::seeds(25))) {
        dice dice{seed};
        support::contexts world{3, seed};
        support::rated_provider provider;
        auto const limit = 1 + dice.below(10);
        bulkhead const gate{{.limit = limit, .priority_by = "priority"}};
        guarded const ask = pipeline{gate}.wrap(provider.operation());
        watch seen;
        provider.otherwise([&](std::string const&) {
            rated_end const e{.after = (1 + dice.below(20'000)) * 1ms};
            seen.sends.push_back({world.now(), world.now() + e.after});
            return e;
        });
        std::vector<caller> callers;
        std::vector<int> priority;
        auto const start = world.now();
        for (int i = 0; i < 200; ++i) {
            priority.push_back(dice.below(3));
            callers.push_back(caller::begin(world.executor(dice.below(std::size_t{3})), ask,
                                            call::unkeyed(24h).tag("priority", std::to_string(priority.back())),
                                            request{std::to_string(i)}));
            world.run_ready();
        }
        world.run();
        for (auto const& c : callers) ASSERT_TRUE(c->ok()) << c->text();
        ASSERT_EQ(seen.most(), limit) << "never more, and not fewer";
        std::map<int, int> last;
        int level = 2;
        for (std::size_t n = 0; n < 200; ++n) {
            auto const i = std::stoi(provider.sends()[n].name);
            auto const p = priority[static_cast<std::size_t>(i)];
            auto const [at, fresh] = last.try_emplace(p, i);
            ASSERT_TRUE(fresh || std::exchange(at->second, i) < i) << "not in its order";
            if (n < static_cast<std::size_t>(limit)) continue;  // they found a place at once
            ASSERT_LE(p, level) << "a more important one was kept waiting";
            level = p;
        }
        duration work{}, longest{};
        for (auto const& s : seen.sends) work += s.to - s.from, longest = std::max(longest, s.to - s.from);
        ASSERT_LE(world.now() - start, work / limit + longest) << "a place was idle while somebody waited";
    }
}

}  // namespace
}  // namespace bulkhead_simulation_test
