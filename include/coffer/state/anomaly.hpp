// SPDX-License-Identifier: BSL-1.0
#pragma once
// Far more than a scope usually spends: by amounts alone, hour by hour. Pure, the time passed in; no floating point.
//
//     coffer::anomaly_watch watch{"team/search"};
//     if (auto alarm = watch.spent(cost, now)) ...             // at each settle
//
// It looks at the last 2, 6 and 24 clock hours, the present one among them, and rings when one of these stretches has cost
// more than its allowance. The allowance of a stretch is the largest of
//
//   - 2.5 times what it cost at this hour before, an hour early or late included: the second most of the last four weeks at
//     this hour of the week, or what it was a month ago. So neither summer time nor one bad week counts;
//   - 2.5 times the usual day's peak, the most that any such stretch cost on a day: of the last 33 days the third highest, so
//     that a launch or a storm of two days does not count as usual;
//   - an amount that nobody need look at; for a scope younger than a month, of which not everything is known, an absolute rate.
//
// So three runs of a repeating job are found at the third if they cost more than the allowance of a stretch that holds them:
// within an hour that of 2 hours, within 5 hours that of 6, within 23 hours that of 24. A run that costs as much as the
// scope's usual peak is found; a job repeated below that is for `duplicate_work` to find.
//
// After an alarm it is silent for a day, and for thirty days the next one needs four times as much: a launch that somebody has
// looked at is not announced daily. In a scope's first two days it rings once.

#include <coffer/base/later.hpp>
#include <coffer/base/money.hpp>
#include <coffer/state/alarm.hpp>
#include <coffer/state/spend_history.hpp>

#include <algorithm>
#include <array>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <optional>
#include <string>
#include <utility>

namespace coffer::inline COFFER_ABI {

/// The stretches that are looked at, in clock hours.
inline constexpr std::array<spend_history::cell, 3> anomaly_stretches{2, 6, 24};

using anomaly_amounts = std::array<money, anomaly_stretches.size()>;  ///< one for each stretch

/// How much is far too much for one scope.
struct anomaly_options {
    money at_least = money::from_nano(money::nano_per_usd);  ///< less in a stretch is never an anomaly: $1
    /// What a scope younger than a month may spend in each stretch: $5 in 2 hours, $10 in 6, $20 in 24.
    anomaly_amounts new_scope{money::from_nano(5 * money::nano_per_usd), money::from_nano(10 * money::nano_per_usd),
                              money::from_nano(20 * money::nano_per_usd)};
    int percent_of_hour = 250;  ///< of what the same hour cost before
    int percent_of_peak = 250;  ///< of the usual day's peak
    std::chrono::hours quiet = std::chrono::hours{24};  ///< after an alarm, whose cause is being looked at
    std::chrono::hours remembers =
        std::chrono::hours{30 * 24};  ///< after an alarm the next one needs four times as much
};

/// What is remembered of the last alarm: to be kept with the history.
struct anomaly_memory {
    std::chrono::system_clock::time_point rang;  ///< the wall clock's time; the epoch: never yet
    int alarms = 0;  ///< each less than `anomaly_options::remembers` after the one before
    friend bool operator==(anomaly_memory const&, anomaly_memory const&) = default;
};

/// What the stretch that ends with the hour of `now` may cost. Some microseconds; constant within an hour.
[[nodiscard]] money anomaly_allowance(spend_history const& history, std::size_t stretch,
                                      std::chrono::system_clock::time_point now, anomaly_options const& options = {});

/// Watches one scope. A value, not synchronised.
class anomaly_watch {
public:
    using time_point = std::chrono::system_clock::time_point;  ///< of the wall clock

    /// With what was kept of it, if anything was.
    explicit anomaly_watch(std::string scope, anomaly_options options = {}, spend_history history = {},
                           anomaly_memory memory = {});

    /// Books an amount at `now`, and looks.
    [[nodiscard]] std::optional<alarm_report> spent(money amount, time_point now);
    /// Looks without booking anything, after `history()` has changed otherwise.
    [[nodiscard]] std::optional<alarm_report> look(time_point now);

    /// How much of an allowance the next alarm needs, in percent: 100, and four times as much for each alarm of late.
    [[nodiscard]] std::int64_t percent_needed(time_point now) const noexcept;

    /// Whose spending it is.
    [[nodiscard]] std::string const& scope() const noexcept { return scope_; }
    /// Of hours. To be added to as money is settled, and kept with the scope.
    [[nodiscard]] spend_history& history() noexcept { return history_; }
    /// The same, to be read.
    [[nodiscard]] spend_history const& history() const noexcept { return history_; }
    /// To be kept with the history.
    [[nodiscard]] anomaly_memory const& memory() const noexcept { return memory_; }

private:
    std::string scope_;
    anomaly_options options_;
    spend_history history_;
    anomaly_memory memory_;
    [[nodiscard]] bool remembers_alarms(time_point now) const noexcept;

    // Of the present hour, as far as it was asked for: the allowance, and what is quicker to know and not more than it.
    struct known_allowance {
        std::optional<money> least;
        std::optional<money> whole;
    };
    spend_history::cell known_for_ = std::numeric_limits<spend_history::cell>::min();
    std::array<known_allowance, anomaly_stretches.size()> known_;
};

namespace detail {

money percent_of(money m, std::int64_t percent) noexcept;

/// The n-th largest, or the smallest if there are fewer; zero of none. Negative amounts are corrections, and count as zero.
template <std::size_t Most>
class largest_few {
public:
    void take(money m) noexcept {
        for (auto& kept : kept_)
            if (m > kept) std::swap(m, kept);
        count_ += 1;
    }
    [[nodiscard]] money nth(std::size_t n) const noexcept {
        return count_ == 0 ? money{} : kept_[std::min(n, count_) - 1];
    }
    [[nodiscard]] std::size_t count() const noexcept { return count_; }

private:
    std::array<money, Most> kept_{};
    std::size_t count_ = 0;
};

/// Of the same hour, an hour early or late included: of the week the second most of the last four, which of one week only is
/// that week's; and of the month before, however long that was.
money usual_hour(spend_history const& history, spend_history::cell hour, spend_history::cell stretch) noexcept;

/// The most that a stretch cost on a day, the last 24 hours left out: of 33 days the third highest, of less than a month the
/// highest.
money usual_peak(spend_history const& history, spend_history::cell hour, spend_history::cell stretch) noexcept;

/// The allowance but for the usual peak.
money least_allowance(spend_history const& history, std::size_t stretch, spend_history::cell hour,
                      anomaly_options const& options);

}  // namespace detail

}  // namespace coffer::inline COFFER_ABI

#if !defined(COFFER_SEPARATE_COMPILATION)
#include <coffer/state/anomaly.ipp>
#endif
