// SPDX-License-Identifier: BSL-1.0
// Thousands of small worlds: a few keys, many callers in two processes, a provider and a store that both have bad days,
// owners that stall, a context that goes. Whatever happens, the promises hold; and when all is calm again, every key that
// may still be paid for is.

#include <coffer/call/pipeline.hpp>
#include <coffer/policy/once.hpp>
#include <coffer/policy/retry.hpp>
#include <coffer/store/memory.hpp>

#include <gtest/gtest.h>

#include <algorithm>
#include <functional>
#include <map>
#include <memory>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

#include "policy/support/contexts.hpp"
#include "policy/support/provider.hpp"
#include "policy/support/scripted_store.hpp"
#include "support/seeds.hpp"

namespace once_simulation_test {
namespace {

using namespace std::chrono_literals;
using coffer::fault;
using coffer::fault_kind;
using coffer::knowledge;
using coffer::record_state;
using support::caller;
using support::dice;
using support::op;
using support::request;
using support::treatment;

/// What the provider knows of one key.
struct ledger {
    int sends = 0;
    int bills = 0;
    int good = 0;  // good answers whose last byte was read
};

struct provider_world {
    explicit provider_world(std::uint64_t seed) : draw{seed} {}
    dice draw;
    bool calm = false;
    std::map<std::string, ledger> keys;
    int serial = 0;
};

/// Bills when it executes, whatever the caller hears of it.
class chat {
public:
    explicit chat(std::shared_ptr<provider_world> w) : world_{std::move(w)} {}

    coffer::awaitable<coffer::outcome<coffer::answer>> operator()(coffer::attempt& a, request const& r) const {
        return run(world_, std::string{a.of().key().bytes()}, r.prompt);
    }
    [[nodiscard]] coffer::fingerprint fingerprint(request const& r) const {
        return coffer::fingerprint{}.with("prompt", r.prompt);
    }
    [[nodiscard]] coffer::outcome<std::string> decode(coffer::answer const& a) const {
        if (a.body.starts_with("bad")) return coffer::failed(fault_kind::defective_answer);
        if (a.body.starts_with("busy")) return coffer::failed(fault_kind::overloaded);
        return a.body;
    }

private:
    static coffer::awaitable<coffer::outcome<coffer::answer>> run(std::shared_ptr<provider_world> w, std::string key,
                                                                  std::string prompt) {
        auto& mine = w->keys[key];
        ++mine.sends;
        auto const body = prompt + " #" + std::to_string(++w->serial);
        auto const end = w->calm ? 0 : w->draw.below(16);
        auto const after = w->draw.one_in(4) ? coffer::duration{} : w->draw.below(w->calm ? 5000 : 25'000) * 1ms;
        bool const executed = end < 4 || end == 7 || (end >= 10 && w->draw.one_in(2));
        mine.bills += executed ? 1 : 0;
        if (end == 15 && w->draw.one_in(2)) throw std::runtime_error{"before it began"};
        if (end == 14) co_await coffer::sleep_for(1h);  // until it is cut off, which throws
        if (after > coffer::duration{}) {
            auto const woke = co_await coffer::sleep_for(after);
            if (woke == coffer::wake::cancelled)
                co_return coffer::failed(
                    fault{fault_kind::cancelled}.with_execution(knowledge::maybe).with_billing(knowledge::maybe));
        }
        if (end < 4) ++mine.good;
        switch (end) {
            case 0:
            case 1:
            case 2:
            case 3: co_return coffer::answer{body, 200};
            case 4: co_return coffer::failed(fault_kind::throttled);
            case 5: co_return coffer::failed(fault_kind::not_sent);
            case 6: co_return coffer::answer{"busy " + body, 200};
            case 7: co_return coffer::answer{"bad " + body, 200};
            case 8: co_return coffer::failed(fault_kind::invalid_request);
            case 9: co_return coffer::failed(fault_kind::overloaded);
            case 10:
            case 11:
            case 12: co_return coffer::failed(fault_kind::ambiguous);
            default: throw std::runtime_error{"in the middle"};
        }
    }

    std::shared_ptr<provider_world> world_;
};

/// A store that takes its time and has bad moments. After a send it goes on trying, as its contract says.
treatment weather(dice& d, op o, bool failing) {
    treatment t;
    if (d.one_in(3)) t.delay = d.below(1000) * 1ms;
    if (d.one_in(50)) t.delay = d.below(20) * 1s;
    bool const tries_on = o == op::answer || o == op::accept || o == op::reject || o == op::other;
    if (failing && !tries_on && d.one_in(12))
        t.what = d.one_in(2) ? treatment::kind::fails : treatment::kind::reply_lost;
    return t;
}

struct asking {
    caller who;
    std::string key;
    std::string prompt;
    coffer::time_point deadline;
    std::size_t where;
    bool patient;
};

struct universe {
    explicit universe(std::uint64_t seed)
        : draw{seed}, world{3, seed}, provider{std::make_shared<provider_world>(seed + 1)} {}

    dice draw;
    support::contexts world;  // two for callers, one for the stores
    std::shared_ptr<provider_world> provider;
    coffer::memory_store records;
    coffer::memory_store second_process = records.another_process();
    support::scripted_store first{records.another_process(), world.executor(2)};
    support::scripted_store second{second_process, world.executor(2)};
    coffer::once_options options{};
    coffer::retry_options retry{};
    std::vector<asking> callers;
    bool gone = false;  // the first context

    static constexpr int keys = 2;

    support::guarded on(coffer::store const& s, coffer::once_options o, coffer::retry_options r) const {
        return coffer::pipeline{coffer::once{s, o}, coffer::retry{r}}.wrap(chat{provider});
    }
    static coffer::key key_of(int k) { return coffer::key{"sim", k}; }
    coffer::record_id id_of(int k) { return records.backend()->id_of(key_of(k)); }
    std::shared_ptr<coffer::record const> record(int k) { return **records.backend()->peek(id_of(k)).get(); }
    ledger& paid(int k) { return provider->keys[std::string{key_of(k).bytes()}]; }

    void begin(support::guarded const& ask, int k, std::string prompt, coffer::duration deadline, std::size_t where,
               bool patient) {
        callers.push_back(
            {caller::begin(world.executor(where), ask, coffer::call{key_of(k), deadline}, request{prompt}),
             std::string{key_of(k).bytes()}, prompt, world.now() + deadline, where, patient});
    }

    /// Plays until nothing is left to be done.
    void play(std::multimap<coffer::duration, std::function<void()>> const& agenda) {
        auto const start = world.now();
        for (auto const& [at, what] : agenda) {
            world.run_for(start + at - world.now());
            what();
        }
        world.run();
    }

    void stormy() {
        options = {.max_sends = 1 + draw.below(3),
                   .lease = 15s,
                   .heartbeat = 5s,
                   .attempt_timeout = 20s,
                   .finish_grace = draw.below(3) * 20s,
                   .takeover_grace = 5s,
                   .store_wait = draw.below(3) * 1s,
                   .in_other_process = draw.one_in(2) ? coffer::elsewhere::wait : coffer::elsewhere::fail_fast};
        retry = {.attempts = 1 + draw.below(4)};
        failing_store = draw.one_in(2);
        for (auto* const s : {&first, &second})
            s->script().play([this](op o, int) { return weather(draw, o, failing_store); });
        bool const mismatches = draw.one_in(8);

        std::multimap<coffer::duration, std::function<void()>> agenda;
        auto const ask_first = on(first, options, retry);
        auto const ask_second = on(second, options, retry);
        auto const count = 4 + draw.below(8);
        for (int i = 0; i < count; ++i) {
            auto const at = draw.below(60'000) * 1ms;
            auto const& ask = draw.one_in(3) ? ask_second : ask_first;
            auto const k = draw.below(keys);
            auto const prompt = mismatches && draw.one_in(4) ? "other" : "prompt";
            auto const deadline = (1 + draw.below(120'000)) * 1ms;
            auto const where = draw.below<std::size_t>(2);
            agenda.emplace(at, [=, this] {
                if (where != 0 || !gone) begin(ask, k, prompt, deadline, where, false);
            });
            if (draw.one_in(3))
                agenda.emplace(at + draw.below(20'000) * 1ms, [this, who = draw.below(count)] {
                    auto const at_random = static_cast<std::size_t>(who);
                    if (at_random < callers.size() && (callers[at_random].where != 0 || !gone))
                        callers[at_random].who.cancel();
                });
        }
        if (draw.one_in(5))
            agenda.emplace(draw.below(90'000) * 1ms, [this] {
                gone = true;
                world.destroy(0);
            });
        if (draw.one_in(6)) agenda.emplace(draw.below(60'000) * 1ms, [this] { second_process.declare_dead(); });
        if (draw.one_in(6))  // the first process is told to end
            agenda.emplace(draw.below(90'000) * 1ms, [this] { (void)first.backend()->flights().close(); });
        play(agenda);
    }

    bool failing_store = false;
};

/// What the promises say of one key once everything has ended.
void check_key(universe& u, int k) {
    auto const r = u.record(k);
    auto const counted = r ? r->counted_sends() : 0;
    auto const& paid = u.paid(k);
    EXPECT_LE(paid.bills, counted);
    EXPECT_LE(counted, u.options.max_sends);
    if (!u.failing_store && r) {
        EXPECT_FALSE(r->held) << to_string(r->state);
        EXPECT_NE(r->state, record_state::claimed);
        EXPECT_NE(r->state, record_state::sent);
    }
    if (paid.good > 0) {
        ASSERT_TRUE(r && r->accepted() != nullptr) << "a paid answer was lost";
    }
    auto const key = std::string{universe::key_of(k).bytes()};
    for (auto const& c : u.callers) {
        if (c.key != key || (u.gone && c.where == 0)) continue;
        ASSERT_TRUE(c.who->over) << "somebody waits for ever";
        EXPECT_LE(c.who->ended, c.deadline);
        EXPECT_TRUE(c.who->result.has_value()) << "thrown out of try_call";
        if (!c.who->ok()) continue;
        EXPECT_EQ(c.who->text().substr(0, c.prompt.size()), c.prompt) << "an answer to another request";
        if (!c.who->stored) continue;
        EXPECT_EQ(c.who->text(), r && r->accepted() ? r->accepted()->reply->body : "nothing");
    }
}

/// All is calm: what a call must give now follows from the record.
void check_liveness(universe& u, int k) {
    auto const r = u.record(k);
    std::string expected = "a new answer";
    int counted = r ? r->counted_sends() : 0;
    bool unaccounted = false;
    if (r) {
        for (auto const& s : r->sends) unaccounted = unaccounted || s.unaccounted();
        if (auto const* const a = r->accepted()) {
            expected = a->reply->body;
        } else {
            std::string found;
            for (auto const& s : r->sends) {
                if (s.state != coffer::send_state::answered) continue;
                if (s.reply->body.starts_with("busy")) --counted;
                else if (s.reply->body.starts_with("bad")) unaccounted = false;  // this is what is told then
                else if (found.empty()) found = s.reply->body;
            }
            if (!found.empty()) expected = found;
            else if (counted >= u.options.max_sends) expected = unaccounted ? "unresolved" : "defective";
        }
    }
    auto const prompt = r && r->accepted() ? r->accepted()->reply->body.substr(0, r->accepted()->reply->body.find(" #"))
                        : r && counted > 0 && !r->print.fields().empty() ? r->print.fields()[0].value
                                                                         : std::string{"prompt"};
    auto const sends = u.paid(k).sends;
    u.provider->calm = true;
    u.begin(u.on(u.records, {.max_sends = u.options.max_sends}, {.attempts = 1}), k, prompt, 10min, 1, true);
    u.world.run();
    auto const& said = *u.callers.back().who;
    if (expected == "a new answer") {
        EXPECT_TRUE(said.ok()) << said.text();
        EXPECT_EQ(u.paid(k).sends, sends + 1);
    } else {
        EXPECT_EQ(u.paid(k).sends, sends) << "paid again for " << expected;
        auto const got = said.failed(fault_kind::unresolved)         ? "unresolved"
                         : said.failed(fault_kind::defective_answer) ? "defective"
                                                                     : said.text();
        EXPECT_EQ(got, expected);
    }
}

TEST(once_simulation, whatever_happens_the_promises_hold) {
    int answered = 0;
    for (auto const seed : support::each_seed()) {
        universe u{seed};
        u.stormy();
        for (int k = 0; k < universe::keys; ++k) check_key(u, k);
        for (auto const& c : u.callers) answered += c.who->ok() ? 1 : 0;

        u.first.script().play({});
        u.second.script().play({});
        u.world.run_for(20min);  // leases, send limits and stored request faults have passed
        for (int k = 0; k < universe::keys; ++k) check_liveness(u, k);
    }
    if (support::replaying()) return;
    EXPECT_GT(answered, static_cast<int>(support::seeds())) << "refusing everything would pass too";
}

// The liveness twin in full: provider and store are only slow, callers come and go as they like. Whoever is patient gets
// the one answer, with one send per key, however strict.
TEST(once_simulation, with_a_good_provider_every_patient_caller_is_served_for_one_send) {
    for (auto const seed : support::each_seed()) {
        universe u{seed};
        u.provider->calm = true;
        u.options = {.max_sends = 1, .finish_grace = 1min};
        u.first.script().play(
            [&](op, int) { return treatment{treatment::kind::carried_out, u.draw.below(300) * 1ms}; });
        auto const ask = u.on(u.first, u.options, {.attempts = 1});
        std::multimap<coffer::duration, std::function<void()>> agenda;
        auto const count = 3 + u.draw.below(9);
        for (int i = 0; i < count; ++i) {
            auto const at = u.draw.below(5000) * 1ms;
            auto const k = u.draw.below(universe::keys);
            auto const where = u.draw.below<std::size_t>(2);
            bool const patient = u.draw.one_in(2);
            auto const deadline = patient ? coffer::duration{10min} : coffer::duration{u.draw.below(4000) * 1ms + 1ms};
            bool const leaves = !patient && u.draw.one_in(2);
            auto const stays = u.draw.below(4000) * 1ms;
            auto const who = std::make_shared<std::size_t>();
            agenda.emplace(at, [=, &u] {
                *who = u.callers.size();
                u.begin(ask, k, "prompt", deadline, where, patient);
            });
            if (leaves) agenda.emplace(at + stays, [=, &u] { u.callers[*who].who.cancel(); });
        }
        u.play(agenda);
        for (int k = 0; k < universe::keys; ++k) check_key(u, k);
        for (auto const& c : u.callers) {
            EXPECT_LE(u.provider->keys[c.key].sends, 1);
            EXPECT_TRUE(!c.patient || c.who->ok()) << c.who->text();
        }
    }
}

}  // namespace
}  // namespace once_simulation_test
