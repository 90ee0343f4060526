// SPDX-License-Identifier: BSL-1.0
// The model of the provider, one request at a time.
#include "provider.hpp"

#include <coffer/time/sleep.hpp>

#include "support/simulation.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <vector>

namespace provider_test {
namespace {

using namespace fleet;

/// A provider for one call a second: it works on 12 at a time, and takes 97 a minute.
struct provider_model : testing::Test {
    world w;
    support::simulation sim;
    std::vector<entry> ledger;
    coffer::time_point const start = sim.time.now();

    provider_model() {
        w.clients = 10;
        w.story = {trouble::outage, 600s, 60s, 600s};
    }

    /// `n` requests at once, each of which takes `work`; who asks hangs up after a minute.
    std::vector<reply> ask(provider& p, int n, duration work = 10s) {
        std::vector<support::running<reply>> all;
        for (int i = 0; i < n; ++i)
            all.push_back(sim.start(p.ask({0, work, coffer::money::from_nano(5)}, sim.time.now() + 60s)));
        sim.time.run_for(61s);
        std::vector<reply> got;
        for (auto const& r : all) got.push_back(r.get());
        return got;
    }
    [[nodiscard]] std::size_t count(std::vector<reply> const& of, status what) const {
        return static_cast<std::size_t>(
            std::count_if(of.begin(), of.end(), [&](reply const& r) { return r.what == what; }));
    }
    void move_to(duration t) { sim.time.run_for(start + t - sim.time.now()); }
};

TEST_F(provider_model, answers_and_bills) {
    provider p{w, start, ledger};
    EXPECT_EQ(ask(p, 1)[0].what, status::ok);
    ASSERT_EQ(ledger.size(), 1U);
    EXPECT_EQ(ledger[0].what, fate::answered);
    EXPECT_EQ(ledger[0].billed.nano(), 5);
    EXPECT_GE(ledger[0].ended, 10s);
    EXPECT_LT(ledger[0].ended, 10200ms);
}

TEST_F(provider_model, works_on_so_many_at_a_time_and_lets_as_many_wait) {
    provider p{w, start, ledger};
    auto const places = static_cast<std::size_t>(w.concurrency());
    ASSERT_LT(3 * places, static_cast<std::size_t>(w.requests_per_minute()));
    auto const got = ask(p, static_cast<int>(3 * places));
    EXPECT_EQ(count(got, status::ok), 2 * places);
    EXPECT_EQ(count(got, status::unavailable), places);
    EXPECT_LT(ledger[places - 1].ended, 11s);
    EXPECT_GE(ledger[places].ended, 20s) << "it waited for a place";
    EXPECT_EQ(ledger.back().billed.nano(), 0);
}

TEST_F(provider_model, without_a_line_nobody_waits) {
    w.line = 0;
    provider p{w, start, ledger};
    EXPECT_EQ(count(ask(p, 3 * w.concurrency()), status::ok), static_cast<std::size_t>(w.concurrency()));
}

TEST_F(provider_model, whose_client_hangs_up_is_billed_all_the_same) {
    provider p{w, start, ledger};
    auto const places = static_cast<std::size_t>(w.concurrency());
    auto const got = ask(p, static_cast<int>(2 * places), 40s);
    EXPECT_EQ(count(got, status::timed_out), places) << "they would have had to wait 80 s";
    EXPECT_EQ(ledger.back().what, fate::unheard);
    EXPECT_EQ(ledger.back().billed.nano(), 5);
}

TEST_F(provider_model, takes_so_many_a_minute_and_names_the_next_one) {
    w.line = 100;
    provider p{w, start, ledger};
    move_to(45s);
    auto const got = ask(p, w.requests_per_minute() + 3, 1s);
    EXPECT_EQ(count(got, status::too_many), 3U);
    EXPECT_EQ(got.back().retry_after, 15s);
    EXPECT_EQ(count(ask(p, 1), status::ok), 1U) << "it is the next minute";
}

TEST_F(provider_model, in_a_storm_it_takes_half) {
    w.line = 100;
    w.story.what = trouble::storm;
    provider p{w, start, ledger};
    move_to(600s);
    EXPECT_EQ(count(ask(p, w.requests_per_minute(), 1s), status::ok),
              static_cast<std::size_t>(w.requests_per_minute() / 2));
}

TEST_F(provider_model, an_outage_turns_away_and_cuts_what_is_under_way) {
    provider p{w, start, ledger};
    move_to(595s);
    auto const got = ask(p, 2, 10s);
    EXPECT_EQ(count(got, status::reset), 2U);
    EXPECT_EQ(ledger[0].what, fate::cut);
    EXPECT_EQ(ledger[0].billed.nano(), 0);
    EXPECT_GE(ledger[0].ended, 600s);
    EXPECT_LT(ledger[0].ended, 601s);
    move_to(657s);
    EXPECT_EQ(ask(p, 1)[0].what, status::unavailable);
    EXPECT_EQ(ask(p, 1)[0].what, status::ok) << "and then it is well again";
}

TEST_F(provider_model, a_brown_out_bills_what_it_does_not_tell) {
    w.story.what = trouble::brown_out;
    provider p{w, start, ledger};
    std::size_t silent = 0;
    std::size_t errors = 0;
    move_to(600s);
    w.story.lasts = 24h;
    for (int i = 0; i < 40; ++i) {
        auto const got = ask(p, 10, 4s);
        silent += count(got, status::timed_out);
        errors += count(got, status::server_error);
    }
    EXPECT_NEAR(static_cast<double>(silent), 60, 25);
    EXPECT_NEAR(static_cast<double>(errors), 60, 25);
    for (auto const& e : ledger) {
        EXPECT_EQ(e.billed.nano(), 5);
        EXPECT_GE(e.ended - e.arrived, 6s) << "one and a half times as long";
    }
}

}  // namespace
}  // namespace provider_test
