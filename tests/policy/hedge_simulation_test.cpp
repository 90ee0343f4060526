// SPDX-License-Identifier: BSL-1.0
// Small worlds: two providers with bad days, calls that are hedged, left, and run out of time at any moment. Whatever happens,
// the sends that may be billed stay within the count, hedges within ratio and quota, and when all is over nobody holds
// anything. And it is worth it: where one provider is sometimes slow, hedged calls are not.
#include <coffer/call/pipeline.hpp>
#include <coffer/policy/budget.hpp>
#include <coffer/policy/circuit_breaker.hpp>
#include <coffer/policy/hedge.hpp>
#include <coffer/policy/once.hpp>
#include <coffer/policy/rate_limit.hpp>
#include <coffer/policy/retry.hpp>
#include <coffer/store/ledger_memory.hpp>
#include <coffer/store/memory.hpp>

#include <gtest/gtest.h>

#include <algorithm>
#include <functional>
#include <map>
#include <memory>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "policy/support/contexts.hpp"
#include "policy/support/priced.hpp"
#include "policy/support/provider.hpp"
#include "policy/support/speaker.hpp"
#include "support/scripted_gate.hpp"
#include "support/seeds.hpp"
#include "support/simulation.hpp"

namespace hedge_simulation_test {
namespace {

using namespace coffer;
using namespace coffer::literals;
using namespace std::chrono_literals;
using support::caller;
using support::dice;
using support::guarded;
using support::request;
using support::speaker;

/// What the providers have seen of one call, which its prompt names.
struct dossier {
    int begun = 0;
    int unbilled = 0;  ///< ended so
    int under_way = 0;
    int most_at_once = 0;
    money charged;
    std::set<std::string> answers;
};

/// Two providers behind one counter.
class market {
public:
    explicit market(std::uint64_t seed) : draw{seed} {}
    dice draw;
    bool calm = false;
    std::map<std::string, dossier> calls;
    int cut = 0;

    class chat {
    public:
        chat(market& m, std::string name) : market_{&m}, name_{std::move(name)} {}
        awaitable<outcome<answer>> operator()(attempt& a, request const& r) const {
            return run(market_, name_, r.prompt, a.deadline(), a.of().deadline());
        }
        [[nodiscard]] coffer::target target(request const&) const { return {name_, "m"}; }
        [[nodiscard]] coffer::fingerprint fingerprint(request const& r) const {
            return coffer::fingerprint{}.with("prompt", r.prompt);
        }
        [[nodiscard]] coffer::estimate estimate(request const&) const {
            coffer::estimate e;
            e.cost = 0.05_usd;
            return e;
        }
        [[nodiscard]] outcome<std::string> decode(answer const& a) const {
            if (a.body.starts_with("bad")) return failed(fault_kind::defective_answer);
            return a.body;
        }

    private:
        market* market_;
        std::string name_;
    };
    [[nodiscard]] chat of(std::string name) { return {*this, std::move(name)}; }

private:
    /// Counts itself out, however it goes.
    struct under_way {
        explicit under_way(dossier& d) : of{d} {
            ++of.begun;
            of.most_at_once = std::max(of.most_at_once, ++of.under_way);
        }
        under_way(under_way const&) = delete;
        under_way& operator=(under_way const&) = delete;
        ~under_way() { --of.under_way; }
        dossier& of;
    };

    static awaitable<outcome<answer>> run(market* m, std::string name, std::string prompt, time_point deadline,
                                          time_point of_call) {
        auto const executor = co_await asio::this_coro::executor;
        auto& service = clock_service::of(executor);
        auto& mine = m->calls[prompt];
        under_way const counted{mine};
        auto const end = m->calm ? 0 : m->draw.below(12);
        bool const patient = m->calm || !m->draw.one_in(10);  // else it keeps to the call's time only
        auto const takes = m->calm ? 1s : m->draw.one_in(4) ? m->draw.below(120'000) * 1ms : m->draw.below(8'000) * 1ms;
        bool const pays = end < 6;
        if (pays) mine.charged += 0.02_usd;
        auto const whole = service.clock()->now() + takes;
        auto const until = std::min(whole, patient ? deadline : std::max(deadline, of_call));
        if (takes > 0ms && co_await wait_until(service, until) == wake::cancelled) {
            ++m->cut;
            co_return failed(
                fault{fault_kind::cancelled}.with_execution(knowledge::maybe).with_billing(knowledge::maybe));
        }
        if (until < whole) co_return failed(fault_kind::timed_out);
        if (!pays) ++mine.unbilled;
        answer said{name + " to " + prompt + " " + std::to_string(mine.begun), 200};
        said.cost = 0.02_usd;
        switch (end) {
            case 4: co_return failed(fault_kind::ambiguous);
            case 5: said.body = "bad"; co_return said;
            case 6: co_return failed(fault{fault_kind::throttled}.with_retry_after(m->draw.below(20) * 1s));
            case 7: co_return failed(fault_kind::overloaded);
            case 8: co_return failed(fault_kind::not_sent);
            case 9: co_return failed(fault_kind::invalid_request);
            case 10: co_return failed(fault_kind::quota_exhausted);
            case 11: co_return failed(fault_kind::overloaded);
            default: mine.answers.insert(said.body); co_return said;
        }
    }
};

TEST(hedge_simulation, sends_hedges_and_time_are_bounded_and_everything_is_settled) {
    std::uint64_t hedges = 0, wins = 0;
    int answered = 0, refused_hedges = 0, unknown = 0, known = 0;
    for (auto const seed : support::each_seed(support::seeds(2))) {
        support::simulation sim{seed};
        market m{seed};
        auto& draw = m.draw;
        support::tape tape;
        in_memory_ledger money_of;
        money_of.backend()->bind(sim.service().clock());
        int const max_sends = 1 + draw.below(3);
        hedge_options o;
        o.delay = (1 + draw.below(10)) * 1s;
        o.percentile = draw.one_in(2) ? 0 : 50 + draw.below(49);
        o.minimum = 1 + draw.below(5);
        o.hedges = 1 + draw.below(2);
        o.ratio = 0.1 + draw.unit() * 0.9;
        o.burst = 1 + draw.below(5);
        o.max_sends = max_sends;
        o.cancel_loser = draw.one_in(4);
        retry_quota const quota{{.capacity = 1.0 + draw.below(20), .per_second = 0, .per_success = 0.0001}};
        rate_limit const pace{{.requests_per_minute = 10 + draw.below(100), .burst = 1min, .max_waiting = 5}};
        circuit_breaker const health;
        support::gate_script plain;
        auto const with = [&](std::string const& name) -> guarded {
            support::plain_gate const g{tape, "g", plain};
            budget const within{money_of, {.scope = "team", .limit = draw.one_in(3) ? 0.5_usd : 100_usd}};
            retry_options const r{
                .attempts = 1 + draw.below(3), .max_sends = max_sends, .ambiguous_delay = 1s, .attempt_timeout = 1min};
            switch (draw.below(4)) {
                case 0: return pipeline{g}.wrap(m.of(name));
                case 1: return pipeline{retry{r, quota}, g, within}.wrap(m.of(name));
                case 2: return pipeline{retry{r, quota}, health, g, pace, within}.wrap(m.of(name));
                default: return pipeline{retry{r, quota}, pace, g}.wrap(m.of(name));
            }
        };
        auto const primary = with("acme");
        auto made = [&] {
            if (draw.one_in(3)) return hedge{o, std::vector{primary}};
            if (draw.one_in(3)) return hedge{o, std::vector{primary, with("zeta"), with("omega")}};
            return hedge{o, std::vector{primary, with("zeta")}};
        }();
        int told = 0;
        auto const h = std::move(made).with(quota).observe(
            [&](event const& e) { ++(e.kind == event_kind::hedged ? told : refused_hedges); });
        guarded const ask = pipeline{}.wrap(h);

        struct one {
            caller who;
            time_point until;
        };
        std::vector<one> all;
        int const count = 1 + draw.below(8);
        for (int i = 0; i < count; ++i) {
            auto const deadline = draw.one_in(4) ? draw.below(20'000) * 1ms : 3min;
            all.push_back({caller::begin(sim.executor(), ask, call{key{"test", i}, deadline},
                                         request{"call " + std::to_string(i)}),
                           sim.time.now() + deadline});
            // At any moment, also in the same one, and where something else has just happened.
            sim.time.run_for(draw.one_in(3) ? 0ms : draw.below(15'000) * 1ms);
            if (draw.one_in(4)) all[draw.below(all.size())].who.cancel();
        }
        sim.time.run();

        for (auto const& [who, until] : all) {
            EXPECT_TRUE(who->over);
            EXPECT_LE(who->ended, until);
            EXPECT_FALSE(who->thrown);
            std::set<int> numbers;
            money cost;
            for (auto const& a : who->log) {
                EXPECT_TRUE(numbers.insert(a.number).second) << "each attempt has a number of its own";
                cost += a.cost.value_or(money{});
            }
            if (who->cost) {
                EXPECT_EQ(*who->cost, cost);
            }
            ++(who->cost ? known : unknown);
        }
        for (int i = 0; i < count; ++i) {
            auto const& mine = m.calls["call " + std::to_string(i)];
            auto const& who = all[static_cast<std::size_t>(i)].who;
            EXPECT_LE(mine.begun - mine.unbilled, max_sends);
            EXPECT_LE(mine.most_at_once, std::min(max_sends, 1 + o.hedges));
            EXPECT_EQ(mine.under_way, 0);
            if (who->ok()) {
                ++answered;
                EXPECT_TRUE(mine.answers.contains(who->text())) << who->text();
            }
            if (who->cost) {
                EXPECT_LE(*who->cost, mine.charged);
            }
        }
        auto const looked = h.look(sim.time.now());
        EXPECT_EQ(looked.calls, static_cast<std::uint64_t>(count));
        EXPECT_LE(static_cast<double>(looked.hedges), o.burst + o.ratio * count + 1e-3);
        EXPECT_LE(looked.wins, looked.hedges);
        EXPECT_LE(static_cast<int>(looked.hedges), told) << "those that were refused at a gate are none";
        EXPECT_LE(static_cast<double>(quota.look(sim.time.now()).taken), 20 + 1.0);
        EXPECT_LE(looked.hedges, quota.look(sim.time.now()).taken) << "each was taken from there, and retries too";
        hedges += looked.hedges, wins += looked.wins;

        EXPECT_EQ(tape.tickets_out(), 0);
        EXPECT_EQ(tape.defects(), 0);
        EXPECT_EQ(pace.waiting(), 0U);
        auto const books = support::account_of(*money_of.backend(), "team");
        EXPECT_EQ(books.held, money{}) << "losers have settled too";
    }
    if (!support::replaying()) {
        EXPECT_GT(hedges, 0U);
        EXPECT_GT(wins, 0U);
        EXPECT_GT(answered, 0);
        EXPECT_GT(refused_hedges, 0);
        EXPECT_GT(known, 0);
        EXPECT_GT(unknown, 0);
    }
}

// Under a journal ------------------------------------------------------------------------------------------------------

constexpr std::size_t processes = 5;

TEST(hedge_simulation, under_a_journal_with_processes_that_die) {
    int replays = 0, both_under_way = 0, late = 0;
    for (auto const seed : support::each_seed(support::seeds(5))) {
        market m{seed};
        auto& draw = m.draw;
        support::contexts world{processes + 1, seed};
        memory_store records;
        int const max_sends = 1 + draw.below(3);
        coffer::key const k{"test", "k"};
        support::tape tape;
        support::gate_script plain;
        auto const asking = [&](store const& s) -> guarded {
            once_options const journaled{.max_sends = max_sends,
                                         .attempt_timeout = (20 + draw.below(100)) * 1s,
                                         .finish_grace = draw.below(60) * 1s,
                                         .takeover_grace = 5s};
            hedge_options o;
            o.delay = (1 + draw.below(10)) * 1s;
            o.percentile = 0;
            o.hedges = 1 + draw.below(2);
            o.cancel_loser = draw.one_in(6);
            auto const with = [&](std::string const& name) -> guarded {
                return pipeline{retry{{.attempts = 1 + draw.below(3), .ambiguous_delay = 1s}},
                                support::plain_gate{tape, "g", plain}}
                    .wrap(m.of(name));
            };
            auto const first = with("acme"), second = with("zeta");
            if (draw.one_in(4)) return pipeline{once{s, journaled}}.wrap(hedge{o, first});
            if (draw.one_in(2)) return pipeline{once{s, journaled}}.wrap(hedge{o, second, first});
            return pipeline{once{s, journaled}, retry{{.attempts = 2}}}.wrap(hedge{o, first, second});
        };
        auto const begin = [&](store const& s, std::size_t where, duration deadline) {
            return caller::begin(world.executor(where), asking(s), call{k, deadline}, request{"call"});
        };
        auto& mine = m.calls["call"];
        std::set<std::string> answers;
        std::vector<memory_store> stores;
        for (std::size_t p = 0; p < processes; ++p) {
            stores.push_back(records.another_process());
            std::vector<caller> callers;
            for (int i = 1 + draw.below(2); i > 0; --i)
                callers.push_back(begin(stores[p], p, draw.one_in(3) ? draw.below(40'000) * 1ms : 10min));
            world.run_for(draw.below(30'000) * 1ms);
            if (draw.one_in(3)) callers[0].cancel();
            if (draw.one_in(8)) (void)stores[p].backend()->flights().close();
            if (draw.one_in(3)) {  // it dies, in the middle of whatever it does
                world.stop(p);
                stores[p].declare_dead();
            }
            world.run_for(15min);
            for (auto const& c : callers) {
                if (!c->ok()) continue;
                answers.insert(c->text());
                EXPECT_TRUE(mine.answers.contains(c->text()));
                replays += c->origin == answer_origin::replayed ? 1 : 0;
            }
            EXPECT_LE(mine.begun - mine.unbilled, max_sends);
            EXPECT_LE(mine.most_at_once, max_sends);
        }
        EXPECT_LE(answers.size(), 1U) << "an answer never changes";
        both_under_way += mine.most_at_once > 1 ? 1 : 0;
        late += mine.answers.size() > 1 ? 1 : 0;

        // The liveness twin. An operator grants a send where all are spent; a stored refusal of the request expires.
        m.calm = true;
        world.run_for(1h);
        auto const last = records.another_process();
        auto const id = last.backend()->id_of(k);
        auto c = begin(last, processes, 10min);
        world.run();
        if (!c->ok() && last.backend()->resolve(id, grant_send{}).get()->has_value()) {
            c = begin(last, processes, 10min);
            world.run();
        }
        EXPECT_TRUE(c->ok()) << c->text();
        answers.insert(c->text());
        EXPECT_EQ(answers.size(), 1U);
        auto const stored = **last.backend()->peek(id).get();
        EXPECT_EQ(stored->state, record_state::done);
    }
    if (!support::replaying()) {
        EXPECT_GT(replays, 0) << "else this has tested little";
        EXPECT_GT(both_under_way, 0);
        EXPECT_GT(late, 0);
    }
}

// Every step -----------------------------------------------------------------------------------------------------------

/// One slow primary with a retry and a quicker backup, whose caller leaves after so many steps of the context.
struct one_by_one {
    support::contexts world{1};
    memory_store db;
    support::tape tape;
    support::gate_script plain;
    speaker first{"acme"}, second{"zeta"};

    guarded with(speaker const& s) {
        retry_options const r{.attempts = 2, .max_sends = 3, .ambiguous_delay = 1s};
        return pipeline{retry{r}, support::plain_gate{tape, "g", plain}}.wrap(s.op());
    }
    /// The caller, and how many steps it was until nothing was under way any more. Negative: it stays.
    std::pair<caller, int> run(bool journaled, bool fails, int leaves_after) {
        hedge_options const o{.delay = 5s, .percentile = 0, .max_sends = 3};
        hedge const h{o, with(first), with(second)};
        guarded const ask =
            journaled ? guarded{pipeline{once{db, {.max_sends = 3}}}.wrap(h)} : guarded{pipeline{}.wrap(h)};
        first.script.fail(fault_kind::overloaded, 2s).answer("slow", 30s);
        if (fails) second.script.fail(fault_kind::ambiguous, 3s).fail(fault_kind::overloaded, 3s);
        else second.script.fail(fault_kind::ambiguous, 3s).answer("quick", 3s);
        auto const who = caller::begin(world.executor(0), ask, call{key{"test", "k"}, 10min}, request{});
        auto& io = world[0];
        int steps = 0;
        bool left = false;
        do {
            for (;;) {
                if (io.stopped()) io.restart();
                if (steps == leaves_after && !std::exchange(left, true)) who.cancel();
                if (io.poll_one() == 0) break;
                ++steps;
            }
        } while (world.clock().advance(time_point::max()));
        return {who, steps};
    }
};

TEST(hedge_simulation, a_caller_may_leave_at_every_step) {
    for (bool const journaled : {false, true}) {
        for (bool const fails : {false, true}) {
            one_by_one undisturbed;
            int const steps = undisturbed.run(journaled, fails, -1).second;
            int left = 0, answered = 0, stored = 0;
            for (int step = 1; step <= steps; ++step) {
                SCOPED_TRACE(std::to_string(step) + " of " + std::to_string(steps));
                one_by_one u;
                auto const who = u.run(journaled, fails, step).first;
                EXPECT_TRUE(who->over);
                EXPECT_TRUE(who->ok() || who->failed(fault_kind::cancelled)) << who->text();
                left += who->ok() ? 0 : 1;
                answered += who->ok() ? 1 : 0;
                EXPECT_EQ(u.tape.tickets_out(), 0);
                EXPECT_EQ(u.tape.defects(), 0);
                EXPECT_LE(u.first.script.count() + u.second.script.count(), 4) << "two retried, two not";
                if (!journaled) continue;
                auto const r = **u.db.backend()->peek(u.db.backend()->id_of(key{"test", "k"})).get();
                if (!r) continue;
                EXPECT_LE(r->counted_sends(), 3);
                for (auto const& s : r->sends) EXPECT_NE(s.state, send_state::permitted) << "all are brought home";
                if (r->state == record_state::done) ++stored;
                if (who->ok()) {
                    EXPECT_EQ(r->state, record_state::done);
                }
            }
            EXPECT_GT(left, 3);
            EXPECT_GT(answered, 0) << "else it was never left too late";
            if (journaled) {
                EXPECT_GT(stored, answered) << "nobody's leaving drops a paid answer";
            }
        }
    }
}

// What it is for -------------------------------------------------------------------------------------------------------

/// A hundred seconds' worth of calls, one a second: how long they took, sorted.
std::vector<duration> durations(guarded const& ask, support::simulation& sim, int calls) {
    struct one {
        caller who;
        time_point began;
    };
    std::vector<one> all;
    for (int i = 0; i < calls; ++i) {
        all.push_back({caller::begin(sim.executor(), ask, call{key{"test", i}}, request{}), sim.time.now()});
        sim.time.run_for(1s);
    }
    sim.time.run();
    std::vector<duration> took;
    for (auto const& [who, began] : all) {
        EXPECT_TRUE(who->ok());
        took.push_back(who->ended - began);
    }
    std::sort(took.begin(), took.end());
    return took;
}

TEST(hedge_simulation, where_one_in_thirty_is_slow_hedged_calls_are_not) {
    for (auto const seed : support::each_seed(support::seeds(250))) {
        dice draw{seed};
        speaker slow{"acme"}, fast{"zeta"};
        constexpr int calls = 1000;
        auto const load = [&] {
            for (int i = 0; i < calls; ++i)
                slow.script.answer("hello", draw.one_in(30) ? 90s : 1s + draw.below(2000) * 1ms);
        };
        fast.script.otherwise([] { return answer{"hello", 200}; }, 2s);
        support::simulation alone, hedged;
        load();
        auto const bare = durations(pipeline{}.wrap(slow.op()), alone, calls);
        load();
        hedge const h{hedge_options{}, pipeline{}.wrap(slow.op()), pipeline{}.wrap(fast.op())};
        auto const quick = durations(pipeline{}.wrap(h), hedged, calls);
        EXPECT_GE(bare[calls * 99 / 100], 90s);
        EXPECT_LE(quick[calls * 99 / 100], 10s);
        EXPECT_LE(h.look(hedged.time.now()).hedges, static_cast<std::uint64_t>(5 + calls / 10));
        EXPECT_EQ(fast.script.count(), static_cast<int>(h.look(hedged.time.now()).hedges));
    }
}

TEST(hedge_simulation, when_all_answers_become_slow_hedges_stay_within_their_ratio_and_end_when_it_is_learnt) {
    speaker slow{"acme"}, fast{"zeta"};
    support::simulation sim;
    duration takes = 2s;
    fast.script.otherwise([] { return answer{"hello", 200}; }, 60s);
    hedge const h{hedge_options{}, pipeline{}.wrap(slow.op()), pipeline{}.wrap(fast.op())};
    guarded const ask = pipeline{}.wrap(h);
    auto const many = [&](int calls) {
        for (int i = 0; i < calls; ++i) slow.script.answer("hello", takes);
        auto const before = h.look(sim.time.now()).hedges;
        (void)durations(ask, sim, calls);
        return static_cast<int>(h.look(sim.time.now()).hedges - before);
    };
    EXPECT_EQ(many(300), 0);
    takes = 60s;
    auto const at_first = many(300);
    EXPECT_GT(at_first, 0);
    EXPECT_LE(at_first, 5 + 300 / 10);
    EXPECT_EQ(many(300), 0) << "slow is usual by now";
}

}  // namespace
}  // namespace hedge_simulation_test
