// SPDX-License-Identifier: BSL-1.0
// The rules of a job's runs, one after another.

#include <coffer/state/run_machine.hpp>

#include <gtest/gtest.h>

#include <cstdint>
#include <set>
#include <string>
#include <utility>
#include <vector>

namespace run_machine_test {
namespace {

using namespace std::chrono_literals;
using coffer::fault_kind;
using coffer::run_failure;
using coffer::run_state;

coffer::run_id run_number(int n) {
    coffer::run_id id{};
    id[0] = static_cast<std::uint8_t>(n);
    return id;
}
run_failure passing(bool unbilled) {
    run_failure f{"overloaded"};
    f.passing = true;
    f.unbilled = unbilled;
    return f;
}

/// One job's row, and a store's work around it.
struct desk {
    coffer::run_record row;
    std::chrono::steady_clock::time_point now{1000s};
    std::chrono::system_clock::time_point wall{1'000'000s};
    std::set<std::string> dead;
    coffer::run_limits limits{25, 3};
    coffer::run_changes changes;

    void pass(std::chrono::nanoseconds d) {
        now += std::chrono::duration_cast<std::chrono::steady_clock::duration>(d);
        wall += std::chrono::duration_cast<std::chrono::system_clock::duration>(d);
    }
    template <class Fn>
    auto apply(Fn fn) {
        coffer::run_machine m{row, {now, wall}, [this](auto const& owner) { return dead.contains(owner); }};
        auto result = fn(m);
        changes = m.changes();
        return result;
    }
    coffer::run_verdict begin(int n, std::string const& owner = "a") {
        coffer::run_request q;
        q.id = run_number(n);
        q.limits = limits;
        return apply([&](auto& m) { return m.begin(q, owner); });
    }
    auto note(int n, std::string const& step, std::chrono::nanoseconds lease = 15min) {
        return apply([&](auto& m) { return m.note(run_number(n), step, lease); });
    }
    auto fail(int n, run_failure const& f) {
        return apply([&](auto& m) { return m.fail(run_number(n), f); });
    }
    auto fail(int n, std::string signature) { return fail(n, run_failure{std::move(signature)}); }
    auto finish() {
        return apply([](auto& m) { return m.finish(); });
    }
    auto reopen() {
        return apply([](auto& m) { return m.reopen(); });
    }
    /// A whole run that fails.
    void failing_run(int n, std::string const& signature = "save failed") {
        ASSERT_TRUE(std::holds_alternative<coffer::run_begun>(begin(n)));
        ASSERT_TRUE(fail(n, signature));
    }
};

template <class T>
bool is(coffer::run_verdict const& v) {
    return std::holds_alternative<T>(v);
}
std::string code(coffer::outcome<void> const& o) {
    return o ? "" : std::string{o.error().code().empty() ? to_string(o.error().kind()) : o.error().code()};
}

TEST(run_machine, a_run_begins_notes_its_steps_and_ends) {
    desk d;
    auto const v = d.begin(1);
    ASSERT_TRUE(is<coffer::run_begun>(v));
    EXPECT_EQ(std::get<coffer::run_begun>(v).number, 1);
    EXPECT_TRUE(d.note(1, "outline"));
    EXPECT_TRUE(d.note(1, "draft"));
    EXPECT_TRUE(d.note(1, "outline"));
    EXPECT_FALSE(d.changes.step) << "it is known";
    EXPECT_EQ(d.row.steps, (std::vector<std::string>{"outline", "draft"}));
    EXPECT_TRUE(d.finish());
    EXPECT_TRUE(is<coffer::run_done>(d.begin(2)));
}

TEST(run_machine, two_runs_at_once_are_one_too_many) {
    desk d;
    (void)d.begin(1);
    d.pass(5min);
    auto const v = d.begin(2);
    ASSERT_TRUE(is<coffer::run_under_way>(v));
    EXPECT_EQ(std::get<coffer::run_under_way>(v).hint, 10min);
    EXPECT_FALSE(d.changes.any());
    EXPECT_EQ(code(d.note(2, "outline")), "run_lost");
    EXPECT_EQ(code(d.fail(2, "x")), "run_lost");
}

TEST(run_machine, each_operation_may_be_submitted_twice) {
    desk d;
    (void)d.begin(1);
    auto const again = d.begin(1);
    ASSERT_TRUE(is<coffer::run_begun>(again));
    EXPECT_EQ(std::get<coffer::run_begun>(again).number, 1);
    EXPECT_TRUE(d.note(1, "a"));
    EXPECT_TRUE(d.note(1, "a"));
    EXPECT_TRUE(d.fail(1, "x"));
    EXPECT_TRUE(d.fail(1, "x"));
    EXPECT_EQ(d.row.same_failures, 1);
    EXPECT_EQ(code(d.note(1, "b")), "run_over");
    (void)d.begin(2);
    EXPECT_TRUE(d.finish());
    EXPECT_TRUE(d.finish());
    EXPECT_TRUE(d.fail(2, "x")) << "it is done all the same";
    EXPECT_EQ(d.row.state, run_state::done);
}

TEST(run_machine, a_job_that_fails_three_times_in_one_way_is_stopped) {
    desk d;
    for (int n = 1; n <= 3; ++n) d.failing_run(n);
    auto const v = d.begin(4);
    ASSERT_TRUE(is<coffer::run_stopped>(v));
    auto const& s = std::get<coffer::run_stopped>(v);
    EXPECT_TRUE(s.same_failure);
    EXPECT_EQ(s.same_failures, 3);
    EXPECT_EQ(s.signature, "save failed");
    EXPECT_TRUE(is<coffer::run_stopped>(d.begin(5)));
    EXPECT_EQ(d.row.begun, 3);
}

TEST(run_machine, another_failure_in_between_begins_the_count_anew) {
    desk d;
    d.failing_run(1, "a");
    d.failing_run(2, "a");
    d.failing_run(3, "b");
    d.failing_run(4, "a");
    d.failing_run(5, "a");
    EXPECT_TRUE(is<coffer::run_begun>(d.begin(6)));
}

TEST(run_machine, what_passes_is_no_failure_of_the_job_and_no_run_if_it_was_free) {
    desk d;
    d.limits.max_runs = 3;
    d.failing_run(1, "a");
    d.failing_run(2, "b");
    for (int n = 3; n < 50; ++n) {
        ASSERT_TRUE(is<coffer::run_begun>(d.begin(n))) << n;
        ASSERT_TRUE(d.fail(n, passing(true)));
    }
    EXPECT_EQ(d.row.counted, 2);
    EXPECT_EQ(d.row.signature, "b");
    (void)d.begin(50);
    (void)d.fail(50, passing(false));
    auto const v = d.begin(51);
    ASSERT_TRUE(is<coffer::run_stopped>(v)) << "a run that may have been billed counts";
    EXPECT_FALSE(std::get<coffer::run_stopped>(v).same_failure);
    EXPECT_EQ(std::get<coffer::run_stopped>(v).counted, 3);
}

TEST(run_machine, what_passes_does_not_break_a_row_of_the_same_failure) {
    desk d;
    d.failing_run(1);
    d.failing_run(2);
    (void)d.begin(3);
    (void)d.fail(3, passing(true));
    d.failing_run(4);
    EXPECT_TRUE(is<coffer::run_stopped>(d.begin(5)));
}

TEST(run_machine, the_limits_are_those_of_who_asks) {
    desk d;
    for (int n = 1; n <= 3; ++n) d.failing_run(n);
    d.limits = {25, 4};
    EXPECT_TRUE(is<coffer::run_begun>(d.begin(4)));
    (void)d.fail(4, "x");
    d.limits = {4, 100};
    EXPECT_TRUE(is<coffer::run_stopped>(d.begin(5)));
    EXPECT_EQ(d.row.limits, (coffer::run_limits{4, 100})) << "what is listed as stopped follows who asked last";
}

TEST(run_machine, a_run_whose_process_died_did_not_end) {
    desk d;
    for (int n = 1; n <= 3; ++n) {
        ASSERT_TRUE(is<coffer::run_begun>(d.begin(n, "process " + std::to_string(n))));
        d.dead.insert("process " + std::to_string(n));
    }
    auto const v = d.begin(4);
    ASSERT_TRUE(is<coffer::run_stopped>(v));
    EXPECT_EQ(std::get<coffer::run_stopped>(v).signature, "did not end");
}

TEST(run_machine, a_run_that_begins_no_step_for_long_may_be_taken_over) {
    desk d;
    (void)d.begin(1);
    (void)d.note(1, "a", 1h);
    (void)d.note(1, "b", 1min);
    d.pass(59min);
    EXPECT_TRUE(is<coffer::run_under_way>(d.begin(2)));
    d.pass(1min);
    EXPECT_TRUE(is<coffer::run_begun>(d.begin(2)));
    EXPECT_EQ(code(d.note(1, "c")), "run_lost");
    EXPECT_EQ(code(d.fail(1, "late")), "run_lost");
    EXPECT_EQ(d.row.same_failures, 1);
    EXPECT_TRUE(d.finish()) << "whoever brings the results home has done the job";
    EXPECT_EQ(d.row.state, run_state::done);
}

TEST(run_machine, an_operator_reopens_a_stopped_job) {
    desk d;
    EXPECT_EQ(code(d.reopen()), "permanent");
    for (int n = 1; n <= 3; ++n) d.failing_run(n);
    ASSERT_TRUE(is<coffer::run_stopped>(d.begin(4)));
    EXPECT_TRUE(d.reopen());
    EXPECT_TRUE(d.reopen());
    for (int n = 5; n <= 7; ++n) d.failing_run(n);
    EXPECT_TRUE(is<coffer::run_stopped>(d.begin(8))) << "it failed three times more";
    EXPECT_EQ(d.row.begun, 6) << "of all time";
    (void)d.reopen();
    (void)d.begin(9);
    (void)d.finish();
    EXPECT_EQ(code(d.reopen()), "permanent") << "it is done";
}

TEST(run_machine, reopening_under_a_living_run_leaves_it_alone) {
    desk d;
    (void)d.begin(1);
    EXPECT_TRUE(d.reopen());
    EXPECT_EQ(d.row.state, run_state::running);
    EXPECT_TRUE(d.note(1, "a"));
    EXPECT_TRUE(d.fail(1, passing(true)));
    EXPECT_EQ(d.row.counted, 0);
}

TEST(run_machine, a_done_job_is_forgotten_after_a_while_and_an_unfinished_one_later) {
    desk d;
    d.failing_run(1);
    (void)d.begin(2);
    (void)d.finish();
    d.pass(24h * 30 - 1s);
    EXPECT_TRUE(is<coffer::run_done>(d.begin(3)));
    d.pass(1s);
    EXPECT_TRUE(is<coffer::run_begun>(d.begin(3)));
    EXPECT_TRUE(d.changes.gone && d.changes.row) << "the old row goes, another one comes";
    EXPECT_EQ(d.row.begun, 1);
    (void)d.fail(3, "x");
    d.pass(24h * 60);
    EXPECT_TRUE(d.apply([](auto& m) { return m.changes(); }).gone);
}

TEST(run_machine, a_stopped_job_that_is_asked_for_stays_stopped) {
    desk d;
    for (int n = 1; n <= 3; ++n) d.failing_run(n);
    for (int day = 0; day < 200; ++day) {
        d.pass(24h);
        ASSERT_TRUE(is<coffer::run_stopped>(d.begin(100 + day))) << day;
    }
}

TEST(run_machine, a_row_does_not_expire_under_a_living_run) {
    desk d;
    (void)d.begin(1);
    (void)d.note(1, "long", 24h * 90);
    d.pass(24h * 61);
    EXPECT_TRUE(d.note(1, "next"));
    d.pass(24h * 62);
    d.dead.insert("a");
    EXPECT_EQ(code(d.note(1, "more")), "run_lost") << "the row is gone";
}

TEST(run_machine, a_look_shows_what_the_next_run_would_find) {
    desk d;
    d.limits.same_failure = 1;
    (void)d.begin(1);
    d.dead.insert("a");
    auto copy = d.row;
    coffer::run_machine m{copy, {d.now, d.wall}, [](auto const&) { return true; }};
    m.show_as_it_is();
    EXPECT_EQ(copy.state, run_state::idle);
    EXPECT_TRUE(copy.is_stopped(copy.limits));
    EXPECT_EQ(copy.signature, "did not end");
}

}  // namespace
}  // namespace run_machine_test
