// SPDX-License-Identifier: BSL-1.0
#pragma once
// What time it surely is: a wall clock that is wrong for a while must not make anything expire. No I/O, time passed in.
//
//     trusted_wall time{first};                        // the first clock is believed
//     time.observe({boot, steady, wall});              // now and then, by whoever works on what the time is for
//     time.at({boot, steady, wall});                   // never goes back; never far ahead of the steady clock
//
// Trusted time runs with the steady clock. A wall clock behind it changes nothing; one a little ahead sets it; one far
// ahead is doubted, and believed when it has stayed ahead for a day: a machine that was off, suspended or had a wrong
// clock at first catches up without anybody's help.

#include <coffer/base/later.hpp>

#include <chrono>
#include <string>
#include <string_view>

namespace coffer::inline COFFER_ABI {

/// What a process's clocks say at one moment.
struct clock_reading {
    std::string_view boot;  ///< within which the steady clock counts; in another one its values mean nothing
    std::chrono::steady_clock::time_point steady;  ///< of that boot
    std::chrono::system_clock::time_point wall;  ///< which may be wrong
};

/// Trusted time as it was at the last observation. A value, shared by all who keep time by it: whatever each of them
/// observes, it never goes back, and in a stretch of time it moves on by no more than what the steady clock counts plus a
/// hundredth, a quarter of an hour, and the leads that were doubted for a day.
struct trusted_wall {
    using nanoseconds = std::chrono::nanoseconds;  ///< whatever unit it is given in
    using wall_time = std::chrono::system_clock::time_point;  ///< of the wall clock

    /// A lead that is believed at once: of a restart or a short suspension, and more than time services correct in a step.
    /// Less than half an hour, by which a wrong time zone is off.
    static constexpr nanoseconds most_slack = std::chrono::minutes{15};
    /// It is spent by what is believed at once, and comes back with time: a clock that runs a hundredth fast is believed.
    static constexpr int slack_returns_in = 100;
    /// A wrong clock is mended in seconds by a time service, in hours by people. What waits for this, expiry, counts weeks.
    static constexpr nanoseconds doubt_lasts = std::chrono::hours{24};
    /// Of the time between two observations no more than this counts: two looks a week apart are no week.
    static constexpr nanoseconds most_between = std::chrono::hours{6};

    std::string boot;  ///< of the last observation
    std::chrono::steady_clock::time_point steady;  ///< of the last observation, in that boot
    wall_time wall;  ///< trusted
    wall_time said;  ///< by the clock that was observed
    nanoseconds slack = most_slack;  ///< left
    nanoseconds doubted{};  ///< the least lead since doubt began; 0: no doubt
    nanoseconds doubted_for{};  ///< so long the lead has been doubted

    trusted_wall() = default;
    /// The first clock is believed: there is nothing to compare it with.
    explicit trusted_wall(clock_reading const& first);

    /// The trusted time at that moment. Across a reboot it stands still.
    [[nodiscard]] wall_time at(clock_reading const& r) const noexcept { return later(wall, since(r)); }
    /// How far that moment's wall clock is ahead of it; negative: behind.
    [[nodiscard]] nanoseconds lead_of(clock_reading const& r) const noexcept { return r.wall - at(r); }
    /// Steady time since the last observation; 0 if that was in another boot.
    [[nodiscard]] nanoseconds since(clock_reading const& r) const noexcept;
    /// A steady clock that went back is one of another machine, restored or moved.
    [[nodiscard]] bool is_comparable(clock_reading const& r) const noexcept {
        return r.boot == boot && r.steady >= steady;
    }

    /// Takes a reading into account, which may set trusted time forward. Readings may come late or from another boot.
    void observe(clock_reading const& r);
};

}  // namespace coffer::inline COFFER_ABI

#if !defined(COFFER_SEPARATE_COMPILATION)
#include <coffer/state/trusted_wall.ipp>
#endif
