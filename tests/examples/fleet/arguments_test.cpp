// SPDX-License-Identifier: BSL-1.0
#include "arguments.hpp"

#include <gtest/gtest.h>

#include <string>
#include <vector>

namespace arguments_test {
namespace {

using namespace fleet;

std::string refusal(std::vector<std::string> const& words) {
    try {
        (void)read_arguments(words);
    } catch (nothing_to_run const& n) {
        EXPECT_EQ(n.code, 2);
        return n.text;
    }
    return "accepted";
}
pipeline_options own(std::vector<std::string> const& words) {
    auto const a = read_arguments(words);
    EXPECT_EQ(a.presets.back().name, "yours");
    return std::get<pipeline_options>(a.presets.back().how);
}

TEST(arguments, by_default_three_presets_meet_an_outage) {
    auto const a = read_arguments({});
    ASSERT_EQ(a.presets.size(), 3U);
    EXPECT_EQ(a.presets[0].name, "naive");
    EXPECT_EQ(a.given.story.what, trouble::outage);
    EXPECT_EQ(a.given.story.whole(), 600s);
}

TEST(arguments, set_the_world) {
    auto const a = read_arguments(
        {"--clients", "7",  "--rate",   "2.5",    "--scenario", "429-storm", "--seed",     "9",  "--before",   "11",
         "--trouble", "12", "--after",  "13",     "--timeout",  "14",        "--deadline", "15", "--headroom", "2",
         "--line",    "3",  "--preset", "coffer", "--preset",   "naive",     "--svg",      "a",  "--csv",      "b"});
    EXPECT_EQ(a.given.clients, 7);
    EXPECT_EQ(a.given.rate, 2.5);
    EXPECT_EQ(a.given.seed, 9U);
    EXPECT_EQ(a.given.story.what, trouble::storm);
    EXPECT_EQ(a.given.story.begins(), 11s);
    EXPECT_EQ(a.given.story.ends(), 23s);
    EXPECT_EQ(a.given.story.whole(), 36s);
    EXPECT_EQ(a.given.timeout, 14s);
    EXPECT_EQ(a.given.deadline, 15s);
    EXPECT_EQ(a.given.headroom, 2);
    EXPECT_EQ(a.given.line, 3);
    EXPECT_EQ(a.svg, "a");
    EXPECT_EQ(a.csv, "b");
    ASSERT_EQ(a.presets.size(), 2U);
    EXPECT_EQ(a.presets[0].name, "coffer");
}

TEST(arguments, a_setting_of_ones_own_makes_a_column_of_ones_own) {
    coffer::retry_options const usual;
    EXPECT_EQ(own({"--attempts", "2"}).retry.attempts, 2);
    EXPECT_EQ(own({"--attempts", "2"}).retry.max_sends, usual.max_sends);
    EXPECT_EQ(own({"--max-sends", "1"}).retry.max_sends, 1);
    EXPECT_EQ(own({"--ambiguous-delay", "9"}).retry.ambiguous_delay, 9s);
    EXPECT_EQ(own({"--ambiguous-spread", "0.5"}).retry.ambiguous_spread, 0.5);
    EXPECT_EQ(own({"--hint-spread", "0.5"}).retry.hint_spread, 0.5);
    EXPECT_EQ(own({"--hint-spread", "0.5"}).limits.hint_spread, 0.5);
    EXPECT_EQ(own({"--quota", "3"}).quota->capacity, 3);
    EXPECT_EQ(own({"--quota-per-second", "1.5"}).quota->per_second, 1.5);
    EXPECT_EQ(own({"--quota-per-success", "0.5"}).quota->per_success, 0.5);
    EXPECT_FALSE(own({"--no-quota"}).quota);
    EXPECT_EQ(own({"--in-a-row", "4"}).breaker->in_a_row, 4);
    EXPECT_EQ(own({"--failure-ratio", "0.25"}).breaker->failure_ratio, 0.25);
    EXPECT_EQ(own({"--minimum", "5"}).breaker->minimum, 5);
    EXPECT_EQ(own({"--probes", "1"}).breaker->probes, 1);
    EXPECT_EQ(own({"--first-break", "2"}).breaker->breaks.first, 2s);
    EXPECT_EQ(own({"--longest-break", "30"}).breaker->breaks.longest, 30s);
    EXPECT_EQ(own({"--break-factor", "1.5"}).breaker->breaks.factor, 1.5);
    EXPECT_FALSE(own({"--no-breaker"}).breaker);
    EXPECT_EQ(own({"--requests-per-minute", "12"}).limits.requests_per_minute, 12);
    EXPECT_EQ(own({"--burst", "1"}).limits.burst, 1s);
    EXPECT_EQ(own({"--max-wait", "3"}).limits.max_wait, 3s);

    auto const slow = own({"--backoff-base", "8", "--backoff-cap", "16"}).retry.schedule;
    coffer::delay_schedule::memory last{};
    coffer::delay_schedule::draws half{};
    half.fill(0.5);
    EXPECT_EQ(slow.delay(1, half, last), 4s);
    EXPECT_EQ(slow.delay(9, half, last), 8s);
}

TEST(arguments, nonsense_is_refused_with_what_to_do) {
    auto const says = [](std::vector<std::string> const& words, std::string const& what) {
        auto const text = refusal(words);
        EXPECT_NE(text.find(what), text.npos) << text;
    };
    says({"--clients", "0"}, "--clients");
    says({"--clients", "many"}, "--clients");
    says({"--rate", "-1"}, "--rate");
    says({"--rate", "nan"}, "`nan` is not a number from 0.01 to 6000");
    says({"--scenario", "flood"}, "it is outage, brown-out or 429-storm");
    says({"--preset", "best"}, "it is naive, backoff, coffer or yours");
    says({"--preset", "yours"}, "needs a setting of your own");
    says({"--timeout", "200"}, "longer than --deadline");
    says({"--trouble", "0"}, "--trouble");
    says({"--clients", "20000", "--rate", "600"}, "fewer clients");
    says({"--attempts", "0"}, "at least 1");
    says({"--failure-ratio", "2"}, "at most 1");
    says({"--longest-break", "1"}, "the longest break is shorter than the first");
    says({"--longest-break", "-1"}, "from 0 to 86400 seconds");
    says({"--quota", "0"}, "affords none");
    says({"--no-such-thing"}, "--no-such-thing");
}

TEST(arguments, help_is_no_error) {
    try {
        (void)read_arguments({"--help"});
        FAIL();
    } catch (nothing_to_run const& n) {
        EXPECT_EQ(n.code, 0);
        EXPECT_NE(n.text.find("--longest-break"), n.text.npos);
    }
}

}  // namespace
}  // namespace arguments_test
