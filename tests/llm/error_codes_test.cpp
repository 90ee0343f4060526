// SPDX-License-Identifier: BSL-1.0
#include <coffer/llm/error_codes.hpp>

#include <gtest/gtest.h>

namespace error_codes_test {
namespace {

namespace llm = coffer::llm;

TEST(known_word, is_one_that_providers_are_known_to_write_or_a_short_number) {
    for (auto const* const good :
         {"rate_limit_exceeded", "DeploymentNotFound", "invalid_api_key", "server_error", "length", "429", "5"})
        EXPECT_EQ(llm::known_word(good), good);
    for (auto const* const bad : {"two words", "4290", "a1", "correcthorsebatterystaple", "Jane_Doe"})
        EXPECT_EQ(llm::known_word(bad), "");
}

}  // namespace
}  // namespace error_codes_test
