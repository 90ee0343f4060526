// SPDX-License-Identifier: BSL-1.0
#pragma once
// Definitions of burn_rate.hpp.

#include <coffer/state/burn_rate.hpp>

#include <algorithm>

namespace coffer::inline COFFER_ABI {

COFFER_INLINE std::vector<burn_rate_pair> const& burn_rate_rule::pairs_for(window const& over) const {
    static std::vector<burn_rate_pair> const none;
    auto const length = over.length();
    if (over.kind() == window_kind::month || length >= std::chrono::days{7}) return of_month;
    return over.kind() == window_kind::day || length >= std::chrono::hours{12} ? of_day : none;
}

COFFER_INLINE std::chrono::seconds burn_rate_rule::lasts(window_at const& where) {
    if (where.over.kind() == window_kind::rolling) return where.over.length();
    return std::chrono::ceil<std::chrono::seconds>(where.span.end - where.span.start);
}

COFFER_INLINE bool burn_rate_rule::burns(money spent, std::chrono::minutes m, int tenths, window_at const& where,
                                         money limit) {
    return detail::wide_int{spent.nano()} * lasts(where).count() * 10 >=
           detail::wide_int{limit.nano()} * tenths * std::chrono::seconds{m}.count();
}

COFFER_INLINE bool burn_rate_rule::may_ring(window_at const& where, commitment const& present,
                                            spend_history const& hours, std::chrono::system_clock::time_point since,
                                            std::chrono::system_clock::time_point now) const {
    if (present.limit <= money{} || present.committed >= present.limit) return false;
    auto const& pairs = pairs_for(where.over);
    return std::any_of(pairs.begin(), pairs.end(), [&](burn_rate_pair const& pair) {
        auto const last = spend_history::cell_of(now);
        auto const first = spend_history::cell_of(since - pair.longer);
        return burns(hours.sum(last, last - first + 1), pair.longer, pair.tenths, where, present.limit);
    });
}

COFFER_INLINE std::optional<alarm_report> burn_rate_rule::look(std::string const& scope, window_at const& where,
                                                               commitment const& present, spend_trail const& trail,
                                                               std::chrono::system_clock::time_point now) const {
    auto const& [over, span] = where;
    auto const& pairs = pairs_for(over);
    if (pairs.empty() || present.limit <= money{} || present.committed >= present.limit)
        return {};  // the threshold says it
    using std::chrono::seconds;
    auto const rolls = over.kind() == window_kind::rolling;
    auto const left = rolls ? over.length() : std::chrono::ceil<seconds>(span.end - now);
    auto const minute = spend_trail::cell_of(now);
    for (auto const& pair : pairs) {
        auto const reached = [&](std::chrono::minutes m) {
            return burns(trail.sum(minute, m.count()), m, pair.tenths, where, present.limit);
        };
        auto const longer = detail::wide_int{trail.sum(minute, pair.longer.count()).nano()};
        auto const to_limit = detail::wide_int{present.limit.nano()} - present.committed.nano();
        if (!reached(pair.longer) || !reached(pair.shorter) ||
            longer * left.count() < to_limit * seconds{pair.longer}.count())
            continue;
        auto const minutes_left = detail::saturate(to_limit * pair.longer.count() / longer);
        auto const rate = money::from_nano(detail::saturate(longer));
        return alarm_report{
            alarm_kind::burn_rate,
            alarm_severity::critical,
            scope,
            over.text(),
            rate,
            present.limit,
            now,
            detail::alarm_id(alarm_kind::burn_rate, scope, where, now,
                             std::to_string(pair.longer.count()) + "min of " + std::to_string(present.limit.nano())),
            scope + " has spent " + in_dollars(rate) + " in " + std::to_string(pair.longer.count()) +
                " minutes; at this pace its limit of " + in_dollars(present.limit) + " for " +
                over.describe(span.start) + " is reached in " + std::to_string(minutes_left) +
                " minutes. Look what spends it, and freeze the scope if nobody knows."};
    }
    return {};
}

}  // namespace coffer::inline COFFER_ABI
