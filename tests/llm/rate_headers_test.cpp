// SPDX-License-Identifier: BSL-1.0
#include <coffer/llm/rate_headers.hpp>
#include <coffer/policy/rate_limit.hpp>

#include "llm/support/chat.hpp"
#include "support/seeds.hpp"

#include <gtest/gtest.h>

#include <chrono>
#include <initializer_list>
#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace rate_headers_test {
namespace {

namespace llm = coffer::llm;
namespace http = coffer::http;
using namespace std::chrono_literals;
using coffer::rate_fact;
using enum coffer::rate_measure;

// Sat, 21 Nov 2026 12:00:00 GMT
constexpr coffer::wall_time_point now{std::chrono::seconds{1'795'262'400}};

using fields = std::initializer_list<std::pair<char const*, char const*>>;

coffer::rate_facts facts(fields all) {
    http::header_list list;
    for (auto const& [name, value] : all) list.add(name, value);
    return llm::rate_facts_of(list, now);
}

TEST(rate_headers, openai) {
    auto const f = facts({{"x-ratelimit-limit-requests", "5000"},
                          {"x-ratelimit-limit-tokens", "160000"},
                          {"x-ratelimit-remaining-requests", "4999"},
                          {"x-ratelimit-remaining-tokens", "159976"},
                          {"x-ratelimit-reset-requests", "12ms"},
                          {"x-ratelimit-reset-tokens", "6m0s"}});
    EXPECT_EQ(f[requests], (rate_fact{4999, 5000, 12ms}));
    EXPECT_EQ(f[tokens], (rate_fact{159'976, 160'000, 6min}));
    EXPECT_FALSE(f[input_tokens].known());
    EXPECT_FALSE(f[output_tokens].known());
}

TEST(rate_headers, azure_says_whole_seconds_and_sometimes_nonsense) {
    auto const f = facts({{"x-ratelimit-remaining-requests", "9"},
                          {"x-ratelimit-reset-requests", "10"},
                          {"x-ratelimit-remaining-tokens", "-1"},
                          {"x-ratelimit-limit-tokens", "0"}});
    EXPECT_EQ(f[requests], (rate_fact{9, -1, 10s}));
    EXPECT_FALSE(f[tokens].known());
    EXPECT_FALSE(facts({{"x-ratelimit-remaining-tokens", "0"}, {"x-ratelimit-limit-tokens", "-1"}}).any());
}

TEST(rate_headers, groq_says_fractions) {
    auto const f = facts({{"X-RateLimit-Limit-Requests", "14400"},
                          {"X-RateLimit-Remaining-Requests", "14370"},
                          {"X-RateLimit-Reset-Requests", "2m59.56s"},
                          {"X-RateLimit-Remaining-Tokens", "17997"},
                          {"X-RateLimit-Reset-Tokens", "7.66s"}});
    EXPECT_EQ(f[requests], (rate_fact{14'370, 14'400, 2min + 59'560ms}));
    EXPECT_EQ(f[tokens], (rate_fact{17'997, -1, 7660ms}));
}

TEST(rate_headers, anthropic_puts_the_name_in_the_middle_and_says_moments) {
    auto const f = facts({{"anthropic-ratelimit-requests-limit", "50"},
                          {"anthropic-ratelimit-requests-remaining", "49"},
                          {"anthropic-ratelimit-requests-reset", "2026-11-21T12:00:02Z"},
                          {"anthropic-ratelimit-input-tokens-limit", "40000"},
                          {"anthropic-ratelimit-input-tokens-remaining", "39000"},
                          {"anthropic-ratelimit-input-tokens-reset", "2026-11-21T13:00:01.5+01:00"},
                          {"anthropic-ratelimit-output-tokens-remaining", "8000"},
                          {"anthropic-ratelimit-tokens-remaining", "47000"},
                          {"anthropic-ratelimit-unified-5h-remaining", "3"},
                          {"anthropic-ratelimit-unified-5h-reset", "1795262460"}});
    EXPECT_EQ(f[requests], (rate_fact{49, 50, 2s}));
    EXPECT_EQ(f[input_tokens], (rate_fact{39'000, 40'000, 1500ms}));
    EXPECT_EQ(f[output_tokens], (rate_fact{8000, -1, std::nullopt}));
    EXPECT_EQ(f[tokens], (rate_fact{47'000, -1, std::nullopt}));
}

TEST(rate_headers, openrouter_has_no_names_and_counts_milliseconds_since_1970) {
    auto const f =
        facts({{"X-RateLimit-Limit", "20"}, {"X-RateLimit-Remaining", "0"}, {"X-RateLimit-Reset", "1795262430000"}});
    EXPECT_EQ(f[requests], (rate_fact{0, 20, 30s}));
}

TEST(rate_headers, of_several_buckets_the_emptier_one_counts) {
    auto const f = facts({{"x-ratelimit-remaining-tokens", "1000"},
                          {"x-ratelimit-remaining-project-tokens", "10"},
                          {"x-ratelimit-limit-project-tokens", "500"},
                          {"x-ratelimit-remaining-tokens_usage_based", "700"}});
    EXPECT_EQ(f[tokens], (rate_fact{10, 500, std::nullopt}));
}

TEST(rate_headers, what_makes_no_sense_is_not_there) {
    for (auto const* const bad : {"", "-1", "abc", "1.5", "1e3", "99999999999999999999", "NaN", "5 left"})
        EXPECT_FALSE(facts({{"x-ratelimit-remaining-requests", bad}}).any()) << bad;
    EXPECT_FALSE(facts({{"x-ratelimit-remaining-requests", "7"}, {"x-ratelimit-limit-requests", "5"}}).any());
    EXPECT_FALSE(facts({{"x-ratelimit-remaining-", "7"}, {"x-ratelimit-remainingrequests", "7"}}).any());
    EXPECT_FALSE(facts({{"x-ratelimit-remaining-images", "7"}, {"anthropic-ratelimit-remaining", "7"}}).any());
    EXPECT_FALSE(facts({{"x-ratelimit-remaining-project-", "7"}}).any());
    EXPECT_FALSE(facts({}).any());
    EXPECT_EQ(facts({{"x-ratelimit-remaining-requests", "7"}, {"x-ratelimit-reset-requests", "soon"}})[requests],
              (rate_fact{7, -1, std::nullopt}));
}

TEST(rate_headers, moments_as_rfc_3339_writes_them) {
    auto const at = [](char const* text) -> std::optional<coffer::duration> {
        auto const moment = llm::parse_rfc3339(text);
        return moment ? std::optional<coffer::duration>{*moment - now} : std::nullopt;
    };
    EXPECT_EQ(at("2026-11-21T12:00:00Z"), 0s);
    EXPECT_EQ(at(" 2026-11-21t12:00:07z "), 7s);
    EXPECT_EQ(at("2026-11-21 12:00:00.25Z"), 250ms);
    EXPECT_EQ(at("2026-11-21T12:00:00-00:30"), 30min);
    EXPECT_EQ(at("2026-11-21T12:00:00.000000001+02:00"), 1ns - 2h);
    for (auto const* const bad :
         {"2026-11-21T12:00:00", "2026-13-21T12:00:00Z", "2026-11-31T12:00:00Z", "2026-11-21T25:00:00Z", "2026-11-21",
          "2026-11-21T12:00:00.Z", "2026-11-21T12:00:00+0200", "2026-11-21T12:00:00+24:00", "2026/11/21T12:00:00Z",
          "+026-11-21T12:00:00Z", "2026-11-21T12:00:00Zx", ""})
        EXPECT_EQ(at(bad), std::nullopt) << bad;
}

TEST(rate_headers, arbitrary_bytes_are_read_without_harm) {
    constexpr std::string_view pieces[] = {"x-ratelimit-",
                                           "anthropic-ratelimit-",
                                           "remaining",
                                           "limit",
                                           "reset",
                                           "-",
                                           "requests",
                                           "tokens",
                                           "input-",
                                           "0",
                                           "9",
                                           ".",
                                           "T",
                                           ":",
                                           "Z",
                                           "s",
                                           "\xff",
                                           ""};
    for (auto const seed : support::each_seed(support::seeds())) {
        support::dice dice{seed};
        http::header_list list;
        auto const text = [&] {
            std::string t;
            for (auto n = dice.below(7); n > 0; --n) t += pieces[dice.below(std::size(pieces))];
            return t;
        };
        for (auto n = dice.below(8); n > 0; --n) {
            auto name = text();
            list.add(std::move(name), text());
        }
        auto const f = llm::rate_facts_of(list, now);
        for (auto const m : {requests, tokens, input_tokens, output_tokens})
            ASSERT_TRUE(!f[m].known() || f[m].limit < 0 || f[m].remaining <= f[m].limit);
    }
}

// From the wire to the limiter ---------------------------------------------------------------------------------------------

coffer::awaitable<void> ask_twice(coffer::guarded<llm::reply(llm::request const&)> ask,
                                  std::vector<coffer::time_point>& ends) {
    auto const r = llm::request{"gpt-4o-mini"}.user("hello").max_output_tokens(10);
    for (int i = 0; i < 2; ++i) {
        auto call = coffer::call::unkeyed();
        (void)co_await ask.try_call(call, r);
        ends.push_back(call.clock().now());
    }
}

/// How long after the first request's answer the second one was answered.
coffer::duration second_after(http::response first, coffer::rate_limit_options o) {
    support::simulation sim;
    coffer::testing::scripted_transport provider;
    provider.answer(std::move(first)).answer(chat_support::ok());
    llm::openai const openai{provider, llm::api_key{"sk-test"}};
    coffer::guarded<llm::reply(llm::request const&)> const ask =
        coffer::pipeline{coffer::rate_limit{o}}.wrap(openai.chat);
    std::vector<coffer::time_point> ends;
    sim.run(ask_twice(ask, ends));
    return ends.at(1) - ends.at(0);
}

TEST(rate_headers, of_a_good_answer_reach_the_limiter) {
    auto answer = chat_support::ok();
    EXPECT_EQ(second_after(answer, {.requests_per_minute = 60}), 0s);
    answer.headers.add("x-ratelimit-limit-requests", "60").add("x-ratelimit-remaining-requests", "0");
    answer.headers.add("x-ratelimit-reset-requests", "1m0s");
    EXPECT_EQ(second_after(answer, {.requests_per_minute = 60}), 1s);
}

TEST(rate_headers, of_a_refusal_too_and_its_hint_blocks) {
    auto const refused = chat_support::response(429, chat_support::error("requests", "rate_limit_exceeded"),
                                                {{"retry-after", "7"},
                                                 {"x-ratelimit-limit-requests", "6"},
                                                 {"x-ratelimit-remaining-requests", "0"},
                                                 {"x-ratelimit-reset-requests", "1m0s"}});
    EXPECT_EQ(second_after(refused, {.requests_per_minute = 600, .hint_spread = 0}), 7s);
    EXPECT_EQ(second_after(refused, {.requests_per_minute = 6, .hint_spread = 0}), 10s) << "the bucket is empty, too";
}

TEST(rate_headers, an_answers_usage_is_what_the_limiter_counts) {
    // The bound of this request is more than 60 tokens, the answer uses some 20.
    auto const answer = chat_support::ok();
    EXPECT_EQ(second_after(answer, {.tokens_per_minute = 150}), 0s);
    EXPECT_GT(second_after(answer, {.tokens_per_minute = 150, .give_back = false}), 0s);
}

}  // namespace
}  // namespace rate_headers_test
