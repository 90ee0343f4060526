// SPDX-License-Identifier: BSL-1.0
// jobs and reopen: jobs that are run as programs run them, and what an operator sees of them and does.

#include <coffer/call/describe.hpp>
#include <coffer/call/pipeline.hpp>
#include <coffer/policy/journal.hpp>
#include <coffer/policy/once.hpp>
#include <coffer/store/record_text.hpp>

#include "store/real_store.hpp"
#include "tools/coffer/page.hpp"
#include "tools/coffer/run_command.hpp"

#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

#include <asio/io_context.hpp>

#include <exception>
#include <filesystem>
#include <sstream>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

namespace jobs_test {
namespace {

using namespace command_tests;
using json = nlohmann::json;
namespace fs = std::filesystem;

struct question {
    explicit question(std::string t) : text{std::move(t)} {}
    std::string text;
};
coffer::awaitable<std::string> ask_somebody(question const& q) { co_return "an answer to " + q.text; }
auto somebody(coffer::store const& db) {
    return coffer::pipeline{coffer::once{db}}.wrap(coffer::describe(&ask_somebody).fingerprint([](question const& q) {
        return coffer::fingerprint{}.with("text", q.text);
    }));
}

struct jobs : testing::Test {
    [[nodiscard]] std::string file() const { return s.file().string(); }
    [[nodiscard]] std::string name(std::string const& job, std::string const& ns = "report") const {
        return coffer::to_text(s.id(job, ns));
    }
    [[nodiscard]] said list(std::string const& more = {}) const { return run("jobs " + more + " " + file()); }
    [[nodiscard]] said reopen(std::string const& what) const { return run("reopen " + file() + " " + what); }

    /// A program that runs a job once, which cannot save its results, or can, and ends. What it was told.
    std::string run_job(std::string const& job, std::string const& trouble, std::string const& ns = "report",
                        int max_runs = 25) {
        s.close();  // the program's is the last handle: when it is gone, all is written
        auto told = run_once(coffer::key{ns, job}, trouble, max_runs);
        s.open();
        return told;
    }
    void stop(std::string const& job, std::string const& ns = "report") {
        for (int i = 0; i < 3; ++i) ASSERT_EQ(run_job(job, "no such column: body", ns), "no such column: body");
    }
    /// A run that has begun a step and is under way.
    void begin(std::string const& job) {
        coffer::run_request q;
        q.id = store_test::claim_number(1);
        ASSERT_TRUE(s.time.get(s.backend().begin_run(s.id(job), q)));
        for (auto const* const step : {"outline", "draft"})
            ASSERT_TRUE(s.time.get(s.backend().note_step({s.id(job), q.id}, step, std::chrono::minutes{15})));
    }
    store_test::real_store s;

private:
    std::string run_once(coffer::key const& job, std::string const& trouble, int max_runs) const {
        asio::io_context io;
        coffer::sqlite::store const db{s.file()};
        auto const ask = somebody(db);
        auto const body = [&](coffer::journal& run) -> coffer::awaitable<void> {
            (void)co_await run.step("draft", ask, question{"a draft"});
            if (!trouble.empty()) throw std::runtime_error{trouble};
        };
        coffer::journal_options o;
        o.max_runs = max_runs;
        std::exception_ptr thrown;
        asio::co_spawn(io, coffer::run_job(db, job, o, body), [&](std::exception_ptr e) { thrown = e; });
        io.run();
        try {
            if (thrown) std::rethrow_exception(thrown);
        } catch (std::exception const& e) {
            return e.what();
        }
        return {};
    }
};

std::vector<json> lines_of(std::string const& text) {
    std::vector<json> all;
    std::istringstream in{text};
    for (std::string line; std::getline(in, line);) all.push_back(json::parse(line));
    return all;
}

TEST_F(jobs, are_shown_as_their_runs_have_left_them) {
    EXPECT_EQ(run_job("done", ""), "");
    (void)run_job("failing", "out of paper");
    stop("stopped");
    (void)run_job("at its last run", "no luck", "report", 1);
    begin("running");
    auto const t = list();
    EXPECT_EQ(t.code, 0) << t.text;
    for (std::string const& part :
         {std::string{"done                  runs 1   counted 1 of 25  alike 0 of 3  steps 1 "},
          std::string{"failed                runs 1   counted 1 of 25  alike 1 of 3  steps 1 "},
          std::string{"STOPPED same_failure  runs 3   counted 3 of 25  alike 3 of 3  steps 1 "},
          std::string{"STOPPED max_runs      runs 1   counted 1 of 1   alike 1 of 3  steps 1 "},
          std::string{"running               runs 1   counted 1 of 25  alike 0 of 3  steps 2 "},
          "Z  " + name("done") + "\n", name("stopped") + "  last failure: std::runtime_error, message ",
          std::string{"\n5 jobs\n"}, "When the cause is mended: coffer reopen " + file() + " JOB\n"})
        EXPECT_TRUE(t.has(part)) << part << "\nin:\n" << t.text;
    auto const newest = t.text.find(name("running"));
    EXPECT_TRUE(t.text.find(name("done")) < newest && newest != std::string::npos) << "oldest first: " << t.text;
}

TEST_F(jobs, that_are_stopped_are_told_of_by_an_alarm_and_counted) {
    EXPECT_EQ(run("alarms --look " + file()).code, 0);
    stop("stopped");
    auto const look = run("alarms --look " + file());
    EXPECT_EQ(look.code, 5) << look.text;
    EXPECT_TRUE(look.has("stopped_job")) << look.text;
    EXPECT_TRUE(look.has(name("stopped") + " was stopped: 3 runs of it failed in the same way (std::runtime_error"))
        << look.text;
    EXPECT_EQ(look.text.find("no such column"), std::string::npos) << "what a program throws may hold anything";
    EXPECT_EQ(run("alarms --look " + file()).code, 0);
    auto const stats = run("stats " + file());
    EXPECT_TRUE(stats.has("stopped jobs    1 (coffer jobs --stopped)\n")) << stats.text;
    EXPECT_TRUE(stats.has("alarms          all delivered; looked for at 20")) << stats.text;
}

TEST_F(jobs, are_shown_as_on_the_page) {
    (void)run_job("failing", "out of paper");
    stop("stopped");
    EXPECT_EQ(alike(list().text), sample_alike("jobs"));
    EXPECT_EQ(reopen(name("stopped")).text, sample_alike("reopen"));
}

TEST_F(jobs, can_be_narrowed_down) {
    EXPECT_EQ(list().code, 3) << "there is none";
    stop("one");
    stop("two", "other");
    (void)run_job("failing", "out of paper");
    EXPECT_TRUE(list("--stopped").has("\n2 stopped jobs\n"));
    EXPECT_FALSE(list("--stopped").has(name("failing")));
    EXPECT_TRUE(list("--stopped --namespace other").has(name("two", "other")));
    EXPECT_TRUE(list("--stopped --namespace other").has("\n1 stopped job\n"));
    EXPECT_TRUE(list("--limit 1").has(name("one")));
    EXPECT_TRUE(list("--limit 1").has("\n1 job, as many as --limit allows\n"));
    EXPECT_EQ(list("--namespace nobody").code, 3);
}

TEST_F(jobs, for_programs_are_an_object_a_line) {
    stop("stopped");
    begin("running");
    auto const all = lines_of(run_for_output("jobs --json " + file()).text);
    ASSERT_EQ(all.size(), 2U);
    EXPECT_EQ(all[0].at("id"), name("stopped"));
    EXPECT_EQ(all[0].at("namespace"), "report");
    EXPECT_EQ(all[0].at("state"), "idle");
    EXPECT_EQ(all[0].at("stopped"), "same_failure");
    EXPECT_EQ(all[0].at("runs"), 3);
    EXPECT_EQ(all[0].at("same_failures"), 3);
    EXPECT_TRUE(all[0].at("last_failure").get<std::string>().starts_with("std::runtime_error"));
    EXPECT_EQ(all[1].at("state"), "running");
    EXPECT_EQ(all[1].at("stopped"), nullptr);
    EXPECT_EQ(all[1].at("last_failure"), nullptr);
    EXPECT_EQ(all[1].at("steps"), (json{"outline", "draft"}));
}

TEST_F(jobs, a_stopped_job_names_the_command_that_lets_it_go_on) {
    stop("it's");
    auto const refused = run_job("it's", "");
    auto const from = refused.find("`coffer reopen ");
    ASSERT_NE(from, std::string::npos) << refused;
    auto const line = refused.substr(from + 8, refused.find('`', from + 1) - from - 8);
    auto const t = run_shell(COFFER_COMMAND " " + line + " 2>&1");
    EXPECT_EQ(t.code, 0) << line << t.text;
    EXPECT_TRUE(t.has("reopened 1 of 1 job")) << t.text;
    EXPECT_EQ(list("--stopped").code, 3);
    EXPECT_EQ(run_job("it's", ""), "") << "it runs, and its step is paid for";
    EXPECT_EQ(store_test::intruder{s.file()}.number("SELECT count(*) FROM sends"), 1);
}

TEST_F(jobs, one_that_is_not_stopped_or_not_known_is_told_apart) {
    stop("stopped");
    EXPECT_EQ(run_job("done", ""), "");
    auto const some = reopen(name("stopped") + " " + name("done") + " " + name("never run"));
    EXPECT_EQ(some.code, 1) << some.text;
    for (auto const* const part : {"reopened 1 of 2 jobs", "this job is done; there is nothing to reopen"})
        EXPECT_TRUE(some.has(part)) << part << some.text;
    EXPECT_TRUE(some.has("no run of " + name("never run") + " is known in " + file())) << some.text;
    EXPECT_EQ(reopen(name("never run")).code, 3);
    EXPECT_EQ(reopen("other" + name("stopped").substr(6)).code, 3) << "the namespace is part of the name";
    auto const no = reopen("report:12");
    EXPECT_EQ(no.code, 2);
    EXPECT_TRUE(no.has("`coffer jobs` prints them")) << no.text;
    EXPECT_EQ(reopen("").code, 2);
    EXPECT_EQ(reopen(name("stopped") + " --all-stopped").code, 2);
}

TEST_F(jobs, many_are_shown_before_they_are_reopened) {
    stop("one");
    stop("two");
    stop("three", "other");
    (void)run_job("failing", "out of paper");
    auto const dry = reopen("--namespace report");
    EXPECT_EQ(dry.code, 0) << dry.text;
    EXPECT_TRUE(dry.has(name("one") + "  last failure: std::runtime_error, message ")) << dry.text;
    EXPECT_FALSE(dry.has(name("failing"))) << dry.text;
    EXPECT_TRUE(dry.has("would reopen 2 stopped jobs; nothing was changed. To do it, say --yes as well")) << dry.text;
    EXPECT_TRUE(list("--stopped").has("\n3 stopped jobs\n"));
    auto const t = reopen("--namespace report --yes");
    EXPECT_EQ(t.code, 0) << t.text;
    EXPECT_TRUE(t.has("reopened 2 of 2 jobs")) << t.text;
    EXPECT_TRUE(list().has("failed                runs 1   counted 1 of 25  alike 1 of 3")) << "left as it was";
    EXPECT_TRUE(reopen("--all-stopped --yes").has("reopened 1 of 1 job"));
    auto const none = reopen("--all-stopped --yes");
    EXPECT_EQ(none.code, 3);
    EXPECT_TRUE(none.has("no stopped job is like that")) << none.text;
}

TEST_F(jobs, listing_them_changes_nothing_and_needs_no_more_than_to_read) {
    stop("one");
    s.close();
    auto const before = store_test::bytes_of(s.file());
    fs::remove(file() + ".secret");
    fs::permissions(s.file(), fs::perms::owner_read);
    EXPECT_TRUE(list("--stopped").has("1 stopped job"));
    EXPECT_EQ(store_test::bytes_of(s.file()), before);
    EXPECT_FALSE(fs::exists(file() + ".secret"));
}

TEST_F(jobs, that_are_over_for_long_are_forgotten) {
    coffer::run_request q;
    q.id = store_test::claim_number(1);
    q.acknowledged_kept = std::chrono::nanoseconds{1};
    ASSERT_TRUE(s.time.get(s.backend().begin_run(s.id("over"), q)));
    ASSERT_TRUE(s.time.get(s.backend().finish_run(s.id("over"), {})));
    begin("running");
    EXPECT_TRUE(list().has("\n1 job\n")) << "its time is over";
    auto const t = run("gc " + file());
    EXPECT_EQ(t.code, 0) << t.text;
    EXPECT_TRUE(t.has("0 stored faults and 1 job forgotten; 0 bytes of answers gone")) << t.text;
    EXPECT_TRUE(run("gc " + file()).has(" and 0 jobs forgotten")) << t.text;
}

}  // namespace
}  // namespace jobs_test
