// SPDX-License-Identifier: BSL-1.0
// Small worlds: three providers with bad days, one key, runs in one process after another, some of which die. Whatever
// happens, the sends that may be billed stay within the journal's count; and when all is calm again the key has its answer,
// which is read by whoever gave it and never changes.
#include <coffer/call/pipeline.hpp>
#include <coffer/policy/fallback.hpp>
#include <coffer/policy/once.hpp>
#include <coffer/policy/retry.hpp>
#include <coffer/store/memory.hpp>

#include <gtest/gtest.h>

#include <algorithm>
#include <memory>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "policy/support/contexts.hpp"
#include "policy/support/provider.hpp"
#include "policy/support/speaker.hpp"
#include "support/seeds.hpp"

namespace fallback_simulation_test {
namespace {

using namespace std::chrono_literals;
using coffer::fallback;
using coffer::fault;
using coffer::fault_kind;
using coffer::record_state;
using support::caller;
using support::dice;
using support::guarded;
using support::request;
using support::speaker;

constexpr std::size_t processes = 6;

struct universe {
    explicit universe(std::uint64_t seed) : draw{seed}, world{processes + 1, seed} {
        for (auto& s : speakers) s.script.otherwise([this] { return ending(); });
    }

    dice draw;
    support::contexts world;
    coffer::memory_store records;
    std::vector<speaker> speakers{speaker{"acme"}, speaker{"zeta"}, speaker{"omega"}};
    bool calm = false;
    int max_sends = 1 + draw.below(3);
    int answered = 0;  ///< answers that were good, and read to their last byte

    int unbilled = 0;  ///< sends that have ended without a bill

    /// As the providers see it: sends that are billed, or of which nobody has heard.
    int unproven() const {
        int begun = 0;
        for (auto const& s : speakers) begun += s.script.count();
        return begun - unbilled;
    }
    coffer::outcome<coffer::answer> ending() {
        auto const end = calm ? 0 : draw.below(14);
        if (end > 4 && end != 10) ++unbilled;
        switch (end) {
            case 0:
            case 1: ++answered; return coffer::answer{"hello " + std::to_string(answered), 200};
            case 2:
            case 3: return coffer::failed(fault_kind::ambiguous);
            case 4: return coffer::answer{"bad", 200};
            case 5: return coffer::answer{"busy", 200};
            case 6: return coffer::failed(fault_kind::invalid_request);
            case 7: return coffer::failed(fault_kind::quota_exhausted);
            case 8: return coffer::failed(fault{fault_kind::throttled}.with_retry_after(draw.below(90) * 1s));
            case 9: return coffer::failed(fault_kind::not_sent);
            case 10: return coffer::failed(fault_kind::timed_out);
            default: return coffer::failed(fault_kind::overloaded);
        }
    }
    /// All of them, in some order.
    guarded asking(coffer::store const& s) {
        auto order = speakers;
        for (std::size_t i = order.size() - 1; i > 0; --i) std::swap(order[i], order[draw.below(i + 1)]);
        std::vector<guarded> all;
        for (auto const& one : order)
            all.push_back(coffer::pipeline{coffer::retry{{.attempts = 1 + draw.below(3)}}}.wrap(one.op()));
        coffer::once_options const o{.max_sends = max_sends, .takeover_grace = 5s};
        if (draw.one_in(2)) return coffer::pipeline{coffer::once{s, o}}.wrap(fallback{std::move(all)});
        auto const rest = coffer::pipeline{coffer::retry{{.attempts = 1}}}.wrap(fallback{all[1], all[2]});
        return coffer::pipeline{coffer::once{s, o}, coffer::retry{{.attempts = 1 + draw.below(4)}}}.wrap(
            fallback{all[0], rest});
    }
    std::shared_ptr<coffer::record const> record() {
        return **records.backend()->peek(records.backend()->id_of(coffer::key{"test", "k"})).get();
    }
    caller begin(coffer::store const& s, std::size_t where) {
        return caller::begin(world.executor(where), asking(s), coffer::call{coffer::key{"test", "k"}, 10min},
                             request{});
    }
};

TEST(fallback_simulation, sends_are_counted_over_all_alternatives_and_answers_find_their_readers) {
    int replays = 0;
    for (auto const seed : support::each_seed(support::seeds(5))) {
        universe u{seed};
        std::set<std::string> answers;
        std::vector<coffer::memory_store> stores;
        for (std::size_t p = 0; p < processes; ++p) {
            stores.push_back(u.records.another_process());
            std::vector<caller> callers;
            for (int i = 1 + u.draw.below(2); i > 0; --i) callers.push_back(u.begin(stores[p], p));
            u.world.run_for(u.draw.below(30'000) * 1ms);
            if (u.draw.one_in(3)) callers[0].cancel();
            if (u.draw.one_in(2)) {  // it dies, in the middle of whatever it does
                u.world.stop(p);
                stores[p].declare_dead();
            }
            u.world.run_for(15min);
            for (auto const& c : callers) {
                if (!c->ok()) continue;
                answers.insert(c->text());
                EXPECT_TRUE(c->answered_by && c->text().ends_with(" from " + c->answered_by->provider + "/m"));
                replays += c->origin == coffer::answer_origin::replayed ? 1 : 0;
            }
            EXPECT_LE(u.unproven(), u.max_sends);
        }
        EXPECT_LE(answers.size(), 1U) << "an answer never changes";

        // The liveness twin. An operator grants a send where all are spent; a stored refusal of the request expires.
        u.calm = true;
        u.world.run_for(1h);
        auto const last = u.records.another_process();
        auto const id = last.backend()->id_of(coffer::key{"test", "k"});
        auto c = u.begin(last, processes);
        u.world.run();
        if (!c->ok() && last.backend()->resolve(id, coffer::grant_send{}).get()->has_value()) {
            c = u.begin(last, processes);
            u.world.run();
        }
        EXPECT_TRUE(c->ok()) << c->text();
        answers.insert(c->text());
        EXPECT_EQ(answers.size(), 1U);
    }
    if (!support::replaying()) {
        EXPECT_GT(replays, 0) << "else this has tested little";
    }
}

}  // namespace
}  // namespace fallback_simulation_test
