// SPDX-License-Identifier: BSL-1.0
#pragma once
// Zones by name, from the system's time zone database. Component coffer::zones.
//
//     coffer::budget{db, {.scope = "team/search", .limit = 25_usd, .window = coffer::daily.in(coffer::zone_named("Europe/Berlin"))}}
//
// The standard library reads the database where it can (libstdc++ from 14 on); elsewhere Howard Hinnant's date library, from
// which the standard has it, does. A database changes: governments do, and what was promised for next year may not come.
// The zone keeps the name that it was asked for by, also if that is an old one (Asia/Calcutta).

#include <coffer/base/zone.hpp>

#include <chrono>
#include <string>
#include <string_view>

#if !defined(__cpp_lib_chrono) || __cpp_lib_chrono < 201907L
#include <date/tz.h>
#endif

namespace coffer::inline COFFER_ABI {
namespace detail {

#if !defined(__cpp_lib_chrono) || __cpp_lib_chrono < 201907L
namespace zone_database = date;
#else
namespace zone_database = std::chrono;
#endif

class database_rules final : public zone_rules {
public:
    database_rules(std::string name, zone_database::time_zone const* entry);
    [[nodiscard]] std::string_view name() const noexcept override { return name_; }
    [[nodiscard]] COFFER_INLINE zone_stretch at(std::chrono::sys_seconds instant) const override;

private:
    std::string name_;
    zone_database::time_zone const* entry_;  // the database is never unloaded
};

}  // namespace detail

/// The zone of that name, e.g. `America/Sao_Paulo`; "UTC" is `zone::utc()`. Reads files at the first use of a zone.
///
/// Throws `std::invalid_argument` for a name that the database does not have, `std::runtime_error` if there is no database.
/// Thread-safe.
[[nodiscard]] zone zone_named(std::string_view name);

}  // namespace coffer::inline COFFER_ABI

#if !defined(COFFER_SEPARATE_COMPILATION)
#include <coffer/time/zones.ipp>
#endif
