// SPDX-License-Identifier: BSL-1.0
#pragma once
// Definitions of repetition.hpp.

#include <coffer/state/repetition.hpp>

#include <algorithm>

namespace coffer::inline COFFER_ABI {

COFFER_INLINE std::optional<alarm_report> replay_storm_rule::look(std::string const& scope, std::string const& key,
                                                                  std::int64_t before, std::int64_t times, money saved,
                                                                  std::chrono::system_clock::time_point now) const {
    auto const rings = detail::rings_by(times, replays);
    if (rings == detail::rings_by(before, replays)) return {};
    return alarm_report{
        alarm_kind::replay_storm,
        rings > 1 ? alarm_severity::critical : alarm_severity::warning,
        scope,
        "",
        saved,
        money{},
        now,
        std::string{to_string(alarm_kind::replay_storm)} + "|" + key + "|" + std::to_string(rings),
        key + " was answered " + std::to_string(times) +
            " times from the store and never acknowledged: its job seems to fail after the answer. Nothing was "
            "paid for again. Look at the job's last step, and acknowledge the key when it succeeds."};
}

COFFER_INLINE std::optional<alarm_report> duplicate_work_rule::look(std::string const& scope, std::string const& work,
                                                                    repeated_work const& before,
                                                                    repeated_work const& after,
                                                                    std::chrono::system_clock::time_point now) const {
    auto const rings = rings_by(after);
    if (rings <= rings_by(before)) return {};
    auto const in_vain = after.paid - after.dearest;
    return alarm_report{
        alarm_kind::duplicate_work,
        rings > 1 ? alarm_severity::critical : alarm_severity::warning,
        scope,
        "",
        in_vain,
        after.dearest,
        now,
        std::string{to_string(alarm_kind::duplicate_work)} + "|" + scope + "|" + work + "|" +
            std::to_string(now.time_since_epoch() / std::max(within, std::chrono::hours{1})) + "|" +
            std::to_string(rings),
        "The same work (" + work + ") was paid for under " + std::to_string(after.keys) + " keys in " + scope + ", " +
            in_dollars(in_vain) +
            " more than once would cost. Look whether a job repeats itself, and make the key from what makes "
            "the work the same, not from the time or the run."};
}

COFFER_INLINE int duplicate_work_rule::rings_by(repeated_work const& w) const noexcept {
    return w.paid - w.dearest < wasted ? 0 : detail::rings_by(w.keys, keys);
}

}  // namespace coffer::inline COFFER_ABI
