// SPDX-License-Identifier: BSL-1.0
#include <coffer/llm/exact_json.hpp>

#include <gtest/gtest.h>

#include <string>

namespace exact_json_test {
namespace {

using coffer::llm::json;
using coffer::llm::detail::number_text;
using coffer::llm::detail::parse_exact_json;

TEST(exact_json, keeps_fractions_as_they_were_written) {
    auto const j = parse_exact_json(R"({"a":1.50e-07,"b":[0.1,2,-3,{"c":1E300}],"d":99999999999999999999})");
    ASSERT_TRUE(j);
    EXPECT_EQ((*j)["a"], "1.50e-07");
    EXPECT_EQ((*j)["b"][0], "0.1");
    EXPECT_EQ((*j)["b"][1], 2);
    EXPECT_EQ((*j)["b"][2], -3);
    EXPECT_EQ((*j)["b"][3]["c"], "1E300");
    EXPECT_EQ((*j)["d"], "99999999999999999999");
}

TEST(exact_json, is_otherwise_what_json_is) {
    auto const* const text = R"({"x":{"y":[[],{},[1,[2]],"s",null,true,false]},"z":"é"})";
    EXPECT_EQ(parse_exact_json(text), json::parse(text));
    for (auto const* const wrong : {"", "{", "[1,]", "{\"a\"}", "nonsense", "1 2", "{\"a\":1e}"})
        EXPECT_FALSE(parse_exact_json(wrong)) << wrong;
    EXPECT_FALSE(parse_exact_json(std::string(5'000, '[') + std::string(5'000, ']')));
}

TEST(exact_json, the_text_of_a_number) {
    EXPECT_EQ(number_text(json(7)), "7");
    EXPECT_EQ(number_text(json("1e-6")), "1e-6");
    EXPECT_FALSE(number_text(json(true)));
    EXPECT_FALSE(number_text(json::object()));
}

}  // namespace
}  // namespace exact_json_test
