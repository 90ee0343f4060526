// SPDX-License-Identifier: BSL-1.0
// The ledger in a file: what every ledger does, the same as the one in memory does, and what only a file has.

#include "store/alarm_conformance.hpp"
#include "store/ledger_conformance.hpp"
#include "store/memory_world.hpp"
#include "store/sqlite_world.hpp"
#include "support/seeds.hpp"

#include <gtest/gtest.h>

#include <random>
#include <string>
#include <tuple>
#include <vector>

namespace store_test::sqlite_ledger_test {

INSTANTIATE_TEST_SUITE_P(sqlite, ledger_conformance,
                         testing::Values([]() -> std::unique_ptr<world> { return std::make_unique<sqlite_world>(); }));
INSTANTIATE_TEST_SUITE_P(sqlite, alarm_conformance,
                         testing::Values([]() -> std::unique_ptr<world> { return std::make_unique<sqlite_world>(); }));

namespace {

struct file_ledger : testing::Test {
    sqlite_world w;
    money_desk money{w};
};

TEST_F(file_ledger, outlives_its_processes) {
    ASSERT_TRUE(is_reserved(money.reserve(1, 0.40_usd)));
    ASSERT_TRUE(money.settle(1, 0.10_usd));
    (void)w.get(money.backend().freeze("elsewhere", "why"));
    ASSERT_TRUE(w.get(money.backend().set_limit("team", coffer::lifetime, 3_usd)));
    w.close();
    EXPECT_EQ(money.in("team").settled, 0.10_usd);
    EXPECT_EQ(money.accounts("team")[0].limit, 3_usd);
    EXPECT_TRUE(denial(money.reserve(2, 0.10_usd, "elsewhere"))->frozen);
}

TEST_F(file_ledger, two_handles_are_one_ledger) {
    auto const other = w.second_handle();
    EXPECT_EQ(other.backend()->ledger()->identity(), money.backend().identity());
    EXPECT_EQ(&other.backend()->ledger()->queue(), &money.backend().queue());
    EXPECT_NE(money.backend(1).identity(), money.backend(0).identity());
}

TEST_F(file_ledger, old_entries_go_and_their_sums_stay) {
    sqlite_world old{coffer::sqlite::options{.sweep_every = 0ms, .entries_kept = 24h}};
    money_desk desk{old};
    ASSERT_TRUE(is_reserved(desk.reserve(1, 0.40_usd)));
    ASSERT_TRUE(desk.settle(1, 0.10_usd));
    ASSERT_TRUE(is_reserved(desk.reserve(2, 0.40_usd, "team", 5_usd, coffer::daily)));
    ASSERT_TRUE(desk.settle(2, std::nullopt));
    ASSERT_TRUE(is_reserved(desk.reserve(3, 0.40_usd)));
    ASSERT_TRUE(desk.send(3));
    for (int day = 0; day < 4; ++day) {
        old.pass(24h);
        old.sim.run(
            [](coffer::sqlite::store s) -> coffer::awaitable<void> { (void)co_await s.collect(); }(old.process(0)));
    }
    EXPECT_EQ(desk.entries().size(), 0U);
    EXPECT_EQ(desk.in("team").settled, 0.10_usd);
    EXPECT_EQ(desk.in("team").presumed, 0.40_usd)
        << "of the one that was open; the daily window is over, its account gone";
    EXPECT_EQ(desk.audit(), std::vector<std::string>{});
}

TEST_F(file_ledger, says_with_which_command_a_refusal_is_ended) {
    auto const file = w.file().string();
    auto const no = denial(money.reserve(1, 6_usd, "team", 5_usd, coffer::daily));
    ASSERT_TRUE(no);
    EXPECT_EQ(no->remedy, "`coffer limit " + file + " team day@UTC AMOUNT`");
    ASSERT_TRUE(is_reserved(money.reserve(2, 0.40_usd, "my team/search")));
    (void)w.get(money.backend().freeze("my team", "runs\nwild"));
    auto const command = "`coffer thaw " + file + " 'my team'`";
    EXPECT_EQ(denial(money.reserve(3, 0.40_usd, "my team/search"))->remedy, command);
    auto const stopped = money.send(2);
    EXPECT_EQ(refusal(stopped), "frozen");
    EXPECT_EQ(stopped.error().message(),
              "budget my team is frozen (runs wild); see to the cause, then thaw it with " + command);
    (void)w.get(money.backend().freeze("", ""));
    EXPECT_EQ(denial(money.reserve(4, 0.40_usd))->remedy, "`coffer thaw " + file + " --everything`");
}

TEST_F(file_ledger, an_audit_finds_what_does_not_add_up) {
    ASSERT_TRUE(is_reserved(money.reserve(1, 0.40_usd)));
    EXPECT_EQ(money.audit(), std::vector<std::string>{});
    intruder{w.file()}.run("UPDATE ledger_accounts SET settled=settled+1");
    EXPECT_EQ(money.audit(), std::vector<std::string>{"team lifetime"});
}

// The same as in memory -----------------------------------------------------------------------------------------------

coffer::awaitable<void> swept(coffer::sqlite::store db) { (void)co_await db.collect(); }

/// Random operations, carried out on both; every answer and every account must be the same.
TEST(ledgers, in_memory_and_in_a_file_say_the_same) {
    coffer::ledger_line const menu[] = {
        {"org", coffer::lifetime, 20_usd},
        {"org/a", coffer::daily, 2_usd},
        {"org/b", coffer::rolling(1h), 1_usd},
        {"org/a/x", coffer::hourly, 0.70_usd, coffer::limit_kind::soft},
        {"any", coffer::monthly, coffer::money::max()},
    };
    for (auto const seed : support::each_seed(support::seeds(50))) {
        std::mt19937_64 random{seed};
        auto const below = [&](std::uint64_t n) { return static_cast<int>(random() % n); };
        sqlite_world file{coffer::sqlite::options{.sweep_every = 0ms}};
        memory_world memory;
        money_desk desks[] = {money_desk{file}, money_desk{memory}};
        world* worlds[] = {&file, &memory};
        int last = 0;
        for (int step = 0; step < 120; ++step) {
            auto const what = below(12);
            auto const n = last == 0 ? 0 : 1 + below(static_cast<std::uint64_t>(last));
            auto const actual = coffer::money::from_nano(below(500) * 1'000'000);
            auto const pause = std::chrono::seconds{below(900)};
            coffer::ledger_lines lines;
            for (auto const& l : menu)
                if (below(2) == 0) lines.push_back(l);
            if (lines.empty()) lines.push_back(menu[0]);
            auto q = reservation_of(last + 1, actual, lines);
            q.expected = coffer::money::from_nano(actual.nano() / 3);
            q.sent = below(2) == 0;
            auto const& line = menu[below(5)];
            std::vector<std::string> said;
            for (int i = 0; i < 2; ++i) {
                auto& d = desks[i];
                auto& w = *worlds[i];
                std::string text;
                if (what < 5) {
                    auto const v = d.reserve(q);
                    auto no = denial(v);
                    if (no) no->remedy.clear();  // only a file has a command
                    text =
                        no ? no->to_string() + (no->until ? std::to_string(no->until->time_since_epoch().count()) : "")
                           : "reserved";
                } else if (what == 5) {
                    text = d.settle(n, actual) ? "settled" : "no";
                } else if (what == 6) {
                    text = d.settle(n, std::nullopt) ? "presumed" : "no";
                } else if (what == 7) {
                    text = d.release(n) ? "released" : "no";
                } else if (what == 8) {
                    text = d.lapse(n) ? "lapsed" : "no";
                } else if (what == 9) {
                    w.pass(pause);
                } else if (what == 10) {
                    (void)w.get(d.backend().set_limit(line.scope, line.window,
                                                      pause < 450s ? std::nullopt : std::optional{actual}));
                } else {
                    text = pause < 450s ? std::to_string(w.get(d.backend().freeze(line.scope, "")).value())
                                        : std::to_string(static_cast<int>(w.get(d.backend().thaw(line.scope)).value()));
                }
                // In memory what has lapsed is given back when anybody looks; in a file by the sweep, or who needs it.
                if (i == 0) file.sim.run(swept(file.process(0)));
                for (auto const& a : d.accounts()) {
                    auto const& m = a.money_in;
                    // A denial makes no account in the file.
                    if (m == coffer::account{}) continue;
                    text += "\n" + a.scope + " " + a.window + " " + std::to_string(a.start.time_since_epoch().count());
                    for (auto const v : {m.settled, m.presumed, m.held, m.overrun}) text += " " + v.to_string();
                    text += " " + std::to_string(m.unpriced) + (a.frozen ? " frozen" : "") +
                            (a.limit ? " " + a.limit->to_string() : "");
                }
                said.push_back(std::move(text));
                ASSERT_EQ(d.audit(), std::vector<std::string>{}) << "step " << step;
            }
            if (what < 5) ++last;
            ASSERT_EQ(said[0], said[1]) << "step " << step << ", operation " << what;
        }
    }
}

}  // namespace
}  // namespace store_test::sqlite_ledger_test
