// SPDX-License-Identifier: BSL-1.0
#include <coffer/llm/redact.hpp>

#include <gtest/gtest.h>

#include <string>
#include <string_view>
#include <vector>

namespace redact_test {
namespace {

namespace llm = coffer::llm;

std::string shown(std::string_view text) { return llm::provider_words{}.shown(text); }
bool has(std::string const& text, std::string_view part) { return text.find(part) != text.npos; }

TEST(provider_words, ordinary_ones_stay) {
    for (auto const* const text :
         {"Rate limit reached for gpt-4o-mini-2024-07-18 on tokens per min (TPM): Limit 30000, Used 29937, Requested "
          "385.",
          "The model `gpt-9` does not exist or you do not have access to it.",
          "This model's maximum context length is 128000 tokens. However, your messages resulted in 130000 tokens.",
          "Invalid value: 'foo'. Supported values are: 'low', 'medium', and 'high'.",
          "You exceeded your current quota, please check your plan and billing details.",
          "Visit https://platform.openai.com/account/rate-limits to learn more."})
        EXPECT_EQ(shown(text), text);
}

TEST(provider_words, what_looks_like_a_credential_is_blotted_out) {
    for (std::string_view const secret :
         {"sk-proj-abcdefgh12345678", "sk-abc123def456", "gsk_0123456789abcdef", "xai-abcdefgh1234",
          "AIzaSyA-1234567890", "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxIn0.abc", "abcd****wxyz",
          "0a1b2c3d4e5f60718293a4b5c6d7e8f9"}) {
        auto const text =
            shown("Incorrect API key provided: " + std::string{secret} + ". You can find your API key at https://x.");
        EXPECT_FALSE(has(text, secret)) << text;
        EXPECT_TRUE(has(text, "You can find your API key")) << text;
    }
    EXPECT_EQ(shown("Incorrect API key provided: hunter2."), "Incorrect API key provided: ***");
    EXPECT_EQ(shown("got Authorization: Bearer hunter2 today"), "got Authorization: Bearer *** today");
}

TEST(provider_words, the_requests_own_key_goes_whatever_it_looks_like) {
    llm::provider_words const words{{"my secret"}, {}};
    EXPECT_EQ(words.shown("The key my secret is wrong, my secret!"), "The key *** is wrong, ***!");
    llm::provider_words const empty{{""}, {}};
    EXPECT_EQ(empty.shown("No key"), "No key");
}

TEST(provider_words, long_quotations_go_and_short_ones_stay) {
    std::string const prompt(41, 'x');
    for (auto const& [open, close] :
         {std::pair{"\"", "\""}, {"'", "'"}, {"`", "`"}, {"\xE2\x80\x9C", "\xE2\x80\x9D"}}) {
        EXPECT_EQ(shown("Bad input " + (open + prompt + close) + " here"),
                  std::string{"Bad input "} + open + "..." + close + " here");
        EXPECT_EQ(shown(std::string{"Bad input "} + open + "short" + close),
                  std::string{"Bad input "} + open + "short" + close);
    }
    EXPECT_EQ(shown("Unterminated: \"" + prompt), "Unterminated: \"...");
    EXPECT_EQ(shown("it isn't so, and that's that"), "it isn't so, and that's that");
}

TEST(provider_words, what_stands_in_the_request_goes) {
    std::string const prompt = "Dear Dr. Example, the patient Jane Doe was admitted on Tuesday.";
    std::string const brief = "Jane Doe";
    llm::provider_words const words{{}, {prompt, brief}};
    EXPECT_EQ(words.shown("Flagged: the patient Jane Doe was admitted; see policy"), "Flagged:...; see policy");
    EXPECT_EQ(words.shown("About Jane Doe: no."), "About ...: no.");
    EXPECT_EQ(words.shown("Nothing of it."), "Nothing of it.");
}

TEST(provider_words, overlapping_echoes_are_one_gap) {
    std::string const prompt = "0123456789abcdefghijklmnopqrstuvwxyz";
    llm::provider_words const words{{}, {prompt}};
    EXPECT_EQ(words.shown("<" + prompt + prompt + ">"), "<...>");
}

TEST(provider_words, are_cut_between_characters) {
    std::string text;
    while (text.size() < 1000) text += "\xC3\xA4 ";  // ä
    auto const cut = shown(text);
    EXPECT_LE(cut.size(), llm::provider_words::longest);
    EXPECT_TRUE(cut.ends_with("..."));
    auto const body = cut.substr(0, cut.size() - 3);
    EXPECT_NE(static_cast<unsigned char>(body.back()), 0xC3U);
}

TEST(provider_words, hold_no_control_characters) { EXPECT_EQ(shown("a\r\nb\x1b[31mc"), "a  b [31mc"); }

TEST(provider_words, an_identifier_is_a_short_word_or_nothing) {
    std::string const prompt = "a_prompt_that_could_be_an_id";
    llm::provider_words const words{{"canary-key"}, {prompt}};
    for (auto const* const good :
         {"", "rate_limit_exceeded", "req_a1-b2.c:3", "req_011CSHoEeqs5C35K2UUqR7Fy", "402", "429"})
        EXPECT_EQ(words.identifier(good), good);
    for (auto const& bad : {std::string{"two words"}, std::string{"line\n"}, std::string(129, 'a'),
                            std::string{"x-canary-key-y"}, std::string{"sk-abcdefgh"}, prompt, std::string{"\xC3\xA4"}})
        EXPECT_EQ(words.identifier(bad), "") << bad;
}

TEST(without_key, takes_out_the_key_and_nothing_else) {
    EXPECT_EQ(llm::without_key("a canary-key-Zq8vT2 b, canary-key-Zq8vT2", "canary-key-Zq8vT2"), "a *** b, ***");
    EXPECT_EQ(llm::without_key("nothing of it", "canary-key-Zq8vT2"), "nothing of it");
    EXPECT_EQ(llm::without_key("the box is EMPTY", "EMPTY"), "the box is EMPTY");
    EXPECT_EQ(llm::without_key("text", ""), "text");
}

}  // namespace
}  // namespace redact_test
