// SPDX-License-Identifier: BSL-1.0
#include <coffer/llm/fingerprint.hpp>

#include <gtest/gtest.h>

#include <cstdint>
#include <map>
#include <span>
#include <string>
#include <vector>

namespace {

namespace llm = coffer::llm;
using names = std::vector<std::string>;

llm::request sample() {
    return llm::request{"gpt-4o-mini"}
        .system("You are terse.")
        .user("What is \"\xC3\xA4\"?\n")
        .max_output_tokens(400)
        .temperature(0.7)
        .top_p(1)
        .n(2)
        .seed(-5)
        .stop("a")
        .stop("b")
        .response_format(R"({"type":"json_object"})")
        .tools(R"([{"type":"function","function":{"name":"f"}}])")
        .extra(R"({"metadata":{"k":"v"},"a":[1,2.5,true,null]})");
}

names differ(llm::request const& a, llm::request const& b) {
    return coffer::fingerprint::differing(llm::fingerprint_of(a), llm::fingerprint_of(b));
}

// The digests were computed by another program (Python's json.dumps with sorted keys, and hashlib), and records in
// stores depend on them: they change only together with `canonical_version`.
TEST(fingerprint, version1) {
    std::map<std::string, std::string> const golden{
        {"model", "f3b2b781b6fd57b238fdc07e1e3fcc83a576b3a920087a1c53c0609fc24a25b3"},
        {"messages", "2ed78a39265e798d42978a1ed6db3453f51ff74e009259b763dc22d9203c172b"},
        {"output_limit", "26d228663f13a88592a12d16cf9587caab0388b262d6d9f126ed62f9333aca94"},
        {"sampling", "57236b80d2333a21f798bc0467f62c0bd180eae811a8f8a83eb7308effc61ca9"},
        {"response_format", "376bde7986cc2f8fd182f04e745c607933760bea7c306ea6e8e992b7f70be25a"},
        {"tools", "49da429ee74cb70ff638100c92cbe6d761ef6cd1048d0ded4044077f77bfc2ef"},
        {"extra", "2e2b0119c5043338af3ff6820602e575a7232f53dbbf3daf2e15f3ba1b0ced63"},
    };
    auto const print = llm::fingerprint_of(sample());
    EXPECT_EQ(print.version(), 1U);
    std::map<std::string, std::string> made;
    for (auto const& field : print.fields()) {
        EXPECT_EQ(field.value.size(), 32U);
        made[field.name] =
            coffer::crypto::to_hex({reinterpret_cast<std::uint8_t const*>(field.value.data()), field.value.size()});
    }
    EXPECT_EQ(made, golden);
}

TEST(fingerprint, names_the_part_that_differs) {
    auto const r = sample();
    EXPECT_EQ(differ(r, r), names{});
    EXPECT_EQ(differ(r, sample().model("gpt-4o")), names{"model"});
    EXPECT_EQ(differ(r, sample().user("more")), names{"messages"});
    EXPECT_EQ(differ(r, sample().max_output_tokens(401)), names{"output_limit"});
    EXPECT_EQ(differ(r, sample().temperature(0.8)), names{"sampling"});
    EXPECT_EQ(differ(r, sample().stop("c")), names{"sampling"});
    EXPECT_EQ(differ(r, sample().response_format("")), names{"response_format"});
    EXPECT_EQ(differ(r, sample().tools("[]")), names{"tools"});
    EXPECT_EQ(differ(r, sample().extra("{}").model("x")), (names{"extra", "model"}));
}

TEST(fingerprint, a_messages_parts_cannot_run_into_each_other) {
    auto const with = [](llm::message a, llm::message b) {
        return llm::request{"m"}.add(std::move(a)).add(std::move(b));
    };
    using m = llm::message;
    EXPECT_EQ(differ(with(m::user("ab"), m::user("c")), with(m::user("a"), m::user("bc"))), names{"messages"});
    EXPECT_EQ(differ(with(m::user("a"), m::user("b")), with(m::user("b"), m::user("a"))), names{"messages"});
    EXPECT_EQ(differ(llm::request{"m"}.user("x"), llm::request{"m"}.system("x")), names{"messages"});
    EXPECT_EQ(differ(llm::request{"m"}.user(R"(x","role":"user)"), llm::request{"m"}.user("x")), names{"messages"});
    EXPECT_EQ(differ(llm::request{"m"}.add(m::tool("a", "x")), llm::request{"m"}.add(m::tool("b", "x"))),
              names{"messages"});
    EXPECT_EQ(differ(llm::request{"m"}.add(m::assistant("x", "[1]")), llm::request{"m"}.add(m::assistant("x", "[2]"))),
              names{"messages"});
}

TEST(fingerprint, sees_through_another_spelling) {
    EXPECT_EQ(differ(sample(), sample().extra(R"( {"a" : [1.0,2.50,true,null], "metadata":{"\u006b":"v"}} )")),
              names{});
    EXPECT_EQ(differ(sample(), sample().tools(R"([{"function":{"name":"f"},"type":"function"}])")), names{});
}

TEST(fingerprint, the_end_users_tag_is_no_part_of_the_request) {
    EXPECT_EQ(differ(sample(), sample().end_user("somebody")), names{});
}

TEST(fingerprint, takes_even_what_cannot_be_sent) {
    EXPECT_EQ(differ(llm::request{"m"}.extra("{"), llm::request{"m"}.extra("{ ")), names{"extra"});
    EXPECT_EQ(differ(llm::request{"m"}.user("\xFF"), llm::request{"m"}.user("\xFE")), names{"messages"});
}

}  // namespace
