// SPDX-License-Identifier: BSL-1.0

#include "support/seeds.hpp"

#include <gtest/gtest.h>

#include <stdlib.h>

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <vector>

namespace seeds_test {
namespace {

/// An environment variable for as long as a test lasts.
class variable {
public:
    variable(char const* name, char const* value) : name_{name} {
        if (auto const* const before = ::getenv(name)) before_ = before;
        if (value != nullptr) ::setenv(name, value, 1);
        else ::unsetenv(name);
    }
    variable(variable const&) = delete;
    variable& operator=(variable const&) = delete;
    ~variable() {
        if (before_) ::setenv(name_, before_->c_str(), 1);
        else ::unsetenv(name_);
    }

private:
    char const* name_;
    std::optional<std::string> before_;
};

std::vector<std::uint64_t> tried(std::uint64_t last) {
    std::vector<std::uint64_t> all;
    for (auto const seed : support::each_seed(last)) all.push_back(seed);
    return all;
}

TEST(seeds, are_tried_from_one_to_the_last) {
    variable const none{"COFFER_SEED", nullptr};
    EXPECT_EQ(tried(3), (std::vector<std::uint64_t>{1, 2, 3}));
}

TEST(seeds, are_as_many_as_the_environment_says) {
    variable const many{"COFFER_SEEDS", "100"};
    EXPECT_EQ(support::seeds(), 100U);
    EXPECT_EQ(support::seeds(20), 5U);
    EXPECT_EQ(support::seeds(1000), 1U) << "never none";
}

TEST(seeds, one_is_tried_alone) {
    variable const one{"COFFER_SEED", "1234"};
    EXPECT_TRUE(support::replaying());
    EXPECT_EQ(tried(3), (std::vector<std::uint64_t>{1234}));
}

TEST(seeds, a_failing_one_is_told_with_the_command_that_tries_it_again) {
    variable const none{"COFFER_SEED", nullptr};
    auto const command = "COFFER_SEED=2 " + std::filesystem::read_symlink("/proc/self/exe").string() +
                         " --gtest_filter=seeds.a_failing_one_is_told_with_the_command_that_tries_it_again";
    EXPECT_EQ(support::replay_command(2), command);
    testing::internal::CaptureStdout();
    try {
        for (auto const seed : support::each_seed(3))
            if (seed == 2) throw seed;
    } catch (std::uint64_t) {
    }
    EXPECT_EQ(testing::internal::GetCapturedStdout(), "seed 2 failed; to try it again:\n    " + command + "\n");
}

}  // namespace
}  // namespace seeds_test
