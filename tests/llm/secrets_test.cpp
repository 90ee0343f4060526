// SPDX-License-Identifier: BSL-1.0
// A provider that repeats everything it was told, key and prompt, in every place where it can.
#include "llm/support/chat.hpp"

#include <coffer/llm/openai.hpp>
#include <coffer/policy/retry.hpp>

#include <gtest/gtest.h>

#include <sstream>
#include <string>
#include <string_view>
#include <vector>

namespace {

using namespace chat_support;

constexpr std::string_view key = "canary-key-Zq8vT2";  // looks like nothing that anybody blots out by its looks
constexpr std::string_view prompt = "canary prompt about the patient Jane Doe, born on the first of May";

/// Everything that could be written into a log about a call.
std::string all_words(coffer::call const& call, coffer::outcome<llm::reply> const& got) {
    std::ostringstream out;
    out << call.log();
    auto const add = [&](coffer::fault const& f) {
        out << f << ' ' << f.message() << ' ' << f.code() << ' ' << f.request_id() << '\n';
    };
    for (auto const& a : call.log()) {
        out << a.request_id << '\n';
        if (a.fault) add(*a.fault);
    }
    if (!got) {
        add(got.error());
        out << coffer::failure{got.error()}.what();
    }
    return out.str();
}

void expect_clean(http::response const& r) {
    conversation c;
    c.provider.otherwise([&](http::request const&) { return r; });
    llm::openai const client{c.provider, llm::api_key{std::string{key}}};
    auto const request = llm::request{"gpt-4o-mini"}
                             .system("canary system prompt of ours")
                             .user(std::string{prompt})
                             .max_output_tokens(5);
    auto const got = c.ask(coffer::pipeline{coffer::retry{}}.wrap(client.chat), request);
    EXPECT_FALSE(got);
    EXPECT_FALSE(c.provider.sent().empty());
    EXPECT_EQ(all_words(c.call, got).find("canary"), std::string::npos) << r.status << ' ' << r.body << '\n'
                                                                        << all_words(c.call, got);
    EXPECT_EQ(all_words(c.call, got).find("Jane Doe"), std::string::npos) << r.status << ' ' << r.body << '\n'
                                                                          << all_words(c.call, got);
}

std::vector<std::string> echoes() {
    auto const k = std::string{key};
    auto const p = std::string{prompt};
    return {"Incorrect API key provided: " + k + ".",
            "Authorization was: Bearer " + k,
            k,
            "Your prompt '" + p + "' was flagged",
            "Your prompt was: " + p,
            p,
            "canary system prompt of ours is not allowed",
            "You said \\\"" + p.substr(3, 40) + "\\\" with " + k,
            "x" + p + "x" + k + "x"};
}

TEST(secrets, an_echo_in_an_errors_message_stays_out_of_everything) {
    for (auto const& words : echoes())
        for (int const status : {400, 401, 403, 404, 409, 429, 500, 503})
            expect_clean(response(status, error("some_type", "some_code", words)));
}

TEST(secrets, an_echo_in_a_code_or_a_type_or_an_id_too) {
    for (auto const& words : echoes()) {
        expect_clean(response(400, error("some_type", words)));
        expect_clean(response(400, error(words, "")));
        http::response r{400, error("", "")};
        r.headers.add("x-request-id", std::string{key});
        r.headers.add("x-generation-id", "g-" + std::string{key});
        expect_clean(r);
    }
}

TEST(secrets, an_echo_that_is_no_json_too) {
    for (auto const& words : echoes())
        for (int const status : {200, 400, 429, 500, 502}) {
            expect_clean(response(status, "<html>" + words + "</html>"));
            expect_clean(response(status, words));
            expect_clean(response(status, "{\"error\":{\"message\":\"" + words));
        }
}

TEST(secrets, an_echo_inside_a200_too) {
    for (auto const& words : echoes()) {
        expect_clean(response(200, error("some_type", "some_code", words)));
        expect_clean(response(200, R"({"error":")" + words + R"("})"));
        expect_clean(response(
            200, R"({"choices":[{"message":{"content":null,"refusal":")" + words + R"("},"finish_reason":"stop"}]})"));
        expect_clean(
            response(200, R"({"choices":[{"message":{"content":")" + words + R"("},"finish_reason":"length"}]})"));
        expect_clean(response(200, R"({"choices":[{"message":{"content":"x"},"finish_reason":")" + words + R"("}]})"));
        expect_clean(
            response(200, R"({"choices":[{"error":{"message":")" + words + R"(","code":")" + words + R"("}}]})"));
    }
}

TEST(secrets, nothing_of_them_in_a_request_that_is_printed) {
    conversation c;
    c.provider.answer(ok());
    llm::openai const client{c.provider, llm::api_key{std::string{key}}};
    auto const wrapped = coffer::pipeline<>{}.wrap(client.chat);
    EXPECT_TRUE(c.ask(wrapped, llm::request{"gpt-4o-mini"}.user(std::string{prompt})));
    std::ostringstream out;
    out << c.provider.sent()[0];
    EXPECT_EQ(out.str().find("canary"), std::string::npos);
}

}  // namespace
