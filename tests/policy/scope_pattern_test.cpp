// SPDX-License-Identifier: BSL-1.0
#include <coffer/policy/scope_pattern.hpp>

#include <gtest/gtest.h>

#include <stdexcept>
#include <string>

namespace scope_pattern_test {
namespace {

using namespace coffer;

std::string filled(std::string_view pattern, call& c) {
    attempt a{c};
    attempt_access::set_target(a, {"openai", "gpt/4"});
    return scope_pattern{pattern}.of(a);
}

TEST(scope_pattern, is_filled_in_from_the_call) {
    call c{key{"report", 1}};
    c.tag("team", "search").tag("user", "ann");
    EXPECT_EQ(filled("org", c), "org");
    EXPECT_EQ(filled("team/{team}/user/{user}", c), "team/search/user/ann");
    EXPECT_EQ(filled("{provider}/{model}", c), "openai/gpt%2F4");
    EXPECT_EQ(filled("ns/{namespace}x", c), "ns/reportx");
}

TEST(scope_pattern, knows_whether_it_is_the_same_for_every_call) {
    EXPECT_TRUE(scope_pattern{"team/search"}.is_fixed());
    EXPECT_FALSE(scope_pattern{"team/{team}"}.is_fixed());
}

TEST(scope_pattern, calls_without_the_tag_share_an_account_that_no_value_names) {
    call c{key{"report", 1}};
    EXPECT_EQ(filled("user/{user}", c), "user/-");
    c.tag("user", "-");
    EXPECT_EQ(filled("user/{user}", c), "user/%2D");
    call empty{key{"report", 1}};
    empty.tag("user", "");
    EXPECT_EQ(filled("user/{user}", empty), "user/-");
    auto unkeyed = call::unkeyed();
    EXPECT_EQ(filled("{namespace}", unkeyed), "-");
    attempt a{unkeyed};
    EXPECT_EQ(scope_pattern{"{model}"}.of(a), "-") << "the operation does not name a target";
}

TEST(scope_pattern, a_value_cannot_reach_into_another_scope) {
    call c{key{"report", 1}};
    c.tag("user", "a/../b%2F\n\x7f");
    EXPECT_EQ(filled("user/{user}", c), "user/a%2F..%2Fb%252F%0A%7F");
    call other{key{"report", 1}};
    other.tag("user", "{team}").tag("team", "x");
    EXPECT_EQ(filled("user/{user}", other), "user/{team}") << "and is not filled in again";
}

TEST(scope_pattern, of_a_value_the_first_100_bytes_count) {
    call c{key{"report", 1}};
    c.tag("user", std::string(300, 'x'));
    EXPECT_EQ(filled("{user}", c), std::string(100, 'x'));
}

TEST(scope_pattern, refuses_what_is_no_name_and_says_which) {
    for (auto const* const bad :
         {"", "/", "/a", "a/", "a//b", "a{", "a}", "{}", "a/{}", "{a{b}}", "a}b{c}", "{a}}", "a\n", "a\x7f"})
        EXPECT_THROW(scope_pattern{bad}, std::invalid_argument) << bad;
    EXPECT_THROW(scope_pattern{std::string(201, 'a')}, std::invalid_argument);
    EXPECT_NO_THROW(scope_pattern{std::string(200, 'a')});
    try {
        scope_pattern{"team/{team}/x}"};
        FAIL();
    } catch (std::invalid_argument const& error) {
        EXPECT_NE(std::string{error.what()}.find("\"team/{team}/x}\""), std::string::npos) << error.what();
    }
}

}  // namespace
}  // namespace scope_pattern_test
