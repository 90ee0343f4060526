// SPDX-License-Identifier: BSL-1.0
// What docs/fleet.md says of the presets, as relations, on a small fleet and several seeds.
#include "measures.hpp"
#include "run.hpp"

#include <gtest/gtest.h>

#include <cstdint>
#include <map>
#include <string>

namespace claims_test {
namespace {

using namespace fleet;

std::map<std::string, figures> all_of(world const& w) {
    std::map<std::string, figures> by_name;
    for (auto const& p : usual_presets()) by_name[p.name] = measure(run(w, p), w.story);
    return by_name;
}
world small(trouble what, std::uint64_t seed) {
    world w;
    w.clients = 100;
    w.seed = seed;
    w.story = {what, 90s, 120s, 180s};
    return w;
}

struct claims : testing::TestWithParam<std::uint64_t> {};

TEST_P(claims, an_outage_is_not_met_with_more_traffic) {
    auto const f = all_of(small(trouble::outage, GetParam()));
    EXPECT_LE(f.at("coffer").amplification, 1.2);
    EXPECT_GT(f.at("coffer").amplification, 0.1) << "it goes on asking whether the provider is well";
    EXPECT_GT(f.at("naive").amplification, 3);
    EXPECT_GT(f.at("backoff").amplification, 2.5);
}

TEST_P(claims, an_outage_that_is_over_is_over_soon) {
    auto const f = all_of(small(trouble::outage, GetParam()));
    ASSERT_TRUE(f.at("coffer").recovery);
    EXPECT_LE(*f.at("coffer").recovery, coffer::defaults::breaker_longest_break + 15s) << "a break, and the probes";
    EXPECT_GE(f.at("coffer").last_minute.value(), f.at("coffer").before.value() - 0.005);
    EXPECT_GE(f.at("naive").last_minute.value(), 0.99) << "with room to spare, even this one comes back";
}

TEST_P(claims, what_an_outage_cuts_off_does_not_come_back_as_one) {
    auto const f = all_of(small(trouble::outage, GetParam()));
    EXPECT_LT(f.at("coffer").burst, 0.8 * f.at("naive").burst);
}

TEST_P(claims, a_retry_after_does_not_bring_everybody_back_as_one) {
    auto const f = all_of(small(trouble::storm, GetParam()));
    EXPECT_LT(f.at("coffer").burst, 0.6 * f.at("backoff").burst);
    EXPECT_LT(f.at("coffer").amplification, f.at("backoff").amplification);
    EXPECT_GT(f.at("coffer").during.value(), 0.9) << "it does not buy that with failures";
    EXPECT_GT(f.at("coffer").during.value(), f.at("naive").during.value());
}

/// A provider that lets requests wait for longer than clients do works on what nobody waits for, and retries keep it so.
TEST_P(claims, a_provider_that_queues_comes_back_and_with_naive_loops_it_does_not) {
    auto w = small(trouble::outage, GetParam());
    w.timeout = 20s;
    w.line = 8;
    w.headroom = 1.5;
    w.story.after = 360s;
    auto const f = all_of(w);
    EXPECT_EQ(f.at("naive").recovery, std::nullopt);
    EXPECT_LT(f.at("naive").last_minute.value(), 0.5);
    EXPECT_GT(f.at("coffer").last_minute.value(), 0.9 * f.at("coffer").before.value());
    EXPECT_LT(f.at("coffer").wasted.nano(), f.at("naive").wasted.nano() / 2);
}

INSTANTIATE_TEST_SUITE_P(seeds, claims, testing::Values(1, 2, 3));

}  // namespace
}  // namespace claims_test
