// SPDX-License-Identifier: BSL-1.0
// What docs/fleet.md says of the presets, as relations, on a small fleet and several seeds.
#include "measures.hpp"
#include "run.hpp"

#include <gtest/gtest.h>

#include <cstdint>
#include <map>
#include <string>

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

TEST_P(claims, what_an_outage_cuts_off_does_not_come_back_as_one) {
    auto const f = all_of(small(trouble::outage, GetParam()));
    EXPECT_LT(f.at("coffer").burst, 0.8 * f.at("naive").burst);
}

TEST_P(claims, a_retry_after_does_not_bring_everybody_back_as_one) {
    auto const f = all_of(small(trouble::storm, GetParam()));
    EXPECT_LT(f.at("coffer").burst, 0.6 * f.at("backoff").burst);
    EXPECT_LE(f.at("coffer").amplification, 1.1);
    EXPECT_GT(f.at("coffer").during.value(), f.at("backoff").during.value() - 0.02)
        << "it does not buy that with failures";
    EXPECT_GT(f.at("coffer").during.value(), f.at("naive").during.value());
}

INSTANTIATE_TEST_SUITE_P(seeds, claims, testing::Values(1, 2, 3));

}  // namespace
