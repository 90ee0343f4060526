// SPDX-License-Identifier: BSL-1.0
#include <coffer/state/spend_history.hpp>

#include "support/seeds.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <chrono>
#include <cstdint>
#include <limits>
#include <map>
#include <string>

namespace spend_history_test {
namespace {

using namespace std::chrono_literals;
using coffer::money;
using coffer::spend_history;
using time_point = spend_history::time_point;
using few_cells = coffer::spend_cells<std::chrono::hours, 10>;  // forgets soon

money nano(std::int64_t n) { return money::from_nano(n); }

time_point const start = std::chrono::sys_days{std::chrono::year{2026} / 11 / 22};

TEST(spend_history, sums_up_hours) {
    spend_history h;
    EXPECT_TRUE(h.empty());
    h.add(start, nano(1));
    h.add(start + 59min, nano(2));
    h.add(start + 60min, nano(4));
    h.add(start + 5h, nano(8));
    auto const last = spend_history::cell_of(start + 5h);
    EXPECT_EQ(h.at(last - 5), nano(3));
    EXPECT_EQ(h.sum(last, 1), nano(8));
    EXPECT_EQ(h.sum(last, 5), nano(12));
    EXPECT_EQ(h.sum(last, 24), nano(15));
    EXPECT_EQ(h.sum(last + 100, 2), nano(0));
    EXPECT_EQ(spend_history::start_of(last), start + 5h);
}

TEST(spend_history, corrections_come_late_and_may_be_negative) {
    spend_history h;
    h.add(start + 3h, nano(10));
    h.add(start, nano(7));
    h.add(start + 3h, nano(-4));
    EXPECT_EQ(h.at(spend_history::cell_of(start)), nano(7));
    EXPECT_EQ(h.at(spend_history::cell_of(start + 3h)), nano(6));
    EXPECT_EQ(h.first(), spend_history::cell_of(start));
}

TEST(spend_history, sums_saturate) {
    spend_history h;
    h.add(start, money::max());
    h.add(start + 1h, money::max());
    EXPECT_EQ(h.sum(spend_history::cell_of(start + 1h), 2), money::max());
}

// Keeps everything, and forgets when it is asked.
struct model {
    std::map<few_cells::cell, money> amounts;
    few_cells::cell newest = std::numeric_limits<few_cells::cell>::min();

    void add(few_cells::cell c, money m) {
        if (!amounts.empty() && c <= newest - 10) return;
        amounts[c] += m;
        newest = std::max(newest, c);
    }
    [[nodiscard]] money at(few_cells::cell c) const {
        auto const found = amounts.find(c);
        return found == amounts.end() || c <= newest - 10 ? money{} : found->second;
    }
};

TEST(spend_history, is_what_a_simple_map_says) {
    for (auto const seed : support::each_seed()) {
        support::dice dice{seed};
        few_cells cells[2];
        model models[2];
        auto hour = dice.below(200) - 100;
        for (int i = 0; i < 40; ++i) {
            auto const which = dice.below(2U);
            hour += dice.one_in(10) ? dice.below(60) : dice.below(8) - 3;
            auto const amount = nano(dice.below(100) - 20);
            cells[which].add(time_point{std::chrono::hours{hour}} + 17min, amount);
            models[which].add(hour, amount);
            if (dice.one_in(20)) {
                cells[which].merge(cells[1 - which]);
                for (auto const& [c, m] : models[1 - which].amounts)
                    if (c > models[1 - which].newest - 10) models[which].add(c, m);
                cells[1 - which] = {};
                models[1 - which] = {};
            }
            for (auto c = hour - 80; c < hour + 80; ++c) ASSERT_EQ(cells[which].at(c), models[which].at(c)) << c;
            auto const back = few_cells::parse(cells[which].bytes());
            ASSERT_TRUE(back.has_value());
            ASSERT_EQ(*back, cells[which]);
            for (auto c = hour - 80; c < hour + 80; ++c) ASSERT_EQ(back->at(c), models[which].at(c)) << c;
        }
    }
}

TEST(spend_history, merging_goes_by_amounts_and_not_by_order) {
    for (auto const seed : support::each_seed()) {
        support::dice dice{seed};
        few_cells a;
        few_cells b;
        for (int i = 0; i < 10; ++i) {
            a.add(start + std::chrono::hours{dice.below(20)}, nano(1 + dice.below(9)));
            b.add(start + std::chrono::hours{dice.below(20)}, nano(1 + dice.below(9)));
        }
        auto ab = a;
        ab.merge(b);
        auto ba = b;
        ba.merge(a);
        ASSERT_EQ(ab, ba);
    }
}

TEST(spend_history, is_small_when_written) {
    spend_history h;
    EXPECT_LE(h.bytes().size(), 8U);
    h.add(start, nano(1'234'567'890));
    EXPECT_LE(h.bytes().size(), 20U);
    for (int hour = 0; hour < 840; ++hour) h.add(start + std::chrono::hours{hour}, nano(1'234'567'890));
    EXPECT_LE(h.bytes().size(), 840U * 6 + 20);
    EXPECT_EQ(spend_history::parse(h.bytes()), h);
}

TEST(spend_history, what_is_not_one_is_not_read) {
    few_cells cells;
    cells.add(start, nano(300));
    cells.add(start + 9h, nano(-5));
    auto const good = cells.bytes();
    ASSERT_EQ(few_cells::parse(good), cells);
    for (std::size_t n = 0; n < good.size(); ++n) {
        auto const cut = few_cells::parse(good.substr(0, n));
        // The cell that was cut off with the end is a smaller history, as good as any.
        EXPECT_TRUE(!cut || *cut != cells) << n;
    }
    EXPECT_FALSE(few_cells::parse("").has_value());
    EXPECT_FALSE(few_cells::parse("\2" + good.substr(1)).has_value());
    EXPECT_FALSE(few_cells::parse(good + '\0').has_value());
    EXPECT_FALSE(few_cells::parse(good + "\1\2").has_value());  // a cell after the newest
    EXPECT_FALSE(spend_history::parse(good).has_value());       // of other cells
    EXPECT_FALSE(few_cells::parse(coffer::spend_trail{}.bytes()).has_value());
}

TEST(spend_history, no_bytes_whatever_break_it) {
    for (auto const seed : support::each_seed()) {
        support::dice dice{seed};
        few_cells cells;
        for (int i = 0; i < 5; ++i)
            cells.add(start + std::chrono::hours{dice.below(12)}, nano(dice.below(1'000'000) - 5));
        auto bytes = cells.bytes();
        for (int i = 0; i < 3; ++i) bytes[dice.below(bytes.size())] = static_cast<char>(dice.below(256));
        auto const read = few_cells::parse(bytes);
        if (!read || read->empty()) continue;
        ASSERT_LE(read->newest() - read->oldest(), 9);
        ASSERT_EQ(few_cells::parse(read->bytes()), read);
        auto used = *read;
        used.add(start, nano(1));
        used.merge(*read);
    }
}

}  // namespace
}  // namespace spend_history_test
