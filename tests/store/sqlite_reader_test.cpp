// SPDX-License-Identifier: BSL-1.0
// A store's file looked at from outside: what is seen, and that nothing is left behind.

#include <coffer/store/sqlite_reader.hpp>
#include <coffer/store/sqlite_survey.hpp>

#include "store/real_store.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <set>
#include <string>
#include <vector>

namespace store_test::sqlite_reader_test {
namespace {

namespace fs = std::filesystem;
namespace sqlite = coffer::sqlite;
using coffer::record_state;

std::vector<sqlite::seen_record> all(fs::path const& file, sqlite::selection const& which = {}) {
    std::vector<sqlite::seen_record> found;
    sqlite::reader from{file};
    EXPECT_EQ(from.for_each(which, [&](auto const& r) { return found.push_back(r), true; }), 0U);
    return found;
}
std::size_t count(fs::path const& file, sqlite::selection const& which) { return all(file, which).size(); }

struct filled : testing::Test {
    filled() {
        s.done("done");
        s.acked("acked");
        s.unresolved("unresolved");
        s.unresolved("unresolved", "other");
        s.send("sent");
        s.claim("claimed");
        s.answered("answered", coffer::answer{"raw", 200});
    }
    real_store s;
};

TEST_F(filled, is_seen_as_it_is_while_it_is_in_use) {
    sqlite::reader from{s.file()};
    auto const seen = from.find(s.id("done"));
    ASSERT_TRUE(seen);
    EXPECT_EQ(seen->id, s.id("done"));
    EXPECT_EQ(seen->row.state, record_state::done);
    EXPECT_EQ(seen->row.sends.at(0).reply->request_id, "req-1");
    EXPECT_EQ(seen->row.sends.at(0).reply->body, "") << "a body is asked for by itself";
    EXPECT_EQ(from.body(s.id("done"), 1), "paid");
    EXPECT_EQ(from.body(s.id("done"), 2), std::nullopt);
    EXPECT_EQ(from.body(s.id("acked"), 1), std::nullopt) << "dropped";
    EXPECT_TRUE(from.has_body(s.id("done"), 1));
    EXPECT_FALSE(from.has_body(s.id("done"), 2) || from.has_body(s.id("acked"), 1));
    EXPECT_FALSE(seen->busy || seen->unresolved);
    EXPECT_TRUE(from.find(s.id("unresolved"))->unresolved);
    EXPECT_TRUE(from.find(s.id("sent"))->busy);
    EXPECT_FALSE(from.find(s.id("nobody")));
}

TEST_F(filled, can_be_selected_from) {
    EXPECT_EQ(count(s.file(), {}), 7U);
    sqlite::selection which;
    which.name_space = "other";
    EXPECT_EQ(count(s.file(), which), 1U);
    which.name_space = "oth";
    EXPECT_EQ(count(s.file(), which), 0U);
    which = {};
    which.unresolved_only = true;
    EXPECT_EQ(count(s.file(), which), 2U);
    which.limit = 1;
    EXPECT_EQ(count(s.file(), which), 1U);
    which = {};
    which.state = record_state::unknown;
    EXPECT_EQ(count(s.file(), which), 2U);
    which = {};
    which.older_than = 1h;
    EXPECT_EQ(count(s.file(), which), 0U);
    intruder{s.file()}.run("UPDATE records SET updated=updated-7200000000000 WHERE state='done'");
    EXPECT_EQ(count(s.file(), which), 1U);
}

TEST_F(filled, is_not_changed_by_looking_and_nothing_is_made) {
    s.close();
    auto const before = bytes_of(s.file());
    fs::remove(s.file().string() + ".secret");
    fs::remove_all(s.file().string() + ".owners");
    fs::permissions(s.file(), fs::perms::owner_read);
    EXPECT_EQ(all(s.file()).size(), 7U) << "no secret is needed";
    (void)sqlite::look(s.file());
    EXPECT_EQ(bytes_of(s.file()), before);
    EXPECT_FALSE(fs::exists(s.file().string() + ".secret"));
    EXPECT_FALSE(fs::exists(s.file().string() + ".owners"));
}

TEST_F(filled, is_seen_as_it_was_when_the_reader_was_made) {
    sqlite::reader from{s.file()};
    s.done("a later one");
    EXPECT_FALSE(from.find(s.id("a later one")));
    std::size_t seen = 0;
    EXPECT_EQ(from.for_each({}, [&](auto const&) { return ++seen, true; }), 0U);
    EXPECT_EQ(seen, 7U);
    EXPECT_EQ(count(s.file(), {}), 8U);
}

TEST_F(filled, is_seen_while_another_process_holds_its_write_lock) {
    intruder other{s.file()};
    other.run("BEGIN IMMEDIATE");
    other.run("UPDATE records SET state='acked'");
    EXPECT_EQ(all(s.file()).size(), 7U);
    EXPECT_EQ(sqlite::look(s.file()).by_state[static_cast<std::size_t>(record_state::done)], 1U);
    other.run("ROLLBACK");
}

TEST_F(filled, by_a_process_that_died_waits_for_nobody) {
    s.close();  // what it had claimed stays claimed in the file
    sqlite::reader from{s.file()};
    s.open();
    EXPECT_FALSE(from.find(s.id("sent"))->busy);
    EXPECT_TRUE(from.find(s.id("sent"))->unresolved) << "its one send is spent";
    EXPECT_FALSE(from.find(s.id("claimed"))->unresolved);
}

TEST_F(filled, with_a_record_that_cannot_be_read_shows_the_others) {
    intruder{s.file()}.run("UPDATE records SET state='sold' WHERE state='done'");
    std::size_t found = 0;
    sqlite::reader from{s.file()};
    EXPECT_EQ(from.for_each(sqlite::selection{}, [&](auto const&) { return ++found, true; }), 1U);
    EXPECT_EQ(found, 6U);
    EXPECT_EQ(sqlite::look(s.file()).unreadable, 1U);
}

TEST_F(filled, is_surveyed_in_numbers) {
    auto const n = sqlite::look(s.file());
    EXPECT_EQ(n.format, 3);
    EXPECT_EQ(n.records, 7U);
    EXPECT_EQ(n.by_state[static_cast<std::size_t>(record_state::done)], 1U);
    EXPECT_EQ(n.by_state[static_cast<std::size_t>(record_state::unknown)], 2U);
    EXPECT_EQ(n.unresolved, 2U);
    EXPECT_EQ(n.in_progress, 3U);
    EXPECT_EQ(n.sends, 6U);
    EXPECT_EQ(n.known_cost.nano(), 300'000);
    EXPECT_EQ(n.unknown_costs, 4U);
    EXPECT_EQ(n.unacknowledged, 1U);
    ASSERT_TRUE(n.oldest_unacknowledged);
    EXPECT_LT(std::chrono::system_clock::now() - *n.oldest_unacknowledged, 1h);
    EXPECT_EQ(n.answers, 2U);
    EXPECT_EQ(n.answer_bytes, 7);
    EXPECT_EQ(n.due, 0U);
    EXPECT_GT(n.file_bytes, 0);
    EXPECT_GT(n.log_bytes, 0);
    EXPECT_EQ(n.processes, 1U);
    intruder{s.file()}.run("UPDATE records SET expires=1 WHERE state='acked'");
    EXPECT_EQ(sqlite::look(s.file()).due, 1U);
    s.close();
    EXPECT_EQ(sqlite::look(s.file()).processes, 0U);
}

TEST(sqlite_reader, says_what_is_wrong_with_the_file) {
    temporary_directory const dir;
    auto const said = [](fs::path const& file) { return complaint_of([&] { (void)sqlite::look(file); }); };
    EXPECT_TRUE(mentions(said(dir / "none.db"), "no such file; name the store's file"));
    EXPECT_FALSE(fs::exists(dir / "none.db"));
    EXPECT_TRUE(mentions(said(dir.path()), "not a regular file"));
    std::ofstream{dir / "empty.db"};
    EXPECT_TRUE(mentions(said(dir / "empty.db"), "no store has been made in it")) << said(dir / "empty.db");
    std::ofstream{dir / "text.db"} << std::string(5000, 'x');
    EXPECT_TRUE(mentions(said(dir / "text.db"), "not an SQLite database"));
    std::ofstream{dir / "other.db"};
    intruder{dir / "other.db"}.run("CREATE TABLE mine(x)");
    EXPECT_TRUE(mentions(said(dir / "other.db"), "none of coffer's"));
    {
        sqlite::store const db{dir / "coffer.db"};
    }
    intruder{dir / "coffer.db"}.run("PRAGMA user_version=1");
    EXPECT_TRUE(mentions(said(dir / "coffer.db"), "has format 1")) << said(dir / "coffer.db");
    intruder{dir / "coffer.db"}.run("PRAGMA user_version=99");
    EXPECT_TRUE(mentions(said(dir / "coffer.db"), "made by a newer coffer"));
}

TEST(sqlite_reader, says_that_a_file_is_damaged) {
    real_store s;
    for (int i = 0; i < 40; ++i) s.done("key " + std::to_string(i));
    s.close();
    {
        std::fstream damage{s.file(), std::ios::in | std::ios::out | std::ios::binary};
        damage.seekp(4096);
        std::string const garbage(static_cast<std::size_t>(fs::file_size(s.file())) - 4096, '\xa5');
        damage << garbage;
    }
    auto const said = complaint_of([&] { (void)sqlite::look(s.file()); });
    EXPECT_TRUE(mentions(said, "damaged")) << said;
    EXPECT_TRUE(mentions(said, "restore it")) << said;
}

}  // namespace
}  // namespace store_test::sqlite_reader_test
