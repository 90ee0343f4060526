// SPDX-License-Identifier: BSL-1.0
// The help and the page: what an operator reads has to be what the command does.

#include "tools/coffer/run_command.hpp"

#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <iterator>
#include <string>
#include <vector>

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

TEST(help, of_each_subcommand_has_examples_and_is_on_the_page) {
    auto const text = page("coffer.md");
    for (std::string const& name : std::vector<std::string>{"stats", "list", "show", "resolve", "gc", "backup", "purge",
                                                            "jobs", "reopen", "alarms"}) {
        auto const t = run(name + " --help");
        EXPECT_EQ(t.code, 0) << name;
        EXPECT_TRUE(t.has("Examples:\n  coffer " + name)) << t.text;
        EXPECT_NE(text.find("\n## " + name), std::string::npos) << name;
        // Every option that the help names, as `--option`, is explained on the page.
        for (auto at = t.text.find("\n  --"); at != std::string::npos; at = t.text.find("\n  --", at + 1)) {
            auto const option = t.text.substr(at + 3, t.text.find_first_of(" \n", at + 5) - at - 3);
            EXPECT_NE(text.find(option), std::string::npos) << name << " " << option;
        }
    }
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
