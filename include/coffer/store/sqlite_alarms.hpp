// SPDX-License-Identifier: BSL-1.0
#pragma once
// Alarms in a store's file: they are looked for, and wait in an outbox for their delivery. Each operation within a
// transaction.

#include <coffer/base/later.hpp>
#include <coffer/state/alarm_search.hpp>
#include <coffer/state/recent_denials.hpp>
#include <coffer/store/alarm_outbox.hpp>
#include <coffer/store/record_text.hpp>
#include <coffer/store/sqlite_alarm_facts.hpp>
#include <coffer/store/sqlite_connection.hpp>
#include <coffer/store/sqlite_ledger_rows.hpp>

#include <algorithm>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace coffer::inline COFFER_ABI::sqlite::detail {

/// Used by the store's thread.
class file_alarms {
public:
    using time_point = std::chrono::system_clock::time_point;

    explicit file_alarms(connection& db) : facts_{db}, db_{db} {}

    /// Finds what is new, and keeps it. `freeze(scope, reason)` is called for what is to be frozen.
    template <class Freeze>
    [[nodiscard]] std::size_t look(alarm_watch const& watch, time_point now, Freeze const& freeze) {
        auto const noted = last_look();
        auto const last = std::min(noted.value_or(now), now);
        alarm_search search{watch, last, now, [this](std::string const& id) { return is_known(id); }};
        facts_.follow_spending(now);
        auto const& spending = facts_.spending();
        auto memories = remembered(watch.rules.anomaly, now);
        std::vector<watched_limit> fast;
        for (auto& limit : facts_.limits(last, now)) {
            search.look_at_limit(limit);
            search.look_at_overrun(limit);
            auto const at = spending.find(limit.scope);
            if (at != spending.end() &&
                watch.rules.burn_rate.may_ring(limit.where, limit.stands, at->second, search.pace_since(), now))
                fast.push_back(std::move(limit));
        }
        if (!fast.empty()) {
            auto trails = facts_.trails(now);
            for (auto const& limit : fast) search.look_at_pace(limit, trails[limit.scope]);
        }
        for (auto const& [scope, hours] : spending) {
            anomaly_watch watched{scope, watch.rules.anomaly, hours, memories[scope]};
            search.look_at_spending(watched);
        }
        search.look_at_replays(facts_.replays(last));
        search.look_at_jobs(facts_.stopped_jobs(noted ? last - looks_overlap : time_point::min()));
        denials_.for_each(now, [&](budget_denial const& d) { search.look_at_denial(d); });
        search.look_at_work(facts_.paid_again(watch.rules.duplicate_work, last, now));

        auto const found = search.take();
        coffer::detail::keep_all(found, [this](alarm_report const& a, alarm_state s) { keep(a, s); });
        if (!watch.freeze.empty()) {
            auto const rung = without_freeze(now);
            for (auto const* const a : freezing(watch, rung)) {
                freeze(a->scope, a->sentence);
                froze_.run(ledger_rows::count(now), std::string_view{a->id});
            }
        }
        watched_ = true;
        if (!noted || !found.empty() || now - last >= looks_are_noted || *noted > now)
            note_look_.run(ledger_rows::count(now));
        return found.size();
    }

    [[nodiscard]] std::vector<kept_alarm> take(std::size_t most, std::chrono::nanoseconds lease, time_point now);
    void delivered(std::string const& id, time_point now);
    void failed(std::string const& id, std::string const& trouble, std::chrono::nanoseconds pause, time_point now);
    [[nodiscard]] std::vector<kept_alarm> list(alarm_filter const& f);

    /// A budget has refused a call.
    void note_denial(budget_denial const& d, time_point now) { denials_.note(d, now); }
    /// An answer was replayed that nobody has acknowledged. Written down only where somebody looks for alarms.
    void note_replay(record_id const& id, std::optional<money> saved, time_point now);
    void acknowledged(record_id const& id) { forget_replays_.run(as_blob(id.digest)); }

    /// What no rule asks for any more goes. An alarm of a lifetime's limit stays: it must not ring again.
    void forget(time_point now, std::chrono::nanoseconds entries_kept);
    /// Is there anything to forget? Reads only.
    [[nodiscard]] bool any_to_forget(time_point now);

private:
    static constexpr auto looks_are_noted = std::chrono::minutes{1};
    static constexpr auto looks_overlap = std::chrono::minutes{15};  // clocks of processes differ
    static constexpr auto alarms_kept = std::chrono::days{400};
    static constexpr auto replays_kept = std::chrono::days{40};  // longer than an answer that nobody acknowledges

    /// When the file was looked through before; nothing for the first time.
    [[nodiscard]] std::optional<time_point> last_look();
    /// Alarms of late that have frozen nothing yet.
    [[nodiscard]] std::vector<alarm_report> without_freeze(time_point now);
    [[nodiscard]] bool is_known(std::string const& id);
    void keep(alarm_report const& a, alarm_state state);

    /// What an anomaly's rule remembers, from the alarms that have rung.
    [[nodiscard]] std::map<std::string, anomaly_memory> remembered(anomaly_options const& options, time_point now);
    [[nodiscard]] static kept_alarm read(statement::rows const& r);
    [[nodiscard]] static std::string alarms_where(std::string_view condition);
    alarm_facts facts_;
    recent_denials denials_;
    bool watched_ = false;  // has anybody ever looked?
    connection& db_;

    statement last_look_{db_, "SELECT value FROM meta WHERE name='alarms_looked'"};
    statement note_look_{db_,
                         "INSERT INTO meta(name, value) VALUES('alarms_looked', ?) "
                         "ON CONFLICT(name) DO UPDATE SET value=excluded.value"};
    statement known_{db_, "SELECT 1 FROM alarms WHERE id=?"};
    statement insert_{db_,
                      "INSERT INTO alarms(id, state, kind, severity, scope, window, amount, against, sentence, found, "
                      "due, tries) VALUES(?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?10, 0) ON CONFLICT(id) DO NOTHING"};
    statement due_{db_, alarms_where("state='due' AND (due<=?1 OR due>?2) ORDER BY due, id LIMIT ?3")};
    statement without_freeze_{db_, alarms_where("found>=? AND froze IS NULL AND state<>'covered'")};
    statement froze_{db_, "UPDATE alarms SET froze=? WHERE id=?"};
    statement taken_{db_, "UPDATE alarms SET due=?, tries=tries+1 WHERE id=?"};
    statement delivered_{db_, "UPDATE alarms SET state='delivered', delivered=?, trouble=NULL WHERE id=?"};
    statement failed_{db_, "UPDATE alarms SET due=?, trouble=? WHERE id=? AND state='due'"};
    statement all_{db_, alarms_where("found>=? ORDER BY found DESC, id")};
    statement anomalies_{db_, "SELECT scope, found FROM alarms WHERE kind='anomaly' AND found>=? ORDER BY found"};
    statement note_replay_{db_,
                           "INSERT INTO replays(record, ns, times, saved, last) VALUES(?1, ?2, 1, ?3, ?4) "
                           "ON CONFLICT(record) DO UPDATE SET times=times+1, last=?4 WHERE times<?5"};
    statement forget_replays_{db_, "DELETE FROM replays WHERE record=?"};
    statement old_replays_{db_, "SELECT 1 FROM replays WHERE last<? LIMIT 1"};
    statement drop_replays_{db_, "DELETE FROM replays WHERE last<?"};
    statement drop_alarms_{db_, "DELETE FROM alarms WHERE found<? AND state<>'due' AND window<>'lifetime'"};
};

}  // namespace coffer::inline COFFER_ABI::sqlite::detail

#if !defined(COFFER_SEPARATE_COMPILATION)
#include <coffer/store/sqlite_alarms.ipp>
#endif
