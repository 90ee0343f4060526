// SPDX-License-Identifier: BSL-1.0
// What a timeout says, as a table.
#include <coffer/state/timeout_rule.hpp>

#include <gtest/gtest.h>

#include <chrono>
#include <exception>
#include <initializer_list>
#include <optional>
#include <stdexcept>
#include <string>

namespace timeout_rule_test {
namespace {

using namespace coffer;
using namespace std::chrono_literals;

fault end_of(fault_kind kind, knowledge billing) {
    return fault{kind, "inside"}.with_execution(billing).with_billing(billing);
}

struct table_row {
    char const* what;
    stopped_by who;
    std::optional<fault_kind> inside;  // none: left behind
    bool own;
    bool over;
    fault_kind expected;
    char const* code;
};

TEST(timeout_rule, says_who_it_was) {
    using enum fault_kind;
    using enum stopped_by;
    table_row const table[] = {
        {"the inside failed in time", nobody, throttled, true, false, throttled, ""},
        {"the inside was refused in time", nobody, circuit_open, true, false, circuit_open, ""},
        {"an attempt's own timeout", nobody, timed_out, true, false, timed_out, ""},
        {"the operation aborted itself", nobody, aborted, true, false, aborted, ""},
        {"the same at the last moment", nobody, aborted, true, true, aborted, ""},
        {"a transport that kept to the time it was told", nobody, timed_out, true, true, timed_out, "timeout"},
        {"the same, but the time was the call's", nobody, timed_out, false, true, timed_out, ""},
        {"a wait that could not end in time", nobody, deadline_exceeded, true, false, timed_out, "timeout"},
        {"the same, but the time was the call's", nobody, deadline_exceeded, false, true, deadline_exceeded, ""},
        {"stopped, and it has said so", timeout, cancelled, true, true, timed_out, "timeout"},
        {"left behind", timeout, std::nullopt, true, true, timed_out, "timeout"},
        {"stopped for the call's deadline", deadline, cancelled, false, true, deadline_exceeded, ""},
        {"left behind for the call's deadline", deadline, std::nullopt, false, true, deadline_exceeded, ""},
        {"stopped for the caller", caller, cancelled, true, false, cancelled, ""},
        {"left behind for the caller", caller, std::nullopt, true, false, cancelled, ""},
        {"stopped for the caller at the last moment", caller, cancelled, true, true, cancelled, ""},
    };
    for (auto const& r : table)
        for (auto const known : {knowledge::no, knowledge::maybe, knowledge::yes}) {
            auto const inside = r.inside ? std::optional{end_of(*r.inside, known)} : std::nullopt;
            timeout_facts const facts{.who = r.who,
                                      .ended = inside ? &*inside : nullptr,
                                      .execution = known,
                                      .billing = known,
                                      .own = r.own,
                                      .over = r.over};
            auto const said = timeout_fault(facts, "", 30s);
            EXPECT_EQ(said.kind(), r.expected) << r.what;
            EXPECT_EQ(said.code(), r.code) << r.what;
            EXPECT_EQ(said.execution(), known) << r.what;
            EXPECT_EQ(said.billing(), known) << r.what;
        }
}

TEST(timeout_rule, one_further_in_keeps_its_name) {
    auto const inner = timeout_fault({.who = stopped_by::timeout}, "inner", 5s);
    auto const outer = timeout_fault({.ended = &inner, .own = true, .over = true}, "outer", 5s);
    EXPECT_EQ(outer.message(), inner.message());
    EXPECT_NE(outer.message().find("`inner` (5 s)"), std::string::npos) << outer.message();
}

TEST(timeout_rule, names_itself_and_its_limit) {
    EXPECT_EQ(timeout_text("", 30s), "timeout (30 s)");
    EXPECT_EQ(timeout_text("search", 1500ms), "timeout `search` (1.5 s)");
    EXPECT_EQ(timeout_text("", 15min), "timeout (900 s)");
}

TEST(timeout_rule, keeps_what_the_inside_can_tell) {
    auto const cause = std::make_exception_ptr(std::runtime_error{"x"});
    auto const inside = fault{fault_kind::deadline_exceeded}.with_cause(cause).with_stop(stop_reason::deadline);
    auto const said = timeout_fault({.ended = &inside}, "", 30s);
    EXPECT_EQ(said.cause(), cause);
    EXPECT_EQ(said.stop(), stop_reason::deadline);
}

}  // namespace
}  // namespace timeout_rule_test
