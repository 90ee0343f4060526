// SPDX-License-Identifier: BSL-1.0
// A provider that repeats everything it was told, key and prompt, in every place where it can. The same with a journal in
// real files: tests/integration/secrets_test.cpp.
#include "llm/support/canaries.hpp"

#include <coffer/llm/openai.hpp>
#include <coffer/policy/retry.hpp>

#include <gtest/gtest.h>

#include <sstream>
#include <string>
#include <vector>

namespace secrets_test {
namespace {

using namespace canaries;

/// Everything that could be written into a log about a call that was answered so.
std::string logged(secrets const& s, http::response const& r) {
    conversation c;
    c.provider.otherwise([&](http::request const&) { return r; });
    llm::openai const client{c.provider, llm::api_key{s.key}};
    std::ostringstream out;
    auto const wrapped = coffer::pipeline{coffer::retry{}}
                             .observe([&](coffer::event const& e) {
                                 out << to_string(e.kind) << e.name_space << '\n';
                                 if (e.why != nullptr) write(out, *e.why);
                             })
                             .wrap(client.chat);
    auto const got = c.ask(wrapped, question_about(s));
    write(out, c.call);
    if (!got) write(out, got.error());
    EXPECT_EQ(got.has_value(), r.status == 200 && r.headers.contains("x-request-id"));
    EXPECT_FALSE(c.provider.sent().empty());
    return out.str();
}
void expect_clean(secrets const& s, http::response const& r) {
    auto const words = logged(s, r);
    EXPECT_EQ(words.find("canary"), std::string::npos) << r.status << ' ' << r.body << '\n' << words;
    EXPECT_EQ(words.find(prompt_mark), std::string::npos) << r.status << ' ' << r.body << '\n' << words;
    EXPECT_EQ(words.find(key_mark), std::string::npos) << r.status << ' ' << r.body << '\n' << words;
}

TEST(secrets, an_echo_in_a_refusal_stays_out_of_everything) {
    for (auto const& s : all())
        for (auto const& words : echoes(s))
            for (auto const& r : failures(s, words)) expect_clean(s, r);
}

TEST(secrets, an_echo_inside_a_200_too) {
    for (auto const& s : all())
        for (auto const& words : echoes(s)) {
            for (auto const& r : defects(s, words)) expect_clean(s, r);
            expect_clean(s, accepted(s, words));
        }
}

TEST(secrets, an_echo_of_the_key_does_not_reach_the_answer) {
    conversation c;
    auto const s = all().front();
    c.provider.answer(accepted(s, "You sent " + s.key + ", didn't you"));
    llm::openai const client{c.provider, llm::api_key{s.key}};
    auto const got = c.ask(coffer::pipeline<>{}.wrap(client.chat));
    ASSERT_TRUE(got);
    EXPECT_EQ(got->text, "You sent ***, didn't you");
}

TEST(secrets, nothing_of_them_in_a_request_that_is_printed) {
    conversation c;
    auto const s = all().front();
    c.provider.answer(ok());
    llm::openai const client{c.provider, llm::api_key{s.key}};
    auto const wrapped = coffer::pipeline<>{}.wrap(client.chat);
    EXPECT_TRUE(c.ask(wrapped, question_about(s)));
    std::ostringstream out;
    out << c.provider.sent()[0];
    EXPECT_EQ(out.str().find("canary"), std::string::npos);
}

}  // namespace
}  // namespace secrets_test
