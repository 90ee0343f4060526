// SPDX-License-Identifier: BSL-1.0
// What a store's files must be like before SQLite may open them.

#include <coffer/store/sqlite_entry.hpp>
#include <coffer/store/sqlite_reader.hpp>

#include "store/child_process.hpp"
#include "store/real_store.hpp"
#include "store/sqlite_world.hpp"
#include "support/sanitizers.hpp"

#include <gtest/gtest.h>

#include <sched.h>
#include <signal.h>
#include <sys/mount.h>
#include <sys/ptrace.h>
#include <sys/wait.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <string>
#include <utility>

namespace store_test::sqlite_entry_test {
namespace {

namespace fs = std::filesystem;
namespace sqlite = coffer::sqlite;

/// As `complaint`, for a look from outside.
std::string complaint_of_reader(fs::path const& file) {
    return complaint_of([&] { sqlite::reader const r{file}; });
}

// A store that was emptied --------------------------------------------------------------------------------------------

TEST(sqlite_entry, of_an_emptied_store_beside_its_secret_is_refused) {
    temporary_directory const dir;
    auto const file = dir / "coffer.db";
    {
        sqlite_world w{file};
        w.finish(1, "paid");
    }
    fs::resize_file(file, 0);
    for (auto const& said : {complaint(file), complaint_of_reader(file)}) {
        EXPECT_TRUE(mentions(said, "restore the store from a backup")) << said;
        EXPECT_TRUE(mentions(said, "coffer.db.secret")) << said;
    }
    EXPECT_EQ(fs::file_size(file), 0U) << "nothing was made in it";
    fs::remove(dir / "coffer.db.secret");
    EXPECT_EQ(complaint(file), "") << "to begin anew";
}

register_role const holder{"holds an answer", [](child_arguments const& a) {
                               sqlite_world w{fs::path{a.at(0)}};
                               w.finish(1, "paid");
                               tell("paid");
                               ::pause();
                               return 0;
                           }};

TEST(sqlite_entry, of_an_emptied_store_leaves_the_log_of_a_killed_process_as_it_is) {
    temporary_directory const dir;
    auto const file = dir / "coffer.db";
    {
        child other{"holds an answer", {file}};
        ASSERT_EQ(other.listen(), "paid");
    }
    auto const log = bytes_of(dir / "coffer.db-wal");
    ASSERT_FALSE(log.empty());
    fs::resize_file(file, 0);
    EXPECT_TRUE(mentions(complaint(file), "restore the store from a backup"));
    EXPECT_TRUE(mentions(complaint_of_reader(file), "restore the store from a backup"));
    EXPECT_EQ(bytes_of(dir / "coffer.db-wal"), log) << "SQLite would have removed it";
}

TEST(sqlite_entry, of_an_empty_file_without_a_secret_makes_the_store) {
    temporary_directory const dir;
    std::ofstream{dir / "coffer.db"};
    EXPECT_EQ(complaint(dir / "coffer.db"), "");
}

/// A process that makes a store and closes it again, one system call after the other.
class slow_maker {
public:
    explicit slow_maker(fs::path const& file) : pid_{::fork()} {
        if (pid_ == 0) {
            if (::ptrace(PTRACE_TRACEME, 0, nullptr, nullptr) != 0) ::_exit(77);
            ::raise(SIGSTOP);
            ::_exit(complaint(file).empty() ? 0 : 1);
        }
        stopped_ = next();
    }
    slow_maker(slow_maker const&) = delete;
    slow_maker& operator=(slow_maker const&) = delete;
    ~slow_maker() { kill(); }

    /// False where processes may not be traced.
    [[nodiscard]] bool can_be_traced() const noexcept { return stopped_ || code_ != 77; }
    /// To before its `n`th system call from here; false if it ends before.
    [[nodiscard]] bool step(int n) {
        // Each call stops twice, before and after.
        for (int stops = 2 * n - (std::exchange(begun_, true) ? 0 : 1); stopped_ && stops > 0; --stops) {
            ::ptrace(PTRACE_SYSCALL, pid_, nullptr, nullptr);
            stopped_ = next();
        }
        return stopped_;
    }
    /// Lets it run to its end: the exit code, or minus the signal.
    int finish() {
        if (stopped_) {
            ::ptrace(PTRACE_DETACH, pid_, nullptr, nullptr);
            while (next()) {
            }
            stopped_ = false;
        }
        return code_;
    }
    void kill() {
        if (!stopped_) return;
        ::kill(pid_, SIGKILL);
        while (next()) {
        }
        stopped_ = false;
    }

private:
    /// Waits for its next stop; false if it ends instead.
    bool next() {
        int status = 0;
        if (::waitpid(pid_, &status, 0) != pid_) return false;
        if (WIFSTOPPED(status)) return true;
        code_ = WIFSIGNALED(status) ? -WTERMSIG(status) : WEXITSTATUS(status);
        return false;
    }

    pid_t pid_;
    bool stopped_ = false;
    bool begun_ = false;
    int code_ = 0;
};

constexpr char const* stops_there = "a fork of this program stops in ThreadSanitizer's runtime";

/// All that stands in a directory.
std::string contents(fs::path const& directory) {
    std::string all;
    for (auto const& e : fs::recursive_directory_iterator{directory})
        all += e.path().string() + (e.is_regular_file() ? ": " + bytes_of(e) : "") + "\n";
    return all;
}

TEST(sqlite_entry, of_a_store_whose_maker_was_killed_after_any_change_makes_it) {
    if (support::under_thread_sanitizer) GTEST_SKIP() << stops_there;
    int killed = 0;
    int with_secret = 0;
    int calls = 1;
    for (bool going = true; going;) {
        temporary_directory const dir;
        {
            slow_maker maker{dir / "coffer.db"};
            if (!maker.can_be_traced()) GTEST_SKIP() << "processes may not be traced here";
            going = maker.step(calls);
            // At each change; under a sanitizer, whose forks are dear, at every fourth once there is a secret.
            int const changes = support::under_a_sanitizer && with_secret > 0 ? 4 : 1;
            for (int change = 0; change < changes; ++change)
                for (auto const before = contents(dir.path()); going && contents(dir.path()) == before; ++calls)
                    going = maker.step(1);
            maker.kill();
        }
        ++killed;
        with_secret += fs::exists(dir / "coffer.db.secret") ? 1 : 0;
        ASSERT_EQ(complaint(dir / "coffer.db"), "") << "killed before system call " << calls;
    }
    testing::Test::RecordProperty("killed", killed);
    EXPECT_GT(calls, 100);
    EXPECT_GT(with_secret, 5);
    EXPECT_GT(killed - with_secret, 5);
}

TEST(sqlite_entry, of_a_store_that_another_process_is_making_waits_or_helps_and_never_asks_for_a_backup) {
    if (support::under_thread_sanitizer) GTEST_SKIP() << stops_there;
    sqlite::options hasty;
    hasty.busy_timeout = 1ms;
    int opened = 0;
    int stops = 0;
    // Once the log has its index, all is up to SQLite's locks.
    for (bool going = true; going; ++stops) {
        temporary_directory const dir;
        slow_maker maker{dir / "coffer.db"};
        if (!maker.can_be_traced()) GTEST_SKIP() << "processes may not be traced here";
        going = maker.step(stops + 1) && !fs::exists(dir / "coffer.db-shm");
        if (!going) break;
        auto const said = complaint(dir / "coffer.db", hasty);
        opened += said.empty() ? 1 : 0;
        ASSERT_TRUE(said.empty() || mentions(said, "another process holds its write lock"))
            << "before system call " << stops << ": " << said;
        ASSERT_EQ(maker.finish(), 0) << "after system call " << stops << ", beside another maker";
        ASSERT_EQ(complaint(dir / "coffer.db"), "");
    }
    EXPECT_GT(stops, 50);
    EXPECT_GT(opened, 25);
}

// A file that is mounted by itself ------------------------------------------------------------------------------------

/// Mounts its first argument on its second, where nobody else sees it, and tells what opening a file there complains of.
register_role const mounter{"opens what it has mounted", [](child_arguments const& a) {
                                bool const mounted =
                                    ::unshare(CLONE_NEWNS) == 0 &&
                                    ::mount("none", "/", nullptr, MS_REC | MS_PRIVATE, nullptr) == 0 &&
                                    ::mount(a.at(0).c_str(), a.at(1).c_str(), nullptr, MS_BIND, nullptr) == 0;
                                tell(mounted ? "mounted" : "cannot mount");
                                tell(complaint(a.at(2)));
                                tell(complaint_of_reader(a.at(2)));
                                return 0;
                            }};

TEST(sqlite_entry, through_a_mount_of_the_single_file_is_refused) {
    temporary_directory const dir;
    EXPECT_EQ(complaint(dir / "coffer.db"), "");
    fs::create_directory(dir / "container");
    std::ofstream{dir / "container" / "coffer.db"};
    child other{"opens what it has mounted",
                {dir / "coffer.db", dir / "container" / "coffer.db", dir / "container" / "coffer.db"}};
    if (other.listen() != "mounted") GTEST_SKIP() << "needs root, to mount";
    for (auto const& said : {other.listen(), other.listen()})
        EXPECT_TRUE(mentions(said, "mounted as a single file") && mentions(said, "mount its directory")) << said;
    EXPECT_FALSE(fs::exists(dir / "container" / "coffer.db-wal"));
}

TEST(sqlite_entry, through_a_mount_of_its_directory_is_fine) {
    temporary_directory const dir;
    fs::create_directory(dir / "host");
    fs::create_directory(dir / "container");
    EXPECT_EQ(complaint(dir / "host" / "coffer.db"), "");
    child other{"opens what it has mounted", {dir / "host", dir / "container", dir / "container" / "coffer.db"}};
    if (other.listen() != "mounted") GTEST_SKIP() << "needs root, to mount";
    EXPECT_EQ(other.listen(), "");
    EXPECT_EQ(other.listen(), "");
}

TEST(sqlite_entry, is_of_one_mount_with_its_directory_as_a_rule) {
    temporary_directory const dir;
    std::ofstream{dir / "coffer.db"};
    EXPECT_FALSE(sqlite::detail::is_mounted_alone(dir / "coffer.db"));
    EXPECT_FALSE(sqlite::detail::is_mounted_alone(dir / "none.db"));
    EXPECT_NE(sqlite::detail::mount_of(dir.path()), sqlite::detail::mount_of("/proc"));
}

}  // namespace
}  // namespace store_test::sqlite_entry_test
