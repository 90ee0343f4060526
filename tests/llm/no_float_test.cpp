// SPDX-License-Identifier: BSL-1.0
// Money is integers: neither its arithmetic nor the reading of price lists knows a floating point type.
#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <regex>
#include <string>

namespace no_float_test {
namespace {

namespace fs = std::filesystem;

/// Lines of code that name a floating point type, comments aside.
int floats_in(fs::path const& file) {
    static std::regex const word{R"(\b(float|double)\b|\bstd::(stod|strtod|stof|pow|ceil|floor|round)\b)"};
    std::ifstream in{file};
    EXPECT_TRUE(in) << file;
    int found = 0;
    for (std::string line; std::getline(in, line);)
        if (std::regex_search(line.substr(0, line.find("//")), word)) ++found;
    return found;
}

TEST(money, knows_no_floating_point) {
    fs::path const include = fs::path{COFFER_TESTS} / ".." / "include" / "coffer";
    int files = 0;
    for (auto const& entry : fs::directory_iterator{include / "llm"}) {
        auto const name = entry.path().filename().string();
        bool const is_about_money = name.starts_with("price") || name.starts_with("cost") ||
                                    name.starts_with("decimal") || name.starts_with("estimate") ||
                                    name.starts_with("uncountable") || name.starts_with("exact_json") ||
                                    name.ends_with("_prices.hpp");
        if (!is_about_money) continue;
        EXPECT_EQ(floats_in(entry.path()), 0) << name;
        ++files;
    }
    EXPECT_GE(files, 10);
    for (auto const* const name : {"money.hpp", "usage.hpp"}) EXPECT_EQ(floats_in(include / "base" / name), 0) << name;
    EXPECT_GT(floats_in(include / "llm" / "request.hpp"), 0) << "the search finds things: a temperature is one";
}

}  // namespace
}  // namespace no_float_test
