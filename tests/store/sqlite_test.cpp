// SPDX-License-Identifier: BSL-1.0
#include "store/conformance.hpp"
#include "store/real_store.hpp"
#include "store/sqlite_world.hpp"

#include <gtest/gtest.h>

#include <sqlite3.h>
#include <sys/stat.h>
#include <unistd.h>

#include <atomic>
#include <chrono>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <memory>
#include <string>
#include <thread>
#include <utility>
#include <vector>

namespace store_test::sqlite_test {
namespace {

namespace fs = std::filesystem;
namespace sqlite = coffer::sqlite;

INSTANTIATE_TEST_SUITE_P(sqlite, conformance,
                         testing::Values([]() -> std::unique_ptr<world> { return std::make_unique<sqlite_world>(); }));
INSTANTIATE_TEST_SUITE_P(sqlite_encrypted, conformance, testing::Values([]() -> std::unique_ptr<world> {
                             sqlite::options o;
                             o.body_keys = std::make_shared<coffer::crypto::key_ring const>(
                                 "test", coffer::crypto::secret_key::from_hex(std::string(64, '7')));
                             return std::make_unique<sqlite_world>(o);
                         }));

world::how key_named(std::string name) {
    world::how h;
    h.name = std::move(name);
    return h;
}
mode_t mode_of(fs::path const& p) {
    struct stat s{};
    return ::stat(p.c_str(), &s) == 0 ? s.st_mode & 0777U : 0;
}
// What stays ----------------------------------------------------------------------------------------------------------

TEST(sqlite_store, keeps_its_records_over_a_restart) {
    temporary_directory const dir;
    {
        sqlite_world w{dir / "coffer.db"};
        w.finish(1, "paid");
    }
    sqlite_world w{dir / "coffer.db"};
    auto const v = w.claim(2);
    ASSERT_TRUE(is<coffer::replayed>(v));
    EXPECT_EQ(std::get<coffer::replayed>(*v).accepted.what->body, "paid");
}

TEST(sqlite_store, is_called_by_its_path) {
    temporary_directory const dir;
    coffer::sqlite::store const db{dir / "coffer.db"};
    EXPECT_EQ(db.backend()->name(), fs::canonical(dir / "coffer.db").string());
}

TEST(sqlite_store, carries_out_what_is_queued_before_it_closes) {
    temporary_directory const dir;
    sqlite_world w{dir / "coffer.db"};
    w.send(1);
    w.backend().submit_answer(w.ref(1), 1, answer_of("paid"));
    w.backend().submit_accept(w.ref(1), 1);
    w.close();
    EXPECT_TRUE(is<coffer::replayed>(w.claim(2)));
}

TEST(sqlite_store, has_this_format_and_no_other) {
    temporary_directory const dir;
    {
        sqlite::store const db{dir / "coffer.db"};
    }
    intruder file{dir / "coffer.db"};
    EXPECT_EQ(file.number("PRAGMA application_id"), 0x434f4652);
    EXPECT_EQ(file.number("PRAGMA user_version"), 3);
    EXPECT_EQ(file.text("PRAGMA journal_mode"), "wal");
    // What is in the field cannot be changed: a new format is a new step in sqlite_schema.hpp, and a new text here.
    EXPECT_EQ(
        file.text("SELECT group_concat(sql, ';') FROM (SELECT m.name || '(' || (SELECT group_concat(c.name, ' ') "
                  "FROM pragma_table_info(m.name) c) || ')' AS sql FROM sqlite_master m WHERE m.type='table' "
                  "ORDER BY m.name)"),
        "alarms(id state kind severity scope window amount against sentence found due tries delivered froze trouble);"
        "answers(id codec body);"
        "ledger_accounts(id scope window start ends declared settled presumed held overrun unpriced carried_settled "
        "carried_presumed carried_overrun carried_unpriced);"
        "ledger_entries(id reservation state bound actual owner valid_until created ended ns record send attempt "
        "provider model job work request_id);"
        "ledger_freezes(scope reason frozen_at);"
        "ledger_holds(entry account amount kind);"
        "ledger_hours(scope hour spent);"
        "ledger_limits(scope window amount set_at);"
        "meta(name value);"
        "records(id key ns state claim held owner token lease_until claims max_sends granted_sends takeover_grace "
        "acknowledged_kept unacknowledged_kept print_version print fault created updated expires cached);"
        "replays(record ns times saved last);"
        "run_steps(job name number);"
        "runs(id key ns state run owner lease_until begun counted same_failures signature max_runs same_failure "
        "acknowledged_kept unfinished_kept created updated expires);"
        "sends(record number state claim owner permitted_until permitted_at provider model fault status request_id "
        "input_fresh input_cache_read input_cache_write_5m input_cache_write_1h input_audio output output_audio "
        "reasoning cost answer ended_at input_image output_image web_searches tool_calls)");
}

TEST(sqlite_store, refuses_a_record_in_a_state_that_it_does_not_know) {
    sqlite_world w;
    w.finish(1, "paid");
    intruder{w.file()}.run("UPDATE records SET state='sold'");
    auto const v = w.claim(2);
    ASSERT_FALSE(v);
    EXPECT_TRUE(mentions(std::string{v.error().message()}, "update it")) << v.error();
}

TEST(sqlite_store, that_has_lost_an_answer_says_so_instead_of_replaying_nothing) {
    sqlite_world w;
    w.finish(1, "paid");
    intruder file{w.file()};
    file.run("DELETE FROM answers");
    auto const gone = w.claim(2);
    ASSERT_FALSE(gone);
    EXPECT_TRUE(mentions(std::string{gone.error().message()}, "restore the store")) << gone.error();
    file.run("UPDATE sends SET state='lost'");
    EXPECT_EQ(refusal(w.claim(3)), "store_unavailable");
    file.run("UPDATE records SET state='failed'");
    EXPECT_EQ(refusal(w.claim(4)), "store_unavailable");
}

// Secrets -------------------------------------------------------------------------------------------------------------

TEST(sqlite_secret, neither_keys_nor_fingerprints_stand_in_any_file) {
    temporary_directory const dir;
    {
        sqlite_world w{dir / "coffer.db"};
        auto& b = w.backend();
        coffer::claim_request q;
        q.id = claim_number(1);
        q.print.with("prompt", "canary-prompt").with("model", "canary-model");
        auto const id = b.id_of(coffer::key{"report", "canary-customer", "canary-title"});
        ASSERT_TRUE(is<coffer::granted>(w.get(b.claim(id, q))));
        coffer::permit_request p;
        p.longest = 1min;
        ASSERT_TRUE(w.get(b.permit({id, q.id}, p, {})));
        ASSERT_TRUE(w.get(b.submit_answer({id, q.id}, 1, answer_of("a body in the clear"))));
        for (auto const* const suffix : {"", "-wal", "-shm", ".secret"}) {
            auto const bytes = bytes_of(dir / (std::string{"coffer.db"} + suffix));
            EXPECT_FALSE(bytes.empty()) << suffix;
            EXPECT_FALSE(mentions(bytes, "canary")) << suffix;
        }
        EXPECT_TRUE(mentions(bytes_of(dir / "coffer.db-wal"), "a body in the clear")) << "the search finds things";
    }
    EXPECT_FALSE(mentions(bytes_of(dir / "coffer.db"), "canary")) << "after the checkpoint";
    EXPECT_TRUE(mentions(bytes_of(dir / "coffer.db"), "report")) << "namespaces are in the clear";
}

TEST(sqlite_secret, equal_requests_under_two_keys_look_different) {
    sqlite_world w;
    (void)w.claim(1);
    (void)w.claim(2, 0, key_named("two"));
    intruder file{w.file()};
    EXPECT_EQ(file.number("SELECT count(DISTINCT print) FROM records"), 2);
}

TEST(sqlite_secret, gives_another_installation_other_names) {
    sqlite_world a;
    sqlite_world b;
    EXPECT_NE(a.id().digest, b.id().digest);
    EXPECT_EQ(a.id().digest.size(), 32U);
}

TEST(sqlite_secret, all_files_are_their_users_only) {
    temporary_directory const dir;
    auto const before = ::umask(0);
    {
        sqlite_world w{dir / "coffer.db"};
        w.send(1);
        for (auto const* const suffix : {"", "-wal", "-shm", ".secret"})
            EXPECT_EQ(mode_of(dir / (std::string{"coffer.db"} + suffix)), 0600U) << suffix;
        EXPECT_EQ(mode_of(dir / "coffer.db.owners"), 0700U);
        for (auto const& owner : fs::directory_iterator{dir / "coffer.db.owners"}) EXPECT_EQ(mode_of(owner), 0600U);
    }
    fs::permissions(dir / "coffer.db", fs::perms{0644});
    ::umask(0277);  // even then
    {
        sqlite_world w{dir / "coffer.db"};
        w.pass(30min);
        (void)w.claim(2);
        EXPECT_EQ(mode_of(dir / "coffer.db"), 0600U) << "an open file is closed to others";
        EXPECT_EQ(mode_of(dir / "coffer.db-wal"), 0600U);
    }
    ::umask(before);
}

TEST(sqlite_secret, no_store_is_made_where_one_must_stand) {
    temporary_directory const dir;
    sqlite::options const existing{.create = false};
    auto const why_not = [&] {
        try {
            sqlite::store const db{dir / "coffer.db", existing};
        } catch (std::runtime_error const& e) {
            return std::string{e.what()};
        }
        return std::string{};
    };
    EXPECT_TRUE(mentions(why_not(), "no store stands there")) << why_not();
    EXPECT_EQ(fs::directory_iterator{dir / ""}, fs::directory_iterator{}) << "and nothing is left behind";
    std::ofstream{dir / "coffer.db"}.flush();
    EXPECT_TRUE(mentions(why_not(), "options.create")) << "an empty file is none either";
    {
        sqlite::store const db{dir / "coffer.db"};
    }
    EXPECT_EQ(why_not(), "");
}

TEST(sqlite_secret, a_file_that_is_none_of_coffers_is_left_as_it_is) {
    temporary_directory const dir;
    std::ofstream{dir / "settings.txt"} << std::string(200, 'x');
    sqlite3* other = nullptr;
    ASSERT_EQ(sqlite3_open((dir / "app.db").c_str(), &other), SQLITE_OK);
    ASSERT_EQ(sqlite3_exec(other, "CREATE TABLE t(x)", nullptr, nullptr, nullptr), SQLITE_OK);
    ASSERT_EQ(sqlite3_close(other), SQLITE_OK);
    for (auto const* const name : {"settings.txt", "app.db"}) {
        fs::permissions(dir / name, fs::perms{0664});
        auto const before = bytes_of(dir / name);
        auto const said = complaint(dir / name);
        EXPECT_TRUE(mentions(said, name)) << said;
        EXPECT_EQ(mode_of(dir / name), 0664U) << name;
        EXPECT_EQ(bytes_of(dir / name), before) << name;
    }
    EXPECT_EQ(std::distance(fs::directory_iterator{dir / ""}, fs::directory_iterator{}), 2) << "nothing is left beside";
}

TEST(sqlite_secret, that_is_missing_beside_records_stops_everything) {
    temporary_directory const dir;
    {
        sqlite::store const db{dir / "coffer.db"};
    }
    fs::remove(dir / "coffer.db.secret");
    auto const said = complaint(dir / "coffer.db");
    EXPECT_TRUE(mentions(said, (dir / "coffer.db.secret").string())) << said;
    EXPECT_TRUE(mentions(said, "Restore it")) << said;
    EXPECT_FALSE(fs::exists(dir / "coffer.db.secret")) << "never made anew beside records";
}

TEST(sqlite_secret, without_its_store_is_no_new_store) {
    temporary_directory const dir;
    {
        sqlite::store const db{dir / "coffer.db"};
    }
    fs::remove(dir / "coffer.db");
    auto const said = complaint(dir / "coffer.db");
    EXPECT_TRUE(mentions(said, "restore the store from a backup")) << said;
    EXPECT_FALSE(fs::exists(dir / "coffer.db"));
    fs::remove(dir / "coffer.db.secret");
    EXPECT_EQ(complaint(dir / "coffer.db"), "") << "to begin anew";
}

TEST(sqlite_secret, of_another_installation_is_found_out) {
    temporary_directory const dir;
    {
        sqlite::store const db{dir / "a.db"};
    }
    {
        sqlite::store const db{dir / "b.db"};
    }
    fs::copy_file(dir / "b.db.secret", dir / "a.db.secret", fs::copy_options::overwrite_existing);
    auto const said = complaint(dir / "a.db");
    EXPECT_TRUE(mentions(said, "is not the secret")) << said;
}

TEST(sqlite_secret, that_is_short_long_open_or_no_file_is_refused) {
    temporary_directory const dir;
    {
        sqlite::store const db{dir / "coffer.db"};
    }
    auto const secret = dir / "coffer.db.secret";
    auto const bytes = bytes_of(secret);
    auto const write = [&](std::string const& what) { std::ofstream{secret, std::ios::binary} << what; };
    write(bytes.substr(0, 31));
    EXPECT_TRUE(mentions(complaint(dir / "coffer.db"), "32 bytes"));
    write(bytes + "x");
    EXPECT_TRUE(mentions(complaint(dir / "coffer.db"), "32 bytes"));
    write(bytes);
    EXPECT_EQ(complaint(dir / "coffer.db"), "");
    fs::permissions(secret, fs::perms{0640});
    EXPECT_TRUE(mentions(complaint(dir / "coffer.db"), "chmod 600"));
    fs::remove(secret);
    fs::create_directory(secret);
    EXPECT_TRUE(mentions(complaint(dir / "coffer.db"), "not a regular file"));
}

TEST(sqlite_secret, does_not_stand_in_any_complaint) {
    temporary_directory const dir;
    {
        sqlite::store const db{dir / "coffer.db"};
    }
    auto const secret = bytes_of(dir / "coffer.db.secret");
    std::ofstream{dir / "coffer.db.secret", std::ios::binary | std::ios::app} << "x";
    EXPECT_FALSE(mentions(complaint(dir / "coffer.db"), secret));
}

// Opening -------------------------------------------------------------------------------------------------------------

TEST(sqlite_open, says_what_is_wrong_and_what_to_do) {
    temporary_directory const dir;
    EXPECT_TRUE(mentions(complaint(dir / "no" / "such" / "coffer.db"), "does not exist; make it first"));
    EXPECT_TRUE(mentions(complaint(dir.path()), "not a regular file"));
    EXPECT_TRUE(mentions(complaint(":memory:"), "coffer::memory_store"));
    EXPECT_TRUE(mentions(complaint(""), "coffer::memory_store"));
    fs::create_symlink(dir / "nowhere", dir / "link.db");
    EXPECT_TRUE(mentions(complaint(dir / "link.db"), "symbolic link to nowhere"));

    std::ofstream{dir / "text.db"} << std::string(5000, 'x');
    EXPECT_TRUE(mentions(complaint(dir / "text.db"), "not an SQLite database"));
    EXPECT_TRUE(mentions(complaint(dir / "text.db"), (dir / "text.db").string()));

    std::ofstream{dir / "other.db"};
    intruder{dir / "other.db"}.run("CREATE TABLE mine(x)");
    EXPECT_TRUE(mentions(complaint(dir / "other.db"), "none of coffer's"));
    EXPECT_EQ(intruder{dir / "other.db"}.text("PRAGMA journal_mode"), "delete") << "left as it was";

    {
        sqlite::store const db{dir / "newer.db"};
    }
    intruder{dir / "newer.db"}.run("PRAGMA user_version=999");
    EXPECT_TRUE(mentions(complaint(dir / "newer.db"), "made by a newer coffer"));

    {
        sqlite::store const db{dir / "linked.db"};
    }
    fs::create_hard_link(dir / "linked.db", dir / "second.db");
    EXPECT_TRUE(mentions(complaint(dir / "linked.db"), "hard links"));
}

TEST(sqlite_open, refuses_times_that_cannot_be_meant) {
    temporary_directory const dir;
    auto const said = [&](sqlite::options const& o) -> std::string {
        try {
            sqlite::store const db{dir / "coffer.db", o};
        } catch (std::invalid_argument const& e) {
            return e.what();
        }
        return {};
    };
    sqlite::options busy;
    busy.busy_timeout = -1ms;
    sqlite::options close;
    close.close_timeout = -1ms;
    sqlite::options sweep;
    sweep.sweep_every = std::chrono::milliseconds::min();
    EXPECT_EQ(said(busy), "coffer::sqlite: options.busy_timeout is -1 ms; it cannot be negative");
    EXPECT_TRUE(mentions(said(close), "options.close_timeout"));
    EXPECT_TRUE(mentions(said(sweep), "options.sweep_every"));
    EXPECT_FALSE(fs::exists(dir / "coffer.db"));
    EXPECT_EQ(said({}), "");
    EXPECT_TRUE(mentions(said(busy), "options.busy_timeout")) << "though the first handle decides";
}

TEST(sqlite_open, of_a_locked_file_waits_for_nobody_but_what_writes_does_and_then_gives_up) {
    sqlite::options o;
    o.busy_timeout = 30ms;
    sqlite_world w{o};
    w.finish(1, "paid");
    w.close();
    intruder other{w.file()};
    other.run("BEGIN IMMEDIATE");
    EXPECT_EQ(w.peek()->state, coffer::record_state::done);
    auto const claimed = w.claim(2);
    EXPECT_EQ(refusal(claimed), "store_unavailable");
    EXPECT_TRUE(mentions(std::string{claimed.error().message()}, "another process holds its write lock"));
    other.run("ROLLBACK");
    EXPECT_TRUE(is<coffer::replayed>(w.claim(3)));
}

TEST(sqlite_writer, lets_who_only_reads_wait_for_no_lock) {
    sqlite::options o;
    o.busy_timeout = 1h;
    sqlite_world w{o};
    w.finish(1, "paid");
    intruder other{w.file()};
    other.run("BEGIN IMMEDIATE");
    EXPECT_EQ(w.peek()->state, coffer::record_state::done);
    EXPECT_EQ(w.list().size(), 1U);
    other.run("ROLLBACK");
}

TEST(sqlite_open, of_a_locked_file_that_has_to_be_made_first_waits_and_then_gives_up) {
    temporary_directory const dir;
    {
        sqlite::store const db{dir / "coffer.db"};
    }
    intruder other{dir / "coffer.db"};
    auto const format = std::to_string(other.number("PRAGMA user_version"));
    other.run("PRAGMA user_version=1");
    other.run("BEGIN IMMEDIATE");
    sqlite::options o;
    o.busy_timeout = 30ms;
    EXPECT_TRUE(mentions(complaint(dir / "coffer.db", o), "another process holds its write lock"));
    other.run("ROLLBACK");
    other.run("PRAGMA user_version=" + format);
    EXPECT_EQ(complaint(dir / "coffer.db", o), "");
}

TEST(sqlite_open, finds_one_state_by_whatever_path) {
    temporary_directory const dir;
    fs::create_directory(dir / "sub");
    fs::create_directory_symlink(dir.path(), dir / "sub" / "up");
    sqlite::store const db{dir / "coffer.db"};
    fs::create_symlink(dir / "coffer.db", dir / "link.db");
    auto const same = [&](fs::path const& p) {
        sqlite::store const other{p};
        return &other.backend()->flights() == &db.backend()->flights();
    };
    EXPECT_TRUE(same(dir / "link.db"));
    EXPECT_TRUE(same(dir / "sub" / ".." / "coffer.db"));
    EXPECT_TRUE(same(dir / "sub" / "up" / "coffer.db"));
    auto const here = fs::current_path();
    fs::current_path(dir.path());
    EXPECT_TRUE(same("coffer.db"));
    fs::current_path(here);
    EXPECT_FALSE(same(dir / "another.db"));
    EXPECT_FALSE(fs::exists(dir / "link.db.secret")) << "what stands beside it stands beside the file itself";
    EXPECT_EQ(std::distance(fs::directory_iterator{dir / "coffer.db.owners"}, {}), 1);
}

TEST(sqlite_open, through_a_symbolic_link_first_is_the_same_store) {
    temporary_directory const dir;
    {
        sqlite::store const db{dir / "coffer.db"};
    }
    fs::create_symlink(dir / "coffer.db", dir / "link.db");
    sqlite::store const by_link{dir / "link.db"};
    EXPECT_EQ(by_link.path(), fs::canonical(dir / "coffer.db"));
    EXPECT_FALSE(fs::exists(dir / "link.db-wal"));
}

TEST(sqlite_open, by_many_at_once_agrees_on_one_secret) {
    temporary_directory const dir;
    std::vector<std::string> names(6);
    {
        std::vector<std::jthread> crowd;
        for (auto& name : names)
            crowd.emplace_back([&] {
                sqlite::options o;
                o.as_another_process = true;
                sqlite::store const db{dir / "coffer.db", o};
                name = db.backend()->id_of(coffer::key{"report", 1}).digest;
            });
    }
    for (auto const& name : names) EXPECT_EQ(name, names[0]);
    int entries = 0;
    for (auto const& e : fs::directory_iterator{dir.path()}) {
        // Of two connections that close at once, SQLite lets neither clear its log away.
        auto const name = e.path().filename().string();
        entries += name.ends_with("-wal") || name.ends_with("-shm") ? 0 : 1;
    }
    EXPECT_EQ(entries, 3) << "the file, its secret and its owners: no drafts";
}

TEST(sqlite_open, leaves_no_owner_behind_and_clears_away_the_dead) {
    temporary_directory const dir;
    fs::create_directory(dir / "coffer.db.owners");
    std::ofstream{dir / "coffer.db.owners" / "0123456789abcdef"};
    {
        sqlite::store const db{dir / "coffer.db"};
        EXPECT_FALSE(fs::exists(dir / "coffer.db.owners" / "0123456789abcdef"));
        EXPECT_EQ(std::distance(fs::directory_iterator{dir / "coffer.db.owners"}, {}), 1);
    }
    EXPECT_TRUE(fs::is_empty(dir / "coffer.db.owners"));
}

TEST(sqlite_owner, of_another_boot_is_dead) {
    sqlite_world w;
    w.send(1, 0);
    intruder{w.file()}.run("UPDATE records SET owner='0000000000000000-' || substr(owner, 18)");
    EXPECT_TRUE(is<coffer::granted>(w.claim(2, 1)));
}

TEST(sqlite_owner, whose_file_somebody_removed_is_not_taken_for_dead_by_who_has_lost_its_own) {
    sqlite_world w;
    (void)w.claim(1, 0);
    (void)w.process(1);
    fs::remove_all(w.file().string() + ".owners");
    EXPECT_TRUE(is<coffer::in_progress>(w.claim(2, 1)));
}

// The writer ----------------------------------------------------------------------------------------------------------

TEST(sqlite_writer, lets_what_has_queued_up_share_a_commit) {
    temporary_directory const dir;
    sqlite::store const db{dir / "coffer.db"};
    real_time time;
    auto& b = *db.backend();
    b.bind(time.clock());
    (void)time.get(b.peek(b.id_of(coffer::key{"report", 0})));  // it has looked for what others have left
    intruder other{dir / "coffer.db"};
    other.run("BEGIN IMMEDIATE");  // so that they do queue up
    auto const before = db.stats();
    std::vector<coffer::completion<coffer::outcome<coffer::claim_verdict>>> claims;
    for (int i = 0; i < 64; ++i) {
        coffer::claim_request q;
        q.id = claim_number(i + 1);
        claims.push_back(b.claim(b.id_of(coffer::key{"report", i}), q));
    }
    other.run("COMMIT");
    for (auto const& c : claims) EXPECT_TRUE(is<coffer::granted>(time.get(c)));
    auto const after = db.stats();
    EXPECT_EQ(after.operations - before.operations, 64U);
    EXPECT_LE(after.commits - before.commits, 3U);
    EXPECT_GE(after.commits - before.commits, 1U);
}

TEST(sqlite_writer, writes_nothing_for_what_changes_nothing) {
    sqlite_world w;
    w.finish(1, "paid");
    auto const before = w.process(0).stats().commits;
    for (int i = 2; i < 12; ++i) (void)w.claim(i);
    (void)w.peek();
    (void)w.list();
    EXPECT_EQ(w.process(0).stats().commits, before);
}

TEST(sqlite_writer, keeps_nobody_waiting_who_submits_while_another_process_holds_the_lock) {
    temporary_directory const dir;
    sqlite::options o;
    o.busy_timeout = 20ms;
    sqlite::store const db{dir / "coffer.db", o};
    real_time time;
    auto& b = *db.backend();
    b.bind(time.clock());
    auto const id = b.id_of(coffer::key{"report", 1});
    coffer::claim_request q;
    q.id = claim_number(1);
    coffer::claim_ref const ref{id, q.id};
    ASSERT_TRUE(is<coffer::granted>(time.get(b.claim(id, q))));
    coffer::permit_request p;
    p.longest = 1min;
    ASSERT_TRUE(time.get(b.permit(ref, p, {})));

    intruder other{dir / "coffer.db"};
    other.run("BEGIN IMMEDIATE");
    // What follows a send waits for the file; what comes before one fails.
    auto const answered = b.submit_answer(ref, 1, answer_of("paid"));
    auto const accepted = b.submit_accept(ref, 1);
    auto const other_key = time.get(b.claim(b.id_of(coffer::key{"report", 2}), q));
    ASSERT_FALSE(other_key);
    EXPECT_EQ(other_key.error().kind(), fault_kind::store_unavailable);
    EXPECT_TRUE(mentions(std::string{other_key.error().message()}, "another process holds its write lock"))
        << other_key.error();
    EXPECT_TRUE(mentions(std::string{other_key.error().message()}, (dir / "coffer.db").string()));
    auto const same_key = time.get(b.claim(id, q));
    EXPECT_EQ(refusal(same_key), "store_unavailable") << "its answer is not in the file yet";
    EXPECT_EQ(answered.get(), nullptr);
    EXPECT_EQ(db.stats().waiting, 2U);
    auto const seen = time.get(b.peek(id));
    ASSERT_TRUE(seen) << "reading goes on";
    EXPECT_EQ((*seen)->state, record_state::sent);

    other.run("ROLLBACK");
    EXPECT_TRUE(time.get(answered));
    EXPECT_TRUE(time.get(accepted));
    EXPECT_TRUE(is<coffer::replayed>(time.get(b.claim(id, q))));
    EXPECT_EQ(db.stats().waiting, 0U);
}

TEST(sqlite_writer, does_not_let_virtual_time_pass_a_commit) {
    sqlite_world w;
    (void)w.backend();
    intruder other{w.file()};
    other.run("BEGIN IMMEDIATE");
    std::string order;
    auto const sleeper = [&]() -> coffer::awaitable<void> {
        co_await coffer::sleep_for(1ns);
        order += "time passes; ";
    };
    auto const claimer = [&]() -> coffer::awaitable<void> {
        coffer::claim_request q;
        q.id = claim_number(1);
        auto const done = w.backend().claim(w.id(), q);
        std::jthread const release{[&] { other.run("ROLLBACK"); }};
        co_await done.wait(w.sim.service(), coffer::time_point::max());
        order += "claimed; ";
    };
    auto const a = w.sim.start(sleeper());
    auto const b = w.sim.start(claimer());
    w.sim.time.run();
    EXPECT_EQ(order, "claimed; time passes; ");
}

TEST(sqlite_writer, releases_virtual_time_for_what_has_to_wait_for_the_file) {
    sqlite::options o;
    o.busy_timeout = 5ms;
    sqlite_world w{o};
    w.send(1);
    intruder other{w.file()};
    other.run("BEGIN IMMEDIATE");
    auto const answered = w.backend().submit_answer(w.ref(1), 1, answer_of("paid"));
    auto const waiter = [&]() -> coffer::awaitable<coffer::wake> {
        co_return co_await answered.wait(w.sim.service(), w.sim.time.now() + 2s);
    };
    EXPECT_EQ(w.sim.run(waiter()), coffer::wake::elapsed) << "a caller gets its answer all the same, after 2 s";
    other.run("ROLLBACK");
    real_time time;
    EXPECT_TRUE(time.get(answered));
}

TEST(sqlite_writer, keeps_no_more_than_it_may) {
    temporary_directory const dir;
    sqlite::options o;
    o.busy_timeout = 5ms;
    o.most_waiting = 10;
    o.most_spooled = 0;
    sqlite::store const db{dir / "coffer.db", o};
    real_time time;
    auto& b = *db.backend();
    b.bind(time.clock());
    intruder other{dir / "coffer.db"};
    other.run("BEGIN IMMEDIATE");
    coffer::claim_ref const ref{b.id_of(coffer::key{"report", 1}), claim_number(1)};
    auto const small = b.submit_answer(ref, 1, answer_of("small"));
    auto const large = time.get(b.submit_answer(ref, 2, answer_of("much too large")));
    EXPECT_EQ(refusal(large), "spool_full");
    EXPECT_EQ(small.get(), nullptr);
    other.run("ROLLBACK");
    EXPECT_TRUE(time.get(small));
}

TEST(sqlite_writer, gives_up_what_waits_when_it_is_closed_but_not_at_once) {
    temporary_directory const dir;
    sqlite::options o;
    o.busy_timeout = 1h;  // it does not take longer for that
    o.close_timeout = 300ms;
    real_time time;
    intruder* locked = nullptr;
    coffer::completion<coffer::outcome<void>> stored;
    coffer::completion<coffer::outcome<void>> never;
    auto const open_and_close = [&](coffer::completion<coffer::outcome<void>>& done, auto&& meanwhile) {
        auto db = std::make_unique<sqlite::store>(dir / "coffer.db", o);
        auto& b = *db->backend();
        b.bind(time.clock());
        intruder other{dir / "coffer.db"};
        other.run("BEGIN IMMEDIATE");
        locked = &other;
        done = b.submit_answer({b.id_of(coffer::key{"report", 1}), claim_number(1)}, 1, answer_of("paid"));
        EXPECT_FALSE(time.within(done, 20ms));
        std::jthread const helper{meanwhile};
        db.reset();
    };
    auto const began = std::chrono::steady_clock::now();
    open_and_close(stored, [&] { locked->run("ROLLBACK"); });
    ASSERT_NE(stored.get(), nullptr);
    EXPECT_TRUE(stored.get()->has_value()) << "the last moment is in time";
    open_and_close(never, [] {});
    ASSERT_NE(never.get(), nullptr);
    EXPECT_EQ(refusal(*never.get()), "store_unavailable");
    EXPECT_LT(std::chrono::steady_clock::now() - began, 20s);
}

TEST(sqlite_writer, that_may_try_for_ever_when_it_is_closed_does) {
    temporary_directory const dir;
    sqlite::options o;
    o.busy_timeout = 1ms;
    o.close_timeout = std::chrono::milliseconds::max();
    real_time time;
    auto db = std::make_unique<sqlite::store>(dir / "coffer.db", o);
    auto& b = dynamic_cast<sqlite::detail::backend&>(*db->backend());
    b.bind(time.clock());
    intruder other{dir / "coffer.db"};
    other.run("BEGIN IMMEDIATE");
    auto const stored = b.submit_answer({b.id_of(coffer::key{"report", 1}), claim_number(1)}, 1, answer_of("paid"));
    auto const& queue = b.file().queue();
    while (queue.count().waiting == 0) std::this_thread::yield();
    auto const enough = queue.count().failures + 3;
    std::jthread closing{[&] { db.reset(); }};
    while (stored.get() == nullptr && queue.count().failures < enough) std::this_thread::yield();
    other.run("ROLLBACK");
    closing.join();
    ASSERT_NE(stored.get(), nullptr);
    EXPECT_TRUE(stored.get()->has_value()) << stored.get()->error();
}

TEST(sqlite_writer, that_may_wait_for_a_lock_for_ever_does) {
    temporary_directory const dir;
    sqlite::options o;
    o.busy_timeout = std::chrono::milliseconds::max();
    real_time time;
    sqlite::store const db{dir / "coffer.db", o};
    auto& b = *db.backend();
    b.bind(time.clock());
    intruder other{dir / "coffer.db"};
    other.run("BEGIN IMMEDIATE");
    coffer::claim_request q;
    q.id = claim_number(1);
    auto const claimed = b.claim(b.id_of(coffer::key{"report", 1}), q);
    EXPECT_FALSE(time.within(claimed, 50ms));
    other.run("ROLLBACK");
    EXPECT_TRUE(is<coffer::granted>(time.get(claimed)));
}

TEST(sqlite_writer, does_not_let_one_that_can_never_be_written_harm_the_others) {
    temporary_directory const dir;
    sqlite::store const db{dir / "coffer.db"};
    real_time time;
    auto& b = *db.backend();
    b.bind(time.clock());
    intruder other{dir / "coffer.db"};
    other.run(
        "CREATE TRIGGER t BEFORE INSERT ON answers WHEN length(NEW.body)=7 "
        "BEGIN SELECT RAISE(ABORT, 'not seven'); END");
    std::vector<coffer::completion<coffer::outcome<void>>> stored;
    other.run("BEGIN IMMEDIATE");  // so that they share a transaction
    for (int i = 1; i <= 9; ++i) {
        coffer::claim_ref const ref{b.id_of(coffer::key{"report", i}), claim_number(i)};
        stored.push_back(b.submit_answer(ref, 1, answer_of(std::string(static_cast<std::size_t>(i), 'x'))));
        stored.push_back(b.submit_accept(ref, 1));
    }
    other.run("COMMIT");
    for (int i = 1; i <= 9; ++i) {
        auto const at = static_cast<std::size_t>(2 * (i - 1));
        EXPECT_EQ(time.get(stored[at]).has_value(), i != 7) << i;
        EXPECT_EQ(time.get(stored[at + 1]).has_value(), i != 7) << i;
    }
    EXPECT_EQ(refusal(*stored[12].get()), "store_unavailable");
    EXPECT_TRUE(mentions(std::string{stored[12].get()->error().message()}, "not seven"));
    EXPECT_EQ(db.stats().waiting, 0U);
}

TEST(sqlite_writer, believes_the_file_and_not_its_memory) {
    sqlite_world w;
    w.send(1);
    intruder other{w.file()};
    other.run("UPDATE records SET claim=x'00112233445566778899aabbccddeeff'");
    EXPECT_EQ(refusal(w.permit(1, 1)), "claim_lost");
    other.run("DELETE FROM records");
    other.run("DELETE FROM sends");
    EXPECT_TRUE(is<coffer::granted>(w.claim(2)));
    EXPECT_EQ(w.permit(2, 0).value().send, 1);
}

TEST(sqlite_writer, does_not_write_into_a_file_that_was_moved_away) {
    sqlite_world w;
    w.send(1);
    auto const away = w.file().string() + ".away";
    fs::rename(w.file(), away);
    auto const claimed = w.claim(2, 0, key_named("two"));
    ASSERT_EQ(refusal(claimed), "store_unavailable");
    EXPECT_TRUE(mentions(std::string{claimed.error().message()}, "moved, removed or replaced"));
    EXPECT_EQ(refusal(w.get(w.backend().peek(w.id()))), "store_unavailable");
    auto const paid = w.backend().submit_answer(w.ref(1), 1, answer_of("paid"));
    while (!fs::exists(w.file().string() + ".spool")) std::this_thread::yield();
    fs::rename(away, w.file());
    while (paid.get() == nullptr) std::this_thread::yield();
    EXPECT_TRUE(paid.get()->has_value());
    EXPECT_EQ(w.peek()->sends[0].reply->body, "paid");
}

TEST(sqlite_writer, survives_a_damaged_file) {
    temporary_directory const dir;
    auto const file = dir / "coffer.db";
    {
        sqlite_world w{file};
        for (int i = 1; i < 40; ++i) (void)w.claim(i, 0, key_named("key " + std::to_string(i)));
    }
    {
        std::fstream damage{file, std::ios::in | std::ios::out | std::ios::binary};
        damage.seekp(4096);
        std::string const garbage(static_cast<std::size_t>(fs::file_size(file)) - 4096, '\xa5');
        damage << garbage;
    }
    auto const said = complaint(file);
    if (!said.empty()) {
        EXPECT_TRUE(mentions(said, "damaged")) << said;
        EXPECT_TRUE(mentions(said, "restore it")) << said;
        return;
    }
    sqlite_world w{file};
    auto const v = w.claim(1);
    ASSERT_FALSE(v);
    EXPECT_EQ(v.error().kind(), fault_kind::store_unavailable);
    EXPECT_TRUE(mentions(std::string{v.error().message()}, "restore it")) << v.error();
}

TEST(sqlite_writer, announces_each_step_before_and_after) {
    std::string seen;
    coffer::store_probe const probe = [&](coffer::store_step s, coffer::edge e) {
        seen += std::string{to_string(s)} + (e == coffer::edge::before ? "<" : "> ");
    };
    {
        sqlite::options o;
        o.probe = &probe;
        sqlite_world w{o};
        w.finish(1, "paid");
        (void)w.acknowledge();
    }
    EXPECT_EQ(seen, "claim<claim> permit<permit> answer<answer> accept<accept> acknowledge<acknowledge> ");
}

TEST(sqlite_writer, announces_the_end_of_a_step_when_it_is_durable_and_before_anybody_is_told) {
    temporary_directory const dir;
    real_time time;
    coffer::completion<coffer::outcome<coffer::claim_verdict>> claimed;
    std::atomic<bool> submitted = false;
    bool durable = false;
    bool told = true;
    coffer::store_probe const probe = [&](coffer::store_step, coffer::edge e) {
        submitted.wait(false);
        if (e != coffer::edge::after) return;
        durable = intruder{dir / "coffer.db"}.number("SELECT count(*) FROM records") == 1;
        told = claimed.get() != nullptr;
    };
    sqlite::options o;
    o.probe = &probe;
    sqlite::store const db{dir / "coffer.db", o};
    auto& b = *db.backend();
    b.bind(time.clock());
    coffer::claim_request q;
    claimed = b.claim(b.id_of(coffer::key{"report", 1}), q);
    submitted = true;
    submitted.notify_all();
    EXPECT_TRUE(is<coffer::granted>(time.get(claimed)));
    EXPECT_TRUE(durable);
    EXPECT_FALSE(told);
}

}  // namespace
}  // namespace store_test::sqlite_test
