// SPDX-License-Identifier: BSL-1.0
// Jobs in a file: among real processes that are killed, and while the file refuses.

#include <coffer/call/describe.hpp>
#include <coffer/call/pipeline.hpp>
#include <coffer/policy/journal.hpp>
#include <coffer/policy/once.hpp>

#include "store/child_process.hpp"
#include "store/runs_in.hpp"
#include "store/sqlite_world.hpp"

#include <gtest/gtest.h>

#include <asio/io_context.hpp>

#include <signal.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <cstdint>
#include <exception>
#include <filesystem>
#include <memory>
#include <string>

namespace store_test::sqlite_journal_test {
namespace {

namespace sqlite = coffer::sqlite;
using coffer::fault_kind;

struct question {
    explicit question(std::string t) : text{std::move(t)} {}
    std::string text;
};
int sends = 0;
coffer::awaitable<std::string> ask_somebody(question const& q) {
    ++sends;
    co_return "an answer to " + q.text;
}
auto somebody(coffer::store const& db) {
    return coffer::pipeline{coffer::once{db}}.wrap(coffer::describe(&ask_somebody).fingerprint([](question const& q) {
        return coffer::fingerprint{}.with("text", q.text);
    }));
}

/// Runs the job of two steps in real time; between them, `in_between` does what it wants.
template <class Fn>
std::string run_job(std::filesystem::path const& file, Fn in_between, coffer::store_probe const* probe = nullptr) {
    asio::io_context io;
    sqlite::options o;
    o.probe = probe;
    sqlite::store const db{file, o};
    std::exception_ptr thrown;
    auto const body = [&](coffer::journal& run) -> coffer::awaitable<void> {
        (void)co_await run.step("first", somebody(db), question{"one"});
        in_between();
        (void)co_await run.step("second", somebody(db), question{"two"});
    };
    asio::co_spawn(io, coffer::run_job(db, "report/1", {}, body), [&](std::exception_ptr e) { thrown = e; });
    io.run();
    try {
        if (thrown) std::rethrow_exception(thrown);
    } catch (coffer::failure const& f) {
        return std::string{to_string(f.fault().kind())};
    }
    return "done";
}

register_role const worker{"runs a job and stops in its middle", [](child_arguments const& a) {
                               (void)run_job(a.at(0), [] {
                                   tell("in the middle");
                                   ::pause();
                               });
                               return 0;
                           }};

TEST(sqlite_journal, a_killed_run_is_gone_on_with_and_paid_for_once) {
    temporary_directory const dir;
    auto const file = dir / "coffer.db";
    sends = 0;
    {
        child other{"runs a job and stops in its middle", {file.string()}};
        ASSERT_EQ(other.listen(), "in the middle");
        EXPECT_EQ(run_job(file, [] {}), "in_progress");
        other.kill(SIGKILL);
        EXPECT_EQ(other.wait(), -SIGKILL);
    }
    EXPECT_EQ(run_job(file, [] {}), "done");
    EXPECT_EQ(sends, 1) << "the first one was the killed process's";
    EXPECT_EQ(run_job(file, [] {}), "already_done");
    EXPECT_EQ(intruder{file}.number("SELECT begun FROM runs"), 2);
    EXPECT_EQ(intruder{file}.number("SELECT count(*) FROM records WHERE state='acked'"), 2);
}

TEST(sqlite_journal, three_killed_runs_stop_the_job_and_bill_one_send) {
    temporary_directory const dir;
    auto const file = dir / "coffer.db";
    sends = 0;
    for (int run = 0; run < 3; ++run) {
        child other{"runs a job and stops in its middle", {file.string()}};
        ASSERT_EQ(other.listen(), "in the middle") << run;
        other.kill(SIGKILL);
        (void)other.wait();
    }
    EXPECT_EQ(run_job(file, [] {}), "run_refused");
    EXPECT_EQ(sends, 0);
    intruder f{file};
    EXPECT_EQ(f.text("SELECT signature FROM runs"), "did not end");
    EXPECT_EQ(f.number("SELECT count(*) FROM sends"), 1);
}

/// Stops its process, all of it, when the store announces a step for the so manyth time.
class stop_at {
public:
    explicit stop_at(int nth) : left_{nth} {}
    coffer::store_probe probe() {
        return [this](coffer::store_step, coffer::edge) {
            if (left_-- == 0) ::raise(SIGSTOP);
        };
    }

private:
    std::atomic<int> left_;
};

register_role const struck_worker{"runs a job and stops at a step of the store's", [](child_arguments const& a) {
                                      stop_at when{std::stoi(a.at(1))};
                                      auto const probe = when.probe();
                                      tell(run_job(a.at(0), [] {}, &probe));
                                      return 0;
                                  }};

TEST(sqlite_journal, that_is_killed_at_any_step_is_done_with_all_its_answers_or_has_them_all) {
    bool struck = true;
    int done_when_struck = 0;
    std::int64_t most_sends = 0;
    for (int nth = 0; struck; ++nth) {
        SCOPED_TRACE("killed at announcement " + std::to_string(nth));
        temporary_directory const dir;
        auto const file = dir / "coffer.db";
        {
            child other{"runs a job and stops at a step of the store's", {file.string(), std::to_string(nth)}};
            struck = other.wait_stopped();
            other.kill(SIGKILL);
            EXPECT_EQ(other.wait(), struck ? -SIGKILL : 0);
        }
        intruder f{file};
        bool const done = f.number("SELECT count(*) FROM runs WHERE state='done'") == 1;
        done_when_struck += struck && done ? 1 : 0;
        EXPECT_EQ(f.number("SELECT count(*) FROM records WHERE state='acked'"), done ? 2 : 0);
        std::string told;
        for (int runs = 0; runs < 3; ++runs) told += run_job(file, [] {}) + " ";
        EXPECT_EQ(told, done ? "already_done already_done already_done " : "done already_done already_done ");
        EXPECT_EQ(f.number("SELECT count(*) FROM records WHERE state='acked'"), 2);
        most_sends = std::max(most_sends, f.number("SELECT count(*) FROM sends"));
    }
    EXPECT_EQ(done_when_struck, 1) << "between the commit and its telling";
    EXPECT_EQ(most_sends, 3) << "only a send that nobody can account for is made again";
}

TEST(sqlite_journal, what_stands_in_the_file_of_a_job) {
    sqlite_world w;
    runs_in runs{w};
    runs.failing_run(1, "content_policy, at draft", "customer 4711");
    (void)runs.begin(2, 0, "customer 4711");
    (void)w.get(w.backend().note_step({runs.id("customer 4711"), claim_number(2)}, "draft", 15min));
    intruder f{w.file()};
    EXPECT_EQ(f.text("SELECT ns || ' ' || state || ' ' || signature || ' ' || length(key) FROM runs"),
              "report running content_policy, at draft 32");
    EXPECT_EQ(f.text("SELECT name FROM run_steps"), "draft");
    auto const bytes = bytes_of(w.file()) + bytes_of(w.file().string() + "-wal");
    EXPECT_NE(bytes.find("content_policy, at draft"), std::string::npos);
    EXPECT_EQ(bytes.find("customer"), std::string::npos) << "of the key only its namespace";
}

TEST(sqlite_journal, a_failure_that_the_file_refuses_is_written_when_it_works_again) {
    sqlite::options o;
    o.busy_timeout = 1ms;
    sqlite_world w{o};
    runs_in runs{w};
    (void)runs.begin(1).value();
    intruder other{w.file()};
    other.run("BEGIN IMMEDIATE");
    auto const ended = w.backend().end_run({runs.id(), claim_number(1)}, coffer::run_failure{"x"});
    auto const begun = runs.begin(2);
    ASSERT_FALSE(begun);
    EXPECT_EQ(begun.error().kind(), fault_kind::store_unavailable);
    auto const done = runs.finish();
    ASSERT_FALSE(done) << "whoever waits for it is told";
    EXPECT_EQ(done.error().kind(), fault_kind::store_unavailable);
    other.run("ROLLBACK");
    real_time waiting;
    EXPECT_TRUE(waiting.get(ended));
    EXPECT_EQ(runs.peek()->signature, "x");
}

TEST(sqlite_journal, a_job_in_a_state_that_this_coffer_does_not_know_is_left_alone) {
    sqlite_world w;
    runs_in runs{w};
    (void)runs.begin(1);
    intruder{w.file()}.run("UPDATE runs SET state='sold'");
    auto const v = runs.begin(2);
    ASSERT_FALSE(v);
    EXPECT_EQ(v.error().kind(), fault_kind::store_unavailable);
    EXPECT_NE(v.error().message().find("update it"), std::string::npos) << v.error().message();
}

TEST(sqlite_journal, what_is_due_is_found_by_an_index) {
    sqlite_world w;
    (void)w.backend();
    sqlite::detail::connection db{w.file().string(), 1s};
    sqlite::detail::statement const s{
        db, "EXPLAIN QUERY PLAN SELECT id FROM runs WHERE expires<=? ORDER BY expires LIMIT ?"};
    std::string found;
    for (auto const r = s.with(); r.next();) {
        (void)r.integer();
        (void)r.integer();
        (void)r.integer();
        found += r.bytes();
    }
    EXPECT_NE(found.find("expiring_runs"), std::string::npos) << found;
    EXPECT_EQ(found.find("B-TREE"), std::string::npos) << found;
}

}  // namespace
}  // namespace store_test::sqlite_journal_test
