// SPDX-License-Identifier: BSL-1.0
// spend, limits, limit, freeze, thaw, reconcile: where the money went, and how it is stopped.

#include "store/ledger_world.hpp"
#include "store/sqlite_world.hpp"
#include "tools/coffer/run_command.hpp"

#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

#include <algorithm>
#include <array>
#include <ctime>
#include <filesystem>
#include <fstream>
#include <regex>
#include <sstream>
#include <string>
#include <vector>

namespace money_test {
namespace {

using namespace command_tests;
using namespace store_test;
using json = nlohmann::json;

/// A month of quiet days of a few cents, and one on which a job ran wild.
struct spending : testing::Test {
    spending() {
        for (int day = 0; day < 30; ++day) {
            auto const sends = day == 17 ? 21 : 1;
            for (int i = 0; i < sends; ++i) spend(day == 17 ? 3_usd : 0.20_usd);
            w.pass(24h);
        }
    }
    void spend(coffer::money cost) {
        ++last;
        coffer::ledger_lines lines;
        lines.emplace_back("org", coffer::monthly, 500_usd);
        lines.emplace_back("org/team", coffer::daily, 100_usd);
        ASSERT_TRUE(is_reserved(money.reserve(reservation_of(last, 4_usd, lines))));
        ASSERT_TRUE(money.settle(last, cost));
    }
    /// The store is closed before the command looks at it.
    said coffer(std::string const& line) {
        w.close();
        return run(line);
    }
    [[nodiscard]] std::string file() const { return w.file().string(); }
    [[nodiscard]] static std::string day_of(coffer::wall_time_point t) {
        auto const seconds = std::chrono::system_clock::to_time_t(t);
        std::tm parts{};
        std::array<char, 16> text{};
        return {text.data(), std::strftime(text.data(), text.size(), "%Y-%m-%d", ::gmtime_r(&seconds, &parts))};
    }

    sqlite_world w;
    money_desk money{w};
    int last = 0;
    temporary_directory dir;
};

std::vector<std::string> lines_of(std::string const& text) {
    std::vector<std::string> all;
    std::istringstream in{text};
    for (std::string line; std::getline(in, line);) all.push_back(line);
    return all;
}

TEST_F(spending, is_shown_by_day_scope_model_and_key) {
    auto const s = coffer("spend " + file());
    EXPECT_EQ(s.code, 0) << s.text;
    EXPECT_TRUE(s.has("$68.800000000")) << s.text;
    for (auto const* const part : {"by day (UTC)", "by scope", "org/team", "by model", "openai/gpt-x", "dearest keys",
                                   "unresolved keys: 0", "$63.000000000"})
        EXPECT_TRUE(s.has(part)) << part << " in\n" << s.text;
}

TEST_F(spending, as_csv_has_a_line_a_day_and_adds_up) {
    w.close();
    auto const s = run_for_output("spend " + file() + " --csv");
    auto const lines = lines_of(s.text);
    ASSERT_EQ(lines.size(), 31U) << s.text;
    EXPECT_EQ(lines[0], "day,sends,settled_usd,presumed_usd,held_usd,overrun_usd,sends_of_unknown_cost\r");
    EXPECT_TRUE(std::regex_match(lines[18], std::regex{"\"\\d{4}-\\d\\d-\\d\\d\",21,63.000000000,0.000000000.*\r"}))
        << lines[18];
}

TEST_F(spending, as_json_says_nano_dollars) {
    w.close();
    auto const s = run_for_output("spend " + file() + " --by scope --json");
    auto const lines = lines_of(s.text);
    ASSERT_EQ(lines.size(), 2U);
    auto const org = json::parse(lines[0]);
    EXPECT_EQ(org.at("name"), "org");
    EXPECT_EQ(org.at("settled_nano_usd"), 68'800'000'000);
    EXPECT_EQ(org.at("sends"), 50);
}

TEST_F(spending, overruns_what_a_hard_limit_held_and_no_soft_one_as_limits_says) {
    auto const cost_more = [this](int n, coffer::ledger_lines lines) {
        ASSERT_TRUE(is_reserved(money.reserve(reservation_of(n, 1_usd, std::move(lines)))));
        ASSERT_TRUE(money.settle(n, 3_usd));
    };
    coffer::ledger_lines soft;
    soft.emplace_back("learns", coffer::lifetime, 50_usd, coffer::limit_kind::soft);
    coffer::ledger_lines both;
    both.emplace_back("strict", coffer::lifetime, 50_usd);
    both.emplace_back("strict/model", coffer::lifetime, 50_usd, coffer::limit_kind::soft);
    cost_more(201, soft);
    cost_more(202, both);
    w.close();
    auto const overrun = [this](std::string const& more, std::string const& name) {
        for (auto const& line : lines_of(run_for_output("spend " + file() + " --json " + more).text))
            if (auto const j = json::parse(line); name.empty() || j.at("name") == name)
                return j.at("overrun_nano_usd").get<std::int64_t>();
        return std::int64_t{-1};
    };
    EXPECT_EQ(overrun("--by scope", "learns"), 0);
    EXPECT_EQ(overrun("--by scope", "strict"), 2'000'000'000);
    EXPECT_EQ(overrun("--by scope", "strict/model"), 0);
    EXPECT_EQ(overrun("--scope learns", ""), 0);
    EXPECT_EQ(overrun("--scope strict", ""), 2'000'000'000);
    EXPECT_EQ(overrun("--scope strict/model", ""), 0);
    EXPECT_EQ(overrun("--by job", "acme"), 2'000'000'000);
    auto const limits = run("limits " + file() + " --all");
    EXPECT_TRUE(limits.has(", overrun $2.000000000\n")) << limits.text;
    EXPECT_EQ(limits.text.find("overrun"), limits.text.rfind("overrun")) << "of one account: " << limits.text;
}

TEST_F(spending, of_a_few_days_is_what_was_asked_for) {
    auto const start = money.entries()[0].row.created;
    auto const range = " --from " + day_of(start + 24h) + " --to " + day_of(start + 72h);
    w.close();
    EXPECT_EQ(lines_of(run_for_output("spend " + file() + " --csv" + range).text).size(), 3U) << "two days and a head";
    EXPECT_EQ(run("spend " + file() + " --csv --from tomorrow").code, 2);
    EXPECT_EQ(run("spend " + file() + " --scope nobody").code, 3);
    EXPECT_EQ(run("spend " + file() + " --by colour").code, 2);
}

TEST_F(spending, of_a_time_that_there_is_not_is_refused) {
    w.close();
    for (auto const* const never : {"2026-02-30", "2026-13-01", "2026-11-31", "2025-02-29", "2026-11-22T24:00:00",
                                    "2026-11-22T03:60:00", "9999-01-01", "1600-01-01", "22.11.2026", "2026-11-22x"}) {
        auto const no = run("spend " + file() + " --from " + never);
        EXPECT_EQ(no.code, 2) << never;
        EXPECT_TRUE(no.has("no day or time that there is; e.g. 2026-11-22")) << no.text;
    }
    for (auto const* const there : {"2024-02-29", "2026-11-22T23:59:59Z"})
        EXPECT_NE(run("spend " + file() + " --from " + there).code, 2) << there;
    for (auto const* const command : {"spend ", "presumed "})
        for (auto const* const to : {"2026-11-21", "2026-11-22"}) {
            auto const no = run(command + file() + " --from 2026-11-22 --to " + to);
            EXPECT_EQ(no.code, 2) << no.text;
            EXPECT_TRUE(no.has("nothing lies between --from 2026-11-22T00:00:00Z and --to")) << no.text;
        }
}

TEST_F(spending, of_an_unknown_scope_is_no_empty_table) {
    w.close();
    for (auto const* const command : {"spend ", "limits ", "presumed "}) {
        auto const no = run(command + file() + " --scope org/taem");
        EXPECT_EQ(no.code, 3) << no.text;
        EXPECT_TRUE(no.has("nothing is accounted for in the scope 'org/taem'")) << no.text;
        EXPECT_TRUE(no.has("`coffer limits --all " + file() + "`")) << no.text;
    }
    EXPECT_EQ(run_for_output("spend " + file() + " --scope org/taem").text, "") << "no table that says zero";
    auto const svg = dir / "none.svg";
    EXPECT_EQ(run("spend " + file() + " --scope org/taem --chart " + svg.string()).code, 3);
    EXPECT_FALSE(std::filesystem::exists(svg));
    auto const quiet = run("spend " + file() + " --scope org --from 2001-01-01 --to 2001-01-02");
    EXPECT_EQ(quiet.code, 3);
    EXPECT_FALSE(quiet.has("is it spelt")) << "nothing was sent in that time, but the scope is known";
}

TEST_F(spending, is_audited_if_asked_for) {
    w.close();
    EXPECT_FALSE(run("spend " + file()).has("audited"));
    auto const sound = run("spend " + file() + " --audit");
    EXPECT_EQ(sound.code, 0) << sound.text;
    EXPECT_TRUE(sound.has("audited: every account is the sum of its entries")) << sound.text;
    EXPECT_TRUE(sound.has("by scope")) << sound.text;
    EXPECT_FALSE(run_for_output("spend " + file() + " --audit --csv").has("audited"))
        << "a program reads only the table";
    intruder{w.file()}.run("UPDATE ledger_accounts SET settled=settled+1 WHERE scope='org/team'");
    EXPECT_EQ(run("spend " + file()).code, 0);
    auto const wrong = run("spend " + file() + " --audit");
    EXPECT_EQ(wrong.code, 1);
    EXPECT_TRUE(wrong.has("the account org/team day@UTC is not the sum of its entries")) << wrong.text;
    EXPECT_TRUE(wrong.has("compare with the backups")) << wrong.text;
    EXPECT_TRUE(wrong.has("by scope")) << "what is there is shown all the same";
}

TEST_F(spending, that_is_said_to_have_cost_the_earth_waits_for_somebody_who_knows) {
    ASSERT_TRUE(is_reserved(money.reserve(101, 4_usd, "compared", 100_usd)));
    ASSERT_TRUE(money.settle(101, coffer::money::max()));
    auto const shown = coffer("presumed " + file());
    EXPECT_TRUE(shown.has("said to have cost $9223372036.854775807, which cannot be meant")) << shown.text;
    EXPECT_TRUE(shown.has("1 presumed entry, $4.000000000 in all")) << shown.text;
    EXPECT_EQ(coffer("presumed " + file() + " --each 2000000 --yes").code, 2);

    auto const usage = (dir / "usage.csv").string();
    std::ofstream{usage} << "id,cost\nreq-101,7000000\n";
    auto const refused = coffer("reconcile --apply " + file() + " " + usage);
    EXPECT_EQ(refused.code, 4) << refused.text;
    EXPECT_TRUE(refused.has("presumed $4.000000000, charged $7000000.000000000, which cannot be meant: left as it is"))
        << refused.text;
    EXPECT_EQ(money.in("compared").presumed, 4_usd);
    EXPECT_EQ(coffer("presumed " + file() + " --each 0.25 --yes").code, 0);
    EXPECT_EQ(money.in("compared").settled, 0.25_usd);
    EXPECT_EQ(coffer("spend --audit " + file()).code, 0);
}

TEST_F(spending, draws_the_day_that_went_wrong_higher_than_all_others_together) {
    auto const svg = (dir / "days.svg").string();
    EXPECT_EQ(coffer("spend " + file() + " --chart " + svg).code, 0);
    std::ifstream in{svg};
    std::string const text{std::istreambuf_iterator<char>{in}, {}};
    std::vector<int> heights;
    std::regex const bar{"<rect class=\"settled\"[^>]* height=\"(\\d+)\""};
    for (std::sregex_iterator at{text.begin(), text.end(), bar}, end; at != end; ++at)
        heights.push_back(std::stoi((*at)[1]));
    ASSERT_FALSE(heights.empty());
    std::sort(heights.begin(), heights.end());
    int others = 0;
    for (std::size_t i = 0; i + 1 < heights.size(); ++i) others += heights[i];
    EXPECT_GT(heights.back(), 100);
    EXPECT_GT(heights.back(), others);
    EXPECT_NE(text.find(": $63.00</text>"), std::string::npos) << "the dearest day is labelled";
    EXPECT_EQ(run_shell("python3 -c 'import sys, xml.dom.minidom as m; m.parse(sys.argv[1])' " + svg + " 2>&1").code, 0)
        << "it is well-formed";
    EXPECT_EQ(run("spend " + file() + " --chart /nonexistent/x.svg").code, 1);
}

TEST_F(spending, is_limited_by_an_operator) {
    auto const told = coffer("limit " + file() + " org/team day 1.50");
    EXPECT_EQ(told.code, 0) << told.text;
    EXPECT_TRUE(told.has("org/team, day@UTC, is $1.500000000")) << told.text;
    auto const no = denial(money.reserve(900, 1.60_usd, "org/team", 100_usd, coffer::daily));
    ASSERT_TRUE(no);
    EXPECT_EQ(no->limit, 1.50_usd);
    EXPECT_EQ(coffer("limit " + file() + " org/team day --clear").code, 0);
    EXPECT_TRUE(is_reserved(money.reserve(900, 1.60_usd, "org/team", 100_usd, coffer::daily)));
    EXPECT_EQ(coffer("limit " + file() + " org/team fortnight 1").code, 2);
    EXPECT_EQ(coffer("limit " + file() + " org/team day 0.0000000001").code, 2) << "finer than the ledger counts";
    EXPECT_EQ(coffer("limit " + file() + " org/team day").code, 2);
}

TEST_F(spending, is_stopped_and_let_go_on) {
    auto const frozen = coffer("freeze " + file() + " org --reason 'runs wild'");
    EXPECT_EQ(frozen.code, 0) << frozen.text;
    EXPECT_TRUE(frozen.has("frozen: org")) << frozen.text;
    EXPECT_TRUE(denial(money.reserve(901, 0.01_usd, "org/team"))->frozen);
    EXPECT_TRUE(coffer("spend " + file()).has("frozen: org (runs wild)"));
    EXPECT_TRUE(coffer("limits --all " + file()).has("FROZEN org/team"));
    EXPECT_EQ(coffer("thaw " + file() + " org").code, 0);
    EXPECT_EQ(coffer("thaw " + file() + " org").code, 3);
    EXPECT_TRUE(is_reserved(money.reserve(901, 0.01_usd, "org/team")));
    EXPECT_EQ(coffer("freeze " + file()).code, 2) << "everything has to be asked for";
    EXPECT_EQ(coffer("freeze " + file() + " --everything").code, 0);
    EXPECT_TRUE(denial(money.reserve(902, 0.01_usd, "elsewhere"))->frozen);
}

TEST_F(spending, is_not_stopped_by_a_misspelt_name_without_a_word) {
    EXPECT_TRUE(coffer("freeze " + file() + " org/taem").has("is it spelt as")) << "no such scope";
    EXPECT_TRUE(coffer("limits " + file() + " --scope org/taem").has("org/taem is frozen"));
    EXPECT_FALSE(coffer("freeze " + file() + " org --reason 'runs wild'").has("is it spelt as"));
    EXPECT_TRUE(coffer("limits " + file()).has("org is frozen: runs wild"));
    EXPECT_TRUE(coffer("thaw " + file() + " org/team").has("it is inside org, which is still frozen"));
    EXPECT_TRUE(coffer("limit " + file() + " org/taem day 1").has("nothing is accounted for in that scope and window"));
}

TEST_F(spending, is_compared_with_no_file_that_may_hold_a_secret) {
    auto const secret = (dir / ".env").string();
    std::ofstream{secret} << "API_KEY=sk-live-abcdef\n";
    auto const refused = coffer("reconcile " + file() + " " + secret);
    EXPECT_NE(refused.code, 0);
    EXPECT_FALSE(refused.has("sk-live")) << refused.text;
}

TEST_F(spending, is_compared_with_what_the_provider_charged) {
    for (auto const& [n, actual] : {std::pair{101, std::optional{0.20_usd}},
                                    {102, std::optional{0.20_usd}},
                                    {103, std::optional<coffer::money>{}}}) {
        ASSERT_TRUE(is_reserved(money.reserve(n, 4_usd, "compared", 100_usd)));
        ASSERT_TRUE(money.settle(n, actual));
    }
    auto const usage = (dir / "usage.csv").string();
    std::ofstream{usage} << "\xef\xbb\xbf" << "Time,Request ID,Cost\r\n"
                         << "x,req-101,0.20\r\nx,req-102,$0.25\r\nx,\"req-103\",0.05\r\nx,req-999,7\r\nx,,1\r\n";
    auto const looked = coffer("reconcile " + file() + " " + usage);
    EXPECT_EQ(looked.code, 4) << looked.text;
    for (auto const* const part :
         {"equal: 1", "different: 2 (drift -$3.900000000", "only in the export: 1, $7.000000000",
          "req-102  settled $0.200000000, charged $0.250000000", "req-103  presumed $4.000000000, charged $0.050000000",
          "1 without an id", "nothing was changed"})
        EXPECT_TRUE(looked.has(part)) << part << " in\n" << looked.text;
    EXPECT_EQ(money.in("compared").presumed, 4_usd);
    auto const applied = coffer("reconcile --apply " + file() + " " + usage);
    EXPECT_EQ(applied.code, 0) << applied.text;
    EXPECT_TRUE(applied.has("corrected 2 entries")) << applied.text;
    EXPECT_EQ(money.in("compared").settled, 0.50_usd);
    EXPECT_EQ(money.in("compared").presumed, 0_usd);
    EXPECT_EQ(money.audit(), std::vector<std::string>{});
}

TEST_F(spending, reads_exports_of_json_lines_and_says_what_it_misses) {
    auto const usage = (dir / "usage.jsonl").string();
    std::ofstream{usage} << R"({"generation_id": "req-1", "total_cost": 2e-1})" << "\n\n"
                         << R"({"generation_id": "req-2", "total_cost": null})" << "\n";
    auto const s = coffer("reconcile " + file() + " " + usage);
    EXPECT_EQ(s.code, 0) << s.text;
    EXPECT_TRUE(s.has("equal: 1")) << s.text;
    EXPECT_TRUE(s.has("1 without a cost")) << s.text;

    auto const strange = (dir / "strange.csv").string();
    std::ofstream{strange} << "when,what\n1,2\n";
    auto const no = coffer("reconcile " + file() + " " + strange);
    EXPECT_EQ(no.code, 1);
    EXPECT_TRUE(no.has("--id-column")) << no.text;
    EXPECT_TRUE(no.has("when, what")) << no.text;
    EXPECT_EQ(coffer("reconcile " + file() + " /nonexistent").code, 1);
}

}  // namespace
}  // namespace money_test
