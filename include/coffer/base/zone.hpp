// SPDX-License-Identifier: BSL-1.0
#pragma once
// A time zone: how far its clocks are from UTC at an instant, and when that changes.
//
//     coffer::zone::utc()                                      // the default
//     coffer::zone::fixed(5h + 30min)                          // "UTC+05:30", the whole year
//     coffer::zone_named("Europe/Berlin")                      // <coffer/time/zones.hpp>, component coffer::zones

#include <coffer/config.hpp>

#include <chrono>
#include <cstddef>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

namespace coffer::inline COFFER_ABI {

/// A stretch of time, [begin, end), in which a zone's clocks show UTC plus `offset`.
struct zone_stretch {
    std::chrono::sys_seconds begin;  ///< its first second
    std::chrono::sys_seconds end;  ///< the first second after it
    std::chrono::seconds offset;  ///< what the clocks show more than UTC; negative west of Greenwich
};

/// A zone whose clocks change, for `zone` to hold. Stretches follow each other without a gap, and an offset is less than
/// 26 hours either way. Called from several threads at once.
class zone_rules {
public:
    zone_rules() = default;
    zone_rules(zone_rules const&) = delete;
    zone_rules& operator=(zone_rules const&) = delete;
    virtual ~zone_rules() = default;

    /// As in the time zone database, e.g. `America/Sao_Paulo`.
    [[nodiscard]] virtual std::string_view name() const noexcept = 0;
    /// The stretch that contains the instant. Throws `std::logic_error` if only the name is known.
    [[nodiscard]] virtual zone_stretch at(std::chrono::sys_seconds) const = 0;
    /// False: only the name is known, and `at` throws.
    [[nodiscard]] virtual bool known() const noexcept { return true; }
};

/// A small value: copying it copies an offset and a shared pointer. Zones are equal if their names are.
class zone {
public:
    constexpr zone() noexcept = default;  ///< UTC
    /// Always UTC.
    [[nodiscard]] static zone utc() noexcept { return {}; }

    /// Always the same offset, less than a day either way; throws `std::invalid_argument`.
    [[nodiscard]] static zone fixed(std::chrono::minutes offset);

    /// Reads `name()` back. Of any but UTC and fixed offsets only the name is known then: whatever needs its offset throws
    /// `std::logic_error`. Nothing for what cannot be a zone's name.
    [[nodiscard]] static std::optional<zone> parse(std::string_view name);

    /// Throws `std::invalid_argument` for rules without a name that a store's columns can hold.
    explicit zone(std::shared_ptr<zone_rules const> rules);

    /// `UTC`, `UTC+05:30`, or a name of the time zone database.
    [[nodiscard]] std::string name() const;

    /// False for a zone of which `parse` knows only the name.
    [[nodiscard]] bool knows_offsets() const noexcept { return !rules_ || rules_->known(); }

    /// The stretch that contains the instant.
    [[nodiscard]] zone_stretch at(std::chrono::sys_seconds instant) const;

    /// By name.
    friend bool operator==(zone const& a, zone const& b) {
        if (!a.rules_ || !b.rules_) return a.rules_ == b.rules_ && a.offset_ == b.offset_;
        return a.rules_->name() == b.rules_->name();
    }

    /// `+05:30`; with seconds, `+00:53:28`, where there are some.
    [[nodiscard]] static std::string offset_text(std::chrono::seconds offset);

private:
    [[nodiscard]] static bool can_be_a_name(std::string_view name) noexcept;

    std::shared_ptr<zone_rules const> rules_;  // none: always offset_
    std::chrono::minutes offset_{0};
};

namespace detail {

class unknown_rules final : public zone_rules {
public:
    explicit unknown_rules(std::string name) noexcept : name_{std::move(name)} {}
    [[nodiscard]] std::string_view name() const noexcept override { return name_; }
    [[nodiscard]] bool known() const noexcept override { return false; }
    [[nodiscard]] COFFER_INLINE zone_stretch at(std::chrono::sys_seconds) const override;

private:
    std::string name_;
};

}  // namespace detail

}  // namespace coffer::inline COFFER_ABI

#if !defined(COFFER_SEPARATE_COMPILATION)
#include <coffer/base/zone.ipp>
#endif
