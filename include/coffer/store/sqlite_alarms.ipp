// SPDX-License-Identifier: BSL-1.0
#pragma once
// Definitions of sqlite_alarms.hpp.

#include <coffer/store/sqlite_alarms.hpp>

namespace coffer::inline COFFER_ABI::sqlite::detail {

COFFER_INLINE std::vector<kept_alarm> file_alarms::take(std::size_t most, std::chrono::nanoseconds lease,
                                                        time_point now) {
    std::vector<kept_alarm> all;
    {
        // A clock that was set back must not keep an alarm from being heard.
        auto const r = due_.with(ledger_rows::count(now),
                                 ledger_rows::count(later(now, coffer::detail::longest_alarm_pause)), most);
        while (r.next()) all.push_back(read(r));
    }
    for (auto& a : all) taken_.run(ledger_rows::count(later(now, lease)), std::string_view{a.what.id});
    return all;
}

COFFER_INLINE void file_alarms::delivered(std::string const& id, time_point now) {
    delivered_.run(ledger_rows::count(now), std::string_view{id});
}

COFFER_INLINE void file_alarms::failed(std::string const& id, std::string const& trouble,
                                       std::chrono::nanoseconds pause, time_point now) {
    auto const until = later(now, std::min<std::chrono::nanoseconds>(pause, coffer::detail::longest_alarm_pause));
    failed_.run(ledger_rows::count(until), std::string_view{trouble}, std::string_view{id});
}

COFFER_INLINE std::vector<kept_alarm> file_alarms::list(alarm_filter const& f) {
    std::vector<kept_alarm> all;
    auto const r = all_.with(ledger_rows::count(f.from));
    while (all.size() < f.limit && r.next()) {
        auto a = read(r);
        if (f.wants(a)) all.push_back(std::move(a));
    }
    return all;
}

COFFER_INLINE void file_alarms::note_replay(record_id const& id, std::optional<money> saved, time_point now) {
    if (!watched_ && !(watched_ = last_look().has_value())) return;
    note_replay_.run(as_blob(id.digest), std::string_view{id.name_space},
                     saved ? std::optional{saved->nano()} : std::nullopt, ledger_rows::count(now),
                     coffer::detail::most_replays_counted);
}

COFFER_INLINE void file_alarms::forget(time_point now, std::chrono::nanoseconds entries_kept) {
    facts_.forget_hours(now);
    drop_replays_.run(ledger_rows::count(now - replays_kept));
    drop_alarms_.run(ledger_rows::count(now - std::max<std::chrono::nanoseconds>(alarms_kept, entries_kept)));
}

COFFER_INLINE bool file_alarms::any_to_forget(time_point now) {
    if (facts_.any_old_hours(now)) return true;
    auto const r = old_replays_.with(ledger_rows::count(now - replays_kept));
    return r.next();
}

COFFER_INLINE std::optional<file_alarms::time_point> file_alarms::last_look() {
    auto const r = last_look_.with();
    return r.next() ? std::optional{ledger_rows::wall_at(r.integer())} : std::nullopt;
}

COFFER_INLINE std::vector<alarm_report> file_alarms::without_freeze(time_point now) {
    std::vector<alarm_report> all;
    auto const r = without_freeze_.with(ledger_rows::count(now - freezes_within));
    while (r.next()) all.push_back(read(r).what);
    return all;
}

COFFER_INLINE bool file_alarms::is_known(std::string const& id) {
    auto const r = known_.with(std::string_view{id});
    return r.next();
}

COFFER_INLINE void file_alarms::keep(alarm_report const& a, alarm_state state) {
    insert_.run(std::string_view{a.id}, to_string(state), to_string(a.kind), to_string(a.severity),
                std::string_view{a.scope}, std::string_view{a.window}, a.amount.nano(), a.against.nano(),
                std::string_view{a.sentence}, ledger_rows::count(a.when));
}

COFFER_INLINE std::map<std::string, anomaly_memory> file_alarms::remembered(anomaly_options const& options,
                                                                            time_point now) {
    std::map<std::string, anomaly_memory> all;
    auto const r = anomalies_.with(ledger_rows::count(now - 2 * options.remembers));
    while (r.next()) {
        auto& m = all[std::string{r.bytes()}];
        auto const rang = ledger_rows::wall_at(r.integer());
        m = {rang, m.alarms > 0 && rang - m.rang < options.remembers ? m.alarms + 1 : 1};
    }
    return all;
}

COFFER_INLINE kept_alarm file_alarms::read(statement::rows const& r) {
    kept_alarm a;
    a.what.id = r.bytes();
    a.state = state_from_text(r.bytes(), alarm_state::covered).value_or(alarm_state::due);
    a.what.kind = state_from_text(r.bytes(), alarm_kind::denial).value_or(alarm_kind::threshold);
    a.what.severity = state_from_text(r.bytes(), alarm_severity::critical).value_or(alarm_severity::critical);
    a.what.scope = r.bytes();
    a.what.window = r.bytes();
    a.what.amount = money::from_nano(r.integer());
    a.what.against = money::from_nano(r.integer());
    a.what.sentence = r.bytes();
    a.what.when = ledger_rows::wall_at(r.integer());
    a.tries = r.as<int>();
    a.delivered = ledger_rows::wall_at(r.integer());
    a.trouble = r.bytes();
    return a;
}

COFFER_INLINE std::string file_alarms::alarms_where(std::string_view condition) {
    return "SELECT id, state, kind, severity, scope, window, amount, against, sentence, found, tries, "
           "coalesce(delivered, 0), trouble FROM alarms WHERE " +
           std::string{condition};
}

}  // namespace coffer::inline COFFER_ABI::sqlite::detail
