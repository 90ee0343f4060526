// SPDX-License-Identifier: BSL-1.0
#include <coffer/base/zone.hpp>

#include <gtest/gtest.h>

#include <chrono>
#include <memory>
#include <stdexcept>
#include <string>
#include <string_view>
#include <utility>

namespace zone_test {
namespace {

using namespace std::chrono_literals;
using coffer::zone;
using std::chrono::sys_days;
using std::chrono::sys_seconds;

class summer_time final : public coffer::zone_rules {
public:
    explicit summer_time(std::string name) : name_{std::move(name)} {}
    [[nodiscard]] std::string_view name() const noexcept override { return name_; }
    [[nodiscard]] coffer::zone_stretch at(sys_seconds t) const override {
        auto const change = sys_seconds{1000s};
        return t < change ? coffer::zone_stretch{sys_seconds::min(), change, 1h}
                          : coffer::zone_stretch{change, sys_seconds::max(), 2h};
    }

private:
    std::string name_;
};

zone made(std::string name) { return zone{std::make_shared<summer_time>(std::move(name))}; }

TEST(zone, is_utc_unless_said_otherwise) {
    EXPECT_EQ(zone{}, zone::utc());
    EXPECT_EQ(zone{}.name(), "UTC");
    EXPECT_EQ(zone{}.at(sys_seconds{}).offset, 0s);
    EXPECT_TRUE(zone{}.knows_offsets());
}

TEST(zone, a_fixed_one_is_named_by_its_offset) {
    EXPECT_EQ(zone::fixed(5h + 30min).name(), "UTC+05:30");
    EXPECT_EQ(zone::fixed(-3h).name(), "UTC-03:00");
    EXPECT_EQ(zone::fixed(-30min).name(), "UTC-00:30");
    EXPECT_EQ(zone::fixed(23h + 59min).name(), "UTC+23:59");
    EXPECT_EQ(zone::fixed(0min), zone::utc());
    auto const stretch = zone::fixed(-90min).at(sys_days{std::chrono::year{2026} / 11 / 22});
    EXPECT_EQ(stretch.offset, -90min);
    EXPECT_EQ(stretch.begin, sys_seconds::min());
    EXPECT_EQ(stretch.end, sys_seconds::max());
}

TEST(zone, no_offset_is_a_day_or_more) {
    EXPECT_THROW(static_cast<void>(zone::fixed(24h)), std::invalid_argument);
    EXPECT_THROW(static_cast<void>(zone::fixed(-24h)), std::invalid_argument);
    EXPECT_THROW(static_cast<void>(zone::fixed(std::chrono::minutes::max())), std::invalid_argument);
}

TEST(zone, shows_what_its_rules_say) {
    auto const z = made("Here/Town");
    EXPECT_EQ(z.name(), "Here/Town");
    EXPECT_EQ(z.at(sys_seconds{999s}).offset, 1h);
    EXPECT_EQ(z.at(sys_seconds{1000s}).offset, 2h);
}

TEST(zone, is_equal_to_what_has_its_name) {
    EXPECT_EQ(made("Here/Town"), made("Here/Town"));
    EXPECT_NE(made("Here/Town"), made("Here/Village"));
    EXPECT_NE(made("Here/Town"), zone::utc());
    EXPECT_NE(zone::fixed(1h), zone::fixed(2h));
    EXPECT_EQ(made("Here/Town"), *zone::parse("Here/Town"));
}

TEST(zone, a_name_that_a_store_cannot_hold_or_that_says_utc_is_refused) {
    for (auto const* name : {"", "Here Town", "Here@Town", "Here\nTown", "UTC", "UTC+01:00", "Größe"})
        EXPECT_THROW(made(name), std::invalid_argument) << name;
    EXPECT_THROW(made(std::string(65, 'a')), std::invalid_argument);
    EXPECT_THROW(zone{std::shared_ptr<coffer::zone_rules const>{}}, std::invalid_argument);
    EXPECT_NO_THROW(made("America/Port-au-Prince"));
    EXPECT_NO_THROW(made("Etc/GMT+12"));
}

TEST(zone, is_read_back_from_its_name) {
    for (auto const offset : {0min, 1min, -1min, 330min, -720min, 1439min, -1439min})
        EXPECT_EQ(zone::parse(zone::fixed(offset).name()), zone::fixed(offset)) << offset.count();
    auto const z = zone::parse("Europe/Berlin");
    ASSERT_TRUE(z.has_value());
    EXPECT_EQ(z->name(), "Europe/Berlin");
    for (auto const* name : {"", "UTC+5:30", "UTC+05:60", "UTC+24:00", "UTC 05:30", "UTC+05:3x", "UTC+00:00",
                             "UTC-00:00", "UTC+05.30", "utc time", "UTC+05:30 "})
        EXPECT_FALSE(zone::parse(name).has_value()) << name;
}

TEST(zone, of_which_only_the_name_is_known_says_how_to_make_it) {
    auto const z = *zone::parse("Europe/Berlin");
    EXPECT_FALSE(z.knows_offsets());
    try {
        static_cast<void>(z.at(sys_seconds{}));
        ADD_FAILURE() << "an offset of nothing";
    } catch (std::logic_error const& e) {
        EXPECT_NE(std::string_view{e.what()}.find("zone_named"), std::string_view::npos) << e.what();
    }
}

TEST(zone, offsets_of_former_times_have_seconds) {
    EXPECT_EQ(zone::offset_text(3208s), "+00:53:28");
    EXPECT_EQ(zone::offset_text(-44min - 30s), "-00:44:30");
    EXPECT_EQ(zone::offset_text(0s), "+00:00");
}

}  // namespace
}  // namespace zone_test
