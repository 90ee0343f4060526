// SPDX-License-Identifier: BSL-1.0
#include <coffer/llm/canonical.hpp>

#include <gtest/gtest.h>

#include <string>
#include <string_view>
#include <vector>

namespace canonical_test {
namespace {

namespace llm = coffer::llm;

std::string c(std::string_view text) { return llm::canonical_text(text); }

TEST(canonical, names_are_sorted_and_white_space_is_gone) {
    EXPECT_EQ(c(" { \"b\" : [ 1 , true , null ] ,\n\"a\" : { \"z\":{}, \"y\":[] } } "),
              R"({"a":{"y":[],"z":{}},"b":[1,true,null]})");
    EXPECT_EQ(c(R"({"ä":1,"z":2,"Z":3})"), R"({"Z":3,"z":2,"ä":1})");  // by bytes
}

TEST(canonical, a_number_is_written_in_one_way) {
    for (auto const* const one : {"1", "1.0", "1e0", "10e-1", "1.000", "0.1e1"}) EXPECT_EQ(c(one), "1") << one;
    for (auto const* const zero : {"0", "-0", "0.0", "-0.0", "0e5"}) EXPECT_EQ(c(zero), "0") << zero;
    EXPECT_EQ(c("0.7"), "0.7");
    EXPECT_EQ(c("0.70"), "0.7");
    EXPECT_EQ(c("7e-1"), "0.7");
    EXPECT_EQ(c("-2.5"), "-2.5");
    EXPECT_EQ(c("1e300"), "1e+300");
    EXPECT_EQ(c("9007199254740993"), "9007199254740993");  // exact where it was written exactly
    EXPECT_EQ(c("18446744073709551615"), "18446744073709551615");
    EXPECT_EQ(c("-9223372036854775808"), "-9223372036854775808");
}

TEST(canonical, a_text_is_written_in_one_way) {
    EXPECT_EQ(c(R"("ä\u00e4\/\u0041\n\"\\")"), "\"ää/A\\n\\\"\\\\\"");
    EXPECT_EQ(c(R"("\u0000\u001f\u0009\b")"), R"("\u0000\u001f\t\b")");
}

TEST(canonical, what_is_not_json_stands_for_itself) {
    EXPECT_NE(c("{"), c("{ "));
    EXPECT_NE(c("nonsense"), c("\"nonsense\""));
    EXPECT_NE(c(""), c("null"));
}

TEST(canonical, is_a_fixed_point) {
    for (auto const* const text : {R"({"b":1.50,"a":[{"d":"\u00e4"},-0.0]})", R"([1e20,1e21,123456789.5])", R"("x")"})
        EXPECT_EQ(c(c(text)), c(text)) << text;
}

}  // namespace
}  // namespace canonical_test
