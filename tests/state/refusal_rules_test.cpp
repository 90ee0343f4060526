// SPDX-License-Identifier: BSL-1.0
#include <coffer/state/alarm_search.hpp>
#include <coffer/state/recent_denials.hpp>
#include <coffer/state/refusal_rules.hpp>

#include <gtest/gtest.h>

#include <chrono>
#include <stdexcept>
#include <string>
#include <vector>

namespace refusal_rules_test {
namespace {

using namespace coffer::literals;
using namespace std::chrono_literals;
using coffer::alarm_severity;

constexpr auto now = std::chrono::system_clock::time_point{std::chrono::sys_days{std::chrono::year{2026} / 11 / 22}};

coffer::budget_denial refused(coffer::money needed, coffer::money free, coffer::money held = {}) {
    coffer::budget_denial d;
    d.scope = "team/search";
    d.window = "day 2026-11-22 (UTC)";
    d.window_text = "day@UTC";
    d.limit = 25_usd;
    d.needed = needed;
    d.free = free;
    d.held = held;
    return d;
}

TEST(denial_rule, says_what_is_missing) {
    auto const a = coffer::denial_rule{}.look(refused(0.40_usd, 0.159_usd), {}, now);
    ASSERT_TRUE(a);
    EXPECT_EQ(a->severity, alarm_severity::critical);
    EXPECT_EQ(
        a->sentence,
        "Calls are refused: a call in team/search may cost $0.40, and $0.159 of $25.00 are left for day 2026-11-22 "
        "(UTC). Look what has spent it; raise the limit if this is what the work needs.");
    EXPECT_EQ(a->id, "denial|team/search|day@UTC|day 2026-11-22 (UTC)|25000000000");
}

TEST(denial_rule, does_not_round_up_what_is_left) {
    auto const a = coffer::denial_rule{}.look(refused(2.40_usd, 2.399_usd), {}, now);
    ASSERT_TRUE(a);
    EXPECT_NE(a->sentence.find("$2.39 of $25.00"), std::string::npos) << a->sentence;
}

TEST(denial_rule, tells_a_call_that_never_fits_apart) {
    auto const a = coffer::denial_rule{}.look(refused(26_usd, 25_usd), {}, now);
    ASSERT_TRUE(a);
    EXPECT_EQ(
        a->sentence,
        "Calls are refused: a call in team/search may cost $26.00, and the whole limit is $25.00. Raise the limit, "
        "lower the output maximum, or choose a cheaper model.");
    EXPECT_NE(a->id, coffer::denial_rule{}.look(refused(3_usd, 2_usd), {}, now)->id);
    auto const unbounded = coffer::denial_rule{}.look(refused(coffer::money::max(), 25_usd), {}, now);
    ASSERT_TRUE(unbounded);
    EXPECT_NE(unbounded->sentence.find("may cost nobody knows how much"), std::string::npos) << unbounded->sentence;
}

TEST(denial_rule, leaves_an_empty_limit_to_the_threshold_if_that_asks) {
    coffer::threshold_rule at_half;
    at_half.percents = {50};
    EXPECT_FALSE(coffer::denial_rule{}.look(refused(1_usd, {}), {}, now));
    EXPECT_TRUE(coffer::denial_rule{}.look(refused(1_usd, {}), at_half, now));
    EXPECT_FALSE(coffer::denial_rule{false}.look(refused(1_usd, {}), at_half, now));
}

TEST(denial_rule, waits_for_what_is_held) {
    EXPECT_FALSE(coffer::denial_rule{}.look(refused(3_usd, 1_usd, 2_usd), {}, now));
    EXPECT_TRUE(coffer::denial_rule{}.look(refused(3_usd, 1_usd, 1.99_usd), {}, now));
}

TEST(denial_rule, rings_anew_for_another_limit_and_for_each_day_of_a_window_that_rolls) {
    coffer::denial_rule const rule;
    auto raised = refused(3_usd, 1_usd);
    raised.limit = 30_usd;
    EXPECT_NE(rule.look(raised, {}, now)->id, rule.look(refused(3_usd, 1_usd), {}, now)->id);
    auto rolling = refused(3_usd, 1_usd);
    rolling.window_text = "rolling/3600";
    rolling.window = "the last hour";
    EXPECT_EQ(rule.look(rolling, {}, now)->id, rule.look(rolling, {}, now + 23h)->id);
    EXPECT_NE(rule.look(rolling, {}, now)->id, rule.look(rolling, {}, now + 24h)->id);
}

TEST(recent_denials, are_those_of_the_last_hour_one_of_each_kind_and_bounded) {
    coffer::recent_denials recent;
    auto const count = [&](auto at) {
        int n = 0;
        recent.for_each(at, [&](coffer::budget_denial const&) { ++n; });
        return n;
    };
    recent.note(refused(3_usd, 1_usd), now);
    recent.note(refused(2_usd, 1_usd), now);
    recent.note(refused(2_usd, 1_usd, 1_usd), now);
    EXPECT_EQ(count(now + 1h), 1);
    EXPECT_EQ(count(now + 1h + 1s), 0);
    for (int i = 0; i < 3000; ++i) {
        auto d = refused(3_usd, 1_usd);
        d.scope = "user/" + std::to_string(i);
        recent.note(d, now);
    }
    EXPECT_EQ(count(now), 1000);
}

TEST(stopped_job_rule, may_be_silent_and_freezes_nothing) {
    coffer::stopped_job const job{"report", "report:9e1c", 3, 3, 3, ""};
    EXPECT_EQ(coffer::stopped_job_rule{}.look(job, now)->sentence.substr(0, 62),
              "report:9e1c was stopped: 3 runs of it failed in the same way. ");
    EXPECT_FALSE(coffer::stopped_job_rule{false}.look(job, now));
    coffer::alarm_watch watch;
    watch.freeze = {{coffer::alarm_kind::stopped_job}};
    EXPECT_THROW(watch.check(), std::invalid_argument);
}

}  // namespace
}  // namespace refusal_rules_test
