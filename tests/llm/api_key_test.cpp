// SPDX-License-Identifier: BSL-1.0
#include <coffer/llm/api_key.hpp>
#include <coffer/time/sleep.hpp>

#include "support/simulation.hpp"

#include <gtest/gtest.h>
#include <stdlib.h>
#include <unistd.h>

#include <chrono>
#include <fstream>
#include <stdexcept>
#include <string>
#include <type_traits>

namespace api_key_test {
namespace {

namespace llm = coffer::llm;
using coffer::fault_kind;

TEST(api_key, comes_from_the_environment_as_it_is_then) {
    ::setenv("COFFER_TEST_KEY", "one", 1);
    auto const key = llm::api_key_from_env("COFFER_TEST_KEY");
    EXPECT_EQ(key.read().value(), "one");
    ::setenv("COFFER_TEST_KEY", "two", 1);
    EXPECT_EQ(key.read().value(), "two");
    ::unsetenv("COFFER_TEST_KEY");
    ASSERT_FALSE(key.read());
    EXPECT_EQ(key.read().error().kind(), fault_kind::unauthorized);
    EXPECT_EQ(key.read().error().billing(), coffer::knowledge::no);
    EXPECT_NE(key.read().error().message().find("COFFER_TEST_KEY"), std::string_view::npos);
    ::setenv("COFFER_TEST_KEY", "", 1);
    EXPECT_FALSE(key.read());
    ::unsetenv("COFFER_TEST_KEY");
}

TEST(api_key, comes_from_a_file_as_it_is_then) {
    auto const path = testing::TempDir() + "coffer_key_" + std::to_string(::getpid());
    auto const key = llm::api_key_from_file(path);
    EXPECT_FALSE(key.read());
    std::ofstream{path} << "  one\r\n";
    EXPECT_EQ(key.read().value(), "one");
    std::ofstream{path} << "two";
    EXPECT_EQ(key.read().value(), "two");
    std::ofstream{path} << " \n";
    EXPECT_FALSE(key.read());
    ::unlink(path.c_str());
}

TEST(api_key, comes_from_a_callable) {
    EXPECT_EQ(llm::api_key{[] { return std::string{"a"}; }}.read().value(), "a");
    EXPECT_EQ(llm::api_key{[]() -> coffer::outcome<std::string> {
                  return coffer::failed(fault_kind::store_unavailable);
              }}.read()
                  .error()
                  .kind(),
              fault_kind::store_unavailable);
    auto const odd =
        llm::api_key{[]() -> coffer::outcome<std::string> { return coffer::failed(fault_kind::ambiguous); }}.read();
    EXPECT_EQ(odd.error().billing(), coffer::knowledge::no);  // whatever it says: nothing was sent
    EXPECT_EQ(llm::api_key{"b"}.read().value(), "b");
    EXPECT_EQ(llm::api_key{std::string{"b"}}.read().value(), "b");
    EXPECT_EQ(llm::api_key::none().read().value(), "");
    auto const copy = llm::api_key{"c"};
    EXPECT_EQ(llm::api_key{copy}.read().value(), "c");
}

TEST(api_key, an_exceptions_text_is_not_repeated) {
    auto const f = llm::api_key{[]() -> std::string { throw std::runtime_error{"sk-canary"}; }}.read().error();
    EXPECT_EQ(f.kind(), fault_kind::unauthorized);
    EXPECT_EQ(f.message().find("canary"), std::string_view::npos);
    EXPECT_EQ(f.cause(), nullptr);
}

TEST(api_key, what_no_header_may_hold_is_no_key) {
    for (auto const* const bad : {"a\nb", "a\r\nX: y", "\x01", "k\xC3\xA4y"}) {
        auto const key = llm::api_key{bad}.read();
        ASSERT_FALSE(key);
        EXPECT_EQ(key.error().kind(), fault_kind::unauthorized);
        EXPECT_EQ(key.error().message().find(bad), std::string_view::npos);
    }
}

TEST(api_key, a_source_may_be_told_why_it_is_asked) {
    auto const key = llm::api_key{[](llm::key_request const& why) {
        return why.after_refusal() ? "not " + why.refused() : std::string{"first"};
    }};
    EXPECT_FALSE(key.is_coroutine());
    EXPECT_EQ(key.read().value(), "first");
    EXPECT_EQ(key.read(llm::key_request{coffer::time_point::max(), "first"}).value(), "not first");
}

using text_later = coffer::awaitable<std::string>;
using key_later = coffer::awaitable<coffer::outcome<std::string>>;

TEST(api_key, comes_from_a_coroutine) {
    support::simulation sim;
    auto const key = llm::api_key{[word = std::string{"later"}](llm::key_request why) -> key_later {
        co_await coffer::sleep_for(std::chrono::seconds{1});
        co_return word + "," + why.refused();
    }};
    EXPECT_TRUE(key.is_coroutine());
    EXPECT_THROW((void)key.read(), std::logic_error);
    llm::key_request const asked{coffer::time_point::max(), "old"};
    EXPECT_EQ(sim.run(llm::api_key::fetch(key, asked)).value(), "later,old");
    auto const plain = llm::api_key{[]() -> text_later { co_return "text"; }};
    EXPECT_EQ(sim.run(llm::api_key::fetch(plain, asked)).value(), "text");
    EXPECT_EQ(sim.run(llm::api_key::fetch(llm::api_key{"of no coroutine"}, asked)).value(), "of no coroutine");
}

TEST(api_key, a_coroutines_failure_is_one_of_which_nothing_was_sent) {
    support::simulation sim;
    auto const fetch = [&sim](llm::api_key const& from) {
        return sim.run(llm::api_key::fetch(from, llm::key_request{})).error();
    };
    auto const thrown = fetch(llm::api_key{[](llm::key_request) -> key_later {
        co_await coffer::sleep_for(std::chrono::seconds{1});
        throw std::runtime_error{"sk-canary"};
    }});
    EXPECT_EQ(thrown.kind(), fault_kind::unauthorized);
    EXPECT_EQ(thrown.message().find("canary"), std::string_view::npos);
    EXPECT_EQ(thrown.cause(), nullptr);
    auto const thrown_at_once =
        fetch(llm::api_key{[](llm::key_request) -> key_later { throw std::runtime_error{"sk-canary"}; }});
    EXPECT_EQ(thrown_at_once.kind(), fault_kind::unauthorized);
    EXPECT_EQ(thrown_at_once.message().find("canary"), std::string_view::npos);
    auto const odd = fetch(llm::api_key{[]() -> key_later { co_return coffer::failed(fault_kind::ambiguous); }});
    EXPECT_EQ(odd.kind(), fault_kind::ambiguous);
    EXPECT_EQ(odd.billing(), coffer::knowledge::no);
    EXPECT_EQ(fetch(llm::api_key{[]() -> text_later { co_return "a\nb"; }}).kind(), fault_kind::unauthorized);
}

static_assert(!std::is_constructible_v<llm::api_key, int (*)()>);
static_assert(!std::is_constructible_v<llm::api_key, coffer::awaitable<int> (*)()>);

}  // namespace
}  // namespace api_key_test
