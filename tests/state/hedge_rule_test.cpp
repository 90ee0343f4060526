// SPDX-License-Identifier: BSL-1.0
// Whether a second request is started: each reason alone, all of them against a plain list, and how many the ratio affords.
#include <coffer/state/hedge_rule.hpp>

#include <gtest/gtest.h>

#include <algorithm>
#include <chrono>
#include <cstdint>
#include <optional>
#include <stdexcept>

#include "support/seeds.hpp"

namespace hedge_rule_test {
namespace {

using namespace std::chrono_literals;
using coffer::decide_hedge;
using coffer::fault_kind;
using coffer::hedge_credit;
using coffer::hedge_facts;
using coffer::hedge_no;
using coffer::hedge_options;
using coffer::hedge_verdict;
using what = hedge_verdict::what;

hedge_facts slow() {
    hedge_facts f;
    f.sends_left = 1;
    f.usual = 5s;
    return f;
}
hedge_verdict said(hedge_facts const& f, hedge_options const& o = {}) { return decide_hedge(o, f); }

TEST(hedge_rule_test, a_slow_call_is_hedged) {
    EXPECT_EQ(said(slow()).then, what::start);
    EXPECT_EQ(said(slow()).why, hedge_no::none);
}

TEST(hedge_rule_test, each_reason_not_to) {
    auto const because = [](auto change) {
        auto f = slow();
        change(f);
        EXPECT_EQ(said(f).then, what::never);
        return said(f).why;
    };
    EXPECT_EQ(because([](auto& f) { f.started = 1; }), hedge_no::enough);
    EXPECT_EQ(because([](auto& f) { f.wanted = false; }), hedge_no::unwanted);
    EXPECT_EQ(because([](auto& f) { f.failed = fault_kind::invalid_request; }), hedge_no::cannot_help);
    EXPECT_EQ(because([](auto& f) { f.left = 5s; }), hedge_no::too_late);
    EXPECT_EQ(because([](auto& f) { f.sends_left = 0; }), hedge_no::sends_spent);
    EXPECT_EQ(because([](auto& f) { f.sends_left = -1; }), hedge_no::sends_spent);
}

TEST(hedge_rule_test, the_number_of_hedges) {
    auto f = slow();
    f.started = 2;
    EXPECT_EQ(said(f, {.hedges = 2}).why, hedge_no::enough);
    EXPECT_EQ(said(f, {.hedges = 3}).then, what::start);
}

TEST(hedge_rule_test, the_same_target_is_not_asked_while_the_primary_waits_itself) {
    auto f = slow();
    f.sending = false;
    EXPECT_EQ(said(f).then, what::later);
    f.elsewhere = true;
    EXPECT_EQ(said(f).then, what::start);
}

TEST(hedge_rule_test, what_a_hedge_can_mend) {
    for (auto const& row : coffer::fault_table) {
        EXPECT_EQ(coffer::hedge_helps(row.kind, true), row.try_other == coffer::other_target::yes) << row.name;
        bool const asks_for_less = row.kind == fault_kind::throttled || row.kind == fault_kind::overloaded;
        EXPECT_EQ(coffer::hedge_helps(row.kind, false), row.retry_same && !asks_for_less) << row.name;
    }
}

TEST(hedge_rule_test, model) {
    for (auto const seed : support::each_seed()) {
        support::dice draw{seed};
        hedge_options o;
        o.hedges = 1 + draw.below(3);
        hedge_facts f;
        f.started = draw.below(4);
        f.elsewhere = draw.one_in(2);
        f.wanted = !draw.one_in(5);
        f.sending = draw.one_in(2);
        if (draw.one_in(2)) f.failed = coffer::fault_table[draw.below(std::size(coffer::fault_table))].kind;
        f.sends_left = draw.below(4) - 1;
        f.left = draw.below(30) * 1s;
        f.usual = draw.below(20) * 1s;
        bool const never = f.started >= o.hedges || !f.wanted || f.left <= f.usual || f.sends_left < 1 ||
                           (f.failed && !coffer::hedge_helps(*f.failed, f.elsewhere));
        bool const later = !never && !f.sending && !f.elsewhere;
        auto const v = said(f, o);
        EXPECT_EQ(v.then, never ? what::never : later ? what::later : what::start);
        EXPECT_EQ(v.why == hedge_no::none, !never);
        EXPECT_EQ(coffer::to_string(v.why).empty(), !never);
    }
}

TEST(hedge_credit_test, a_burst_is_saved_up_and_each_call_earns_a_part) {
    hedge_credit c{0.1, 3};
    EXPECT_EQ(c.left(), 3);
    for (int i = 0; i < 3; ++i) EXPECT_TRUE(c.take());
    EXPECT_FALSE(c.take());
    for (int i = 0; i < 9; ++i) c.called();
    EXPECT_FALSE(c.take());
    c.called();
    EXPECT_TRUE(c.take());
    EXPECT_FALSE(c.take());
    c.give_back();
    EXPECT_TRUE(c.take());
    for (int i = 0; i < 1000; ++i) c.called();
    EXPECT_EQ(c.left(), 3) << "no more is saved up";
}

TEST(hedge_credit_test, when_everything_becomes_slow_hedges_stay_within_the_ratio) {
    for (auto const seed : support::each_seed(support::seeds(5))) {
        support::dice draw{seed};
        double const ratio = 0.001 + draw.unit() * 0.999;
        int const burst = 1 + draw.below(20);
        hedge_credit c{ratio, burst};
        int calls = 0, hedges = 0;
        for (int i = 0; i < 500; ++i) {
            if (!draw.one_in(5)) c.called(), ++calls;
            if (c.take()) {
                if (draw.one_in(10)) c.give_back();
                else ++hedges;
            }
            EXPECT_LE(hedges, burst + ratio * calls + 1e-3);
        }
        // The twin: what is earned can be had.
        if (burst == 1) continue;  // of what comes together there, a part is lost
        hedge_credit all{ratio, burst};
        int had = 0;
        for (int i = 1; i <= 500; ++i) {
            all.called();
            had += all.take() ? 1 : 0;
            EXPECT_GE(had, std::min<double>(i, burst + ratio * (i - 1) - 1 - 1e-3));
        }
    }
}

}  // namespace
}  // namespace hedge_rule_test
