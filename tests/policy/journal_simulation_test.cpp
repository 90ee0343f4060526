// SPDX-License-Identifier: BSL-1.0
// A job that a queue runs until it is done, in a thousand small worlds: processes are killed at any step of the store's,
// the preflight and the saving fail until somebody mends them, steps run one after another or at once.

#include "policy/support/contexts.hpp"
#include "policy/support/jobs.hpp"
#include "policy/support/scripted_store.hpp"
#include "support/seeds.hpp"

#include <asio/experimental/awaitable_operators.hpp>

#include <gtest/gtest.h>

#include <map>
#include <memory>
#include <string>
#include <utility>
#include <vector>

namespace {

using namespace std::chrono_literals;
using coffer::fault_kind;
using coffer::run_state;
using support::op;
using support::request;
using support::treatment;

constexpr std::size_t most_runs = 14;

/// One world: a provider that bills what it is sent, an application that has to be mended, and processes that die.
struct universe {
    explicit universe(std::uint64_t seed) : draw{seed}, world{most_runs, seed} {
        provider.otherwise([] { return coffer::answer{"answer", 200}; }, 1s);
        provider.on_start() = [this](request const& r) {
            ++sends[r.prompt];
            sent_unchecked = sent_unchecked || (with_preflight && !checked);
        };
    }

    support::dice draw;
    support::contexts world;
    coffer::memory_store records;
    support::provider provider;
    support::application app;
    std::map<std::string, int> sends;  // by step
    bool with_preflight = draw.one_in(2);
    bool at_once = draw.one_in(3);
    bool checked = false;  // in the run under way
    bool sent_unchecked = false;
    int mended_after = draw.below(8);
    int saved = 0;

    static coffer::awaitable<void> body_of(universe& u, coffer::journal& run, support::guarded ask) {
        using namespace asio::experimental::awaitable_operators;
        if (u.with_preflight)
            run.preflight([&u] {
                u.app.rehearse();
                u.checked = true;
            });
        request const a{"a"};
        request const b{"b"};
        request const c{"c"};
        if (u.at_once) {
            auto both = run.step("a", ask, a) && run.step("b", ask, b);
            (void)co_await std::move(both);
        } else {
            (void)co_await run.step("a", ask, a);
            (void)co_await run.step("b", ask, b);
        }
        (void)co_await run.step("c", ask, c);
        u.app.save();
        ++u.saved;
    }
};

struct run_result {
    support::said said;
    bool over = false;
};

coffer::awaitable<void> run_once(universe& u, coffer::store where, run_result& result) {
    auto const ask = coffer::pipeline{coffer::once{where}, coffer::retry{}}.wrap(u.provider.operation());
    support::guarded const erased{ask};
    auto const body = [&u, erased](coffer::journal& run) { return universe::body_of(u, run, erased); };
    result.said = co_await support::listen(coffer::run_job(where, "report/1", {}, body));
    result.over = true;
}

TEST(journal_simulation, pays_for_each_step_once_and_stops_what_cannot_get_done) {
    std::map<std::string, int> seen;
    for (auto const seed : support::each_seed(support::seeds(5, 5000))) {
        universe u{seed};
        int failures = 0;  // of one kind, one after the other
        int killed = 0;
        std::string last_failure;
        int begun = 0;
        bool stopped = false;
        bool done = false;
        for (std::size_t i = 0; i < most_runs && !done && !stopped; ++i) {
            u.app.migrated = static_cast<int>(i) >= u.mended_after;
            u.checked = false;
            auto const process = u.records.another_process();
            support::scripted_store const where{process, u.world.executor(i)};
            bool const dies = u.draw.one_in(3);
            int const at = u.draw.below(24);
            bool const after = u.draw.one_in(2);
            int operations = 0;
            bool dead = false;
            bool told_its_end = false;  // to the store, with its last breath
            where.script().play([&](op o, int) {
                treatment t;
                if (dead) t.what = treatment::kind::dropped;
                else if (dies && operations++ == at) {
                    dead = true;
                    t.what = after ? treatment::kind::silent : treatment::kind::dropped;
                    told_its_end = after && o == op::end_run;
                }
                return t;
            });
            run_result result;
            asio::co_spawn(u.world.executor(i), run_once(u, where, result), asio::detached);
            u.world.run_for(10min);
            if (dead) {
                u.world.destroy(i);
                process.declare_dead();
                ++killed;
            } else {
                ASSERT_TRUE(result.over) << "run " << i;
            }
            auto const job = u.records.backend()->id_of(coffer::key{"report", "1"});
            auto const row = *u.records.backend()->peek_run(job).get();
            auto const now_begun = *row ? (*row)->begun : 0;
            bool const has_begun = now_begun > begun;
            begun = now_begun;
            if (dead) {
                done = *row && (*row)->state == run_state::done;
                auto const how = told_its_end ? result.said.text() : "killed";
                if (has_begun && !done) {
                    failures = last_failure == how ? failures + 1 : 1;
                    last_failure = how;
                }
                ++seen["killed"];
            } else if (result.said.ok()) {
                done = true;
                ++seen["done"];
            } else if (result.said.text() == "run_refused") {
                stopped = true;
                ++seen["stopped"];
                ASSERT_EQ(failures, 3) << "after " << last_failure;
            } else if (result.said.text() == "already_done") {
                done = true;
                ++seen["already done"];
            } else {
                ASSERT_LT(failures, 3) << "it should have been stopped, and not " << result.said.text();
                ASSERT_TRUE(has_begun) << result.said.text();
                failures = last_failure == result.said.text() ? failures + 1 : 1;
                last_failure = result.said.text();
                ++seen[last_failure.substr(0, 10)];
            }
            ASSERT_FALSE(u.sent_unchecked) << "run " << i << " has sent before its preflight";
        }
        for (auto const& [step, sends] : u.sends) {
            ASSERT_LE(sends, 1 + std::min(killed, 1)) << "step " << step;  // max_sends is 2
        }
        if (u.saved > 0 && !stopped) {
            ASSERT_TRUE(done);
            ASSERT_EQ(u.sends.size(), 3U);
        }
    }
    if (support::replaying()) return;
    for (auto const* const way : {"killed", "done", "stopped", "preflight_", "no such co"})
        EXPECT_GT(seen[way], 20) << way << " must be reached";
}

}  // namespace
