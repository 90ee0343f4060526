// SPDX-License-Identifier: BSL-1.0
#include <coffer/base/disposition.hpp>
#include <coffer/base/fault.hpp>
#include <coffer/base/outcome.hpp>

#include <gtest/gtest.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <set>
#include <sstream>
#include <string>
#include <thread>
#include <utility>
#include <vector>

namespace fault_test {
namespace {

using namespace coffer;
using namespace std::chrono_literals;
using enum fault_kind;
using enum knowledge;

static_assert(sizeof(fault) <= 64);

std::vector<fault_kind> all_kinds() {
    std::vector<fault_kind> kinds;
    for (std::size_t i = 0; i < fault_kind_count; ++i) kinds.push_back(static_cast<fault_kind>(i));
    return kinds;
}

bool own_kind(fault_kind k) { return k >= circuit_open; }

// The table ----------------------------------------------------------------------------------------------------------

static_assert(fault_kind_count == 34);

TEST(fault_table, has_a_row_for_every_kind_in_their_order) {
    std::set<std::string_view> names;
    for (auto const kind : all_kinds()) {
        EXPECT_EQ(row(kind).kind, kind);
        EXPECT_FALSE(row(kind).name.empty());
        EXPECT_TRUE(names.insert(row(kind).name).second) << "twice: " << row(kind).name;
        EXPECT_EQ(to_string(kind), row(kind).name);
    }
    EXPECT_EQ(to_string(not_sent), "not_sent");
    EXPECT_EQ(to_string(draining), "draining");
    EXPECT_EQ(to_string(run_refused), "run_refused");
    EXPECT_EQ(to_string(preflight_failed), "preflight_failed");
}

// The sentences of DESIGN §4 and the columns R, FB, X, $ of PROVIDERS §1, kind by kind.
TEST(fault_table, says_what_the_design_says_of_the_providers_kinds) {
    auto const same =
        std::set{not_sent, throttled, overloaded, transient, ambiguous, stale_credentials, broken_stream, timed_out};
    auto const other = std::set{not_sent,         throttled,     overloaded,        transient, ambiguous,
                                quota_exhausted,  unauthorized,  stale_credentials, forbidden, not_found,
                                defective_answer, broken_stream, timed_out};
    auto const unknown = std::set{ambiguous, broken_stream, timed_out, aborted, permanent};
    for (auto const kind : all_kinds()) {
        if (own_kind(kind)) continue;
        EXPECT_EQ(row(kind).retry_same, same.contains(kind)) << kind;
        auto const expected = other.contains(kind)     ? other_target::yes
                              : kind == context_length ? other_target::larger_context
                                                       : other_target::no;
        EXPECT_EQ(row(kind).try_other, expected) << kind;
        auto const known = unknown.contains(kind) ? maybe : kind == defective_answer ? yes : no;
        EXPECT_EQ(row(kind).execution, known) << kind;
        EXPECT_EQ(row(kind).billing, known) << kind;
        EXPECT_EQ(row(kind).feeds_limiter, kind == throttled) << kind;
    }
}

TEST(fault_table, the_breaker_ignores_throttling_and_the_callers_own_mistakes) {
    auto const counts = std::set{not_sent, overloaded, transient, ambiguous, quota_exhausted, broken_stream, timed_out};
    for (auto const kind : all_kinds())
        EXPECT_EQ(row(kind).breaker == breaker_effect::failure, counts.contains(kind)) << kind;
}

TEST(fault_table, coffers_own_kinds_are_neutral_never_stored_never_retried) {
    auto const other = std::set{circuit_open, over_budget, never_fits, queue_full};
    for (auto const kind : all_kinds()) {
        if (!own_kind(kind)) continue;
        EXPECT_FALSE(row(kind).retry_same) << kind;
        EXPECT_EQ(row(kind).try_other, other.contains(kind) ? other_target::yes : other_target::no) << kind;
        EXPECT_EQ(row(kind).breaker, breaker_effect::neutral) << kind;
        EXPECT_FALSE(row(kind).feeds_limiter) << kind;
        EXPECT_FALSE(row(kind).stored) << kind;
        EXPECT_EQ(row(kind).execution, no) << kind;
        EXPECT_EQ(row(kind).billing, no) << kind;
    }
}

TEST(fault_table, only_faults_of_the_request_itself_are_stored) {
    auto const stored = std::set{invalid_request, context_length, too_large, content_policy};
    for (auto const kind : all_kinds()) EXPECT_EQ(row(kind).stored, stored.contains(kind)) << kind;
    for (auto const kind : stored) EXPECT_FALSE(row(kind).retry_same) << kind;
}

TEST(fault, takes_what_its_row_says) {
    for (auto const kind : all_kinds()) {
        fault const f{kind};
        EXPECT_EQ(f.kind(), kind);
        EXPECT_EQ(f.execution(), row(kind).execution);
        EXPECT_EQ(f.billing(), row(kind).billing);
        EXPECT_EQ(f.stop(), stop_reason::none);
        EXPECT_EQ(f.status(), 0);
        EXPECT_FALSE(f.retry_after());
        EXPECT_TRUE(f.message().empty() && f.code().empty() && f.request_id().empty() && f.fields().empty() &&
                    !f.cause());
    }
}

// The value ----------------------------------------------------------------------------------------------------------

TEST(fault, copies_do_not_see_each_others_changes) {
    auto const cause = std::make_exception_ptr(std::runtime_error{"x"});
    fault const original =
        fault{throttled, "slow down"}.with_code("rate").with_request_id("r1").with_fields({"a"}).with_cause(cause);
    auto copy = original;
    copy.with_message("other").with_code("other").with_request_id("other").with_fields({"b", "c"}).with_cause(nullptr);
    copy.with_status(429).with_execution(yes).with_billing(maybe).with_stop(stop_reason::deadline).with_retry_after(3s);

    EXPECT_EQ(original.message(), "slow down");
    EXPECT_EQ(original.code(), "rate");
    EXPECT_EQ(original.request_id(), "r1");
    EXPECT_EQ(original.fields(), std::vector<std::string>{"a"});
    EXPECT_EQ(original.cause(), cause);
    EXPECT_EQ(original.status(), 0);
    EXPECT_EQ(original.stop(), stop_reason::none);

    EXPECT_EQ(copy.message(), "other");
    EXPECT_EQ(copy.fields().size(), 2U);
    EXPECT_EQ(copy.cause(), nullptr);
    EXPECT_EQ(copy.status(), 429);
    EXPECT_EQ(copy.execution(), yes);
    EXPECT_EQ(copy.billing(), maybe);
    EXPECT_EQ(copy.stop(), stop_reason::deadline);
    EXPECT_EQ(copy.retry_after(), 3s);
}

TEST(fault, a_hint_is_never_negative) {
    EXPECT_EQ(fault{throttled}.with_retry_after(-5s).retry_after(), 0ns);
    EXPECT_EQ(fault{throttled}.with_retry_after(0ns).retry_after(), 0ns);
}

TEST(fault, prints_one_line) {
    std::ostringstream out;
    out << fault{throttled, "slow down"}.with_status(429).with_code("rate_limit").with_stop(stop_reason::hint_too_long);
    EXPECT_EQ(out.str(),
              "throttled, status 429, code rate_limit: slow down (executed no, billed no; stopped: hint too long)");
    out.str("");
    out << fault{ambiguous};
    EXPECT_EQ(out.str(), "ambiguous (executed maybe, billed maybe)");
}

TEST(fault, every_stop_reason_has_a_text) {
    std::set<std::string_view> texts;
    for (auto const stop :
         {stop_reason::none, stop_reason::not_retryable, stop_reason::attempts_spent, stop_reason::sends_spent,
          stop_reason::deadline, stop_reason::hint_too_long, stop_reason::condition, stop_reason::quota_spent})
        EXPECT_TRUE(texts.insert(to_string(stop)).second && to_string(stop) != "unknown");
}

// "Thread safety: as an int": each thread changes its own copy while others read theirs. TSan judges.
TEST(fault, copies_belong_to_their_threads) {
    for (int round = 0; round < 200; ++round) {
        fault mine{throttled, "shared between threads"};
        std::atomic<bool> read{false};
        std::thread other{[copy = std::make_unique<fault>(mine), &read]() mutable {
            EXPECT_EQ(copy->message().size(), 22U);
            copy.reset();  // the reader's last touch
            read.store(true, std::memory_order_relaxed);
        }};
        // Relaxed on purpose: nothing but the fault itself orders the two threads.
        while (!read.load(std::memory_order_relaxed)) std::this_thread::yield();
        mine.with_message("changed in place");
        other.join();
        EXPECT_EQ(mine.message(), "changed in place");
    }
}

// Outcomes and the throwing edge -------------------------------------------------------------------------------------

TEST(outcome, the_throwing_edge_gives_the_value) {
    EXPECT_EQ(value_or_throw(outcome<int>{7}), 7);
    value_or_throw(outcome<void>{});
    EXPECT_EQ(*value_or_throw(outcome<std::unique_ptr<int>>{std::make_unique<int>(3)}), 3);
}

TEST(outcome, a_failure_carries_the_fault) {
    try {
        value_or_throw(outcome<int>{failed(fault{throttled, "slow down"}.with_status(429))});
        FAIL() << "it must throw";
    } catch (failure const& f) {
        EXPECT_EQ(f.fault().kind(), throttled);
        EXPECT_EQ(f.fault().status(), 429);
        EXPECT_STREQ(f.what(), "coffer: throttled, status 429: slow down (executed no, billed no)");
        EXPECT_NO_THROW(std::rethrow_if_nested(f));
    }
}

TEST(outcome, a_failure_nests_the_operations_own_exception) {
    struct mine : std::runtime_error {
        using std::runtime_error::runtime_error;
    };
    bool nested = false;
    try {
        throw_failure(fault{permanent}.with_cause(std::make_exception_ptr(mine{"the real reason"})));
    } catch (failure const& f) {
        EXPECT_EQ(f.fault().kind(), permanent);
        try {
            std::rethrow_if_nested(f);
        } catch (mine const& inner) {
            nested = true;
            EXPECT_STREQ(inner.what(), "the real reason");
        }
    }
    EXPECT_TRUE(nested);
}

TEST(outcome, a_cause_that_is_no_std_exception_is_nested_too) {
    bool nested = false;
    try {
        throw_failure(fault{permanent}.with_cause(std::make_exception_ptr(42)));
    } catch (failure const& f) {
        try {
            std::rethrow_if_nested(f);
        } catch (int n) {
            nested = n == 42;
        }
    }
    EXPECT_TRUE(nested);
}

// What a job runner is told ------------------------------------------------------------------------------------------

TEST(disposition, tells_a_job_runner_what_to_do_with_every_kind) {
    struct expected {
        fault_kind kind;
        queue_action action;
        int status;
    };
    using enum queue_action;
    std::vector<expected> const table{
        {not_sent, queue_action::retry_after, 503},
        {throttled, queue_action::retry_after, 429},
        {overloaded, queue_action::retry_after, 503},
        {transient, queue_action::retry_after, 503},
        {ambiguous, queue_action::retry_after, 503},
        {quota_exhausted, ask_operator, 402},
        {unauthorized, ask_operator, 401},
        {stale_credentials, queue_action::retry_after, 503},
        {forbidden, ask_operator, 403},
        {not_found, ask_operator, 404},
        {invalid_request, abort, 422},
        {context_length, abort, 413},
        {too_large, abort, 413},
        {content_policy, abort, 422},
        {defective_answer, abort, 422},
        {broken_stream, queue_action::retry_after, 503},
        {timed_out, queue_action::retry_after, 504},
        {aborted, abort, 500},
        {permanent, abort, 500},
        {circuit_open, queue_action::retry_after, 503},
        {over_budget, ask_operator, 402},
        {never_fits, abort, 422},
        {queue_full, queue_action::retry_after, 503},
        {deadline_exceeded, queue_action::retry_after, 504},
        {cancelled, queue_action::retry_after, 503},
        {in_progress, queue_action::retry_after, 409},
        {key_mismatch, abort, 422},
        {unresolved, ask_operator, 409},
        {result_expired, ask_operator, 410},
        {already_done, done, 200},
        {store_unavailable, queue_action::retry_after, 503},
        {draining, queue_action::retry_after, 503},
        {run_refused, queue_action::ask_operator, 409},
        {preflight_failed, queue_action::retry_after, 503},
    };
    ASSERT_EQ(table.size(), fault_kind_count);
    for (auto const& e : table) {
        auto const advice = disposition(fault{e.kind});
        EXPECT_EQ(advice.action, e.action) << e.kind;
        EXPECT_EQ(advice.http_status, e.status) << e.kind;
        EXPECT_EQ(advice.delay.has_value(), e.action == queue_action::retry_after) << e.kind;
    }
}

TEST(disposition, an_unusable_answer_without_a_send_left_is_an_operators) {
    auto const advice = disposition(fault{defective_answer}.with_stop(coffer::stop_reason::sends_spent));
    EXPECT_EQ(advice.action, queue_action::ask_operator);
    EXPECT_EQ(advice.http_status, 409);
}

TEST(disposition, passes_the_providers_hint_on) {
    EXPECT_EQ(disposition(fault{throttled}.with_retry_after(90s)).delay, 90s);
    EXPECT_EQ(disposition(fault{in_progress}.with_retry_after(0s)).delay, 0s);
    EXPECT_GT(disposition(fault{throttled}).delay, 0s);
    EXPECT_FALSE(disposition(fault{invalid_request}.with_retry_after(90s)).delay);
}

}  // namespace
}  // namespace fault_test
