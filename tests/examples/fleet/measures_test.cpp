// SPDX-License-Identifier: BSL-1.0
// Figures of lists that were written by hand.
#include "measures.hpp"
#include "table.hpp"

#include <gtest/gtest.h>

namespace measures_test {
namespace {

using namespace fleet;

scenario const short_one{trouble::outage, 40s, 10s, 20s};

/// One call a second, in the middle of it; answered after two seconds where `answered(second)`.
template <class Answered>
records one_a_second(Answered answered) {
    records r;
    for (int s = 0; s < 70; ++s) {
        auto const asked = s * 1s + 500ms;
        call_record c{asked, asked + 2s};
        if (answered(s)) c.answer = r.requests.size();
        auto const what = answered(s) ? fate::answered : fate::refused;
        auto const billed = coffer::money::from_nano(answered(s) ? 7 : 0);
        r.requests.push_back({r.calls.size(), asked, asked + 2s, what, billed});
        r.calls.push_back(c);
    }
    return r;
}

TEST(measures, of_a_fleet_that_is_never_in_trouble) {
    auto const f = measure(one_a_second([](int) { return true; }), short_one);
    EXPECT_EQ(f.amplification, 1);
    EXPECT_EQ(f.burst, 1);
    EXPECT_EQ(f.recovery, duration{});
    EXPECT_EQ(f.before.value(), 1);
    EXPECT_EQ(f.failed, 0U);
    EXPECT_EQ(f.bills, 70U);
    EXPECT_EQ(f.spent.nano(), 490);
    EXPECT_EQ(f.wasted_bills, 0U);
    EXPECT_EQ(f.p50, 2s);
    EXPECT_EQ(f.p99, 2s);
}

TEST(measures, tell_before_during_and_after_apart) {
    auto const f = measure(one_a_second([](int s) { return s < 40 || s >= 56; }), short_one);
    EXPECT_EQ(f.before.value(), 1);
    EXPECT_EQ(f.before.asked, 20U) << "what is asked just before the trouble counts for neither";
    EXPECT_EQ(f.during.value(), 0);
    EXPECT_EQ(f.during.asked, 10U);
    EXPECT_EQ(f.after.answered, 14U);
    EXPECT_EQ(f.failed, 16U);
    EXPECT_EQ(f.recovery, 10s) << "the second slice is well";
}

TEST(measures, a_relapse_is_no_recovery) {
    EXPECT_EQ(measure(one_a_second([](int s) { return s < 40 || (s >= 50 && s != 57); }), short_one).recovery, 10s);
    EXPECT_EQ(measure(one_a_second([](int s) { return s < 40 || s >= 50; }), short_one).recovery, 0s);
    EXPECT_EQ(measure(one_a_second([](int s) { return s < 69; }), short_one).recovery, std::nullopt);
}

TEST(measures, a_bill_without_an_answer_for_it_is_wasted) {
    auto r = one_a_second([](int) { return true; });
    r.requests.push_back({3, 4s, 5s, fate::lost, coffer::money::from_nano(100)});
    r.requests.push_back({3, 5s, 6s, fate::answered, coffer::money::from_nano(10)});  // a duplicate
    auto const f = measure(r, short_one);
    EXPECT_EQ(f.wasted_bills, 2U);
    EXPECT_EQ(f.wasted.nano(), 110);
    EXPECT_EQ(f.spent.nano(), 600);
}

TEST(measures, a_burst_is_the_worst_second_since_the_trouble_began) {
    auto r = one_a_second([](int) { return true; });
    for (int i = 0; i < 9; ++i) r.requests.push_back({3, 10s, 10s, fate::refused, {}});  // before: no matter
    for (int i = 0; i < 4; ++i) r.requests.push_back({3, 52s + i * 200ms, 53s, fate::refused, {}});
    auto const f = measure(r, short_one);
    EXPECT_EQ(f.burst, 5);
    EXPECT_EQ(f.burst_at, 52s);
    EXPECT_EQ(f.amplification, 1) << "they came after it";
}

TEST(measures, curves_count_each_event_in_its_second) {
    auto const c = curves_of(one_a_second([](int s) { return s != 3; }), short_one);
    ASSERT_EQ(c.asked.size(), 70U);
    EXPECT_EQ(c.offered[3], 1);
    EXPECT_EQ(c.rejected[3], 1);
    EXPECT_EQ(c.served[5], 0) << "the answer of the fourth call would have come here";
    EXPECT_EQ(c.served[6], 1);
    EXPECT_EQ(c.served[0], 0);
    EXPECT_TRUE(csv_rows("x", c).starts_with("x,0,1,1,0,0\nx,1,1,1,0,0\nx,2,1,1,1,0\nx,3,1,1,1,1\n"));
}

TEST(measures, the_table_has_a_column_for_each_preset) {
    auto const f = measure(one_a_second([](int s) { return s < 40 || s >= 56; }), short_one);
    auto never = f;
    never.recovery.reset();
    auto const text = table({{"one", f}, {"other", never}});
    EXPECT_NE(text.find("time to recover                            10 s       never\n"), text.npos) << text;
    EXPECT_NE(text.find("  during the trouble                      0.0 %       0.0 %\n"), text.npos) << text;
}

}  // namespace
}  // namespace measures_test
