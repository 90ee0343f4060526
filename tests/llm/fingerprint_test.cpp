// SPDX-License-Identifier: BSL-1.0
#include <coffer/llm/fingerprint.hpp>

#include <gtest/gtest.h>

#include <cstdint>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <sstream>
#include <string>
#include <utility>
#include <vector>

namespace fingerprint_test {
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

/// Requests of all shapes, by the names that the golden file knows them by.
std::vector<std::pair<std::string, llm::request>> golden_requests() {
    using m = llm::message;
    return {
        {"sample", sample()},
        {"empty", llm::request{}},
        {"plain", llm::request{"gpt-4o-mini"}.user("hello")},
        {"unicode", llm::request{"m"}.user("\xE2\x82\xAC \xF0\x9F\x98\x80 e\xCC\x81 \x7F \x01 \\ \" / \t")},
        {"conversation", llm::request{"m"}
                             .system("s")
                             .user("u")
                             .add(m::assistant("a", R"([{"id":"1","type":"function"}])"))
                             .add(m::tool("1", "42"))},
        {"numbers", llm::request{"m"}
                        .temperature(0.1)
                        .top_p(1e-7)
                        .seed(-9223372036854775807)
                        .n(1)
                        .extra(R"({"a":1e21,"b":-0.0,"c":123456789012345678,"d":0.30000000000000004,"e":1E2})")},
        {"order", llm::request{"m"}.extra(R"({"b":{"z":1,"a":[{"d":2,"c":1}]},"a":"\u0041"})")},
        {"not_json", llm::request{"m"}.tools("{")},
        {"limits", llm::request{"m"}.max_output_tokens(0).stop("").stop("\n")},
    };
}

// Records in stores depend on these digests: they change only together with `canonical_version`, and then stand in another
// file. The digests of `sample` were computed by another program too (Python's json.dumps with sorted keys, and hashlib).
TEST(fingerprint, is_that_of_the_golden_file) {
    ASSERT_EQ(llm::canonical_version, 1U);
    std::ostringstream made;
    for (auto const& [name, r] : golden_requests()) {
        auto const print = llm::fingerprint_of(r);
        EXPECT_EQ(print.version(), llm::canonical_version);
        for (auto const& field : print.fields()) {
            EXPECT_EQ(field.value.size(), 32U);
            made << name << ' ' << field.name << ' '
                 << coffer::crypto::to_hex(
                        {reinterpret_cast<std::uint8_t const*>(field.value.data()), field.value.size()})
                 << '\n';
        }
    }
    auto const path = std::filesystem::path{COFFER_TESTS} / "llm" / "files" / "fingerprints_1.txt";
    std::ifstream file{path};
    std::string const golden{std::istreambuf_iterator<char>{file}, {}};
    EXPECT_EQ(made.str(), golden)
        << "the canonical form has drifted: answers that were paid for would no longer be found";
}

TEST(fingerprint, an_image_is_a_part_of_its_message_and_a_promise_is_none) {
    auto const r = sample();
    auto const seen = llm::request{r}.image("https://example.com/a.png");
    EXPECT_EQ(differ(r, seen), names{"messages"});
    EXPECT_EQ(differ(seen, llm::request{r}.image("https://example.com/b.png")), names{"messages"});
    EXPECT_EQ(differ(seen, llm::request{r}.image("https://example.com/a.png", llm::image_detail::low)),
              names{"messages"});
    EXPECT_EQ(differ(seen, llm::request{seen}.at_most({.input_tokens = 1'000})), names{});
    llm::request apart{"m"};
    apart.image("a").image("b");
    llm::request together{"m"};
    together.image(R"(a","url":"b)");
    EXPECT_EQ(differ(apart, together), names{"messages"});
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
}  // namespace fingerprint_test
