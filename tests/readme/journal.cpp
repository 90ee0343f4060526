// SPDX-License-Identifier: BSL-1.0
// The snippets of docs/journal.md, in tests that run them.

#include <coffer/coffer.hpp>
#include <coffer/policy/journal.hpp>
#include <coffer/store/memory.hpp>
#include <coffer/testing/virtual_time.hpp>

#include <gtest/gtest.h>

#include <asio/experimental/awaitable_operators.hpp>
#include <asio/io_context.hpp>

#include <exception>
#include <functional>
#include <iostream>
#include <stdexcept>
#include <string>

using namespace std::chrono_literals;

namespace journal_page {
namespace {

struct question {
    explicit question(std::string t) : text{std::move(t)} {}
    std::string text;
};
int sends = 0;
coffer::awaitable<std::string> ask_somebody(question const& q) {
    ++sends;
    co_return "an answer to " + q.text;
}
using asker = coffer::guarded<std::string(question const&)>;

asker somebody(coffer::store const& db) {
    return coffer::pipeline{coffer::once{db}}.wrap(coffer::describe(&ask_somebody).fingerprint([](question const& q) {
        return coffer::fingerprint{}.with("text", q.text);
    }));
}

struct app_database {
    bool migrated = true;
    std::string saved;
    void check() const {
        if (!migrated) throw std::runtime_error{"no such column: body"};
    }
    void save(std::string const& text) {
        check();
        saved = text;
    }
    /// The same write in a transaction that is rolled back.
    void rehearse() { check(); }
};

//! [run]
coffer::awaitable<void> report(coffer::store db, asker ask, app_database& app) {
    coffer::journal run{db, "report/acme/2026-11-21"};
    auto const outline = co_await run.step("outline", ask, question{"an outline of the report"});
    auto const draft = co_await run.step({"draft", 2min}, ask, question{"a draft along " + outline});
    app.save(draft);
    co_await run.done();
    std::clog << run.report();
}
//! [run]

//! [job]
coffer::awaitable<coffer::queue_action> work_on(coffer::store db, asker ask, app_database& app, std::string tenant) {
    auto const body = [&](coffer::journal& run) -> coffer::awaitable<void> {
        run.preflight([&] { app.rehearse(); });  // can the result be saved? In a transaction that is rolled back
        auto const draft = co_await run.step("draft", ask, question{"a draft for " + tenant});
        app.save(draft);
    };
    try {
        co_await coffer::run_job(db, coffer::key{"report", tenant}, {.max_runs = 10}, body);
    } catch (coffer::failure const& failed) {
        co_return coffer::disposition(failed.fault()).action;
    }
    co_return coffer::queue_action::done;
}
//! [job]

//! [parallel]
coffer::awaitable<std::string> both_chapters(coffer::journal& run, asker ask) {
    using namespace asio::experimental::awaitable_operators;
    question const first{"chapter one"};
    question const second{"chapter two"};
    auto both = run.step("one", ask, first) && run.step("two", ask, second);
    auto const chapters = co_await std::move(both);
    co_return std::get<0>(chapters) + std::get<1>(chapters);
}
//! [parallel]

//! [reopen]
/// For an operator, once the cause is mended.
coffer::awaitable<int> reopen_all(coffer::store db, std::string name_space) {
    auto const stopped = co_await db.list_runs(coffer::run_filter{name_space, true});
    for (auto const& job : stopped) {
        std::cout << coffer::to_text(job.job) << ": " << job.signature << '\n';
        co_await db.reopen_run(job.job);
    }
    co_return static_cast<int>(stopped.size());
}
//! [reopen]

struct docs_journal : testing::Test {
    asio::io_context io;
    coffer::testing::virtual_time time{io};
    coffer::memory_store db;
    app_database app;

    docs_journal() { sends = 0; }
    template <class T>
    void run(coffer::awaitable<T> coroutine, std::function<void(std::exception_ptr, T)> then) {
        asio::co_spawn(io, std::move(coroutine), std::move(then));
        time.run();
    }
};

TEST_F(docs_journal, a_run_pays_for_its_steps_once) {
    for (int i = 0; i < 2; ++i) {
        std::exception_ptr thrown;
        asio::co_spawn(io, report(db, somebody(db), app), [&](std::exception_ptr e) { thrown = e; });
        time.run();
        EXPECT_EQ(thrown != nullptr, i == 1) << "the second run is told that it is done";
    }
    EXPECT_EQ(sends, 2);
    EXPECT_EQ(app.saved, "an answer to a draft along an answer to an outline of the report");
}

TEST_F(docs_journal, a_job_that_cannot_be_saved_costs_nothing_and_waits_for_its_operator) {
    app.migrated = false;
    using enum coffer::queue_action;
    for (auto const expected : {retry_after, retry_after, retry_after, ask_operator})
        run<coffer::queue_action>(work_on(db, somebody(db), app, "acme"), [&](std::exception_ptr e, auto action) {
            EXPECT_EQ(e, nullptr);
            EXPECT_EQ(action, expected);
        });
    EXPECT_EQ(sends, 0);
    app.migrated = true;
    run<int>(reopen_all(db, "report"), [](std::exception_ptr, int count) { EXPECT_EQ(count, 1); });
    run<coffer::queue_action>(work_on(db, somebody(db), app, "acme"),
                              [](std::exception_ptr, auto action) { EXPECT_EQ(action, done); });
    EXPECT_EQ(sends, 1);
}

TEST_F(docs_journal, steps_may_run_at_the_same_time) {
    coffer::journal chapters{db, "book/1"};
    run<std::string>(both_chapters(chapters, somebody(db)), [](std::exception_ptr, std::string const& text) {
        EXPECT_EQ(text, "an answer to chapter onean answer to chapter two");
    });
    EXPECT_EQ(sends, 2);
}

}  // namespace
}  // namespace journal_page
