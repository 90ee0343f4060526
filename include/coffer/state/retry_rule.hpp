// SPDX-License-Identifier: BSL-1.0
#pragma once
// Whether, and when, to try again: pure, with the time and chance passed in.

#include <coffer/base/defaults.hpp>
#include <coffer/base/fault.hpp>
#include <coffer/base/later.hpp>
#include <coffer/state/delay_schedule.hpp>
#include <coffer/state/stop_condition.hpp>

#include <chrono>
#include <cstdint>
#include <limits>

namespace coffer::inline COFFER_ABI {

/// Options of `retry`. All members are trivially destructible, so that it may be written inline anywhere.
struct retry_options {
    using duration = std::chrono::nanoseconds;  ///< whatever unit it is given in

    int attempts = defaults::attempts;    ///< in all, the first one included; 1 never tries again
    /// Of them not proven unbilled: what may be billed is sent so often at the most. Under a journal its own limit holds
    /// instead.
    int max_sends = defaults::max_sends;
    /// Full jitter, from 0.5 s doubling to 30 s.
    delay_schedule schedule =
        backoff{growth::exponential, jitter::full, defaults::backoff_base, defaults::backoff_cap, 2.0};
    kind_schedules schedule_for{};  ///< instead of it, after faults of these kinds
    stop_condition stop{};  ///< besides `attempts`, sends and the deadline
    duration ambiguous_delay =
        defaults::ambiguous_delay;  ///< at least so long before an ambiguous attempt is sent again
    double ambiguous_spread = defaults::ambiguous_spread;  ///< up to this part of it is added to it at random
    /// A longer hint of the provider ends the call at once; 0: every hint does.
    duration hint_ceiling = defaults::hint_ceiling;
    double hint_spread = defaults::hint_spread;  ///< up to this part of a hint is added to it at random
    duration attempt_timeout = defaults::attempt_timeout;  ///< of each attempt
};

/// What the user's rule may say about a failed attempt.
class retry_decision {
public:
    /// What it says; `yes_after` has a delay.
    enum class kind : std::uint8_t { by_table, no, yes, yes_after };
    /// No opinion: the fault table decides.
    [[nodiscard]] static constexpr retry_decision by_table() noexcept { return retry_decision{kind::by_table, {}}; }
    /// Not again, whatever the table says.
    [[nodiscard]] static constexpr retry_decision no() noexcept { return retry_decision{kind::no, {}}; }
    /// Again, also where the table says no; attempts, sends and the deadline still hold.
    [[nodiscard]] static constexpr retry_decision yes() noexcept { return retry_decision{kind::yes, {}}; }
    /// Yes, not before `d`: a floor, as a provider's hint is.
    [[nodiscard]] static constexpr retry_decision yes_after(std::chrono::nanoseconds d) noexcept {
        return retry_decision{kind::yes_after, d};
    }
    /// What was said.
    [[nodiscard]] constexpr kind what() const noexcept { return what_; }
    /// Of `yes_after`; otherwise zero.
    [[nodiscard]] constexpr std::chrono::nanoseconds floor() const noexcept { return floor_; }

private:
    constexpr retry_decision(kind k, std::chrono::nanoseconds d) noexcept : what_{k}, floor_{d} {}
    kind what_;
    std::chrono::nanoseconds floor_;
};

/// What decides besides the fault.
struct retry_facts {
    int attempts_made = 1;  ///< the one that has just ended included
    int attempts_allowed = std::numeric_limits<int>::max();  ///< by others, besides the options
    int sends_left = 0;  ///< sends that may still be made
    int unproven = 0;  ///< attempts that are not proven unbilled
    bool repaired = false;  ///< the next attempt asks something else (call/repair.hpp)
    int same_fault = 1;  ///< as many of the last ones failed for the same kind
    retry_decision user = retry_decision::by_table();  ///< what the user's rule says
    std::chrono::steady_clock::time_point now{};  ///< by the call's clock, at the attempt's end
    std::chrono::steady_clock::time_point deadline = std::chrono::steady_clock::time_point::max();  ///< of the call
    std::chrono::steady_clock::time_point began{};  ///< the first attempt
    delay_schedule::draws draws{};  ///< in [0, 1), for the parts of the schedule
    double spread_draw = 0;  ///< in [0, 1), for the spread of a hint, or of `ambiguous_delay`
    delay_schedule::memory previous{};  ///< what the schedule drew last time
};

/// Which of its parts made a delay as long as it is.
enum class delay_source : std::uint8_t { backoff, provider_hint, ambiguous_floor, repair };

/// The answer: again after `delay`, or why not.
struct retry_verdict {
    bool again = false;  ///< another attempt is made
    std::chrono::nanoseconds delay{0};  ///< from the attempt's end
    delay_source source = delay_source::backoff;  ///< what the log calls the wait
    stop_reason stop = stop_reason::none;  ///< why not; none where it is made
    delay_schedule::memory drawn{};  ///< `previous` for the next time
};

/// The schedule that holds after such a fault.
[[nodiscard]] constexpr delay_schedule const& schedule_after(retry_options const& o, fault_kind kind) noexcept {
    auto const* const own = o.schedule_for.of(kind);
    return own != nullptr ? *own : o.schedule;
}

/// `floor` and up to `part` of it. Saturates; no part that is negative or not a number.
[[nodiscard]] std::chrono::nanoseconds spread_upwards(std::chrono::nanoseconds floor, double part) noexcept;

/// Decides. In this order: may it help at all; are attempts left; are sends left; how long; does the stop condition hold; is
/// there time for it.
///
/// A hint is a floor, spread upwards only. An attempt that may have been executed is not sent again before
/// `ambiguous_delay`, since a brown-out must not eat both sends in a second. That is spread, too: a provider that breaks off
/// thousands of attempts in one moment would get all of them back in another one. A repaired
/// request is another one: there is nothing to wait for, but a hint.
[[nodiscard]] retry_verdict decide_retry(retry_options const& o, fault const& why, retry_facts const& f) noexcept;

}  // namespace coffer::inline COFFER_ABI

#if !defined(COFFER_SEPARATE_COMPILATION)
#include <coffer/state/retry_rule.ipp>
#endif
