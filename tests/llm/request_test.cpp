// SPDX-License-Identifier: BSL-1.0
#include <coffer/llm/request.hpp>

#include <gtest/gtest.h>

#include <optional>
#include <stdexcept>
#include <string>
#include <type_traits>
#include <utility>
#include <vector>

namespace request_test {
namespace {

namespace llm = coffer::llm;

// GCC 12 destroys temporaries of aggregates twice when they stand in a co_await expression.
static_assert(!std::is_aggregate_v<llm::request> && !std::is_aggregate_v<llm::message>);
static_assert(!std::is_aggregate_v<llm::image_part> && std::is_trivially_destructible_v<llm::uncounted>);
static_assert(std::is_same_v<decltype(llm::request{"m"}.user("x").n(2)), llm::request&&>);
static_assert(std::is_same_v<decltype(std::declval<llm::request&>().user("x").n(2)), llm::request&>);

TEST(request, setters_replace_and_what_there_may_be_many_of_is_appended) {
    auto const r = llm::request{"a"}
                       .system("s")
                       .user("u")
                       .assistant("a")
                       .add(llm::message::tool("call_1", "t"))
                       .model("b")
                       .max_output_tokens(1)
                       .max_output_tokens(2)
                       .temperature(0.5)
                       .top_p(0.9)
                       .n(3)
                       .stop("y")
                       .stop("z")
                       .seed(7)
                       .response_format("{}")
                       .tools("[]")
                       .extra("{}")
                       .end_user("me");
    EXPECT_EQ(r.model(), "b");
    ASSERT_EQ(r.messages().size(), 4U);
    EXPECT_EQ(r.messages()[0], llm::message::system("s"));
    EXPECT_EQ(r.messages()[3].who(), llm::role::tool);
    EXPECT_EQ(r.messages()[3].tool_call_id(), "call_1");
    EXPECT_EQ(r.max_output_tokens(), 2);
    EXPECT_EQ(r.temperature(), 0.5);
    EXPECT_EQ(r.top_p(), 0.9);
    EXPECT_EQ(r.n(), 3);
    EXPECT_EQ(r.stop(), (std::vector<std::string>{"y", "z"}));
    EXPECT_EQ(r.seed(), 7);
    EXPECT_EQ(r.end_user(), "me");
}

TEST(request, an_image_goes_to_the_users_last_message) {
    auto const r = llm::request{"m"}.user("u").image("a").assistant("x").image("b", llm::image_detail::high).image("c");
    ASSERT_EQ(r.messages().size(), 3U);
    ASSERT_EQ(r.messages()[0].images().size(), 1U);
    EXPECT_EQ(r.messages()[0].images()[0], (llm::image_part{"a", llm::image_detail::automatic}));
    EXPECT_TRUE(r.messages()[1].images().empty());
    EXPECT_EQ(r.messages()[2].text(), "");
    ASSERT_EQ(r.messages()[2].images().size(), 2U);
    EXPECT_EQ(r.messages()[2].images()[0].detail(), llm::image_detail::high);
    EXPECT_EQ(r.at_most(), std::nullopt);
    EXPECT_EQ(llm::request{r}.at_most({.input_tokens = 5}).at_most()->input_tokens, 5);
}

TEST(request, is_comparable) {
    auto const r = llm::request{"a"}.user("u");
    auto copy = r;
    EXPECT_EQ(copy, r);
    copy.user("more");
    EXPECT_NE(copy, r);
}

TEST(request, a_schemas_name_is_checked) {
    EXPECT_EQ(llm::request{}.json_schema("invoice-1", R"({"type":"object"})").response_format(),
              R"({"type":"json_schema","json_schema":{"name":"invoice-1","strict":true,"schema":{"type":"object"}}})");
    llm::request r;
    for (auto const& name : {std::string{}, std::string{"a b"}, std::string{"\""}, std::string(65, 'a')})
        EXPECT_THROW(r.json_schema(name, "{}"), std::invalid_argument) << name;
}

}  // namespace
}  // namespace request_test
