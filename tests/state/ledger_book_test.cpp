// SPDX-License-Identifier: BSL-1.0
#include <coffer/base/zone.hpp>
#include <coffer/state/ledger_book.hpp>

#include <gtest/gtest.h>

#include <algorithm>
#include <initializer_list>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <variant>
#include <vector>

namespace ledger_book_test {
namespace {

using namespace coffer;
using namespace coffer::literals;
using namespace std::chrono_literals;
using state = reservation_state;

/// A book, a clock that is moved by hand, and ids by number.
struct desk {
    explicit desk(std::size_t most_entries = 100'000) : book{most_entries} {}

    ledger_book book;
    ledger_moment at{
        std::chrono::steady_clock::time_point{100h},
        std::chrono::system_clock::time_point{std::chrono::sys_days{std::chrono::year{2026} / 11 / 22}} + 12h};
    std::set<std::string> dead;

    static reservation_id id(int n) {
        reservation_id made{};
        made[0] = static_cast<std::uint8_t>(n);
        made[1] = static_cast<std::uint8_t>(n >> 8);
        made[2] = static_cast<std::uint8_t>(n >> 16);
        return made;
    }
    static std::shared_ptr<ledger_lines const> lines(std::vector<ledger_line> all) {
        return std::make_shared<ledger_lines>(std::move(all));
    }
    void pass(std::chrono::nanoseconds d) {
        at.now += d;
        at.wall += d;
    }
    /// Of the wall clock.
    void step(std::chrono::nanoseconds d) { at.wall += d; }

    std::optional<budget_denial> reserve(int n, std::shared_ptr<ledger_lines const> const& on,
                                         std::optional<money> bound, bool sent = true, std::string const& owner = "me",
                                         money expected = {}) {
        reserve_request q;
        q.id = id(n);
        q.lines = on;
        q.bound = bound;
        q.expected = expected;
        q.sent = sent;
        q.held_for = 5min;
        q.longest = 10min;
        q.about.model = "m";
        auto said = book.reserve(q, owner, at, [this](std::string const& o) { return dead.contains(o); });
        if (auto* const denied = std::get_if<budget_denial>(&said)) return std::move(*denied);
        return std::nullopt;
    }
    bool settle(int n, std::optional<money> actual) { return book.settle(id(n), actual, "", at); }
    account of(std::string const& scope, std::string const& window = "lifetime") const {
        account sum;
        for (auto const& s : book.accounts(scope))
            if (s.scope == scope && s.window == window) sum += s.money_in;
        return sum;
    }
};

auto const team = desk::lines({{"team", lifetime, 1_usd}});

TEST(ledger_book, holds_in_all_lines_or_in_none) {
    desk d;
    auto const all =
        desk::lines({{"org", lifetime, 10_usd}, {"org/team", daily, 1_usd}, {"model/m", monthly, 0.60_usd}});
    EXPECT_FALSE(d.reserve(1, all, 0.40_usd));
    auto const denied = d.reserve(2, all, 0.40_usd);
    ASSERT_TRUE(denied);
    EXPECT_EQ(denied->scope, "model/m");
    for (auto const& [scope, window] :
         {std::pair{"org", "lifetime"}, std::pair{"org/team", "day@UTC"}, std::pair{"model/m", "month@UTC"}})
        EXPECT_EQ(d.of(scope, window).held, 0.40_usd) << scope;
    EXPECT_TRUE(d.book.audit().empty());
}

TEST(ledger_book, a_denial_says_whose_limit_it_is_what_is_left_and_when_there_is_more) {
    desk d;
    auto const on = desk::lines({{"team", daily, 1_usd}});
    EXPECT_FALSE(d.reserve(1, on, 0.30_usd));
    EXPECT_TRUE(d.settle(1, 0.20_usd));
    EXPECT_FALSE(d.reserve(2, on, 0.50_usd));
    auto const denied = d.reserve(3, on, 0.40_usd);
    ASSERT_TRUE(denied);
    EXPECT_EQ(denied->scope, "team");
    EXPECT_EQ(denied->window, "day 2026-11-22 (UTC)");
    EXPECT_EQ(denied->window_text, "day@UTC");
    EXPECT_EQ(denied->limit, 1_usd);
    EXPECT_EQ(denied->free, 0.30_usd);
    EXPECT_EQ(denied->needed, 0.40_usd);
    EXPECT_EQ(denied->held, 0.50_usd);
    EXPECT_EQ(denied->until, d.at.wall + 12h);
    EXPECT_FALSE(denied->frozen);

    auto const never = d.reserve(4, on, 1.10_usd);
    ASSERT_TRUE(never);
    EXPECT_FALSE(never->until) << "no time makes room for more than the limit";
    EXPECT_FALSE(d.reserve(5, team, 1_usd));
    auto const for_life = d.reserve(6, team, 0.10_usd);
    ASSERT_TRUE(for_life);
    EXPECT_FALSE(for_life->until);
}

TEST(ledger_book, to_the_last_nano_dollar) {
    desk d;
    EXPECT_FALSE(d.reserve(1, team, money::from_nano(999'999'999)));
    EXPECT_TRUE(d.reserve(2, team, money::from_nano(2)));
    EXPECT_FALSE(d.reserve(3, team, money::from_nano(1)));
    EXPECT_FALSE(d.reserve(4, team, money{})) << "what costs nothing fits";
    EXPECT_TRUE(d.reserve(5, team, money::from_nano(1)));
}

TEST(ledger_book, the_same_reservation_is_made_once) {
    desk d;
    EXPECT_FALSE(d.reserve(1, team, 0.60_usd));
    EXPECT_FALSE(d.reserve(1, team, 0.60_usd)) << "its reply was lost, say";
    EXPECT_EQ(d.of("team").held, 0.60_usd);
}

TEST(ledger_book, a_calendar_window_ends_and_its_settlement_stays_in_it) {
    desk d;
    auto const on = desk::lines({{"team", daily, 1_usd}});
    EXPECT_FALSE(d.reserve(1, on, 1_usd));
    EXPECT_TRUE(d.reserve(2, on, 0.10_usd));
    d.pass(12h);
    EXPECT_FALSE(d.reserve(3, on, 1_usd)) << "a new day";
    EXPECT_TRUE(d.settle(1, 0.25_usd));
    auto const days = d.book.accounts("team");
    ASSERT_EQ(days.size(), 2U);
    EXPECT_EQ(days[0].money_in.settled, 0.25_usd) << "what was reserved yesterday was spent yesterday";
    EXPECT_EQ(days[0].end, days[1].start);
    EXPECT_EQ(days[1].money_in.held, 1_usd);
}

TEST(ledger_book, a_day_ends_at_its_zones_midnight) {
    desk d;
    auto const kolkata = daily.in(zone::fixed(5h + 30min));
    auto const on = desk::lines({{"team", kolkata, 1_usd}});
    EXPECT_FALSE(d.reserve(1, on, 1_usd));
    auto const denied = d.reserve(2, on, 1_usd);
    ASSERT_TRUE(denied);
    EXPECT_EQ(denied->until, d.at.wall + 6h + 30min);
    d.pass(6h + 30min - 1ns);
    EXPECT_TRUE(d.reserve(3, on, 1_usd));
    d.pass(1ns);
    EXPECT_FALSE(d.reserve(4, on, 1_usd));
}

TEST(ledger_book, a_clock_set_back_finds_the_window_as_it_was) {
    desk d;
    auto const on = desk::lines({{"team", daily, 1_usd}});
    EXPECT_FALSE(d.reserve(1, on, 1_usd));
    d.step(24h);
    EXPECT_FALSE(d.reserve(2, on, 0.70_usd));
    d.step(-24h);
    EXPECT_TRUE(d.reserve(3, on, 0.10_usd)) << "that day's money is gone";
    d.step(24h);
    EXPECT_FALSE(d.reserve(4, on, 0.30_usd));
    EXPECT_TRUE(d.reserve(5, on, 0.10_usd));
}

TEST(ledger_book, a_rolling_window_gives_back_what_has_left_it) {
    desk d;
    auto const on = desk::lines({{"team", rolling(1h), 1_usd}});
    EXPECT_FALSE(d.reserve(1, on, 0.60_usd));
    d.pass(30min);
    EXPECT_FALSE(d.reserve(2, on, 0.40_usd));
    auto const denied = d.reserve(3, on, 0.50_usd);
    ASSERT_TRUE(denied);
    EXPECT_EQ(denied->until, d.at.wall + 31min) << "when the first has left, to the minute of its bucket";
    d.pass(31min - 1ns);
    EXPECT_TRUE(d.reserve(4, on, 0.50_usd));
    d.pass(1ns);
    EXPECT_FALSE(d.reserve(5, on, 0.50_usd));
    EXPECT_TRUE(d.reserve(6, on, 0.20_usd)) << "the second counts still";
}

TEST(ledger_book, a_rolling_window_counts_what_a_clock_set_back_has_left_in_the_future) {
    desk d;
    auto const on = desk::lines({{"team", rolling(1h), 1_usd}});
    d.step(40min);
    EXPECT_FALSE(d.reserve(1, on, 1_usd));
    d.step(-40min);
    EXPECT_TRUE(d.reserve(2, on, 0.10_usd)) << "less than an hour lies between";
    d.step(-30min);
    EXPECT_FALSE(d.reserve(3, on, 1_usd));
}

TEST(ledger_book, a_rolling_window_of_a_year_forgets_nothing_that_counts) {
    desk d{1};
    auto const on = desk::lines({{"team", rolling(std::chrono::days{366}), 1_usd}});
    EXPECT_FALSE(d.reserve(1, on, 0.90_usd));
    EXPECT_TRUE(d.settle(1, 0.90_usd));
    for (int i = 2; i < 5; ++i) {  // the entry of the first is dropped, and buckets come and go
        d.pass(24h * 80);
        EXPECT_FALSE(d.reserve(i, on, 0.01_usd));
        EXPECT_TRUE(d.settle(i, 0.01_usd));
    }
    EXPECT_TRUE(d.reserve(9, on, 0.20_usd)) << "less than a year ago";
    d.pass(24h * 140);
    EXPECT_FALSE(d.reserve(10, on, 0.90_usd));
}

TEST(ledger_book, what_is_presumed_counts_until_somebody_knows_better) {
    desk d;
    EXPECT_FALSE(d.reserve(1, team, 0.80_usd));
    EXPECT_TRUE(d.settle(1, std::nullopt));
    EXPECT_EQ(d.of("team").presumed, 0.80_usd);
    EXPECT_EQ(d.of("team").settled, money{});
    EXPECT_TRUE(d.reserve(2, team, 0.30_usd));
    EXPECT_TRUE(d.book.settle(d.id(1), 0.10_usd, "req_7", d.at)) << "a late answer";
    EXPECT_FALSE(d.reserve(3, team, 0.30_usd));
    EXPECT_TRUE(d.settle(1, 0.15_usd)) << "the invoice";
    auto const a = d.of("team");
    EXPECT_EQ(a.settled, 0.15_usd);
    EXPECT_EQ(a.presumed, money{});
    EXPECT_EQ(d.book.find(d.id(1))->about.request_id, "req_7") << "what does not name one keeps the one that is known";
    EXPECT_FALSE(d.settle(77, 1_usd)) << "there is none of that name";
}

TEST(ledger_book, more_than_the_bound_is_an_overrun_and_counts) {
    desk d;
    EXPECT_FALSE(d.reserve(1, team, 0.50_usd));
    EXPECT_TRUE(d.settle(1, 1.20_usd));
    EXPECT_EQ(d.of("team").settled, 1.20_usd);
    EXPECT_EQ(d.of("team").overrun, 0.70_usd);
    auto const denied = d.reserve(2, team, money{});
    ASSERT_TRUE(denied) << "beyond the limit nothing goes";
    EXPECT_EQ(denied->free, money{});
}

TEST(ledger_book, a_soft_limit_holds_what_is_expected) {
    desk d;
    auto const on = desk::lines({{"team", lifetime, 1_usd, limit_kind::soft}});
    EXPECT_FALSE(d.reserve(1, on, 10_usd, true, "me", 0.10_usd));
    EXPECT_EQ(d.of("team").held, 0.10_usd);
    EXPECT_TRUE(d.settle(1, 0.95_usd));
    EXPECT_EQ(d.of("team").overrun, money{});
    auto const denied = d.reserve(2, on, 10_usd, true, "me", 0.10_usd);
    ASSERT_TRUE(denied);
    EXPECT_EQ(denied->needed, 0.10_usd);
}

TEST(ledger_book, without_a_bound_only_what_has_no_hard_limit_lets_it_through) {
    desk d;
    auto const free = desk::lines({{"all", lifetime, money::max()}, {"team", lifetime, 1_usd, limit_kind::soft}});
    EXPECT_FALSE(d.reserve(1, free, std::nullopt, true, "me", 0.20_usd));
    EXPECT_TRUE(d.settle(1, std::nullopt));
    EXPECT_EQ(d.of("all").unpriced, 1);
    auto const denied = d.reserve(2, team, std::nullopt, true, "me", 0.20_usd);
    ASSERT_TRUE(denied);
    EXPECT_EQ(denied->needed, money::max());
    d.book.set_limit("all", "lifetime", 5_usd);
    ASSERT_TRUE(d.reserve(3, free, std::nullopt)) << "an operator's limit is a hard one there";
}

TEST(ledger_book, an_operators_limit_comes_before_the_programs_until_it_is_taken_back) {
    desk d;
    EXPECT_FALSE(d.reserve(1, team, 0.50_usd));
    d.book.set_limit("team", "lifetime", 0.30_usd);
    auto const denied = d.reserve(2, team, 0.10_usd);
    ASSERT_TRUE(denied) << "lowered below what is committed it refuses";
    EXPECT_EQ(denied->limit, 0.30_usd);
    EXPECT_EQ(denied->free, money{});
    d.book.set_limit("team", "day@UTC", 9_usd);
    EXPECT_TRUE(d.reserve(3, team, 0.10_usd)) << "another window's limit is none of its";
    d.book.set_limit("team", "lifetime", 3_usd);
    EXPECT_FALSE(d.reserve(4, team, 2_usd));
    EXPECT_EQ(d.book.accounts("team")[0].limit, 3_usd);
    d.book.set_limit("team", "lifetime", std::nullopt);
    EXPECT_TRUE(d.reserve(5, team, 0.10_usd));
}

TEST(ledger_book, what_has_no_limit_shows_none) {
    desk d;
    EXPECT_FALSE(d.reserve(1, desk::lines({{"team", lifetime, money::max()}}), 1_usd));
    EXPECT_FALSE(d.book.accounts("team").at(0).limit);
}

TEST(ledger_book, a_freeze_stops_the_scope_and_those_inside_it) {
    desk d;
    auto const on = [](std::string scope) { return desk::lines({{std::move(scope), lifetime, 9_usd}}); };
    int n = 0;
    auto const goes = [&](std::string const& scope) { return !d.reserve(++n, on(scope), 0.10_usd); };
    EXPECT_EQ(d.book.freeze("a", "why"), 0U);
    EXPECT_FALSE(goes("a"));
    EXPECT_FALSE(goes("a/b"));
    EXPECT_FALSE(goes("a/b/c"));
    EXPECT_TRUE(goes("ab"));
    EXPECT_TRUE(goes("b/a"));
    auto const denied = d.reserve(50, on("a/b"), 0.10_usd);
    ASSERT_TRUE(denied);
    EXPECT_TRUE(denied->frozen);
    EXPECT_EQ(denied->scope, "a") << "what to thaw";
    EXPECT_EQ(d.book.freeze("", "everything"), 2U) << "those under way: ab and b/a";
    EXPECT_FALSE(goes("ab"));
    EXPECT_TRUE(d.book.thaw("a"));
    EXPECT_FALSE(d.book.thaw("a"));
    EXPECT_FALSE(goes("a")) << "everything is";
    EXPECT_TRUE(d.book.thaw(""));
    EXPECT_TRUE(goes("a"));
    EXPECT_TRUE(d.book.accounts("a").at(0).scope == "a" && !d.book.accounts("a").at(0).frozen);
}

TEST(ledger_book, a_freeze_stops_what_is_held_and_not_sent_yet) {
    desk d;
    EXPECT_FALSE(d.reserve(1, team, 0.10_usd, false));
    EXPECT_FALSE(d.reserve(2, team, 0.10_usd, false));
    d.book.send(d.id(2), "record", 1, 10min, d.at);
    EXPECT_EQ(d.book.freeze("", ""), 1U);
    auto const may = d.book.may_send(d.id(1));
    ASSERT_FALSE(may);
    EXPECT_EQ(may.error().code(), "frozen");
    EXPECT_EQ(may.error().denial()->scope, "") << "what to thaw";
    EXPECT_TRUE(d.book.may_send(d.id(2))) << "the permit's reply was lost, say: it has begun";
    (void)d.book.thaw("");
    EXPECT_TRUE(d.book.may_send(d.id(1)));
}

TEST(ledger_book, what_is_never_sent_is_given_back_and_what_is_sent_and_lost_is_presumed) {
    desk d;
    EXPECT_FALSE(d.reserve(1, team, 0.40_usd, false));
    EXPECT_FALSE(d.reserve(2, team, 0.40_usd, true));
    EXPECT_TRUE(d.reserve(3, team, 0.40_usd));
    d.pass(5min);
    EXPECT_FALSE(d.reserve(3, team, 0.40_usd)) << "the time of the first is over";
    EXPECT_EQ(d.book.may_send(d.id(1)).error().code(), "reservation_over");
    d.book.send(d.id(1), "record", 1, 10min, d.at);
    EXPECT_FALSE(d.book.find(d.id(1))) << "gone is gone";
    d.pass(5min);
    EXPECT_EQ(d.book.lapse(d.at, {}), 0U);
    EXPECT_EQ(d.book.find(d.id(2))->state, state::presumed);
    EXPECT_EQ(d.of("team").held, 0.40_usd) << "the third has its own time";
}

TEST(ledger_book, the_reservations_of_the_dead_are_given_back_when_they_are_wanted) {
    desk d;
    EXPECT_FALSE(d.reserve(1, team, 0.50_usd, false, "other"));
    EXPECT_FALSE(d.reserve(2, team, 0.50_usd, true, "other"));
    d.dead = {"other"};
    EXPECT_FALSE(d.reserve(3, team, 0.50_usd, false, "me"));
    EXPECT_EQ(d.of("team").presumed, 0.50_usd);
    EXPECT_EQ(d.of("team").held, 0.50_usd);
}

TEST(ledger_book, a_send_is_found_by_its_record_and_number) {
    desk d;
    EXPECT_FALSE(d.reserve(1, team, 0.40_usd, false));
    d.book.send(d.id(1), "r", 1, 10min, d.at);
    d.book.settle_send("r", 2, 0.30_usd, "", d.at);
    EXPECT_EQ(d.of("team").held, 0.40_usd) << "another send";
    d.book.settle_send("r", 1, 0.30_usd, "req_1", d.at);
    EXPECT_EQ(d.of("team").settled, 0.30_usd);
    EXPECT_EQ(d.book.find(d.id(1))->about.request_id, "req_1");
    d.book.release_send("r", 1, d.at);
    EXPECT_EQ(d.of("team"), account{}) << "its answer was judged an error that costs nothing";
    EXPECT_EQ(d.book.find(d.id(1))->actual, money{});
}

TEST(ledger_book, a_record_made_anew_counts_its_sends_from_the_beginning) {
    desk d{1};
    EXPECT_FALSE(d.reserve(1, team, 0.10_usd, false));
    d.book.send(d.id(1), "r", 1, 10min, d.at);
    EXPECT_TRUE(d.settle(1, 0.10_usd));
    EXPECT_FALSE(d.reserve(2, team, 0.10_usd, false));
    d.book.send(d.id(2), "r", 1, 10min, d.at);
    EXPECT_FALSE(d.reserve(3, team, 0.10_usd));
    EXPECT_TRUE(d.settle(3, 0.10_usd));  // the first entry is dropped, which had the same name
    EXPECT_FALSE(d.book.find(d.id(1)));
    d.book.settle_send("r", 1, 0.05_usd, "", d.at);
    EXPECT_EQ(d.book.find(d.id(2))->state, state::settled);
}

TEST(ledger_book, of_old_entries_the_sums_stay) {
    desk d{3};
    for (int i = 1; i <= 6; ++i) {
        EXPECT_FALSE(d.reserve(i, team, 0.10_usd));
        EXPECT_TRUE(d.settle(i, i == 2 ? std::nullopt : std::optional{0.10_usd}));
    }
    EXPECT_EQ(d.book.size(), 3U);
    EXPECT_FALSE(d.settle(2, 0.01_usd)) << "nobody remembers it";
    EXPECT_EQ(d.of("team").settled, 0.50_usd);
    EXPECT_EQ(d.of("team").presumed, 0.10_usd);
    EXPECT_TRUE(d.book.audit().empty());
    EXPECT_TRUE(d.reserve(7, team, 0.50_usd));
    std::vector<reservation_id> kept;
    d.book.for_each([&](reservation const& r, ledger_lines const&) { kept.push_back(r.id); });
    EXPECT_EQ(kept, (std::vector{d.id(4), d.id(5), d.id(6)})) << "the oldest end goes first";
}

TEST(ledger_book, a_book_that_keeps_no_entries_keeps_the_sums) {
    desk d{0};
    EXPECT_FALSE(d.reserve(1, team, 0.40_usd));
    EXPECT_TRUE(d.settle(1, 0.30_usd));
    EXPECT_FALSE(d.reserve(2, team, 0.40_usd));
    EXPECT_TRUE(d.book.lapse(d.id(2), d.at));
    EXPECT_EQ(d.book.size(), 0U);
    EXPECT_EQ(d.of("team").spent(), 0.70_usd);
    EXPECT_TRUE(d.book.audit().empty());
}

// A gateway has a scope for each of its users.
TEST(ledger_book, scopes_of_long_ago_are_forgotten_and_refusals_make_none) {
    desk d{1};
    d.book.set_limit("nobody", "day@UTC", money{});
    int n = 0;
    auto const on = [](std::string user) { return desk::lines({{"user/" + std::move(user), daily, 1_usd}}); };
    for (int i = 0; i < 3000; ++i) {
        EXPECT_FALSE(d.reserve(++n, on(std::to_string(i)), 0.10_usd));
        EXPECT_TRUE(d.settle(n, 0.10_usd));
    }
    EXPECT_EQ(d.book.accounts("user").size(), 3000U);
    d.pass(24h * 50);
    for (int i = 0; i < 3000; ++i) {
        EXPECT_FALSE(d.reserve(++n, on("new " + std::to_string(i)), 0.10_usd));
        EXPECT_TRUE(d.settle(n, 0.10_usd));
    }
    EXPECT_LT(d.book.accounts("user").size(), 4500U);
    for (int i = 0; i < 100; ++i)
        EXPECT_TRUE(d.reserve(++n, desk::lines({{"nobody", daily, 1_usd}, {"x/" + std::to_string(i), daily, 1_usd}}),
                              0.10_usd));
    EXPECT_TRUE(d.book.accounts("nobody").empty());
    EXPECT_TRUE(d.book.accounts("x").empty());
    EXPECT_TRUE(d.book.audit().empty());
}

// One `budget` makes ids that begin alike.
TEST(ledger_book, finds_one_of_many_reservations_at_once) {
    desk d;
    auto const all = desk::lines({{"team", lifetime, money::max()}});
    auto const id = [](int n) {
        reservation_id made{};
        made[8] = static_cast<std::uint8_t>(n);
        made[9] = static_cast<std::uint8_t>(n >> 8);
        return made;
    };
    constexpr int many = 50'000;  // in one bucket of a hash table they would take a minute
    for (int i = 0; i < many; ++i) {
        reserve_request q;
        q.id = id(i);
        q.lines = all;
        q.bound = 0.01_usd;
        q.sent = true;
        q.longest = 1h;
        ASSERT_TRUE(std::holds_alternative<reserved>(d.book.reserve(q, "me", d.at, {})));
    }
    for (int i = 0; i < many; ++i) ASSERT_TRUE(d.book.settle(id(i), 0.01_usd, "", d.at));
    EXPECT_EQ(d.of("team").settled, 500_usd);
}

TEST(ledger_book, nothing_is_held_when_there_is_no_telling_the_window) {
    desk d;
    auto const unknown = daily.in(*zone::parse("Nowhere/Known"));
    auto const on = desk::lines({{"team", lifetime, 1_usd}, {"team", unknown, 1_usd}});
    EXPECT_THROW((void)d.reserve(1, on, 0.50_usd), std::logic_error);
    EXPECT_EQ(d.of("team"), account{});
    EXPECT_EQ(d.book.size(), 0U);
}

}  // namespace
}  // namespace ledger_book_test
