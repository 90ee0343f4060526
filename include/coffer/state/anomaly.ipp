// SPDX-License-Identifier: BSL-1.0
#pragma once
// Definitions of anomaly.hpp.

#include <coffer/state/anomaly.hpp>

namespace coffer::inline COFFER_ABI {

COFFER_INLINE anomaly_watch::anomaly_watch(std::string scope, anomaly_options options, spend_history history,
                                           anomaly_memory memory)
    : scope_{std::move(scope)}, options_{options}, history_{std::move(history)}, memory_{memory} {}

COFFER_INLINE std::optional<alarm_report> anomaly_watch::spent(money amount, time_point now) {
    history_.add(now, amount);
    return look(now);
}

COFFER_INLINE std::int64_t anomaly_watch::percent_needed(time_point now) const noexcept {
    std::int64_t percent = 100;
    for (auto alarms = remembers_alarms(now) ? std::min(memory_.alarms, 20) : 0; alarms > 0; --alarms) percent *= 4;
    return percent;
}

COFFER_INLINE bool anomaly_watch::remembers_alarms(time_point now) const noexcept {
    // An alarm of the future rang by a clock that was wrong.
    bool const has_been = memory_.rang <= later(now, std::chrono::hours{1});
    return memory_.alarms > 0 && has_been && now - memory_.rang < options_.remembers;
}

namespace detail {

COFFER_INLINE money percent_of(money m, std::int64_t percent) noexcept {
    return money::from_nano(saturate(wide_int{m.nano()} * percent / 100));
}

COFFER_INLINE money usual_hour(spend_history const& history, spend_history::cell hour,
                               spend_history::cell stretch) noexcept {
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

COFFER_INLINE money usual_peak(spend_history const& history, spend_history::cell hour,
                               spend_history::cell stretch) noexcept {
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

COFFER_INLINE money least_allowance(spend_history const& history, std::size_t stretch, spend_history::cell hour,
                                    anomaly_options const& options) {
    if (history.empty()) return std::max(options.at_least, options.new_scope[stretch]);
    auto const is_new = hour - history.first() < 31 * 24;
    auto const usual = usual_hour(history, hour, anomaly_stretches[stretch]);
    return std::max(
        {options.at_least, is_new ? options.new_scope[stretch] : money{}, percent_of(usual, options.percent_of_hour)});
}

}  // namespace detail

COFFER_INLINE money anomaly_allowance(spend_history const& history, std::size_t stretch,
                                      std::chrono::system_clock::time_point now, anomaly_options const& options) {
    auto const hour = spend_history::cell_of(now);
    auto const least = detail::least_allowance(history, stretch, hour, options);
    if (history.empty()) return least;
    return std::max(least, detail::percent_of(detail::usual_peak(history, hour, anomaly_stretches[stretch]),
                                              options.percent_of_peak));
}

COFFER_INLINE std::optional<alarm_report> anomaly_watch::look(time_point now) {
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
