// SPDX-License-Identifier: BSL-1.0
#include <coffer/store/budget_queue.hpp>

#include <gtest/gtest.h>

#include <atomic>
#include <memory>
#include <optional>
#include <string>
#include <thread>
#include <vector>

#include "support/simulation.hpp"

namespace budget_queue_test {
namespace {

using namespace coffer;
using namespace std::chrono_literals;

/// Is that list notified? Asked without waiting.
bool notified(support::simulation& sim, std::shared_ptr<wait_list> const& nudge) {
    auto const look = [](support::simulation& s, wait_list* l) -> awaitable<wake> {
        co_return co_await wait_until(s.service(), s.time.now(), l);
    };
    return sim.run(look(sim, nudge.get())) == wake::notified;
}

TEST(budget_queue, the_first_of_a_line_is_who_came_first) {
    budget_queue q;
    EXPECT_FALSE(q.anybody_waits());
    budget_queue::seat a{q, "team"};
    {
        budget_queue::seat b{q, "team"};
        budget_queue::seat other{q, "user"};
        EXPECT_TRUE(a.is_first());
        EXPECT_FALSE(b.is_first());
        EXPECT_TRUE(other.is_first()) << "in its own line";
        EXPECT_TRUE(q.anybody_waits_for("user"));
    }
    EXPECT_TRUE(q.anybody_waits());
    EXPECT_TRUE(q.anybody_waits_for("team"));
    EXPECT_FALSE(q.anybody_waits_for("user"));
}

TEST(budget_queue, a_change_is_told_to_the_first_of_each_line) {
    support::simulation sim;
    budget_queue q;
    budget_queue::seat a{q, "team"}, b{q, "team"}, c{q, "user"};
    auto const of_a = a.arm(), of_b = b.arm(), of_c = c.arm();
    q.changed();
    EXPECT_TRUE(notified(sim, of_a));
    EXPECT_FALSE(notified(sim, of_b));
    EXPECT_TRUE(notified(sim, of_c));
    EXPECT_FALSE(notified(sim, a.arm())) << "told once";
}

TEST(budget_queue, who_comes_to_the_front_is_told) {
    support::simulation sim;
    budget_queue q;
    std::optional<budget_queue::seat> a{std::in_place, q, "team"};
    budget_queue::seat b{q, "team"}, c{q, "team"};
    auto const of_b = b.arm(), of_c = c.arm();
    a.reset();
    EXPECT_TRUE(b.is_first());
    EXPECT_TRUE(notified(sim, of_b));
    EXPECT_FALSE(notified(sim, of_c));
}

TEST(budget_queue, who_leaves_from_the_middle_wakes_nobody) {
    support::simulation sim;
    budget_queue q;
    budget_queue::seat a{q, "team"};
    std::optional<budget_queue::seat> b{std::in_place, q, "team"};
    budget_queue::seat c{q, "team"};
    auto const of_a = a.arm(), of_c = c.arm();
    b.reset();
    EXPECT_FALSE(notified(sim, of_a));
    EXPECT_FALSE(notified(sim, of_c));
    EXPECT_FALSE(c.is_first());
}

TEST(budget_queue, moving_goes_to_the_end_of_the_other_line_and_lets_the_next_one_on) {
    support::simulation sim;
    budget_queue q;
    budget_queue::seat a{q, "team"}, b{q, "team"}, c{q, "user"};
    auto const of_b = b.arm();
    a.move_to("team");
    EXPECT_TRUE(a.is_first()) << "it is there already";
    a.move_to("user");
    EXPECT_EQ(a.account(), "user");
    EXPECT_FALSE(a.is_first());
    EXPECT_TRUE(b.is_first());
    EXPECT_TRUE(notified(sim, of_b));
}

TEST(budget_queue, who_has_not_armed_yet_finds_itself_first) {
    budget_queue q;
    std::optional<budget_queue::seat> a{std::in_place, q, "team"};
    budget_queue::seat b{q, "team"};
    q.changed();
    a.reset();
    EXPECT_TRUE(b.is_first());
}

TEST(budget_queue, threads_come_and_go) {
    budget_queue q;
    std::atomic<int> served{0};
    std::vector<std::thread> all;
    for (int t = 0; t < 4; ++t)
        all.emplace_back([&, t] {
            for (int i = 0; i < 2000; ++i) {
                budget_queue::seat s{q, i % 3 == 0 ? "team" : "user"};
                auto const nudge = s.arm();
                if (s.is_first()) served.fetch_add(1);
                if (t == 0) q.changed();
                s.move_to("org");
            }
        });
    for (auto& t : all) t.join();
    EXPECT_FALSE(q.anybody_waits());
    EXPECT_GT(served.load(), 0);
}

}  // namespace
}  // namespace budget_queue_test
