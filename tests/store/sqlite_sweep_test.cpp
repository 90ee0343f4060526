// SPDX-License-Identifier: BSL-1.0
// Records whose time is over go without anybody asking for them, and only those.

#include "store/sqlite_world.hpp"

#include <gtest/gtest.h>

#include <chrono>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace store_test::sqlite_sweep_test {
namespace {

namespace sqlite = coffer::sqlite;
using coffer::record_state;

class sweeping : public testing::Test {
protected:
    static sqlite::options asked_only() {
        sqlite::options o;
        o.sweep_every = 0ms;
        return o;
    }

    sqlite::collected collect() {
        std::optional<sqlite::collected> all;
        auto const work = [&]() -> coffer::awaitable<void> { all = co_await store().collect(); };
        w.sim.run(work());
        return all.value();
    }
    sqlite::store& store() { return w.process(0); }
    [[nodiscard]] std::int64_t number(std::string const& sql) { return intruder{w.file()}.number(sql); }

    /// One that goes the whole way under `name`.
    void finish(std::string const& name, bool cached = false, std::string body = "paid") {
        coffer::claim_request q;
        q.id = claim_number(1);
        q.cached = cached;
        ASSERT_TRUE(is<coffer::granted>(w.get(w.backend().claim(w.id(name), q)))) << name;
        ASSERT_TRUE(w.permit(1, 0, 0, 2, name));
        ASSERT_TRUE(w.get(w.backend().submit_answer(w.ref(1, name), 1, answer_of(std::move(body)))));
        ASSERT_TRUE(w.get(w.backend().submit_accept(w.ref(1, name), 1)));
    }
    void acknowledged(std::string const& name) {
        finish(name);
        ASSERT_TRUE(w.get(w.backend().acknowledge(w.id(name))));
    }
    /// Every permitted send spent, no answer.
    void unresolved(std::string const& name) {
        world::how h;
        h.name = name;
        h.max_sends = 1;
        ASSERT_TRUE(is<coffer::granted>(w.claim(1, 0, h)));
        ASSERT_TRUE(w.permit(1, 0, 0, 1, name));
        coffer::fault const why{coffer::fault_kind::timed_out};
        ASSERT_TRUE(w.get(w.backend().submit_lost(w.ref(1, name), 1, why)));
        ASSERT_TRUE(w.get(w.backend().submit_release(w.ref(1, name))));
    }

    sqlite_world w{asked_only()};
};

TEST_F(sweeping, makes_of_each_record_what_time_has_made_of_it) {
    finish("unacknowledged", false, std::string(1000, 'x'));
    acknowledged("acknowledged");
    finish("cached", true, std::string(500, 'x'));
    unresolved("unresolved");
    EXPECT_EQ(collect().removed, 0U) << "nothing is due";
    w.pass(24h * 29);
    EXPECT_EQ(collect().removed, 0U);
    w.pass(24h);
    auto const done = collect();
    EXPECT_EQ(done.removed, 2U) << "the acknowledged and the cached one";
    EXPECT_EQ(done.expired, 1U);
    EXPECT_EQ(done.lapsed, 0U);
    EXPECT_EQ(done.bytes, 1500);
    EXPECT_EQ(number("SELECT count(*) FROM answers"), 0);
    EXPECT_EQ(number("SELECT count(*) FROM records"), 2);
    EXPECT_EQ(number("SELECT count(*) FROM sends"), 2);
    EXPECT_EQ(w.peek(0, "unacknowledged")->state, record_state::expired) << "never a silent new bill";
    EXPECT_EQ(w.peek(0, "unresolved")->state, record_state::unknown) << "however long it takes";
    w.pass(24h * 365);
    EXPECT_EQ(collect().removed, 0U);
    EXPECT_EQ(number("SELECT count(*) FROM records"), 2);
}

TEST_F(sweeping, forgets_a_fault_of_the_request_when_it_is_no_longer_replayed) {
    (void)w.claim(1);
    ASSERT_TRUE(w.fail(1, coffer::fault{coffer::fault_kind::invalid_request, "no"}));
    w.pass(11min);
    EXPECT_EQ(collect().lapsed, 1U);
    EXPECT_EQ(w.peek()->state, record_state::free);
    w.pass(24h * 31);
    EXPECT_EQ(collect().removed, 1U);
}

TEST_F(sweeping, gets_through_more_than_one_batch_and_past_what_it_has_to_leave) {
    coffer::claim_request q;
    q.cached = true;
    q.unacknowledged_kept = 1s;
    q.lease = 24h * 365;
    for (int i = 0; i < 150; ++i) {  // cached, expired, and still being worked on
        q.id = claim_number(i + 1);
        ASSERT_TRUE(is<coffer::granted>(w.get(w.backend().claim(w.id("busy " + std::to_string(i)), q))));
    }
    w.pass(2s);
    for (int i = 0; i < 250; ++i) finish("cached " + std::to_string(i), true);
    w.pass(24h * 31);
    auto const before = store().stats().commits;
    auto const done = collect();
    EXPECT_EQ(done.removed, 250U);
    EXPECT_EQ(number("SELECT count(*) FROM records"), 150);
    EXPECT_GE(store().stats().commits - before, 3U) << "in steps, so that others are served between them";
    EXPECT_EQ(collect().removed, 0U);
}

TEST_F(sweeping, takes_large_answers_in_smaller_batches) {
    for (int i = 0; i < 12; ++i) finish("cached " + std::to_string(i), true, std::string(1 << 20, 'x'));
    w.pass(24h * 31);
    auto const before = store().stats().commits;
    auto const done = collect();
    EXPECT_EQ(done.removed, 12U);
    EXPECT_EQ(done.bytes, 12 << 20);
    EXPECT_EQ(store().stats().commits - before, 12U);
}

TEST_F(sweeping, passes_over_a_record_that_it_does_not_understand) {
    finish("newer", true);
    finish("older", true);
    intruder{w.file()}.run("UPDATE records SET state='sold' WHERE id=(SELECT min(id) FROM records)");
    w.pass(24h * 31);
    EXPECT_EQ(collect().removed, 1U);
    EXPECT_EQ(number("SELECT count(*) FROM records WHERE state='sold'"), 1);
}

TEST_F(sweeping, forgets_jobs_that_are_done_or_that_nobody_runs_any_more) {
    auto& b = w.backend();
    coffer::run_request q;
    q.id = claim_number(1);
    auto const job = [&](int n) { return b.id_of(coffer::key{"job", n}); };
    for (int n = 0; n < 300; ++n) {
        (void)w.get(b.begin_run(job(n), q)).value();
        ASSERT_TRUE(w.get(b.note_step({job(n), q.id}, "only", 15min)));
        if (n >= 298) continue;  // they are left under way
        if (n % 2 == 0) ASSERT_TRUE(w.get(b.finish_run(job(n), {})));
        else ASSERT_TRUE(w.get(b.end_run({job(n), q.id}, coffer::run_failure{"x"})));
    }
    ASSERT_TRUE(w.get(b.note_step({job(299), q.id}, "long", 24h * 365)));
    w.pass(24h * 31);
    EXPECT_EQ(collect().jobs, 149U) << "those that are done";
    w.pass(24h * 31);
    EXPECT_EQ(collect().jobs, 150U) << "those that failed, and a run that began no step for long";
    EXPECT_EQ(collect().jobs, 0U);
    EXPECT_EQ(number("SELECT count(*) FROM runs"), 1);
    EXPECT_EQ(number("SELECT count(*) FROM run_steps"), 2);
}

TEST_F(sweeping, finds_what_is_due_by_an_index) {
    (void)w.backend();
    sqlite::detail::connection db{w.file().string(), 1s};
    sqlite::detail::statement const s{db,
                                      "EXPLAIN QUERY PLAN SELECT expires, id, ns, key FROM records WHERE expires<=?1 "
                                      "AND (expires, id)>(?2, ?3) ORDER BY expires, id LIMIT ?4"};
    std::string found;
    for (auto const r = s.with(); r.next();) {
        (void)r.integer();
        (void)r.integer();
        (void)r.integer();
        found += r.bytes();
    }
    EXPECT_NE(found.find("expiring_records"), std::string::npos) << found;
    EXPECT_EQ(found.find("B-TREE"), std::string::npos) << found;
}

TEST_F(sweeping, that_the_file_refuses_says_so_and_can_be_repeated) {
    acknowledged("acknowledged");
    w.pass(24h * 31);
    sqlite::options o;
    o.busy_timeout = 5ms;
    o.sweep_every = 0ms;
    o.as_another_process = true;
    sqlite::store const impatient{w.file(), o};
    intruder other{w.file()};
    other.run("BEGIN IMMEDIATE");
    std::string said;
    auto const work = [&]() -> coffer::awaitable<void> {
        try {
            (void)co_await impatient.collect();
        } catch (coffer::failure const& e) {
            said = e.fault().message();
        }
    };
    w.sim.run(work());
    EXPECT_NE(said.find("another process holds its write lock"), std::string::npos) << said;
    other.run("ROLLBACK");
    EXPECT_EQ(collect().removed, 1U);
}

TEST_F(sweeping, needs_no_handle_any_more_once_it_was_asked_for) {
    acknowledged("acknowledged");
    w.pass(24h * 31);
    temporary_directory const elsewhere;
    auto handle = std::make_unique<sqlite::store>(w.file());
    auto collecting = handle->collect();
    *handle = sqlite::store{elsewhere / "empty.db"};
    EXPECT_EQ(w.sim.run(std::move(collecting)).removed, 1U);
}

// By itself -----------------------------------------------------------------------------------------------------------

/// Due at once: the first sweep comes as soon as the thread has something to do.
sqlite::options eager() {
    sqlite::options o;
    o.sweep_every = 1ms;
    return o;
}
/// Looks at the store, which keeps its thread going, until `sql` is 0.
void look_until_none(world& w, std::filesystem::path const& file, std::string const& sql) {
    intruder by{file};
    while (by.number(sql) != 0) (void)w.peek();
}

TEST(sqlite_sweep, is_done_by_the_stores_thread_for_keys_that_nobody_asks_for) {
    sqlite_world w{eager()};
    w.finish(1, "paid");
    ASSERT_TRUE(w.acknowledge());
    for (int i = 0; i < 250; ++i) {
        world::how h;
        h.name = "unsent " + std::to_string(i);
        (void)w.claim(2, 0, h);
        (void)w.permit(2, 0, 0, 2, h.name);
        (void)w.get(w.backend().submit_unsend(w.ref(2, h.name), 1));
        (void)w.get(w.backend().submit_release(w.ref(2, h.name)));  // free, with a history
    }
    w.pass(24h * 31);
    look_until_none(w, w.file(), "SELECT count(*) FROM records");
    EXPECT_EQ(intruder{w.file()}.number("SELECT count(*) FROM sends"), 0);
}

TEST(sqlite_sweep, is_done_once_if_it_is_to_come_again_never) {
    sqlite::options o;
    o.sweep_every = std::chrono::milliseconds::max();
    sqlite_world w{o};
    w.finish(1, "paid");
    ASSERT_TRUE(w.acknowledge());
    w.pass(24h * 31);
    look_until_none(w, w.file(), "SELECT count(*) FROM records");
    w.finish(2, "paid");
    ASSERT_TRUE(w.acknowledge());
    w.pass(24h * 31);
    for (int i = 0; i < 20; ++i) (void)w.list();
    EXPECT_EQ(intruder{w.file()}.number("SELECT count(*) FROM records"), 1);
}

TEST(sqlite_sweep, goes_on_after_another_process_had_the_lock) {
    auto o = eager();
    o.busy_timeout = 1ms;
    sqlite_world w{o};
    w.finish(1, "paid");
    ASSERT_TRUE(w.acknowledge());
    intruder other{w.file()};
    other.run("BEGIN IMMEDIATE");
    w.pass(24h * 31);
    for (int i = 0; i < 20; ++i) (void)w.list();
    EXPECT_EQ(intruder{w.file()}.number("SELECT count(*) FROM records"), 1);
    other.run("ROLLBACK");
    look_until_none(w, w.file(), "SELECT count(*) FROM records");
}

TEST(sqlite_sweep, leaves_alone_what_is_being_worked_on) {
    sqlite_world w{eager()};
    coffer::claim_request q;
    q.id = claim_number(1);
    q.cached = true;
    q.unacknowledged_kept = 1s;
    q.lease = 24h * 365;
    ASSERT_TRUE(is<coffer::granted>(w.get(w.backend().claim(w.id("busy"), q))));
    w.finish(1, "paid");
    ASSERT_TRUE(w.acknowledge());
    w.pass(24h * 31);
    look_until_none(w, w.file(), "SELECT count(*) FROM records WHERE state='acked'");
    EXPECT_TRUE(w.permit(1, 0, 0, 2, "busy"));
}

}  // namespace
}  // namespace store_test::sqlite_sweep_test
