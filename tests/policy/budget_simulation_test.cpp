// SPDX-License-Identifier: BSL-1.0
// Many small worlds: processes that share one ledger and die at any step, callers that leave, a provider that charges
// what it likes up to the bound and does not always say so, or says it late, operators who change limits, freeze, and
// correct what was presumed, a wall clock that is set forward and back. Whatever happens no limit is exceeded, and at the
// end every dollar is accounted for.

#include <coffer/call/pipeline.hpp>
#include <coffer/policy/budget.hpp>
#include <coffer/policy/once.hpp>
#include <coffer/policy/retry.hpp>
#include <coffer/store/memory.hpp>

#include <gtest/gtest.h>

#include <algorithm>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "policy/support/contexts.hpp"
#include "policy/support/mortal_store.hpp"
#include "policy/support/priced.hpp"
#include "policy/support/provider.hpp"
#include "support/seeds.hpp"

namespace budget_simulation_test {
namespace {

using namespace coffer;
using namespace coffer::literals;
using namespace std::chrono_literals;
using support::caller;
using support::dice;
using support::guarded;
using support::request;

money cents(std::int64_t n) { return money::from_nano(n * 10'000'000); }

/// What the provider really charged: for whom and when, and under which request id it will say so.
struct charge {
    std::string team;
    wall_time_point at;
    money amount;
    std::string request_id;
};

struct provider_world {
    explicit provider_world(std::uint64_t seed) : draw{seed} {}
    dice draw;
    bool calm = false;
    std::vector<charge> bill;
    std::set<std::string> frozen;
};

/// A prompt is the team, a blank, and the bound in cents.
class chat {
public:
    explicit chat(std::shared_ptr<provider_world> w) : world_{std::move(w)} {}

    awaitable<outcome<answer>> operator()(attempt& a, request const& r) const {
        return run(world_, r.prompt, a.deadline());
    }
    [[nodiscard]] coffer::target target(request const&) const { return {"fake", "model"}; }
    [[nodiscard]] coffer::fingerprint fingerprint(request const&) const { return coffer::fingerprint{}; }
    [[nodiscard]] coffer::estimate estimate(request const& r) const { return {.cost = cents(bound_of(r.prompt))}; }
    [[nodiscard]] outcome<std::string> decode(answer const& a) const {
        if (a.body.starts_with("bad")) return failed(fault_kind::defective_answer);
        return a.body;
    }

private:
    static std::int64_t bound_of(std::string const& prompt) { return std::stoll(prompt.substr(prompt.find(' ') + 1)); }

    static awaitable<outcome<answer>> run(std::shared_ptr<provider_world> w, std::string prompt, time_point deadline) {
        auto const executor = co_await asio::this_coro::executor;
        auto& service = clock_service::of(executor);
        auto const now = service.clock()->now();
        auto const team = prompt.substr(0, prompt.find(' '));
        EXPECT_FALSE(w->frozen.contains(team)) << "a send has begun in a frozen scope";
        auto const end = w->calm ? 0 : w->draw.below(12);
        bool const charged = end < 8 || (end < 10 && w->draw.one_in(2));
        auto const amount = charged ? cents(w->draw.below(bound_of(prompt) + 1)) : money{};
        auto const request_id = "req_" + std::to_string(w->bill.size());
        w->bill.push_back({team, service.clock()->wall_now(), amount, request_id});
        auto const after = end == 9            ? duration{1h}
                           : w->draw.one_in(4) ? duration{}
                                               : w->draw.below(w->calm ? 15'000 : 30'000) * 1ms;
        if (after > duration{} && co_await wait_until(service, std::min(now + after, deadline)) == wake::cancelled)
            co_return failed(
                fault{fault_kind::cancelled}.with_execution(knowledge::maybe).with_billing(knowledge::maybe));
        if (now + after > deadline) co_return failed(fault_kind::timed_out);
        answer reply{end == 7 ? "bad" : "good", 200};
        reply.request_id = request_id;
        if (end != 6) reply.cost = amount;
        if (end < 8) co_return reply;
        fault why{end < 10 ? fault_kind::ambiguous : end == 10 ? fault_kind::throttled : fault_kind::not_sent};
        why.with_request_id(request_id);
        co_return failed(std::move(why));
    }

    std::shared_ptr<provider_world> world_;
};

struct asking {
    caller who;
    std::size_t where;
    time_point deadline;
};

struct universe {
    static constexpr std::size_t processes = 3;
    static constexpr auto rolls = 10min;

    explicit universe(std::uint64_t seed)
        : draw{seed}, world{processes + 1, seed}, provider{std::make_shared<provider_world>(seed + 1)} {
        records.backend()->bind(clock_service::of(world.executor(processes)).clock());
        for (std::size_t i = 0; i < processes; ++i) {
            all.emplace_back(records);
            all.back().life().after_step = [this] { watch(); };
        }
    }

    dice draw;
    support::contexts world;  // one for each process, and the operators'
    std::shared_ptr<provider_world> provider;
    memory_store records;
    std::vector<support::mortal_store> all;
    std::set<std::size_t> gone;
    std::vector<asking> callers;
    int asked = 0;
    std::map<std::string, money> limits{
        {"org", cents(800)}, {"team/a", cents(150)}, {"team/b", cents(150)}, {"all", cents(3000)}};
    std::map<std::pair<std::string, wall_time_point>, money> before;
    int corrected = 0;

    ledger_backend& books() { return *records.ledger().backend(); }

    budget_options options(duration max_wait) {
        return {.scope = "team/{team}",
                .limit = cents(150),
                .window = rolling(rolls),
                .also = {{"org", limits.at("org"), hourly}, {"all", limits.at("all"), lifetime}},
                .max_wait = max_wait};
    }
    guarded on(std::size_t where, duration max_wait, bool journaled) {
        auto const& s = all[where];
        if (journaled)
            return pipeline{once{s, once_options{.max_sends = 2,
                                                 .lease = 15s,
                                                 .heartbeat = 5s,
                                                 .attempt_timeout = 20s,
                                                 .finish_grace = 20s,
                                                 .takeover_grace = 5s,
                                                 .in_other_process = elsewhere::wait}},
                            retry{{.attempts = 3}}, budget{s, options(max_wait)}}
                .wrap(chat{provider});
        return pipeline{retry{{.attempts = 3}}, budget{s, options(max_wait)}}.wrap(chat{provider});
    }
    void begin(std::size_t where, guarded const& ask, int k, duration deadline) {
        call c{key{"sim", k}, deadline};
        auto const team = std::string{k % 2 == 0 ? "a" : "b"};
        c.tag("team", team);
        auto const bound = 1 + (k * 37) % 60;
        callers.push_back(
            {caller::begin(world.executor(where), ask, std::move(c), request{team + " " + std::to_string(bound)}),
             where, world.now() + deadline});
    }

    /// After every step: nowhere is more committed than the limit; where more was committed before, nothing is added: the
    /// limit was lowered, or the clock was set back and parts of a rolling window have come into it again.
    void watch() {
        auto const wall = world.clock().wall_now();
        struct sums {
            money now, before;
        };
        std::map<std::string, sums> in_window;
        std::map<std::pair<std::string, wall_time_point>, money> present;
        auto const accounts = **books().accounts("").get();
        for (auto const& s : accounts) {
            ASSERT_GE(s.money_in.held, money{});
            ASSERT_EQ(s.money_in.overrun, money{});
            auto const committed = s.money_in.committed();
            auto const last = before.find({s.scope, s.start});
            sums const part{committed, last == before.end() ? money{} : last->second};
            present[{s.scope, s.start}] = committed;
            if (!s.scope.starts_with("team/")) {
                ASSERT_LE(part.now, std::max(limits.at(s.scope), part.before)) << s.scope;
            } else if (rolling(rolls).counts(s.start, wall)) {
                in_window[s.scope].now += part.now;
                in_window[s.scope].before += part.before;
            }
        }
        for (auto const& [team, sum] : in_window) {
            ASSERT_LE(sum.now, std::max(limits.at(team), sum.before)) << team;
            if (stepped_back) continue;
            ASSERT_LE(sum.now, limits.at(team)) << team;
        }
        before = std::move(present);
    }
    bool stepped_back = false;

    /// The provider says what sends have cost of which nobody knew: of all, or of some of them, in bulk or one by one, late
    /// and perhaps twice.
    void tell_late(bool all_of_them) {
        auto const presumed = books().entries({.state = reservation_state::presumed, .limit = 100'000});
        std::vector<correction> what;
        for (auto const& e : **presumed.get()) {
            auto const truth = std::find_if(provider->bill.begin(), provider->bill.end(),
                                            [&](charge const& c) { return c.request_id == e.row.about.request_id; });
            if (truth == provider->bill.end() || (!all_of_them && draw.one_in(3))) continue;
            ASSERT_LE(truth->amount, *e.row.bound);
            ++corrected;
            if (draw.one_in(4)) books().submit_settle(e.row.id, truth->amount, truth->request_id);
            else if (truth->amount == money{} && draw.one_in(2)) books().submit_release(e.row.id);
            else what.push_back({e.row.id, truth->amount});
            watch();
        }
        auto const known = books().correct(what);
        ASSERT_EQ(known.get()->value(), what.size());
        if (draw.one_in(4)) books().correct(what);
    }

    /// What the provider charged, whatever the ledger thinks of it.
    void check_bill() {
        money sum;
        std::map<std::int64_t, money> hours;
        for (auto const& c : provider->bill) {
            sum += c.amount;
            hours[c.at.time_since_epoch() / 1h] += c.amount;
            money stretch;  // of ten minutes from here on
            for (auto const& other : provider->bill)
                if (other.team == c.team && other.at >= c.at && other.at < c.at + rolls) stretch += other.amount;
            ASSERT_LE(stretch, cents(150)) << "team " << c.team;
        }
        ASSERT_LE(sum, cents(3000));
        for (auto const& [hour, spent] : hours) ASSERT_LE(spent, most_for_org);
    }
    money most_for_org = cents(800);

    void bury_the_dead() {
        for (std::size_t i = 0; i < processes; ++i) {
            if (!all[i].life().over() || !gone.insert(i).second) continue;
            all[i].declare_dead();
            world.destroy(i);
        }
    }
    void play(std::multimap<duration, std::function<void()>> const& agenda) {
        auto const start = world.now();
        for (auto const& [at, what] : agenda) {
            world.run_for(start + at - world.now());
            bury_the_dead();
            what();
            watch();
        }
        for (int i = 0; i < 60; ++i) {  // whoever has died is buried
            world.run_for(1min);
            bury_the_dead();
        }
        world.run();
    }

    void set_limit_of_org(money m) {
        limits["org"] = m;
        most_for_org = std::max(most_for_org, m);
        books().set_limit("org", hourly, m);
    }

    void stormy() {
        std::multimap<duration, std::function<void()>> agenda;
        bool const set_clocks = draw.one_in(3);
        auto const when = [this] { return draw.below(40 * 60'000) * 1ms; };
        auto const count = 10 + draw.below(20);
        for (int i = 0; i < count; ++i) {
            auto const where = draw.below(processes);
            auto const ask = on(where, draw.one_in(2) ? duration{} : draw.below(20) * 1min, !draw.one_in(3));
            auto const k = draw.below(14);
            auto const deadline = (1 + draw.below(900)) * 1s;
            auto const at = when();
            agenda.emplace(at, [=, this] {
                if (!gone.contains(where)) begin(where, ask, k, deadline);
            });
            if (draw.one_in(4))
                agenda.emplace(at + draw.below(60'000) * 1ms, [this, n = draw.below<std::size_t>(20)] {
                    if (n < callers.size() && !gone.contains(callers[n].where)) callers[n].who.cancel();
                });
        }
        for (std::size_t i = 0; i < processes; ++i)
            if (draw.one_in(2)) all[i].life().end_at(1 + draw.below(40), draw.one_in(2));
        for (auto n = draw.below(4); n > 0; --n)
            agenda.emplace(when(), [this, m = cents(draw.below(1200))] { set_limit_of_org(m); });
        for (auto n = draw.below(3); n > 0; --n) {
            std::string const team = draw.one_in(2) ? "a" : "b";
            auto const at = when();
            agenda.emplace(at, [=, this] {
                books().freeze("team/" + team, "a test");
                provider->frozen.insert(team);
            });
            agenda.emplace(at + draw.below(300) * 1s, [=, this] {
                provider->frozen.erase(team);
                books().thaw("team/" + team);
            });
        }
        for (auto n = draw.below(4); n > 0; --n) agenda.emplace(when(), [this] { tell_late(false); });
        if (set_clocks)
            for (auto n = 1 + draw.below(3); n > 0; --n)
                agenda.emplace(when(), [this, by = (draw.below(7200) - 3600) * 1s] {
                    stepped_back = stepped_back || by < 0s;
                    world.clock().step_wall(by);
                });
        play(agenda);
    }

    /// When all is over.
    void check_end() {
        for (auto const& c : callers) {
            if (gone.contains(c.where)) continue;
            ASSERT_TRUE(c.who->over) << "somebody waits for ever";
            ASSERT_LE(c.who->ended, c.deadline);
            ASSERT_TRUE(c.who->result.has_value()) << "thrown out of try_call";
        }
        world.run_for(1h);  // the longest send has ended
        check_books();
        tell_late(true);
        watch();
        check_books();
        std::map<std::string, money> truth;
        for (auto const& c : provider->bill) truth[c.request_id] = c.amount;
        auto const entries = books().entries({.limit = 100'000});
        for (auto const& e : **entries.get()) {
            if (e.row.about.request_id.empty()) continue;  // nobody will ever know
            ASSERT_EQ(e.row.state, reservation_state::settled);
            ASSERT_EQ(e.row.actual, truth.at(e.row.about.request_id));
        }
    }
    void check_books() {
        account sum;
        auto const accounts = books().accounts("all");
        for (auto const& s : **accounts.get()) sum += s.money_in;
        ASSERT_EQ(sum.held, money{});
        money charged;
        std::map<std::string, money> teams;
        for (auto const& c : provider->bill) charged += c.amount, teams["team/" + c.team] += c.amount;
        ASSERT_GE(sum.spent(), charged) << "money is missing in the books";
        for (auto const& [team, spent] : teams) ASSERT_GE(support::account_of(books(), team).spent(), spent) << team;
        ASSERT_TRUE((*books().audit().get())->empty());
    }

    /// With money there, a call gets its answer.
    void check_liveness() {
        provider->calm = true;
        books().thaw("team/a");
        books().thaw("team/b");
        books().set_limit("org", hourly, cents(10'000));
        books().set_limit("all", lifetime, cents(100'000));
        for (auto& [scope, limit] : limits) limit = cents(100'000);
        world.run_for(2h);
        for (int k : {100, 101}) {
            books().set_limit("team/" + std::string{k % 2 == 0 ? "a" : "b"}, rolling(rolls), cents(100'000));
            all.emplace_back(records);  // another process, in the operators' context
            auto const ask = pipeline{once{all.back()}, budget{all.back(), options({})}}.wrap(chat{provider});
            begin(processes, guarded{ask}, k, 10min);
            world.run();
            ASSERT_TRUE(callers.back().who->ok()) << callers.back().who->text();
        }
    }
};

TEST(budget_simulation, whatever_happens_no_limit_is_exceeded_and_every_dollar_is_accounted_for) {
    int answered = 0, refused = 0, died = 0, corrected = 0;
    for (auto const seed : support::each_seed(support::seeds(5))) {
        universe u{seed};
        u.stormy();
        if (!::testing::Test::HasFatalFailure()) u.check_bill();
        if (!::testing::Test::HasFatalFailure()) u.check_end();
        for (auto const& c : u.callers) answered += c.who->ok(), refused += c.who->failed(fault_kind::over_budget);
        died += static_cast<int>(u.gone.size());
        corrected += u.corrected;
        if (!::testing::Test::HasFatalFailure()) u.check_liveness();
    }
    if (support::replaying()) return;
    auto const worlds = static_cast<int>(support::seeds(5));
    EXPECT_GT(answered, 2 * worlds) << "refusing everything would pass too";
    EXPECT_GT(refused, worlds / 2);
    EXPECT_GT(died, worlds / 2);
    EXPECT_GT(corrected, worlds);
}

// The liveness twin: nobody dies, the provider answers, and there is money for all, though not for all at once. Whoever is
// patient is served.
TEST(budget_simulation, with_money_coming_back_every_patient_caller_is_served) {
    for (auto const seed : support::each_seed(support::seeds(25))) {
        universe u{seed};
        u.provider->calm = true;
        std::multimap<duration, std::function<void()>> agenda;
        auto const ask = u.on(0, 4h, false);
        auto const there = u.on(1, 4h, true);
        for (int i = 0; i < 20; ++i)
            agenda.emplace(u.draw.below(60'000) * 1ms, [&u, i, here = u.draw.one_in(2), &ask, &there] {
                u.begin(here ? 0 : 1, here ? ask : there, i, 5h);
            });
        u.play(agenda);
        for (auto const& c : u.callers) EXPECT_TRUE(c.who->ok()) << c.who->text();
        u.check_bill();
    }
}

// A thousand at once -------------------------------------------------------------------------------------------------

struct crowd {
    support::contexts world{2};
    in_memory_ledger money_of;
    memory_store db;
    support::priced_provider provider;
    std::vector<caller> callers;

    void ask(guarded const& g) {
        for (int i = 0; i < 1000; ++i)
            callers.push_back(caller::begin(world.executor(static_cast<std::size_t>(i % 2)), g,
                                            call{key{"crowd", i}, 10h}, request{}));
        world.run();
        for (auto const& c : callers) ASSERT_TRUE(c->over);
    }
    int served() const {
        return static_cast<int>(std::count_if(callers.begin(), callers.end(), [](auto& c) { return c->ok(); }));
    }
};

TEST(a_thousand_calls_at_once, spend_exactly_what_there_is_where_the_bound_is_the_cost) {
    for (bool const journaled : {false, true}) {
        crowd c;
        budget_options const five{.scope = "team", .limit = 5_usd};
        c.ask(journaled ? guarded{pipeline{once{c.db}, budget{c.db, five}}.wrap(c.provider.operation())}
                        : guarded{pipeline{budget{c.money_of, five}}.wrap(c.provider.operation())});
        EXPECT_EQ(c.provider.charged(), 5_usd);
        EXPECT_EQ(c.served(), 50);
    }
}

TEST(a_thousand_calls_at_once, that_wait_spend_nearly_all_where_the_bound_is_four_times_the_cost) {
    for (bool const journaled : {false, true}) {
        crowd c;
        c.provider.bound(0.40_usd);
        budget_options const five{.scope = "team", .limit = 5_usd, .max_wait = 5h};
        c.ask(journaled ? guarded{pipeline{once{c.db}, budget{c.db, five}}.wrap(c.provider.operation())}
                        : guarded{pipeline{budget{c.money_of, five}}.wrap(c.provider.operation())});
        EXPECT_LE(c.provider.charged(), 5_usd);
        EXPECT_GE(c.provider.charged(), 4.60_usd);
    }
}

}  // namespace
}  // namespace budget_simulation_test
