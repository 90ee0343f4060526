// SPDX-License-Identifier: BSL-1.0
// A job of several paid steps: each is paid for once, whichever run sends it, and a job that cannot get done is stopped.

#include <coffer/base/disposition.hpp>
#include <coffer/call/describe.hpp>
#include <coffer/policy/budget.hpp>

#include "policy/support/jobs.hpp"
#include "policy/support/scripted_store.hpp"

#include <asio/experimental/awaitable_operators.hpp>

#include <gtest/gtest.h>

#include <memory>
#include <sstream>
#include <string>
#include <utility>
#include <vector>

namespace journal_test {
namespace {

using namespace std::chrono_literals;
using namespace coffer::literals;
using namespace asio::experimental::awaitable_operators;
using coffer::answer_origin;
using coffer::fault_kind;
using coffer::record_state;
using coffer::run_state;
using support::application;
using support::op;
using support::request;
using support::said;
using support::treatment;

struct journal_test : testing::Test {
    support::simulation sim;
    coffer::memory_store db;
    support::provider provider;
    application app;

    journal_test() {
        provider.otherwise([this] { return coffer::answer{"answer " + std::to_string(provider.count()), 200}; });
    }

    support::guarded ask(coffer::store const& s) {
        return coffer::pipeline{coffer::once{s}, coffer::retry{}}.wrap(provider.operation());
    }
    support::guarded ask() { return ask(db); }

    /// One run of the report, as a worker would make it.
    said report(coffer::journal_options o = {}, bool preflight = false, std::optional<coffer::store> s = std::nullopt) {
        auto const where = s.value_or(db);
        auto const body = [&](coffer::journal& run) -> coffer::awaitable<void> {
            if (preflight) run.preflight([this] { app.rehearse(); });
            co_await support::make_report(run, ask(where), app);
        };
        return sim.run(support::listen(coffer::run_job(where, "report/acme/42", o, body)));
    }
    template <class T>
    said hear(coffer::awaitable<T> coroutine) {
        return sim.run(support::listen(std::move(coroutine)));
    }

    coffer::key const job{"report", "acme/42"};
    std::shared_ptr<coffer::run_record const> runs() { return sim.run(db.peek_run(job)); }
    record_state state(std::string const& step) {
        auto const r = sim.run(db.peek(job.step(step)));
        return r ? r->state : record_state::free;
    }
};

// What a run pays ----------------------------------------------------------------------------------------------------

TEST_F(journal_test, a_step_is_paid_for_once_whichever_run_sends_it) {
    std::vector<std::string> first, second;
    auto const work = [&](int steps, std::vector<std::string>& got) -> coffer::awaitable<void> {
        coffer::journal const run{db, "report/acme/42"};
        for (int i = 0; i < steps; ++i)
            got.push_back(co_await run.step("step " + std::to_string(i), ask(), request{"prompt"}));
    };
    sim.run(work(2, first));
    sim.run(work(4, second));
    EXPECT_EQ(provider.count(), 4);
    ASSERT_EQ(second.size(), 4U);
    EXPECT_EQ((std::vector<std::string>{second[0], second[1]}), first);
}

TEST_F(journal_test, done_acknowledges_the_steps_and_later_runs_are_told) {
    app.migrated = true;
    EXPECT_TRUE(report().ok());
    EXPECT_EQ(app.saved, 1);
    for (auto const* const step : {"outline", "draft", "summary"}) EXPECT_EQ(state(step), record_state::acked);
    EXPECT_EQ(runs()->state, run_state::done);
    auto const again = report();
    ASSERT_TRUE(again.fault);
    EXPECT_EQ(again.fault->kind(), fault_kind::already_done);
    EXPECT_EQ(coffer::disposition(*again.fault).action, coffer::queue_action::done);
    EXPECT_EQ(app.saved, 1);
    EXPECT_EQ(provider.count(), 3);
}

TEST_F(journal_test, done_acknowledges_the_steps_of_earlier_runs_too) {
    auto const once_only = [&](std::string name, bool done) -> coffer::awaitable<void> {
        coffer::journal const run{db, job};
        (void)co_await run.step(name, ask(), request{"prompt"});
        if (done) co_await run.done();
    };
    sim.run(once_only("of an earlier program", false));
    sim.run(once_only("draft", true));
    EXPECT_EQ(state("of an earlier program"), record_state::acked);
    EXPECT_EQ(state("draft"), record_state::acked);
}

TEST_F(journal_test, done_leaves_an_earlier_runs_unfinished_step_as_it_is) {
    provider.fail(fault_kind::ambiguous).fail(fault_kind::ambiguous);
    auto const work = [&](std::string name, bool done) -> coffer::awaitable<void> {
        coffer::journal const run{db, job};
        (void)co_await run.try_step(name, ask(), request{"prompt"});
        if (done) co_await run.done();
    };
    sim.run(work("lost", false));
    sim.run(work("draft", true));
    EXPECT_EQ(state("lost"), record_state::unknown);
    EXPECT_EQ(runs()->state, run_state::done);
}

TEST_F(journal_test, done_twice_is_harmless_and_without_a_step_it_is_done_too) {
    auto const work = [&]() -> coffer::awaitable<void> {
        coffer::journal const run{db, job};
        co_await run.done();
        co_await run.done();
        coffer::journal const another{db, job};
        co_await another.done();
    };
    EXPECT_TRUE(hear(work()).ok());
    EXPECT_EQ(runs()->state, run_state::done);
}

// The storm ----------------------------------------------------------------------------------------------------------

TEST_F(journal_test, that_is_run_21_times_in_vain_bills_three_sends) {
    coffer::journal_options o;
    o.same_failure = 100;
    for (int run = 1; run <= 21; ++run) EXPECT_TRUE(report(o).thrown.starts_with("no such column")) << run;
    EXPECT_EQ(provider.count(), 3);
    EXPECT_EQ(runs()->begun, 21);
    app.migrated = true;
    EXPECT_TRUE(report(o).ok());
    EXPECT_EQ(provider.count(), 3);
    EXPECT_EQ(app.saved, 1);
}

TEST_F(journal_test, that_fails_three_times_in_one_way_is_stopped_until_it_is_reopened) {
    for (int run = 1; run <= 3; ++run) EXPECT_TRUE(report().thrown.starts_with("no such column")) << run;
    for (int run = 4; run <= 21; ++run) {
        auto const r = report();
        ASSERT_TRUE(r.fault) << run;
        EXPECT_EQ(r.fault->kind(), fault_kind::run_refused);
        EXPECT_EQ(r.fault->code(), "same_failure");
        EXPECT_EQ(coffer::disposition(*r.fault).action, coffer::queue_action::ask_operator);
        EXPECT_NE(r.fault->message().find("std::runtime_error"), std::string::npos) << r.fault->message();
        EXPECT_NE(r.fault->message().find("reopen"), std::string::npos) << r.fault->message();
    }
    EXPECT_EQ(runs()->begun, 3);
    EXPECT_EQ(provider.count(), 3);
    auto const stopped = sim.run(db.list_runs(coffer::run_filter::stopped()));
    ASSERT_EQ(stopped.size(), 1U);

    app.migrated = true;
    sim.run(db.reopen_run(stopped[0].job));
    EXPECT_TRUE(report().ok());
    EXPECT_EQ(provider.count(), 3);
    EXPECT_EQ(app.saved, 1);
}

TEST_F(journal_test, whose_preflight_fails_bills_nothing_before_the_migration) {
    coffer::journal_options o;
    o.same_failure = 100;
    for (int run = 1; run <= 21; ++run) {
        auto const r = report(o, true);
        ASSERT_TRUE(r.fault) << run;
        EXPECT_EQ(r.fault->kind(), fault_kind::preflight_failed);
    }
    EXPECT_EQ(provider.count(), 0);
    app.migrated = true;
    EXPECT_TRUE(report(o, true).ok());
    EXPECT_EQ(provider.count(), 3);
}

TEST_F(journal_test, whose_preflight_fails_is_stopped_like_any_other) {
    for (int run = 1; run <= 3; ++run) EXPECT_EQ(report({}, true).text(), "preflight_failed");
    EXPECT_EQ(report({}, true).text(), "run_refused");
    EXPECT_EQ(app.rehearsed, 3);
}

TEST_F(journal_test, that_is_run_too_often_is_stopped) {
    coffer::journal_options o;
    o.max_runs = 5;
    int number = 0;
    auto const work = [&]() -> coffer::awaitable<void> {
        auto const body = [&](coffer::journal& run) -> coffer::awaitable<void> {
            (void)co_await run.step("draft", ask(), request{"prompt"});
            throw std::runtime_error{std::string(static_cast<std::size_t>(++number), 'x')};  // never the same
        };
        co_await coffer::run_job(db, job, o, body);
    };
    for (int run = 1; run <= 5; ++run) EXPECT_FALSE(hear(work()).fault) << run;
    auto const r = hear(work());
    ASSERT_TRUE(r.fault);
    EXPECT_EQ(r.fault->kind(), fault_kind::run_refused);
    EXPECT_EQ(r.fault->code(), "max_runs");
    EXPECT_EQ(number, 5);
}

TEST_F(journal_test, goes_on_after_any_number_of_runs_that_a_brown_out_has_ended) {
    auto const work = [&]() -> coffer::awaitable<void> {
        coffer::journal const run{db, job};
        auto const impatient = coffer::pipeline{coffer::once{db}}.wrap(provider.operation());
        (void)co_await run.step("draft", impatient, request{"prompt"});
        co_await run.done();
    };
    for (int run = 1; run <= 100; ++run) provider.fail(fault_kind::overloaded);
    for (int run = 1; run <= 100; ++run) EXPECT_EQ(hear(work()).text(), "overloaded") << run;
    EXPECT_TRUE(hear(work()).ok());
}

/// Of a brown-out whose errors may have been billed, all that an operator resolves is the key.
TEST_F(journal_test, goes_on_after_a_brown_out_that_has_left_its_key_unresolved) {
    auto const work = [&]() -> coffer::awaitable<void> {
        coffer::journal const run{db, job};
        (void)co_await run.step("draft", ask(), request{"prompt"});
        co_await run.done();
    };
    provider.fail(fault_kind::ambiguous);
    provider.fail(fault_kind::ambiguous);
    EXPECT_EQ(hear(work()).text(), "ambiguous");
    for (int run = 2; run <= 30; ++run) ASSERT_EQ(hear(work()).text(), "unresolved") << run;
    EXPECT_EQ(provider.count(), 2);
    sim.run(db.resolve(job.step("draft"), coffer::grant_send{}));
    EXPECT_TRUE(hear(work()).ok()) << "nobody had to reopen the job";
    EXPECT_EQ(provider.count(), 3);
}

TEST_F(journal_test, goes_on_when_there_is_money_again) {
    auto const work = [&]() -> coffer::awaitable<void> {
        coffer::journal const run{db, job};
        coffer::budget const hour{db, {.scope = "team", .limit = 0.60_usd, .window = coffer::hourly}};
        auto const dear = coffer::describe(provider.operation()).estimate([](request const&) {
            return coffer::estimate{.cost = 0.60_usd};
        });
        auto const paid = coffer::pipeline{coffer::once{db}, hour}.wrap(dear);
        (void)co_await run.step("outline", paid, request{"outline"});
        (void)co_await run.step("draft", paid, request{"draft"});
        co_await run.done();
    };
    EXPECT_EQ(hear(work()).text(), "over_budget");
    for (int run = 2; run <= 30; ++run) ASSERT_EQ(hear(work()).text(), "over_budget") << run;
    sim.time.run_for(1h);
    EXPECT_TRUE(hear(work()).ok());
}

// Steps --------------------------------------------------------------------------------------------------------------

TEST_F(journal_test, runs_steps_at_the_same_time_and_names_make_them_independent_of_order) {
    auto const work = [&](bool other_way_round) -> coffer::awaitable<std::string> {
        coffer::journal const run{db, job};
        request const a{"a"};
        request const b{"b"};
        auto first = other_way_round ? run.step("b", ask(), b) : run.step("a", ask(), a);
        auto second = other_way_round ? run.step("a", ask(), a) : run.step("b", ask(), b);
        auto both = std::move(first) && std::move(second);
        auto const results = co_await std::move(both);
        co_return other_way_round ? std::get<1>(results) + std::get<0>(results)
                                  : std::get<0>(results) + std::get<1>(results);
    };
    auto const began = sim.time.now();
    auto const first = sim.run(work(false));
    EXPECT_EQ(sim.time.now() - began, 1s) << "they ran at the same time";
    EXPECT_EQ(sim.run(work(true)), first);
    EXPECT_EQ(provider.count(), 2);
    EXPECT_EQ(runs()->begun, 2) << "each run began once";
}

TEST_F(journal_test, keeps_an_rvalue_and_borrows_an_lvalue) {
    auto const work = [&]() -> coffer::awaitable<void> {
        coffer::journal const run{db, job};
        auto kept = run.step("kept", ask(), request{"a temporary"});
        request borrowed{"a variable"};
        auto other = run.step("borrowed", ask(), borrowed);
        (void)co_await std::move(kept);
        (void)co_await std::move(other);
        (void)co_await run.step({"at once", 2min}, ask(), request{"another"});
    };
    sim.run(work());
    auto const sends = provider.sends();
    ASSERT_EQ(sends.size(), 3U);
    EXPECT_EQ(sends[0].prompt, "a temporary");
    EXPECT_EQ(sends[1].prompt, "a variable");
    EXPECT_EQ(sends[2].prompt, "another");
}

TEST_F(journal_test, a_steps_coroutine_may_outlive_its_journal) {
    auto step = [&] {
        coffer::journal const run{db, job};
        return run.step("draft", ask(), request{"prompt"});
    }();
    EXPECT_TRUE(hear(std::move(step)).ok());
    EXPECT_EQ(runs()->signature, "ended without done(), after draft");
}

TEST_F(journal_test, a_step_has_its_own_key_tags_and_deadline) {
    coffer::journal_options o;
    o.step_deadline = 10min;
    o.deadline = 15min;
    coffer::journal run{db, "report/acme/42", o};
    run.tag("team", "search");
    auto const work = [&]() -> coffer::awaitable<void> {
        (void)co_await run.step("a", ask(), request{"x"});
        (void)co_await run.step({"b", 2min}, ask(), request{"x"});
        co_await coffer::sleep_for(10min - 2s);
        (void)co_await run.step("c", ask(), request{"x"});
    };
    auto const began = sim.time.now();
    sim.run(work());
    auto const& a = run.call_of("a");
    EXPECT_EQ(a.key(), job.step("a"));
    std::vector<std::pair<std::string, std::string>> const tags{{"job", "report"}, {"step", "a"}, {"team", "search"}};
    EXPECT_EQ(a.tags(), tags);
    EXPECT_EQ(a.deadline() - began, 10min);
    EXPECT_EQ(run.call_of("b").deadline() - began, 1s + 2min);
    EXPECT_EQ(run.call_of("c").deadline() - began, 15min) << "all of them together";
    EXPECT_EQ(a.origin(), answer_origin::sent);
    EXPECT_EQ(a.log().size(), 1U);
    EXPECT_THROW((void)run.call_of("d"), coffer::misuse);
}

TEST_F(journal_test, a_text_names_a_key_whose_namespace_is_its_first_part) {
    EXPECT_EQ((coffer::journal{db, "report/acme/42"}.job()), (coffer::key{"report", "acme/42"}));
    EXPECT_EQ((coffer::journal{db, std::string{"report"}}.job()), coffer::key{"report"});
    EXPECT_EQ((coffer::journal{db, coffer::key{"report", 7}}.job()), (coffer::key{"report", 7}));
    EXPECT_THROW((coffer::journal{db, "/acme"}), std::invalid_argument);
    EXPECT_THROW((coffer::journal{db, coffer::key::of_request(coffer::key{"faq"}, 1min)}), coffer::misuse);
}

TEST_F(journal_test, options_that_cannot_be_meant_are_refused) {
    auto const refused = [&](auto change) {
        coffer::journal_options o;
        change(o);
        EXPECT_THROW((coffer::journal{db, job, o}), std::invalid_argument);
    };
    refused([](auto& o) { o.max_runs = 0; });
    refused([](auto& o) { o.same_failure = 0; });
    refused([](auto& o) { o.step_deadline = 0s; });
    refused([](auto& o) { o.deadline = -1s; });
    refused([](auto& o) { o.lease = 0s; });
    refused([](auto& o) { o.acknowledged_kept = 1min; });
    refused([](auto& o) { o.unfinished_kept = 1min; });
}

TEST_F(journal_test, misuse_is_told_apart_from_faults) {
    auto const work = [&](auto what) -> coffer::awaitable<void> {
        coffer::journal run{db, job};
        (void)co_await run.step("draft", ask(), request{"prompt"});
        auto step = what(run);
        co_await std::move(step);
    };
    auto const text = [&](auto what) {
        (void)hear(db.reopen_run(job));
        auto const r = hear(work(what));
        return r.fault ? r.text() : r.thrown;
    };
    auto const again = [&](coffer::journal& run) -> coffer::awaitable<void> {
        (void)co_await run.step("draft", ask(), request{"prompt"});
    };
    EXPECT_NE(text(again).find("a step \"draft\" already"), std::string::npos);
    auto const unjournaled = [&](coffer::journal& run) -> coffer::awaitable<void> {
        auto const bare = coffer::pipeline{coffer::retry{}}.wrap(provider.operation());
        (void)co_await run.step("bare", bare, request{"prompt"});
    };
    EXPECT_NE(text(unjournaled).find("needs a pipeline with `once`"), std::string::npos);
    auto const too_late = [&](coffer::journal& run) -> coffer::awaitable<void> {
        run.preflight([] {});
        co_return;
    };
    EXPECT_NE(text(too_late).find("before the first step"), std::string::npos);
    auto const over = [&](coffer::journal& run) -> coffer::awaitable<void> {
        run.failed(coffer::fault{fault_kind::permanent});
        (void)co_await run.step("more", ask(), request{"prompt"});
    };
    EXPECT_NE(text(over).find("this run has ended"), std::string::npos);
    auto const done_after_all = [&](coffer::journal& run) -> coffer::awaitable<void> {
        run.failed(coffer::fault{fault_kind::permanent});
        co_await run.done();
    };
    EXPECT_NE(text(done_after_all).find("cannot be done as well"), std::string::npos);
    auto const under_way = [&](coffer::journal& run) -> coffer::awaitable<void> {
        auto const slow = sim.start(run.step("slow", ask(), request{"prompt"}));
        co_await coffer::sleep_for(1ms);
        co_await run.done();
    };
    auto const told = text(under_way);
    EXPECT_NE(told.find("\"slow\" is under way"), std::string::npos) << told;
    EXPECT_THROW((coffer::step_name{""}), std::invalid_argument);
}

TEST_F(journal_test, another_request_under_a_steps_name_is_named_field_by_field) {
    auto const work = [&](std::string prompt) -> coffer::awaitable<void> {
        coffer::journal const run{db, job};
        (void)co_await run.step("draft", ask(), request{prompt});
    };
    EXPECT_TRUE(hear(work("one")).ok());
    auto const r = hear(work("two"));
    ASSERT_TRUE(r.fault);
    EXPECT_EQ(r.fault->kind(), fault_kind::key_mismatch);
    EXPECT_EQ(runs()->signature, "key_mismatch, at draft");
}

// The preflight ------------------------------------------------------------------------------------------------------

TEST_F(journal_test, the_preflight_is_made_once_before_the_first_send) {
    int made = 0;
    int sends_before = -1;
    auto const work = [&](int steps) -> coffer::awaitable<void> {
        coffer::journal run{db, job};
        auto const check = [&]() -> coffer::awaitable<void> {
            ++made;
            sends_before = provider.count();
            co_await coffer::sleep_for(1s);
        };
        run.preflight(check);
        auto many = run.step("a", ask(), request{"a"}) && run.step("b", ask(), request{"b"});
        (void)co_await std::move(many);
        for (int i = 0; i < steps; ++i) (void)co_await run.step("more " + std::to_string(i), ask(), request{"c"});
    };
    sim.run(work(1));
    EXPECT_EQ(made, 1);
    EXPECT_EQ(sends_before, 0);
    EXPECT_EQ(provider.count(), 3);
    sim.run(work(1));
    EXPECT_EQ(made, 1) << "what is replayed needs none";
    sim.run(work(2));
    EXPECT_EQ(made, 2);
    EXPECT_EQ(sends_before, 3);
}

TEST_F(journal_test, a_preflight_that_failed_has_failed_for_the_whole_run_and_names_its_cause) {
    int made = 0;
    coffer::journal run{db, job};
    run.preflight([&] {
        ++made;
        throw std::runtime_error{"the disk is full"};
    });
    auto const work = [&]() -> coffer::awaitable<std::vector<coffer::fault>> {
        std::vector<coffer::fault> faults;
        for (std::string const name : {"a", "b"}) {
            auto const r = co_await run.try_step(name, ask(), request{"x"});
            if (!r) faults.push_back(r.error());
        }
        co_return faults;
    };
    auto const faults = sim.run(work());
    ASSERT_EQ(faults.size(), 2U);
    for (auto const& f : faults) {
        EXPECT_EQ(f.kind(), fault_kind::preflight_failed);
        EXPECT_NE(f.message().find("the disk is full"), std::string::npos);
        EXPECT_EQ(f.billing(), coffer::knowledge::no);
        EXPECT_THROW(std::rethrow_exception(f.cause()), std::runtime_error);
    }
    EXPECT_EQ(made, 1);
    EXPECT_EQ(provider.count(), 0);
}

TEST_F(journal_test, a_preflight_that_was_cancelled_is_made_by_another_step) {
    int made = 0;
    coffer::journal run{db, job};
    run.preflight([&]() -> coffer::awaitable<void> {
        ++made;
        co_await coffer::sleep_for(10s);
    });
    auto const first = sim.start(support::listen(run.step("a", ask(), request{"a"})));
    auto const second = sim.start(support::listen(run.step("b", ask(), request{"b"})));
    sim.cancel_after(3s, first);
    sim.time.run();
    EXPECT_EQ(first.get().text(), "cancelled");
    EXPECT_TRUE(second.get().ok()) << second.get().text();
    EXPECT_EQ(made, 2);
    EXPECT_EQ(provider.count(), 1);
}

// How runs end -------------------------------------------------------------------------------------------------------

TEST_F(journal_test, two_runs_at_once_are_one_too_many) {
    coffer::journal const first{db, job};
    EXPECT_TRUE(hear(first.step("a", ask(), request{"a"})).ok());
    {
        auto const elsewhere = db.another_process();
        coffer::journal const second{elsewhere, job};
        auto const r = hear(second.step("b", ask(elsewhere), request{"b"}));
        ASSERT_TRUE(r.fault);
        EXPECT_EQ(r.fault->kind(), fault_kind::in_progress);
        EXPECT_TRUE(r.fault->retry_after());
        EXPECT_EQ(hear(second.step("c", ask(elsewhere), request{"c"})).text(), "in_progress");
    }
    EXPECT_EQ(runs()->state, run_state::running) << "the second one had nothing to end";
    EXPECT_TRUE(hear(first.step("b", ask(), request{"b"})).ok());
    EXPECT_TRUE(hear(first.done()).ok());
}

TEST_F(journal_test, a_run_that_was_taken_over_sends_nothing_more) {
    auto const elsewhere = db.another_process();
    coffer::journal const stalled{elsewhere, job};
    EXPECT_TRUE(hear(stalled.step("a", ask(elsewhere), request{"a"})).ok());
    sim.time.run_for(1h);
    coffer::journal const next{db, job};
    EXPECT_TRUE(hear(next.step("a", ask(), request{"a"})).ok());
    auto const r = hear(stalled.step("b", ask(elsewhere), request{"b"}));
    ASSERT_TRUE(r.fault);
    EXPECT_EQ(r.fault->code(), "run_lost");
    EXPECT_EQ(provider.count(), 1);
}

TEST_F(journal_test, a_run_without_done_has_failed_with_its_last_fault) {
    auto const signature = [&](auto work) {
        (void)hear(work());
        return runs()->signature;
    };
    auto const left = [&]() -> coffer::awaitable<void> {
        coffer::journal const run{db, job};
        (void)co_await run.step("draft", ask(), request{"prompt"});
    };
    EXPECT_EQ(signature(left), "ended without done(), after draft");
    provider.fail(coffer::fault{fault_kind::invalid_request}.with_status(400));
    auto const refused = [&]() -> coffer::awaitable<void> {
        coffer::journal const run{db, job};
        (void)co_await run.step("draft", ask(), request{"prompt"});
        (void)co_await run.step("wrong", ask(), request{"prompt"});
    };
    EXPECT_EQ(signature(refused), "invalid_request, status 400, at wrong");
    EXPECT_EQ(runs()->state, run_state::idle);
}

TEST_F(journal_test, a_run_whose_process_died_did_not_end) {
    auto const process = db.another_process();
    coffer::journal const run{process, job};
    EXPECT_TRUE(hear(run.step("a", ask(process), request{"a"})).ok());
    process.declare_dead();
    EXPECT_EQ(report().thrown.substr(0, 14), "no such column");
    EXPECT_EQ(runs()->begun, 2);
    EXPECT_EQ(runs()->same_failures, 1);
}

TEST_F(journal_test, run_job_throws_the_first_of_several_exceptions) {
    provider.fail(coffer::fault{fault_kind::invalid_request}).fail(fault_kind::content_policy);
    auto const body = [&](coffer::journal& run) -> coffer::awaitable<void> {
        auto both = run.step("a", ask(), request{"a"}) && run.step("b", ask(), request{"b"});
        (void)co_await std::move(both);
    };
    EXPECT_EQ(hear(coffer::run_job(db, job, {}, body)).text(), "invalid_request");
    EXPECT_EQ(runs()->signature, "invalid_request, at a");
}

TEST_F(journal_test, a_run_whose_context_goes_is_no_failure_of_the_job) {
    auto const work = [&]() -> coffer::awaitable<void> {
        coffer::journal const run{db, job};
        (void)co_await run.step("slow", ask(), request{"prompt"});
    };
    {
        asio::io_context short_lived;
        coffer::clock_service::of(short_lived.get_executor()).install(sim.time.clock());
        asio::co_spawn(short_lived, work(), asio::detached);
        short_lived.poll();
    }
    auto const left = runs();
    ASSERT_NE(left, nullptr);
    EXPECT_EQ(left->state, run_state::idle);
    EXPECT_EQ(left->same_failures, 0);
    EXPECT_EQ(left->counted, 1) << "it may have been billed";
}

TEST_F(journal_test, run_job_gives_what_the_body_gives) {
    auto const body = [&](coffer::journal& run) -> coffer::awaitable<std::string> {
        co_return co_await run.step("draft", ask(), request{"prompt"});
    };
    EXPECT_EQ(sim.run(coffer::run_job(db, job, {}, body)), "answer 1");
    EXPECT_EQ(runs()->state, run_state::done);
}

TEST_F(journal_test, a_job_that_fails_before_its_first_step_leaves_no_trace) {
    auto const body = [&](coffer::journal&) -> coffer::awaitable<void> {
        throw std::runtime_error{"no input"};
        co_return;
    };
    for (int run = 0; run < 5; ++run) EXPECT_EQ(hear(coffer::run_job(db, job, {}, body)).thrown, "no input");
    EXPECT_EQ(runs(), nullptr);
}

TEST_F(journal_test, leaving_a_step_before_its_call_sends_nothing) {
    support::scripted_store const slow{db, sim.executor()};
    slow.always(op::begin_run, treatment::kind::carried_out, 10s);
    coffer::journal const run{slow, job};
    auto const r = sim.start(support::listen(run.step("a", ask(slow), request{"a"})));
    sim.cancel_after(3s, r);
    sim.time.run();
    EXPECT_EQ(r.get().text(), "cancelled");
    auto const late = sim.start(support::listen(run.step({"b", 1s}, ask(slow), request{"b"})));
    sim.time.run();
    EXPECT_TRUE(late.get().ok()) << "the run has begun by now: " << late.get().text();
    coffer::journal const another{slow, coffer::key{"report", "other"}};
    auto const out_of_time = sim.start(support::listen(another.step({"b", 1s}, ask(slow), request{"b"})));
    sim.time.run();
    EXPECT_EQ(out_of_time.get().text(), "deadline_exceeded");
    EXPECT_EQ(provider.count(), 1);
}

// When the store has bad days ----------------------------------------------------------------------------------------

TEST_F(journal_test, survives_lost_replies) {
    app.migrated = true;
    for (auto const which : {op::begin_run, op::note_step, op::end_run}) {
        support::scripted_store const shaky{db, sim.executor()};
        shaky.once(which, treatment::kind::reply_lost);
        auto const name = "report/" + std::to_string(static_cast<int>(which));
        auto const body = [&](coffer::journal& run) -> coffer::awaitable<void> {
            co_await support::make_report(run, ask(shaky), app);
        };
        auto const r = hear(coffer::run_job(shaky, name, {}, body));
        EXPECT_TRUE(r.ok()) << r.text();
        auto const left = sim.run(db.peek_run(coffer::job_name{name}.key()));
        ASSERT_NE(left, nullptr);
        EXPECT_EQ(left->state, run_state::done);
        EXPECT_EQ(left->begun, 1);
    }
}

TEST_F(journal_test, sends_nothing_while_the_store_is_out_of_order_and_does_not_hold_it_against_the_job) {
    support::scripted_store const broken{db, sim.executor()};
    for (auto const which : {op::begin_run, op::note_step}) {
        broken.always(which, treatment::kind::fails);
        for (int run = 0; run < 30; ++run) EXPECT_EQ(report({}, false, broken).text(), "store_unavailable");
    }
    EXPECT_EQ(provider.count(), 0);
    broken.always(op::other, treatment::kind::fails);  // peek
    EXPECT_EQ(report({}, true, broken).text(), "store_unavailable");
    EXPECT_EQ(provider.count(), 0);
    app.migrated = true;
    broken.always(op::end_run, treatment::kind::fails);
    EXPECT_EQ(report({}, false, broken).text(), "store_unavailable") << "saved, but not done";
    EXPECT_EQ(app.saved, 1);
    db.backend()->bind(sim.time.clock());
    EXPECT_EQ(runs()->same_failures, 0);
}

TEST_F(journal_test, done_may_be_repeated_when_the_store_has_failed) {
    support::scripted_store const broken{db, sim.executor()};
    coffer::journal const run{broken, job};
    EXPECT_TRUE(hear(run.step("a", ask(broken), request{"a"})).ok());
    broken.always(op::end_run, treatment::kind::fails);
    EXPECT_EQ(hear(run.done()).text(), "store_unavailable");
    broken.script().play({});
    EXPECT_TRUE(hear(run.done()).ok());
    EXPECT_EQ(runs()->state, run_state::done);
}

TEST_F(journal_test, done_tells_of_a_step_that_is_past_acknowledging_and_the_job_is_done) {
    coffer::journal const run{db, job};
    EXPECT_TRUE(hear(run.step("a", ask(), request{"a"})).ok());
    EXPECT_TRUE(hear(coffer::sleep_for(31 * 24h)).ok());
    for (int times = 0; times < 2; ++times) EXPECT_EQ(hear(run.done()).text(), "result_expired");
    EXPECT_EQ(runs()->state, run_state::done);
    coffer::journal const another{db, job};
    EXPECT_EQ(hear(another.step("a", ask(), request{"a"})).text(), "already_done");
    EXPECT_EQ(provider.count(), 1);
}

// The report ---------------------------------------------------------------------------------------------------------

TEST_F(journal_test, reports_what_the_run_did_and_cost) {
    auto const first = [&]() -> coffer::awaitable<void> {
        coffer::journal const run{db, job};
        (void)co_await run.step("outline", ask(), request{"a"});
    };
    sim.run(first());
    provider.fail(fault_kind::overloaded).answer("good").fail(fault_kind::ambiguous).fail(fault_kind::ambiguous);
    coffer::journal const run{db, job};
    auto const second = [&]() -> coffer::awaitable<void> {
        (void)co_await run.step("outline", ask(), request{"a"});
        (void)co_await run.step("draft", ask(), request{"b"});
        (void)co_await run.try_step("summary", ask(), request{"c"});
    };
    sim.run(second());
    auto const r = run.report();
    EXPECT_EQ(r.number, 2);
    ASSERT_EQ(r.steps.size(), 3U);
    EXPECT_EQ(r.steps[0].origin, answer_origin::replayed);
    EXPECT_EQ(r.attempts(), 4);
    EXPECT_EQ(r.known_cost(), 0.01_usd);
    EXPECT_EQ(r.unknown_costs(), 1);
    EXPECT_FALSE(r.cost());
    std::ostringstream out;
    out << r;
    EXPECT_EQ(out.str(),
              "step     answer     attempts  cost\n"
              "outline  replayed   0         $0.000000000\n"
              "draft    sent       2         $0.010000000\n"
              "summary  ambiguous  2         unknown\n"
              "run 2               4         $0.010000000 and what 1 step of unknown cost came to\n");
}

TEST_F(journal_test, reports_steps_that_are_under_way) {
    coffer::journal const run{db, job};
    EXPECT_EQ(run.report().number, 0);
    auto const r = sim.start(run.step("slow", ask(), request{"a"}));
    sim.time.run_for(500ms);
    auto const so_far = run.report();
    ASSERT_EQ(so_far.steps.size(), 1U);
    EXPECT_FALSE(so_far.steps[0].over);
    EXPECT_FALSE(so_far.cost());
    EXPECT_THROW((void)run.call_of("slow"), coffer::misuse);
    sim.time.run();
    EXPECT_EQ(run.report().cost(), 0.01_usd);
}

}  // namespace
}  // namespace journal_test
