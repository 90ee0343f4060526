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
#include <bit>
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
                           anomaly_memory memory = {})
        : scope_{std::move(scope)}, options_{options}, history_{std::move(history)}, memory_{memory} {}

    /// Books an amount at `now`, and looks.
    [[nodiscard]] std::optional<alarm_report> spent(money amount, time_point now) {
        history_.add(now, amount);
        return look(now);
    }
    /// Looks without booking anything, after `history()` has changed otherwise.
    [[nodiscard]] std::optional<alarm_report> look(time_point now);

    /// How much of an allowance the next alarm needs, in percent: 100, and four times as much for each alarm of late.
    [[nodiscard]] std::int64_t percent_needed(time_point now) const noexcept {
        std::int64_t percent = 100;
        for (auto alarms = remembers_alarms(now) ? std::min(memory_.alarms, 20) : 0; alarms > 0; --alarms) percent *= 4;
        return percent;
    }

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
    [[nodiscard]] bool remembers_alarms(time_point now) const noexcept {
        // An alarm of the future rang by a clock that was wrong.
        bool const has_been = memory_.rang <= later(now, std::chrono::hours{1});
        return memory_.alarms > 0 && has_been && now - memory_.rang < options_.remembers;
    }

    // Of the present hour, as far as it was asked for: the allowance, and what is quicker to know and not more than it.
    struct known_allowance {
        std::optional<money> least;
        std::optional<money> whole;
    };
    spend_history::cell known_for_ = std::numeric_limits<spend_history::cell>::min();
    std::array<known_allowance, anomaly_stretches.size()> known_;
};

namespace detail {

inline money percent_of(money m, std::int64_t percent) noexcept {
    return money::from_nano(saturate(wide_int{m.nano()} * percent / 100));
}

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
inline money usual_hour(spend_history const& history, spend_history::cell hour, spend_history::cell stretch) noexcept {
    constexpr spend_history::cell day = 24;
    auto const about = [&history, stretch](spend_history::cell end) {
        return std::max({history.sum(end - 1, stretch), history.sum(end, stretch), history.sum(end + 1, stretch)});
    };
    largest_few<2> weeks;
    for (auto ago = 7 * day; ago <= 28 * day && hour - ago - stretch >= history.first(); ago += 7 * day)
        weeks.take(about(hour - ago));
    auto usual = weeks.nth(2);
    for (auto ago = 28 * day; ago <= 31 * day; ago += day) usual = std::max(usual, about(hour - ago));
    return usual;
}

/// The most that a stretch cost on a day, the last 24 hours left out: of 33 days the third highest, of less than a month the
/// highest.
inline money usual_peak(spend_history const& history, spend_history::cell hour, spend_history::cell stretch) noexcept {
    constexpr spend_history::cell day = 24;
    constexpr auto days = static_cast<spend_history::cell>(spend_history::size) / day - 2;
    auto const nano_at = [&history](spend_history::cell c) { return history.at(c).nano(); };
    largest_few<3> peaks;
    auto end = hour - day;
    wide_int sum = 0;
    for (spend_history::cell back = 0; back < stretch; ++back) sum += nano_at(end - back);
    for (spend_history::cell d = 0; d < days && end >= history.first(); ++d) {
        wide_int most = 0;
        for (spend_history::cell back = 0; back < day; ++back, --end) {
            most = std::max(most, sum);
            sum += wide_int{nano_at(end - stretch)} - nano_at(end);
        }
        peaks.take(money::from_nano(saturate(most)));
    }
    return peaks.nth(peaks.count() < 30 ? 1 : 3);
}

/// The allowance but for the usual peak.
inline money least_allowance(spend_history const& history, std::size_t stretch, spend_history::cell hour,
                             anomaly_options const& options) {
    if (history.empty()) return std::max(options.at_least, options.new_scope[stretch]);
    auto const is_new = hour - history.first() < 31 * 24;
    auto const usual = usual_hour(history, hour, anomaly_stretches[stretch]);
    return std::max(
        {options.at_least, is_new ? options.new_scope[stretch] : money{}, percent_of(usual, options.percent_of_hour)});
}

}  // namespace detail

inline money anomaly_allowance(spend_history const& history, std::size_t stretch,
                               std::chrono::system_clock::time_point now, anomaly_options const& options) {
    auto const hour = spend_history::cell_of(now);
    auto const least = detail::least_allowance(history, stretch, hour, options);
    if (history.empty()) return least;
    return std::max(least, detail::percent_of(detail::usual_peak(history, hour, anomaly_stretches[stretch]),
                                              options.percent_of_peak));
}

inline std::optional<alarm_report> anomaly_watch::look(time_point now) {
    auto const hour = spend_history::cell_of(now);
    if (hour != known_for_) {
        known_for_ = hour;
        known_ = {};
    }
    // Of a scope's first two days nothing is known but that it is new: that is said once.
    auto const nothing_new = hour - history_.first() < 2 * 24 || now - memory_.rang < options_.quiet;
    if (remembers_alarms(now) && nothing_new) return {};
    auto const needed = percent_needed(now);
    auto const announced =
        remembers_alarms(now) ? spend_history::cell_of(later(memory_.rang, options_.quiet)) : history_.first() - 1;
    for (std::size_t i = 0; i < known_.size(); ++i) {
        auto const amount = history_.sum(hour, std::min(anomaly_stretches[i], hour - announced));
        auto const more_than = [amount, needed](money m) { return amount > detail::percent_of(m, needed); };
        auto& [least, allowed] = known_[i];
        if (!more_than(options_.at_least)) continue;
        if (!least) least = detail::least_allowance(history_, i, hour, options_);
        if (!more_than(*least)) continue;
        if (!allowed) allowed = anomaly_allowance(history_, i, now, options_);
        if (!more_than(*allowed)) continue;
        memory_ = {now, remembers_alarms(now) ? memory_.alarms + 1 : 1};
        auto const hours = std::to_string(anomaly_stretches[i]);
        return alarm_report{
            alarm_kind::anomaly,
            memory_.alarms > 1 ? alarm_severity::critical : alarm_severity::warning,
            scope_,
            "",
            amount,
            *allowed,
            now,
            "anomaly|" + scope_ + "|" + std::to_string(hour) + "|" + std::to_string(memory_.alarms),
            scope_ + " has spent " + in_dollars(amount) + " within " + hours + " hours; not more than " +
                in_dollars(*allowed) +
                " was to be expected. Look whether a job repeats itself, and freeze the scope if it does."};
    }
    return {};
}

}  // namespace coffer::inline COFFER_ABI
