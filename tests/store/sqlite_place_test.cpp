// SPDX-License-Identifier: BSL-1.0
// A store whose files somebody removes, replaces or empties while it is in use; and what others may do beside it.

#include <coffer/store/sqlite_backup.hpp>
#include <coffer/store/sqlite_compact.hpp>
#include <coffer/store/sqlite_place.hpp>
#include <coffer/store/sqlite_reader.hpp>

#include "store/child_process.hpp"
#include "store/sqlite_world.hpp"

#include <gtest/gtest.h>

#include <signal.h>

#include <filesystem>
#include <fstream>
#include <functional>
#include <memory>
#include <string>
#include <thread>

namespace store_test::sqlite_place_test {
namespace {

namespace fs = std::filesystem;
namespace sqlite = coffer::sqlite;

bool mentions(std::string const& text, std::string const& what) { return text.find(what) != std::string::npos; }
world::how key_named(std::string name) {
    world::how h;
    h.name = std::move(name);
    return h;
}
fs::path beside(fs::path const& file, char const* suffix) { return file.string() + suffix; }

sqlite::options hasty() {
    sqlite::options o;
    o.close_timeout = 50ms;
    return o;
}

// What goes wrong -----------------------------------------------------------------------------------------------------

/// One answer that only the log holds, and a send on its way.
void set_to_work(sqlite_world& w) {
    w.finish(1, "paid");
    (void)w.claim(2, 0, key_named("two")).value();
    (void)w.permit(2, 0, 0, 2, "two").value();
}
/// What a claim of a new key is refused with.
std::string said_by(sqlite_world& w) {
    auto const v = w.claim(3, 0, key_named("three"));
    return v ? "" : std::string{to_string(v.error().kind())} + ": " + std::string{v.error().message()};
}

/// Opens the store as a process that starts now does, and as a look from outside.
register_role const newcomer{
    "comes later", [](child_arguments const& a) {
        for (auto const& open : std::initializer_list<std::function<void()>>{
                 [&] { sqlite::store const db{a.at(0)}; }, [&] { sqlite::reader const r{a.at(0)}; }}) {
            try {
                open();
                tell("");
            } catch (std::runtime_error const& e) {
                tell(e.what());
            }
        }
        return 0;
    }};

TEST(sqlite_place, of_a_log_that_is_removed_stops_everything_and_loses_nothing) {
    for (auto const& gone : {std::vector{"-wal", "-shm"}, std::vector{"-wal"}, std::vector{"-shm"}}) {
        temporary_directory const dir;
        auto const file = dir / "coffer.db";
        {
            sqlite_world w{file, hasty()};
            set_to_work(w);
            EXPECT_EQ(said_by(w), "");
            for (auto const* const suffix : gone) fs::remove(beside(file, suffix));
            auto const said = said_by(w);
            EXPECT_TRUE(mentions(said, "store_unavailable: ")) << said;
            EXPECT_TRUE(mentions(said, "its log (-wal, -shm) was removed or replaced")) << said;
            EXPECT_TRUE(mentions(said, "start them again")) << said;
            EXPECT_EQ(refusal(w.get(w.backend().peek(w.id()))), "store_unavailable");
            auto const paid = w.backend().submit_answer(w.ref(2, "two"), 1, answer_of("paid, too"));
            while (!fs::exists(beside(file, ".spool")) && paid.get() == nullptr) std::this_thread::yield();
            ASSERT_EQ(paid.get(), nullptr) << "it waits";

            child other{"comes later", {file}};
            for (auto const& told : {other.listen(), other.listen()})
                EXPECT_TRUE(mentions(told, "was removed while programs have it open")) << told;
            EXPECT_EQ(other.wait(), 0);
            w.close();
            EXPECT_EQ(refusal(*paid.get()), "store_unavailable");
        }
        sqlite_world w{file};
        EXPECT_TRUE(is<coffer::replayed>(w.claim(4))) << "it was only in the log";
        auto const two = w.claim(5, 0, key_named("two"));
        ASSERT_TRUE(is<coffer::granted>(two));
        ASSERT_EQ(std::get<coffer::granted>(*two).undecoded.size(), 1U);
        EXPECT_EQ(std::get<coffer::granted>(*two).undecoded[0].what->body, "paid, too");
        EXPECT_EQ(intruder{file}.text("PRAGMA integrity_check"), "ok");
    }
}

register_role const writer_beside{"writes beside and dies", [](child_arguments const& a) {
                                      intruder other{a.at(0)};
                                      other.run("CREATE TABLE theirs(x); INSERT INTO theirs VALUES('theirs')");
                                      ::raise(SIGKILL);
                                      return 0;
                                  }};

TEST(sqlite_place, of_a_log_that_another_took_is_noticed_and_theirs_is_left_as_it_is) {
    temporary_directory const dir;
    auto const file = dir / "coffer.db";
    {
        sqlite_world w{file, hasty()};
        set_to_work(w);
        intruder{file}.run("PRAGMA wal_checkpoint(TRUNCATE)");
        for (auto const* const suffix : {"-wal", "-shm"}) fs::remove(beside(file, suffix));
        child other{"writes beside and dies", {file}};
        EXPECT_EQ(other.wait(), -SIGKILL);
        ASSERT_GT(fs::file_size(beside(file, "-wal")), 0U);
        EXPECT_TRUE(mentions(said_by(w), "its log (-wal, -shm) was removed or replaced"));
    }
    intruder after{file};
    EXPECT_EQ(after.text("SELECT x FROM theirs"), "theirs");
    EXPECT_EQ(after.text("PRAGMA integrity_check"), "ok");
}

TEST(sqlite_place, of_a_file_that_is_emptied_is_noticed_and_the_log_is_kept) {
    temporary_directory const dir;
    auto const file = dir / "coffer.db";
    {
        sqlite_world w{file, hasty()};
        set_to_work(w);
        fs::resize_file(file, 0);
        auto const said = said_by(w);
        EXPECT_TRUE(mentions(said, "moved, removed or replaced")) << said;
        EXPECT_TRUE(mentions(said, "emptied")) << said;
    }
    EXPECT_EQ(fs::file_size(file), 0U) << "half a store would be worse";
    EXPECT_GT(fs::file_size(beside(file, "-wal")), 0U);
    EXPECT_THROW(sqlite::store{file}, std::runtime_error);
}

// What is quite right -------------------------------------------------------------------------------------------------

register_role const passer_by{"opens, claims and closes", [](child_arguments const& a) {
                                  sqlite_world w{fs::path{a.at(0)}};
                                  bool const fine = is<coffer::granted>(w.claim(9, 0, key_named(a.at(1))));
                                  w.close();
                                  return fine ? 0 : 1;
                              }};
register_role const victim{"claims and is killed", [](child_arguments const& a) {
                               sqlite_world w{fs::path{a.at(0)}};
                               (void)w.claim(9, 0, key_named(a.at(1)));
                               ::raise(SIGKILL);
                               return 0;
                           }};

class sqlite_place_beside : public testing::Test {
protected:
    /// The store takes new work.
    void expect_going_on(char const* after) {
        n_ += 2;
        EXPECT_TRUE(is<coffer::granted>(w_.claim(n_, 0, key_named(std::to_string(n_))))) << after;
        EXPECT_TRUE(is<coffer::replayed>(w_.claim(n_ + 1))) << after;
    }
    void SetUp() override {
        w_.finish(1, "paid");
        expect_going_on("the beginning");
    }
    [[nodiscard]] fs::path const& file() const { return w_.file(); }

    int n_ = 100;
    sqlite_world w_;
};

TEST_F(sqlite_place_beside, processes_that_come_and_go_it_goes_on) {
    EXPECT_EQ(child("opens, claims and closes", {file(), "a"}).wait(), 0);
    expect_going_on("another that closed");
    EXPECT_EQ(child("claims and is killed", {file(), "b"}).wait(), -SIGKILL);
    expect_going_on("another that was killed");
    EXPECT_EQ(child("opens, claims and closes", {file(), "c"}).wait(), 0);
    expect_going_on("one more");
}

TEST_F(sqlite_place_beside, handles_of_its_own_process_it_goes_on) {
    (void)w_.process(1);
    w_.kill(1);
    expect_going_on("another that closed");
    {
        sqlite::reader const r{file()};
    }
    expect_going_on("a look");
}

TEST_F(sqlite_place_beside, what_rewrites_the_file_it_goes_on) {
    (void)sqlite::compact(file());
    expect_going_on("compact");
    intruder{file()}.run("VACUUM");
    expect_going_on("VACUUM");
    for (auto const* const mode : {"PASSIVE", "FULL", "RESTART", "TRUNCATE"}) {
        intruder{file()}.run("PRAGMA wal_checkpoint(" + std::string{mode} + ")");
        expect_going_on(mode);
    }
    (void)sqlite::backup(file(), file().string() + ".copy");
    expect_going_on("a backup");
}

register_role const mode_changer{"changes the journal's mode", [](child_arguments const& a) {
                                     try {
                                         intruder other{a.at(0)};
                                         tell(other.text("PRAGMA journal_mode=DELETE"));
                                     } catch (sqlite::detail::error const& e) {
                                         tell(e.what());
                                     }
                                     return 0;
                                 }};

TEST_F(sqlite_place_beside, who_wants_another_journal_mode_it_goes_on_and_comes_back_to_its_own) {
    EXPECT_EQ(child("changes the journal's mode", {file()}).listen(), "database is locked");
    expect_going_on("an attempt at another mode");
    w_.close();
    EXPECT_EQ(child("changes the journal's mode", {file()}).listen(), "delete");
    expect_going_on("another mode while it was closed");
    EXPECT_EQ(intruder{file()}.text("PRAGMA journal_mode"), "wal");
}

TEST_F(sqlite_place_beside, the_last_one_that_removes_the_log_it_goes_on_with_a_new_one) {
    w_.close();
    EXPECT_FALSE(fs::exists(beside(file(), "-wal")));
    expect_going_on("a new log");
    w_.close();
    EXPECT_EQ(child("claims and is killed", {file(), "b"}).wait(), -SIGKILL);
    EXPECT_TRUE(fs::exists(beside(file(), "-wal")));
    fs::remove(beside(file(), "-shm"));
    expect_going_on("an index that was lost with nobody there, and recovered");
}

TEST(sqlite_place, asks_of_a_file_and_log_by_what_they_are) {
    temporary_directory const dir;
    for (auto const* const name : {"f", "f-wal", "f-shm"}) std::ofstream{dir / name} << "x";
    using sqlite::detail::place;
    place at{dir / "f"};
    EXPECT_TRUE(at.note_file());
    fs::remove(dir / "f-shm");
    EXPECT_EQ(at.now(), place::state::unchanged) << "not noted yet";
    EXPECT_FALSE(at.note_log());
    std::ofstream{dir / "f-shm"} << "x";
    EXPECT_TRUE(at.note_log());
    EXPECT_EQ(at.now(), place::state::unchanged);
    for (auto const* const name : {"f-wal", "f-shm"}) {
        fs::rename(dir / name, dir / "away");
        EXPECT_EQ(at.now(), place::state::log_moved) << name;
        std::ofstream{dir / name} << "x";
        EXPECT_EQ(at.now(), place::state::log_moved) << name;
        fs::rename(dir / "away", dir / name);
        EXPECT_EQ(at.now(), place::state::unchanged) << "put back: " << name;
    }
    fs::rename(dir / "f", dir / "away");
    EXPECT_EQ(at.now(), place::state::file_moved);
    EXPECT_FALSE(place{dir / "none"}.note_file());
}

}  // namespace
}  // namespace store_test::sqlite_place_test
