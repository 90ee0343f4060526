// SPDX-License-Identifier: BSL-1.0
#include <coffer/llm/hints.hpp>

#include <gtest/gtest.h>

#include <chrono>
#include <initializer_list>
#include <optional>
#include <utility>

namespace hints_test {
namespace {

namespace llm = coffer::llm;
namespace http = coffer::http;
using namespace std::chrono_literals;
using coffer::duration;

// Sat, 21 Nov 2026 12:00:00 GMT
constexpr coffer::wall_time_point now{std::chrono::seconds{1'795'262'400}};

http::header_list headers(std::initializer_list<std::pair<char const*, char const*>> fields) {
    http::header_list list;
    for (auto const& [name, value] : fields) list.add(name, value);
    return list;
}
std::optional<duration> some(duration d) { return d; }
constexpr auto none = std::nullopt;

TEST(retry_after, milliseconds_win_then_microsofts_then_seconds) {
    EXPECT_EQ(llm::retry_after_hint(
                  headers({{"retry-after", "7"}, {"x-ms-retry-after-ms", "1500"}, {"retry-after-ms", "250"}}), now),
              some(250ms));
    EXPECT_EQ(llm::retry_after_hint(headers({{"retry-after", "7"}, {"x-ms-retry-after-ms", "1500"}}), now),
              some(1500ms));
    EXPECT_EQ(llm::retry_after_hint(headers({{"Retry-After", "7"}}), now), some(7s));
    EXPECT_EQ(llm::retry_after_hint(headers({{"retry-after-ms", "0.5"}}), now), some(500us));
    EXPECT_EQ(llm::retry_after_hint({}, now), none);
}

TEST(retry_after, a_malformed_one_lets_the_next_speak) {
    for (auto const* const bad : {"-5", "NaN", "nan", "abc", "", "inf", "1e9"}) {
        EXPECT_EQ(llm::retry_after_hint(headers({{"retry-after-ms", bad}, {"retry-after", "7"}}), now), some(7s))
            << bad;
        EXPECT_EQ(llm::retry_after_hint(headers({{"retry-after", bad}}), now), none) << bad;
    }
}

TEST(retry_after, reads_fractions_and_dates) {
    EXPECT_EQ(llm::retry_after_hint(headers({{"retry-after", "1.5"}}), now), some(1500ms));
    EXPECT_EQ(llm::retry_after_hint(headers({{"retry-after", "Sat, 21 Nov 2026 12:01:30 GMT"}}), now), some(90s));
    EXPECT_EQ(llm::retry_after_hint(headers({{"retry-after", "Sat, 21 Nov 2026 11:00:00 GMT"}}), now), some(0s));
    EXPECT_EQ(llm::retry_after_hint(headers({{"retry-after", "0"}}), now), some(0s));
}

TEST(bucket_resets, the_longest_of_the_exhausted_ones_counts) {
    EXPECT_EQ(llm::exhausted_reset_hint(headers({{"x-ratelimit-remaining-requests", "0"},
                                                 {"x-ratelimit-reset-requests", "12ms"},
                                                 {"x-ratelimit-remaining-tokens", "0"},
                                                 {"x-ratelimit-reset-tokens", "6m0s"}}),
                                        now),
              some(6min));
    // A bucket that has something left keeps nobody waiting, however long it takes to be full again.
    EXPECT_EQ(llm::exhausted_reset_hint(headers({{"x-ratelimit-remaining-requests", "0"},
                                                 {"x-ratelimit-reset-requests", "12ms"},
                                                 {"x-ratelimit-remaining-tokens", "5"},
                                                 {"x-ratelimit-reset-tokens", "6m0s"}}),
                                        now),
              some(12ms));
    EXPECT_EQ(llm::exhausted_reset_hint(
                  headers({{"x-ratelimit-remaining-tokens", "5"}, {"x-ratelimit-reset-tokens", "6m0s"}}), now),
              none);
    EXPECT_EQ(llm::exhausted_reset_hint(headers({{"x-ratelimit-reset-tokens", "6m0s"}}), now), none);
}

TEST(bucket_resets, reads_every_providers_format) {
    auto const reset = [](char const* text) {
        return llm::exhausted_reset_hint(
            headers({{"x-ratelimit-remaining-tokens", "0"}, {"x-ratelimit-reset-tokens", text}}), now);
    };
    EXPECT_EQ(reset("2m59.56s"), some(2min + 59560ms));     // Groq
    EXPECT_EQ(reset("7"), some(7s));                        // Azure
    EXPECT_EQ(reset("1795262460"), some(60s));              // seconds since 1970
    EXPECT_EQ(reset("1795262460500"), some(60s + 500ms));   // OpenRouter: milliseconds since 1970
    EXPECT_EQ(reset("1795262000"), some(0s));               // past
    EXPECT_EQ(reset("9223372036854775807"), some(*llm::parse_seconds("4000000000")));
    for (auto const* const bad : {"", "abc", "-1", "nan", "6m0"}) EXPECT_EQ(reset(bad), none) << bad;
}

TEST(bucket_resets, azures_useless_headers_say_nothing) {
    EXPECT_EQ(llm::exhausted_reset_hint(
                  headers({{"x-ratelimit-remaining-tokens", "-1"}, {"x-ratelimit-reset-tokens", "0"}}), now),
              none);
}

TEST(bucket_resets, names_may_lack_an_ending_and_differ_in_case) {
    EXPECT_EQ(llm::exhausted_reset_hint(
                  headers({{"X-RateLimit-Remaining", "0"}, {"X-RateLimit-Reset", "1795262402000"}}), now),
              some(2s));
}

TEST(hint, buckets_are_asked_only_when_a_limit_was_hit) {
    auto const both = headers({{"x-ratelimit-remaining-tokens", "0"}, {"x-ratelimit-reset-tokens", "9s"}});
    EXPECT_EQ(llm::retry_hint(both, true, now), some(9s));
    EXPECT_EQ(llm::retry_hint(both, false, now), none);
    auto const plain =
        headers({{"retry-after", "2"}, {"x-ratelimit-remaining-tokens", "0"}, {"x-ratelimit-reset-tokens", "9s"}});
    EXPECT_EQ(llm::retry_hint(plain, true, now), some(2s));
    EXPECT_EQ(llm::retry_hint(plain, false, now), some(2s));
}

TEST(should_retry, reads_true_and_false_only) {
    EXPECT_EQ(llm::should_retry(headers({{"x-should-retry", "true"}})), true);
    EXPECT_EQ(llm::should_retry(headers({{"X-Should-Retry", "False"}})), false);
    EXPECT_EQ(llm::should_retry(headers({{"x-should-retry", "1"}})), none);
    EXPECT_EQ(llm::should_retry({}), none);
}

}  // namespace
}  // namespace hints_test
