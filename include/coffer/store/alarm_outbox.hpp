// SPDX-License-Identifier: BSL-1.0
#pragma once
// The part of the ledger concept that is about alarms: they are found where the money is accounted for, and kept there
// until somebody was told.

#include <coffer/base/outcome.hpp>
#include <coffer/state/alarm.hpp>
#include <coffer/state/ledger_rules.hpp>
#include <coffer/time/clock.hpp>
#include <coffer/time/completion.hpp>

#include <array>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace coffer::inline COFFER_ABI {

// In state/alarm_watch.hpp, with the rules: only who looks for alarms needs it.
struct alarm_watch;

/// What has become of an alarm.
enum class alarm_state : std::uint8_t {
    due,        ///< to be delivered, or being delivered
    delivered,  ///< every sink was told
    covered,    ///< another alarm, which rang at the same time or before, tells it
};

/// Its name, as outboxes store it.
[[nodiscard]] constexpr std::string_view to_string(alarm_state s) noexcept {
    constexpr std::array<std::string_view, 3> names{"due", "delivered", "covered"};
    return names[static_cast<std::size_t>(s)];
}

/// An alarm as it is kept.
struct kept_alarm {
    alarm_report what;  ///< what to tell
    alarm_state state = alarm_state::due;  ///< covered ones are kept so that they are not found again
    int tries = 0;                                         ///< to deliver it
    std::chrono::system_clock::time_point delivered{};     ///< the epoch: not yet
    std::string trouble;                                   ///< why it was not at the last try
};

/// Which alarms to look at.
struct alarm_filter {
    std::string scope{};  ///< this one and those inside it; empty: all
    bool undelivered_only = false;  ///< those that somebody has yet to be told of
    wall_time_point from = wall_time_point::min();  ///< found at or after
    std::size_t limit = 1000;  ///< at most so many, the newest

    /// But for the limit. One that is covered never is.
    [[nodiscard]] bool wants(kept_alarm const& a) const;
};

namespace detail {

/// Of one key; at 3 and 12 it rings.
inline constexpr int most_replays_counted = 12;
/// Longer than any pause before a delivery: what is due later was put there by a clock that has been set back since.
inline constexpr auto longest_alarm_pause = std::chrono::hours{1};

/// What a look has found, as an outbox keeps it: `keep(alarm, state)`.
template <class FoundAlarms, class Keep>
void keep_all(FoundAlarms const& found, Keep const& keep) {
    for (auto const& f : found) {
        keep(f.what, alarm_state::due);
        for (auto const& id : f.also) {
            auto other = f.what;
            other.id = id;
            keep(other, alarm_state::covered);
        }
    }
}

}  // namespace detail

/// Submitted, as the rest of a ledger's operations; see `ledger_backend`.
class alarm_outbox {
public:
    /// What an operation brings, once it is carried out: to be awaited, or dropped.
    template <class T>
    using result = completion<outcome<T>>;

    virtual ~alarm_outbox() = default;

    /// Looks for alarms, keeps those that are new, and freezes what is to be frozen for them, in one step. How many are
    /// new. They are durable before it completes.
    virtual result<std::size_t> look_for_alarms(alarm_watch const& watch) = 0;
    /// Alarms that are to be delivered now, the oldest first. For `lease` nobody else is given them.
    virtual result<std::vector<kept_alarm>> take_alarms(std::size_t most, duration lease) = 0;
    /// It was delivered.
    virtual result<void> alarm_delivered(std::string const& id) = 0;
    /// It could not be: to be tried again after `pause`.
    virtual result<void> alarm_failed(std::string const& id, std::string const& trouble, duration pause) = 0;
    /// Those that rang, newest first.
    virtual result<std::vector<kept_alarm>> alarms(alarm_filter const& filter) = 0;
};

}  // namespace coffer::inline COFFER_ABI

#if !defined(COFFER_SEPARATE_COMPILATION)
#include <coffer/store/alarm_outbox.ipp>
#endif
