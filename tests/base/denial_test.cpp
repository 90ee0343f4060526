// SPDX-License-Identifier: BSL-1.0
#include <coffer/base/denial.hpp>

#include <gtest/gtest.h>

#include <string>

namespace denial_test {
namespace {

using namespace coffer::literals;
using coffer::budget_denial;
using coffer::detail::in_passing;

budget_denial of_team(coffer::money limit) {
    budget_denial d;
    d.scope = "team";
    d.window = "day 2026-11-22 (UTC)";
    d.limit = limit;
    d.free = limit;
    d.needed = 3_usd;
    return d;
}

TEST(denial, says_what_is_needed_and_what_is_free) {
    EXPECT_EQ(
        of_team(2_usd).to_string(),
        "budget team, day 2026-11-22 (UTC): $3.000000000 may be needed and $2.000000000 of $2.000000000 are free");
}

TEST(denial, of_a_limit_of_zero_says_so_and_who_raises_it) {
    auto d = of_team(0_usd);
    EXPECT_EQ(d.to_string(),
              "budget team, day 2026-11-22 (UTC): its limit is zero, so nothing may be spent there; raise it with "
              "ledger::set_limit, or in the program's budget_options");
    d.remedy = "`coffer limit coffer.db team day@UTC AMOUNT`";
    EXPECT_TRUE(d.to_string().ends_with("; raise it with `coffer limit coffer.db team day@UTC AMOUNT`"))
        << d.to_string();
    d.frozen = true;
    EXPECT_FALSE(d.limit_is_zero()) << "it has to be thawed first";
}

TEST(denial, is_held_only_where_what_comes_back_may_be_enough) {
    auto d = of_team(5_usd);
    d.free = 1_usd;
    d.held = 4_usd;
    EXPECT_TRUE(d.is_held());
    d.limit = 2_usd;  // lowered below what is held, and below what is needed
    EXPECT_TRUE(d.never_fits());
    EXPECT_FALSE(d.is_held());
    d.limit = d.needed;
    EXPECT_TRUE(d.is_held());
    d.held = 1_usd;
    EXPECT_FALSE(d.is_held()) << "two of three dollars";
    d.limit = 0_usd;
    EXPECT_FALSE(d.is_held());
    d.needed = 0_usd;
    EXPECT_FALSE(d.is_held()) << "a door that somebody has shut, also for what costs nothing";
}

TEST(denial, of_a_frozen_scope_says_why_and_what_thaws_it) {
    budget_denial d;
    d.scope = "team";
    d.frozen = true;
    EXPECT_EQ(d.to_string(), "budget team is frozen; see to the cause, then thaw it with ledger::thaw");
    d.reason = "runs wild";
    d.remedy = "`coffer thaw coffer.db team`";
    EXPECT_EQ(d.to_string(),
              "budget team is frozen (runs wild); see to the cause, then thaw it with `coffer thaw coffer.db team`");
}

TEST(denial, somebodys_words_stay_in_one_line_and_short) {
    EXPECT_EQ(in_passing("runs\nwild\t!\x7f"), "runs wild ! ");
    EXPECT_EQ(in_passing(std::string(200, 'x')), std::string(200, 'x'));
    EXPECT_EQ(in_passing(std::string(201, 'x')), std::string(200, 'x') + "...");
    EXPECT_EQ(in_passing(std::string(199, 'x') + "\xc3\xa4 and so on"), std::string(199, 'x') + "...")
        << "no half of a character";
    EXPECT_EQ(in_passing(std::string(300, '\x80')), "...");
}

}  // namespace
}  // namespace denial_test
