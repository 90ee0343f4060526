// SPDX-License-Identifier: BSL-1.0
#include <coffer/state/trusted_wall.hpp>

#include "support/seeds.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <chrono>
#include <string>
#include <utility>
#include <vector>

namespace trusted_wall_test {
namespace {

using namespace coffer;
using namespace std::chrono_literals;
using nanoseconds = std::chrono::nanoseconds;
using wall_time = trusted_wall::wall_time;
using steady_time = std::chrono::steady_clock::time_point;

constexpr auto day = 24h;

/// A machine whose true time is known, and processes on it whose clocks may be off.
class machine {
public:
    void runs(nanoseconds d) { true_ += d, steady_ += d; }
    void sleeps(nanoseconds d) { true_ += d; }
    void reboots(nanoseconds off = 0ns) {
        true_ += off;
        steady_ = steady_time{5s};
        boot_ = "boot " + std::to_string(++boots_);
    }
    [[nodiscard]] clock_reading reading(nanoseconds off = 0ns) const { return {boot_, steady_, wall(true_ + off)}; }

    /// A process whose clock is off by that observes; how far trusted time is ahead of the true one then.
    nanoseconds sees(nanoseconds off) {
        if (time_.boot.empty()) time_ = trusted_wall{reading(off)};
        else time_.observe(reading(off));
        return ahead();
    }
    /// The same once every `every` for `d`.
    nanoseconds sees_for(nanoseconds d, nanoseconds off, nanoseconds every = 1min) {
        for (nanoseconds passed{}; passed < d; passed += every) runs(every), sees(off);
        return ahead();
    }
    [[nodiscard]] nanoseconds ahead() const { return trusted() - true_; }
    /// Since the beginning of the test.
    [[nodiscard]] nanoseconds trusted() const { return time_.at(reading()) - wall(0ns); }
    [[nodiscard]] nanoseconds true_time() const { return true_; }
    [[nodiscard]] trusted_wall const& time() const { return time_; }

private:
    static wall_time wall(nanoseconds since) {
        return wall_time{} + std::chrono::duration_cast<wall_time::duration>(20'000 * day + since);
    }
    nanoseconds true_{};
    steady_time steady_{100h};
    std::string boot_ = "boot 1";
    int boots_ = 1;
    trusted_wall time_;
};

class trusted_time : public testing::Test {
protected:
    trusted_time() { m.sees(0ns); }
    machine m;
};

TEST(trusted_time_of_a_new_file, is_what_the_first_clock_says) {
    for (auto const off : {nanoseconds{}, nanoseconds{-300 * day}, nanoseconds{40 * day}}) {
        machine m;
        EXPECT_EQ(m.sees(off), off);
    }
}

TEST_F(trusted_time, runs_with_the_steady_clock) {
    for (auto const step : {nanoseconds{1ns}, nanoseconds{1min}, nanoseconds{400 * day}}) {
        m.runs(step);
        EXPECT_EQ(m.ahead(), 0ns) << "without anybody looking";
        EXPECT_EQ(m.sees(0ns), 0ns);
        EXPECT_EQ(m.time().doubted, 0ns);
    }
}

// One clock's word after an hour: what it says, and what comes of it.
TEST(trusted_wall, takes_a_clocks_word_within_its_slack) {
    struct row {
        nanoseconds off, ahead, doubted;
    };
    for (auto const& r :
         {row{-20'000 * day, 0s, 0s}, row{-1s, 0s, 0s}, row{0s, 0s, 0s}, row{1ns, 1ns, 0s}, row{5s, 5s, 0s},
          row{15min, 15min, 0s}, row{15min + 1ns, 0s, 15min + 1ns}, row{1h, 0s, 1h}, row{40 * day, 0s, 40 * day}}) {
        machine m;
        m.sees(0ns);
        m.runs(1h);
        EXPECT_EQ(m.sees(r.off), r.ahead) << r.off.count();
        EXPECT_EQ(m.time().doubted, r.doubted) << r.off.count();
        EXPECT_EQ(m.time().lead_of(m.reading(r.off)), r.off - r.ahead);
    }
}

TEST_F(trusted_time, does_not_go_back_with_a_clock_that_does) {
    m.runs(1h);
    m.sees(10min);
    for (auto const off : {nanoseconds{9min}, nanoseconds{}, nanoseconds{-20'000 * day}}) {
        m.runs(1h);
        EXPECT_EQ(m.sees(off), 10min) << "and goes on";
    }
}

TEST_F(trusted_time, takes_no_more_on_trust_by_taking_it_in_small_steps) {
    nanoseconds off{};
    for (int i = 0; i < 600; ++i) {
        m.runs(1min);
        m.sees(off += 1min);  // a clock of double speed
    }
    EXPECT_LE(m.ahead(), 15min + 10h / 100);
}

TEST_F(trusted_time, follows_a_clock_that_runs_a_little_fast_for_ever) {
    nanoseconds off{};
    for (int i = 0; i < 365; ++i) {
        m.runs(day);
        EXPECT_EQ(m.sees(off += 10s), off);
    }
}

TEST_F(trusted_time, does_not_follow_a_jump_that_lasts_less_than_a_day) {
    for (auto const lead : {nanoseconds{1h}, nanoseconds{40 * day}, nanoseconds{80'000 * day}}) {
        EXPECT_EQ(m.sees_for(day - 1min, lead), 0ns);
        EXPECT_GT(m.time().doubted, 0ns);
        m.runs(1min);
        EXPECT_EQ(m.sees(0ns), 0ns);
        EXPECT_EQ(m.time().doubted, 0ns);
    }
}

TEST_F(trusted_time, follows_a_jump_that_lasts_a_day) {
    m.sees_for(day, 40 * day);
    EXPECT_EQ(m.ahead(), 0ns);
    EXPECT_EQ(m.sees_for(1min, 40 * day), 40 * day) << "a day after it was first seen";
    EXPECT_EQ(m.time().doubted, 0ns);
    EXPECT_EQ(m.sees_for(day, 0ns), 40 * day) << "it does not come back";
}

TEST_F(trusted_time, believes_the_least_of_what_was_said_and_doubts_the_rest_anew) {
    m.sees_for(23h, 40 * day);
    m.sees_for(1min, 2 * day);
    EXPECT_EQ(m.sees_for(1h, 4000 * day), 2 * day);
    EXPECT_EQ(m.time().doubted, 3998 * day);
    EXPECT_LT(m.time().doubted_for, 1h);
}

TEST_F(trusted_time, is_not_moved_by_one_of_several_clocks_however_long_it_is_wrong) {
    for (int hour = 0; hour < 1000; ++hour) {
        m.sees_for(1h, 40 * day);
        EXPECT_EQ(m.sees(-1s), 0ns) << "one that is right looks once an hour";
    }
}

TEST_F(trusted_time, needs_more_than_two_looks_for_a_jump) {
    m.sees(40 * day);
    for (int i = 0; i < 3; ++i) {
        m.runs(7 * day);
        EXPECT_EQ(m.sees(40 * day), 0ns);
    }
    m.runs(7 * day);
    EXPECT_EQ(m.sees(40 * day), 40 * day) << "but does not need somebody who looks all the time";
}

// Reboots and suspension ----------------------------------------------------------------------------------------------

TEST_F(trusted_time, stands_still_across_a_reboot_and_takes_up_a_short_one_at_once) {
    m.reboots(3min);
    EXPECT_EQ(m.ahead(), -3min);
    m.runs(200h);
    EXPECT_EQ(m.ahead(), -3min - 200h) << "until somebody looks, nothing is known of this boot";
    m.reboots();
    m.sees(-20'000 * day);
    m.runs(5s);
    EXPECT_EQ(m.ahead(), -3min - 200h) << "it runs again, though the clock is not set yet";
    m.sees(-200h);
    EXPECT_EQ(m.ahead(), -200h);
}

TEST_F(trusted_time, catches_up_with_a_long_time_off_after_a_day) {
    m.reboots(100 * day);
    EXPECT_EQ(m.sees(0ns), -100 * day);
    m.sees_for(23h, 0ns);
    EXPECT_EQ(m.ahead(), -100 * day);
    EXPECT_EQ(m.sees_for(1h, 0ns), 0ns);
}

TEST_F(trusted_time, is_not_moved_by_a_clock_that_is_wrong_until_a_service_sets_it_at_every_boot) {
    for (int i = 0; i < 100; ++i) {
        m.reboots(1min);
        m.sees_for(2min, 40 * day);
        m.sees_for(day / 2, 0ns);
        EXPECT_EQ(m.ahead(), 0ns);
    }
}

TEST_F(trusted_time, is_not_moved_by_reboots_one_after_another) {
    for (int i = 0; i < 100; ++i) {
        m.reboots(1min);
        m.sees(40 * day);
    }
    EXPECT_LE(m.ahead(), 0ns);
}

TEST_F(trusted_time, keeps_up_with_a_machine_that_is_suspended_every_night) {
    for (int i = 0; i < 200; ++i) {
        m.sees_for(9h, 0ns);
        m.sleeps(15h);
        ASSERT_GE(m.ahead(), -4 * day);
    }
}

TEST_F(trusted_time, keeps_up_with_a_machine_that_is_on_for_minutes_a_day) {
    for (int i = 0; i < 200; ++i) {
        m.reboots(day - 10min);
        m.sees_for(10min, 0ns);
        ASSERT_GE(m.ahead(), -9 * day);
    }
}

TEST_F(trusted_time, is_not_moved_by_a_steady_clock_that_goes_back) {
    m.runs(10h);
    m.sees(0ns);
    auto const before = m.trusted();
    trusted_wall t = m.time();
    auto restored = m.reading();
    restored.steady -= 5h;
    EXPECT_FALSE(t.is_comparable(restored));
    t.observe(restored);
    restored.steady += 1h;
    restored.wall += 1h;
    EXPECT_EQ(t.at(restored), m.time().wall + 1h);
    EXPECT_EQ(m.trusted(), before);
}

TEST_F(trusted_time, reaches_the_end_of_time_and_no_further) {
    auto r = m.reading();
    trusted_wall t{r};
    r.wall = wall_time::max();
    for (int i = 0; i <= 24; ++i, r.steady += 1h) t.observe(r);
    EXPECT_GE(t.wall, wall_time::max() - day);
    r.steady += 100 * day;
    EXPECT_EQ(t.at(r), wall_time::max());
    t.observe(r);
    EXPECT_EQ(t.wall, wall_time::max());
}

// Anything may happen -------------------------------------------------------------------------------------------------

/// What was seen and what came of it; every law is read off this.
struct sight {
    nanoseconds steady;  // that passed since the last one, as far as can be told
    nanoseconds between;  // the same, with what the clock itself says where it cannot
    nanoseconds lead;  // of the clock, before
    nanoseconds gained;  // by trusted time, more than the steady clock counted
};

/// A leap is what no slack explains: all looks of the day before it were ahead, by as much at least.
void expect_lawful(std::vector<sight> all) {
    nanoseconds free = 15min;  // what may be gained without a leap
    std::size_t begin = 0;  // of the looks that may count for the next leap
    for (std::size_t i = 0; i < all.size(); ++i) {
        auto& s = all[i];
        ASSERT_GE(s.gained, 0ns) << "it went back";
        ASSERT_LE(s.gained, std::max(s.lead, nanoseconds{})) << "it is ahead of every clock";
        free = std::min<nanoseconds>(15min, free + s.steady / 100);
        if (s.lead <= 0ns) begin = i + 1;
        if (s.gained > free) {
            nanoseconds watched{};
            auto least = s.lead;
            auto j = i;
            for (; j > begin && watched < day; --j) {
                watched += std::clamp<nanoseconds>(all[j].between, 0ns, 6h);
                least = std::min(least, all[j - 1].lead);
            }
            ASSERT_GE(watched, day);
            ASSERT_LE(s.gained, least + free) << "what was left over may have been taken on trust";
            free -= std::max(s.gained - least, nanoseconds{});
            s.lead -= s.gained;
            begin = i;
        } else {
            free -= s.gained;
        }
    }
}

TEST(trusted_wall, keeps_its_laws_whatever_the_clocks_do_and_comes_right_in_the_end) {
    int leaps = 0, doubts = 0;
    for (auto const seed : support::each_seed(support::seeds(5))) {
        support::dice d{seed};
        machine m;
        m.sees(0ns);
        std::array<nanoseconds, 3> off{};  // of three processes' clocks
        auto const patient = 1 + d.below(40U);
        std::vector<sight> all;
        for (int step = 0; step < 400; ++step) {
            if (d.one_in(patient)) {
                std::array<nanoseconds, 6> const kinds{0s, -20'000 * day, 40 * day, 1h, 10min, 1s};
                auto const o = d.one_in(2) ? kinds[d.below(kinds.size())] : nanoseconds{1h} * d.below(2000);
                if (d.one_in(3)) off.fill(o);
                else off[d.below(3U)] = o;
            }
            if (d.one_in(30)) m.sleeps(1h * d.below(100));
            else if (d.one_in(40)) m.reboots(1min * d.below(5000));
            else m.runs(d.one_in(4) ? nanoseconds{1h} * d.below(12) : nanoseconds{1s} * d.below(4000));
            auto const process = d.below(3U);
            auto const before = m.time();
            auto const r = m.reading(off[process]);
            m.sees(off[process]);
            auto const passed = before.since(r);
            all.push_back({passed, before.is_comparable(r) ? passed : r.wall - before.said, before.lead_of(r),
                           m.time().wall - before.at(r)});
            leaps += all.back().gained > 15min ? 1 : 0;
            doubts += before.doubted == 0ns && m.time().doubted > 0ns ? 1 : 0;
        }
        expect_lawful(std::move(all));
        // A right clock's word counts in the end, and its being behind costs nothing.
        auto const before = m.ahead();
        auto const after = m.sees_for(2 * day + 2h, 0ns, 1h);
        EXPECT_EQ(after, std::max(before, after)) << seed;
        EXPECT_GE(after, 0ns) << seed;
        EXPECT_EQ(m.time().doubted, 0ns) << seed;
    }
    if (!support::replaying()) {
        EXPECT_GT(leaps, 10);
        EXPECT_GT(doubts, 100);
    }
}

}  // namespace
}  // namespace trusted_wall_test
