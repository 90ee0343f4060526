// SPDX-License-Identifier: BSL-1.0
#include <coffer/state/rate_queue.hpp>

#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <map>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "support/seeds.hpp"

namespace rate_queue_test {
namespace {

using namespace coffer;

class waiter final : public rate_waiter {
public:
    explicit waiter(std::string n, std::int64_t requests = 1) : name{std::move(n)} { set_weight({requests, 0, 0}); }
    std::string name;
};

std::string first(rate_queue& q) {
    auto* const w = static_cast<waiter*>(q.first());
    return w == nullptr ? "" : w->name;
}
/// Serves whose turn it is.
std::string serve(rate_queue& q) {
    auto name = first(q);
    q.served(*q.first());
    return name;
}

/// Serves so many, one after the other.
std::string serve(rate_queue& q, int times) {
    std::string names;
    for (; times > 0; --times) names += serve(q);
    return names;
}

TEST(rate_queue, serves_in_the_order_of_arrival) {
    rate_queue q;
    waiter a{"a"}, b{"b"}, c{"c"};
    EXPECT_TRUE(q.empty());
    EXPECT_EQ(first(q), "");
    q.join(a, "", 1), q.join(b, "", 100), q.join(c, "", 1);
    EXPECT_EQ(q.size(), 3U);
    EXPECT_EQ(serve(q, 3), "abc");
    EXPECT_TRUE(q.empty());
    q.join(b, "", 1), q.join(a, "", 1);
    EXPECT_EQ(serve(q, 2), "ba") << "who has been served may come again";
}

TEST(rate_queue, who_leaves_is_as_if_he_had_never_been) {
    rate_queue q;
    waiter a{"a"}, b{"b", 7}, c{"c"}, d{"d"};
    q.join(a, "", 1), q.join(b, "", 1), q.join(c, "", 1), q.join(d, "", 1);
    EXPECT_EQ(first(q), "a");
    q.leave(a);
    EXPECT_EQ(first(q), "b");
    q.leave(c);
    EXPECT_FALSE(c.queued());
    q.leave(c);
    EXPECT_EQ(q.ahead_of("", 10)[rate_measure::requests], 8);
    q.leave(b);
    EXPECT_EQ(q.ahead_of("", 10)[rate_measure::requests], 1);
    EXPECT_EQ(serve(q), "d");
    EXPECT_EQ(q.ahead_of("", 10)[rate_measure::requests], 0);
    EXPECT_EQ(q.size(), 0U);
}

TEST(rate_queue, tenants_take_turns_however_many_of_one_wait) {
    rate_queue q;
    std::deque<waiter> many;
    for (int i = 0; i < 6; ++i) q.join(many.emplace_back("a"), "a", 10);
    EXPECT_EQ(serve(q), "a");
    waiter b1{"b"}, b2{"b"}, c{"c"};
    q.join(b1, "b", 10), q.join(b2, "b", 10), q.join(c, "c", 10);
    EXPECT_EQ(q.waiting("a"), 5U);
    EXPECT_EQ(q.waiting("b"), 2U);
    EXPECT_EQ(q.waiting("nobody"), 0U);
    std::string order;
    while (!q.empty()) order += serve(q);
    EXPECT_EQ(std::ranges::count(order.substr(0, 3), 'a'), 1) << order;
    EXPECT_EQ(std::ranges::count(order.substr(0, 5), 'b'), 2) << order;
    EXPECT_EQ(order.size(), 8U);
}

TEST(rate_queue, a_tenant_alone_gets_everything) {
    rate_queue q;
    std::deque<waiter> many;
    for (int i = 0; i < 100; ++i) q.join(many.emplace_back("a"), "a", 1000);
    for (int i = 0; i < 100; ++i) EXPECT_EQ(serve(q), "a");
}

TEST(rate_queue, who_asks_for_much_has_fewer_turns) {
    rate_queue q;
    std::deque<waiter> all;
    for (int i = 0; i < 10; ++i) q.join(all.emplace_back("a"), "a", 100);
    for (int i = 0; i < 100; ++i) q.join(all.emplace_back("b"), "b", 10);
    std::string order;
    for (int i = 0; i < 55; ++i) order += serve(q);
    EXPECT_NEAR(static_cast<double>(std::ranges::count(order, 'a')), 5, 1);
}

TEST(rate_queue, nobody_saves_up_turns_while_away) {
    rate_queue q;
    std::deque<waiter> all;
    for (int i = 0; i < 50; ++i) q.join(all.emplace_back("a"), "a", 10);
    waiter stays{"c"};
    for (int i = 0; i < 30; ++i) (void)serve(q);
    for (int i = 0; i < 20; ++i) q.join(all.emplace_back("b"), "b", 10);
    std::string order;
    for (int i = 0; i < 10; ++i) order += serve(q);
    EXPECT_NEAR(static_cast<double>(std::ranges::count(order, 'b')), 5, 1) << order;
}

TEST(rate_queue, a_cancelled_waiter_costs_its_tenant_nothing) {
    rate_queue q;
    std::deque<waiter> all;
    for (int i = 0; i < 10; ++i) q.join(all.emplace_back("a"), "a", 10);
    std::deque<waiter> gone;
    for (int i = 0; i < 10; ++i) q.join(gone.emplace_back("b"), "b", 1000);
    for (auto& w : gone) q.leave(w);
    for (int i = 0; i < 10; ++i) q.join(all.emplace_back("b"), "b", 10);
    std::string order;
    for (int i = 0; i < 10; ++i) order += serve(q);
    EXPECT_EQ(std::ranges::count(order, 'b'), 5) << order;
}

TEST(rate_queue, whose_turn_it_is_keeps_it) {
    rate_queue q;
    waiter a1{"1"}, a2{"2"}, b{"b"};
    q.join(a1, "a", 100), q.join(a2, "a", 100);
    (void)serve(q);
    EXPECT_EQ(first(q), "2");
    q.join(b, "b", 1);
    EXPECT_EQ(first(q), "2") << "although b has had less";
    q.leave(a2);
    EXPECT_EQ(first(q), "b");
}

// Each of them has had nothing yet, and goes before one that has had something; but not for ever.
TEST(rate_queue, ever_new_tenants_keep_nobody_waiting_for_ever) {
    rate_queue q;
    std::deque<waiter> all;
    q.join(all.emplace_back("old"), "old", 100);
    q.join(all.emplace_back("old"), "old", 100);
    EXPECT_EQ(serve(q), "old");
    int served = 0;
    q.join(all.emplace_back("new"), "new", 10);
    for (; served < 1000 && first(q) != "old"; ++served) {
        auto const name = "new " + std::to_string(served);
        q.join(all.emplace_back("new"), name, 10);
        (void)serve(q);
    }
    EXPECT_LT(served, 100);
    while (!q.empty()) q.leave(*q.first());
}

TEST(rate_queue, what_is_ahead_of_a_newcomer_of_another_tenant_is_its_fair_part) {
    rate_queue q;
    std::deque<waiter> all;
    for (int i = 0; i < 10; ++i) q.join(all.emplace_back("a"), "a", 10);
    EXPECT_EQ(q.ahead_of("a", 10)[rate_measure::requests], 10);
    EXPECT_EQ(q.ahead_of("b", 10)[rate_measure::requests], 1) << "who has had as little and came before";
    EXPECT_EQ(q.ahead_of("b", 35)[rate_measure::requests], 3) << "more takes longer";
    for (int i = 0; i < 3; ++i) q.join(all.emplace_back("b"), "b", 10);
    EXPECT_EQ(q.ahead_of("b", 10)[rate_measure::requests], 3 + 4) << "its own, and what comes between them";
    EXPECT_EQ(q.ahead_of("a", 10)[rate_measure::requests], 10 + 3);
}

// Random ---------------------------------------------------------------------------------------------------------------------

TEST(rate_queue_model, one_tenant_is_a_plain_queue) {
    for (auto const seed : support::each_seed()) {
        support::dice dice{seed};
        rate_queue q;
        std::deque<std::unique_ptr<waiter>> plain;
        for (int i = 0; i < 60; ++i) {
            if (plain.empty() || dice.one_in(2)) {
                plain.push_back(std::make_unique<waiter>(std::to_string(i), 1 + dice.below(5)));
                q.join(*plain.back(), "", 1 + dice.below(std::uint64_t{100}));
            } else if (dice.one_in(3)) {
                auto const at = plain.begin() + dice.below(static_cast<std::ptrdiff_t>(plain.size()));
                q.leave(**at);
                plain.erase(at);
            } else {
                ASSERT_EQ(serve(q), plain.front()->name) << "seed " << seed;
                plain.pop_front();
            }
            std::int64_t ahead = 0;
            for (auto const& w : plain) ahead += w->weight()[rate_measure::requests];
            ASSERT_EQ(q.ahead_of("", 10)[rate_measure::requests], ahead) << "seed " << seed;
            ASSERT_EQ(q.size(), plain.size());
        }
    }
}

TEST(rate_queue_model, as_many_come_before_a_newcomer_as_was_said_if_all_take_the_same) {
    for (auto const seed : support::each_seed(support::seeds(2))) {
        support::dice dice{seed};
        rate_queue q;
        std::deque<waiter> all;
        std::vector<waiter*> waiting;
        auto const tenants = 1 + dice.below(8);
        auto const name = [&] { return "t" + std::to_string(dice.below(tenants)); };
        for (int i = 0; i < 60; ++i) {
            if (waiting.empty() || !dice.one_in(3)) {
                waiting.push_back(&all.emplace_back("old"));
                q.join(*waiting.back(), name(), 10);
            } else if (dice.one_in(2)) {
                auto const at = waiting.begin() + dice.below(static_cast<std::ptrdiff_t>(waiting.size()));
                q.leave(**at);
                waiting.erase(at);
            } else {
                std::erase(waiting, static_cast<waiter*>(q.first()));
                q.served(*q.first());
            }
        }
        auto const who = name();
        auto const said = q.ahead_of(who, 10)[rate_measure::requests];
        waiter last{"new"};
        q.join(last, who, 10);
        std::int64_t before = 0;
        for (; first(q) != "new"; ++before) q.served(*q.first());
        ASSERT_EQ(said, before) << "seed " << seed;
        while (!q.empty()) q.leave(*q.first());
    }
}

TEST(rate_queue, who_invents_tenants_makes_the_line_no_slower) {
    rate_queue q;
    std::deque<waiter> all;
    std::int64_t ahead = 0;
    constexpr int tenants = 100'000;  // to look at all of them each time would take minutes
    for (int i = 0; i < tenants; ++i) {
        auto const name = std::to_string(i);
        ahead = q.ahead_of(name, 10)[rate_measure::requests];
        q.join(all.emplace_back("x"), name, 10);
    }
    EXPECT_EQ(ahead, tenants - 1);
    for (auto& one : all) {
        ASSERT_EQ(q.first(), &one);
        q.served(one);
    }
    EXPECT_TRUE(q.empty());
}

TEST(rate_queue_model, tenants_who_wait_all_the_time_have_had_as_much_as_the_others) {
    for (auto const seed : support::each_seed(support::seeds(5))) {
        support::dice dice{seed};
        rate_queue q;
        auto const tenants = 2 + dice.below(std::size_t{4});
        std::uint64_t const most = 1 + dice.below(std::uint64_t{1000});
        std::vector<std::deque<std::pair<std::unique_ptr<waiter>, std::uint64_t>>> lines(tenants);
        std::vector<std::uint64_t> had(tenants, 0);
        auto const come = [&](std::size_t t) {
            auto const share = 1 + dice.below(most);
            lines[t].emplace_back(std::make_unique<waiter>(std::to_string(t)), share);
            q.join(*lines[t].back().first, std::to_string(t), share);
        };
        auto const passers_by = dice.below(3);
        std::deque<waiter> others;
        for (std::size_t t = 0; t < tenants; ++t)
            for (int i = 0; i < 3; ++i) come(t);
        for (int step = 0; step < 200; ++step) {
            for (int i = 0; i < passers_by; ++i)
                if (dice.one_in(20))
                    q.join(others.emplace_back("-"), "-" + std::to_string(dice.below(5)), 1 + dice.below(most));
            auto const name = first(q);
            if (name != "-") {
                auto const t = static_cast<std::size_t>(std::stoul(name));
                ASSERT_EQ(q.first(), lines[t].front().first.get()) << "not in its order; seed " << seed;
                had[t] += lines[t].front().second;
                q.served(*q.first());
                lines[t].pop_front();
                come(t);
                if (dice.one_in(4)) come(t);
                if (dice.one_in(8) && lines[t].size() > 1) {  // one of them gives up; others stay
                    q.leave(*lines[t].back().first);
                    lines[t].pop_back();
                }
            } else {
                q.served(*q.first());
            }
            auto const [least, greatest] = std::ranges::minmax(had);
            ASSERT_LE(greatest - least, 2 * most + 1) << "seed " << seed << ", step " << step;
        }
        while (!q.empty()) q.leave(*q.first());
    }
}

}  // namespace
}  // namespace rate_queue_test
