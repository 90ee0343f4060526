// SPDX-License-Identifier: BSL-1.0
// A circuit breaker's states: tables for each rule and option, and random runs against an oracle that keeps everything.
#include <coffer/state/breaker.hpp>

#include "state/breaker_oracle.hpp"
#include "support/seeds.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <optional>
#include <set>
#include <stdexcept>
#include <string_view>
#include <utility>
#include <vector>

namespace breaker_test {
namespace {

using namespace coffer;
using namespace std::chrono_literals;
using options = circuit_breaker_options;
using state = circuit_state;
using duration = breaker::duration;
using time_point = breaker::time_point;
using kind = breaker::end::kind;

circuit_breaks exactly(duration first, duration longest = 1h, double factor = 2.0) {
    return {first, longest, factor, false};
}

/// A breaker with a clock at hand.
struct bench {
    explicit bench(options const& o = {}) : machine{(o.check(), o)} {}

    breaker machine;
    time_point now = time_point{} + 1000h;
    double draw = 0;

    std::optional<breaker::pass> in() { return machine.enter(now, 10min).in; }
    std::optional<duration> refusal() { return machine.enter(now, 10min).ask_again; }
    std::optional<breaker::change> ends(breaker::pass p, kind what, duration took = 0s, duration hint = 0s) {
        return machine.settle(p, {what, now, took, hint}, [this] { return draw; });
    }
    /// Attempts that end at once.
    std::optional<breaker::change> each(kind what, int times = 1, duration took = 0s, duration hint = 0s) {
        std::optional<breaker::change> last;
        for (int i = 0; i < times; ++i) {
            auto const p = in();
            if (!p) {
                ADD_FAILURE() << "refused";
                return last;
            }
            last = ends(*p, what, took, hint);
        }
        return last;
    }
    [[nodiscard]] state is() const { return machine.state(); }
    [[nodiscard]] duration left() const { return machine.until() - now; }
};

// What opens it -----------------------------------------------------------------------------------------------------------

TEST(breaker, failures_in_a_row_open_it) {
    for (int const n : {1, 3, 7}) {
        bench b{{.in_a_row = n, .window = breaker_window::none()}};
        EXPECT_FALSE(b.each(kind::failure, n - 1));
        EXPECT_EQ(b.is(), state::closed);
        auto const c = b.each(kind::failure);
        ASSERT_TRUE(c);
        EXPECT_EQ(c->to, state::open);
        EXPECT_EQ(c->why, circuit_reason::failures_in_a_row);
        EXPECT_EQ(c->in_a_row, n);
        EXPECT_FALSE(b.in());
    }
}

TEST(breaker, a_success_between_them_breaks_the_row_and_a_neutral_end_does_not) {
    bench b{{.in_a_row = 3, .window = breaker_window::none()}};
    for (int i = 0; i < 50; ++i) {
        b.each(kind::failure, 2);
        b.each(kind::success);
    }
    EXPECT_EQ(b.is(), state::closed);
    b.each(kind::failure, 2);
    b.each(kind::neutral, 50);
    EXPECT_EQ(b.is(), state::closed);
    b.each(kind::failure);
    EXPECT_EQ(b.is(), state::open);
}

TEST(breaker, a_ratio_of_the_last_calls_opens_it) {
    bench b{{.in_a_row = 0, .window = breaker_window::calls(10), .minimum = 10, .failure_ratio = 0.7}};
    for (int i = 0; i < 10; ++i) b.each(i % 10 < 4 ? kind::success : kind::failure);
    EXPECT_EQ(b.is(), state::closed) << "6 of 10";
    auto const c = b.each(kind::failure);
    ASSERT_TRUE(c) << "7 of the last 10, although 0.7 * 10 is more than 7";
    EXPECT_EQ(c->why, circuit_reason::failure_ratio);
    EXPECT_EQ(c->tally, (breaker_tally{10, 7, 0}));
}

TEST(breaker, a_ratio_of_the_last_while_opens_it) {
    bench b{{.in_a_row = 0, .window = breaker_window::time(60s), .minimum = 4, .failure_ratio = 0.5}};
    b.each(kind::success, 10);
    b.now += 30s;
    b.each(kind::failure, 9);
    EXPECT_EQ(b.is(), state::closed) << "9 of 19";
    b.now += 31s;  // the successes are too old
    b.each(kind::failure);
    EXPECT_EQ(b.is(), state::open);
}

TEST(breaker, a_ratio_of_few_ends_proves_nothing) {
    for (int const minimum : {2, 20}) {
        bench b{{.in_a_row = 0, .minimum = minimum}};
        b.each(kind::failure, minimum - 1);
        EXPECT_EQ(b.is(), state::closed);
        b.each(kind::failure);
        EXPECT_EQ(b.is(), state::open);
    }
}

TEST(breaker, the_end_that_makes_the_minimum_may_be_a_success) {
    bench b{{.in_a_row = 0, .minimum = 4}};
    b.each(kind::failure, 3);
    auto const c = b.each(kind::success);
    ASSERT_TRUE(c);
    EXPECT_EQ(c->why, circuit_reason::failure_ratio);
}

TEST(breaker, slow_successes_open_it_if_somebody_says_what_is_slow) {
    bench b{{.minimum = 4, .slow_after = 30s, .slow_ratio = 0.75}};
    b.each(kind::success, 1, 30s);
    b.each(kind::success, 2, 31s);
    EXPECT_EQ(b.is(), state::closed);
    auto const c = b.each(kind::success, 1, 31s);
    ASSERT_TRUE(c) << "3 of 4";
    EXPECT_EQ(c->why, circuit_reason::slow_ratio);
    bench usual;
    usual.each(kind::success, 1000, 5min);
    EXPECT_EQ(usual.is(), state::closed) << "an answer may take as long as it takes";
}

TEST(breaker, neutral_ends_are_not_counted_at_all) {
    bench b{{.in_a_row = 0, .minimum = 10}};
    b.each(kind::neutral, 1000);
    b.each(kind::failure, 9);
    EXPECT_EQ(b.is(), state::closed) << "they make no minimum";
    b.each(kind::failure);
    EXPECT_EQ(b.is(), state::open) << "and do not dilute the ratio";
}

TEST(breaker, the_defaults_ride_out_a_hiccup_and_see_an_outage) {
    // Every fifth attempt fails, at 500 a minute: an hour of it.
    bench hiccup;
    support::dice dice{1};
    for (int i = 0; i < 30'000; ++i) {
        hiccup.now += 120ms;
        hiccup.each(dice.one_in(5) ? kind::failure : kind::success);
        ASSERT_EQ(hiccup.is(), state::closed) << i;
    }
    // One worker, whose every attempt fails: a hundred calls in the window there never are.
    bench outage;
    outage.each(kind::success, 5);
    int failed = 0;
    for (; outage.is() == state::closed && failed < 100; ++failed) {
        outage.now += 60s;
        outage.each(kind::failure);
    }
    EXPECT_EQ(failed, 10);
    // Many workers, two thirds of whose attempts fail.
    bench brownout;
    int sent = 0;
    for (; brownout.is() == state::closed && sent < 1000; ++sent) {
        brownout.now += 1s;
        brownout.each(sent % 3 == 0 ? kind::success : kind::failure);
    }
    EXPECT_EQ(sent, 20);
}

TEST(breaker, the_defaults_are_what_the_table_says) {
    bench b;
    b.each(kind::failure, 9);
    EXPECT_EQ(b.each(kind::failure)->lasts, 5s) << "half of the first length, with this draw";
    b.now += 5s;
    for (int i = 0; i < 3; ++i) EXPECT_TRUE(b.in());
    EXPECT_FALSE(b.in());

    bench half;
    for (int i = 0; i < 19; ++i) half.each(i % 2 == 0 ? kind::success : kind::failure);
    EXPECT_EQ(half.is(), state::closed);
    EXPECT_EQ(half.each(kind::failure)->why, circuit_reason::failure_ratio) << "10 of 20";

    bench slow{{.slow_after = 60s}};
    slow.each(kind::success, 10);
    slow.each(kind::success, 9, 61s);
    EXPECT_EQ(slow.is(), state::closed);
    EXPECT_EQ(slow.each(kind::success, 1, 61s)->why, circuit_reason::slow_ratio) << "10 of 20";

    bench asked;
    EXPECT_EQ(asked.each(kind::failure, 10, 0s, 1h)->lasts, 10min) << "of a hint";

    bench spent;
    for (int i = 0; i < 10; ++i) {
        spent.each(kind::failure, spent.is() == state::closed ? 10 : 1);
        EXPECT_LE(spent.left(), 15s) << "half of the longest";
        spent.now = spent.machine.until();
    }
    EXPECT_EQ(spent.each(kind::failure)->lasts, 15s);
}

// The break ---------------------------------------------------------------------------------------------------------------

TEST(breaker, open_it_refuses_until_the_break_is_over_and_says_how_long) {
    bench b{{.in_a_row = 1, .breaks = exactly(8s)}};
    auto const c = b.each(kind::failure);
    EXPECT_EQ(c->lasts, 8s);
    EXPECT_EQ(b.refusal(), 8s);
    b.now += 5s;
    EXPECT_EQ(b.refusal(), 3s);
    b.now += 3s - 1ns;
    EXPECT_EQ(b.refusal(), 1ns);
    b.now += 1ns;
    EXPECT_TRUE(b.in());
    EXPECT_EQ(b.is(), state::half_open);
}

TEST(breaker, breaks_grow_with_each_failed_probe_up_to_the_cap) {
    bench b{{.in_a_row = 1, .breaks = exactly(8s, 50s, 2.0)}};
    std::vector<duration> breaks;
    for (int i = 0; i < 5; ++i) {
        breaks.push_back(b.each(kind::failure)->lasts);
        b.now += breaks.back();
    }
    EXPECT_EQ(breaks, (std::vector<duration>{8s, 16s, 32s, 50s, 50s}));
    bench faster{{.in_a_row = 1, .breaks = exactly(8s, 1h, 10.0)}};
    faster.now += faster.each(kind::failure)->lasts;
    EXPECT_EQ(faster.each(kind::failure)->lasts, 80s);
}

TEST(breaker, a_relapse_soon_after_it_was_closed_makes_the_breaks_go_on_growing) {
    bench b{{.in_a_row = 1, .probes = 1, .breaks = exactly(8s)}};
    b.now += b.each(kind::failure)->lasts;
    b.now += b.each(kind::failure)->lasts;
    b.each(kind::success);
    EXPECT_EQ(b.is(), state::closed);
    b.now += 15s;  // less than the last break, 16 s
    EXPECT_EQ(b.each(kind::failure)->lasts, 32s);
    b.now += 32s;
    b.each(kind::success);
    b.now += 32s;
    EXPECT_EQ(b.each(kind::failure)->lasts, 8s) << "it was well for as long as it had been left alone";
}

TEST(breaker, no_drawn_break_is_its_cap_or_shorter_than_half_of_it) {
    for (auto const seed : support::each_seed(support::seeds(50))) {
        support::dice dice{seed};
        bench b{{.in_a_row = 1, .breaks = {.first = 10s, .longest = 40s}}};
        std::set<duration> drawn;
        for (int i = 0; i < 10; ++i) {
            b.draw = dice.one_in(10) ? 1.0 - 0x1p-53 : dice.unit();
            auto const c = b.each(kind::failure);
            auto const cap = std::min<duration>(10s * (1 << std::min(i, 10)), 40s);
            ASSERT_LT(c->lasts, cap) << "seed " << seed;
            ASSERT_GE(c->lasts, cap / 2) << "seed " << seed;
            if (i > 2) drawn.insert(c->lasts);
            b.now += c->lasts;
        }
        ASSERT_GT(drawn.size(), 4U) << "those at the cap stay spread; seed " << seed;
    }
}

TEST(breaker, a_hint_is_a_floor_of_the_break) {
    bench b{{.in_a_row = 2, .breaks = exactly(8s)}};
    b.each(kind::failure, 1, 0s, 60s);
    b.now += 10s;
    EXPECT_EQ(b.each(kind::failure)->lasts, 50s) << "also one of a failure before the last";
    b.now += 50s;
    EXPECT_EQ(b.each(kind::failure, 1, 0s, 3s)->lasts, 16s) << "a shorter one does not shorten it";
    b.now += 16s;
    EXPECT_EQ(b.each(kind::failure, 1, 0s, 2min)->lasts, 2min) << "a probe's counts too";
    b.draw = 1.0 - 0x1p-53;
    b.now += 2min;
    auto const spread = b.each(kind::failure, 1, 0s, 8min)->lasts;
    EXPECT_GT(spread, 9min) << "a quarter of it is added at random, or all processes would be back at once";
    EXPECT_LT(spread, 10min);
}

TEST(breaker, of_a_hint_that_is_too_long_the_ceiling_is_kept) {
    for (auto const ceiling : {duration{10min}, duration{1h}, duration{0}}) {
        bench b{{.in_a_row = 1, .breaks = exactly(8s), .hint_ceiling = ceiling}};
        EXPECT_EQ(b.each(kind::failure, 1, 0s, 72h)->lasts, std::max<duration>(ceiling, 8s));
        bench most{{.in_a_row = 1, .breaks = exactly(8s), .hint_ceiling = ceiling}};
        EXPECT_EQ(most.each(kind::failure, 1, 0s, duration::max())->lasts, std::max<duration>(ceiling, 8s));
    }
}

TEST(breaker, hints_of_before_are_forgotten_when_it_closes) {
    bench b{{.in_a_row = 2, .probes = 1, .breaks = exactly(8s)}};
    b.each(kind::failure, 1, 0s, 5min);
    b.machine.close(b.now);
    EXPECT_EQ(b.each(kind::failure, 2)->lasts, 8s);
}

// Half open ---------------------------------------------------------------------------------------------------------------

/// A breaker whose break is just over.
bench after_a_break(int probes, duration first_break = 8s) {
    bench b{{.in_a_row = 1, .probes = probes, .breaks = exactly(first_break)}};
    b.now += b.each(kind::failure)->lasts;
    return b;
}

TEST(breaker, half_open_it_lets_no_more_than_its_probes_in_at_a_time) {
    auto b = after_a_break(3);
    auto const first = b.machine.enter(b.now, 10min);
    EXPECT_EQ(first.changed, circuit_reason::break_over);
    auto const second = b.machine.enter(b.now, 10min);
    EXPECT_EQ(second.changed, circuit_reason::none);
    ASSERT_TRUE(b.in());
    for (int i = 0; i < 100; ++i) EXPECT_EQ(b.refusal(), 8s) << "as long as the first break";
    b.ends(*second.in, kind::success);
    EXPECT_TRUE(b.in());
    EXPECT_FALSE(b.in());
    EXPECT_EQ(b.machine.probes_under_way(), 3);
    EXPECT_EQ(b.machine.probes_succeeded(), 1);
}

TEST(breaker, as_many_successes_as_probes_close_it) {
    for (int const n : {1, 2, 5}) {
        auto b = after_a_break(n);
        EXPECT_FALSE(b.each(kind::success, n - 1));
        EXPECT_EQ(b.is(), n == 1 ? state::open : state::half_open);
        auto const c = b.each(kind::success);
        ASSERT_TRUE(c);
        EXPECT_EQ(c->to, state::closed);
        EXPECT_EQ(c->why, circuit_reason::probes_succeeded);
        b.each(kind::success, 100);
    }
}

TEST(breaker, one_failed_probe_opens_it_again) {
    auto b = after_a_break(3);
    b.each(kind::success, 2);
    auto const c = b.each(kind::failure);
    ASSERT_TRUE(c);
    EXPECT_EQ(c->to, state::open);
    EXPECT_EQ(c->why, circuit_reason::probe_failed);
    EXPECT_EQ(c->lasts, 16s);
}

TEST(breaker, a_slow_probe_opens_it_again) {
    bench b{{.in_a_row = 1, .slow_after = 30s, .breaks = exactly(8s)}};
    b.now += b.each(kind::failure)->lasts;
    EXPECT_EQ(b.each(kind::success, 1, 31s)->why, circuit_reason::probe_slow);
}

TEST(breaker, probes_that_tell_nothing_give_their_places_back) {
    auto b = after_a_break(2);
    for (int i = 0; i < 100; ++i) {
        auto const one = b.in();
        auto const other = b.in();
        ASSERT_TRUE(one && other) << i;
        b.ends(*one, kind::neutral);
        b.machine.abandon(*other);
    }
    EXPECT_EQ(b.is(), state::half_open);
    EXPECT_EQ(b.each(kind::success, 2)->to, state::closed);
}

// Else who keeps to the hint comes back six times while one answer is under way.
TEST(breaker, while_probes_are_under_way_its_hint_is_how_long_they_usually_take) {
    bench b{{.in_a_row = 1, .probes = 2, .breaks = exactly(10s)}};
    b.each(kind::success, 1, 60s);
    b.each(kind::success, 1, 5s);  // the longest counts, and is forgotten slowly
    b.each(kind::failure);
    b.now += 10s;
    ASSERT_TRUE(b.in());
    b.now += 2s;
    ASSERT_TRUE(b.in());
    EXPECT_EQ(b.refusal(), 60s - 60000ms / 16) << "from the last probe on";
    b.now += 40s;
    EXPECT_EQ(b.refusal(), 20s - 60000ms / 16);
    b.now += 15s;
    EXPECT_EQ(b.refusal(), 10s) << "never less than a first break";
    EXPECT_EQ(b.machine.enter(b.now, 10min).ask_again, 10s);
    b.now += 10min - 56s;
    EXPECT_EQ(b.refusal(), 1s) << "and never later than they are given up";
}
TEST(breaker, of_how_long_they_take_nothing_is_known_before_one_has_succeeded) {
    bench b{{.in_a_row = 1, .probes = 1, .breaks = exactly(10s)}};
    b.each(kind::failure, 1, 60s);
    b.now += 10s;
    ASSERT_TRUE(b.in());
    EXPECT_EQ(b.refusal(), 10s);
    b.machine.reset();
    b.each(kind::success, 1, 60s);
    b.machine.reset();
    b.each(kind::failure);
    b.now += 10s;
    ASSERT_TRUE(b.in());
    EXPECT_EQ(b.refusal(), 10s) << "forgotten by hand";
}

TEST(breaker, probes_that_are_never_heard_of_again_are_given_up) {
    auto b = after_a_break(2, 20min);
    auto const one = b.machine.enter(b.now, 10min).in;
    auto const other = b.machine.enter(b.now + 1min, 10min).in;
    EXPECT_EQ(b.machine.enter(b.now + 2min, 10min).ask_again, 9min) << "when the last of them is given up";
    EXPECT_EQ(b.machine.enter(b.now + 11min - 1ns, 10min).ask_again, 1ns);
    b.now += 11min;
    auto const next = b.machine.enter(b.now, 10min);
    ASSERT_TRUE(next.in);
    EXPECT_EQ(next.changed, circuit_reason::probes_lost);
    EXPECT_FALSE(b.ends(*one, kind::failure)) << "what they have to say after all comes too late";
    b.machine.abandon(*other);
    EXPECT_EQ(b.machine.probes_under_way(), 1);
    b.ends(*next.in, kind::success);
    EXPECT_EQ(b.each(kind::success)->to, state::closed);
}

// Epochs ------------------------------------------------------------------------------------------------------------------

TEST(breaker, late_ends_of_earlier_epochs_change_nothing) {
    bench b{{.in_a_row = 1, .probes = 1, .breaks = exactly(8s)}};
    std::vector<breaker::pass> old;
    for (int i = 0; i < 9; ++i) old.push_back(*b.in());
    b.each(kind::failure);
    auto const until = b.machine.until();
    b.now += 1s;
    EXPECT_FALSE(b.ends(old[0], kind::success));
    EXPECT_FALSE(b.ends(old[1], kind::failure, 0s, 10min));
    EXPECT_EQ(b.machine.until(), until) << "open: neither closed nor prolonged";

    b.now = until;
    auto const probe = *b.in();
    EXPECT_FALSE(b.ends(old[2], kind::failure));
    EXPECT_FALSE(b.ends(old[3], kind::success));
    EXPECT_FALSE(b.ends(old[4], kind::neutral));
    b.machine.abandon(old[5]);
    EXPECT_EQ(b.is(), state::half_open);
    EXPECT_EQ(b.machine.probes_under_way(), 1);
    EXPECT_FALSE(b.in()) << "no probe's place has come free";

    EXPECT_EQ(b.ends(probe, kind::success)->to, state::closed);
    EXPECT_FALSE(b.ends(old[6], kind::failure)) << "a failure of before the outage's end";
    EXPECT_EQ(b.machine.in_a_row(), 0);
    EXPECT_EQ(b.machine.tally(b.now), (breaker_tally{}));
    b.each(kind::failure);
    EXPECT_EQ(b.is(), state::open) << "its own failures it sees";
}

TEST(breaker, probes_of_an_earlier_half_open_time_change_nothing) {
    auto b = after_a_break(2);
    auto const late = *b.in();
    b.each(kind::failure);
    b.now += 16s;
    auto const probe = *b.in();
    EXPECT_FALSE(b.ends(late, kind::failure));
    EXPECT_FALSE(b.ends(late, kind::success));
    EXPECT_EQ(b.machine.probes_succeeded(), 0);
    EXPECT_EQ(b.machine.probes_under_way(), 1);
    b.ends(probe, kind::success);
    EXPECT_EQ(b.is(), state::half_open);
}

// By hand -----------------------------------------------------------------------------------------------------------------

TEST(breaker, isolated_it_refuses_until_it_is_closed_by_hand) {
    bench b;
    auto const before = *b.in();
    b.machine.isolate();
    b.ends(before, kind::success);
    b.now += 24h * 365;
    auto const said = b.machine.enter(b.now, 10min);
    EXPECT_FALSE(said.in);
    EXPECT_FALSE(said.ask_again) << "nobody knows";
    b.machine.close(b.now);
    b.each(kind::success);
    EXPECT_EQ(b.is(), state::closed);
}

TEST(breaker, closed_by_hand_it_counts_anew_and_remembers_its_breaks) {
    bench b{{.in_a_row = 2, .breaks = exactly(8s)}};
    b.each(kind::failure, 2);
    b.machine.close(b.now);
    EXPECT_EQ(b.machine.tally(b.now), (breaker_tally{}));
    b.each(kind::failure);
    EXPECT_EQ(b.is(), state::closed);
    EXPECT_EQ(b.each(kind::failure)->lasts, 16s);
    EXPECT_EQ(b.machine.opened(), 2U);
}

TEST(breaker, reset_it_is_as_if_new) {
    bench b{{.in_a_row = 2, .breaks = exactly(8s)}};
    b.each(kind::failure, 2);
    auto const epoch = b.machine.epoch();
    b.machine.reset();
    EXPECT_NE(b.machine.epoch(), epoch) << "but for what is still under way";
    EXPECT_EQ(b.machine.opened(), 0U);
    EXPECT_EQ(b.each(kind::failure, 2)->lasts, 8s);
}

// Limits ------------------------------------------------------------------------------------------------------------------

TEST(breaker, it_may_open_for_ever_and_nothing_overflows) {
    bench b{{.in_a_row = 1, .breaks = exactly(duration::max(), duration::max()), .hint_ceiling = duration::max()}};
    b.draw = 1.0 - 0x1p-53;
    auto const c = b.each(kind::failure, 1, duration::max(), duration::max());
    EXPECT_EQ(c->lasts, duration::max());
    EXPECT_EQ(b.machine.until(), time_point::max());
    EXPECT_FALSE(b.in());
    auto small = after_a_break(1, 1ns);
    for (int i = 0; i < 2000; ++i) {
        auto const p = small.machine.enter(small.now, duration::max());
        ASSERT_TRUE(p.in) << i;
        auto const lasts = small.ends(*p.in, kind::failure, 0s, 0s)->lasts;
        ASSERT_GE(lasts, 1ns);
        ASSERT_LE(lasts, 1h);
        small.now += lasts;
    }
}

TEST(breaker, every_state_and_reason_has_a_name) {
    std::set<std::string_view> names;
    for (int i = 0; i <= static_cast<int>(state::isolated); ++i)
        EXPECT_TRUE(names.insert(to_string(static_cast<state>(i))).second);
    for (int i = 0; i <= static_cast<int>(circuit_reason::probes_succeeded); ++i)
        EXPECT_TRUE(names.insert(to_string(static_cast<circuit_reason>(i))).second);
    EXPECT_FALSE(names.contains("unknown"));
}

TEST(breaker, options_that_cannot_be_meant_or_have_no_effect_are_refused) {
    auto const refuses = [](options const& o) { EXPECT_THROW(o.check(), std::invalid_argument); };
    auto const nan = std::numeric_limits<double>::quiet_NaN();
    EXPECT_NO_THROW(options{}.check());
    refuses({.in_a_row = -1});
    refuses({.in_a_row = 0, .window = breaker_window::none()});
    refuses({.window = breaker_window::calls(-1)});
    refuses({.window = breaker_window::calls(0)});
    refuses({.window = breaker_window::time(0s)});
    refuses({.window = breaker_window::calls(1'000'001)});
    refuses({.window = breaker_window::time(-1s)});
    refuses({.window = breaker_window::calls(19)});  // the minimum is 20
    EXPECT_NO_THROW((options{.window = breaker_window::calls(20)}.check()));
    refuses({.minimum = 0});
    for (auto const ratio : {0.0, -0.5, 1.01, nan}) {
        refuses({.failure_ratio = ratio});
        refuses({.slow_after = 1s, .slow_ratio = ratio});
    }
    refuses({.slow_after = 0s});
    refuses({.slow_ratio = 0.9});
    refuses({.window = breaker_window::none(), .minimum = 3});
    refuses({.window = breaker_window::none(), .failure_ratio = 0.9});
    refuses({.window = breaker_window::none(), .slow_after = 1s});
    EXPECT_NO_THROW((options{.window = breaker_window::none()}.check()));
    refuses({.probes = 0});
    refuses({.breaks = {.first = 0s}});
    refuses({.breaks = {.first = 10s, .longest = 9s}});
    refuses({.breaks = {.factor = 0.5}});
    refuses({.breaks = {.factor = nan}});
    refuses({.hint_ceiling = -1s});
    try {
        circuit_breaker_options{.breaks = {.first = 60s}}.check();
        ADD_FAILURE();
    } catch (std::invalid_argument const& e) {
        EXPECT_NE(std::string_view{e.what()}.find("breaks.longest is 30 s unless"), std::string_view::npos) << e.what();
    }
}

// Changed while it is used ------------------------------------------------------------------------------------------------

TEST(breaker, changed_it_judges_the_next_end_by_the_new_options_with_what_was_counted_before) {
    bench b{{.in_a_row = 5, .breaks = exactly(10s)}};
    b.each(kind::failure, 4);
    b.machine.adopt({.in_a_row = 3, .breaks = exactly(20s)});
    EXPECT_EQ(b.is(), state::closed) << "nothing has ended";
    auto const c = b.each(kind::failure);
    ASSERT_TRUE(c);
    EXPECT_EQ(c->in_a_row, 5);
    EXPECT_EQ(c->lasts, 20s);

    bench more{{.in_a_row = 3}};
    more.each(kind::failure, 2);
    more.machine.adopt({.in_a_row = 5});
    more.each(kind::failure, 2);
    EXPECT_EQ(more.is(), state::closed);
    more.each(kind::failure);
    EXPECT_EQ(more.is(), state::open);
}

TEST(breaker, changed_ratios_count_what_is_in_the_window_and_another_window_begins_anew) {
    options const before{.in_a_row = 0, .window = breaker_window::calls(10), .minimum = 10, .failure_ratio = 0.9};
    auto after = before;
    after.failure_ratio = 0.5;
    bench b{before};
    for (int i = 0; i < 5; ++i) b.each(kind::failure), b.each(kind::success);
    ASSERT_EQ(b.is(), state::closed);
    b.machine.adopt(after);
    EXPECT_EQ(b.machine.tally(b.now).ends, 10);
    b.each(kind::failure);
    EXPECT_EQ(b.is(), state::open);

    for (auto const window : {breaker_window::calls(11), breaker_window::time(1min), breaker_window::none()}) {
        bench anew{before};
        for (int i = 0; i < 5; ++i) anew.each(kind::failure), anew.each(kind::success);
        anew.each(kind::failure, 2);
        auto other = after;
        other.window = window;
        if (window.is_none()) other = {.in_a_row = 4, .window = window};
        anew.machine.adopt(other);
        EXPECT_EQ(anew.machine.tally(anew.now).ends, 0);
        EXPECT_EQ(anew.machine.in_a_row(), 2) << "those are of no window";
    }
}

TEST(breaker, changed_while_open_the_break_lasts_as_long_as_it_was_drawn) {
    bench b{{.in_a_row = 1, .probes = 1, .breaks = exactly(10s)}};
    b.each(kind::failure);
    b.machine.adopt({.in_a_row = 1, .probes = 1, .breaks = exactly(1h)});
    EXPECT_EQ(b.refusal(), 10s);
    b.now += 10s;
    b.each(kind::failure);
    EXPECT_EQ(b.refusal(), 1h) << "the next one is as the new options say";
    b.machine.adopt({.breaks = exactly(1s)});
    EXPECT_EQ(b.refusal(), 1h);
    b.machine.close(b.now);
    EXPECT_EQ(b.is(), state::closed) << "which is how one ends it";
}

TEST(breaker, changed_while_half_open_the_new_number_of_probes_holds_and_successes_count) {
    bench b{{.in_a_row = 1, .probes = 3, .breaks = exactly(10s)}};
    b.each(kind::failure);
    b.now += 10s;
    std::vector<breaker::pass> out{*b.in(), *b.in(), *b.in()};
    b.ends(out[0], kind::success);
    b.machine.adopt({.in_a_row = 1, .probes = 2, .breaks = exactly(10s)});
    EXPECT_FALSE(b.in()) << "two are under way";
    b.ends(out[1], kind::success);
    EXPECT_EQ(b.is(), state::closed);

    bench more{{.in_a_row = 1, .probes = 1, .breaks = exactly(10s)}};
    more.each(kind::failure);
    more.now += 10s;
    auto const first = more.in();
    ASSERT_FALSE(more.in());
    more.machine.adopt({.in_a_row = 1, .probes = 2, .breaks = exactly(10s)});
    auto const second = more.in();
    ASSERT_TRUE(second);
    more.ends(*first, kind::success);
    EXPECT_EQ(more.is(), state::half_open);
    more.ends(*second, kind::success);
    EXPECT_EQ(more.is(), state::closed);
}

TEST(breaker, changed_it_stays_isolated_and_late_ends_stay_late) {
    bench b{{.in_a_row = 1}};
    auto const before = b.in();
    b.machine.isolate();
    b.machine.adopt({.in_a_row = 2});
    EXPECT_EQ(b.is(), state::isolated);
    EXPECT_FALSE(b.ends(*before, kind::failure));
    EXPECT_EQ(b.machine.in_a_row(), 0);
}

// Random runs -------------------------------------------------------------------------------------------------------------

options draw_options(support::dice& dice) {
    options o{.in_a_row = dice.below(5), .window = breaker_window::none()};
    if (o.in_a_row == 0 || dice.one_in(2)) {
        auto const size = 1 + dice.below(10);
        o.window =
            dice.one_in(2) ? breaker_window::calls(size) : breaker_window::time(10 * duration{1 + dice.below(40)});
        o.minimum = 1 + dice.below(o.window.size() > 0 ? size : 8);
        o.failure_ratio = 0.1 * (1 + dice.below(10));
        if (dice.one_in(2)) o.slow_after = 20ns, o.slow_ratio = 0.1 * (1 + dice.below(10));
    }
    o.probes = 1 + dice.below(3);
    o.breaks = exactly(duration{1 + dice.below(50)}, 200ns, 1.0 + dice.below(3));
    if (dice.one_in(2)) o.hint_ceiling = duration{dice.below(100)};
    o.check();
    return o;
}

TEST(breaker_model, does_what_an_oracle_says_that_keeps_everything) {
    int opened = 0;
    int closed = 0;
    int lost = 0;
    int late = 0;
    int changed = 0;
    for (auto const seed : support::each_seed()) {
        support::dice dice{seed};
        auto const o = draw_options(dice);
        auto most_probes = o.probes;
        breaker machine{o};
        support::breaker_oracle oracle{o};
        auto now = time_point{} + 1h;
        std::size_t asked = 0;
        std::vector<std::pair<std::size_t, breaker::pass>> out;
        auto const health = dice.below(5);  // how many in four attempts succeed
        for (int i = 0; i < 150; ++i) {
            now += duration{dice.below(dice.one_in(10) ? 300 : 12)};
            auto const before = machine.epoch();
            switch (dice.below(60)) {
                case 0: machine.isolate(), oracle.isolate(); break;
                case 1:
                case 2: machine.close(now), oracle.close(now); break;
                case 3: machine.reset(), oracle.reset(); break;
                case 4: {
                    auto const other = draw_options(dice);
                    most_probes = std::max(most_probes, other.probes);
                    machine.adopt(other), oracle.change(other);
                    ++changed;
                    break;
                }
                default:
                    if (out.empty() || dice.one_in(2)) {
                        auto const limit = duration{1 + dice.below(400)};
                        auto const got = machine.enter(now, limit);
                        auto const expected = oracle.enter(now, limit);
                        ASSERT_EQ((support::breaker_oracle::said{got.in.has_value(), got.ask_again}), expected)
                            << "seed " << seed << ", step " << i;
                        if (got.in) out.emplace_back(asked, *got.in);
                        lost += got.changed == circuit_reason::probes_lost ? 1 : 0;
                        ++asked;
                        break;
                    }
                    auto const which = out.begin() + dice.below(static_cast<std::ptrdiff_t>(out.size()));
                    auto const [n, p] = *which;
                    out.erase(which);
                    late += p.epoch != machine.epoch() ? 1 : 0;
                    if (dice.one_in(8)) {
                        machine.abandon(p), oracle.abandon(n);
                        break;
                    }
                    auto const what = dice.one_in(6)           ? kind::neutral
                                      : dice.below(4) < health ? kind::success
                                                               : kind::failure;
                    auto const took = duration{dice.below(40)};
                    auto const hint = dice.one_in(4) ? duration{dice.below(200)} : 0ns;
                    auto const c = machine.settle(p, {what, now, took, hint}, [] { return 0.0; });
                    oracle.settle(n, what, now, took, hint);
                    ASSERT_EQ(c.has_value(), machine.epoch() != before) << "seed " << seed << ", step " << i;
                    if (c && c->to == state::open) ++opened;
                    if (c && c->to == state::closed) ++closed;
            }
            ASSERT_EQ(machine.state(), oracle.now_in()) << "seed " << seed << ", step " << i;
            ASSERT_EQ(machine.state() == state::half_open ? machine.probes_under_way() : 0, oracle.under_way())
                << "seed " << seed << ", step " << i;
            ASSERT_LE(machine.probes_under_way(), most_probes) << "seed " << seed;
            if (machine.state() == state::open) {
                ASSERT_EQ(machine.until(), oracle.break_end()) << "seed " << seed << ", step " << i;
            }
        }

        // The provider is well, and nobody holds the breaker: it closes, whatever it has been through, and whatever
        // probes are never heard of again.
        if (machine.state() == state::isolated) machine.close(now);
        for (int i = 0; machine.state() != state::closed && i < 1000; ++i) {
            auto const got = machine.enter(now, 400ns);
            if (got.in) machine.settle(*got.in, {kind::success, now, 0ns, 0ns}, [] { return 0.0; });
            else now += got.ask_again.value();
        }
        ASSERT_EQ(machine.state(), state::closed) << "seed " << seed;
    }
    EXPECT_TRUE(support::replaying() || (opened > 0 && closed > 0 && lost > 0 && late > 0 && changed > 0));
}

TEST(breaker, it_is_idle_when_a_new_one_would_do_as_well) {
    circuit_breaker_options o{.in_a_row = 1, .probes = 1};
    o.breaks = exactly(10s);
    bench b{o};
    EXPECT_TRUE(b.machine.idle(b.now));
    b.each(kind::success, 5);
    EXPECT_TRUE(b.machine.idle(b.now)) << "it has nothing against anybody";
    b.each(kind::failure);
    EXPECT_EQ(b.is(), state::open);
    EXPECT_FALSE(b.machine.idle(b.now + 10s)) << "the break is over, and would be longer next time";
    EXPECT_FALSE(b.machine.idle(b.now + 20s - 1ns));
    EXPECT_TRUE(b.machine.idle(b.now + 20s));

    b.now += 10s;
    auto const probe = b.in();
    ASSERT_TRUE(probe);
    EXPECT_FALSE(b.machine.idle(b.now + 1000h)) << "somebody is to tell how it went";
    b.ends(*probe, kind::success);
    EXPECT_EQ(b.is(), state::closed);
    EXPECT_FALSE(b.machine.idle(b.now + 10s - 1ns)) << "a relapse would count on";
    EXPECT_TRUE(b.machine.idle(b.now + 10s));

    b.machine.isolate();
    EXPECT_FALSE(b.machine.idle(b.now + 1000h)) << "somebody wants it so";
    b.machine.reset();
    EXPECT_TRUE(b.machine.idle(b.now));
}

}  // namespace
}  // namespace breaker_test
