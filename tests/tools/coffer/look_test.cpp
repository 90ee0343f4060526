// SPDX-License-Identifier: BSL-1.0
// stats, list and show: what an operator sees of a store that is in use, and what a script can read.

#include <coffer/store/record_text.hpp>

#include "store/real_store.hpp"
#include "tools/coffer/page.hpp"
#include "tools/coffer/run_command.hpp"

#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

#include <filesystem>
#include <fstream>
#include <regex>
#include <sstream>
#include <string>
#include <vector>

namespace look_test {
namespace {

using namespace command_tests;
using json = nlohmann::json;
namespace fs = std::filesystem;

struct looking : testing::Test {
    looking() {
        s.done("done", "the answer\n");
        s.acked("acked");
        s.unresolved("unresolved");
        s.claim("claimed", "other");
    }
    [[nodiscard]] std::string file() const { return s.file().string(); }
    [[nodiscard]] std::string name(std::string const& key, std::string const& ns = "report") const {
        return coffer::to_text(s.id(key, ns));
    }
    [[nodiscard]] said list(std::string const& more = {}) const { return run("list " + more + " " + file()); }
    [[nodiscard]] said show(std::string const& key, std::string const& more = {}) const {
        return run("show " + file() + " " + name(key) + " " + more);
    }
    store_test::real_store s;
};

std::vector<json> lines_of(std::string const& text) {
    std::vector<json> all;
    std::istringstream in{text};
    for (std::string line; std::getline(in, line);) all.push_back(json::parse(line));
    return all;
}

/// What stands before the first gap of two blanks in each line of a text, in order.
std::vector<std::string> labels_of(std::string const& text) {
    std::vector<std::string> all;
    std::istringstream in{text};
    for (std::string line; std::getline(in, line);) {
        auto const begin = line.find_first_not_of(' ');
        if (begin == std::string::npos) continue;
        auto const label = line.substr(begin, line.find("  ", begin) - begin);
        all.push_back(label.substr(0, label.find(':')));
    }
    return all;
}

TEST_F(looking, prints_what_the_page_shows) {
    EXPECT_EQ(labels_of(run("stats " + file()).text), labels_of(sample("stats")));
    EXPECT_EQ(labels_of(show("unresolved").text), labels_of(sample("show")));
    EXPECT_EQ(labels_of(list("--unresolved").text).at(0), labels_of(sample("list")).at(0));
}

TEST_F(looking, stats_says_how_the_store_is) {
    auto const t = run("stats " + file());
    EXPECT_EQ(t.code, 0) << t.text;
    for (auto const* const part :
         {"records         4: 1 claimed, 1 done, 1 unknown, 1 acked", "unresolved      1", "in progress     1",
          "unacknowledged  1, the oldest of 20", "sends           3 that may be billed",
          "known cost      $0.000300000, and 1 send of unknown cost", "answers         1, 11 bytes",
          "processes       1", "stopped jobs    0", "frozen          0 scopes",
          "alarms          all delivered; nobody has ever looked for any", "format          3"})
        EXPECT_TRUE(t.has(part)) << part << "\nin:\n" << t.text;
}

TEST_F(looking, stats_for_programs_is_one_object) {
    auto const t = run("stats --json " + file());
    auto const j = json::parse(t.text);
    EXPECT_EQ(j["records"], 4);
    EXPECT_EQ(j["by_state"]["done"], 1);
    EXPECT_EQ(j["unresolved"], 1);
    EXPECT_EQ(j["known_cost_nano_usd"], 300000);
    for (auto const* const none : {"stopped_jobs", "frozen_scopes", "alarms_due"}) EXPECT_EQ(j[none], 0) << none;
    EXPECT_TRUE(j["alarms_looked"].is_null());
    EXPECT_TRUE(std::regex_match(j["oldest_unacknowledged"].get<std::string>(),
                                 std::regex{R"(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ)"}));
}

TEST_F(looking, list_can_be_narrowed_down) {
    EXPECT_TRUE(list().has("4 keys"));
    EXPECT_TRUE(list("--namespace other").has("1 key\n"));
    EXPECT_TRUE(list("--state done").has(name("done")));
    EXPECT_TRUE(list("--limit 2").has("2 keys, as many as --limit allows"));
    EXPECT_TRUE(list("--unresolved").has("1 unresolved key\n"));
    EXPECT_TRUE(list("--older-than 0s").has("4 keys"));
    auto const none = list("--older-than 1h");
    EXPECT_TRUE(none.has("0 keys"));
    EXPECT_EQ(none.code, 3);
    EXPECT_EQ(list("--unresolved").code, 0);
}

TEST_F(looking, list_takes_a_number_of_keys_and_nothing_else_for_its_limit) {
    EXPECT_TRUE(list("--limit 1").has("1 key, as many as --limit allows"));
    for (auto const* const bad : {"0", "-1", "many", "1.5", "99999999999999999999999"}) {
        auto const no = list(std::string{"--limit="} + bad);
        EXPECT_EQ(no.code, 2) << bad;
        EXPECT_TRUE(no.has("is no number of things to show; 1 or more, e.g. 20")) << no.text;
    }
    EXPECT_EQ(list("--limit -1").code, 2);
    EXPECT_EQ(run("jobs " + file() + " --limit 0").code, 2);
    EXPECT_EQ(run("spend " + file() + " --top 0").code, 2);
}

TEST_F(looking, list_for_programs_is_an_object_a_line) {
    auto const all = lines_of(run_for_output("list --json " + file()).text);
    ASSERT_EQ(all.size(), 4U);
    EXPECT_EQ(all[0]["id"], name("done"));
    EXPECT_EQ(all[0]["state"], "done");
    EXPECT_EQ(all[0]["sends"], 1);
    EXPECT_EQ(all[0]["known_cost_nano_usd"], 150000);
    EXPECT_EQ(all[2]["unresolved"], true);
    EXPECT_EQ(all[2]["known_cost_nano_usd"], nullptr);
    EXPECT_EQ(all[3]["in_progress"], true);
    EXPECT_EQ(all[3]["namespace"], "other");
}

TEST_F(looking, show_tells_what_happened_and_how_to_decide) {
    auto const t = show("unresolved");
    EXPECT_EQ(t.code, 0);
    for (std::string const& part :
         {name("unresolved"), std::string{"unknown, UNRESOLVED"}, std::string{"1 of 1, known cost unknown"},
          std::string{"send 1: lost"}, std::string{"openai gpt-x"}, std::string{"timed_out"},
          std::string{"the connection went silent"},
          "coffer resolve " + file() + " " + name("unresolved") + " --grant | --abandon | --answer FILE"})
        EXPECT_TRUE(t.has(part)) << part << "\nin:\n" << t.text;
    auto const done = show("done");
    for (auto const* const part : {"send 1: accepted", "req-1", "$0.000150000", "status      200", "--answer --send 1"})
        EXPECT_TRUE(done.has(part)) << part << "\nin:\n" << done.text;
    EXPECT_FALSE(done.has("To decide"));
    EXPECT_TRUE(show("acked").has("answer      dropped"));
}

TEST_F(looking, an_answer_is_shown_when_it_is_asked_for_and_as_it_came) {
    EXPECT_FALSE(show("done").has("the answer"));
    EXPECT_FALSE(show("done", "--json").has("the answer"));
    EXPECT_EQ(show("done", "--answer").text, "the answer\n");
    EXPECT_EQ(show("done", "--answer --send 1").text, "the answer\n");
    for (auto const& [key, more] :
         {std::pair{"done", "--answer --send 2"}, {"acked", "--answer"}, {"unresolved", "--answer"}}) {
        auto const none = show(key, more);
        EXPECT_EQ(none.code, 3) << none.text;
        EXPECT_TRUE(none.has("no answer is stored")) << none.text;
    }
}

TEST_F(looking, show_for_programs_has_the_history) {
    auto const j = json::parse(show("unresolved", "--json").text);
    EXPECT_EQ(j["unresolved"], true);
    EXPECT_EQ(j["sends_allowed"], 1);
    ASSERT_EQ(j["history"].size(), 1U);
    EXPECT_EQ(j["history"][0]["state"], "lost");
    EXPECT_EQ(j["history"][0]["fault"]["kind"], "timed_out");
    EXPECT_EQ(j["history"][0]["model"], "gpt-x");
}

TEST_F(looking, a_key_that_is_not_there_is_no_match) {
    EXPECT_EQ(run("show " + file() + " report:" + std::string(64, '0')).code, 3);
    auto const other = name("done").substr(name("done").find(':'));
    EXPECT_EQ(run("show " + file() + " another" + other).code, 3) << "the namespace is part of the name";
    EXPECT_EQ(run("show " + file() + " report:12").code, 2);
}

TEST_F(looking, changes_nothing_and_needs_no_more_than_to_read) {
    auto const done = name("done");
    s.close();
    auto const before = store_test::bytes_of(s.file());
    fs::remove(file() + ".secret");
    fs::permissions(s.file(), fs::perms::owner_read);
    EXPECT_EQ(run("stats " + file()).code, 0);
    EXPECT_EQ(list().code, 0);
    EXPECT_EQ(run("show " + file() + " " + done).code, 0);
    EXPECT_EQ(store_test::bytes_of(s.file()), before);
    EXPECT_FALSE(fs::exists(file() + ".secret"));
}

TEST_F(looking, works_while_another_process_holds_the_write_lock) {
    store_test::intruder other{s.file()};
    other.run("BEGIN IMMEDIATE");
    EXPECT_EQ(run("stats " + file()).code, 0);
    EXPECT_EQ(list().code, 0);
    EXPECT_EQ(show("done").code, 0);
    other.run("ROLLBACK");
}

TEST_F(looking, says_what_is_wrong_with_a_file) {
    s.close();
    for (auto const* const command : {"stats ", "list "}) {
        EXPECT_TRUE(run(command + file() + ".none").has("no such file; name the store's file"));
        EXPECT_TRUE(run(command + file() + ".secret").has("not an SQLite database"));
    }
    EXPECT_FALSE(fs::exists(file() + ".none"));
    std::fstream{s.file(), std::ios::in | std::ios::out | std::ios::binary}.seekp(4096) << std::string(40'000, '\xa5');
    auto const t = list();
    EXPECT_EQ(t.code, 1);
    EXPECT_TRUE(t.has("damaged; restore it, with its .secret, from a backup")) << t.text;
}

TEST_F(looking, a_providers_text_cannot_paint_the_terminal) {
    s.send("evil");
    coffer::fault const why{coffer::fault_kind::ambiguous, "gone\x1b[2J\nUNRESOLVED"};
    ASSERT_TRUE(s.time.get(s.backend().submit_lost(s.ref("evil"), 1, why)));
    auto const t = show("evil");
    EXPECT_TRUE(t.has("gone?[2J?UNRESOLVED")) << t.text;
    EXPECT_EQ(t.text.find('\x1b'), std::string::npos);
}

}  // namespace
}  // namespace look_test
