// SPDX-License-Identifier: BSL-1.0
// Alarms of real processes that are killed. (What alarms there are: alarm_conformance.hpp.)
#include <coffer/policy/alarms.hpp>
#include <coffer/store/sqlite.hpp>
#include <coffer/store/sqlite_purge.hpp>

#include <gtest/gtest.h>

#include <csignal>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "store/child_process.hpp"
#include "store/ledger_world.hpp"
#include "store/sqlite_world.hpp"

namespace store_test::sqlite_alarms_test {
namespace {

/// One process with the store.
struct desk {
    explicit desk(std::string const& file) : db{file} { backend().bind(time.clock()); }
    coffer::ledger_backend& backend() { return *db.ledger().backend(); }
    std::size_t look() { return time.get(backend().look_for_alarms({})).value(); }
    std::vector<coffer::kept_alarm> take() { return time.get(backend().take_alarms(20, 0ms)).value(); }
    void spend(int n, coffer::money cost) {
        coffer::ledger_lines lines;
        lines.emplace_back("team", coffer::lifetime, 1_usd);
        auto q = reservation_of(n, cost, std::move(lines));
        q.sent = true;
        EXPECT_TRUE(is_reserved(time.get(backend().reserve(q))));
        EXPECT_TRUE(time.get(backend().submit_settle(q.id, cost, {})));
    }

    real_time time;
    coffer::sqlite::store db;
};

register_role const dying{"crosses a threshold and dies", [](child_arguments const& a) {
                              desk d{a.at(0)};
                              auto const die_if = [&](std::string const& where) {
                                  if (a.at(1) == where) ::raise(SIGKILL);
                              };
                              (void)d.look();
                              d.spend(1, 0.90_usd);
                              die_if("crossed");
                              (void)d.look();
                              die_if("found");
                              auto const due = d.take();
                              die_if("taken");
                              for (auto const& alarm : due) tell(alarm.what.id);
                              die_if("told");
                              return 1;
                          }};

TEST(sqlite_alarms, are_lost_by_no_process_that_is_killed_on_the_way) {
    for (std::string const where : {"crossed", "found", "taken", "told"}) {
        temporary_directory const dir;
        std::map<std::string, int> told;
        {
            child other{"crosses a threshold and dies", {dir / "coffer.db", where}};
            for (auto line = other.listen(); !line.empty(); line = other.listen()) ++told[line];
            EXPECT_EQ(other.wait(), -SIGKILL);
        }
        desk d{dir / "coffer.db"};
        (void)d.look();
        for (auto const& alarm : d.take()) {
            ++told[alarm.what.id];
            ASSERT_TRUE(d.time.get(d.backend().alarm_delivered(alarm.what.id)));
        }
        ASSERT_EQ(told.size(), 1U) << where;
        EXPECT_EQ(told.begin()->second, where == "told" ? 2 : 1) << where;
        EXPECT_EQ(d.look(), 0U);
        EXPECT_TRUE(d.take().empty()) << where;
    }
}

register_role const counting{"is answered from the store and dies", [](child_arguments const& a) {
                                 desk d{a.at(0)};
                                 auto& b = *d.db.backend();
                                 b.bind(d.time.clock());
                                 coffer::claim_request q;
                                 q.id = claim_number(std::stoi(a.at(1)));
                                 auto const id = b.id_of(coffer::key{"report", "one"});
                                 auto const v = d.time.get(b.claim(id, q));
                                 if (std::get_if<coffer::granted>(&v.value()) != nullptr) {
                                     coffer::permit_request p;
                                     p.longest = 5min;
                                     (void)d.time.get(b.permit({id, q.id}, p, {})).value();
                                     (void)d.time.get(b.submit_answer({id, q.id}, 1, answer_of("paid")));
                                     (void)d.time.get(b.submit_accept({id, q.id}, 1));
                                 }
                                 // Jobs are carried out in order: what came before is durable then as well.
                                 (void)d.time.get(d.backend().set_limit("other", coffer::daily, 1_usd));
                                 ::raise(SIGKILL);
                                 return 1;
                             }};

TEST(sqlite_alarms, count_the_replays_of_runs_that_are_killed) {
    temporary_directory const dir;
    {
        desk d{dir / "coffer.db"};
        EXPECT_EQ(d.look(), 0U);
    }
    for (int run = 1; run <= 4; ++run) {
        child other{"is answered from the store and dies", {dir / "coffer.db", std::to_string(run)}};
        EXPECT_EQ(other.wait(), -SIGKILL);
        desk d{dir / "coffer.db"};
        EXPECT_EQ(d.look(), run < 4 ? 0U : 1U) << run;
    }
}

TEST(sqlite_alarms, a_purge_leaves_none_of_the_namespaces_replays) {
    temporary_directory const dir;
    {
        desk d{dir / "coffer.db"};
        EXPECT_EQ(d.look(), 0U);
    }
    for (int run = 1; run <= 4; ++run) {
        child other{"is answered from the store and dies", {dir / "coffer.db", std::to_string(run)}};
        EXPECT_EQ(other.wait(), -SIGKILL);
    }
    {
        desk d{dir / "coffer.db"};
        EXPECT_EQ(d.look(), 1U);
    }
    coffer::sqlite::purge_options o;
    o.unacknowledged = true;
    (void)coffer::sqlite::purge(dir / "coffer.db", "report", o);
    desk d{dir / "coffer.db"};
    EXPECT_TRUE(d.time.get(d.backend().alarms({})).value().empty());
    EXPECT_EQ(d.look(), 0U);
}

}  // namespace
}  // namespace store_test::sqlite_alarms_test
