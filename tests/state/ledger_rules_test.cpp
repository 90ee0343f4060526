// SPDX-License-Identifier: BSL-1.0
#include <coffer/state/ledger_rules.hpp>

#include <gtest/gtest.h>

#include <array>
#include <cstdint>
#include <functional>
#include <limits>
#include <optional>
#include <string>
#include <vector>

namespace ledger_rules_test {
namespace {

using namespace coffer;
using namespace coffer::literals;
using namespace std::chrono_literals;
using state = reservation_state;

constexpr auto bound = 0.50_usd;
constexpr ledger_moment now{std::chrono::steady_clock::time_point{1h},
                            std::chrono::system_clock::time_point{1'800'000'000s}};
constexpr std::chrono::steady_clock::time_point until{2h};

/// A reservation of $0.50 under a hard limit and, of $0.20, under a soft one; settled, it has cost $0.30.
struct desk {
    explicit desk(state s, std::optional<money> most = bound) {
        r.state = s;
        r.bound = most;
        r.holds = {{most.value_or(0.20_usd), limit_kind::hard}, {0.20_usd, limit_kind::soft}};
        if (s == state::settled) r.actual = 0.30_usd;
        for (std::size_t i = 0; i < accounts.size(); ++i) accounts[i] += part_of(r, r.holds[i]);
    }
    reservation_machine apply(std::function<void(reservation_machine&)> const& what) {
        std::array<account*, 2> const all{&accounts[0], &accounts[1]};
        reservation_machine m{r, all, now};
        what(m);
        return m;
    }

    reservation r;
    std::array<account, 2> accounts;
};

account in(money account::* column, money amount, money overrun = {}) {
    account a;
    a.*column = amount;
    a.overrun = overrun;
    return a;
}

struct operation {
    std::string name;
    std::function<void(reservation_machine&)> run;
};

/// What a cell of the table says: what becomes of it, `gone`, or the same state with nothing changed.
struct cell {
    std::string becomes;
    std::optional<money> actual{};
};

TEST(ledger_rules, every_operation_does_in_every_state_what_the_table_says) {
    std::vector<operation> const operations{
        {"send", [](auto& m) { m.send(until); }},
        {"settle", [](auto& m) { m.settle(0.10_usd); }},
        {"settle the same", [](auto& m) { m.settle(0.30_usd); }},
        {"overrun", [](auto& m) { m.settle(0.70_usd); }},
        {"presume", [](auto& m) { m.presume(); }},
        {"release", [](auto& m) { m.release(); }},
        {"lapse", [](auto& m) { m.lapse(); }},
    };
    cell const same{"same"}, gone{"gone"}, presumed{"presumed"};
    cell const ten{"settled", 0.10_usd}, thirty{"settled", 0.30_usd}, seventy{"settled", 0.70_usd};
    cell const nothing{"settled", money{}};
    std::vector<std::pair<state, std::vector<cell>>> const table{
        //                send    settle same    overrun  presume   release  lapse
        {state::held, {{"sent"}, ten, thirty, seventy, presumed, gone, gone}},
        {state::sent, {same, ten, thirty, seventy, presumed, gone, presumed}},
        {state::settled, {same, ten, same, seventy, same, nothing, same}},
        {state::presumed, {same, ten, thirty, seventy, same, gone, same}},
    };
    for (auto const& [from, row] : table)
        for (std::size_t i = 0; i < operations.size(); ++i) {
            SCOPED_TRACE(operations[i].name + " of what is " + std::string{to_string(from)});
            auto const& expected = row.at(i);
            desk d{from};
            auto const before = d.accounts;
            auto const m = d.apply(operations[i].run);
            bool const untouched = expected.becomes == "same";
            EXPECT_EQ(m.changed(), !untouched);
            EXPECT_EQ(m.gone(), expected.becomes == "gone");
            if (untouched) {
                EXPECT_EQ(d.r.state, from);
                EXPECT_EQ(d.accounts, before);
            } else if (expected.becomes == "gone") {
                EXPECT_EQ(d.accounts, (std::array<account, 2>{}));
            } else {
                EXPECT_EQ(to_string(d.r.state), expected.becomes);
                if (expected.becomes == "sent") {
                    EXPECT_EQ(d.accounts, before) << "a send moves no money";
                    EXPECT_EQ(d.r.until, until);
                } else if (expected.becomes == "presumed") {
                    EXPECT_EQ(d.accounts[0], in(&account::presumed, bound));
                    EXPECT_EQ(d.accounts[1], in(&account::presumed, 0.20_usd));
                    EXPECT_EQ(d.r.ended, now.wall);
                } else {
                    auto const cost = expected.actual.value();
                    EXPECT_EQ(d.r.actual, cost);
                    EXPECT_EQ(d.accounts[0], in(&account::settled, cost, left_of(cost, bound)));
                    EXPECT_EQ(d.accounts[1], in(&account::settled, cost)) << "a soft limit has no overrun";
                    EXPECT_EQ(d.r.ended, now.wall);
                }
            }
        }
}

TEST(ledger_rules, the_money_is_taken_once) {
    desk d{state::held};
    d.accounts = {};
    d.apply([](auto& m) { m.hold(); });
    EXPECT_EQ(d.accounts[0], in(&account::held, bound));
    EXPECT_EQ(d.accounts[1], in(&account::held, 0.20_usd));
}

TEST(ledger_rules, without_a_bound_nothing_is_an_overrun_and_what_is_presumed_is_unpriced) {
    desk d{state::sent, std::nullopt};
    d.apply([](auto& m) { m.presume(); });
    EXPECT_EQ(d.accounts[0].unpriced, 1);
    EXPECT_EQ(d.accounts[0].presumed, 0.20_usd);
    d.apply([](auto& m) { m.settle(3_usd); });
    EXPECT_EQ(d.accounts[0], in(&account::settled, 3_usd)) << "no bound was held that it could have gone beyond";
    EXPECT_EQ(d.accounts[1], in(&account::settled, 3_usd));
}

TEST(ledger_rules, a_cost_that_cannot_be_meant_is_one_that_nobody_knows) {
    for (auto const said : {money::from_nano(-1), money::from_nano(std::numeric_limits<std::int64_t>::min()),
                            dearest_send + money::from_nano(1), money::max()})
        for (auto const from : {state::held, state::sent, state::presumed}) {
            SCOPED_TRACE("$" + said.to_string() + " for what is " + std::string{to_string(from)});
            desk d{from};
            auto const settle = [&](auto& m) { m.settle(said); };
            EXPECT_TRUE(d.apply(settle).changed());
            EXPECT_EQ(d.r.state, state::presumed);
            EXPECT_EQ(d.accounts[0], in(&account::presumed, bound)) << "all that was held counts as spent";
            EXPECT_EQ(d.accounts[1], in(&account::presumed, 0.20_usd));
            EXPECT_EQ(d.r.actual, said) << "and what was said is kept";
            EXPECT_EQ(spent_of(d.r), bound);
            EXPECT_FALSE(d.apply(settle).changed());
            d.apply([](auto& m) { m.settle(0.10_usd); });
            EXPECT_EQ(d.accounts[0], in(&account::settled, 0.10_usd)) << "somebody knows after all";
            EXPECT_EQ(d.r.actual, 0.10_usd);
            EXPECT_FALSE(d.apply(settle).changed()) << "what is known stays known";
            EXPECT_EQ(d.r.actual, 0.10_usd);
        }
}

TEST(ledger_rules, the_dearest_cost_that_can_be_meant_is_booked_as_it_is) {
    desk d{state::sent};
    d.apply([](auto& m) { m.settle(dearest_send); });
    EXPECT_EQ(d.accounts[0], in(&account::settled, dearest_send, dearest_send - bound));
}

TEST(ledger_rules, a_cost_that_its_account_cannot_hold_is_one_that_nobody_knows) {
    auto const spent_before = money::max() - dearest_send;
    for (auto const& [cost, becomes] : {std::pair{dearest_send, state::settled}, {dearest_send, state::presumed}}) {
        desk d{state::sent};
        d.accounts[1].settled = becomes == state::settled ? spent_before : spent_before + money::from_nano(1);
        auto const before = d.accounts[1].settled;
        d.apply([&, c = cost](auto& m) { m.settle(c); });
        EXPECT_EQ(d.r.state, becomes);
        d.apply([](auto& m) { m.settle(0.10_usd); });
        EXPECT_EQ(d.accounts[0], in(&account::settled, 0.10_usd));
        EXPECT_EQ(d.accounts[1], in(&account::settled, before + 0.10_usd)) << "the sums can be taken apart again";
    }
}

TEST(ledger_rules, what_fits_is_what_does_not_exceed_the_limit) {
    EXPECT_TRUE(fits(0_usd, 0_usd, 0_usd));
    EXPECT_TRUE(fits(1_usd, 1_usd, 2_usd));
    EXPECT_FALSE(fits(1_usd, money::from_nano(1'000'000'001), 2_usd));
    EXPECT_FALSE(fits(3_usd, 0_usd, 2_usd)) << "a lowered limit refuses even what costs nothing";
    EXPECT_FALSE(fits(1_usd, money::max(), 2_usd));
    EXPECT_TRUE(fits(1_usd, 1_usd, money::max()));
    EXPECT_FALSE(fits(1_usd, money::max(), money::max())) << "a sum that saturates could not be taken apart again";
    EXPECT_EQ(left_of(2_usd, 0.5_usd), 1.5_usd);
    EXPECT_EQ(left_of(2_usd, 3_usd), money{});
}

TEST(ledger_rules, a_scope_is_within_itself_and_what_it_is_a_part_of) {
    EXPECT_TRUE(is_within("a/b", ""));
    EXPECT_TRUE(is_within("a/b", "a"));
    EXPECT_TRUE(is_within("a/b", "a/b"));
    EXPECT_FALSE(is_within("a", "a/b"));
    EXPECT_FALSE(is_within("ab", "a"));
    EXPECT_FALSE(is_within("ab/c", "a"));
    EXPECT_FALSE(is_within("b/a", "a"));
}

TEST(ledger_rules, faults_say_what_stopped_the_send) {
    auto const frozen = frozen_fault(denied_by({"team", "runs wild"}));
    EXPECT_EQ(frozen.kind(), fault_kind::over_budget);
    EXPECT_EQ(frozen.code(), "frozen");
    ASSERT_NE(frozen.denial(), nullptr);
    EXPECT_EQ(frozen.denial()->scope, "team");
    EXPECT_TRUE(frozen.denial()->frozen);
    EXPECT_EQ(frozen.message(), "budget team is frozen (runs wild); see to the cause, then thaw it with ledger::thaw");
    EXPECT_EQ(frozen_fault(denied_by({"", ""})).message(),
              "budget of everything is frozen; see to the cause, then thaw it with ledger::thaw");
    EXPECT_EQ(reservation_over().code(), "reservation_over");
}

}  // namespace
}  // namespace ledger_rules_test
