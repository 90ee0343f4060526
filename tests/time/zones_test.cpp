// SPDX-License-Identifier: BSL-1.0
#include <coffer/state/window.hpp>
#include <coffer/time/zones.hpp>

#include "support/seeds.hpp"

#include <gtest/gtest.h>

#include <chrono>
#include <cstdint>
#include <fstream>
#include <optional>
#include <stdexcept>
#include <string>
#include <vector>

namespace zones_test {
namespace {

using namespace std::chrono_literals;
using coffer::zone_named;
using std::chrono::seconds;
using std::chrono::sys_days;
using std::chrono::sys_seconds;
using std::chrono::year;
using time_point = std::chrono::system_clock::time_point;

struct sample {
    std::string zone;
    sys_seconds instant;
    seconds offset;
};

std::vector<sample> samples() {
    std::ifstream in{COFFER_TESTS "/time/files/offsets.txt"};
    std::vector<sample> all;
    std::string zone;
    std::int64_t instant = 0;
    std::int64_t offset = 0;
    while (in >> zone >> instant >> offset) all.push_back({zone, sys_seconds{seconds{instant}}, seconds{offset}});
    return all;
}

TEST(zones, agree_with_python) {
    auto const all = samples();
    ASSERT_GT(all.size(), 700U);
    std::optional<coffer::zone> z;
    for (auto const& s : all) {
        if (!z || z->name() != s.zone) z = zone_named(s.zone);
        auto const stretch = z->at(s.instant);
        EXPECT_EQ(stretch.offset, s.offset) << s.zone << " " << s.instant.time_since_epoch().count();
        EXPECT_LE(stretch.begin, s.instant);
        EXPECT_LT(s.instant, stretch.end);
    }
}

TEST(zones, keep_the_name_that_they_were_asked_for_by) {
    EXPECT_EQ(zone_named("Asia/Calcutta").name(), "Asia/Calcutta");
    EXPECT_EQ(zone_named("Europe/Berlin"), zone_named("Europe/Berlin"));
    EXPECT_EQ(zone_named("UTC"), coffer::zone::utc());
    EXPECT_EQ(zone_named("Etc/UTC").name(), "Etc/UTC");
    EXPECT_TRUE(zone_named("Asia/Calcutta").knows_offsets());
}

TEST(zones, an_unknown_name_is_refused_with_advice) {
    for (auto const* name : {"Europe/Berlinn", "europe/berlin", "", "../../../etc/passwd", "UTC+1"}) {
        try {
            static_cast<void>(zone_named(name));
            ADD_FAILURE() << name;
        } catch (std::invalid_argument const& e) {
            EXPECT_NE(std::string{e.what()}.find("timedatectl list-timezones"), std::string::npos) << e.what();
        }
    }
}

struct odd_span {
    char const* what;
    coffer::window window;
    sys_seconds within;
    sys_seconds start;
    seconds lasts;
    char const* named;
};

TEST(zones, odd_days_hours_and_months) {
    using coffer::daily;
    using coffer::hourly;
    using coffer::monthly;
    auto const on = [](int y, unsigned m, unsigned d) {
        return sys_days{year{y} / std::chrono::month{m} / std::chrono::day{d}};
    };
    std::vector<odd_span> const all{
        {"23 hours", daily.in(zone_named("Europe/Berlin")), on(2024, 3, 31) + 12h, on(2024, 3, 30) + 23h, 23h,
         "day 2024-03-31 (Europe/Berlin)"},
        {"25 hours", daily.in(zone_named("Europe/Berlin")), on(2024, 10, 27) + 12h, on(2024, 10, 26) + 22h, 25h,
         "day 2024-10-27 (Europe/Berlin)"},
        {"no midnight", daily.in(zone_named("America/Sao_Paulo")), on(2018, 11, 4) + 12h, on(2018, 11, 4) + 3h, 23h,
         "day 2018-11-04 (America/Sao_Paulo)"},
        {"no midnight", daily.in(zone_named("Asia/Beirut")), on(2022, 3, 27) + 12h, on(2022, 3, 26) + 22h, 23h,
         "day 2022-03-27 (Asia/Beirut)"},
        {"the last hour twice", daily.in(zone_named("Asia/Beirut")), on(2022, 10, 29) + 21h + 30min,
         on(2022, 10, 28) + 21h, 25h, "day 2022-10-29 (Asia/Beirut)"},
        {"midnight twice: at 00:01 back to 23:01", daily.in(zone_named("America/St_Johns")), on(2010, 11, 7) + 3h,
         on(2010, 11, 7) + 2h + 30min, 25h, "day 2010-11-07 (America/St_Johns)"},
        {"a day that was not", daily.in(zone_named("Pacific/Apia")), on(2011, 12, 30) + 10h, on(2011, 12, 30) + 10h,
         24h, "day 2011-12-31 (Pacific/Apia)"},
        {"half an hour", hourly.in(zone_named("Australia/Lord_Howe")), on(2024, 4, 6) + 15h, on(2024, 4, 6) + 15h,
         30min, "hour 2024-04-07 01:30 +10:30 (Australia/Lord_Howe)"},
        {"two o'clock once more", hourly.in(zone_named("Europe/Berlin")), on(2024, 10, 27) + 1h + 5min,
         on(2024, 10, 27) + 1h, 1h, "hour 2024-10-27 02:00 +01:00 (Europe/Berlin)"},
        {"hours off UTC's", hourly.in(zone_named("Asia/Kathmandu")), on(2024, 1, 1) + 10min,
         on(2023, 12, 31) + 23h + 15min, 1h, "hour 2024-01-01 05:00 +05:45 (Asia/Kathmandu)"},
        {"an hour short", monthly.in(zone_named("America/New_York")), on(2024, 3, 1) + 6h, on(2024, 3, 1) + 5h,
         31 * 24h - 1h, "month 2024-03 (America/New_York)"},
    };
    for (auto const& odd : all) {
        auto const span = odd.window.span_at(odd.within);
        EXPECT_EQ(std::chrono::floor<seconds>(span.start), odd.start) << odd.what << " " << odd.named;
        EXPECT_EQ(span.end - span.start, odd.lasts) << odd.what << " " << odd.named;
        EXPECT_EQ(odd.window.describe(span.start), odd.named) << odd.what;
    }
}

TEST(zones, spans_neither_overlap_nor_leave_a_gap_from_1970_to_2100) {
    auto const all = samples();
    std::vector<coffer::zone> zones;
    for (auto const& s : all)
        if (zones.empty() || zones.back().name() != s.zone) zones.push_back(zone_named(s.zone));
    auto const check = [](coffer::window const& w, time_point t) {
        auto const span = w.span_at(t);
        ASSERT_LE(span.start, t) << w.text() << " " << t.time_since_epoch().count();
        ASSERT_LT(t, span.end) << w.text() << " " << t.time_since_epoch().count();
        ASSERT_EQ(w.span_at(span.start), span) << w.text() << " " << t.time_since_epoch().count();
        ASSERT_EQ(w.span_at(span.end - 1ns), span) << w.text() << " " << t.time_since_epoch().count();
        ASSERT_EQ(w.span_at(span.start - 1ns).end, span.start) << w.text() << " " << t.time_since_epoch().count();
        ASSERT_EQ(w.span_at(span.end).start, span.end) << w.text() << " " << t.time_since_epoch().count();
    };
    for (auto const& s : all)  // at and before the changes
        for (auto const& w : {coffer::hourly, coffer::daily, coffer::monthly})
            for (auto const off : {-90min, -30min, 0min, 30min, 90min})
                check(w.in(zone_named(s.zone)), s.instant + off);
    auto const until = sys_days{year{2100} / 1 / 1}.time_since_epoch();
    for (auto const seed : support::each_seed()) {
        support::dice dice{seed};
        auto const& z = zones[dice.below(zones.size())];
        time_point const t{seconds{dice.below(seconds{until}.count())} +
                           std::chrono::nanoseconds{dice.below(1'000'000'000)}};
        for (auto const& w : {coffer::hourly, coffer::daily, coffer::monthly}) check(w.in(z), t);
    }
}

}  // namespace
}  // namespace zones_test
