// SPDX-License-Identifier: BSL-1.0
// reconcile: what only the ledger knows, and how its money comes back.

#include "store/ledger_world.hpp"
#include "store/real_store.hpp"
#include "store/sqlite_world.hpp"
#include "tools/coffer/run_command.hpp"

#include <gtest/gtest.h>

#include <fstream>
#include <optional>
#include <string>
#include <utility>

namespace reconcile_test {
namespace {

using namespace command_tests;
using namespace store_test;

/// Sends under a limit of $100, a minute apart from the beginning of 26 February 2027; each holds $4.
struct reconciling : testing::Test {
    void hold(int n, std::string const& provider = "openai") {
        coffer::ledger_lines lines;
        lines.emplace_back("team", coffer::lifetime, 100_usd);
        auto q = reservation_of(n, 4_usd, std::move(lines));
        q.sent = true;
        q.about.provider = provider;
        ASSERT_TRUE(is_reserved(money.reserve(q)));
        w.pass(1min);
    }
    /// It ends, with the provider's request id `req-N`.
    void send(int n, std::optional<coffer::money> cost) {
        hold(n);
        ASSERT_TRUE(money.settle(n, cost));
    }
    /// It ends without a word: its request id is not known.
    void lose(int n) {
        hold(n);
        ASSERT_TRUE(money.lapse(n));
    }
    /// Two sends that both know, and a brown-out of three minutes between them.
    void brown_out() {
        send(1, 0.20_usd);
        for (auto const n : {2, 3, 4}) send(n, std::nullopt);
        send(5, 0.20_usd);
        usage("req-1,0.20\nreq-5,0.20\n");
    }
    void usage(std::string const& lines) const { std::ofstream{dir / "usage.csv"} << "id,cost\n" << lines; }
    /// The store is closed before the command looks at it.
    said coffer(std::string const& line) {
        w.close();
        return run(line);
    }
    said reconcile(std::string const& more = {}) {
        return coffer("reconcile " + more + " " + file() + " " + (dir / "usage.csv").string());
    }
    [[nodiscard]] std::string file() const { return w.file().string(); }
    [[nodiscard]] static std::string two_days() { return "--from 2027-02-25 --to 2027-02-27"; }

    sqlite_world w;
    money_desk money{w};
    temporary_directory dir;
};

/// The command line that gives money back, of those that a text names; without the command's own name.
std::string advice_in(std::string const& text) {
    auto const end = text.find(" --unbilled --yes\n");
    auto const begin = text.rfind("coffer presumed ", end);
    if (end == std::string::npos || begin == std::string::npos) return {};
    return text.substr(begin + 7, end - begin - 7) + " --unbilled --yes";
}

TEST_F(reconciling, counts_what_only_the_ledger_knows_and_names_what_gives_its_money_back) {
    brown_out();
    auto const looked = reconcile();
    EXPECT_EQ(looked.code, 4) << looked.text;
    for (auto const* const part : {"equal: 2\n", "different: 0 (", "req-2  presumed $4.000000000, not in the export\n",
                                   "only in the ledger: 3, $12.000000000 (sends to openai from 2027-02-26T00:00:00Z to "
                                   "2027-02-26T00:04:01Z, between the "
                                   "first and the last that both know; --from and --to say what the export covers)\n",
                                   "presumed, and not found in the export: 3 entries, $12.000000000"})
        EXPECT_TRUE(looked.has(part)) << part << " in\n" << looked.text;
    EXPECT_EQ(advice_in(looked.text),
              "presumed " + file() + " --from 2027-02-26T00:00:00Z --to 2027-02-26T00:04:01Z --unbilled --yes");

    EXPECT_EQ(reconcile("--apply").code, 4) << "only what both know is corrected";
    EXPECT_EQ(money.in("team").presumed, 12_usd);
    auto const given_back = coffer(advice_in(looked.text));
    EXPECT_EQ(given_back.code, 0) << given_back.text;
    EXPECT_TRUE(given_back.has("3 presumed entries, $12.000000000 in all: 3 booked with $0.000000000"))
        << given_back.text;
    EXPECT_EQ(money.in("team").presumed, 0_usd);
    auto const after = reconcile();
    EXPECT_EQ(after.code, 0) << "what was not billed is in no export: " << after.text;
    EXPECT_TRUE(after.has("only in the ledger: 0, $0.000000000")) << after.text;
}

TEST_F(reconciling, does_not_look_beyond_the_time_that_the_export_covers) {
    send(6, std::nullopt);
    brown_out();
    send(7, 0.30_usd);
    EXPECT_TRUE(reconcile().has("only in the ledger: 3, $12.000000000")) << "the export may begin later, or be older";
    auto const told = reconcile(two_days());
    EXPECT_EQ(told.code, 4);
    EXPECT_TRUE(
        told.has("only in the ledger: 5, $16.300000000 (sends to openai from 2027-02-25T00:00:00Z to "
                 "2027-02-27T00:00:00Z)\n"))
        << told.text;
    EXPECT_TRUE(told.has("req-7  settled $0.300000000, not in the export")) << told.text;
    EXPECT_TRUE(told.has("presumed, and not found in the export: 4 entries, $16.000000000")) << told.text;
    auto const since = reconcile("--from 2027-02-25");
    EXPECT_TRUE(
        since.has("only in the ledger: 4, $16.000000000 (sends to openai from 2027-02-25T00:00:00Z to "
                  "2027-02-26T00:05:01Z, the last that both know; --to says where the export ends)\n"))
        << since.text;
    EXPECT_EQ(reconcile("--from 2027-02-27 --to 2027-02-26").code, 2);
    EXPECT_EQ(reconcile("--to tomorrow").code, 2);
}

TEST_F(reconciling, with_nothing_in_common_needs_to_be_told_the_time) {
    brown_out();
    usage("req-900,1\n");
    auto const untold = reconcile();
    EXPECT_EQ(untold.code, 3) << untold.text;
    EXPECT_TRUE(untold.has("only in the ledger: not looked for; say what the export covers with --from and --to\n"));
    EXPECT_EQ(advice_in(untold.text), "");
    EXPECT_EQ(reconcile("--from 2027-02-25").code, 3) << "an old export does not know what was sent since";
    auto const told = reconcile(two_days());
    EXPECT_EQ(told.code, 4) << told.text;
    EXPECT_TRUE(told.has("only in the ledger: 5, $12.400000000")) << told.text;
}

TEST_F(reconciling, money_without_a_request_id_comes_back_in_the_same_way) {
    lose(10);
    send(1, 0.20_usd);
    lose(2);
    lose(3);
    send(5, 0.20_usd);
    usage("req-1,0.20\nreq-5,0.20\n");
    auto const looked = reconcile();
    EXPECT_EQ(looked.code, 0) << "nobody knows that they differ: " << looked.text;
    EXPECT_TRUE(looked.has("entries whose request id is not known: 2, $8.000000000 (they cannot be matched)"))
        << looked.text;
    EXPECT_TRUE(looked.has("presumed, and not found in the export: 2 entries, $8.000000000")) << looked.text;
    EXPECT_EQ(coffer(advice_in(looked.text)).code, 0);
    EXPECT_EQ(money.in("team").presumed, 4_usd) << "what was before the export stays as it is";
}

TEST_F(reconciling, an_export_says_nothing_of_other_providers) {
    send(1, 0.20_usd);
    hold(2, "elsewhere");
    ASSERT_TRUE(money.settle(2, 0.50_usd));
    hold(3, "elsewhere");
    ASSERT_TRUE(money.settle(3, std::nullopt));
    send(5, 0.20_usd);
    usage("req-1,0.20\nreq-5,0.20\n");
    auto const looked = reconcile();
    EXPECT_EQ(looked.code, 0) << looked.text;
    EXPECT_TRUE(looked.has("only in the ledger: 0, $0.000000000 (sends to openai from")) << looked.text;
    EXPECT_FALSE(looked.has("--unbilled")) << looked.text;
    usage("req-1,0.20\n");
    auto const more = reconcile(two_days());
    EXPECT_TRUE(more.has("only in the ledger: 1, $0.200000000")) << more.text;
    EXPECT_FALSE(more.has("--unbilled")) << more.text;
}

TEST_F(reconciling, says_that_money_sent_to_other_providers_would_come_back_too) {
    brown_out();
    hold(6, "elsewhere");
    ASSERT_TRUE(money.settle(6, std::nullopt));
    auto const looked = reconcile(two_days());
    EXPECT_TRUE(looked.has("presumed, and not found in the export: 3 entries")) << looked.text;
    EXPECT_TRUE(looked.has("it would give back 1 more, which were sent to other providers")) << looked.text;
}

TEST_F(reconciling, says_to_apply_what_was_charged_before_the_rest_is_given_back) {
    brown_out();
    usage("req-1,0.20\nreq-3,0.05\nreq-5,0.20\n");
    auto const looked = reconcile();
    EXPECT_EQ(looked.code, 4);
    EXPECT_TRUE(looked.has("but first --apply: of that time 1 more are presumed")) << looked.text;
    auto const applied = reconcile("--apply");
    EXPECT_EQ(applied.code, 4) << applied.text;
    EXPECT_TRUE(applied.has("corrected 1 entry")) << applied.text;
    EXPECT_FALSE(applied.has("but first")) << applied.text;
    EXPECT_EQ(coffer(advice_in(applied.text)).code, 0);
    EXPECT_EQ(money.in("team").settled, 0.45_usd);
    EXPECT_EQ(money.in("team").presumed, 0_usd);
    EXPECT_EQ(reconcile().code, 0);
}

TEST_F(reconciling, does_not_take_a_line_without_a_cost_for_none) {
    brown_out();
    usage("req-1,0.20\nreq-2,0\nreq-3,\nreq-4,7000000\nreq-5,0.20\n");
    EXPECT_EQ(reconcile("--apply").code, 4);
    auto const looked = reconcile();
    EXPECT_TRUE(looked.has("only in the ledger: 0, $0.000000000")) << looked.text;
    EXPECT_FALSE(looked.has("--unbilled")) << looked.text;
    EXPECT_EQ(money.in("team").presumed, 8_usd);
    usage("req-1,0.20\nreq-3,\nreq-5,0.20\n");
    auto const mixed = reconcile();
    EXPECT_TRUE(mixed.has("only in the ledger: 1, $4.000000000"))
        << "req-4; req-2 is known to be unbilled: " << mixed.text;
    EXPECT_TRUE(mixed.has("it would give back 1 more, which the export does know, without a cost that can be booked\n"))
        << mixed.text;
}

TEST(reconciling_beside_programs, leaves_sends_under_way_alone) {
    real_store s;
    auto& money = *s.backend().ledger();
    for (auto const n : {1, 2}) {
        coffer::ledger_lines lines;
        lines.emplace_back("team", coffer::lifetime, 100_usd);
        auto q = reservation_of(n, 4_usd, std::move(lines));
        q.sent = true;
        ASSERT_TRUE(is_reserved(s.time.get(money.reserve(q))));
    }
    ASSERT_TRUE(s.time.get(money.submit_settle(reservation_number(1), 0.20_usd, "req-1")));
    auto const usage = s.dir / "usage.csv";
    std::ofstream{usage} << "id,cost\nreq-1,0.20\n";
    auto const looked = run("reconcile --from 2020-01-01 --to 2100-01-01 " + s.file().string() + " " + usage.string());
    EXPECT_EQ(looked.code, 0) << looked.text;
    EXPECT_TRUE(looked.has("equal: 1\n")) << looked.text;
    EXPECT_TRUE(looked.has("only in the ledger: 0, ")) << looked.text;
    EXPECT_FALSE(looked.has("request id is not known")) << looked.text;
}

}  // namespace
}  // namespace reconcile_test
