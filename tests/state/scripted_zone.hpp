// SPDX-License-Identifier: BSL-1.0
#pragma once
// A zone with the changes that a test writes down, or draws.

#include <coffer/base/zone.hpp>

#include "support/seeds.hpp"

#include <algorithm>
#include <chrono>
#include <memory>
#include <string_view>
#include <utility>
#include <vector>

namespace support {

struct zone_change {
    std::chrono::sys_seconds when;
    std::chrono::seconds offset;  // from then on
};

class scripted_rules final : public coffer::zone_rules {
public:
    scripted_rules(std::chrono::seconds at_first, std::vector<zone_change> changes)
        : at_first_{at_first}, changes_{std::move(changes)} {}
    [[nodiscard]] std::string_view name() const noexcept override { return "Test/Town"; }
    [[nodiscard]] coffer::zone_stretch at(std::chrono::sys_seconds t) const override {
        auto const after = std::find_if(changes_.begin(), changes_.end(), [t](auto const& c) { return t < c.when; });
        auto const first = after == changes_.begin();
        return {first ? std::chrono::sys_seconds::min() : std::prev(after)->when,
                after == changes_.end() ? std::chrono::sys_seconds::max() : after->when,
                first ? at_first_ : std::prev(after)->offset};
    }

private:
    std::chrono::seconds at_first_;
    std::vector<zone_change> changes_;
};

/// Worse than any government: changes hours to months apart, of minutes or of a whole day, at any minute, from 2000 on.
inline std::vector<zone_change> drawn_changes(dice& d) {
    std::vector<zone_change> changes(d.below(30U));
    std::chrono::sys_seconds when = std::chrono::sys_days{std::chrono::year{2000} / 1 / 1};
    for (auto& change : changes) {
        when += std::chrono::minutes{1 + d.below(d.one_in(2) ? 3 * 60 : 60 * 24 * 60)};
        change.when = when;
        change.offset = d.one_in(4) ? std::chrono::seconds{d.below(2 * 25 * 3600) - 25 * 3600}
                                    : std::chrono::minutes{30 * (d.below(56) - 24)};
    }
    return changes;
}

}  // namespace support
