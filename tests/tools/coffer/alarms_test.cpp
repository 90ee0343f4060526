// SPDX-License-Identifier: BSL-1.0
// alarms: what rang is listed, and a look by the command rings where no program does.

#include "store/ledger_world.hpp"
#include "store/real_store.hpp"
#include "tools/coffer/page.hpp"
#include "tools/coffer/run_command.hpp"

#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

#include <filesystem>
#include <sstream>
#include <string>
#include <variant>
#include <vector>

namespace alarms_test {
namespace {

using namespace command_tests;
using namespace store_test;
using json = nlohmann::json;
namespace fs = std::filesystem;

struct alarms : testing::Test {
    [[nodiscard]] std::string file() const { return s.file().string(); }
    [[nodiscard]] coffer::ledger_backend& ledger() const { return *s.backend().ledger(); }
    [[nodiscard]] said look(std::string const& more = {}) const { return run("alarms --look " + more + " " + file()); }
    [[nodiscard]] said list(std::string const& more = {}) const { return run("alarms " + more + " " + file()); }

    [[nodiscard]] auto reserve(std::string const& scope, coffer::money amount) {
        coffer::ledger_lines lines;
        lines.emplace_back(scope, coffer::lifetime, 5_usd);
        return s.time.get(ledger().reserve(reservation_of(++last, amount, std::move(lines))));
    }
    /// Of five dollars for its lifetime.
    void spend(std::string const& scope, coffer::money amount) {
        ASSERT_TRUE(is_reserved(reserve(scope, amount)));
        ASSERT_TRUE(s.time.get(ledger().submit_settle(reservation_number(last), amount, "req")));
    }
    /// As a program with `coffer::alarms` looks.
    void ring() { ASSERT_EQ(s.time.get(ledger().look_for_alarms(coffer::alarm_watch{})).value(), 1U); }
    /// As its sink fails.
    void fail(std::string const& trouble) {
        auto const due = s.time.get(ledger().take_alarms(10, 1min)).value();
        ASSERT_EQ(due.size(), 1U);
        ASSERT_TRUE(s.time.get(ledger().alarm_failed(due[0].what.id, trouble, 0ns)));
    }

    real_store s;
    int last = 0;
};

std::vector<json> lines_of(std::string const& text) {
    std::vector<json> all;
    std::istringstream in{text};
    for (std::string line; std::getline(in, line);) all.push_back(json::parse(line));
    return all;
}

TEST_F(alarms, a_look_prints_what_rings_once_and_is_silent_then) {
    EXPECT_EQ(look().code, 0) << "nothing was spent";
    spend("team/search", 4.50_usd);
    auto const t = look();
    EXPECT_EQ(t.code, 5) << t.text;
    EXPECT_TRUE(t.has("  warning   threshold       team/search\n    team/search has committed $4.50 of $5.00"))
        << t.text;
    auto const again = look();
    EXPECT_EQ(again.code, 0) << again.text;
    EXPECT_EQ(again.text, "") << "cron mails what is printed";
    auto const known = list();
    EXPECT_EQ(known.code, 0) << known.text;
    EXPECT_TRUE(known.has("team/search  delivered 20")) << known.text;
    EXPECT_TRUE(known.has("\n1 alarm\n")) << known.text;
}

TEST_F(alarms, a_look_tells_what_a_program_could_not_deliver) {
    spend("team", 4.50_usd);
    ring();
    EXPECT_TRUE(list("--undelivered").has("team  NOT DELIVERED\n")) << list().text;
    EXPECT_TRUE(run("stats " + file()).has("alarms          1 not delivered (coffer alarms --undelivered); looked"));
    fail("the webhook answered 500");
    EXPECT_TRUE(list().has("team  NOT DELIVERED, tried once: the webhook answered 500\n")) << list().text;
    fail("it answered\x1b[2J 502");
    EXPECT_TRUE(list().has("NOT DELIVERED, tried 2 times: it answered?[2J 502\n")) << list().text;
    auto const t = look();
    EXPECT_EQ(t.code, 5) << t.text;
    EXPECT_TRUE(t.has("team has committed $4.50 of $5.00")) << t.text;
    auto const none = list("--undelivered");
    EXPECT_EQ(none.code, 3);
    EXPECT_EQ(none.text, "0 undelivered alarms\n");
}

TEST_F(alarms, are_shown_as_on_the_page) {
    spend("team/search", 4.50_usd);
    EXPECT_EQ(look().code, 5);
    spend("team/search", 0.50_usd);
    ring();
    fail("the webhook answered 502");
    fail("the webhook answered 500");
    EXPECT_EQ(alike(list().text), sample_alike("alarms"));
}

TEST_F(alarms, what_could_not_be_printed_is_told_by_a_later_look) {
    spend("team", 4.50_usd);
    auto const t = run_shell(std::string{COFFER_COMMAND} + " alarms --look " + file() + " 2>&1 >/dev/full");
    EXPECT_EQ(t.code, 1) << t.text;
    EXPECT_TRUE(list().has("NOT DELIVERED, tried once: the standard output could not be written to")) << list().text;
    intruder{s.file()}.run("UPDATE alarms SET due=0");
    EXPECT_TRUE(look().has("team has committed")) << list().text;
}

TEST_F(alarms, are_listed_newest_first_and_narrowed_down) {
    spend("team", 4.50_usd);
    ring();
    spend("other/one", 5_usd);
    ring();
    intruder{s.file()}.run("UPDATE alarms SET found=1000000000 WHERE scope='team'");
    auto const t = list();
    auto const newer = t.text.find("critical  threshold       other/one");
    auto const older = t.text.find("1970-01-01T00:00:01Z  warning   threshold       team  ");
    EXPECT_TRUE(newer < older && older != std::string::npos) << t.text;
    EXPECT_TRUE(t.has("\n2 alarms\n")) << t.text;
    for (auto const* const more : {"--scope other", "--from 2001-01-01", "--limit 1"}) {
        auto const some = list(more);
        EXPECT_TRUE(some.has("other/one")) << more << some.text;
        EXPECT_TRUE(some.has("\n1 alarm")) << more << some.text;
    }
    EXPECT_TRUE(list("--limit 1").has("1 alarm, as many as --limit allows"));
    for (auto const* const few : {"0", "-1", "x", "1x"}) {
        auto const no = list(std::string{"--limit "} + few);
        EXPECT_EQ(no.code, 2) << few;
        EXPECT_TRUE(no.has("is no number of things to show; 1 or more")) << no.text;
    }
    auto const misspelt = list("--scope nobody");
    EXPECT_EQ(misspelt.code, 3);
    EXPECT_TRUE(misspelt.has("nothing is accounted for in the scope 'nobody'")) << misspelt.text;
    EXPECT_FALSE(misspelt.has("0 alarms")) << "it must not look like a quiet scope: " << misspelt.text;
    spend("quiet", 0.01_usd);
    EXPECT_EQ(list("--scope quiet").text, "0 alarms\n");
    EXPECT_EQ(list("--from tomorrow").code, 2);
    EXPECT_EQ(list("--look --scope team").code, 2) << "a look tells all";
}

TEST_F(alarms, for_programs_are_an_object_a_line) {
    spend("team", 4.50_usd);
    ring();
    fail("the webhook answered 500");
    auto const due = lines_of(run_for_output("alarms --json " + file()).text);
    ASSERT_EQ(due.size(), 1U);
    EXPECT_EQ(due[0].at("severity"), "warning");
    EXPECT_EQ(due[0].at("kind"), "threshold");
    EXPECT_EQ(due[0].at("scope"), "team");
    EXPECT_EQ(due[0].at("window"), "lifetime");
    EXPECT_EQ(due[0].at("amount_nano_usd"), 4'500'000'000);
    EXPECT_EQ(due[0].at("against_nano_usd"), 5'000'000'000);
    EXPECT_EQ(due[0].at("delivered"), nullptr);
    EXPECT_EQ(due[0].at("tries"), 1);
    EXPECT_EQ(due[0].at("trouble"), "the webhook answered 500");
    auto const told = lines_of(run_for_output("alarms --look --json " + file()).text);
    ASSERT_EQ(told.size(), 1U);
    for (auto const* const field : {"when", "severity", "kind", "scope", "sentence", "id"})
        EXPECT_EQ(told[0].at(field), due[0].at(field)) << field;
    auto const done = lines_of(run_for_output("alarms --json " + file()).text);
    EXPECT_TRUE(done.at(0).at("delivered").is_string()) << done.at(0);
    EXPECT_EQ(done.at(0).at("trouble"), nullptr);
}

TEST_F(alarms, a_look_freezes_what_it_was_told_to) {
    spend("spare", 4.50_usd);
    spend("team/search", 5_usd);
    auto const t = look("--freeze-on anomaly --freeze-on threshold");
    EXPECT_EQ(t.code, 5) << t.text;
    EXPECT_TRUE(t.has("frozen: team/search. To let it go on: coffer thaw " + file() + " team/search\n")) << t.text;
    EXPECT_FALSE(t.has("frozen: spare")) << "80 % is no reason to stop: " << t.text;
    EXPECT_TRUE(denial(reserve("team/search", 0.01_usd))->frozen);
    EXPECT_TRUE(is_reserved(reserve("spare", 0.01_usd)));
    auto const no = look("--freeze-on replay_storm");
    EXPECT_EQ(no.code, 2);
    EXPECT_TRUE(no.has("threshold, burn_rate, anomaly, duplicate_work")) << no.text;
    EXPECT_EQ(list("--freeze-on threshold").code, 2) << "only a look freezes";
}

TEST_F(alarms, listing_them_changes_nothing_and_needs_no_more_than_to_read) {
    spend("team", 4.50_usd);
    ring();
    s.close();
    auto const before = bytes_of(s.file());
    fs::remove(file() + ".secret");
    fs::permissions(s.file(), fs::perms::owner_read);
    EXPECT_TRUE(list().has("team has committed"));
    EXPECT_EQ(bytes_of(s.file()), before);
    EXPECT_FALSE(fs::exists(file() + ".secret"));
    EXPECT_EQ(run("alarms --look " + file() + ".none").code, 1);
    EXPECT_FALSE(fs::exists(file() + ".none"));
}

}  // namespace
}  // namespace alarms_test
