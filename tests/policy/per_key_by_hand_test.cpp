// SPDX-License-Identifier: BSL-1.0
// What an operator has set by hand is not forgotten, nor what a gate of gates still counts; and what a table of strangers'
// names withstands.
#include <coffer/call/pipeline.hpp>
#include <coffer/policy/bulkhead.hpp>
#include <coffer/policy/circuit_breaker.hpp>
#include <coffer/policy/per_key.hpp>
#include <coffer/policy/rate_limit.hpp>
#include <coffer/testing/scripted_operation.hpp>

#include <gtest/gtest.h>

#include <algorithm>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <utility>
#include <vector>

#include "support/simulation.hpp"

namespace per_key_by_hand_test {
namespace {

using namespace coffer;
using namespace std::chrono_literals;
using coffer::testing::scripted_operation;
using support::simulation;
using provider = scripted_operation<int>;

constexpr per_key_options one_only{.max_keys = 1, .forget_after = 1s};

/// One pipeline around gates of which one only is kept.
template <class Keyed>
class desk {
public:
    explicit desk(Keyed k) : keyed{std::move(k)} { answers_.gives(7).times(0); }

    /// Asks for a tenant, and is not needed for ten minutes.
    outcome<int> ask(std::string tenant, std::string model = {}) {
        auto c = call::unkeyed(1s).tag("tenant", std::move(tenant)).tag("model", std::move(model));
        auto got = sim.run(pipeline{keyed}.wrap(answers_).try_call(c));
        sim.time.run_for(10min);
        return got;
    }
    /// Does another name get its room?
    bool forgets(std::string const& tenant) {
        (void)ask("other");
        return !keyed.find(tenant);
    }

    simulation sim;
    Keyed keyed;

private:
    provider answers_;
};

TEST(per_key_by_hand, a_limit_that_was_changed_is_kept) {
    desk d{per_key{by_tag{"tenant"}, [] { return rate_limit{{.requests_per_minute = 600}}; }, one_only}};
    EXPECT_TRUE(d.ask("acme"));
    d.keyed.at("acme")->change({.requests_per_minute = 1});
    EXPECT_TRUE(d.ask("acme"));
    EXPECT_FALSE(d.forgets("acme"));
    EXPECT_EQ(d.keyed.at("acme")->options().requests_per_minute, 1);
}
TEST(per_key_by_hand, a_limit_that_was_not_changed_is_forgotten) {
    desk d{per_key{by_tag{"tenant"}, [] { return rate_limit{{.requests_per_minute = 600}}; }, one_only}};
    EXPECT_TRUE(d.ask("acme"));
    EXPECT_TRUE(d.forgets("acme"));
}

TEST(per_key_by_hand, a_breaker_that_was_changed_is_kept) {
    desk d{per_key{by_tag{"tenant"}, [] { return circuit_breaker{}; }, one_only}};
    d.keyed.at("acme")->change({.in_a_row = 2});
    EXPECT_TRUE(d.ask("acme"));
    EXPECT_FALSE(d.forgets("acme"));
    EXPECT_EQ(d.keyed.at("acme")->options().in_a_row, 2);
}

TEST(per_key_by_hand, places_that_were_set_are_kept_until_they_are_set_back) {
    desk d{per_key{by_tag{"tenant"}, [] { return bulkhead{{.limit = 50}}; }, one_only}};
    EXPECT_TRUE(d.ask("acme"));
    d.keyed.at("acme")->set_limit(2);
    EXPECT_TRUE(d.ask("acme"));
    EXPECT_FALSE(d.forgets("acme"));
    EXPECT_EQ(d.keyed.at("acme")->limit(), 2);
    d.keyed.at("acme")->set_limit(50);
    EXPECT_TRUE(d.ask("acme"));
    EXPECT_TRUE(d.forgets("acme"));
}

TEST(per_key_by_hand, an_adaptive_limit_that_was_set_is_kept_though_it_moves_on) {
    desk d{per_key{by_tag{"tenant"}, [] { return bulkhead{{.limit = 1, .rule = limit_rule::aimd}}; }, one_only}};
    EXPECT_TRUE(d.ask("acme"));
    EXPECT_TRUE(d.ask("acme"));
    EXPECT_GT(d.keyed.at("acme")->limit(), 1);
    EXPECT_TRUE(d.ask("acme"));
    EXPECT_TRUE(d.forgets("acme")) << "what it has found out is no hand's work";
    d.sim.time.run_for(10min);
    d.keyed.at("acme")->set_limit(3);
    EXPECT_TRUE(d.ask("acme"));
    EXPECT_FALSE(d.forgets("acme"));
}

TEST(per_key_by_hand, gates_of_gates_are_kept_while_one_of_them_counts) {
    desk d{per_key{by_tag{"tenant"},
                   [] { return per_key{by_tag{"model"}, [] { return rate_limit{{.requests_per_day = 1}}; }}; },
                   one_only}};
    EXPECT_TRUE(d.ask("acme", "m"));
    EXPECT_FALSE(d.ask("acme", "m"));
    EXPECT_FALSE(d.forgets("acme"));
    EXPECT_FALSE(d.ask("acme", "m")) << "one a day, and this is the second within the hour";
    d.sim.time.run_for(24h);
    EXPECT_TRUE(d.forgets("acme")) << "a new one would do as well";
}
TEST(per_key_by_hand, gates_of_gates_are_kept_while_somebody_holds_one) {
    desk d{
        per_key{by_tag{"tenant"}, [] { return per_key{by_tag{"model"}, [] { return circuit_breaker{}; }}; }, one_only}};
    EXPECT_TRUE(d.ask("acme", "m"));
    {
        auto const inner = *d.keyed.at("acme");
        auto const held = inner.at("m");
        d.sim.time.run_for(10min);
        EXPECT_FALSE(d.forgets("acme"));
    }
    d.sim.time.run_for(10min);
    EXPECT_TRUE(d.forgets("acme"));
}

// Strangers' names -----------------------------------------------------------------------------------------------------------

TEST(per_key_by_hand, for_ever_is_a_time) {
    desk d{
        per_key{by_tag{"tenant"}, [] { return circuit_breaker{}; }, {.max_keys = 1, .forget_after = duration::max()}}};
    EXPECT_TRUE(d.ask("a"));
    EXPECT_EQ(d.ask("b").error().code(), "max_keys");
    EXPECT_TRUE(d.ask("a"));
}

TEST(per_key_by_hand, a_name_is_bounded) {
    desk d{per_key{by_tag{"tenant"}, [] { return circuit_breaker{}; }}};
    EXPECT_TRUE(d.ask(std::string(1024, 'x')));
    auto const no = d.ask(std::string(1025, 'x'));
    ASSERT_FALSE(no);
    EXPECT_EQ(no.error().kind(), fault_kind::permanent);
    EXPECT_EQ(no.error().code(), "name_too_long");
    EXPECT_EQ(no.error().billing(), knowledge::no);
    EXPECT_EQ(no.error().execution(), knowledge::no);
    EXPECT_EQ(d.keyed.size(), 1U);
    EXPECT_THROW((void)d.keyed.at(std::string(1025, 'x')), failure);
    EXPECT_FALSE(d.keyed.find(std::string(1025, 'x')));
}

TEST(per_key_by_hand, names_are_told_in_order) {
    desk d{per_key{by_tag{"tenant"}, [] { return circuit_breaker{}; }}};
    for (int i = 100; i < 200; ++i) (void)d.keyed.at(std::to_string(299 - i));
    std::vector<std::string> told;
    d.keyed.for_each([&](std::string_view name, circuit_breaker const&) { told.emplace_back(name); });
    EXPECT_EQ(told.size(), 100U);
    EXPECT_TRUE(std::is_sorted(told.begin(), told.end()));
}

/// The least of several times that finding such names takes, all together.
std::chrono::nanoseconds time_of(std::vector<std::string> const& names) {
    per_key const health{by_tag{"t"}, [] { return circuit_breaker{}; }, {.max_keys = names.size()}};
    for (auto const& n : names) (void)health.at(n);
    auto least = std::chrono::nanoseconds::max();
    for (int i = 0; i < 5; ++i) {
        auto const began = std::chrono::steady_clock::now();
        for (auto const& n : names)
            if (!health.find(n)) ADD_FAILURE() << n;
        least = std::min<std::chrono::nanoseconds>(least, std::chrono::steady_clock::now() - began);
    }
    return least;
}
// Names that all meet in one bucket of a table that hashes as the standard library does.
TEST(per_key_by_hand, nobody_can_choose_names_that_make_it_slow) {
    constexpr std::size_t many = 1000;
    std::unordered_map<std::string, int> like;
    std::vector<std::string> honest, chosen;
    for (std::size_t i = 0; i < many; ++i) like.emplace(honest.emplace_back("tenant-" + std::to_string(i)), 0);
    for (std::size_t i = 0; chosen.size() < many; ++i) {
        auto name = "tenant-" + std::to_string(i);
        if (std::hash<std::string_view>{}(name) % like.bucket_count() == 0) chosen.push_back(std::move(name));
    }
    EXPECT_LT(time_of(chosen), 10 * time_of(honest));
}

}  // namespace
}  // namespace per_key_by_hand_test
