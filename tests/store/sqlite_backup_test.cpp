// SPDX-License-Identifier: BSL-1.0
// A backup is a store: it opens, finds its keys, replays its answers; and half a one never has its name.

#include <coffer/store/sqlite_backup.hpp>

#include "store/real_store.hpp"

#include <gtest/gtest.h>

#include <sys/stat.h>

#include <atomic>
#include <filesystem>
#include <fstream>
#include <string>
#include <thread>

namespace store_test::sqlite_backup_test {
namespace {

namespace fs = std::filesystem;
namespace sqlite = coffer::sqlite;

mode_t mode_of(fs::path const& p) {
    struct stat s{};
    return ::stat(p.c_str(), &s) == 0 ? s.st_mode & 0777U : 0;
}
std::size_t files_in(fs::path const& dir) {
    return static_cast<std::size_t>(std::distance(fs::directory_iterator{dir}, {}));
}

struct backups : testing::Test {
    [[nodiscard]] std::string complaint(fs::path const& to) const {
        return complaint_of([&] { (void)sqlite::backup(s.file(), to); });
    }
    real_store s;
    temporary_directory shelf;
};

TEST_F(backups, replay_what_was_paid_for) {
    s.done("one", "the answer");
    auto const before = ::umask(0);
    auto const done = sqlite::backup(s.file(), shelf / "copy.db");
    ::umask(before);
    EXPECT_EQ(done.records, 1U);
    EXPECT_EQ(done.bytes, static_cast<std::int64_t>(fs::file_size(shelf / "copy.db")));
    EXPECT_EQ(mode_of(shelf / "copy.db"), 0600U);
    EXPECT_EQ(mode_of(shelf / "copy.db.secret"), 0600U);
    EXPECT_EQ(files_in(shelf.path()), 2U) << "no drafts";

    sqlite::store const copy{shelf / "copy.db"};
    copy.backend()->bind(s.time.clock());
    EXPECT_EQ(copy.backend()->id_of(coffer::key{"report", "one"}), s.id("one")) << "the same secret";
    coffer::claim_request q;
    q.id = claim_number(2);
    auto const v = s.time.get(copy.backend()->claim(s.id("one"), q));
    ASSERT_TRUE(is<coffer::replayed>(v));
    EXPECT_EQ(std::get<coffer::replayed>(*v).accepted.what->body, "the answer");
}

TEST_F(backups, are_made_of_one_moment_while_the_store_is_written) {
    for (int i = 0; i < 20; ++i) s.done("before " + std::to_string(i), std::string(50'000, 'x'));
    std::atomic<bool> stop = false;
    std::atomic<int> written = 0;
    std::jthread const busy{[&] {
        for (int i = 0; !stop; ++i, ++written) s.done("during " + std::to_string(i));
    }};
    while (written < 3) std::this_thread::yield();
    for (int i = 0; i < 3; ++i) {
        auto const at_least = 20 + written;
        auto const copy = shelf / ("copy " + std::to_string(i));
        auto const done = sqlite::backup(s.file(), copy);
        EXPECT_GE(done.records, static_cast<std::size_t>(at_least));
        EXPECT_EQ(intruder{copy}.number("SELECT count(*) FROM sends WHERE answer NOT IN (SELECT id FROM answers)"), 0);
    }
    stop = true;
}

TEST_F(backups, hold_nothing_of_what_was_deleted) {
    s.done("gone", "canary " + std::string(20'000, 'x'));
    ASSERT_TRUE(s.time.get(s.backend().acknowledge(s.id("gone"))));
    (void)sqlite::backup(s.file(), shelf / "copy.db");
    EXPECT_TRUE(mentions(bytes_of(s.file()) + bytes_of(s.file().string() + "-wal"), "canary"));
    EXPECT_FALSE(mentions(bytes_of(shelf / "copy.db"), "canary"));
}

TEST_F(backups, replace_nothing) {
    s.done("one");
    std::ofstream{shelf / "copy.db"} << "mine";
    EXPECT_TRUE(mentions(complaint(shelf / "copy.db"), "exists already"));
    EXPECT_EQ(bytes_of(shelf / "copy.db"), "mine");
    std::ofstream{shelf / "second.db.secret"} << "mine";
    EXPECT_TRUE(mentions(complaint(shelf / "second.db"), "second.db.secret exists already"));
    fs::create_symlink(shelf / "nowhere", shelf / "link.db");
    EXPECT_TRUE(mentions(complaint(shelf / "link.db"), "exists already"));
    EXPECT_TRUE(mentions(complaint(s.file()), "exists already")) << "of itself";
    EXPECT_EQ(files_in(shelf.path()), 3U);
}

TEST_F(backups, that_would_be_worth_nothing_are_not_made) {
    s.done("one");
    auto const secret = s.file().string() + ".secret";
    fs::rename(secret, secret + ".away");
    EXPECT_TRUE(mentions(complaint(shelf / "copy.db"), "Restore it from the backup"));
    {
        sqlite::store const other{shelf / "other.db"};
    }
    fs::copy_file(shelf / "other.db.secret", secret);
    EXPECT_TRUE(mentions(complaint(shelf / "copy.db"), "worth nothing"));
    EXPECT_TRUE(mentions(complaint(shelf / "no" / "such" / "copy.db"), "cannot be made"));
    EXPECT_FALSE(fs::exists(shelf / "copy.db"));
    EXPECT_FALSE(fs::exists(shelf / "copy.db.secret"));
    fs::rename(secret + ".away", secret);
    EXPECT_EQ(complaint(shelf / "copy.db"), "");
}

TEST_F(backups, of_a_damaged_store_fail_and_say_so) {
    for (int i = 0; i < 200; ++i) s.done("key " + std::to_string(i));
    s.close();
    {
        std::fstream damage{s.file(), std::ios::in | std::ios::out | std::ios::binary};
        damage.seekp(3 * 4096);
        damage << std::string(8192, '\xa5');
    }
    auto const said = complaint(shelf / "copy.db");
    EXPECT_TRUE(mentions(said, "damaged")) << said;
    EXPECT_TRUE(fs::is_empty(shelf.path()));
}

}  // namespace
}  // namespace store_test::sqlite_backup_test
