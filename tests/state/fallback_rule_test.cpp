// SPDX-License-Identifier: BSL-1.0
// When another alternative is tried, and what a caller is told if none has answered.
#include <coffer/state/fallback_rule.hpp>

#include <gtest/gtest.h>

#include <chrono>
#include <initializer_list>
#include <optional>
#include <utility>
#include <vector>

namespace fallback_rule_test {
namespace {

using namespace coffer;
using namespace std::chrono_literals;

using instant = std::chrono::steady_clock::time_point;

fallback_facts plenty() {
    fallback_facts f;
    f.sends_left = 1;
    f.now = instant{1s};
    f.deadline = instant{2s};
    return f;
}
fallback_verdict decided(fault const& why, fallback_facts const& f = plenty(), fallback_options o = {}) {
    return decide_fallback(o, why, f);
}

TEST(fallback_rule, goes_on_exactly_where_the_table_says_that_another_target_may_help) {
    for (auto const& row : fault_table) {
        // What would be late at this alternative need not be at another.
        bool const expected = row.try_other == other_target::yes || row.kind == fault_kind::deadline_exceeded;
        auto const v = decided(fault{row.kind});
        EXPECT_EQ(v.next, expected) << row.name;
        EXPECT_EQ(v.stop, stop_reason::none) << row.name;
    }
}

TEST(fallback_rule, a_larger_context_is_said_and_not_guessed) {
    EXPECT_FALSE(decided(fault{fault_kind::context_length}).next);
    EXPECT_TRUE(decided(fault{fault_kind::context_length}, plenty(), {.larger_context = true}).next);
    EXPECT_FALSE(decided(fault{fault_kind::too_large}, plenty(), {.larger_context = true}).next);
}

TEST(fallback_rule, the_user_overrules_the_table_but_not_the_end_of_the_call) {
    auto f = plenty();
    for (auto const& row : fault_table) {
        bool const of_the_call = is_coffers_own(row.kind) && row.try_other == other_target::no;
        if (row.kind == fault_kind::deadline_exceeded) continue;
        f.user = true;
        EXPECT_EQ(decided(fault{row.kind}, f).next, !of_the_call) << row.name;
        f.user = false;
        EXPECT_FALSE(decided(fault{row.kind}, f).next) << row.name;
    }
}

TEST(fallback_rule, without_another_alternative_what_the_last_one_said_stands) {
    auto f = plenty();
    f.more = false;
    f.sends_left = 0;
    f.now = f.deadline;
    auto const v = decided(fault{fault_kind::overloaded}, f);
    EXPECT_FALSE(v.next);
    EXPECT_EQ(v.stop, stop_reason::none);
}

TEST(fallback_rule, without_sends_or_time_nobody_further_is_tried_and_it_says_so) {
    auto f = plenty();
    f.sends_left = 0;
    EXPECT_FALSE(decided(fault{fault_kind::overloaded}, f).next);
    EXPECT_EQ(decided(fault{fault_kind::overloaded}, f).stop, stop_reason::sends_spent);
    EXPECT_EQ(decided(fault{fault_kind::permanent}, f).stop, stop_reason::none) << "that was not the reason";
    f = plenty();
    f.now = f.deadline;
    EXPECT_FALSE(decided(fault{fault_kind::overloaded}, f).next);
    EXPECT_EQ(decided(fault{fault_kind::overloaded}, f).stop, stop_reason::deadline);
}

TEST(fallback_rule, a_wait_that_would_be_late_here_may_be_none_elsewhere) {
    fault const late{fault_kind::deadline_exceeded};
    EXPECT_TRUE(decided(late).next);
    auto f = plenty();
    f.now = f.deadline;
    EXPECT_FALSE(decided(late, f).next);
    EXPECT_FALSE(decided(fault{late}.with_billing(knowledge::maybe)).next) << "something was sent: it was no wait";
}

fault told(std::initializer_list<fault> all) {
    told_fault t;
    for (auto const& f : all) t.add(f);
    return t.after(*(all.end() - 1));
}
fault_kind told_kind(std::initializer_list<fault_kind> kinds) {
    told_fault t;
    std::vector<fault> all;
    for (auto const k : kinds) t.add(all.emplace_back(k));
    return t.after(all.back()).kind();
}

TEST(told_fault, is_the_last_of_those_that_time_may_mend) {
    using enum fault_kind;
    EXPECT_EQ(told_kind({overloaded, throttled}), throttled);
    EXPECT_EQ(told_kind({overloaded, over_budget}), overloaded) << "a refusal does not hide a provider's bad hour";
    EXPECT_EQ(told_kind({throttled, unauthorized}), throttled);
    EXPECT_EQ(told_kind({over_budget, circuit_open}), circuit_open);
    EXPECT_EQ(told_kind({defective_answer, queue_full}), queue_full);
}

TEST(told_fault, money_that_is_only_held_comes_back) {
    using namespace coffer::literals;
    told_fault t;
    budget_denial d{};
    d.limit = 1_usd;
    d.free = 0.1_usd;
    d.needed = 0.2_usd;
    d.held = 0.5_usd;
    auto const held = fault{fault_kind::over_budget}.with_denial(d);
    t.add(held);
    t.add(fault{fault_kind::never_fits});
    EXPECT_EQ(t.after(fault{fault_kind::never_fits}).kind(), fault_kind::over_budget);
}

TEST(told_fault, is_else_the_last_one) {
    using enum fault_kind;
    EXPECT_EQ(told_kind({over_budget, unauthorized}), unauthorized);
    EXPECT_EQ(told_kind({quota_exhausted, defective_answer, over_budget}), over_budget);
}

TEST(told_fault, a_request_that_one_refuses_is_not_refused_by_all) {
    using enum fault_kind;
    // It would be kept under the key, and the job given up, for ten minutes in which the first may have recovered.
    EXPECT_EQ(told_kind({overloaded, invalid_request}), overloaded);
    EXPECT_EQ(told_kind({context_length, circuit_open}), circuit_open);
    EXPECT_EQ(told_kind({over_budget, context_length}), over_budget);
    EXPECT_EQ(told_kind({context_length, content_policy}), content_policy);
    EXPECT_EQ(told_kind({invalid_request}), invalid_request);
}

TEST(told_fault, nothing_hides_what_is_unknown_or_concerns_the_whole_call) {
    using enum fault_kind;
    for (auto const k : {permanent, aborted, cancelled, store_unavailable, draining, unresolved})
        EXPECT_EQ(told_kind({overloaded, k}), k);
}

TEST(told_fault, knows_as_much_as_all_of_them) {
    auto const why = told({fault{fault_kind::ambiguous}, fault{fault_kind::overloaded}});
    EXPECT_EQ(why.kind(), fault_kind::overloaded);
    EXPECT_EQ(why.billing(), knowledge::maybe);
    EXPECT_EQ(why.execution(), knowledge::maybe);
    EXPECT_EQ(told({fault{fault_kind::defective_answer}, fault{fault_kind::ambiguous}}).billing(), knowledge::yes);
    EXPECT_EQ(told({fault{fault_kind::overloaded}, fault{fault_kind::throttled}}).billing(), knowledge::no);
}

}  // namespace
}  // namespace fallback_rule_test
