// SPDX-License-Identifier: BSL-1.0
// A job that a queue runs until it is done, in a thousand small worlds: processes are killed at any step of the store's,
// the preflight and the saving fail until somebody mends them, steps run one after another or at once.

#include "policy/support/contexts.hpp"
#include "policy/support/jobs.hpp"
#include "policy/support/scripted_store.hpp"
#include "support/seeds.hpp"

#include <asio/experimental/awaitable_operators.hpp>

#include <gtest/gtest.h>

#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <utility>
#include <vector>

namespace journal_simulation_test {
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
    std::map<std::string, std::uint64_t> seen;
    auto const seeds = support::seeds(5);
    for (auto const seed : support::each_seed(seeds)) {
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
                ASSERT_TRUE(*row && (*row)->state == run_state::done)
                    << "a step was acknowledged, and the job not done";
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
        EXPECT_GT(seen[way], seeds / 20) << way << " must be reached";
}

/// A job of three steps that is saved, run by one process after another in one world.
struct small_world {
    support::contexts world{4};
    coffer::memory_store records;
    support::provider provider;
    support::application app;
    coffer::key const job{"report", "1"};

    small_world() {
        app.migrated = true;
        provider.otherwise([] { return coffer::answer{"answer", 200}; }, 1s);
    }

    static coffer::awaitable<void> work(small_world& w, coffer::store where, run_result& result) {
        auto const ask = coffer::pipeline{coffer::once{where}, coffer::retry{}}.wrap(w.provider.operation());
        support::guarded const erased{ask};
        auto const body = [&w, erased](coffer::journal& run) { return support::make_report(run, erased, w.app); };
        result.said = co_await support::listen(coffer::run_job(where, w.job, {}, body));
        result.over = true;
    }
    [[nodiscard]] std::shared_ptr<coffer::run_record const> row() const {
        auto& all = *records.backend();
        return all.peek_run(all.id_of(job)).get()->value();
    }
    [[nodiscard]] int acknowledged() const {
        auto& all = *records.backend();
        int count = 0;
        for (auto const* const step : {"outline", "draft", "summary"}) {
            auto const r = *all.peek(all.id_of(job.step(step))).get();
            count += *r && (*r)->state == coffer::record_state::acked ? 1 : 0;
        }
        return count;
    }
};

/// Lets the first process be struck at each of its store's operations in turn, and looks at what the next ones make of it.
/// `strike` says what becomes of an operation that is struck, and of those that come after it.
template <class Strike>
void struck_at_each_operation(Strike const& strike, bool dies) {
    for (auto const how : {treatment::kind::dropped, treatment::kind::silent}) {
        for (int at = 0, operations = at + 1; at < operations; ++at) {
            SCOPED_TRACE((how == treatment::kind::dropped ? "before" : "after") + std::string{" operation "} +
                         std::to_string(at));
            small_world w;
            auto const process = w.records.another_process();
            support::scripted_store const where{process, w.world.executor(0)};
            run_result first;
            asio::cancellation_signal signal;
            operations = 0;
            where.script().play([&](op, int) { return strike(how, operations++ - at, signal); });
            asio::co_spawn(w.world.executor(0), small_world::work(w, where, first),
                           asio::bind_cancellation_slot(signal.slot(), asio::detached));
            w.world.run_for(10min);
            if (dies) {
                w.world.destroy(0);
                process.declare_dead();
            } else {
                ASSERT_TRUE(first.over);
            }
            auto const saved = w.app.saved;
            bool const done = w.row() && w.row()->state == run_state::done;
            ASSERT_EQ(w.acknowledged(), done ? 3 : 0) << "no answer goes before the job is done, and none stays then";
            ASSERT_LE(static_cast<int>(done), saved) << "what is done was saved";
            std::string told;
            for (std::size_t i = 1; i < 4; ++i) {
                run_result next;
                asio::co_spawn(w.world.executor(i), small_world::work(w, w.records.another_process(), next),
                               asio::detached);
                w.world.run_for(20min);
                told += next.said.text() + (i < 3 ? ", " : "");
            }
            ASSERT_EQ(told, done ? "already_done, already_done, already_done" : "ok, already_done, already_done");
            ASSERT_EQ(w.acknowledged(), 3);
            ASSERT_EQ(w.app.saved, saved + (done ? 0 : 1));
            ASSERT_LE(w.provider.count(), 4) << "a send that nobody can account for may be made again";
        }
    }
}

TEST(journal_simulation, a_process_that_dies_while_it_ends_its_job_leaves_it_done_or_wholly_undone) {
    struck_at_each_operation(
        [](treatment::kind how, int since, asio::cancellation_signal&) {
            return treatment{since < 0    ? treatment::kind::carried_out
                             : since == 0 ? how
                                          : treatment::kind::dropped,
                             {}};
        },
        true);
}

TEST(journal_simulation, a_run_that_is_cancelled_while_it_ends_its_job_leaves_it_done_or_wholly_undone) {
    struck_at_each_operation(
        [](treatment::kind how, int since, asio::cancellation_signal& signal) {
            if (since == 0 && how == treatment::kind::silent) signal.emit(asio::cancellation_type::terminal);
            return treatment{treatment::kind::carried_out, since >= 0 ? 1s : 0s};
        },
        false);
}

}  // namespace
}  // namespace journal_simulation_test
