// SPDX-License-Identifier: BSL-1.0
// Owners whose files somebody clears away while they are alive.

#include "store/sqlite_world.hpp"

#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <string>

namespace store_test::sqlite_owner_test {
namespace {

namespace fs = std::filesystem;
namespace sqlite = coffer::sqlite;

world::how key_named(std::string name) {
    world::how h;
    h.name = std::move(name);
    return h;
}

/// Process 0 has a send on its way; others come later.
class sqlite_owner_cleared_away : public testing::Test {
protected:
    sqlite_owner_cleared_away() { w_.send(1); }

    [[nodiscard]] fs::path owners() const { return w_.file().string() + ".owners"; }
    void clear_files() const {
        for (auto const& f : fs::directory_iterator{owners()}) fs::remove(f);
    }
    [[nodiscard]] int files() const {
        return static_cast<int>(std::distance(fs::directory_iterator{owners()}, fs::directory_iterator{}));
    }
    /// Does a process that starts now find the send's owner alive?
    [[nodiscard]] bool is_alive_to_newcomers() { return is<coffer::in_progress>(w_.claim(2, 1)); }

    sqlite_world w_;
};

TEST_F(sqlite_owner_cleared_away, is_back_with_its_next_heartbeat) {
    clear_files();
    ASSERT_TRUE(w_.heartbeat(1));
    EXPECT_EQ(files(), 1) << "no drafts";
    EXPECT_TRUE(is_alive_to_newcomers());
    w_.kill(0);
    EXPECT_EQ(files(), 1) << "the newcomer's: it has taken its own away";
}

TEST_F(sqlite_owner_cleared_away, is_back_with_its_next_claim) {
    clear_files();
    ASSERT_TRUE(is<coffer::granted>(w_.claim(3, 0, key_named("two"))));
    EXPECT_TRUE(is_alive_to_newcomers());
}

TEST_F(sqlite_owner_cleared_away, is_back_with_its_next_permit) {
    (void)w_.claim(3, 0, key_named("two"));
    clear_files();
    ASSERT_TRUE(w_.permit(3, 0, 0, 2, "two"));
    EXPECT_TRUE(is_alive_to_newcomers());
}

TEST_F(sqlite_owner_cleared_away, is_back_with_the_directory) {
    fs::remove_all(owners());
    ASSERT_TRUE(w_.heartbeat(1));
    EXPECT_EQ(fs::status(owners()).permissions(), fs::perms::owner_all);
    EXPECT_TRUE(is_alive_to_newcomers());
}

TEST_F(sqlite_owner_cleared_away, takes_the_place_of_another_file) {
    auto const own = fs::directory_iterator { owners() } -> path();
    fs::copy_file(own, owners() / "copy");
    fs::rename(owners() / "copy", own);
    ASSERT_TRUE(w_.heartbeat(1));
    EXPECT_TRUE(is_alive_to_newcomers());
}

TEST_F(sqlite_owner_cleared_away, is_dead_once_it_has_ended) {
    clear_files();
    ASSERT_TRUE(w_.heartbeat(1));
    (void)w_.process(1);
    ASSERT_TRUE(is_alive_to_newcomers());
    w_.kill(0);
    EXPECT_TRUE(is<coffer::granted>(w_.claim(3, 1)));
}

TEST_F(sqlite_owner_cleared_away, with_the_directory_is_not_taken_for_dead_before_it_has_noticed) {
    fs::remove_all(owners());
    EXPECT_TRUE(is_alive_to_newcomers());
    EXPECT_TRUE(is_alive_to_newcomers()) << "nor a moment later";
    w_.pass(1h);
    EXPECT_TRUE(is<coffer::granted>(w_.claim(3, 1))) << "but not for ever";
}

TEST_F(sqlite_owner_cleared_away, claims_nothing_while_it_cannot_be_back) {
    fs::remove_all(owners());
    std::ofstream{owners()};  // not even root makes a file in it
    auto const claimed = w_.claim(3, 0, key_named("two"));
    ASSERT_EQ(refusal(claimed), "store_unavailable");
    EXPECT_NE(claimed.error().message().find("mend the directory"), std::string::npos) << claimed.error();
    EXPECT_EQ(refusal(w_.permit(1, 1)), "store_unavailable");
    EXPECT_TRUE(w_.heartbeat(1)) << "the lease goes on";
    EXPECT_TRUE(w_.answer(1, 1, "paid")) << "what is paid is stored";
    fs::remove(owners());
    EXPECT_TRUE(is<coffer::granted>(w_.claim(3, 0, key_named("two"))));
}

}  // namespace
}  // namespace store_test::sqlite_owner_test
