// SPDX-License-Identifier: BSL-1.0
// The help and the page: what an operator reads has to be what the command does.

#include "tools/coffer/run_command.hpp"

#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <iterator>
#include <regex>
#include <sstream>
#include <string>
#include <vector>

namespace help_test {
namespace {

using namespace command_tests;

std::string page(std::string const& name) {
    std::ifstream in{std::filesystem::path{COFFER_DOCS} / name};
    return {std::istreambuf_iterator<char>{in}, {}};
}

TEST(help, says_which_commands_change_something_and_that_none_sends) {
    auto const t = run("--help");
    EXPECT_EQ(t.code, 0);
    for (auto const* const part : {"No command ever sends anything",
                                   "Only looking:", "Changing the store:", "Exit codes:", "Three in the morning:"})
        EXPECT_TRUE(t.has(part)) << part;
}

/// What the page says under a heading of its own; empty if there is none.
std::string section(std::string const& text, std::string const& name) {
    auto const begin = text.find("\n## " + name + "\n");
    return begin == std::string::npos ? "" : text.substr(begin, text.find("\n## ", begin + 1) - begin);
}

std::vector<std::string> subcommands() {
    std::vector<std::string> all;
    std::istringstream help{run("--help").text};
    bool there = false;
    for (std::string line; std::getline(help, line);) {
        if (there && !line.starts_with("  ")) break;
        if (there) all.push_back(line.substr(2, line.find(' ', 2) - 2));
        there = there || line == "Subcommands:";
    }
    return all;
}

/// Options that a help names, as `--option`.
std::vector<std::string> options_in(std::string const& help) {
    std::vector<std::string> all;
    for (auto at = help.find("\n  --"); at != std::string::npos; at = help.find("\n  --", at + 1))
        all.push_back(help.substr(at + 3, help.find_first_of(" \n", at + 5) - at - 3));
    return all;
}

TEST(help, of_each_subcommand_has_examples_and_is_on_the_page) {
    auto const text = page("coffer.md");
    auto const synopsis = text.substr(0, text.find("\n## "));
    EXPECT_GE(subcommands().size(), 17U);
    for (auto const& name : subcommands()) {
        auto const t = run(name + " --help");
        EXPECT_EQ(t.code, 0) << name;
        EXPECT_TRUE(t.has("Examples:\n  coffer " + name + " ")) << t.text;
        EXPECT_NE(synopsis.find("\n    coffer " + name + " "), std::string::npos) << name;
        auto const explained = section(text, name);
        EXPECT_NE(explained, "") << name;
        for (auto const& option : options_in(t.text)) {
            EXPECT_NE(explained.find("`" + option), std::string::npos) << name << " " << option;
            EXPECT_NE(synopsis.find(option), std::string::npos) << name << " " << option;
        }
    }
}

TEST(help, says_of_every_subcommand_whether_it_changes_something) {
    auto const text = run("--help").text;
    auto const summary = text.substr(0, text.find("\nUsage:"));
    for (auto const& name : subcommands())
        EXPECT_TRUE(std::regex_search(summary, std::regex{"\\b" + name + "\\b"})) << name << " in\n" << summary;
}

TEST(help, exit_codes_are_those_on_the_page) {
    EXPECT_EQ(run("--version").code, 0);
    EXPECT_EQ(run("stats /no/such/file").code, 1);
    EXPECT_EQ(run("stats").code, 2);
    EXPECT_EQ(run("lists").code, 2);
    auto const text = page("coffer.md");
    for (auto const* const row : {"| 0 |", "| 1 |", "| 2 |", "| 3 |", "| 4 |", "| 5 |"})
        EXPECT_NE(text.find(row), std::string::npos) << row;
}

}  // namespace
}  // namespace help_test
