// SPDX-License-Identifier: BSL-1.0
#pragma once
// Whether, and when, a second request is started beside one that has not answered yet: pure, with the time passed in.

#include <coffer/base/defaults.hpp>
#include <coffer/base/fault.hpp>

#include <algorithm>
#include <chrono>
#include <cstdint>
#include <optional>
#include <string_view>

namespace coffer::inline COFFER_ABI {

/// Options of `hedge`. All members are trivially destructible, so that it may be written inline anywhere.
struct hedge_options {
    std::chrono::nanoseconds delay = defaults::hedge_delay;  ///< until enough answers are known, or always with
        ///< `percentile = 0`
    double percentile =
        defaults::hedge_percentile;  ///< of the primary's answers take less: who takes longer is hedged; 0
        ///< for the fixed delay, else 50 to 99.9
    std::chrono::nanoseconds least_delay = defaults::hedge_least_delay;  ///< however quick the answers are
    int minimum = defaults::hedge_minimum;  ///< answers in the window before the percentile is used
    std::chrono::nanoseconds window = defaults::hedge_window;  ///< an answer so long ago counts half
    int hedges = 1;  ///< of one call; the next one starts when that of before has run for the delay too
    double ratio = defaults::hedge_ratio;  ///< hedges per call, in the long run
    int burst = defaults::hedge_burst;  ///< hedges that are saved up at the most, and at the beginning
    int max_sends = defaults::max_sends;  ///< not proven unbilled, in all; under a journal its own limit holds instead
    bool cancel_loser = false;  ///< a send that lost is cut off, though it is paid for and its cost becomes unknown

    /// Throws `std::invalid_argument` for options that cannot be meant.
    void check() const;
};

/// Hedges that calls have earned: each call a part of one. A window of a ratio would let none through where there are few
/// calls, and everything at the moment when all become slow; what is saved up is bounded instead.
class hedge_credit {
public:
    /// Full at first: `burst` hedges, and `ratio` of one for each call.
    hedge_credit(double ratio, int burst) noexcept;

    /// A call has begun.
    void called() noexcept { saved_ = std::min(saved_ + per_call_, most_); }
    /// Takes a hedge; false: there is none to be had.
    [[nodiscard]] bool take() noexcept;
    /// It was not made after all.
    void give_back() noexcept { saved_ = std::min(saved_ + one, most_); }
    /// Hedges, parts of one included.
    [[nodiscard]] double left() const noexcept;

private:
    static constexpr std::int64_t one = 1'000'000;
    std::int64_t per_call_;
    std::int64_t most_;
    std::int64_t saved_;
};

/// Why there is no hedge.
enum class hedge_no : std::uint8_t {
    none,  ///< there is one
    enough,  ///< there are as many as allowed
    sends_spent,  ///< another send might exceed `max_sends`
    cannot_help,  ///< an attempt has failed in a way that the other target cannot mend
    too_late,  ///< the deadline is nearer than an answer takes
    ratio,  ///< too many calls are slow
    quota,  ///< retries and hedges have used up what they share
    unwanted,  ///< nobody waits any more, or the process is shutting down
    ended,  ///< the primary has ended meanwhile
};

/// A word for events and logs; empty for `none`.
[[nodiscard]] constexpr std::string_view to_string(hedge_no why) noexcept {
    switch (why) {
        case hedge_no::none: return "";
        case hedge_no::enough: return "enough";
        case hedge_no::sends_spent: return "sends_spent";
        case hedge_no::cannot_help: return "cannot_help";
        case hedge_no::too_late: return "too_late";
        case hedge_no::ratio: return "ratio";
        case hedge_no::quota: return "quota";
        case hedge_no::unwanted: return "unwanted";
        case hedge_no::ended: return "ended";
    }
    return "";
}

/// What decides besides the options. Ratio and quota are asked for afterwards: asking takes.
struct hedge_facts {
    int started = 0;  ///< hedges of this call so far
    bool elsewhere = false;  ///< it would go to another target than the primary
    bool wanted = true;  ///< somebody waits for the answer
    bool sending = true;  ///< a send of the primary is under way
    std::optional<fault_kind> failed{};  ///< how the primary's last attempt ended, if one has
    int sends_left = 0;  ///< for hedges: besides those that the branches under way may still need
    std::chrono::nanoseconds left = std::chrono::nanoseconds::max();  ///< until the call's deadline
    std::chrono::nanoseconds usual{};  ///< half of the answers take longer
};

/// The answer: now, later, or never, and why not.
struct hedge_verdict {
    /// What is done.
    enum class what : std::uint8_t {
        start,
        later,  ///< the same is asked again after the delay
        never,  ///< not for this call
    };
    what then = what::start;  ///< `later` and `never` have a reason
    hedge_no why = hedge_no::none;  ///< `none` where one starts
};

/// Can a second request help where an attempt ended so? Another target: as the fault table says of other targets. The same
/// one: where another try can help, and not where it has just asked for less.
[[nodiscard]] constexpr bool hedge_helps(fault_kind failed, bool elsewhere) noexcept {
    if (elsewhere) return row(failed).try_other == other_target::yes;
    return row(failed).retry_same && failed != fault_kind::throttled && failed != fault_kind::overloaded;
}

/// Decides. A second request to the same target is of no use while the first one waits for its turn, or for a retry: it would
/// only wait behind it, at the same gates.
[[nodiscard]] hedge_verdict decide_hedge(hedge_options const& o, hedge_facts const& f) noexcept;

}  // namespace coffer::inline COFFER_ABI

#if !defined(COFFER_SEPARATE_COMPILATION)
#include <coffer/state/hedge_rule.ipp>
#endif
