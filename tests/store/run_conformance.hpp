// SPDX-License-Identifier: BSL-1.0
#pragma once
// What every store has to do for the runs of jobs. Part of the conformance suite (conformance.hpp).

#include "store/runs_in.hpp"
#include "store/store_world.hpp"

#include <gtest/gtest.h>

#include <string>
#include <vector>

namespace store_test {

using coffer::run_state;

TEST_P(conformance, a_run_begins_notes_steps_and_is_done) {
    runs_in runs{w};
    EXPECT_EQ(runs.peek(), nullptr);
    ASSERT_TRUE(is_run<coffer::run_begun>(runs.begin(1)));
    EXPECT_TRUE(runs.note(1, "outline"));
    EXPECT_TRUE(runs.note(1, "draft"));
    EXPECT_TRUE(runs.note(1, "outline"));
    auto const r = runs.peek();
    ASSERT_NE(r, nullptr);
    EXPECT_EQ(r->state, run_state::running);
    EXPECT_EQ(r->steps, (std::vector<std::string>{"outline", "draft"}));
    EXPECT_EQ(r->limits, runs.limits);
    EXPECT_EQ(r->created, w.sim.time.clock()->wall_now());
    EXPECT_TRUE(runs.finish());
    EXPECT_TRUE(runs.finish());
    EXPECT_EQ(runs.peek()->steps.size(), 2U);
    EXPECT_TRUE(is_run<coffer::run_done>(runs.begin(2)));
}

TEST_P(conformance, a_done_job_and_its_acknowledged_answers_are_one_step) {
    runs_in runs{w};
    w.finish(1, "paid");
    auto const missing = w.backend().id_of(coffer::key{"k", "of nobody"});
    EXPECT_EQ(refusal(runs.finish({w.id()})), "permanent") << "no run of it is known";
    EXPECT_EQ(w.peek()->state, record_state::done) << "so no answer goes";
    (void)runs.begin(1);
    for (int times = 0; times < 2; ++times) {
        auto const left = runs.finish({missing, w.id()}, times);
        ASSERT_TRUE(left);
        EXPECT_EQ(*left, std::vector{missing});
        EXPECT_EQ(runs.peek()->state, run_state::done);
        EXPECT_EQ(w.peek()->state, record_state::acked);
    }
    EXPECT_EQ(w.list().size(), 1U) << "what is not there stays so";
    EXPECT_TRUE(is_run<coffer::run_done>(runs.begin(2)));
}

TEST_P(conformance, names_of_steps_are_any_text) {
    runs_in runs{w};
    (void)runs.begin(1);
    std::vector<std::string> const names{"", "a'b\"c", std::string{"nul\0in it", 9}, "\xc3\xa4\xff", "A", "a"};
    for (auto const& name : names) ASSERT_TRUE(runs.note(1, name));
    EXPECT_EQ(runs.peek()->steps, names);
}

TEST_P(conformance, runs_are_apart_from_the_record_of_the_same_key) {
    runs_in runs{w};
    w.finish(1, "paid");
    coffer::run_request q;
    q.id = claim_number(1);
    EXPECT_TRUE(is_run<coffer::run_begun>(w.get(w.backend().begin_run(w.id(), q))));
    EXPECT_EQ(w.peek()->state, record_state::done);
    EXPECT_EQ(w.list().size(), 1U);
    EXPECT_EQ(runs.list().size(), 1U);
}

TEST_P(conformance, what_is_known_of_a_job_is_seen_by_every_process) {
    runs_in runs{w};
    runs.failing_run(1, "a");
    runs.failing_run(2, "b");
    (void)runs.begin(3, 1);
    (void)runs.note(3, "draft", 1);
    for (int p : {0, 1}) {
        auto const r = runs.peek(p);
        ASSERT_NE(r, nullptr);
        EXPECT_EQ(r->state, run_state::running);
        EXPECT_EQ(r->begun, 3);
        EXPECT_EQ(r->counted, 3);
        EXPECT_EQ(r->same_failures, 1);
        EXPECT_EQ(r->signature, "b");
        EXPECT_EQ(r->run, claim_number(3));
    }
    auto const v = runs.begin(4, 0);
    ASSERT_TRUE(is_run<coffer::run_under_way>(v));
    EXPECT_EQ(std::get<coffer::run_under_way>(*v).hint, 15min);
    EXPECT_EQ(refusal(runs.note(4, "x")), "run_lost");
    EXPECT_EQ(refusal(runs.fail(4, "x")), "run_lost");
}

TEST_P(conformance, every_operation_on_a_run_may_be_submitted_twice) {
    runs_in runs{w};
    EXPECT_EQ(std::get<coffer::run_begun>(*runs.begin(1)).number, 1);
    EXPECT_EQ(std::get<coffer::run_begun>(*runs.begin(1)).number, 1);
    EXPECT_TRUE(runs.fail(1, "x"));
    EXPECT_TRUE(runs.fail(1, "x"));
    EXPECT_EQ(runs.peek()->same_failures, 1);
    EXPECT_TRUE(runs.reopen());
    EXPECT_TRUE(runs.reopen());
    EXPECT_EQ(runs.peek()->counted, 0);
}

TEST_P(conformance, a_run_whose_process_died_did_not_end) {
    runs_in runs{w};
    (void)runs.begin(1, 1);
    EXPECT_TRUE(is_run<coffer::run_under_way>(runs.begin(2)));
    w.kill(1);
    EXPECT_EQ(runs.peek()->state, run_state::idle) << "a look sees it";
    EXPECT_EQ(runs.list()[0].signature, "did not end");
    auto const v = runs.begin(2);
    ASSERT_TRUE(is_run<coffer::run_begun>(v));
    EXPECT_EQ(std::get<coffer::run_begun>(*v).number, 2);
    EXPECT_EQ(runs.peek()->signature, "did not end");
    EXPECT_EQ(runs.peek()->same_failures, 1);
}

TEST_P(conformance, a_job_is_stopped_listed_and_reopened) {
    runs_in runs{w};
    for (int n = 1; n <= 3; ++n) {
        runs.failing_run(n);
        w.pass(1s);
    }
    runs.failing_run(11, "y", "other");
    auto const v = runs.begin(4);
    ASSERT_TRUE(is_run<coffer::run_stopped>(v));
    EXPECT_EQ(std::get<coffer::run_stopped>(*v).signature, "x");
    EXPECT_EQ(runs.list().size(), 2U);
    EXPECT_EQ(runs.list()[0].job, runs.id()) << "the oldest first";
    EXPECT_EQ(runs.list(coffer::run_filter{"elsewhere"}).size(), 0U);
    EXPECT_EQ(runs.list(coffer::run_filter{"report"}).size(), 2U);
    auto const stopped = runs.list(coffer::run_filter::stopped(), 1);
    ASSERT_EQ(stopped.size(), 1U);
    EXPECT_TRUE(stopped[0].stopped);
    EXPECT_EQ(stopped[0].job, runs.id());
    EXPECT_EQ(stopped[0].same_failures, 3);
    EXPECT_EQ(stopped[0].counted, 3);
    auto one = coffer::run_filter{};
    one.limit = 1;
    EXPECT_EQ(runs.list(one).size(), 1U);
    ASSERT_TRUE(runs.reopen(1));
    EXPECT_TRUE(runs.list(coffer::run_filter::stopped()).empty());
    EXPECT_TRUE(is_run<coffer::run_begun>(runs.begin(5)));
}

TEST_P(conformance, a_job_that_nobody_has_run_cannot_be_reopened_nor_done) {
    runs_in runs{w};
    EXPECT_EQ(refusal(runs.reopen()), "permanent");
    EXPECT_EQ(refusal(runs.finish()), "permanent");
    EXPECT_EQ(refusal(runs.note(1, "x")), "run_lost");
    EXPECT_EQ(runs.peek(), nullptr) << "and is not known for that";
    EXPECT_TRUE(runs.list().empty());
}

TEST_P(conformance, a_done_job_is_forgotten_in_time) {
    runs_in runs{w};
    (void)runs.begin(1);
    (void)runs.note(1, "old");
    (void)runs.finish();
    w.pass(24h * 29);
    EXPECT_TRUE(is_run<coffer::run_done>(runs.begin(2)));
    w.pass(24h * 2);
    EXPECT_EQ(runs.peek(), nullptr);
    EXPECT_TRUE(runs.list().empty());
    ASSERT_TRUE(is_run<coffer::run_begun>(runs.begin(2)));
    EXPECT_EQ(runs.peek()->begun, 1);
    EXPECT_TRUE(runs.peek()->steps.empty());
}

}  // namespace store_test
