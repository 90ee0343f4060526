// SPDX-License-Identifier: BSL-1.0
// Bodies that nobody wrote on purpose: valid ones, mutated by seed. Nothing may throw, and nothing may turn to success
// that was not one.
#include "llm/support/chat.hpp"

#include <coffer/llm/openai.hpp>

#include <gtest/gtest.h>

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "support/seeds.hpp"

namespace hostile_test {
namespace {

using namespace chat_support;
using coffer::knowledge;

std::vector<std::string> bodies() {
    return {
        completion(),
        completion("x", "length"),
        R"({"id":"c","model":"gpt-4o","choices":[{"index":0,"message":{"role":"assistant","content":null,"tool_calls":[{"id":"c","type":"function","function":{"name":"f","arguments":"{\"a\":1}"}}]},"finish_reason":"tool_calls"}],"usage":{"prompt_tokens":1000,"completion_tokens":500,"prompt_tokens_details":{"cached_tokens":600,"audio_tokens":0},"completion_tokens_details":{"reasoning_tokens":300}}})",
        R"({"error":{"message":"Rate limit reached","type":"requests","param":null,"code":"rate_limit_exceeded"}})",
        R"({"error":{"code":402,"message":"m","metadata":{"limit_source":"openrouter_credits","headers":{"X-RateLimit-Reset":"1795262405000"}}}})",
        R"([{"error":{"code":429,"message":"m"}}])",
        R"({"id":"g","choices":[{"message":{"content":""},"finish_reason":"error","error":{"code":502}}],"usage":{"prompt_tokens":5,"completion_tokens":0,"cost":0.1,"is_byok":true,"cost_details":{"upstream_inference_cost":0.2}}})"};
}

std::string mutated(std::string text, support::dice& dice) {
    constexpr std::string_view pieces[] = {"null",
                                           "-1",
                                           "1e999",
                                           "[]",
                                           "{}",
                                           "\"",
                                           "\\u0000",
                                           "\\ud800",
                                           "true",
                                           "9999999999999999999999",
                                           "0.5",
                                           ",",
                                           ":",
                                           "\xFF",
                                           "[[[[[[",
                                           "}",
                                           "\"error\":{\"code\":500},",
                                           "NaN",
                                           "\n"};
    auto const times = 1 + dice.below(4);
    for (int i = 0; i < times && !text.empty(); ++i) {
        auto const at = dice.below(text.size());
        switch (dice.below(7)) {
            case 0: text[at] = static_cast<char>(dice.below(256)); break;
            case 1: text.erase(at, 1 + dice.below(std::size_t{8})); break;
            case 2: text.insert(at, pieces[dice.below(std::size(pieces))]); break;
            case 3: text.resize(at); break;
            case 4: text.insert(at, text.substr(dice.below(text.size()), dice.below(std::size_t{40}))); break;
            case 5: {  // a value for another
                auto const colon = text.find(':', at);
                if (colon == text.npos) break;
                auto const end = text.find_first_of(",}]", colon);
                if (end != text.npos) text.replace(colon + 1, end - colon - 1, pieces[dice.below(std::size(pieces))]);
                break;
            }
            default: {
                auto const digit = text.find_first_of("0123456789", at);
                if (digit != text.npos) text.insert(digit, dice.one_in(2) ? "-" : "99999999");
                break;
            }
        }
    }
    return text;
}

TEST(hostile_bodies, never_throw_and_never_invent_a_success) {
    auto const all = bodies();
    std::vector<llm::openai_options> const dialects{{}, llm::openai_options::openrouter(), llm::openai_options::groq()};
    int accepted = 0;
    for (auto const seed : support::each_seed(support::seeds(5))) {
        support::dice dice{seed};
        auto const body = mutated(all[dice.below(all.size())], dice);
        auto const& o = dialects[dice.below(dialects.size())];
        SCOPED_TRACE(testing::Message() << "seed " << seed << ": " << body);

        coffer::answer const a{body, 200};
        std::optional<coffer::outcome<llm::reply>> read;
        std::optional<coffer::billed> bill;
        ASSERT_NO_THROW(read.emplace(llm::read_chat(a, o)));
        ASSERT_NO_THROW(bill.emplace(llm::bill_chat(a, o)));
        if (bill->usage) {
            auto const& u = *bill->usage;
            for (auto const bucket : coffer::usage_buckets) ASSERT_GE(u.*bucket, 0);
        }
        if (bill->cost) {
            ASSERT_GE(*bill->cost, coffer::money{});
        }
        if (*read) {
            ++accepted;
            auto const document = llm::json::parse(body);  // an accepted one is JSON, with a finish reason of the list
            ASSERT_NE(std::ranges::find(o.finish_reasons, (*read)->finish_reason), o.finish_reasons.end());
            ASSERT_EQ((*read)->usage, bill->usage);
            ASSERT_EQ((*read)->cost, bill->cost);
        } else {
            auto const& f = read->error();
            ASSERT_LE(f.message().size(), llm::provider_words::longest);
            if (bill->usage && bill->usage->input() + bill->usage->output > 0) {
                ASSERT_EQ(f.billing(), knowledge::yes);
            }
        }

        for (int const status : {400, 402, 403, 429, 500, 503}) {
            http::response r{status, body};
            r.headers.add("retry-after", mutated("12.5", dice));
            r.headers.add("x-ratelimit-remaining-tokens", "0");
            r.headers.add("x-ratelimit-reset-tokens", mutated("6m0.25s", dice));
            std::optional<coffer::fault> f;
            ASSERT_NO_THROW(f.emplace(
                llm::fault_of_response(r, o.rules, {}, coffer::wall_time_point{std::chrono::seconds{1'800'000'000}})));
            ASSERT_EQ(f->status(), status);
            ASSERT_GE(f->retry_after().value_or(0s), 0s);
            // A 500 is never proven unbilled by what stands in its body, unless an insurance says so.
            if (status == 500 && !o.rules.insured) {
                ASSERT_NE(f->billing(), knowledge::no);
            }
        }
    }
    // The mutations are gentle enough to leave some whole.
    EXPECT_TRUE(support::replaying() || accepted > 0);
}

TEST(hostile_bodies, redaction_never_throws_and_is_never_longer) {
    for (auto const seed : support::each_seed(support::seeds(5))) {
        support::dice dice{seed};
        std::string text;
        constexpr std::string_view pieces[] = {"\"",
                                               "'",
                                               "`",
                                               "\xE2\x80\x9C",
                                               "\xE2\x80\x9D",
                                               "\xC2\xAB",
                                               "sk-abcdefgh",
                                               "the quick brown fox ",
                                               " ",
                                               "\xC3",
                                               "\n",
                                               "Bearer ",
                                               "canary-key",
                                               "****",
                                               "a1b2c3d4e5f6a7b8c9d0e1f2"};
        for (auto n = dice.below(60); n > 0; --n) text += pieces[dice.below(std::size(pieces))];
        std::string const source = "over the quick brown fox jumps the lazy dog";
        llm::provider_words const words{{"canary-key"}, {source, "the fox"}};
        auto const shown = words.shown(text);
        ASSERT_LE(shown.size(), llm::provider_words::longest);
        ASSERT_EQ(shown.find("canary-key"), std::string::npos) << seed;
        ASSERT_EQ(shown.find("the quick brown fox"), std::string::npos) << seed;
    }
}

}  // namespace
}  // namespace hostile_test
