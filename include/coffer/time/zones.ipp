// SPDX-License-Identifier: BSL-1.0
#pragma once
// Definitions of zones.hpp.

#include <coffer/time/zones.hpp>

#include <exception>
#include <memory>
#include <stdexcept>
#include <utility>

namespace coffer::inline COFFER_ABI {

namespace detail {

COFFER_INLINE database_rules::database_rules(std::string name, zone_database::time_zone const* entry)
    : name_{std::move(name)}, entry_{entry} {}

COFFER_INLINE zone_stretch database_rules::at(std::chrono::sys_seconds instant) const {
    auto const info = entry_->get_info(instant);
    return {info.begin, info.end, info.offset};
}

}  // namespace detail

COFFER_INLINE zone zone_named(std::string_view name) {
    if (name == "UTC") return zone::utc();
    try {
        static_cast<void>(detail::zone_database::get_tzdb());
    } catch (std::exception const& e) {
        throw std::runtime_error{std::string{"the system has no time zone database: install tzdata. "} + e.what()};
    }
    detail::zone_database::time_zone const* entry = nullptr;
    try {
        entry = detail::zone_database::locate_zone(name);
    } catch (std::runtime_error const&) {
        throw std::invalid_argument{"the time zone database has no \"" + std::string{name} +
                                    "\": write it as `timedatectl list-timezones` does, e.g. Europe/Berlin; a fixed "
                                    "offset is zone::fixed(2h)"};
    }
    zone found{std::make_shared<detail::database_rules>(std::string{name}, entry)};
    static_cast<void>(found.at({}));  // reads its file now: what is wrong with it is said here
    return found;
}

}  // namespace coffer::inline COFFER_ABI
