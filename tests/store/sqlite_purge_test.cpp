// SPDX-License-Identifier: BSL-1.0
// A purged namespace leaves nothing in the file, and nothing that was paid for goes without being asked about.

#include <coffer/store/sqlite_purge.hpp>
#include <coffer/store/sqlite_spool.hpp>
#include <coffer/store/sqlite_survey.hpp>

#include "store/real_store.hpp"

#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <string>

namespace store_test::sqlite_purge_test {
namespace {

namespace fs = std::filesystem;
namespace sqlite = coffer::sqlite;

/// Text in which no piece is like another.
std::string essay(std::size_t size, unsigned seed) {
    std::string text;
    for (unsigned i = 0; text.size() < size; ++i)
        text += "canary " + std::to_string(seed) + "-" + std::to_string(i * 2654435761U) + "; ";
    text.resize(size);
    return text;
}

struct purges : testing::Test {
    [[nodiscard]] std::string all_bytes() const { return bytes_of(s.file()) + bytes_of(s.file().string() + "-wal"); }
    [[nodiscard]] std::string complaint(std::string const& ns, sqlite::purge_options const& o = {}) const {
        return complaint_of([&] { (void)sqlite::purge(s.file(), ns, o); });
    }
    [[nodiscard]] std::int64_t number(std::string const& sql) const { return intruder{s.file()}.number(sql); }
    static sqlite::purge_options everything() {
        sqlite::purge_options o;
        o.unacknowledged = true;
        o.unresolved = true;
        return o;
    }
    real_store s;
};

TEST_F(purges, leave_nothing_of_the_namespace_and_all_of_the_others) {
    for (unsigned i = 0; i < 50; ++i) {
        s.done("gone " + std::to_string(i), essay(100 + 700 * i, i), "customer-4711");
        s.done("kept " + std::to_string(i), "kept " + std::to_string(i), "customer-4712");
    }
    for (unsigned i = 0; i < 20; ++i)  // these left their bodies in free pages before
        ASSERT_TRUE(s.time.get(s.backend().acknowledge(s.id("gone " + std::to_string(i), "customer-4711"))));
    EXPECT_TRUE(mentions(all_bytes(), "canary 3-"));
    auto const done = sqlite::purge(s.file(), "customer-4711", everything());
    EXPECT_EQ(done.records, 50U);
    EXPECT_EQ(done.answer_bytes, 30 * 100 + 700 * (20 + 49) * 30 / 2) << "of those that were not acknowledged";
    EXPECT_GT(done.traces, 300U);
    EXPECT_FALSE(mentions(all_bytes(), "canary"));
    EXPECT_FALSE(mentions(all_bytes(), "customer-4711"));
    EXPECT_FALSE(mentions(all_bytes(), s.id("gone 1", "customer-4711").digest));
    EXPECT_EQ(number("SELECT count(*) FROM records"), 50);
    EXPECT_EQ(number("SELECT count(*) FROM sends"), 50);
    EXPECT_EQ(number("SELECT count(*) FROM answers"), 50);
    EXPECT_EQ(intruder{s.file()}.text("PRAGMA integrity_check"), "ok");

    coffer::claim_request q;
    q.id = claim_number(2);
    auto const kept = s.time.get(s.backend().claim(s.id("kept 7", "customer-4712"), q));
    ASSERT_TRUE(is<coffer::replayed>(kept)) << "by the store that was open all the time";
    EXPECT_EQ(std::get<coffer::replayed>(*kept).accepted.what->body, "kept 7");
    EXPECT_TRUE(is<coffer::granted>(s.time.get(s.backend().claim(s.id("gone 7", "customer-4711"), q))));
}

TEST_F(purges, ask_before_what_is_paid_for_goes) {
    s.done("unacknowledged", "paid", "a");
    s.answered("not judged", coffer::answer{"raw", 200}, "a");
    ASSERT_TRUE(s.time.get(s.backend().submit_release(s.ref("not judged", "a"))));
    EXPECT_TRUE(mentions(complaint("a"), "2 records of it hold paid answers")) << complaint("a");
    EXPECT_TRUE(mentions(complaint("a"), "second time"));
    s.unresolved("unresolved", "b");
    EXPECT_TRUE(mentions(complaint("b"), "1 record of it were sent and have no usable answer")) << complaint("b");
    sqlite::purge_options one;
    one.unacknowledged = true;
    EXPECT_TRUE(mentions(complaint("b", one), "--unresolved"));
    EXPECT_EQ(number("SELECT count(*) FROM records"), 3) << "nothing went";
    EXPECT_EQ(sqlite::purge(s.file(), "a", one).records, 2U);
    sqlite::purge_options other;
    other.unresolved = true;
    EXPECT_EQ(sqlite::purge(s.file(), "b", other).records, 1U);
}

TEST_F(purges, of_what_nobody_is_owed_need_no_flag) {
    s.acked("acked", "a");
    s.done("cached", "only cached", "a", true);
    s.claim("claimed", "a");
    ASSERT_TRUE(s.time.get(s.backend().submit_release(s.ref("claimed", "a"))));
    EXPECT_EQ(sqlite::plan_purge(s.file(), "a").records, 2U);
    EXPECT_EQ(complaint("a"), "");
    EXPECT_EQ(number("SELECT count(*) FROM records"), 0);
}

TEST_F(purges, wait_for_who_is_working_on_a_key) {
    s.acked("acked", "a");
    s.send("on its way", "a");
    EXPECT_TRUE(mentions(complaint("a", everything()), "being worked on"));
    EXPECT_EQ(number("SELECT count(*) FROM records"), 2);
    s.close();  // it died
    EXPECT_EQ(complaint("a", everything()), "");
    EXPECT_EQ(number("SELECT count(*) FROM records"), 0);
}

TEST_F(purges, wait_for_a_process_that_stands_still_however_long) {
    s.send("on its way", "a");
    intruder{s.file()}.run("UPDATE records SET lease_until=0");
    intruder{s.file()}.run("UPDATE sends SET permitted_until=0");
    EXPECT_TRUE(mentions(complaint("a", everything()), "being worked on")) << "it may go on and bring its answer";
    s.close();
    EXPECT_EQ(complaint("a", everything()), "");
}

TEST_F(purges, wait_for_answers_that_stand_beside_the_file) {
    s.acked("acked", "a");
    s.acked("acked", "b");
    sqlite::detail::spooled_answer spooled;
    spooled.record = s.id("on its way", "a");
    spooled.send = 1;
    spooled.what = answer_of("paid");
    auto const spool = fs::path{s.file().string() + ".spool"};
    fs::create_directory(spool);
    std::ofstream{spool / "somebody.answer", std::ios::binary} << sqlite::detail::encode(spooled);
    EXPECT_EQ(sqlite::look(s.file()).spooled, 1U);
    EXPECT_TRUE(mentions(complaint("a"), "1 of its answers stand beside the file")) << complaint("a");
    EXPECT_EQ(complaint("b"), "") << "it is none of theirs";
    fs::remove(spool / "somebody.answer");
    EXPECT_EQ(complaint("a"), "");
}

TEST_F(purges, wait_for_a_draft_that_is_whole_and_remove_one_that_is_torn) {
    s.acked("acked", "a");
    sqlite::detail::spooled_answer spooled;
    spooled.record = s.id("on its way", "a");
    spooled.send = 1;
    spooled.what = answer_of("paid");
    auto const bytes = sqlite::detail::encode(spooled);
    auto const directory = fs::path{s.file().string() + ".spool"};
    fs::create_directory(directory);
    auto const draft = [&](std::string const& owner, std::size_t missing) {
        auto const hex = to_text(spooled.record).substr(2);
        auto const file = directory / (owner + "-" + hex + "-1.answer.draft");
        std::ofstream{file, std::ios::binary} << bytes.substr(0, bytes.size() - missing);
        return file;
    };
    std::string const dead = "0123456789abcdef-0123456789abcdef";
    auto const whole = draft(dead, 0);
    EXPECT_TRUE(mentions(complaint("a"), "1 of its answers stand beside the file")) << complaint("a");
    fs::remove(whole);
    auto const torn = draft(dead, 1);
    EXPECT_EQ(sqlite::plan_purge(s.file(), "a").spooled, 0U);
    EXPECT_TRUE(fs::exists(torn)) << "a plan changes nothing";
    sqlite::detail::process_owner const somebody{s.file().string() + ".owners"};
    auto const at_work = draft(somebody.name(), 1);
    EXPECT_TRUE(mentions(complaint("a"), "1 of its answers stand beside the file"));
    EXPECT_TRUE(fs::exists(at_work)) << "it is being written";
    fs::remove(at_work);
    EXPECT_EQ(complaint("a"), "");
    EXPECT_FALSE(fs::exists(torn));
}

TEST_F(purges, of_an_answer_that_another_namespace_has_too_leave_that_one) {
    auto const text = essay(9000, 1);
    s.done("one", text, "a");
    s.done("one", text, "b");
    EXPECT_EQ(sqlite::purge(s.file(), "a", everything()).records, 1U) << "which is no remain";
    EXPECT_TRUE(mentions(all_bytes(), text.substr(0, 24)));
}

TEST_F(purges, find_what_is_left_behind_where_it_is_left) {
    auto const text = essay(9000, 1);
    s.done("one", text, "a");
    s.close();
    intruder{s.file()}.run("PRAGMA wal_checkpoint(TRUNCATE)");
    sqlite::detail::traces t;
    t.add(text);
    EXPECT_EQ(t.size(), 10U);
    auto db = sqlite::detail::open_beside(s.file(), sqlite::detail::access::write, 1s);
    EXPECT_EQ(sqlite::detail::count_remains(*db, s.file(), t), 0U) << "it is still kept, so nothing remains";
    db->run("PRAGMA secure_delete=OFF; DELETE FROM answers");
    EXPECT_GE(sqlite::detail::count_remains(*db, s.file(), t), 8U) << "the page is free, and holds it";
    sqlite::detail::traces other;
    other.add(essay(9000, 2));
    EXPECT_EQ(sqlite::detail::count_remains(*db, s.file(), other), 0U);
    (void)sqlite::detail::compact(*db, s.file());
    EXPECT_EQ(sqlite::detail::count_remains(*db, s.file(), t), 0U);
}

TEST_F(purges, say_that_the_log_is_still_read) {
    s.acked("acked", "a");
    intruder other{s.file()};
    other.run("BEGIN");
    (void)other.number("SELECT count(*) FROM records");
    auto o = everything();
    o.patience = 20ms;
    EXPECT_TRUE(mentions(complaint("a", o), "while another process reads"));
    EXPECT_EQ(number("SELECT count(*) FROM records"), 0);
    other.run("COMMIT");
}

TEST_F(purges, of_a_locked_store_change_nothing_and_say_so) {
    s.acked("acked", "a");
    intruder other{s.file()};
    other.run("BEGIN IMMEDIATE");
    auto o = everything();
    o.patience = 20ms;
    EXPECT_TRUE(mentions(complaint("a", o), "another process holds its write lock"));
    other.run("ROLLBACK");
    EXPECT_EQ(number("SELECT count(*) FROM records"), 1);
}

TEST_F(purges, of_nothing_do_nothing) {
    s.acked("acked", "a");
    EXPECT_EQ(sqlite::plan_purge(s.file(), "nobody").records, 0U);
    EXPECT_EQ(sqlite::purge(s.file(), "nobody").records, 0U);
    EXPECT_EQ(number("SELECT count(*) FROM records"), 1);
}

TEST_F(purges, finish_what_another_one_has_begun) {
    s.done("gone", essay(5000, 1), "a");
    for (auto const* const from : {"records", "sends", "answers"})  // and then it was killed
        intruder{s.file()}.run("DELETE FROM " + std::string{from});
    ASSERT_TRUE(mentions(all_bytes(), "canary 1-"));
    EXPECT_EQ(sqlite::purge(s.file(), "a").records, 0U);
    EXPECT_FALSE(mentions(all_bytes(), "canary 1-"));
}

TEST(sqlite_compact, makes_the_file_smaller_while_it_is_in_use) {
    real_store s;
    for (int i = 0; i < 20; ++i) s.done("key " + std::to_string(i), std::string(100'000, 'x'));
    for (int i = 0; i < 19; ++i) ASSERT_TRUE(s.time.get(s.backend().acknowledge(s.id("key " + std::to_string(i)))));
    auto const c = sqlite::compact(s.file());
    EXPECT_GT(c.bytes_before, 2'000'000);
    EXPECT_LT(c.bytes_after, 300'000);
    EXPECT_EQ(static_cast<std::int64_t>(fs::file_size(s.file())), c.bytes_after);
    EXPECT_EQ(fs::file_size(s.file().string() + "-wal"), 0U);
    coffer::claim_request q;
    q.id = claim_number(2);
    EXPECT_TRUE(is<coffer::replayed>(s.time.get(s.backend().claim(s.id("key 19"), q))));
    s.done("new");
}

}  // namespace
}  // namespace store_test::sqlite_purge_test
