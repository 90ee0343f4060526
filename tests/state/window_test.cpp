// SPDX-License-Identifier: BSL-1.0
#include <coffer/state/window.hpp>

#include "scripted_zone.hpp"
#include "support/seeds.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <chrono>
#include <cstdint>
#include <initializer_list>
#include <map>
#include <memory>
#include <stdexcept>
#include <string>
#include <vector>

namespace window_test {
namespace {

using namespace std::chrono_literals;
using coffer::daily;
using coffer::hourly;
using coffer::lifetime;
using coffer::monthly;
using coffer::rolling;
using coffer::window;
using coffer::window_span;
using coffer::zone;
using std::chrono::days;
using std::chrono::seconds;
using std::chrono::sys_days;
using std::chrono::sys_seconds;
using std::chrono::year;
using time_point = std::chrono::system_clock::time_point;

time_point on(int y, unsigned m, unsigned d) { return sys_days{year{y} / std::chrono::month{m} / std::chrono::day{d}}; }

TEST(window, is_the_whole_life_unless_said_otherwise) {
    EXPECT_EQ(window{}, lifetime);
    EXPECT_EQ(lifetime.span_at(on(2026, 11, 22)), (window_span{time_point{}, time_point::max()}));
    EXPECT_EQ(lifetime.span_at(on(1960, 1, 1)).start, time_point{});
    EXPECT_TRUE(lifetime.counts(time_point{}, on(2026, 11, 22)));
    EXPECT_EQ(lifetime.leaves_at(time_point{}), time_point::max());
}

TEST(window, a_calendar_window_is_the_hour_day_or_month_of_utc) {
    auto const t = on(2024, 2, 29) + 13h + 59min + 59s + 999ms;
    EXPECT_EQ(hourly.span_at(t), (window_span{on(2024, 2, 29) + 13h, on(2024, 2, 29) + 14h}));
    EXPECT_EQ(daily.span_at(t), (window_span{on(2024, 2, 29), on(2024, 3, 1)}));
    EXPECT_EQ(monthly.span_at(t), (window_span{on(2024, 2, 1), on(2024, 3, 1)}));
    EXPECT_EQ(monthly.span_at(on(2024, 12, 31)), (window_span{on(2024, 12, 1), on(2025, 1, 1)}));
    EXPECT_EQ(daily.span_at(on(1969, 12, 31) + 1ns), (window_span{on(1969, 12, 31), on(1970, 1, 1)}));
}

TEST(window, a_calendar_window_goes_by_the_clocks_of_its_zone) {
    auto const india = zone::fixed(5h + 30min);
    auto const t = on(2026, 11, 30) + 18h + 30min;  // midnight there
    EXPECT_EQ(daily.in(india).span_at(t).start, t);
    EXPECT_EQ(daily.in(india).span_at(t - 1ns).end, t);
    EXPECT_EQ(monthly.in(india).span_at(t).end, on(2026, 12, 31) + 18h + 30min);
    EXPECT_EQ(hourly.in(india).span_at(t + 59min).start, t);
    EXPECT_EQ(daily.in(zone::fixed(-8h)).span_at(t).start, on(2026, 11, 30) + 8h);
}

TEST(window, neither_end_of_time_overflows) {
    for (auto const& w :
         {hourly, daily, monthly, monthly.in(zone::fixed(-23h)), daily.in(zone::fixed(23h)), rolling(1min)}) {
        auto const last = w.span_at(time_point::max());
        EXPECT_EQ(last.end, time_point::max()) << w.text();
        EXPECT_LT(last.start, last.end) << w.text();
        auto const first = w.span_at(time_point::min());
        EXPECT_EQ(first.start, time_point::min()) << w.text();
        EXPECT_LT(first.start, first.end) << w.text();
        EXPECT_EQ(w.leaves_at(last.start), time_point::max()) << w.text();
        EXPECT_TRUE(w.counts(first.start, time_point::min())) << w.text();
        EXPECT_TRUE(w.counts(last.start, last.start)) << w.text();
        EXPECT_FALSE(w.counts(first.start, time_point::max())) << w.text();
        EXPECT_FALSE(w.counts(last.start, time_point::min())) << w.text();
    }
}

TEST(window, a_calendar_window_counts_its_own_span_alone) {
    auto const now = on(2026, 11, 22) + 3h;
    EXPECT_TRUE(daily.counts(on(2026, 11, 22), now));
    EXPECT_FALSE(daily.counts(on(2026, 11, 21), now));
    EXPECT_FALSE(daily.counts(on(2026, 11, 23), now));
    EXPECT_EQ(daily.leaves_at(on(2026, 11, 22)), on(2026, 11, 23));
}

// What the calendar of a town with those clocks shows, told by walking along the changes.
class town {
public:
    explicit town(support::dice& dice)
        : at_first_{seconds{dice.below(50 * 3600) - 25 * 3600}}, changes_{support::drawn_changes(dice)} {}
    [[nodiscard]] zone clocks() const { return zone{std::make_shared<support::scripted_rules>(at_first_, changes_)}; }

    // The latest time that its clocks have shown until t.
    [[nodiscard]] seconds latest_shown(sys_seconds t) const {
        auto offset = at_first_;
        auto latest = seconds::min();
        for (auto const& change : changes_) {
            if (t < change.when) break;
            latest = std::max(latest, change.when.time_since_epoch() + offset - 1s);
            offset = change.offset;
        }
        return std::max(latest, t.time_since_epoch() + offset);
    }
    [[nodiscard]] seconds offset(sys_seconds t) const {
        auto offset = at_first_;
        for (auto const& change : changes_)
            if (change.when <= t) offset = change.offset;
        return offset;
    }
    [[nodiscard]] bool is_set_at(sys_seconds t) const {
        return std::any_of(changes_.begin(), changes_.end(), [t](auto const& c) { return c.when == t; });
    }

private:
    seconds at_first_;
    std::vector<support::zone_change> changes_;
};

int month_of(seconds shown) {
    std::chrono::year_month_day const date{std::chrono::floor<days>(sys_seconds{shown})};
    return static_cast<int>(date.year()) * 12 + static_cast<int>(static_cast<unsigned>(date.month()));
}

TEST(window, days_and_months_are_those_of_the_latest_time_shown_whatever_the_clocks_do) {
    for (auto const seed : support::each_seed()) {
        support::dice dice{seed};
        town const there{dice};
        auto const day = daily.in(there.clocks());
        auto const month = monthly.in(there.clocks());
        auto const day_of = [&there](time_point t) {
            return std::chrono::floor<days>(there.latest_shown(std::chrono::floor<seconds>(t)));
        };
        auto const month_in = [&there](time_point t) {
            return month_of(there.latest_shown(std::chrono::floor<seconds>(t)));
        };
        for (int i = 0; i < 5; ++i) {
            auto const t =
                on(1999, 12, 20) + seconds{dice.below(900 * 86400)} + std::chrono::nanoseconds{dice.below(1000)};
            auto const d = day.span_at(t);
            ASSERT_LE(d.start, t);
            ASSERT_LT(t, d.end);
            ASSERT_EQ(day_of(d.start), day_of(t));
            ASSERT_LT(day_of(d.start - 1s), day_of(t));
            ASSERT_EQ(day_of(d.end - 1ns), day_of(t));
            ASSERT_GT(day_of(d.end), day_of(t));
            auto const m = month.span_at(t);
            ASSERT_LE(m.start, t);
            ASSERT_LT(t, m.end);
            ASSERT_EQ(month_in(m.start), month_in(t));
            ASSERT_LT(month_in(m.start - 1s), month_in(t));
            ASSERT_EQ(month_in(m.end - 1ns), month_in(t));
            ASSERT_GT(month_in(m.end), month_in(t));
        }
    }
}

TEST(window, an_hour_ends_at_a_full_hour_or_where_the_clocks_are_set) {
    for (auto const seed : support::each_seed()) {
        support::dice dice{seed};
        town const there{dice};
        auto const hour = hourly.in(there.clocks());
        auto const bound = [&there](time_point t) {
            auto const s = std::chrono::floor<seconds>(t);
            return there.is_set_at(s) || (s.time_since_epoch() + there.offset(s)) % 1h == 0s;
        };
        for (int i = 0; i < 5; ++i) {
            auto const t = on(1999, 12, 20) + seconds{dice.below(900 * 86400)};
            auto const h = hour.span_at(t);
            ASSERT_LE(h.start, t);
            ASSERT_LT(t, h.end);
            ASSERT_LE(h.end - h.start, 1h);
            ASSERT_TRUE(bound(h.start));
            ASSERT_TRUE(bound(h.end));
            auto const within =
                h.start + 1s + seconds{dice.below(std::max<seconds::rep>((h.end - h.start) / 1s - 1, 1))};
            ASSERT_TRUE(within >= h.end || !bound(within));
            ASSERT_EQ(hour.span_at(h.start), h);
            ASSERT_EQ(hour.span_at(h.end - 1ns), h);
        }
    }
}

TEST(window, spans_of_every_kind_follow_each_other) {
    for (auto const seed : support::each_seed()) {
        support::dice dice{seed};
        auto const z = town{dice}.clocks();
        auto const t = on(1999, 12, 20) + seconds{dice.below(900 * 86400)} + std::chrono::nanoseconds{dice.below(1000)};
        for (auto const& w :
             {hourly.in(z), daily.in(z), monthly.in(z), rolling(seconds{60 + dice.below(366 * 86400 - 60)})}) {
            auto const span = w.span_at(t);
            ASSERT_EQ(w.span_at(span.end - 1ns), span) << w.text();
            ASSERT_EQ(w.span_at(span.end).start, span.end) << w.text();
            ASSERT_EQ(w.span_at(span.start - 1ns).end, span.start) << w.text();
        }
    }
}

TEST(window, a_rolling_window_is_made_of_sixtieths_in_whole_seconds) {
    EXPECT_EQ(rolling(24h).bucket(), 24min);
    EXPECT_EQ(rolling(1h).bucket(), 1min);
    EXPECT_EQ(rolling(1min).bucket(), 1s);
    EXPECT_EQ(rolling(61s).bucket(), 2s);
    EXPECT_EQ(rolling(days{366}).bucket(), 8784min);
    EXPECT_EQ(rolling(1h).span_at(on(2026, 11, 22) + 90s),
              (window_span{on(2026, 11, 22) + 60s, on(2026, 11, 22) + 120s}));
    EXPECT_EQ(rolling(1h).span_at(time_point{-1ns}), (window_span{time_point{-60s}, time_point{}}));
    EXPECT_EQ(daily.bucket(), 0s);
}

TEST(window, a_bucket_counts_until_nothing_in_it_can_be_recent) {
    auto const hour = rolling(1h);
    auto const start = on(2026, 11, 22);
    EXPECT_FALSE(hour.counts(start, start - 1h - 1ns));  // too far ahead to be the work of a clock set back
    EXPECT_TRUE(hour.counts(start, start - 1h));
    EXPECT_TRUE(hour.counts(start, start));
    EXPECT_TRUE(hour.counts(start, start + 61min - 1ns));
    EXPECT_FALSE(hour.counts(start, start + 61min));
    EXPECT_EQ(hour.leaves_at(start), start + 61min);
}

TEST(window, no_stretch_of_a_rolling_window_s_length_holds_more_than_the_limit) {
    for (auto const seed : support::each_seed(support::seeds(5))) {
        support::dice dice{seed};
        auto const w = rolling(seconds{60 + dice.below(dice.one_in(2) ? 600 : 90'000)});
        constexpr std::int64_t limit = 1000;
        std::map<time_point, std::int64_t> buckets;
        std::vector<std::pair<time_point, std::int64_t>> spent;
        auto now = on(2026, 11, 22);
        int refused_without_need = 0;
        for (int i = 0; i < 300; ++i) {
            now += std::chrono::nanoseconds{static_cast<std::int64_t>(
                dice.below(static_cast<std::uint64_t>(std::chrono::nanoseconds{w.length()}.count() / 20)))};
            auto const amount = 1 + dice.below(400);
            std::int64_t counted = 0;
            std::size_t buckets_counted = 0;
            for (auto const& [start, in_it] : buckets) {
                if (!w.counts(start, now)) continue;
                counted += in_it;
                ++buckets_counted;
            }
            ASSERT_LE(buckets_counted, 61U);
            auto const in_last = [&](seconds length) {
                std::int64_t sum = 0;
                for (auto const& [when, what] : spent)
                    if (when > now - length) sum += what;
                return sum;
            };
            if (counted + amount <= limit) {
                buckets[w.span_at(now).start] += amount;
                spent.emplace_back(now, amount);
                ASSERT_LE(in_last(w.length()), limit);
            } else {
                // Refused for what is in the window, or was a bucket's length ago.
                ASSERT_GT(in_last(w.length() + w.bucket()) + amount, limit);
                refused_without_need += in_last(w.length()) + amount <= limit ? 1 : 0;
            }
        }
        ASSERT_GT(spent.size(), 20U);
        ASSERT_LT(refused_without_need, 60);
    }
}

TEST(window, a_length_that_no_rolling_window_has_is_refused) {
    for (std::chrono::nanoseconds const length : std::initializer_list<std::chrono::nanoseconds>{
             0ns, -1ns, 59s, 1min + 1ns, 90s + 500ms, days{366} + 1s, std::chrono::nanoseconds::max(),
             std::chrono::nanoseconds::min()}) {
        try {
            static_cast<void>(rolling(length));
            ADD_FAILURE() << length.count();
        } catch (std::invalid_argument const& e) {
            EXPECT_NE(std::string{e.what()}.find("from 1 minute to 366 days"), std::string::npos) << e.what();
        }
    }
    EXPECT_THROW(window{coffer::window_kind::rolling}, std::invalid_argument);
    EXPECT_THROW(static_cast<void>(rolling(1h).in(zone::fixed(1h))), std::invalid_argument);
    EXPECT_THROW(static_cast<void>(lifetime.in(zone::utc())), std::invalid_argument);
}

TEST(window, its_name_in_a_store_is_read_back) {
    auto const india = zone::fixed(5h + 30min);
    EXPECT_EQ(lifetime.text(), "lifetime");
    EXPECT_EQ(hourly.text(), "hour@UTC");
    EXPECT_EQ(monthly.in(india).text(), "month@UTC+05:30");
    EXPECT_EQ(rolling(24h).text(), "rolling/86400s");
    for (auto const& w : {lifetime, hourly, daily, monthly, hourly.in(india), daily.in(zone::fixed(-1min)),
                          rolling(1min), rolling(90s), rolling(days{366})})
        EXPECT_EQ(window::parse(w.text()), w) << w.text();
    auto const named = window::parse("day@Europe/Berlin");
    ASSERT_TRUE(named.has_value());
    EXPECT_EQ(named->kind(), coffer::window_kind::day);
    EXPECT_EQ(named->where().name(), "Europe/Berlin");
    EXPECT_EQ(named->text(), "day@Europe/Berlin");
    EXPECT_THROW(static_cast<void>(named->span_at(on(2026, 11, 22))), std::logic_error);
}

TEST(window, no_other_text_is_a_window) {
    for (auto const* text : {"",
                             "life",
                             "lifetime@UTC",
                             "day",
                             "day@",
                             "day@UTC+5",
                             "day@a b",
                             "days@UTC",
                             "week@UTC",
                             "Day@UTC",
                             "day@UTC ",
                             "rolling",
                             "rolling/",
                             "rolling/s",
                             "rolling/59s",
                             "rolling/060s",
                             "rolling/60",
                             "rolling/60s ",
                             "rolling/-60s",
                             "rolling/+60s",
                             "rolling/31622401s",
                             "rolling/4294967356s",
                             "rolling/99999999999999999999s",
                             "rolling@UTC"})
        EXPECT_FALSE(window::parse(text).has_value()) << text;
}

TEST(window, tells_people_which_one_it_is) {
    auto const start = on(2026, 11, 22);
    EXPECT_EQ(lifetime.describe(start), "lifetime");
    EXPECT_EQ(hourly.describe(start + 9h), "hour 2026-11-22 09:00 (UTC)");
    EXPECT_EQ(daily.describe(start), "day 2026-11-22 (UTC)");
    EXPECT_EQ(monthly.describe(on(2026, 3, 1)), "month 2026-03 (UTC)");
    auto const india = zone::fixed(5h + 30min);
    EXPECT_EQ(daily.in(india).describe(start - 5h - 30min), "day 2026-11-22 (UTC+05:30)");
    EXPECT_EQ(hourly.in(india).describe(start + 30min), "hour 2026-11-22 06:00 (UTC+05:30)");
    EXPECT_EQ(rolling(24h).describe(start), "the last 24 h");
    EXPECT_EQ(rolling(days{7}).describe(start), "the last 7 d");
    EXPECT_EQ(rolling(90min).describe(start), "the last 90 min");
    EXPECT_EQ(rolling(90s).describe(start), "the last 90 s");
    EXPECT_EQ(window::parse("day@Europe/Berlin")->describe(start - 1h),
              "day from 2026-11-21 23:00 UTC (Europe/Berlin)");
}

}  // namespace
}  // namespace window_test
