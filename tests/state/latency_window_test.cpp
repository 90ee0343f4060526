// SPDX-License-Identifier: BSL-1.0
// How long answers take: percentiles against all samples kept and sorted, and what is forgotten.
#include <coffer/state/latency_window.hpp>

#include <gtest/gtest.h>

#include <algorithm>
#include <chrono>
#include <cmath>
#include <cstdint>
#include <utility>
#include <vector>

#include "support/seeds.hpp"

namespace latency_window_test {
namespace {

using namespace std::chrono_literals;
using coffer::latency_window;
using duration = latency_window::duration;
using time_point = latency_window::time_point;

constexpr time_point start{1000h};

TEST(latency_window_test, without_samples_there_is_nothing_to_know) {
    latency_window w{10min};
    EXPECT_EQ(w.percentile(0.95, start), 0ns);
    EXPECT_EQ(w.samples(start), 0);
}

TEST(latency_window_test, a_single_sample_is_every_percentile) {
    for (auto const took : {0ns, 1ns, 999ns, duration{15us}, duration{16us}, duration{17us}, duration{1ms},
                            duration{2300ms}, duration{1min}, duration{5h}}) {
        for (double const q : {0.0, 0.5, 0.99, 1.0}) {
            latency_window w{10min};
            w.add(took, start);
            auto const said = w.percentile(q, start);
            EXPECT_GT(said, took);
            EXPECT_LE(said, took + took / 16 + 1us) << took.count();
        }
    }
}

TEST(latency_window_test, what_is_longer_than_the_longest_counts_as_that_and_what_is_negative_as_nothing) {
    latency_window w{10min};
    w.add(duration::max(), start);
    EXPECT_GE(w.percentile(1, start), 19h);
    EXPECT_LE(w.percentile(1, start), 20h);
    latency_window v{10min};
    v.add(-5s, start);
    EXPECT_EQ(v.percentile(1, start), 1us);
}

TEST(latency_window_test, percentiles_of_a_hundred) {
    latency_window w{10min};
    for (int i = 1; i <= 100; ++i) w.add(i * 1s, start);
    for (int const p : {50, 90, 95, 99, 100}) {
        auto const said = w.percentile(p / 100.0, start);
        EXPECT_GE(said, p * 1s);
        EXPECT_LE(said, p * 1s * 17 / 16 + 1us + 1s) << p;
    }
}

TEST(latency_window_test, after_a_half_life_a_sample_is_a_half) {
    latency_window w{8min};
    for (int i = 0; i < 64; ++i) w.add(1s, start);
    EXPECT_EQ(w.samples(start), 64);
    EXPECT_EQ(w.samples(start + 59s), 64) << "in steps of an eighth";
    EXPECT_NEAR(w.samples(start + 8min), 32, 1e-6);
    EXPECT_NEAR(w.samples(start + 16min), 16, 1e-6);
    EXPECT_NEAR(w.samples(start + 24h), 0, 1e-6);
    EXPECT_EQ(w.percentile(0.9, start + 24h), 0ns);
}

TEST(latency_window_test, what_was_forgotten_does_not_come_back_and_a_clock_that_is_behind_does_no_harm) {
    latency_window w{8min};
    w.add(1s, start + 8min);
    w.add(1s, start);
    EXPECT_EQ(w.samples(start), 2);
    EXPECT_NEAR(w.samples(start + 16min), 1, 1e-6);
    EXPECT_NEAR(w.samples(start + 8min), 1, 1e-6);
}

TEST(latency_window_test, when_answers_take_longer_than_before_it_follows) {
    latency_window w{10min};
    auto now = start;
    for (int i = 0; i < 600; ++i) w.add(2s, now += 1s);
    EXPECT_LE(w.percentile(0.95, now), 2125ms + 1us);
    for (int i = 0; i < 120; ++i) w.add(20s, now += 1s);
    EXPECT_GE(w.percentile(0.95, now), 20s);
}

/// The oracle: every sample, with its weight.
struct all_samples {
    std::vector<std::pair<duration, double>> kept;
    time_point since = start;
    duration step;

    void forget(time_point now) {
        if (kept.empty()) since = std::max(since, now);
        for (; now - since >= step; since += step)
            for (auto& s : kept) s.second *= latency_window::left_by_step;
        std::erase_if(kept, [](auto const& s) { return s.second < 1e-9; });
    }
    void add(duration took, time_point now) {
        forget(now);
        kept.emplace_back(took, 1.0);
    }
    double total() const {
        double sum = 0;
        for (auto const& s : kept) sum += s.second;
        return sum;
    }
    double weight_up_to(duration d) const {
        double sum = 0;
        for (auto const& s : kept) sum += s.first <= d ? s.second : 0;
        return sum;
    }
    double weight_below(duration d) const {
        double sum = 0;
        for (auto const& s : kept) sum += s.first < d ? s.second : 0;
        return sum;
    }
};

TEST(latency_window_test, model) {
    for (auto const seed : support::each_seed(support::seeds(5))) {
        support::dice draw{seed};
        duration const half_life{1 + draw.below(std::int64_t{3'600'000'000'000})};
        latency_window w{half_life};
        all_samples oracle{{}, start, std::max(half_life / 8, duration{1})};
        auto now = start;
        auto const scale = std::exp2(draw.unit() * 38);
        for (int i = 0; i < 80; ++i) {
            if (draw.one_in(3))
                now += duration{
                    static_cast<std::int64_t>(draw.unit() * draw.unit() * static_cast<double>(half_life.count()))};
            duration const took{static_cast<std::int64_t>(scale * std::exp2(4 * draw.unit() - 2))};
            w.add(took, now);
            oracle.add(took, now);

            auto const q = draw.one_in(10) ? 1.0 : draw.unit();
            auto const said = w.percentile(q, now);
            auto const wanted = q * oracle.total();
            auto const slack = 1e-4;  // what the window forgets for good
            EXPECT_NEAR(w.samples(now), oracle.total(), slack);
            // Not below the true percentile, and no more than a sixteenth and a microsecond above it.
            EXPECT_GE(oracle.weight_below(said), wanted - slack);
            auto const least = duration{(said.count() - 1000) / 17 * 16 - 17};
            EXPECT_LE(oracle.weight_below(least), wanted + slack) << said.count();
        }
    }
}

}  // namespace
}  // namespace latency_window_test
