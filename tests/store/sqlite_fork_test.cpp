// SPDX-License-Identifier: BSL-1.0
// What a process that is forked off gets of its parent's files, and what not.

#include <coffer/store/sqlite_fork.hpp>

#include <gtest/gtest.h>

#include <fcntl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <memory>
#include <mutex>
#include <stdexcept>

namespace sqlite_fork_test {
namespace {

using namespace coffer::sqlite::detail;

int open_null() { return ::open("/dev/null", O_RDONLY | O_CLOEXEC); }
bool is_open(int descriptor) { return ::fcntl(descriptor, F_GETFD) != -1; }

/// Is `check` true in a process that is forked off?
template <class Fn>
bool holds_when_forked(Fn const& check) {
    auto const forked = ::fork();
    if (forked == 0) {
        ::alarm(60);
        ::_exit(check() ? 0 : 1);
    }
    int status = 0;
    return ::waitpid(forked, &status, 0) == forked && WIFEXITED(status) && WEXITSTATUS(status) == 0;
}

TEST(sqlite_fork, leaves_an_unshared_descriptor_to_the_parent) {
    auto kept = std::make_unique<unshared_descriptor>(&open_null);
    auto const number = kept->get();
    ASSERT_TRUE(*kept && is_open(number));
    EXPECT_TRUE(holds_when_forked([&] { return !*kept && kept->get() == -1 && !is_open(number); }));
    EXPECT_TRUE(is_open(number)) << "in the parent";
    kept.reset();
    EXPECT_FALSE(is_open(number));
}

TEST(sqlite_fork, lets_nobody_close_what_has_got_the_number_of_an_unshared_descriptor) {
    auto kept = std::make_unique<unshared_descriptor>(&open_null);
    auto const number = kept->get();
    EXPECT_TRUE(holds_when_forked([&] {
        if (open_null() != number) return false;
        kept.reset();
        return is_open(number);
    }));
}

TEST(sqlite_fork, keeps_the_error_of_a_descriptor_that_was_not_opened) {
    unshared_descriptor const none{[] { return ::open("/nowhere/at/all", O_RDONLY | O_CLOEXEC); }};
    EXPECT_EQ(errno, ENOENT);
    EXPECT_FALSE(none);
    EXPECT_TRUE(holds_when_forked([&] { return !none; }));
}

TEST(sqlite_fork, closes_a_file_to_who_inherits_its_use_and_to_nobody_else) {
    file_identity const used{0, 1};
    file_identity const other{0, 2};
    auto first = std::make_unique<file_use>(used, "used.db");
    auto second = std::make_unique<file_use>(used, "used.db");
    auto const is_refused = [](file_identity const& file) {
        try {
            file_use const again{file, "some.db"};
        } catch (std::runtime_error const&) {
            return true;
        }
        return false;
    };
    EXPECT_FALSE(first->is_inherited());
    EXPECT_FALSE(is_refused(used));
    first.reset();
    EXPECT_TRUE(holds_when_forked([&] {
        bool const inherited = second->is_inherited();
        second.reset();
        return inherited && is_refused(used) && !is_refused(other) &&
               holds_when_forked([&] { return is_refused(used); });
    }));
    second.reset();
    EXPECT_TRUE(holds_when_forked([&] { return !is_refused(used); })) << "nobody used it any more";
}

TEST(sqlite_fork, gives_each_process_an_object_of_its_own) {
    struct guarded {
        std::mutex mutex;
        int value = 0;
    };
    static one_per_process<guarded> all;
    all.get().value = 7;
    EXPECT_EQ(all.get().value, 7);
    std::lock_guard const at_work{all.get().mutex};
    EXPECT_TRUE(holds_when_forked([&] {
        std::lock_guard const lock{all.get().mutex};
        return all.get().value == 0;
    }));
    EXPECT_EQ(all.get().value, 7);
}

}  // namespace
}  // namespace sqlite_fork_test
