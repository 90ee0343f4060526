// SPDX-License-Identifier: BSL-1.0
#pragma once
// An alarm: what the rules of state/alarm_rules.hpp find, and what an outbox delivers.

#include <coffer/base/money.hpp>

#include <array>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

namespace coffer::inline COFFER_ABI {

/// What rang. Each has a rule of its own in `alarm_rules`.
enum class alarm_kind : std::uint8_t {
    threshold,       ///< a part of a limit is committed
    burn_rate,       ///< at this pace the limit is reached before its window ends
    anomaly,         ///< far more than the scope usually spends
    replay_storm,    ///< one key asked for again and again, and never acknowledged; it costs nothing
    duplicate_work,  ///< one piece of work paid for under several keys
    overrun,         ///< a send has cost more than its upper bound
    stopped_job,     ///< no run of a job begins until somebody reopens it
    denial,          ///< calls are refused: what is left of a limit is too little for them
};

/// How soon somebody should look.
enum class alarm_severity : std::uint8_t {
    notice,    ///< to know
    warning,   ///< to look at today
    critical,  ///< to look at now
};

/// Its name, as in the source: part of an alarm's id, so it does not change.
[[nodiscard]] constexpr std::string_view to_string(alarm_kind k) noexcept {
    constexpr std::array<std::string_view, 8> names{"threshold",      "burn_rate", "anomaly",     "replay_storm",
                                                    "duplicate_work", "overrun",   "stopped_job", "denial"};
    return names.at(static_cast<std::size_t>(k));
}
/// Its name, as in the source.
[[nodiscard]] constexpr std::string_view to_string(alarm_severity s) noexcept {
    constexpr std::array<std::string_view, 3> names{"notice", "warning", "critical"};
    return names.at(static_cast<std::size_t>(s));
}

/// A value. Names scopes and keys as a store shows them, and holds no text of a request.
/// An alarm, as it is kept and delivered. A value. Names scopes and keys as a store shows them, and holds no text of a
/// request.
struct alarm_report {
    alarm_kind kind = alarm_kind::threshold;  ///< which rule
    alarm_severity severity = alarm_severity::warning;  ///< how soon to look
    std::string scope;  ///< whose money; of a key or a job, its namespace
    std::string window;  ///< `window::text()`; empty where no limit is concerned
    money amount;        ///< what was spent, or committed
    money against;       ///< the limit, or what is usual
    std::chrono::system_clock::time_point when;  ///< the moment that the rule was asked about
    std::string id;        ///< the same for the same thing, in every process: deliver one alarm of an id
    std::string sentence;  ///< for people: what happened, and what to do

    friend bool operator==(alarm_report const&, alarm_report const&) = default;
};

/// An amount for people: `$20.10`, `$0.000150`. Cents, rounded up; millionths below a dollar.
[[nodiscard]] std::string in_dollars(money m);

}  // namespace coffer::inline COFFER_ABI

#if !defined(COFFER_SEPARATE_COMPILATION)
#include <coffer/state/alarm.ipp>
#endif
