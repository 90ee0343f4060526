// SPDX-License-Identifier: BSL-1.0
// A wall clock that is wrong for a while, in one process or in all, makes nothing expire; one that is right does in the
// end.

#include <coffer/store/sqlite_purge.hpp>
#include <coffer/store/sqlite_survey.hpp>

#include "store/real_store.hpp"
#include "store/sqlite_world.hpp"

#include <gtest/gtest.h>

#include <atomic>
#include <chrono>
#include <cstdint>
#include <filesystem>
#include <memory>
#include <string>
#include <thread>
#include <utility>
#include <variant>

namespace store_test::sqlite_clock_test {
namespace {

namespace sqlite = coffer::sqlite;
using coffer::record_state;

constexpr auto day = 24h;

/// Its wall clock is off by so much.
class wrong_clock final : public coffer::clock {
public:
    explicit wrong_clock(std::shared_ptr<coffer::clock> right) : clock{1}, right_{std::move(right)} {}
    void set_off(coffer::duration d) { off_ = d.count(); }

    [[nodiscard]] coffer::time_point now() const noexcept override { return right_->now(); }
    [[nodiscard]] coffer::wall_time_point wall_now() const noexcept override {
        return right_->wall_now() +
               std::chrono::duration_cast<coffer::wall_time_point::duration>(coffer::duration{off_.load()});
    }
    [[nodiscard]] bool begin_wait(std::shared_ptr<coffer::pending_wait> const& wait,
                                  coffer::time_point until) override {
        return right_->begin_wait(wait, until);
    }
    void begin_outside_work() noexcept override { right_->begin_outside_work(); }
    void end_outside_work() noexcept override { right_->end_outside_work(); }

private:
    std::shared_ptr<coffer::clock> const right_;
    std::atomic<coffer::duration::rep> off_{0};
};

sqlite::options swept_by_hand() {
    sqlite::options o;
    o.sweep_every = 0ms;
    return o;
}

/// A store as a process with a clock of its own sees it. In virtual time, which is the true one.
class process {
public:
    process(world& w, std::filesystem::path const& file, sqlite::options o = swept_by_hand())
        : w_{w}, clock_{std::make_shared<wrong_clock>(w.sim.time.clock())}, db_{file, alone(o)} {
        db_.backend()->bind(clock_);
    }

    /// From now on its wall clock is off by so much.
    void is_off(coffer::duration d) { clock_->set_off(d); }

    coffer::claim_verdict claim(std::string const& name, bool cached = false) {
        coffer::claim_request q;
        q.id = claim_number(++claims_);
        q.cached = cached;
        return w_.get(backend().claim(id(name), q)).value();
    }
    /// The whole way.
    void finish(std::string const& name, bool cached = false) {
        (void)std::get<coffer::granted>(claim(name, cached));
        coffer::permit_request p;
        p.max_sends = 2;
        p.longest = 5min;
        (void)w_.get(backend().permit(ref(name), p, {})).value();
        must(w_.get(backend().submit_answer(ref(name), 1, answer_of("paid"))));
        must(w_.get(backend().submit_accept(ref(name), 1)));
    }
    void acknowledge(std::string const& name) { must(w_.get(backend().acknowledge(id(name)))); }
    void fail(std::string const& name) {
        (void)std::get<coffer::granted>(claim(name));
        coffer::fault const why{coffer::fault_kind::invalid_request, "no"};
        must(w_.get(backend().submit_fail(ref(name), why, 10min)));
    }
    /// Everything that is due by its lights.
    sqlite::collected collect() {
        sqlite::collected all;
        for (sqlite::detail::sweep_place place; !place.over;) {
            auto const s = w_.get(dynamic_cast<sqlite::detail::backend&>(backend()).collect(place)).value();
            all += s.done;
            place = s.place;
        }
        return all;
    }
    [[nodiscard]] std::shared_ptr<coffer::record const> peek(std::string const& name) {
        return w_.get(backend().peek(id(name))).value();
    }
    [[nodiscard]] std::uint64_t commits() const { return db_.stats().commits; }

    // What a claim comes to.
    [[nodiscard]] bool replays(std::string const& name) {
        return std::holds_alternative<coffer::replayed>(claim(name));
    }
    [[nodiscard]] bool knows_it_acknowledged(std::string const& name) {
        return std::holds_alternative<coffer::acked>(claim(name));
    }

private:
    static sqlite::options alone(sqlite::options o) { return o.as_another_process = true, o; }
    static void must(coffer::outcome<void> o) { coffer::value_or_throw(std::move(o)); }
    coffer::store_backend& backend() { return *db_.backend(); }
    coffer::record_id id(std::string const& name) { return backend().id_of(coffer::key{"report", name}); }
    coffer::claim_ref ref(std::string const& name) { return {id(name), claim_number(claims_)}; }

    world& w_;
    std::shared_ptr<wrong_clock> clock_;
    sqlite::store db_;
    int claims_ = 0;
};

class wrong_time : public testing::Test {
protected:
    wrong_time() {
        a.finish("done");
        a.finish("acked");
        a.acknowledge("acked");
    }
    /// Does `p` still have what was paid for?
    void expect_nothing_lost(process& p, std::string const& when) {
        auto const done = p.collect();
        EXPECT_EQ(done.removed, 0U) << when;
        EXPECT_EQ(done.expired, 0U) << when;
        EXPECT_TRUE(p.replays("done")) << when;
        EXPECT_TRUE(p.knows_it_acknowledged("acked")) << when;
        ASSERT_NE(p.peek("done"), nullptr) << when;
        EXPECT_EQ(p.peek("done")->state, record_state::done) << when;
        ASSERT_NE(p.peek("acked"), nullptr) << when;
        EXPECT_EQ(p.peek("done")->accepted()->reply->body, "paid") << when;
    }
    /// And does it go when its time has come?
    static void expect_it_expired(process& p) {
        auto const done = p.collect();
        EXPECT_EQ(done.removed, 1U);
        EXPECT_EQ(done.expired, 1U);
        EXPECT_TRUE(std::holds_alternative<coffer::expired>(p.claim("done")));
        EXPECT_TRUE(std::holds_alternative<coffer::granted>(p.claim("acked")));
    }
    /// The row as a machine finds it that was rebooted.
    void reboot() {
        sqlite::detail::connection db{file.string(), 5000ms};
        auto t = sqlite::detail::file_clock{db}.load().value();
        t.boot = "the one before";
        auto const bytes = sqlite::detail::encode(t);
        sqlite::detail::statement{db, "UPDATE meta SET value=? WHERE name='clock'"}.run(sqlite::detail::as_blob(bytes));
    }

    sqlite_world w{swept_by_hand()};
    std::filesystem::path file = w.file();
    process a{w, file};
};

TEST_F(wrong_time, for_some_hours_expires_nothing) {
    a.is_off(40 * day);
    expect_nothing_lost(a, "at once");
    for (int hour = 1; hour < 24; ++hour) {
        w.pass(1h);
        expect_nothing_lost(a, std::to_string(hour) + " hours later");
    }
    a.is_off(0s);
    w.pass(29 * day - 23h);
    expect_nothing_lost(a, "right again, after 29 days");
    w.pass(day);
    expect_it_expired(a);
}

TEST_F(wrong_time, that_lasts_is_no_longer_wrong) {
    w.pass(1min);
    a.is_off(40 * day);
    for (int hour = 0; hour < 24; ++hour) {
        expect_nothing_lost(a, std::to_string(hour) + " hours later");
        w.pass(1h);
    }
    expect_it_expired(a);
}

TEST_F(wrong_time, long_ago_does_not_shorten_what_is_acknowledged_then) {
    a.finish("then");
    a.is_off(-20'000 * day);
    w.pass(1h);
    a.acknowledge("then");
    EXPECT_TRUE(a.knows_it_acknowledged("then"));
    a.is_off(0s);
    EXPECT_TRUE(a.knows_it_acknowledged("then"));
    w.pass(30 * day - 1h);
    EXPECT_EQ(a.collect().removed, 1U) << "the one acknowledged an hour before";
    EXPECT_TRUE(a.knows_it_acknowledged("then"));
    w.pass(1h);
    EXPECT_EQ(a.collect().removed, 1U);
}

TEST_F(wrong_time, of_one_process_harms_neither_it_nor_the_others) {
    process b{w, file};
    b.is_off(40 * day);
    for (int hour = 0; hour < 24 * 5; ++hour) {
        expect_nothing_lost(b, "in the one, hour " + std::to_string(hour));
        w.pass(1h);
        expect_nothing_lost(a, "in the other, hour " + std::to_string(hour));
    }
    w.pass(25 * day);
    expect_it_expired(a);
}

TEST_F(wrong_time, of_a_process_that_comes_and_goes_expires_nothing) {
    for (int i = 0; i < 10; ++i) {
        process b{w, file};
        b.is_off(40 * day);
        expect_nothing_lost(b, "in a process that has just begun");
        w.pass(2s);
        expect_nothing_lost(b, "as it ends");
    }
    expect_nothing_lost(a, "in the one that stays");
}

TEST_F(wrong_time, by_a_lot_keeps_what_is_done_then_for_its_time_by_either_clock) {
    a.is_off(40 * day);  // the machine was off so long
    a.finish("new");
    for (int hour = 0; hour <= 24; ++hour) {
        (void)a.collect();
        w.pass(1h);
    }
    EXPECT_TRUE(std::holds_alternative<coffer::expired>(a.claim("done"))) << "believed";
    w.pass(28 * day);
    EXPECT_TRUE(a.replays("new"));
    w.pass(day);
    EXPECT_TRUE(std::holds_alternative<coffer::expired>(a.claim("new")));
}

TEST_F(wrong_time, does_not_replay_faults_and_cached_answers_for_longer) {
    a.is_off(40 * day);
    a.fail("refused");
    a.is_off(0s);
    EXPECT_TRUE(std::holds_alternative<coffer::failed_before>(a.claim("refused")));
    w.pass(10min);
    EXPECT_TRUE(std::holds_alternative<coffer::granted>(a.claim("refused")));
    a.is_off(40 * day);
    a.finish("cached", true);
    a.is_off(0s);
    w.pass(30 * day);
    EXPECT_TRUE(std::holds_alternative<coffer::granted>(a.claim("cached", true)));
}

TEST_F(wrong_time, what_was_cached_before_a_suspension_is_not_taken_for_fresh) {
    a.finish("cached", true);
    a.is_off(31 * day);  // the monotonic clock does not count it
    EXPECT_TRUE(std::holds_alternative<coffer::granted>(a.claim("cached", true)));
    a.finish("anew", true);
    EXPECT_TRUE(std::holds_alternative<coffer::replayed>(a.claim("anew", true)));
}

TEST_F(wrong_time, after_a_reboot_neither_expires_nor_shortens) {
    a.finish("then");
    w.pass(day);
    a.collect();
    reboot();
    a.is_off(-20'000 * day);  // until the clock is set
    expect_nothing_lost(a, "before the clock is set");
    a.acknowledge("then");
    a.is_off(0s);
    expect_nothing_lost(a, "after it");
    reboot();
    a.is_off(40 * day);
    expect_nothing_lost(a, "ahead at first");
    a.is_off(0s);
    w.pass(29 * day);
    EXPECT_EQ(a.collect().removed, 1U) << "the one acknowledged a day before";
    EXPECT_TRUE(a.knows_it_acknowledged("then"));
    w.pass(day);
    EXPECT_EQ(a.collect().removed, 1U);
}

TEST_F(wrong_time, where_the_row_is_unreadable_is_believed_as_in_a_new_file) {
    intruder{w.file()}.run("UPDATE meta SET value=x'ff' WHERE name='clock'");
    process b{w, file};
    EXPECT_TRUE(b.replays("done"));
    b.is_off(40 * day);
    expect_nothing_lost(b, "by the row made anew");
}

// The row -------------------------------------------------------------------------------------------------------------

std::string row_in(std::filesystem::path const& file) {
    return intruder{file}.text("SELECT hex(value) FROM meta WHERE name='clock'");
}

TEST_F(wrong_time, is_kept_account_of_by_one_commit_a_minute_at_most) {
    auto const row = row_in(w.file());
    EXPECT_NE(row, "");
    auto const commits = a.commits();
    for (int i = 0; i < 59; ++i) {
        w.pass(1s);
        EXPECT_TRUE(a.replays("done"));
        EXPECT_EQ(a.peek("done")->state, record_state::done);
    }
    EXPECT_EQ(a.commits(), commits) << "replays write nothing";
    EXPECT_EQ(row_in(w.file()), row);
    w.pass(1s);
    for (int i = 0; i < 2; ++i) EXPECT_EQ(a.peek("done")->state, record_state::done);
    EXPECT_EQ(row_in(w.file()), row) << "nor does a look";
    for (int i = 0; i < 30; ++i) EXPECT_TRUE(a.replays("done"));
    EXPECT_EQ(a.commits(), commits + 1);
    EXPECT_NE(row_in(w.file()), row);
}

TEST_F(wrong_time, is_read_anew_where_another_process_has_observed) {
    process b{w, file};
    EXPECT_TRUE(b.replays("done"));
    a.is_off(40 * day);
    for (int hour = 0; hour <= 24; ++hour) {
        w.pass(1h);
        (void)a.collect();
    }
    b.is_off(40 * day);
    EXPECT_TRUE(std::holds_alternative<coffer::expired>(b.claim("done")))
        << "it has itself seen no more than an instant";
}

/// The store's thread sweeps in real time; virtual time stands still until it has seen what it is.
void pass_and_wait(world& w, std::filesystem::path const& file, coffer::duration d) {
    auto const before = row_in(file);
    w.pass(d);
    while (row_in(file) == before) std::this_thread::yield();
}

TEST_F(wrong_time, is_observed_by_the_sweep_where_nobody_asks_for_anything) {
    auto o = swept_by_hand();
    o.sweep_every = 1ms;
    process idle{w, file, o};
    EXPECT_TRUE(idle.replays("done"));  // a thread sweeps when it has had something to do
    idle.is_off(40 * day);
    for (int hour = 0; hour < 23; ++hour) pass_and_wait(w, w.file(), 1h);
    EXPECT_EQ(intruder{w.file()}.number("SELECT count(*) FROM records WHERE state='done'"), 1);
    while (intruder{w.file()}.number("SELECT count(*) FROM records WHERE state='done'") == 1)
        pass_and_wait(w, w.file(), 1h);
    EXPECT_EQ(intruder{w.file()}.number("SELECT count(*) FROM answers"), 0);
}

// From outside --------------------------------------------------------------------------------------------------------

class seen_from_outside : public testing::Test {
protected:
    seen_from_outside() {
        s.done("due by the wall clock");
        // The store's time stands 40 days ago, and the record is due since yesterday by the clock on the wall.
        sqlite::detail::connection db{s.file().string(), 5000ms};
        auto t = sqlite::detail::file_clock{db}.load().value();
        t.wall -= 40 * day;
        t.doubted = 40 * day;
        t.doubted_for = 2h;
        auto const bytes = sqlite::detail::encode(t);
        sqlite::detail::statement{db, "UPDATE meta SET value=? WHERE name='clock'"}.run(sqlite::detail::as_blob(bytes));
        auto const yesterday = std::chrono::system_clock::now() - day;
        sqlite::detail::statement{db, "UPDATE records SET expires=?"}.run(
            std::chrono::nanoseconds{yesterday.time_since_epoch()}.count());
    }
    real_store s;
};

TEST_F(seen_from_outside, a_store_says_what_clock_it_doubts) {
    auto const n = sqlite::look(s.file());
    EXPECT_GE(n.clock_ahead, 40 * day - 1s);
    EXPECT_LE(n.clock_ahead, 40 * day + 1s);
    EXPECT_EQ(n.clock_doubted, 40 * day);
    EXPECT_EQ(n.clock_doubted_for, 2h);
    real_store right;
    right.done("one");
    EXPECT_EQ(sqlite::look(right.file()).clock_doubted, 0s);
    EXPECT_LT(sqlite::look(right.file()).clock_ahead, 1min);
}

TEST_F(seen_from_outside, a_record_is_not_over_by_a_clock_that_is_doubted) {
    EXPECT_EQ(sqlite::look(s.file()).due, 0U);
    sqlite::reader from{s.file()};
    EXPECT_EQ(from.find(s.id("due by the wall clock"))->row.state, record_state::done);
    EXPECT_EQ(sqlite::plan_purge(s.file(), "report").unacknowledged, 1U) << "it is not purged unless that is meant";
    intruder{s.file()}.run("DELETE FROM meta WHERE name='clock'");
    EXPECT_EQ(sqlite::look(s.file()).due, 1U);
    EXPECT_EQ(sqlite::plan_purge(s.file(), "report").unacknowledged, 0U);
}

}  // namespace
}  // namespace store_test::sqlite_clock_test
