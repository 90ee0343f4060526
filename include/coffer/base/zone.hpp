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
#include <stdexcept>
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
    [[nodiscard]] static zone fixed(std::chrono::minutes offset) {
        constexpr std::chrono::minutes day = std::chrono::hours{24};
        if (offset <= -day || offset >= day)
            throw std::invalid_argument{"a zone's offset is less than 24 hours either way, not " +
                                        std::to_string(offset.count()) + " minutes"};
        zone z;
        z.offset_ = offset;
        return z;
    }

    /// Reads `name()` back. Of any but UTC and fixed offsets only the name is known then: whatever needs its offset throws
    /// `std::logic_error`. Nothing for what cannot be a zone's name.
    [[nodiscard]] static std::optional<zone> parse(std::string_view name);

    /// Throws `std::invalid_argument` for rules without a name that a store's columns can hold.
    explicit zone(std::shared_ptr<zone_rules const> rules) : rules_{std::move(rules)} {
        if (!rules_ || !can_be_a_name(rules_->name()))
            throw std::invalid_argument{
                "a zone's name is letters, digits and any of / _ - +, 64 at the most, like "
                "Europe/Berlin; one that begins with UTC is made by zone::utc and zone::fixed"};
    }

    /// `UTC`, `UTC+05:30`, or a name of the time zone database.
    [[nodiscard]] std::string name() const {
        return rules_ ? std::string{rules_->name()} : "UTC" + (offset_.count() == 0 ? "" : offset_text(offset_));
    }

    /// False for a zone of which `parse` knows only the name.
    [[nodiscard]] bool knows_offsets() const noexcept { return !rules_ || rules_->known(); }

    /// The stretch that contains the instant.
    [[nodiscard]] zone_stretch at(std::chrono::sys_seconds instant) const {
        using std::chrono::sys_seconds;
        return rules_ ? rules_->at(instant) : zone_stretch{sys_seconds::min(), sys_seconds::max(), offset_};
    }

    /// By name.
    friend bool operator==(zone const& a, zone const& b) {
        if (!a.rules_ || !b.rules_) return a.rules_ == b.rules_ && a.offset_ == b.offset_;
        return a.rules_->name() == b.rules_->name();
    }

    /// `+05:30`; with seconds, `+00:53:28`, where there are some.
    [[nodiscard]] static std::string offset_text(std::chrono::seconds offset) {
        auto const apart = std::chrono::hh_mm_ss{offset};
        auto const two = [](auto n) {
            auto const digits = std::to_string(n.count());
            return digits.size() < 2 ? "0" + digits : digits;
        };
        auto text = (apart.is_negative() ? "-" : "+") + two(apart.hours()) + ":" + two(apart.minutes());
        return apart.seconds().count() == 0 ? text : text + ":" + two(apart.seconds());
    }

private:
    [[nodiscard]] static bool can_be_a_name(std::string_view name) noexcept {
        constexpr std::string_view allowed = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789/_-+";
        return !name.empty() && name.size() <= 64 && name.find_first_not_of(allowed) == std::string_view::npos &&
               !name.starts_with("UTC");
    }

    std::shared_ptr<zone_rules const> rules_;  // none: always offset_
    std::chrono::minutes offset_{0};
};

namespace detail {

class unknown_rules final : public zone_rules {
public:
    explicit unknown_rules(std::string name) noexcept : name_{std::move(name)} {}
    [[nodiscard]] std::string_view name() const noexcept override { return name_; }
    [[nodiscard]] bool known() const noexcept override { return false; }
    [[nodiscard]] zone_stretch at(std::chrono::sys_seconds) const override {
        throw std::logic_error{
            "of the zone " + name_ +
            " only the name is known here; make it with coffer::zone_named, <coffer/time/zones.hpp>"};
    }

private:
    std::string name_;
};

}  // namespace detail

inline std::optional<zone> zone::parse(std::string_view name) {
    if (name == "UTC") return utc();
    if (can_be_a_name(name)) return zone{std::make_shared<detail::unknown_rules>(std::string{name})};
    // Only what fixed() writes: UTC, a sign, two digits, a colon, two digits.
    constexpr std::string_view shape = "UTC+00:00";
    if (name.size() != shape.size() || !name.starts_with("UTC")) return {};
    auto const digit = [name](std::size_t i) { return name[i] >= '0' && name[i] <= '9' ? name[i] - '0' : 99; };
    auto const minutes = (digit(4) * 10 + digit(5)) * 60 + digit(7) * 10 + digit(8);
    if (minutes >= 24 * 60) return {};
    auto z = fixed(std::chrono::minutes{name[3] == '-' ? -minutes : minutes});
    return z.name() == name ? std::optional{std::move(z)} : std::nullopt;
}

}  // namespace coffer::inline COFFER_ABI
