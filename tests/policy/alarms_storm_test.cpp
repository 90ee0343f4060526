// SPDX-License-Identifier: BSL-1.0
// A job that is run 21 times because its last step fails, and all alarms together: by which run has somebody heard of it?
// What a run costs is said here, and not by the rules that are to find it.

#include <coffer/call/pipeline.hpp>
#include <coffer/policy/alarms.hpp>
#include <coffer/policy/budget.hpp>
#include <coffer/policy/once.hpp>
#include <coffer/store/memory.hpp>

#include <gtest/gtest.h>

#include <chrono>
#include <cstdint>
#include <iostream>
#include <map>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "policy/support/priced.hpp"
#include "policy/support/provider.hpp"
#include "state/spend_world.hpp"
#include "support/seeds.hpp"
#include "support/simulation.hpp"

namespace alarms_storm_test {
namespace {

using namespace coffer;
using namespace coffer::literals;
using namespace std::chrono_literals;
using support::caller;
using support::request;

constexpr int all_runs = 21;

/// How the runs of a storm name their work.
enum class keys {
    same,  ///< each run asks under the same key: it is paid for once
    new_ones,  ///< each makes keys of its own for the same requests
    new_work,  ///< and the requests differ too: a date stands in the prompt
};

struct storm {
    keys named = keys::new_ones;
    money call = 1_usd;  ///< what each call of a run costs
    int calls = 1;  ///< in a run, of different work
    std::chrono::minutes between = 10min;
};

/// The first run after which somebody was told; 0: nobody was.
struct found {
    int by_any = 0;
    int by_repetition = 0;  ///< by a replay storm or duplicate work, whatever it costs
};

/// A scope that spends without a limit, so that no threshold and no pace of one can help.
class site {
public:
    site() { look(); }

    /// So many hours of other work, as scopes spend. Nobody looks meanwhile more often than once an hour.
    void live(support::spending_scope& as, int hours) {
        for (int h = 0; h < hours; ++h) {
            if (auto const cost = as.next_hour(); cost > money{})
                ask(key{"other", h}, "other work " + std::to_string(h), cost);
            pass(1h);
            look();
        }
    }
    found weather(storm const& s) {
        found first;
        told_.clear();
        for (int run = 1; run <= all_runs && first.by_repetition == 0; ++run) {
            for (int step = 0; step < s.calls; ++step) {
                auto work = "chapter " + std::to_string(step);
                if (s.named == keys::new_work) work += " of run " + std::to_string(run);
                ask(s.named == keys::same ? key{"report", step} : key{"report", run, step}, work, s.call);
            }
            look();
            if (!told_.empty() && first.by_any == 0) first.by_any = run;
            if (told_.contains(alarm_kind::replay_storm) || told_.contains(alarm_kind::duplicate_work))
                first.by_repetition = run;
            pass(s.between);
        }
        return first;
    }

private:
    void ask(key k, std::string prompt, money cost) {
        support::priced_end end;
        end.charged = cost;
        end.after = {};
        provider_.bound(cost).otherwise([end] { return end; });
        auto const one = caller::begin(sim_.executor(), ask_, call{std::move(k), 1min}, request{std::move(prompt)});
        sim_.time.run_for(1s);
        ASSERT_TRUE(one->ok()) << one->text();
    }
    void look() { (void)sim_.run(watch_.look()); }
    void pass(duration d) { sim_.time.run_for(d); }

    support::simulation sim_;
    memory_store db_;
    support::priced_provider provider_;
    support::guarded ask_ = pipeline{once{db_}, budget{db_, {.scope = "team"}}}.wrap(provider_.operation());
    std::set<alarm_kind> told_;
    alarms watch_{db_, {.tell = {on_alarm([this](alarm_report const& a) { told_.insert(a.kind); })}}};
};

constexpr money costs[]{0.05_usd, 0.07_usd, 0.10_usd, 0.20_usd, 0.50_usd, 1_usd,
                        2_usd,    3_usd,    5_usd,    10_usd,   20_usd,   50_usd};
constexpr std::chrono::minutes paces[]{2min, 30min, 60min, 150min, 690min};

// From nothing to busy ones, among which a storm's amounts are lost.
TEST(a_storm_of_21_runs, rings_by_the_third_run_under_new_keys_and_by_the_fourth_under_one_in_scopes_two_days_old) {
    std::map<int, int> found_new;
    std::map<int, int> found_same;
    int tried = 0;
    for (auto const seed : support::each_seed(support::seeds(250))) {
        for (std::size_t i = 0; i < std::size(costs); ++i) {
            auto const pace = paces[(seed + i) % std::size(paces)];
            for (auto const named : {keys::new_ones, keys::same}) {
                site s;
                support::spending_scope others{seed};
                s.live(others, seed == 1 ? 0 : 48);
                auto const first = s.weather({named, costs[i], 1, pace});
                auto const latest = named == keys::same ? 4 : 3;
                ASSERT_GE(first.by_any, 1) << costs[i] << " a run, nobody has heard";
                ASSERT_LE(first.by_any, latest) << costs[i] << " a run";
                // However dear it is, and however much the scope spends besides.
                ASSERT_EQ(first.by_repetition, latest) << costs[i] << " a run";
                ++(named == keys::same ? found_same : found_new)[first.by_any];
                ++tried;
            }
        }
    }
    if (support::replaying()) return;
    EXPECT_EQ(tried, static_cast<int>(2 * std::size(costs) * support::seeds(250)));
    // Cheap ones are no anomaly: they are found by what they repeat, and not before they do.
    EXPECT_GT(found_new[3], tried / 4);
    EXPECT_GT(found_same[4], tried / 4);
    for (auto const& [run, count] : found_new) std::cout << "new keys: run " << run << ": " << count << " storms\n";
    for (auto const& [run, count] : found_same) std::cout << "one key: run " << run << ": " << count << " storms\n";
}

/// In a scope that does nothing else.
int run_that_rings(storm const& s) {
    site quiet;
    return quiet.weather(s).by_any;
}

// The limits of it: docs/alarms.md, "Limits of this".
TEST(a_storm_of_21_runs, is_found_later_where_its_dearest_call_costs_less_than_five_cents) {
    EXPECT_EQ(run_that_rings({.call = 0.05_usd}), 3);
    EXPECT_EQ(run_that_rings({.call = 0.04_usd}), 4);
    EXPECT_EQ(run_that_rings({.call = 0.02_usd}), 6);
    EXPECT_EQ(run_that_rings({.call = 0.01_usd}), 11);
    EXPECT_EQ(run_that_rings({.call = 0.005_usd}), 21);
    EXPECT_EQ(run_that_rings({.call = 0.0049_usd}), 0);
    // It is the call that counts, not the run: each work has a fingerprint of its own.
    EXPECT_EQ(run_that_rings({.call = 0.05_usd, .calls = 10}), 3);
    EXPECT_EQ(run_that_rings({.call = 0.02_usd, .calls = 10}), 6);
    EXPECT_EQ(run_that_rings({.call = 0.004_usd, .calls = 10}), 0);
    // Under one key nothing but the first run costs anything, and what it costs does not matter.
    for (auto const cost : {0.000001_usd, 0.01_usd, 1_usd})
        EXPECT_EQ(run_that_rings({.named = keys::same, .call = cost}), 4) << cost;
}

TEST(a_storm_of_21_runs, is_found_by_its_amounts_alone_where_no_two_runs_ask_the_same) {
    auto const alone = [](money cost, std::chrono::minutes between) {
        return run_that_rings({.named = keys::new_work, .call = cost, .between = between});
    };
    EXPECT_EQ(alone(1.67_usd, 10min), 3);
    EXPECT_EQ(alone(1.66_usd, 10min), 4);
    EXPECT_EQ(alone(0.50_usd, 10min), 11);
    EXPECT_EQ(alone(0.20_usd, 10min), 0) << "$4.20 in all";
    EXPECT_EQ(alone(3.34_usd, 150min), 3);
    EXPECT_EQ(alone(4_usd, 690min), 0) << "$12 in a day";
}

}  // namespace
}  // namespace alarms_storm_test
