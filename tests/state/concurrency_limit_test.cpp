// SPDX-License-Identifier: BSL-1.0
// A limit that attempts' ends move: tables for each rule and option, and random runs against an oracle in plain fractions.
#include <coffer/state/concurrency_limit.hpp>

#include <gtest/gtest.h>

#include <algorithm>
#include <chrono>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <stdexcept>
#include <vector>

#include "support/seeds.hpp"

namespace concurrency_limit_test {
namespace {

using namespace coffer;
using namespace std::chrono_literals;
using options = bulkhead_options;
using kind = concurrency_limit::end::kind;
using duration = concurrency_limit::duration;
using time_point = concurrency_limit::time_point;

/// A limit with a clock at hand.
struct bench {
    explicit bench(options const& o) : limit{(o.check(), o)} {}

    concurrency_limit limit;
    time_point now = time_point{} + 1000h;

    /// One that begins now and takes so long, while as many are under way as may be, or not.
    void ends(kind what, duration took = 1s, bool used = true) {
        auto const began = now;
        now += took;
        limit.ended({what, began, now, used});
    }
    void successes(int count, duration took = 1s, bool used = true) {
        for (int i = 0; i < count; ++i) ends(kind::success, took, used);
    }
    /// So many that are under way together.
    void together(kind what, int count) {
        auto const began = now;
        now += 1s;
        for (int i = 0; i < count; ++i) limit.ended({what, began, now + i * 1ms, true});
        now += count * 1ms;
    }
};

options fixed(int limit) { return {.limit = limit}; }
options aimd(int limit, int least = 1, int most = 200) {
    return {.limit = limit, .rule = limit_rule::aimd, .least = least, .most = most};
}
options gradient(int limit, int window = 5, int least = 1, int most = 200) {
    return {.limit = limit, .rule = limit_rule::gradient, .least = least, .most = most, .window = window};
}

TEST(concurrency_limit, a_fixed_one_stays_whatever_happens) {
    bench b{fixed(7)};
    b.successes(1000);
    for (int i = 0; i < 100; ++i) b.ends(kind::overload);
    EXPECT_EQ(b.limit.now(), 7);
    b.limit.set(3);
    EXPECT_EQ(b.limit.now(), 3);
    b.limit.set(1'000'000);
    EXPECT_EQ(b.limit.now(), 1'000'000);
}

// Additive increase ------------------------------------------------------------------------------------------------------------

TEST(concurrency_limit, a_round_of_successes_raises_it_by_one) {
    for (int const from : {1, 2, 10, 50}) {
        bench b{aimd(from)};
        b.successes(from - 1);
        EXPECT_EQ(b.limit.now(), from);
        b.successes(2);
        EXPECT_EQ(b.limit.now(), from + 1);
        b.successes(from);
        EXPECT_LE(b.limit.now(), from + 2) << "and not more";
        EXPECT_GE(b.limit.now(), from + 1);
    }
}

TEST(concurrency_limit, it_never_rises_above_most) {
    bench b{aimd(10, 1, 12)};
    b.successes(10'000);
    EXPECT_EQ(b.limit.now(), 12);
    b.ends(kind::overload);
    EXPECT_EQ(b.limit.now(), 8) << "nothing has been saved up beyond";
}

TEST(concurrency_limit, what_is_not_used_is_not_raised) {
    bench b{aimd(20)};
    b.successes(1000, 1s, false);
    EXPECT_EQ(b.limit.now(), 20);
}

// Multiplicative decrease ------------------------------------------------------------------------------------------------------

TEST(concurrency_limit, a_sign_of_overload_takes_a_part_of_it_away) {
    for (double const shrink : {0.5, 0.7, 0.9}) {
        auto o = aimd(100);
        o.shrink = shrink;
        bench b{o};
        b.ends(kind::overload);
        EXPECT_NEAR(b.limit.now(), 100 * shrink, 1);
        b.ends(kind::overload);
        EXPECT_NEAR(b.limit.now(), 100 * shrink * shrink, 1);
    }
}

TEST(concurrency_limit, many_that_were_under_way_together_shrink_it_once) {
    bench b{aimd(100)};
    b.together(kind::overload, 100);
    EXPECT_EQ(b.limit.now(), 70);
    b.together(kind::overload, 70);
    EXPECT_EQ(b.limit.now(), 49);
}

TEST(concurrency_limit, what_began_before_it_shrank_does_not_raise_it_either) {
    bench b{aimd(10)};
    auto const before = b.now;
    b.ends(kind::overload);
    ASSERT_EQ(b.limit.now(), 7);
    for (int i = 0; i < 1000; ++i) b.limit.ended({kind::success, before, b.now + 1s, true});
    EXPECT_EQ(b.limit.now(), 7);
    b.now += 1s;
    b.successes(8);
    EXPECT_EQ(b.limit.now(), 8);
}

TEST(concurrency_limit, it_never_falls_below_least_and_comes_back_from_there) {
    for (int const least : {1, 4}) {
        bench b{aimd(20, least)};
        for (int i = 0; i < 200; ++i) b.ends(kind::overload);
        EXPECT_EQ(b.limit.now(), least);
        b.successes(1000);
        EXPECT_GT(b.limit.now(), 20);
    }
}

TEST(concurrency_limit, a_success_that_took_too_long_is_a_sign_of_overload) {
    auto o = aimd(10);
    o.slow_after = 30s;
    bench b{o};
    b.ends(kind::success, 30s);
    EXPECT_EQ(b.limit.now(), 10);
    b.ends(kind::success, 30s + 1ns);
    EXPECT_EQ(b.limit.now(), 7);
    bench without{aimd(10)};
    without.ends(kind::success, 24h);
    EXPECT_EQ(without.limit.now(), 10);
}

TEST(concurrency_limit, by_hand_it_stays_between_least_and_most) {
    bench b{aimd(10, 5, 20)};
    b.limit.set(1);
    EXPECT_EQ(b.limit.now(), 5);
    b.limit.set(1000);
    EXPECT_EQ(b.limit.now(), 20);
    b.limit.set(12);
    b.successes(13);
    EXPECT_EQ(b.limit.now(), 13) << "it goes on from there";
}

// The gradient -----------------------------------------------------------------------------------------------------------------

TEST(concurrency_limit, as_long_as_attempts_take_what_they_used_to_it_rises_as_aimd_does) {
    bench g{gradient(10)}, a{aimd(10)};
    g.successes(200), a.successes(200);
    EXPECT_EQ(g.limit.now(), a.limit.now());
    EXPECT_EQ(g.limit.usual(), 1s);
    EXPECT_FALSE(a.limit.usual());
}

TEST(concurrency_limit, attempts_that_take_longer_than_they_used_to_shrink_it) {
    struct one {
        duration now;
        double part;
    };
    // tolerance * long / short, between a half and one.
    for (auto const& [now, part] : {one{1900ms, 1.0}, one{2500ms, 0.8}, one{4s, 0.5}, one{40s, 0.5}}) {
        bench b{gradient(100, 5, 1, 100)};
        b.successes(50);
        b.successes(5, now);
        EXPECT_NEAR(b.limit.now(), 100 * part, 1.01) << now.count();
    }
}

TEST(concurrency_limit, how_much_longer_they_may_take_is_an_option) {
    for (double const tolerance : {1.0, 1.5, 3.0}) {
        auto o = gradient(100, 5, 1, 100);
        o.tolerance = tolerance;
        bench b{o};
        b.successes(50);
        b.successes(5, 2s);
        EXPECT_EQ(b.limit.now() < 100, tolerance < 2) << tolerance;
    }
}

TEST(concurrency_limit, one_long_answer_in_a_window_is_none) {
    bench b{gradient(100, 5, 1, 100)};
    b.successes(50);
    for (int i = 0; i < 20; ++i) {
        b.successes(2, 60s);
        b.successes(3);
    }
    EXPECT_EQ(b.limit.now(), 100) << "it is the median that counts";
}

TEST(concurrency_limit, the_window_is_an_option) {
    for (int const window : {1, 5, 50}) {
        bench b{gradient(100, window, 1, 100)};
        b.successes(100);
        b.successes(window - 1, 10s);
        EXPECT_EQ(b.limit.now(), 100) << window;
        b.successes(1, 10s);
        EXPECT_EQ(b.limit.now(), 50) << window;
    }
}

TEST(concurrency_limit, what_takes_too_long_does_not_raise_it) {
    bench b{gradient(10, 50, 1, 100)};
    b.successes(50);
    auto const before = b.limit.now();
    b.successes(49, 3s);
    EXPECT_EQ(b.limit.now(), before);
}

TEST(concurrency_limit, a_long_overload_does_not_become_what_is_usual) {
    bench b{gradient(64, 5, 2, 64)};
    b.successes(100);
    int last = 64;
    while (b.limit.now() > 2) {
        b.successes(5, 10s);
        ASSERT_LT(b.limit.now(), last);
        ASSERT_EQ(b.limit.usual(), 1s);
        last = b.limit.now();
    }
}

TEST(concurrency_limit, as_low_as_it_goes_the_limit_is_not_to_blame_and_what_is_usual_follows) {
    bench b{gradient(64, 5, 2, 64)};
    b.successes(100);
    b.successes(5000, 10s);  // another model: it takes ten times as long, for good
    EXPECT_GT(b.limit.usual(), 5s);
    EXPECT_EQ(b.limit.now(), 64) << "and the limit has come back";
}

TEST(concurrency_limit, where_it_is_not_used_it_is_not_to_blame_either) {
    bench b{gradient(64, 5, 1, 64)};
    b.successes(100);
    b.successes(500, 10s, false);
    EXPECT_EQ(b.limit.now(), 64);
    EXPECT_GT(b.limit.usual(), 9s);
}

TEST(concurrency_limit, what_has_become_much_faster_is_soon_what_is_usual) {
    bench b{gradient(64, 5, 1, 64)};
    b.successes(500, 60s);
    b.successes(50, 1s);
    EXPECT_LT(b.limit.usual(), 3s);
    b.successes(5, 20s);
    EXPECT_LT(b.limit.now(), 64) << "20 s are many now";
}

TEST(concurrency_limit, faults_shrink_it_under_the_gradient_too) {
    bench b{gradient(100)};
    b.together(kind::overload, 100);
    EXPECT_EQ(b.limit.now(), 70);
}

// Options ----------------------------------------------------------------------------------------------------------------------

TEST(concurrency_limit, options_that_cannot_be_meant_are_refused) {
    auto const bad = [](auto change, options o = aimd(10)) {
        change(o);
        EXPECT_THROW(o.check(), std::invalid_argument);
    };
    EXPECT_THROW(options{}.check(), std::invalid_argument) << "nobody else knows how many";
    EXPECT_NO_THROW(fixed(1).check());
    EXPECT_NO_THROW(aimd(10).check());
    EXPECT_NO_THROW(gradient(10).check());
    for (int const limit : {0, -1, 1'000'001}) EXPECT_THROW(fixed(limit).check(), std::invalid_argument);
    bad([](auto& o) { o.max_wait = -1s; });
    bad([](auto& o) { o.max_waiting = 1'000'001; });
    bad([](auto& o) { o.max_waiting = 0, o.max_wait = 1s; });
    bad([](auto& o) { o.ages_after = 0s; });
    bad([](auto& o) { o.least = 0; });
    bad([](auto& o) { o.least = 11; });
    bad([](auto& o) { o.most = 9; });
    bad([](auto& o) { o.most = 1'000'001; });
    for (double const shrink : {0.0, 1.0, -0.5, 2.0, std::nan("")}) bad([&](auto& o) { o.shrink = shrink; });
    bad([](auto& o) { o.slow_after = 0s; });
    for (double const t : {0.99, 101.0, std::nan("")}) bad([&](auto& o) { o.tolerance = t; }, gradient(10));
    for (int const w : {0, -1, 1001}) bad([&](auto& o) { o.window = w; }, gradient(10));
    // without effect
    bad([](auto& o) { o.least = 2; }, fixed(10));
    bad([](auto& o) { o.most = 20; }, fixed(10));
    bad([](auto& o) { o.shrink = 0.5; }, fixed(10));
    bad([](auto& o) { o.slow_after = 1s; }, fixed(10));
    bad([](auto& o) { o.tolerance = 3; });
    bad([](auto& o) { o.window = 3; });
}

TEST(concurrency_limit, times_at_the_edge_break_nothing) {
    bench b{gradient(10, 1)};
    auto const end = time_point::max();
    b.limit.ended({kind::success, time_point{}, end, true});
    b.limit.ended({kind::success, end, end, true});
    b.limit.ended({kind::success, end, time_point{} + 1s, true});  // a clock that went back
    b.limit.ended({kind::overload, end, end, true});
    EXPECT_GE(b.limit.now(), 1);
    EXPECT_LE(b.limit.now(), 200);
}

// Random -----------------------------------------------------------------------------------------------------------------------

/// The same in fractions, written down anew each time from all that has happened.
class oracle {
public:
    explicit oracle(options const& o) : options_{o}, limit_{static_cast<double>(o.limit)} {}

    [[nodiscard]] double now() const { return limit_; }
    void ended(concurrency_limit::end const& e) {
        for (auto const cut : cuts_)
            if (e.began < cut) return;
        auto const took = std::max(std::chrono::duration<double>(e.at - e.began).count(), 1e-9);
        if (e.what == kind::overload || e.at - e.began > options_.slow_after) return cut(options_.shrink, e.at);
        bool slow = false;
        if (options_.rule == limit_rule::gradient) {
            since_cut_.push_back({took, e.used});
            if (since_cut_.size() == static_cast<std::size_t>(options_.window)) {
                std::vector<double> all;
                int in_use = 0;
                for (auto const& [t, u] : since_cut_) all.push_back(t), in_use += u;
                std::ranges::sort(all);
                since_cut_.clear();
                auto const median = all[all.size() / 2];
                bool const blame = 2 * in_use >= options_.window && limit_ > options_.least + 1e-6;
                if (known_ > 0 && blame && median > options_.tolerance * usual_)
                    return cut(std::max(options_.tolerance * usual_ / median, 0.5), e.at);
                learn(median, blame);
            }
            slow = known_ > 0 && took > options_.tolerance * usual_;
        }
        if (e.used && !slow) limit_ = std::min(limit_ + 1 / limit_, static_cast<double>(options_.most));
    }

private:
    void learn(double median, bool blame) {
        auto const windows = std::min(++known_, 32);
        auto const n = std::floor(limit_ + 1e-9);
        if (known_ == 1) usual_ = median;
        else if (median < usual_ / 2) usual_ = (usual_ + median) / 2;
        else if (median <= usual_ || !blame) usual_ += (median - usual_) / windows;
        else if (median * median <= options_.tolerance * usual_ * usual_)
            usual_ += (median - usual_) / windows / std::max(8.0, n * n / options_.window / 8);
    }
    void cut(double to, time_point at) {
        limit_ = std::max(limit_ * to, static_cast<double>(options_.least));
        cuts_.push_back(at);
        since_cut_.clear();
    }
    struct sample {
        double took;
        bool used;
    };
    options options_;
    double limit_;
    std::vector<time_point> cuts_;
    std::vector<sample> since_cut_;
    int known_ = 0;
    double usual_ = 0;
};

TEST(concurrency_limit_model, random_ends_move_it_as_the_oracle_says) {
    int moved = 0;
    for (auto const seed : support::each_seed()) {
        support::dice dice{seed};
        auto o = dice.one_in(2) ? aimd(1) : gradient(1, 1 + dice.below(8));
        o.least = 1 + dice.below(5);
        o.limit = o.least + dice.below(30);
        o.most = o.limit + dice.below(30);
        o.shrink = 0.3 + 0.6 * dice.unit();
        if (dice.one_in(3)) o.slow_after = 20s;
        bench b{o};
        oracle expected{o};
        auto slowness = 1;
        for (int i = 0; i < 300; ++i) {
            if (dice.one_in(60)) slowness = 1 + dice.below(6);
            auto const took = slowness * (500 + dice.below(1000)) * 1ms;
            b.now += dice.below(2000) * 1ms;
            concurrency_limit::end const e{dice.one_in(25) ? kind::overload : kind::success, b.now - took, b.now,
                                           !dice.one_in(3)};
            auto const before = b.limit.now();
            b.limit.ended(e);
            expected.ended(e);
            ASSERT_GE(b.limit.now(), o.least);
            ASSERT_LE(b.limit.now(), o.most);
            ASSERT_NEAR(b.limit.now(), std::floor(expected.now() + 1e-3), 1) << "seed " << seed << ", end " << i;
            if (std::abs(expected.now() - std::round(expected.now())) > 1e-3) {
                ASSERT_EQ(b.limit.now(), static_cast<int>(expected.now())) << "seed " << seed << ", end " << i;
            } else {
                break;  // which side of a whole number they are on may differ, and everything after it
            }
            moved += b.limit.now() != before;
        }
    }
    if (support::replaying()) return;
    EXPECT_GT(moved, static_cast<int>(support::seeds()) / 2);
}

/// A server that has so many hands: more at once only wait there for each other.
struct server {
    int hands;
    bool refuses;  // three times as many as it has; or it only takes longer
    double noise = 0;  // of how long an answer takes

    /// What the limit is on average, in the second half.
    double limit_of(bench& b, int rounds, support::dice& dice) const {
        double sum = 0;
        for (int round = 0; round < rounds; ++round) {
            auto const n = b.limit.now();
            auto const began = b.now;
            auto const queued = static_cast<double>(std::max(n, hands)) / hands;
            for (int i = 0; i < n; ++i) {
                auto const normal = dice.unit() + dice.unit() + dice.unit() + dice.unit() - 2;  // near enough
                auto const took = duration{static_cast<std::int64_t>(1e9 * queued * std::exp(noise * 1.7 * normal))};
                bool const full = refuses && i >= 3 * hands;
                b.limit.ended({full ? kind::overload : kind::success, began, began + took, true});
                b.now = std::max(b.now, began + took);
            }
            if (round >= rounds / 2) sum += b.limit.now();
        }
        return sum / (rounds - rounds / 2);
    }
};

TEST(concurrency_limit_model, it_finds_a_servers_own_limit) {
    support::dice dice{1};
    for (int const hands : {5, 20, 60}) {
        for (int const from : {1, 200}) {
            bench a{aimd(from, 1, 1000)};
            auto const by_faults = server{hands, true}.limit_of(a, 2000, dice);
            EXPECT_GT(by_faults, 2 * hands) << "it is used";
            EXPECT_LT(by_faults, 3 * hands + 1) << "and it is not swamped";
        }
        bench g{gradient(1, 20, 1, 1000)};
        auto const by_time = server{hands, false}.limit_of(g, 20'000, dice);
        EXPECT_GT(by_time, 1.2 * hands) << "it is used";
        EXPECT_LT(by_time, 2.5 * hands) << "and in the long run, too, not swamped";
    }
}

TEST(concurrency_limit_model, that_answers_differ_in_length_is_no_overload) {
    support::dice dice{1};
    bench b{gradient(10, 50, 1, 100)};
    auto const n = server{1000, false, 1.0}.limit_of(b, 3000, dice);
    EXPECT_GT(n, 90) << "the median of fifty says what is usual well enough";
    bench queued{gradient(10, 50, 1, 1000)};
    auto const limited = server{50, false, 1.0}.limit_of(queued, 5000, dice);
    EXPECT_GT(limited, 40);
    EXPECT_LT(limited, 150) << "and still sees one";
}

}  // namespace
}  // namespace concurrency_limit_test
