// SPDX-License-Identifier: BSL-1.0
// Which partitions are kept and which are forgotten: tables, and random runs against an oracle that is a plain list.
#include <coffer/state/partition_table.hpp>

#include <gtest/gtest.h>

#include <algorithm>
#include <chrono>
#include <cstddef>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "support/seeds.hpp"

namespace partition_table_test {
namespace {

using namespace coffer;
using namespace std::chrono_literals;

using table = partition_table<int>;
using partition = table::partition;
using time_point = table::time_point;

constexpr time_point start{1000h};

/// Makes one and lets go of it at once.
void add(table& t, std::string const& name, time_point at) {
    auto* const p = t.add(name, 0);
    ASSERT_NE(p, nullptr) << name;
    t.release(*p, at);
}
/// Forgets the next one; its name.
std::string forget(table& t, time_point now) {
    auto* const p = t.candidate(now);
    if (p == nullptr) return {};
    auto name = std::string{p->name()};
    return t.forget(*p).empty() ? std::string{} : name;
}

TEST(partition_table, its_key_says_where_a_name_stands) {
    auto const order = [](hash_key const& key) {
        table t{100, 1min, key};
        for (int i = 0; i < 100; ++i) add(t, std::to_string(i), start);
        std::string all;
        t.for_each([&](partition const& p) { all.append(p.name()).append(" "); });
        return all;
    };
    EXPECT_EQ(order({1, 2}), order({1, 2}));
    EXPECT_NE(order({1, 2}), order({1, 3}));
}

TEST(partition_table, what_is_never_forgotten_is_no_candidate_at_any_time) {
    table t{1, table::duration::max()};
    add(t, "a", start);
    EXPECT_EQ(t.candidate(start + 100h), nullptr);
    EXPECT_EQ(t.next_candidate(), time_point::max());
}

TEST(partition_table, finds_what_was_added_and_nothing_else) {
    table t{3, 1min};
    auto* const a = t.add("a", 7);
    ASSERT_NE(a, nullptr);
    EXPECT_EQ(a->name(), "a");
    EXPECT_EQ(a->value, 7);
    EXPECT_EQ(a->uses(), 1U);
    EXPECT_EQ(t.use("a"), a);
    EXPECT_EQ(a->uses(), 2U);
    EXPECT_EQ(t.use("b"), nullptr);
    EXPECT_EQ(t.use(""), nullptr);
    EXPECT_EQ(t.size(), 1U);
    ASSERT_NE(t.add("", 8), nullptr) << "the empty name is one like any other";
    EXPECT_EQ(t.use("")->value, 8);
    EXPECT_NE(t.any(), nullptr);
}

TEST(partition_table, a_value_that_has_no_room_stays_as_it_was) {
    partition_table<std::unique_ptr<int>> t{1, 1min};
    ASSERT_NE(t.add("a", std::make_unique<int>(1)), nullptr);
    auto second = std::make_unique<int>(2);
    EXPECT_TRUE(t.full());
    EXPECT_EQ(t.add("b", std::move(second)), nullptr);
    ASSERT_NE(second, nullptr);
    EXPECT_NE(t.add("b", std::move(second), true), nullptr) << "beyond";
    EXPECT_EQ(t.size(), 2U);
}

TEST(partition_table, the_longest_unused_goes_first) {
    table t{3, 1min};
    add(t, "a", start), add(t, "b", start + 1s), add(t, "c", start + 2s);
    auto* const a = t.use("a");
    t.release(*a, start + 3s);
    EXPECT_EQ(forget(t, start + 63s), "b");
    EXPECT_EQ(forget(t, start + 63s), "c");
    EXPECT_EQ(forget(t, start + 63s), "a");
    EXPECT_EQ(forget(t, start + 63s), "");
    EXPECT_EQ(t.size(), 0U);
}

TEST(partition_table, nothing_goes_that_is_too_fresh) {
    table t{1, 1min};
    add(t, "a", start);
    EXPECT_EQ(t.next_candidate(), start + 1min);
    EXPECT_EQ(forget(t, start + 1min - 1ns), "");
    EXPECT_EQ(forget(t, start + 1min), "a");
    EXPECT_EQ(t.next_candidate(), std::nullopt);

    table at_once{1, 0s};
    add(at_once, "a", start);
    EXPECT_EQ(forget(at_once, start), "a") << "forget_after is zero";
}

TEST(partition_table, nothing_goes_that_somebody_holds) {
    table t{2, 1s};
    auto* const a = t.add("a", 0);
    (void)t.use("a");
    add(t, "b", start);
    EXPECT_EQ(t.unused(), 1U);
    EXPECT_EQ(forget(t, start + 1h), "b");
    EXPECT_EQ(forget(t, start + 1h), "");
    t.release(*a, start + 1h);
    EXPECT_EQ(forget(t, start + 2h), "") << "held twice";
    t.release(*a, start + 2h);
    EXPECT_EQ(forget(t, start + 2h), "");
    EXPECT_EQ(forget(t, start + 2h + 1s), "a");
}

TEST(partition_table, what_is_still_needed_is_asked_about_after_the_others) {
    table t{3, 1s};
    add(t, "a", start), add(t, "b", start), add(t, "c", start);
    auto const now = start + 1min;
    auto* const a = t.candidate(now);
    EXPECT_EQ(a->name(), "a");
    t.keep(*a);
    EXPECT_EQ(t.unused(), 3U);
    auto* const b = t.candidate(now);
    EXPECT_EQ(b->name(), "b");
    t.keep(*b);
    EXPECT_EQ(forget(t, now), "c");
    EXPECT_EQ(forget(t, now), "a") << "asked again";
    EXPECT_EQ(forget(t, now), "b");
}

TEST(partition_table, who_comes_while_it_is_asked_about_keeps_it) {
    table t{1, 1s};
    add(t, "a", start);
    auto const now = start + 1min;
    auto* const a = t.candidate(now);
    ASSERT_NE(a, nullptr);
    EXPECT_EQ(t.candidate(now), nullptr) << "one at a time";
    (void)t.use("a");
    EXPECT_TRUE(t.forget(*a).empty()) << "in use";
    EXPECT_EQ(a->uses(), 1U);
    t.release(*a, now);
    EXPECT_EQ(forget(t, now + 1s - 1ns), "");

    // He has come and gone: what the gate said is not true any more.
    auto* const again = t.candidate(now + 1s);
    ASSERT_NE(again, nullptr);
    t.release(*t.use("a"), now + 1s);
    EXPECT_TRUE(t.forget(*again).empty()) << "used meanwhile";
    EXPECT_EQ(again->uses(), 0U);
    EXPECT_EQ(t.size(), 1U);
    EXPECT_EQ(forget(t, now + 2s), "a") << "and then it may go";
}

TEST(partition_table, who_looks_at_one_keeps_it_and_makes_it_no_younger) {
    table t{2, 1min};
    add(t, "a", start), add(t, "b", start + 1s);
    EXPECT_EQ(t.look("c"), nullptr);
    auto* const a = t.look("a");
    ASSERT_NE(a, nullptr);
    EXPECT_EQ(a->uses(), 0U);
    EXPECT_EQ(forget(t, start + 1min), "") << "b is too fresh";
    EXPECT_EQ(forget(t, start + 1min + 1s), "b") << "passing by the one that is looked at";
    EXPECT_EQ(forget(t, start + 1h), "");
    t.look_away(*a);
    auto* const asked = t.candidate(start + 1h);
    ASSERT_EQ(asked, a);
    t.look_away(*t.look("a"));
    EXPECT_TRUE(t.forget(*asked).empty()) << "whoever looked may have changed what its gate remembers";
    EXPECT_EQ(forget(t, start + 1h), "a") << "as old as it was";
}

TEST(partition_table, times_that_come_out_of_order_make_nobody_older) {
    table t{2, 1s};
    add(t, "a", start + 5s);
    add(t, "b", start);  // by a thread that had read its clock before
    auto* const a = t.use("a");
    EXPECT_EQ(forget(t, start + 5s), "") << "b has been let go of no earlier than a";
    EXPECT_EQ(forget(t, start + 6s), "b");
    t.release(*a, start + 6s);
    EXPECT_EQ(forget(t, start + 7s), "a");
}

TEST(partition_table, what_was_there_before_time_began_is_as_old_as_time) {
    table t{1, 1s};
    add(t, "a", time_point{});
    t.start(start);
    EXPECT_EQ(forget(t, start + 1s - 1ns), "");
    EXPECT_EQ(forget(t, start + 1s), "a");
}

// Against an oracle -------------------------------------------------------------------------------------------------------

struct remembered {
    std::string name;
    int value = 0;
    int uses = 0;
    time_point since{};
    bool needed = false;  // it was asked about and kept, since it was last used
    long order = 0;  // in which it came to stand in its line
};

TEST(partition_table_model, random_users_find_what_a_plain_list_says) {
    int forgotten = 0, refused = 0, kept = 0, saved = 0;
    for (auto const seed : support::each_seed()) {
        support::dice dice{seed};
        std::size_t const most = 1 + dice.below(std::size_t{6});
        auto const forget_after = dice.below(4) * 1s;
        table t{most, forget_after};
        std::vector<remembered> all;
        std::vector<std::pair<partition*, std::string>> holds;
        std::pair<partition*, std::string> looked{};
        auto now = start;
        int serial = 0;
        long order = 0;
        auto const find = [&](std::string const& name) {
            return std::find_if(all.begin(), all.end(), [&](auto const& r) { return r.name == name; });
        };
        auto const release = [&](std::string const& name) {
            auto& r = *find(name);
            r.since = now;
            if (--r.uses == 0) r.needed = false, r.order = ++order;
        };
        for (int step = 0; step < 60; ++step) {
            now += dice.below(1500) * 1ms;
            auto const name = std::string(1, static_cast<char>('a' + dice.below(8)));
            if (!holds.empty() && dice.one_in(3)) {
                auto const i = static_cast<std::ptrdiff_t>(dice.below(holds.size()));
                auto const [p, whose] = holds[static_cast<std::size_t>(i)];
                holds.erase(holds.begin() + i);
                t.release(*p, now);
                release(whose);
            } else if (dice.one_in(6)) {  // look at another one
                if (looked.first != nullptr) t.look_away(*looked.first);
                looked = {t.look(name), name};
                ASSERT_EQ(looked.first != nullptr, find(name) != all.end());
            } else if (dice.one_in(3)) {  // make room
                std::vector<remembered*> ripe;
                for (auto& r : all)
                    if (r.uses == 0 && (looked.first == nullptr || r.name != looked.second) &&
                        now - r.since >= forget_after)
                        ripe.push_back(&r);
                auto const first = std::min_element(ripe.begin(), ripe.end(), [](auto const* a, auto const* b) {
                    return std::pair{a->needed, a->order} < std::pair{b->needed, b->order};
                });
                auto* const p = t.candidate(now);
                ASSERT_EQ(p == nullptr, first == ripe.end());
                if (p == nullptr) continue;
                ASSERT_EQ(p->name(), (*first)->name);
                auto const which = (*first)->name;
                bool used = false;
                if (dice.one_in(4)) {  // somebody comes meanwhile, and may stay
                    auto* const same = t.use(which);
                    ASSERT_EQ(same, p);
                    ++find(which)->uses;
                    used = true;
                    if (dice.one_in(2)) t.release(*same, now), find(which)->uses = 0, find(which)->since = now;
                    else holds.emplace_back(same, which);
                }
                if (dice.one_in(3)) {
                    t.keep(*p);
                    if (auto& r = *find(which); r.uses == 0) r.needed = !used, r.order = ++order;
                    ++kept;
                } else {
                    ASSERT_EQ(t.forget(*p).empty(), used);
                    if (!used) all.erase(find(which)), ++forgotten;
                    else if (auto& r = *find(which); r.uses == 0) r.needed = false, r.order = ++order;
                    saved += used;
                }
            } else {
                auto* p = t.use(name);
                ASSERT_EQ(p != nullptr, find(name) != all.end()) << name;
                if (p != nullptr) {
                    ASSERT_EQ(p->value, find(name)->value);
                } else {
                    p = t.add(name, int{++serial});
                    ASSERT_EQ(p != nullptr, all.size() < most);
                    if (p == nullptr) {
                        ++refused;
                        continue;
                    }
                    all.push_back({name, serial});
                }
                ++find(name)->uses;
                holds.emplace_back(p, name);
            }
            ASSERT_EQ(t.size(), all.size());
            ASSERT_LE(t.size(), most);
            std::optional<time_point> next;
            std::size_t unused = 0;
            for (auto const& r : all)
                if (r.uses == 0) ++unused, next = std::min(next.value_or(time_point::max()), r.since + forget_after);
            ASSERT_EQ(t.unused(), unused);
            if (next) {
                ASSERT_TRUE(t.next_candidate().has_value());
                ASSERT_GE(*t.next_candidate(), *next);
            }
            std::map<std::string, std::pair<int, int>> seen, known;
            t.for_each(
                [&](partition const& p) { seen[std::string{p.name()}] = {p.value, static_cast<int>(p.uses())}; });
            for (auto const& r : all) known[r.name] = {r.value, r.uses};
            ASSERT_EQ(seen, known);
        }
    }
    if (support::replaying()) return;
    auto const seeds = static_cast<int>(support::seeds());
    EXPECT_GT(forgotten, seeds);
    EXPECT_GT(refused, seeds);
    EXPECT_GT(kept, seeds / 2);
    EXPECT_GT(saved, seeds / 10);
}

}  // namespace
}  // namespace partition_table_test
