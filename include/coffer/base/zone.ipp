// SPDX-License-Identifier: BSL-1.0
#pragma once
// Definitions of zone.hpp.

#include <coffer/base/zone.hpp>

#include <stdexcept>

namespace coffer::inline COFFER_ABI {

COFFER_INLINE zone zone::fixed(std::chrono::minutes offset) {
    constexpr std::chrono::minutes day = std::chrono::hours{24};
    if (offset <= -day || offset >= day)
        throw std::invalid_argument{"a zone's offset is less than 24 hours either way, not " +
                                    std::to_string(offset.count()) + " minutes"};
    zone z;
    z.offset_ = offset;
    return z;
}

COFFER_INLINE zone::zone(std::shared_ptr<zone_rules const> rules) : rules_{std::move(rules)} {
    if (!rules_ || !can_be_a_name(rules_->name()))
        throw std::invalid_argument{
            "a zone's name is letters, digits and any of / _ - +, 64 at the most, like "
            "Europe/Berlin; one that begins with UTC is made by zone::utc and zone::fixed"};
}

COFFER_INLINE std::string zone::name() const {
    return rules_ ? std::string{rules_->name()} : "UTC" + (offset_.count() == 0 ? "" : offset_text(offset_));
}

COFFER_INLINE zone_stretch zone::at(std::chrono::sys_seconds instant) const {
    using std::chrono::sys_seconds;
    return rules_ ? rules_->at(instant) : zone_stretch{sys_seconds::min(), sys_seconds::max(), offset_};
}

COFFER_INLINE std::string zone::offset_text(std::chrono::seconds offset) {
    auto const apart = std::chrono::hh_mm_ss{offset};
    auto const two = [](auto n) {
        auto const digits = std::to_string(n.count());
        return digits.size() < 2 ? "0" + digits : digits;
    };
    auto text = (apart.is_negative() ? "-" : "+") + two(apart.hours()) + ":" + two(apart.minutes());
    return apart.seconds().count() == 0 ? text : text + ":" + two(apart.seconds());
}

COFFER_INLINE bool zone::can_be_a_name(std::string_view name) noexcept {
    constexpr std::string_view allowed = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789/_-+";
    return !name.empty() && name.size() <= 64 && name.find_first_not_of(allowed) == std::string_view::npos &&
           !name.starts_with("UTC");
}

namespace detail {

COFFER_INLINE zone_stretch unknown_rules::at(std::chrono::sys_seconds) const {
    throw std::logic_error{"of the zone " + name_ +
                           " only the name is known here; make it with coffer::zone_named, <coffer/time/zones.hpp>"};
}

}  // namespace detail

  // namespace detail
COFFER_INLINE std::optional<zone> zone::parse(std::string_view name) {
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
