// SPDX-License-Identifier: BSL-1.0
#pragma once
// The same work once more: the surest sign of a job that cannot succeed, long before its cost is. Pure.
//
// A storm under one key costs nothing, since the answer is replayed: `replay_storm` keeps it from being silent. A storm whose
// every run makes keys of its own pays each time: `duplicate_work` knows it by the fingerprint, or by the job's tag.
// Both ring at the third time, and again when it has become four times as often: of 21 runs, at the 3rd and the 12th.

#include <coffer/base/money.hpp>
#include <coffer/state/alarm.hpp>

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>

namespace coffer::inline COFFER_ABI {
namespace detail {

/// How often it has rung by then: once from `first` times on, twice from four times that.
constexpr int rings_by(std::int64_t times, std::int64_t first) noexcept {
    int rings = 0;
    for (; first > 0 && times >= first; times /= 4) ++rings;
    return rings;
}

}  // namespace detail

/// Rings when one key's answer is asked for again and again, and never acknowledged.
struct replay_storm_rule {
    std::int64_t replays = 3;  ///< of one key, since it was answered, without an acknowledgement

    /// `before` and `times`: how often it had been replayed, and has been. `key` as the store shows it; `saved`: what the
    /// answer had cost, and would have again.
    [[nodiscard]] std::optional<alarm_report> look(std::string const& scope, std::string const& key,
                                                   std::int64_t before, std::int64_t times, money saved,
                                                   std::chrono::system_clock::time_point now) const;
};

/// One piece of work, as often as it was paid for within the time that whoever counts looks back.
struct repeated_work {
    std::int64_t keys = 0;  ///< under which it was paid for
    money paid;  ///< for all of them
    money dearest;  ///< of them: what the work is worth
};

/// Rings when the same work is paid for under several keys.
struct duplicate_work_rule {
    std::int64_t keys = 3;  ///< under which it was paid for
    money wasted = money::from_nano(money::nano_per_usd / 10);  ///< less than this, $0.10, is no alarm
    std::chrono::hours within{24};  ///< keys of so long ago count; it rings anew each such time

    /// After the work was paid for once more. `work`: the fingerprint's digest, or a job's tag.
    [[nodiscard]] std::optional<alarm_report> look(std::string const& scope, std::string const& work,
                                                   repeated_work const& before, repeated_work const& after,
                                                   std::chrono::system_clock::time_point now) const;

private:
    [[nodiscard]] int rings_by(repeated_work const& w) const noexcept;
};

}  // namespace coffer::inline COFFER_ABI

#if !defined(COFFER_SEPARATE_COMPILATION)
#include <coffer/state/repetition.ipp>
#endif
