// SPDX-License-Identifier: BSL-1.0
#include <coffer/state/bulkhead_queue.hpp>

#include <gtest/gtest.h>

#include <algorithm>
#include <chrono>
#include <cstddef>
#include <deque>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "support/seeds.hpp"

namespace bulkhead_queue_test {
namespace {

using namespace coffer;
using namespace std::chrono_literals;

constexpr bulkhead_queue::time_point start{1000h};

class waiter final : public bulkhead_waiter {
public:
    explicit waiter(std::string n) : name{std::move(n)} {}
    std::string name;
};

std::string name_of(bulkhead_waiter const* w) { return w == nullptr ? "" : static_cast<waiter const*>(w)->name; }
/// Serves all, one after the other.
std::string order(bulkhead_queue& q) {
    std::string names;
    while (auto* const w = q.first()) {
        names += name_of(w);
        q.leave(*w);
    }
    return names;
}

TEST(bulkhead_queue, serves_in_the_order_of_arrival) {
    bulkhead_queue q;
    waiter a{"a"}, b{"b"}, c{"c"};
    EXPECT_TRUE(q.empty());
    EXPECT_EQ(q.first(), nullptr);
    q.join(a, 0, start), q.join(b, 0, start), q.join(c, 0, start);
    EXPECT_EQ(q.size(), 3U);
    EXPECT_EQ(order(q), "abc");
    EXPECT_TRUE(q.empty());
    q.join(b, 0, start), q.join(a, 0, start);
    EXPECT_EQ(order(q), "ba") << "who has been served may come again";
}

TEST(bulkhead_queue, the_more_important_go_first_and_equals_in_the_order_of_arrival) {
    bulkhead_queue q;
    waiter a{"a"}, b{"b"}, c{"c"}, d{"d"}, e{"e"};
    q.join(a, -5, start), q.join(b, 0, start), q.join(c, 7, start), q.join(d, 0, start), q.join(e, 7, start);
    EXPECT_EQ(order(q), "cebda");
}

TEST(bulkhead_queue, however_long_the_less_important_have_waited) {
    bulkhead_queue q;
    waiter low{"l"}, high{"h"};
    q.join(low, 0, start);
    q.join(high, 1, start + 1000h);
    EXPECT_EQ(name_of(q.first()), "h");
    EXPECT_EQ(order(q), "hl");
}

TEST(bulkhead_queue, who_leaves_is_as_if_he_had_never_been) {
    bulkhead_queue q;
    waiter a{"a"}, b{"b"}, c{"c"}, d{"d"}, e{"e"};
    q.join(a, 0, start), q.join(b, 3, start), q.join(c, 0, start), q.join(d, 0, start), q.join(e, 3, start);
    EXPECT_EQ(name_of(q.first()), "b");
    q.leave(b);
    EXPECT_FALSE(b.queued());
    q.leave(b);
    q.leave(c);
    EXPECT_EQ(q.size(), 3U);
    EXPECT_EQ(name_of(q.first()), "e");
    q.leave(e);
    EXPECT_EQ(order(q), "ad");
}

TEST(bulkhead_queue, ageing_makes_a_wait_worth_a_step_of_importance) {
    bulkhead_queue q{10s};
    waiter low{"l"}, soon{"s"}, in_time{"i"}, late{"x"};
    q.join(low, 0, start);
    q.join(soon, 1, start + 9s);
    q.join(in_time, 2, start + 19s);
    q.join(late, 2, start + 21s);
    EXPECT_EQ(order(q), "islx") << "two steps are worth 20 s";
}

TEST(bulkhead_queue, with_ageing_nobody_is_overtaken_for_ever) {
    bulkhead_queue q{10s};
    waiter low{"low"};
    q.join(low, -3, start);
    std::deque<waiter> all;
    int overtaken = 0;
    for (auto now = start + 1s;; now += 1s, ++overtaken) {
        ASSERT_LT(overtaken, 1000);
        q.join(all.emplace_back("high"), 4, now);
        if (name_of(q.first()) == "low") break;
        q.leave(*q.first());
    }
    EXPECT_EQ(overtaken, 70) << "seven steps of ten seconds, one a second";
    while (auto* const w = q.first()) q.leave(*w);
}

TEST(bulkhead_queue, who_would_be_served_last_makes_way_for_who_would_be_served_before_him) {
    bulkhead_queue q;
    EXPECT_EQ(q.behind(100, start), nullptr);
    waiter a{"a"}, b{"b"}, c{"c"}, d{"d"};
    q.join(a, 1, start), q.join(b, 0, start), q.join(c, 0, start), q.join(d, 2, start);
    EXPECT_EQ(name_of(q.behind(1, start)), "c") << "the least important, and of these the youngest";
    EXPECT_EQ(q.behind(0, start), nullptr) << "not for his like";
    EXPECT_EQ(q.behind(-1, start), nullptr);
    q.leave(c), q.leave(b);
    EXPECT_EQ(q.behind(1, start), nullptr);
    EXPECT_EQ(name_of(q.behind(2, start)), "a");
    while (auto* const w = q.first()) q.leave(*w);
}

TEST(bulkhead_queue, with_ageing_who_has_waited_long_does_not_make_way) {
    bulkhead_queue q{10s};
    waiter old{"o"}, fresh{"f"};
    q.join(old, 0, start);
    EXPECT_EQ(name_of(q.behind(1, start + 9s)), "o");
    EXPECT_EQ(q.behind(1, start + 11s), nullptr);
    q.join(fresh, 2, start + 30s);
    EXPECT_EQ(name_of(q.behind(3, start + 31s)), "f") << "although he is the more important one of the two";
    while (auto* const w = q.first()) q.leave(*w);
}

// Random -----------------------------------------------------------------------------------------------------------------------

TEST(bulkhead_queue_model, random_waiters_are_served_as_a_sorted_list_says) {
    for (auto const seed : support::each_seed()) {
        support::dice dice{seed};
        bool const ages = dice.one_in(2);
        auto const step = duration_cast<bulkhead_queue::duration>((1 + dice.below(20)) * 1s);
        bulkhead_queue q{ages ? step : bulkhead_queue::duration::max()};
        struct one {
            std::unique_ptr<waiter> who;
            int priority;
            bulkhead_queue::duration rank;  // with ageing: when it came, as it were
            int number;
        };
        std::vector<one> list;
        auto const before = [&](one const& a, one const& b) {
            if (ages && a.rank != b.rank && a.priority != b.priority) return a.rank < b.rank;
            return a.priority != b.priority ? a.priority > b.priority : a.number < b.number;
        };
        bulkhead_queue::duration now{};
        for (int i = 0; i < 80; ++i) {
            now += dice.below(3) * 1s;
            if (list.empty() || dice.one_in(2)) {
                auto const priority = dice.below(5) - 2;
                list.push_back({std::make_unique<waiter>(std::to_string(i)), priority, now - priority * step, i});
                auto const* const last = q.behind(priority, start + now);
                auto const worst = std::max_element(list.begin(), list.end() - 1, before);
                bool const makes_way = list.size() > 1 && before(list.back(), *worst);
                ASSERT_EQ(last, makes_way ? worst->who.get() : nullptr);
                q.join(*list.back().who, priority, start + now);
            } else if (dice.one_in(3)) {
                auto const at = list.begin() + dice.below(static_cast<std::ptrdiff_t>(list.size()));
                q.leave(*at->who);
                list.erase(at);
            } else {
                auto const best = std::min_element(list.begin(), list.end(), before);
                ASSERT_EQ(q.first(), best->who.get()) << "seed " << seed;
                q.leave(*best->who);
                list.erase(best);
            }
            ASSERT_EQ(q.size(), list.size());
            ASSERT_EQ(q.empty(), list.empty());
        }
        for (auto const& w : list) q.leave(*w.who);
    }
}

}  // namespace
}  // namespace bulkhead_queue_test
